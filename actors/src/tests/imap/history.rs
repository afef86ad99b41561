//! A random history of several sessions on one account, against a model that is nothing but lists of letters.

use std::collections::BTreeMap;

use postern_policy::view::{View as Seen, news};

use super::super::year::Random;
use super::*;

const FOLDERS: [MailboxId; 3] = [INBOX, MailboxId::TRASH, MailboxId::ARCHIVE];
const KEYWORDS: [&str; 3] = ["$a", "b", "C"];
const STEPS: usize = 2_000;

/// What a letter has.
type Marks = (Flags, Vec<String>);

#[derive(Clone, Default)]
struct Model {
    letters: BTreeMap<u32, Marks>,
    next: u32,
}

/// A session, and what its client has been told.
struct Client {
    imap: Imap,
    mailbox: MailboxId,
    view: Seen,
    marks: BTreeMap<u32, Marks>,
    told: ModSeq,
    picture: Arc<Folder>,
}

struct History {
    house: House,
    alice: AccountId,
    random: Random,
    models: BTreeMap<u32, Model>,
    clients: Vec<Client>,
}

fn marks(folder: &Folder, uid: Uid) -> Marks {
    let entry = folder.entry(uid).expect("it is there");
    let names = folder.header().keywords.iter().enumerate();
    let mut names: Vec<String> =
        names.filter(|(bit, _)| entry.keywords >> bit & 1 == 1).map(|(_, name)| name.clone()).collect();
    names.sort();
    (entry.flags, names)
}

impl Client {
    async fn new(house: &House, mailbox: MailboxId) -> Client {
        let imap = house.imap().await;
        let picture = imap.open(mailbox).await;
        let mut client = Client {
            imap,
            mailbox,
            view: Seen::of(&picture),
            marks: BTreeMap::new(),
            told: picture.header().highest_mod_seq,
            picture,
        };
        client.marks = client.picture.entries().map(|e| (e.uid.0, marks(&client.picture, e.uid))).collect();
        client
    }

    /// What the client knows with the news is what there is; it is told where `tell` says so.
    async fn look(&mut self, model: &Model, tell: bool) {
        if self.imap.highest_mod_seq() <= self.told {
            assert_eq!(self.marks, model.letters, "without a look");
            return;
        }
        let folder = self.imap.look(self.mailbox).await.expect("there");
        let news = news(&self.view, self.told, &folder);
        let mut known = self.marks.clone();
        known.retain(|uid, _| !news.gone.contains(Uid(*uid)));
        for uid in news.arrived.union(&news.changed).iter() {
            known.insert(uid.0, marks(&folder, uid));
        }
        assert_eq!(known, model.letters);
        let vanished = self.imap.vanished(self.mailbox, self.told).await.expect("there");
        assert!(news.gone.difference(&vanished).is_empty(), "{:?} of {vanished:?}", news.gone);
        assert!(known.keys().all(|uid| !vanished.contains(Uid(*uid))));
        if tell {
            self.view.expunge(&news.gone);
            self.view.arrive(&news.arrived);
            (self.marks, self.told, self.picture) = (known, folder.header().highest_mod_seq, folder);
            self.imap.sight().told(self.told);
        }
    }

    /// Whatever the client has been told of can be read.
    async fn reads(&self) {
        for entry in self.picture.entries() {
            assert!(self.imap.reads(entry.letter).await, "UID {} of {}", entry.uid.0, self.mailbox);
        }
    }
}

impl History {
    async fn new(seed: u64) -> History {
        let house = House::new().await;
        let alice = house.account(ALICE).await;
        let models = FOLDERS.iter().map(|id| (id.0, Model { next: 1, ..Model::default() })).collect();
        let mut clients = Vec::new();
        for n in 0..4 {
            clients.push(Client::new(&house, FOLDERS[n % 3]).await);
        }
        History { house, alice, random: Random::new(seed), models, clients }
    }

    fn any_folder(&mut self) -> MailboxId {
        FOLDERS[self.random.below(3) as usize]
    }

    /// Some of a folder's letters, and some numbers that none has.
    fn some(&mut self, mailbox: MailboxId) -> UidSet {
        let next = self.models[&mailbox.0].next;
        (1..next + 2).filter(|_| self.random.below(4) == 0).map(Uid).collect()
    }

    fn model(&mut self, mailbox: MailboxId) -> &mut Model {
        self.models.get_mut(&mailbox.0).expect("one of three")
    }

    fn arrive(&mut self, mailbox: MailboxId, marks: Marks) {
        let model = self.model(mailbox);
        model.letters.insert(model.next, marks);
        model.next += 1;
    }

    async fn step(&mut self) {
        let (n, mailbox) = (self.random.below(4) as usize, self.any_folder());
        match self.random.below(12) {
            0 | 1 => {
                self.house.send("delivered\r\n", &[self.alice]).await.expect("accepted");
                self.arrive(INBOX, Marks::default());
            }
            2 => {
                let mut letter = self.house.appending("appended\r\n").await;
                letter.flags = Flags(self.random.below(32) as u8);
                let marks = (letter.flags, Vec::new());
                self.clients[n].imap.append(mailbox, vec![letter], None).await.expect("room");
                self.arrive(mailbox, marks);
            }
            3..=5 => self.store(n, mailbox).await,
            6 => self.expunge(n, mailbox).await,
            7 | 8 => self.carry(n, mailbox).await,
            9 => self.pop3().await,
            10 => {
                let told = Client::new(&self.house, mailbox).await;
                self.clients[n] = told;
            }
            _ => {
                let seat = self.house.actors.mailboxes().seat(self.alice);
                seat.addr().send(crate::mailbox::Tidy).await.expect("it lives");
            }
        }
    }

