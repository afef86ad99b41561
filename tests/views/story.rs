//! Random steps, and what must hold behind each.

use crate::rig::Random;
use crate::support::direct::Direct;
use crate::support::script::{AccountSetup, DoorKind, Setup};
use crate::support::wire::{House, Lines, Wire};
use crate::support::world::World;

use super::client::{Client, Known};
use super::model::{Folder, Marks, numbers, set};

const FOLDERS: [&str; 2] = ["INBOX", "Other"];
const MARKS: [&str; 7] = ["\\Seen", "\\Answered", "\\Flagged", "\\Deleted", "\\Draft", "$Forwarded", "work"];
/// Steps that a failure shows.
const PAST: usize = 12;

/// Sessions and the mailbox that they share.
pub(super) struct Story {
    world: World,
    house: Direct,
    random: Random,
    clients: Vec<Client>,
    /// Which of [`FOLDERS`] each client has selected.
    places: Vec<usize>,
    folders: [Folder; 2],
    past: Vec<String>,
}

impl Story {
    pub(super) async fn begin(random: Random) -> Story {
        let account = AccountSetup { address: "a@demo.test".into(), password: "secret".into(), on: true };
        let setup = Setup { domains: vec!["demo.test".into()], accounts: vec![account], ..Setup::default() };
        let world = World::start(&setup).await;
        let mut house = Direct::new(&world, DoorKind::Imaps);
        let mut clients = Vec::new();
        for n in 0..4 {
            clients.push(Client::log_in(&mut house, n % 2 == 1).await.expect("logged in"));
        }
        clients[0].ok(&format!("CREATE {}", FOLDERS[1])).await.expect("made");
        let places = vec![0, 0, 0, 1];
        for (client, place) in clients.iter_mut().zip(&places) {
            client.select(FOLDERS[*place]).await.expect("selected");
        }
        Story { world, house, random, clients, places, folders: Default::default(), past: Vec::new() }
    }

    pub(super) async fn end(self) {
        let Story { world, clients, house, .. } = self;
        drop((clients, house));
        world.stop().await;
    }

    /// The last steps.
    pub(super) fn past(&self) -> String {
        self.past[self.past.len().saturating_sub(PAST)..].join("\n")
    }

    fn tell(&mut self, step: String) {
        self.past.push(step);
    }

    /// One random step.
    pub(super) async fn step(&mut self) -> Result<(), String> {
        let who = self.random.below(self.clients.len());
        if self.clients[who].idling {
            return self.look_or_end_idle(who).await;
        }
        match self.random.below(24) {
            0..=3 => self.append(who).await?,
            4..=8 => self.store(who).await?,
            9 | 10 => self.expunge(who).await?,
            11 | 12 => self.copy(who, false).await?,
            13 => self.copy(who, true).await?,
            14 => self.search(who).await?,
            15 => self.fetch(who).await?,
            16 => self.again(who).await?,
            17 => self.resynchronise(who).await?,
            18 => self.pop3().await?,
            19 => {
                self.tell(format!("{who}: IDLE"));
                self.clients[who].idle().await?;
            }
            20 if self.folders[self.places[who]].letters.len() > 40 => self.clear(who).await?,
            _ => self.noop(who).await?,
        }
        self.learn_all().await?;
        (0..self.clients.len()).try_for_each(|who| self.hold(who))
    }

    /// Whoever was told that letters came asks what they are, before anything else happens.
    async fn learn_all(&mut self) -> Result<(), String> {
        for who in 0..self.clients.len() {
            if !self.clients[who].idling {
                self.clients[who].learn().await.map_err(|why| format!("client {who}: {why}"))?;
            }
        }
        Ok(())
    }

    /// What a client knows may be old, but never wrong: its letters were there, in the order of their UIDs.
    fn hold(&self, who: usize) -> Result<(), String> {
        let (client, folder) = (&self.clients[who], &self.folders[self.places[who]]);
        let uids: Vec<u32> = client.view.iter().filter_map(|known| known.uid).collect();
        if !uids.is_sorted_by(|a, b| a < b) || uids.last().is_some_and(|last| *last > folder.last) {
            return Err(format!("client {who} knows {uids:?}"));
        }
        Ok(())
    }

