//! Letters are copied and moved (RFC 9051 §6.4.7, §6.4.8).

use std::collections::HashMap;
use std::sync::Arc;

use actix::prelude::*;
use postern_model::record::{Doomed, Entry};
use postern_model::{LetterId, MailboxId, ModSeq, SpecialUse, UidSet, UidValidity};
use postern_policy::Refusal;
use postern_policy::folder::Folder;
use postern_policy::names;
use postern_storage::{Batch, keys};

use super::MailboxActor;
use super::append::full;
use super::books::Books;
use super::job::{Job, tail, whole};
use super::load::{Known, Loaded, Missing};
use super::work::{Due, Receipt, Work};
use crate::learn::Kind;

/// Letters that are copied in one batch: of each, facts and signature are in memory.
pub(crate) const STAGED_AT_ONCE: usize = 512;

/// Copies or moves letters of one folder to another, or within one.
pub(crate) struct Copy {
    pub(crate) from: MailboxId,
    pub(crate) uids: UidSet,
    pub(crate) to: MailboxId,
    /// Whether the letters stay where they are, too.
    pub(crate) copies: bool,
    /// Copies that were made before, by the letter that they are of: see [`Stage`].
    pub(crate) staged: HashMap<LetterId, LetterId>,
    /// What is known of the other letters to be copied.
    known: Option<HashMap<LetterId, Known>>,
}

/// Where letters have come to.
pub(crate) struct Moved {
    pub(crate) uid_validity: UidValidity,
    pub(crate) from: UidSet,
    pub(crate) to: UidSet,
    /// The folder that they were in.
    pub(crate) folder: Arc<Folder>,
    /// What the user says by it of these letters (SPEC D5).
    pub(crate) lesson: Option<(Kind, Vec<LetterId>)>,
    /// `None` where there was nothing to do.
    pub(crate) receipt: Option<Receipt>,
}

impl Copy {
    pub(crate) fn copies(from: MailboxId, uids: UidSet, to: MailboxId) -> Copy {
        Copy { from, uids, to, copies: true, staged: HashMap::new(), known: None }
    }

    pub(crate) fn moves(from: MailboxId, uids: UidSet, to: MailboxId) -> Copy {
        Copy { from, uids, to, copies: false, staged: HashMap::new(), known: None }
    }
}

impl Job for Copy {
    type Done = Moved;

    fn missing(&self, books: &Books) -> Option<Missing> {
        let folders = whole(books, self.from).or_else(|| tail(books, self.to));
        if folders.is_some() || !self.copies || self.known.is_some() {
            return folders;
        }
        let letters = books.ahead(self.from)?.entries_of(&self.uids).map(|entry| entry.letter);
        Some(Missing::Letters(letters.filter(|letter| !self.staged.contains_key(letter)).collect()))
    }

    fn take(&mut self, loaded: Loaded) {
        if let Loaded::Letters(letters) = loaded {
            self.known = Some(letters.into_iter().collect());
        }
    }

    fn run(mut self, actor: &mut MailboxActor, ctx: &mut Context<MailboxActor>) -> Result<Moved, Refusal> {
        let mut staged = std::mem::take(&mut self.staged);
        let done = self.perform(&mut staged, actor, ctx);
        // What was not put anywhere is nobody's.
        actor.sights.doom(staged.into_values(), ModSeq(0));
        done
    }
}

impl Copy {
    /// Does it; takes those of the copies `staged` that it has put somewhere.
    fn perform(
        self,
        staged: &mut HashMap<LetterId, LetterId>,
        actor: &mut MailboxActor,
        ctx: &mut Context<MailboxActor>,
    ) -> Result<Moved, Refusal> {
        let folder = actor.folder(self.from)?;
        if !actor.books()?.has(self.to) {
            return Err(Refusal::NoSuchFolder);
        }
        let letters: Vec<Entry> = folder.entries_of(&self.uids).cloned().collect();
        let from: UidSet = letters.iter().map(|entry| entry.uid).collect();
        let mut work = Work::default();
        let moves = !self.copies;
        let letters = match self.copies {
            true => {
                actor.has_room(letters.iter().map(|entry| u64::from(entry.size)).sum(), 0)?;
                actor.double(&mut work, letters, staged, self.known.unwrap_or_default())
            }
            false => letters,
        };
        let lesson = lesson(actor.books()?, self.from, self.to);
        let lesson = lesson.map(|kind| (kind, letters.iter().map(|entry| entry.letter).collect()));
        let (names, now) = (&folder.header().keywords, actor.ground.ticker.now());
        let put = actor.books()?.put_in(self.to, letters, names, now).map_err(full)?;
        let is_empty = put.touched.is_empty();
        work.touch(self.to, put.touched);
        if moves {
            actor.take_out(&mut work, self.from, &from)?;
        }
        let header = actor.books()?.shelf(self.to).map(|shelf| shelf.ahead.header().uid_validity);
        let uid_validity = header.ok_or(Refusal::Unavailable)?;
        if is_empty {
            let folder = actor.shown(self.from)?;
            return Ok(Moved { uid_validity, from, to: put.uids, folder, lesson: None, receipt: None });
        }
        let receipt = Some(actor.hand_in(work, Due::Durable, ctx)?);
        Ok(Moved { uid_validity, from, to: put.uids, folder: actor.folder(self.from)?, lesson, receipt })
    }
}

