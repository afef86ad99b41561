//! Letters that are put into folders, copied, moved and removed over IMAP while the server is killed: what was answered is
//! so afterwards, and what was not is done as a whole or not at all.

use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::rig::{Imap, Letter, Random, Server, rig_id};

/// Accounts that file letters and do nothing else.
pub(super) const KEEPERS: [(&str, &str); 2] =
    [("gita@demo.test", "password of gita"), ("hugo@demo.test", "password of hugo")];

/// The folders of each.
const FOLDERS: [&str; 2] = ["Here", "There"];
/// Letters in a folder, beyond which there are no more copies.
const MANY: usize = 30;

/// Letters of each folder by their ids, in the order of their UIDs.
type Shelves = [Vec<u64>; 2];

/// One account's letters.
pub(super) struct Keeper {
    account: (&'static str, &'static str),
    book: Mutex<Book>,
}

#[derive(Default)]
struct Book {
    /// As far as the server has answered.
    held: Shelves,
    /// What becomes of them by the command under way.
    going: Option<Shelves>,
    letters: u64,
}

impl Keeper {
    /// One for each account, with empty folders.
    pub(super) fn all(server: &Server) -> Vec<Keeper> {
        let furnish = |account| {
            let mut imap = Imap::login(server, account).expect("a login");
            for folder in FOLDERS {
                imap.command(&format!("CREATE {folder}")).expect("a new folder");
            }
            Keeper { account, book: Mutex::default() }
        };
        KEEPERS.into_iter().map(furnish).collect()
    }

    /// Files letters until the server is gone.
    pub(super) fn work(&self, server: &Server, random: &mut Random) -> io::Result<()> {
        let mut imap = Imap::login(server, self.account)?;
        for (shelf, folder) in FOLDERS.iter().enumerate() {
            imap.command(&format!("SELECT {folder}"))?;
            // A kill may have come between the mark and the removal.
            if !self.book().held[shelf].is_empty() {
                imap.command("STORE 1:* -FLAGS.SILENT (\\Deleted)")?;
            }
        }
        loop {
            self.step(&mut imap, random)?;
        }
    }

    fn step(&self, imap: &mut Imap, random: &mut Random) -> io::Result<()> {
        let (from, to) = if random.one_in(2) { (0, 1) } else { (1, 0) };
        let held = self.book().held.clone();
        if held[from].is_empty() || (held[from].len() < MANY && random.one_in(3)) {
            return self.put(imap, from);
        }
        imap.command(&format!("SELECT {}", FOLDERS[from]))?;
        let first = random.below(held[from].len());
        let last = held[from].len().min(first + 1 + random.below(8));
        let set = format!("{}:{last}", first + 1);
        let mut after = held.clone();
        let some = held[from][first..last].to_vec();
        match random.below(3) {
            0 if held[to].len() < MANY => {
                after[to].extend(some);
                self.perform(after, || imap.command(&format!("COPY {set} {}", FOLDERS[to])))
            }
            1 => {
                after[from].drain(first..last);
                after[to].extend(some);
                self.perform(after, || imap.command(&format!("MOVE {set} {}", FOLDERS[to])))
            }
            _ => {
                after[from].drain(first..last);
                imap.command(&format!("STORE {set} +FLAGS.SILENT (\\Seen \\Deleted)"))?;
                self.perform(after, || imap.command("EXPUNGE"))
            }
        }
    }

    fn put(&self, imap: &mut Imap, to: usize) -> io::Result<()> {
        let (letter, after) = {
            let mut book = self.book();
            book.letters += 1;
            let mut after = book.held.clone();
            after[to].push(book.letters);
            (letter(self.account.0, book.letters), after)
        };
        self.perform(after, || imap.append(FOLDERS[to], &letter.bytes))
    }

    /// Notes what a command does, before it is asked for and when it is answered.
    fn perform<T>(&self, after: Shelves, ask: impl FnOnce() -> io::Result<T>) -> io::Result<()> {
        self.book().going = Some(after);
        ask()?;
        let mut book = self.book();
        book.held = book.going.take().expect("what is under way");
        Ok(())
    }

    /// After a crash: the folders are as they were answered to be, but for one command at most. Returns how many letters
    /// there are.
    pub(super) fn settle(&self, server: &Server) -> usize {
        let found = self.found(server);
        let mut book = self.book();
        let going = book.going.take();
        assert!(
            found == book.held || going.as_ref() == Some(&found),
            "{}: {found:?}, answered {:?}, under way {going:?}",
            self.account.0,
            book.held
        );
        book.held = found;
        book.held.iter().map(Vec::len).sum()
    }

    fn found(&self, server: &Server) -> Shelves {
        let mut imap = Imap::login(server, self.account).expect("a login after a crash");
        FOLDERS.map(|folder| {
            imap.command(&format!("SELECT {folder}")).expect("a folder that was made");
            let letters = imap.command("UID FETCH 1:* (BODY.PEEK[])").expect("letters");
            letters.iter().map(|octets| recognise(self.account.0, octets)).collect()
        })
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The id of a letter, which is whole.
fn recognise(account: &str, octets: &[u8]) -> u64 {
    let id = rig_id(octets).expect("a letter that was put there");
    assert!(octets == letter(account, id).bytes, "letter {id} of {account} is not what was put there");
    id
}

/// Most are small; some go to a file on their way.
fn letter(account: &str, id: u64) -> Letter {
    Letter::new(account, id, if id.is_multiple_of(10) { 400_000 } else { 3_000 })
}