    /// The client has been told everything: it knows what is there, and nothing else.
    fn equal(&self, who: usize) -> Result<(), String> {
        let folder = &self.folders[self.places[who]];
        let known = |known: &Known| Some((known.uid?, known.marks.clone()?));
        let view: Option<Vec<(u32, Marks)>> = self.clients[who].view.iter().map(known).collect();
        let truth: Vec<(u32, Marks)> =
            folder.letters.iter().map(|(uid, marks)| (*uid, marks.clone())).collect();
        match view {
            Some(view) if view == truth => Ok(()),
            view => Err(format!("client {who} knows {view:?}\nand there is {truth:?}")),
        }
    }

    async fn noop(&mut self, who: usize) -> Result<(), String> {
        self.tell(format!("{who}: NOOP"));
        self.clients[who].ok("NOOP").await?;
        self.clients[who].learn().await?;
        self.equal(who)
    }

    fn some_marks(&mut self) -> Marks {
        let random = &mut self.random;
        MARKS.iter().filter(|_| random.one_in(4)).map(|mark| (*mark).to_owned()).collect()
    }

    async fn append(&mut self, who: usize) -> Result<(), String> {
        let (place, marks) = (self.random.below(2), self.some_marks());
        let letter = format!("Subject: {}\r\n\r\ntext\r\n", self.random.below(1_000));
        let flags: Vec<&str> = marks.iter().map(String::as_str).collect();
        let command =
            format!("APPEND {} ({}) {{{}+}}\r\n{letter}", FOLDERS[place], flags.join(" "), letter.len());
        self.tell(format!("{who}: APPEND {} {marks:?}", FOLDERS[place]));
        let tagged = self.clients[who].ok(&command).await?;
        let code = tagged.text.split(['[', ']']).nth(1).unwrap_or_default();
        let uid = code.rsplit(' ').next().and_then(|uid| uid.parse().ok());
        self.folders[place].put(uid.ok_or_else(|| format!("no APPENDUID: {}", tagged.text))?, marks)
    }

    /// Some of the letters that a client knows: places in its view, and their UIDs.
    fn some(&mut self, who: usize) -> Vec<(u32, u32)> {
        let (random, share) = (&mut self.random, 1 + self.past.len() % 4);
        let view = self.clients[who].view.iter().enumerate();
        let all = view.filter_map(|(at, known)| Some((at as u32 + 1, known.uid?)));
        all.filter(|_| random.one_in(share)).collect()
    }

    async fn store(&mut self, who: usize) -> Result<(), String> {
        let (some, marks) = (self.some(who), self.some_marks());
        if some.is_empty() {
            return Ok(());
        }
        let by_uid = self.random.one_in(2);
        let (mode, silent) = (["", "+", "-"][self.random.below(3)], self.random.one_in(3));
        let numbers: Vec<u32> =
            some.iter().map(|(number, uid)| if by_uid { *uid } else { *number }).collect();
        let flags: Vec<&str> = marks.iter().map(String::as_str).collect();
        let command = format!(
            "{}STORE {} {mode}FLAGS{} ({})",
            if by_uid { "UID " } else { "" },
            set(&numbers),
            if silent { ".SILENT" } else { "" },
            flags.join(" "),
        );
        self.tell(format!("{who}: {command} of {some:?}"));
        self.clients[who].command(&command).await?;
        let folder = &mut self.folders[self.places[who]];
        for (_, uid) in &some {
            let Some(now) = folder.letters.get_mut(uid) else { continue };
            match mode {
                "" => *now = marks.clone(),
                "+" => now.extend(marks.iter().cloned()),
                _ => now.retain(|mark| !marks.contains(mark)),
            }
            // Who asks for silence knows by itself what it did (RFC 9051 §6.4.6).
            let known = self.clients[who].view.iter_mut().find(|known| known.uid == Some(*uid));
            if let (true, Some(known)) = (silent, known) {
                known.marks = Some(now.clone());
            }
        }
        Ok(())
    }