    async fn store(&mut self, n: usize, mailbox: MailboxId) {
        let uids = self.some(mailbox);
        let mode = [FlagMode::Replace, FlagMode::Add, FlagMode::Remove][self.random.below(3) as usize];
        let flags = Flags(self.random.below(32) as u8);
        let names: Vec<&str> = KEYWORDS.into_iter().filter(|_| self.random.below(3) == 0).collect();
        let keywords = names.iter().map(|name| Keyword::parse(name.as_bytes()).expect("a keyword")).collect();
        let change = FlagChange { mode, flags, keywords, unchanged_since: None };
        self.clients[n].imap.change_flags(mailbox, uids.clone(), change).await.expect("there");
        for (_, (had, known)) in
            self.model(mailbox).letters.iter_mut().filter(|(uid, _)| uids.contains(Uid(**uid)))
        {
            let given = names.iter().map(|name| (*name).to_owned());
            match mode {
                FlagMode::Replace => (*had, *known) = (flags, given.collect()),
                FlagMode::Add => {
                    *had = had.with(flags);
                    known.extend(given);
                }
                FlagMode::Remove => {
                    *had = had.without(flags);
                    known.retain(|name| !names.contains(&name.as_str()));
                }
            }
            known.sort();
            known.dedup();
        }
    }

    async fn expunge(&mut self, n: usize, mailbox: MailboxId) {
        let uids = (self.random.below(2) == 0).then(|| self.some(mailbox));
        let gone = self.clients[n].imap.expunge(mailbox, uids.clone()).await.expect("there").gone;
        let goes = |uid: u32, marks: &Marks| {
            marks.0.contains(Flags::DELETED) && uids.as_ref().is_none_or(|uids| uids.contains(Uid(uid)))
        };
        let model = self.model(mailbox);
        let expected: UidSet = model
            .letters
            .iter()
            .filter(|(uid, marks)| goes(**uid, marks))
            .map(|(uid, _)| Uid(*uid))
            .collect();
        assert_eq!(gone, expected);
        model.letters.retain(|uid, _| !gone.contains(Uid(*uid)));
        if self.clients[n].mailbox == mailbox {
            // Who expunges is told with the answer.
            self.clients[n].look(&self.models[&mailbox.0], true).await;
        }
    }

    /// Copies or moves.
    async fn carry(&mut self, n: usize, from: MailboxId) {
        let (uids, to, moves) = (self.some(from), self.any_folder(), self.random.below(2) == 0);
        if self.models[&to.0].letters.len() > 40 && !moves {
            return;
        }
        let imap = &self.clients[n].imap;
        let copied = match moves {
            true => imap.move_to(from, uids.clone(), to).await.expect("room"),
            false => imap.copy(from, uids.clone(), to).await.expect("room"),
        };
        let letters: Vec<(u32, Marks)> = self.models[&from.0].letters.clone().into_iter().collect();
        let meant = letters.into_iter().filter(|(uid, _)| uids.contains(Uid(*uid)));
        let first = self.models[&to.0].next;
        for (uid, marks) in meant {
            assert!(copied.from.contains(Uid(uid)));
            if moves {
                self.model(from).letters.remove(&uid);
            }
            self.arrive(to, marks);
        }
        let last = self.models[&to.0].next;
        assert_eq!(copied.to, (first..last).map(Uid).collect());
    }

    /// A POP3 session that reads all and deletes some.
    async fn pop3(&mut self) {
        let who = Listener::new(&self.house);
        let admitted = self.house.login(ALICE, &who, Protocol::Pop3).await.expect("admitted");
        let maildrop = self.house.actors.open_maildrop(&admitted, &who.session).await.expect("free");
        let offered: UidSet = maildrop.letters.iter().map(|letter| letter.uid).collect();
        assert_eq!(offered, self.models[&INBOX.0].letters.keys().copied().map(Uid).collect());
        let n = self.random.below(4) as usize;
        self.expunge(n, INBOX).await;
        for letter in &maildrop.letters {
            assert!(self.clients[0].imap.reads(letter.letter).await, "C1");
        }
        let deletions = self.some(INBOX);
        self.house.actors.close_maildrop(maildrop.lease, deletions.iter().collect()).await.expect("on disk");
        self.model(INBOX).letters.retain(|uid, _| !deletions.contains(Uid(*uid)));
    }

    async fn compare(&mut self) {
        for client in &mut self.clients {
            let tell = self.random.below(3) == 0;
            client.look(&self.models[&client.mailbox.0], tell).await;
        }
    }
}

async fn run(seed: u64) {
    eprintln!("seed {seed}");
    let mut history = History::new(seed).await;
    for step in 0..STEPS {
        history.step().await;
        history.compare().await;
        if step % 20 == 0 {
            for client in &history.clients {
                client.reads().await;
            }
        }
        if step % 500 == 499 {
            history.house.caught_up().await;
            history.house.clean();
        }
    }
    let History { house, models, clients, .. } = history;
    let letters: usize = models.values().map(|model| model.letters.len()).sum();
    assert_eq!(clients[0].imap.storage().await.expect("readable").used.letters, letters as u64);
    drop(clients);
    let house = house.restarted().await;
    let imap = house.imap().await;
    for mailbox in FOLDERS {
        let folder = imap.look(mailbox).await.expect("there");
        let found: BTreeMap<u32, Marks> =
            folder.entries().map(|e| (e.uid.0, marks(&folder, e.uid))).collect();
        assert_eq!(found, models[&mailbox.0].letters);
    }
    house.caught_up().await;
    house.caught_up().await;
    house.clean();
}

#[actix_rt::test]
async fn every_session_sees_what_there_is() {
    for seed in [1, 2] {
        run(seed).await;
    }
}
