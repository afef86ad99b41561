//! Flags change (RFC 9051 §6.4.6).

use std::sync::Arc;

use actix::prelude::*;
use postern_model::{MailboxId, UidSet};
use postern_policy::Refusal;
use postern_policy::folder::FlagChange;

use super::MailboxActor;
use super::books::Books;
use super::job::{Job, whole};
use super::load::Missing;
use super::work::{Due, Receipt, Work};
use crate::mail::FlagsChanged;

pub(crate) struct ChangeFlags {
    pub(crate) mailbox: MailboxId,
    pub(crate) uids: UidSet,
    pub(crate) change: FlagChange,
}

impl Job for ChangeFlags {
    /// With what is to be waited for, where something is.
    type Done = (FlagsChanged, Option<Receipt>);

    fn missing(&self, books: &Books) -> Option<Missing> {
        whole(books, self.mailbox)
    }

    fn run(self, actor: &mut MailboxActor, ctx: &mut Context<MailboxActor>) -> Result<Self::Done, Refusal> {
        let shown = actor.shown(self.mailbox)?;
        let Some((folder, usage)) = actor.books()?.changing(self.mailbox) else {
            return Err(Refusal::Unavailable);
        };
        let set = folder.set_flags(&self.uids, &self.change, usage);
        let changed = |folder| FlagsChanged {
            folder,
            changed: set.changed.clone(),
            mod_seq: set.mod_seq,
            modified: set.modified.clone(),
        };
        if set.mod_seq.is_none() && !actor.is_pressed() {
            return Ok((changed(shown), None));
        }
        // Where letters are on their way, what is there already may be so by a change that is not told yet: that is
        // waited for as well.
        let mut work = Work::default();
        work.touch(self.mailbox, set.touched.clone());
        let is_pressed = actor.is_pressed();
        let receipt = actor.hand_in(work, Due::Lazy, ctx)?;
        let folder = Arc::clone(&actor.folder(self.mailbox)?);
        Ok((changed(folder), is_pressed.then_some(receipt)))
    }
}
