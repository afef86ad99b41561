//! A client that believes what it is told, and notices where that can't be.

use crate::support::direct::{Direct, DirectWire};
use crate::support::wire::{House, Lines, Wire};

use super::model::{Marks, numbers};

/// One letter as the client knows it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Known {
    pub(super) uid: Option<u32>,
    pub(super) marks: Option<Marks>,
    pub(super) mod_seq: Option<u64>,
}

/// What the last line of a command said.
pub(super) struct Tagged {
    pub(super) status: String,
    pub(super) text: String,
}

/// A client with one folder selected.
pub(super) struct Client {
    lines: Lines<DirectWire>,
    tag: u32,
    pub(super) qresync: bool,
    pub(super) view: Vec<Known>,
    pub(super) uid_validity: u32,
    pub(super) highest_mod_seq: u64,
    /// UIDs that VANISHED (EARLIER) named.
    pub(super) vanished_earlier: Vec<u32>,
    /// Untagged SEARCH's numbers.
    pub(super) found: Vec<u32>,
    /// COPYUID of an untagged OK (MOVE).
    pub(super) copied: Option<String>,
    pub(super) idling: bool,
    /// The command under way must not tell of letters that went.
    numbers_stay: bool,
}

impl Client {
    pub(super) async fn log_in(house: &mut Direct, qresync: bool) -> Result<Client, String> {
        let mut client = Client {
            lines: Lines::new(house.connect(None).await),
            tag: 0,
            qresync,
            view: Vec::new(),
            uid_validity: 0,
            highest_mod_seq: 0,
            vanished_earlier: Vec::new(),
            found: Vec::new(),
            copied: None,
            idling: false,
            numbers_stay: false,
        };
        client.lines.line().await?;
        client.ok("LOGIN a@demo.test secret").await?;
        if qresync {
            client.ok("ENABLE QRESYNC").await?;
        }
        Ok(client)
    }

    /// Selects a folder anew and learns of all its letters.
    pub(super) async fn select(&mut self, folder: &str) -> Result<(), String> {
        self.view.clear();
        self.ok(&format!("SELECT {folder}")).await?;
        self.learn().await
    }

    /// Asks for what is not known of letters that came.
    pub(super) async fn learn(&mut self) -> Result<(), String> {
        let Some(first) = self.view.iter().position(|known| known.uid.is_none()) else { return Ok(()) };
        let last = self.view.len();
        self.ok(&format!("FETCH {}:{last} (UID FLAGS MODSEQ)", first + 1)).await?;
        match self.view.iter().all(|known| known.uid.is_some() && known.marks.is_some()) {
            true => Ok(()),
            false => Err(format!("FETCH did not tell of all letters: {:?}", self.view)),
        }
    }

    pub(super) async fn ok(&mut self, command: &str) -> Result<Tagged, String> {
        let tagged = self.command(command).await?;
        match &*tagged.status {
            "OK" => Ok(tagged),
            status => Err(format!("{command:?} got {status} {}", tagged.text)),
        }
    }

    pub(super) async fn command(&mut self, command: &str) -> Result<Tagged, String> {
        self.tag += 1;
        let tag = format!("t{}", self.tag);
        self.found.clear();
        self.copied = None;
        let verb = command.split(' ').next().unwrap_or_default();
        self.numbers_stay = ["FETCH", "STORE", "SEARCH"].contains(&verb);
        self.lines.wire.send(format!("{tag} {command}\r\n").as_bytes()).await;
        self.until(&tag).await
    }

    async fn until(&mut self, tag: &str) -> Result<Tagged, String> {
        loop {
            let line = self.lines.line().await?;
            match line.strip_prefix(tag).and_then(|rest| rest.strip_prefix(' ')) {
                Some(rest) => {
                    let (status, text) = rest.split_once(' ').unwrap_or((rest, ""));
                    self.code(text)?;
                    return Ok(Tagged { status: status.to_owned(), text: text.to_owned() });
                }
                None => self.hear(&line)?,
            }
        }
    }

    pub(super) async fn idle(&mut self) -> Result<(), String> {
        self.tag += 1;
        self.numbers_stay = false;
        self.lines.wire.send(format!("t{} IDLE\r\n", self.tag).as_bytes()).await;
        loop {
            let line = self.lines.line().await?;
            if line.starts_with('+') {
                self.idling = true;
                return Ok(());
            }
            self.hear(&line)?;
        }
    }

    /// The next thing that is told while IDLE lasts.
    pub(super) async fn pushed(&mut self) -> Result<(), String> {
        let line = self.lines.line().await?;
        self.hear(&line)
    }

    pub(super) async fn done(&mut self) -> Result<(), String> {
        self.idling = false;
        self.lines.wire.send(b"DONE\r\n").await;
        let tag = format!("t{}", self.tag);
        match self.until(&tag).await?.status.as_str() {
            "OK" => Ok(()),
            status => Err(format!("IDLE ended with {status}")),
        }
    }

