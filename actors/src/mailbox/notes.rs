//! Notes on folders and on the account (RFC 5464).

use actix::prelude::*;
use postern_model::MailboxId;
use postern_model::record::{Annotation, Annotations};
use postern_policy::Refusal;
use postern_storage::keys;

use super::MailboxActor;
use super::books::Books;
use super::job::Job;
use super::load::Missing;
use super::work::{Due, Receipt, Work};
use crate::mail::{ANNOTATION_LONGEST, ANNOTATIONS_MOST};

/// Notes on a folder, or on the account.
pub(crate) struct Notes(pub(crate) Option<MailboxId>);

impl Job for Notes {
    type Done = Vec<Annotation>;

    fn missing(&self, books: &Books) -> Option<Missing> {
        missing(books, self.0)
    }

    fn run(self, actor: &mut MailboxActor, _: &mut Context<MailboxActor>) -> Result<Self::Done, Refusal> {
        Ok(noted(actor.books()?, self.0)?.entries)
    }
}

/// Sets notes, all or none.
pub(crate) struct Annotate {
    pub(crate) mailbox: Option<MailboxId>,
    pub(crate) entries: Vec<(String, Option<Vec<u8>>)>,
}

impl Job for Annotate {
    type Done = Receipt;

    fn missing(&self, books: &Books) -> Option<Missing> {
        missing(books, self.mailbox)
    }

    fn run(self, actor: &mut MailboxActor, ctx: &mut Context<MailboxActor>) -> Result<Receipt, Refusal> {
        let Annotate { mailbox, entries } = self;
        let account = actor.account;
        let books = actor.books()?;
        let mut notes = noted(books, mailbox)?;
        for (name, value) in entries {
            set(&mut notes, name, value)?;
        }
        if notes.entries.len() > ANNOTATIONS_MOST as usize {
            return Err(Refusal::TooManyAnnotations { limit: ANNOTATIONS_MOST });
        }
        let mut work = Work { notes: true, ..Work::default() };
        let key = keys::annotations(account, mailbox);
        match notes.entries.is_empty() {
            true => work.batch.delete(&key),
            false => work.batch.put(&key, &notes),
        };
        books.notes = Some((mailbox, notes));
        actor.hand_in(work, Due::Durable, ctx)
    }
}

fn set(notes: &mut Annotations, name: String, value: Option<Vec<u8>>) -> Result<(), Refusal> {
    let longest = ANNOTATION_LONGEST as usize;
    if name.len() > longest || value.as_ref().is_some_and(|value| value.len() > longest) {
        return Err(Refusal::AnnotationTooLong { limit: ANNOTATION_LONGEST });
    }
    let name = name.to_ascii_lowercase();
    let place = notes.entries.binary_search_by(|note| note.name.cmp(&name));
    match (place, value) {
        (Ok(at), Some(value)) => notes.entries[at].value = value,
        (Ok(at), None) => drop(notes.entries.remove(at)),
        (Err(at), Some(value)) => notes.entries.insert(at, Annotation { name, value }),
        (Err(_), None) => {}
    }
    Ok(())
}

fn missing(books: &Books, mailbox: Option<MailboxId>) -> Option<Missing> {
    let exists = mailbox.is_none_or(|mailbox| books.has(mailbox));
    let is_known = books.notes.as_ref().is_some_and(|(known, _)| *known == mailbox);
    (exists && !is_known).then_some(Missing::Notes(mailbox))
}

fn noted(books: &Books, mailbox: Option<MailboxId>) -> Result<Annotations, Refusal> {
    let known = books.notes.as_ref().filter(|(known, _)| *known == mailbox);
    if mailbox.is_some_and(|mailbox| !books.has(mailbox)) {
        return Err(Refusal::NoSuchFolder);
    }
    known.map(|(_, notes)| notes.clone()).ok_or(Refusal::Unavailable)
}