    /// Most letters go, so that the folder stays small.
    async fn clear(&mut self, who: usize) -> Result<(), String> {
        self.noop(who).await?;
        let uids: Vec<u32> = self.clients[who].view.iter().filter_map(|known| known.uid).skip(5).collect();
        self.tell(format!("{who}: clears {}", uids.len()));
        self.clients[who].ok(&format!("UID STORE {} +FLAGS.SILENT (\\Deleted)", set(&uids))).await?;
        for known in &mut self.clients[who].view {
            if let (Some(uid), Some(marks)) = (known.uid, &mut known.marks)
                && uids.contains(&uid)
            {
                marks.insert("\\Deleted".to_owned());
            }
        }
        for uid in uids {
            if let Some(marks) = self.folders[self.places[who]].letters.get_mut(&uid) {
                marks.insert("\\Deleted".to_owned());
            }
        }
        self.expunge(who).await
    }

    async fn expunge(&mut self, who: usize) -> Result<(), String> {
        let folder = self.places[who];
        let some = self.some(who);
        let command = match self.random.one_in(2) && !some.is_empty() {
            true => format!("UID EXPUNGE {}", set(&some.iter().map(|(_, uid)| *uid).collect::<Vec<_>>())),
            false => "EXPUNGE".to_owned(),
        };
        self.tell(format!("{who}: {command}"));
        self.clients[who].ok(&command).await?;
        for uid in self.folders[folder].deleted() {
            if command == "EXPUNGE" || some.iter().any(|(_, meant)| *meant == uid) {
                self.folders[folder].letters.remove(&uid);
            }
        }
        self.clients[who].learn().await?;
        self.equal(who)
    }

    async fn copy(&mut self, who: usize, moving: bool) -> Result<(), String> {
        let (from, to, some) = (self.places[who], self.random.below(2), self.some(who));
        // Copies of copies would fill the folders.
        let uids: Vec<u32> = some.iter().map(|(_, uid)| *uid).take(6).collect();
        if uids.is_empty() {
            return Ok(());
        }
        let verb = if moving { "MOVE" } else { "COPY" };
        self.tell(format!("{who}: UID {verb} {uids:?} {}", FOLDERS[to]));
        let tagged = self.clients[who].command(&format!("UID {verb} {} {}", set(&uids), FOLDERS[to])).await?;
        let there: Vec<u32> =
            uids.iter().copied().filter(|uid| self.folders[from].letters.contains_key(uid)).collect();
        if tagged.status != "OK" && !(tagged.text.starts_with("[EXPUNGEISSUED]") && there.is_empty()) {
            return Err(format!("{} {}", tagged.status, tagged.text));
        }
        let Some(copied) = self.clients[who].copied.clone() else {
            return if there.is_empty() { Ok(()) } else { Err("no COPYUID".to_owned()) };
        };
        let mut words = copied.split(' ').skip(1);
        let (source, target) =
            (numbers(words.next().unwrap_or_default())?, numbers(words.next().unwrap_or_default())?);
        if source != there || target.len() != source.len() {
            return Err(format!("COPYUID {copied}, and {there:?} were there"));
        }
        for (uid, new) in source.into_iter().zip(target) {
            let marks = self.folders[from].letters.get(&uid).cloned().unwrap_or_default();
            if moving {
                self.folders[from].letters.remove(&uid);
            }
            self.folders[to].put(new, marks)?;
        }
        Ok(())
    }

    async fn search(&mut self, who: usize) -> Result<(), String> {
        self.tell(format!("{who}: SEARCH FLAGGED"));
        self.clients[who].ok("SEARCH FLAGGED").await?;
        let client = &self.clients[who];
        match client.found.iter().all(|number| (1..=client.view.len()).contains(&(*number as usize))) {
            true => Ok(()),
            false => Err(format!("SEARCH found {:?}", client.found)),
        }
    }

    /// A FETCH may say that letters are gone, and it tells of all others.
    async fn fetch(&mut self, who: usize) -> Result<(), String> {
        if self.clients[who].view.is_empty() {
            return Ok(());
        }
        self.tell(format!("{who}: FETCH 1:* (FLAGS)"));
        self.clients[who].command("FETCH 1:* (FLAGS)").await?;
        let folder = &self.folders[self.places[who]];
        for known in &self.clients[who].view {
            let truth = known.uid.and_then(|uid| folder.letters.get(&uid));
            if truth.is_some() && truth != known.marks.as_ref() {
                return Err(format!("FETCH told {known:?}, and there is {truth:?}"));
            }
        }
        Ok(())
    }