    /// An untagged line.
    fn hear(&mut self, line: &str) -> Result<(), String> {
        let rest = line.strip_prefix("* ").ok_or_else(|| format!("not understood: {line:?}"))?;
        let (first, second) = rest.split_once(' ').unwrap_or((rest, ""));
        if let Ok(number) = first.parse::<usize>() {
            return self.counted(number, second).map_err(|why| format!("{line:?}: {why}"));
        }
        match first {
            "VANISHED" => self.vanished(second),
            "SEARCH" => {
                let words = second.split(' ').take_while(|word| !word.starts_with('('));
                self.found = words.filter_map(|word| word.parse().ok()).collect();
                Ok(())
            }
            "OK" => self.code(second),
            "FLAGS" | "LIST" | "ENABLED" | "CAPABILITY" => Ok(()),
            _ => Err(format!("not expected: {line:?}")),
        }
    }

    fn counted(&mut self, number: usize, what: &str) -> Result<(), String> {
        let (word, rest) = what.split_once(' ').unwrap_or((what, ""));
        match word {
            "EXISTS" if number < self.view.len() => Err(format!("{} letters were there", self.view.len())),
            "EXISTS" => {
                self.view.resize(number, Known::default());
                Ok(())
            }
            "RECENT" => Ok(()),
            "EXPUNGE" if self.numbers_stay => Err("numbers were to stay".to_owned()),
            "EXPUNGE" if self.qresync => Err("VANISHED was enabled".to_owned()),
            "EXPUNGE" if (1..=self.view.len()).contains(&number) => {
                self.view.remove(number - 1);
                Ok(())
            }
            "FETCH" => self.fetched(number, rest),
            _ => Err("no letter has this number, or no such answer".to_owned()),
        }
    }

    /// `(UID 5 FLAGS (\Seen a) MODSEQ (7))`, in any order.
    fn fetched(&mut self, number: usize, items: &str) -> Result<(), String> {
        let letters = self.view.len();
        let known = number.checked_sub(1).and_then(|at| self.view.get_mut(at));
        let known = known.ok_or_else(|| format!("there are {letters} letters"))?;
        let inside = items.strip_prefix('(').and_then(|rest| rest.strip_suffix(')')).unwrap_or_default();
        if let Some(uid) = word_behind(inside, "UID ") {
            let uid = uid.parse().map_err(|_| "UID is no number")?;
            if known.uid.is_some_and(|known| known != uid) {
                return Err(format!("the letter's UID was {:?}", known.uid));
            }
            known.uid = Some(uid);
        }
        if let Some((_, flags)) = inside.split_once("FLAGS (") {
            let flags = flags.split_once(')').ok_or("FLAGS has no end")?.0;
            let marks = flags.split(' ').filter(|mark| !mark.is_empty() && *mark != "\\Recent");
            known.marks = Some(marks.map(str::to_owned).collect());
        }
        if let Some((_, mod_seq)) = inside.split_once("MODSEQ (") {
            let mod_seq = mod_seq.split_once(')').ok_or("MODSEQ has no end")?.0;
            let mod_seq = mod_seq.parse().map_err(|_| "MODSEQ is no number")?;
            if known.mod_seq.is_some_and(|known| known > mod_seq) {
                return Err(format!("its sequence was {:?}", known.mod_seq));
            }
            known.mod_seq = Some(mod_seq);
        }
        Ok(())
    }

    fn vanished(&mut self, what: &str) -> Result<(), String> {
        if !self.qresync {
            return Err("VANISHED without QRESYNC".to_owned());
        }
        if let Some(set) = what.strip_prefix("(EARLIER) ") {
            self.vanished_earlier.extend(numbers(set)?);
            return Ok(());
        }
        if self.numbers_stay {
            return Err(format!("VANISHED {what}: numbers were to stay"));
        }
        for uid in numbers(what)? {
            let at = self.view.iter().position(|known| known.uid == Some(uid)).or_else(|| self.unknown(uid));
            self.view.remove(at.ok_or_else(|| format!("VANISHED {uid}: no such letter was known"))?);
        }
        Ok(())
    }

    /// A letter that came while IDLE lasted is known by its number alone: which of those, the others' UIDs say.
    fn unknown(&self, uid: u32) -> Option<usize> {
        let fits = |at: &usize| {
            let (before, behind) = self.view.split_at(*at);
            self.view[*at].uid.is_none()
                && before.iter().all(|known| known.uid.is_none_or(|known| known < uid))
                && behind.iter().all(|known| known.uid.is_none_or(|known| known > uid))
        };
        (0..self.view.len()).find(fits)
    }

    /// Response codes that are remembered.
    fn code(&mut self, text: &str) -> Result<(), String> {
        let Some((code, _)) = text.strip_prefix('[').and_then(|rest| rest.split_once(']')) else {
            return Ok(());
        };
        let (name, value) = code.split_once(' ').unwrap_or((code, ""));
        let number = || value.parse::<u64>().map_err(|_| format!("[{code}] has no number"));
        match name {
            "UIDVALIDITY" => self.uid_validity = number()? as u32,
            "HIGHESTMODSEQ" => self.highest_mod_seq = self.highest_mod_seq.max(number()?),
            "COPYUID" => self.copied = Some(value.to_owned()),
            _ => {}
        }
        Ok(())
    }
}

fn word_behind<'a>(text: &'a str, before: &str) -> Option<&'a str> {
    text.split_once(before).map(|(_, rest)| rest.split([' ', ')']).next().unwrap_or_default())
}
