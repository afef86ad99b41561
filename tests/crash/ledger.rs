//! What was tried and what was acknowledged.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::ACCOUNTS;
use crate::rig::{Letter, behind_own_fields, rig_id};

/// A letter's number.
pub(super) type Id = u64;
/// A mailbox: its place in [`ACCOUNTS`].
pub(super) type Mailbox = usize;

/// Shared by all writers and readers.
#[derive(Default)]
pub(super) struct Ledger(Mutex<Book>);

#[derive(Default)]
struct Book {
    letters: BTreeMap<Id, Entry>,
    /// Deletions that were acknowledged.
    gone: BTreeSet<(Mailbox, Id)>,
    /// Deletions that were asked for, and not answered yet: one QUIT per mailbox at most.
    going: BTreeMap<Mailbox, BTreeSet<Id>>,
}

struct Entry {
    sender: Mailbox,
    size: usize,
    recipients: Vec<Mailbox>,
    fate: Fate,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    /// Sent, and not answered: all recipients have it, or none.
    Open,
    /// Acknowledged, or found to be there: all recipients have it.
    Kept,
    /// Found not to be there.
    Lost,
}

impl Ledger {
    fn book(&self) -> MutexGuard<'_, Book> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes that a letter is about to be sent, and makes it.
    pub(super) fn write(&self, sender: Mailbox, recipients: &[Mailbox], size: usize) -> Letter {
        let mut book = self.book();
        let id = book.letters.len() as Id + 1;
        let entry = Entry { sender, size, recipients: recipients.to_vec(), fate: Fate::Open };
        let letter = entry.letter(id);
        book.letters.insert(id, entry);
        letter
    }

    /// The server took the letter.
    pub(super) fn acknowledged(&self, id: Id) {
        self.book().letters.get_mut(&id).expect("a letter of the ledger").fate = Fate::Kept;
    }

    /// The letters are about to be deleted by QUIT.
    pub(super) fn deleting(&self, mailbox: Mailbox, ids: impl Iterator<Item = Id>) {
        let earlier = self.book().going.insert(mailbox, ids.collect());
        assert!(earlier.is_none(), "two QUITs are under way in one mailbox");
    }

    /// That QUIT was acknowledged.
    pub(super) fn deleting_acknowledged(&self, mailbox: Mailbox) {
        let mut book = self.book();
        let ids = book.going.remove(&mailbox).unwrap_or_default();
        book.gone.extend(ids.into_iter().map(|id| (mailbox, id)));
    }

    /// The letters were deleted, and the server said so.
    pub(super) fn deleted(&self, mailbox: Mailbox, ids: impl Iterator<Item = Id>) {
        self.book().gone.extend(ids.map(|id| (mailbox, id)));
    }

    /// The number of a letter that a mailbox shows; it is whole, for this mailbox, and not deleted.
    pub(super) fn recognise(&self, mailbox: Mailbox, bytes: &[u8]) -> Id {
        let id = rig_id(bytes).expect("a letter that was sent");
        let sent = {
            let book = self.book();
            let entry = book.letters.get(&id).expect("a letter of the ledger");
            assert!(entry.recipients.contains(&mailbox), "letter {id} is not for {}", ACCOUNTS[mailbox].0);
            assert!(!book.gone.contains(&(mailbox, id)), "letter {id} is back in {}", ACCOUNTS[mailbox].0);
            entry.letter(id)
        };
        if let Err(difference) = behind_own_fields(bytes, &sent.bytes) {
            panic!("letter {id} in {}: {difference}", ACCOUNTS[mailbox].0);
        }
        id
    }

    /// How many letters of a sender are on disk or were.
    pub(super) fn kept_of(&self, sender: Mailbox) -> usize {
        self.book()
            .letters
            .values()
            .filter(|entry| entry.sender == sender && entry.fate == Fate::Kept)
            .count()
    }

    /// After a crash: what the mailboxes hold agrees with what was acknowledged, and decides what was open. Says in
    /// figures what was found.
    pub(super) fn settle<'a>(&self, mailboxes: impl Iterator<Item = &'a [Id]>) -> String {
        let mut book = self.book();
        let held: Vec<BTreeSet<Id>> = mailboxes.enumerate().map(|(n, ids)| once_each(n, ids)).collect();
        let undone = book.settle_deletions(&held);
        let (mut kept, mut open) = (0, 0);
        let Book { letters, gone, .. } = &mut *book;
        for (id, entry) in letters.iter_mut() {
            let has = |mailbox: &Mailbox| held[*mailbox].contains(id) || gone.contains(&(*mailbox, *id));
            let holders: Vec<_> = entry.recipients.iter().filter(|mailbox| has(mailbox)).collect();
            let (all, none) = (holders.len() == entry.recipients.len(), holders.is_empty());
            let meant = &entry.recipients;
            match entry.fate {
                Fate::Open if all => (entry.fate, open) = (Fate::Kept, open + 1),
                Fate::Open if none => (entry.fate, open) = (Fate::Lost, open + 1),
                Fate::Kept if all => kept += 1,
                Fate::Lost if none => {}
                fate => panic!("letter {id} for mailboxes {meant:?} is {fate:?}, and in {holders:?}"),
            }
        }
        format!("{kept} acknowledged letters, {open} not answered, {undone} deletions not answered")
    }
}

impl Book {
    /// A QUIT that was not answered deleted all or nothing.
    fn settle_deletions(&mut self, held: &[BTreeSet<Id>]) -> usize {
        let mut settled = 0;
        for (mailbox, ids) in std::mem::take(&mut self.going) {
            let left = ids.iter().filter(|id| held[mailbox].contains(id)).count();
            assert!(
                left == 0 || left == ids.len(),
                "QUIT deleted all but {left} of {ids:?} in mailbox {mailbox}"
            );
            settled += ids.len();
            if left == 0 {
                self.gone.extend(ids.into_iter().map(|id| (mailbox, id)));
            }
        }
        settled
    }
}

impl Entry {
    fn letter(&self, id: Id) -> Letter {
        Letter::new(ACCOUNTS[self.sender].0, id, self.size)
    }
}

fn once_each(mailbox: Mailbox, ids: &[Id]) -> BTreeSet<Id> {
    let set: BTreeSet<Id> = ids.iter().copied().collect();
    assert_eq!(set.len(), ids.len(), "a letter is twice in mailbox {mailbox}: {ids:?}");
    set
}