    /// Another folder, or the same one anew.
    async fn again(&mut self, who: usize) -> Result<(), String> {
        self.places[who] = self.random.below(2);
        let folder = FOLDERS[self.places[who]];
        self.tell(format!("{who}: SELECT {folder}"));
        if self.random.one_in(2) {
            self.clients[who].ok("UNSELECT").await?;
        }
        self.clients[who].select(folder).await?;
        self.equal(who)
    }

    /// Who remembers a folder comes to know what there is now from what changed alone (RFC 7162 §3.2.5).
    async fn resynchronise(&mut self, who: usize) -> Result<(), String> {
        if !self.clients[who].qresync {
            return Ok(());
        }
        self.noop(who).await?;
        let client = &self.clients[who];
        let before: Vec<Known> = client.view.clone();
        let known = client.view.iter().filter_map(|known| known.mod_seq).max().unwrap_or(1);
        let (validity, folder) = (client.uid_validity, FOLDERS[self.places[who]]);
        self.tell(format!("{who}: away from {folder} at {known}"));
        self.clients[who].ok("UNSELECT").await?;
        for _ in 0..self.random.below(6) {
            let other = (who + 2) % self.clients.len();
            if !self.clients[other].idling {
                match self.random.below(4) {
                    0 => self.append(other).await?,
                    1 => self.expunge(other).await?,
                    2 => self.copy(other, true).await?,
                    _ => self.store(other).await?,
                }
                self.clients[other].learn().await?;
            }
        }
        let client = &mut self.clients[who];
        client.view.clear();
        client.vanished_earlier.clear();
        // FETCH answers come before the client has put its memory under the new numbers: it asks for their UIDs.
        let uids: Vec<u32> = before.iter().filter_map(|known| known.uid).collect();
        client.ok(&format!("SELECT {folder} (QRESYNC ({validity} {known}))")).await?;
        let told: Vec<Known> = client.view.iter().filter(|known| known.uid.is_some()).cloned().collect();
        let gone = client.vanished_earlier.clone();
        let mut merged: Vec<Known> = before;
        merged.retain(|known| known.uid.is_none_or(|uid| !gone.contains(&uid)));
        for known in told {
            match merged.iter_mut().find(|before| before.uid == known.uid) {
                Some(before) => *before = known,
                None => merged.push(known),
            }
        }
        merged.sort_by_key(|known| known.uid);
        client.view = merged;
        self.tell(format!("{who}: back, knew {uids:?}, vanished {gone:?}"));
        self.equal(who)
    }

    /// IDLE tells by itself what NOOP would have told.
    async fn look_or_end_idle(&mut self, who: usize) -> Result<(), String> {
        let folder = &self.folders[self.places[who]];
        let client = &mut self.clients[who];
        self.past.push(format!("{who}: pushed?"));
        while client.view.len() != folder.letters.len()
            || client.view.iter().any(|known| {
                let truth = known.uid.map(|uid| folder.letters.get(&uid));
                truth.is_some_and(|truth| truth != known.marks.as_ref())
            })
        {
            if let Err(why) = client.pushed().await {
                return Err(format!("{why}: {:?}", self.equal(who)));
            }
        }
        self.past.push(format!("{who}: DONE"));
        client.done().await?;
        client.learn().await?;
        self.noop(who).await
    }

    /// A POP3 session deletes some letters of the INBOX.
    async fn pop3(&mut self) -> Result<(), String> {
        let mut house = Direct::new(&self.world, DoorKind::Pop3s);
        let mut lines = Lines::new(house.connect(None).await);
        let mut deleted = Vec::new();
        let letters: Vec<u32> = self.folders[0].letters.keys().copied().collect();
        let mut say = vec!["USER a@demo.test".to_owned(), "PASS secret".to_owned()];
        for (at, uid) in letters.iter().enumerate().filter(|_| self.random.one_in(8)) {
            say.push(format!("DELE {}", at + 1));
            deleted.push(*uid);
        }
        say.push("QUIT".to_owned());
        self.tell(format!("POP3 deletes {deleted:?}"));
        lines.line().await?;
        for line in say {
            lines.wire.send(format!("{line}\r\n").as_bytes()).await;
            let answer = lines.line().await?;
            if !answer.starts_with("+OK") {
                return Err(format!("POP3: {line} got {answer}"));
            }
        }
        deleted.iter().for_each(|uid| drop(self.folders[0].letters.remove(uid)));
        Ok(())
    }
}