/// What a user says of letters by putting them from one folder into another: spam comes to Junk; what leaves it for anything
/// but Trash is none.
fn lesson(books: &Books, from: MailboxId, to: MailboxId) -> Option<Kind> {
    let is = |of, mailbox| names::of_use(&books.folders, of).is_some_and(|folder| folder.id == Some(mailbox));
    match (is(SpecialUse::Junk, from), is(SpecialUse::Junk, to)) {
        (false, true) => Some(Kind::Spam),
        (true, false) if !is(SpecialUse::Trash, to) => Some(Kind::Ham),
        _ => None,
    }
}

impl MailboxActor {
    /// Each letter a second time, under a number of its own, with all that is known of it.
    fn double(
        &self,
        work: &mut Work,
        letters: Vec<Entry>,
        staged: &mut HashMap<LetterId, LetterId>,
        mut known: HashMap<LetterId, Known>,
    ) -> Vec<Entry> {
        let one = |entry: Entry| {
            let letter = match staged.remove(&entry.letter) {
                Some(copy) => {
                    let doomed = keys::doomed(self.account, copy);
                    work.batch.expect_present(&doomed).delete(&doomed);
                    copy
                }
                None => self.copy_letter(&mut work.batch, entry.letter, known.remove(&entry.letter)),
            };
            // One that POP3 has deleted or taken with a unique-id from elsewhere is that letter, not its copy.
            Entry { letter, email: Some(entry.email_id()), pop3_uidl: None, pop3_hidden: false, ..entry }
        };
        letters.into_iter().map(one).collect()
    }

    fn copy_letter(&self, batch: &mut Batch, from: LetterId, known: Option<Known>) -> LetterId {
        let (id, letter) = (self.account, self.ground.store.next_letter_id());
        let Known { facts, signature } = known.unwrap_or_default();
        batch.copy_body(id, from, letter);
        if let Some(facts) = facts {
            batch.put(&keys::facts(id, letter), &facts);
        }
        if let Some(signature) = signature {
            batch.put(&keys::signature(id, letter), &signature);
        }
        letter
    }
}

/// Copies the first letters of a set that are no folder's yet, as a copy of many can't be one batch. They wait to be
/// dropped until [`Copy`] puts them somewhere, so a crash leaves nothing behind.
pub(crate) struct Stage {
    pub(crate) from: MailboxId,
    pub(crate) uids: UidSet,
    known: Option<Vec<(LetterId, Known)>>,
}

/// A part of the letters.
pub(crate) struct Staged {
    /// The copies, by the letter that they are of.
    pub(crate) copies: Vec<(LetterId, LetterId)>,
    /// The letters that are left to be copied.
    pub(crate) left: UidSet,
    pub(crate) receipt: Receipt,
}

impl Stage {
    pub(crate) fn of(from: MailboxId, uids: UidSet) -> Stage {
        Stage { from, uids, known: None }
    }
}

impl Job for Stage {
    type Done = Staged;

    fn missing(&self, books: &Books) -> Option<Missing> {
        let folder = whole(books, self.from);
        if folder.is_some() || self.known.is_some() {
            return folder;
        }
        let letters = books.ahead(self.from)?.entries_of(&self.uids).take(STAGED_AT_ONCE);
        Some(Missing::Letters(letters.map(|entry| entry.letter).collect()))
    }

    fn take(&mut self, loaded: Loaded) {
        if let Loaded::Letters(letters) = loaded {
            self.known = Some(letters);
        }
    }

    fn run(self, actor: &mut MailboxActor, ctx: &mut Context<MailboxActor>) -> Result<Staged, Refusal> {
        let folder = actor.folder(self.from)?;
        // All that is to come, so that nothing is begun in vain.
        let octets = folder.entries_of(&self.uids).map(|entry| u64::from(entry.size)).sum();
        actor.has_room(octets, 0)?;
        let done: UidSet =
            folder.entries_of(&self.uids).take(STAGED_AT_ONCE).map(|entry| entry.uid).collect();
        let left: UidSet = folder.entries_of(&self.uids.difference(&done)).map(|entry| entry.uid).collect();
        let mut work = Work::default();
        let doomed = Doomed { since: actor.ground.ticker.now() };
        let mut copies = Vec::new();
        for (letter, known) in self.known.unwrap_or_default() {
            let copy = actor.copy_letter(&mut work.batch, letter, Some(known));
            work.batch.put(&keys::doomed(actor.account, copy), &doomed);
            copies.push((letter, copy));
        }
        Ok(Staged { copies, left, receipt: actor.hand_in(work, Due::Durable, ctx)? })
    }
}

/// Copies that were made and come to no folder: they are dropped.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct Unstage(pub(crate) Vec<LetterId>);

impl Handler<Unstage> for MailboxActor {
    type Result = ();

    fn handle(&mut self, Unstage(copies): Unstage, ctx: &mut Context<Self>) {
        self.sights.doom(copies, ModSeq(0));
        self.bury(ctx);
    }
}
