//! What a session may ask of its account's mail.

use std::collections::HashMap;
use std::sync::Arc;

use postern_model::imap::SpecialUse;
use postern_model::record::{Annotation, Folders};
use postern_model::{AccountId, LetterId, MailboxId, MailboxName, ModSeq, Uid, UidSet};
use postern_policy::Refusal;
use postern_policy::folder::Folder;

use super::{
    Appended, Appending, Copied, Expunged, FlagChange, FlagsChanged, Mail, News, Selected, Sight, Standing,
    Storage, Wants,
};
use crate::delivery::landed;
use crate::learn::Lesson;
use crate::mailbox::{
    Annotate, Append, Ask, ChangeFlags, Clear, Copy, Create, Delete, Expunge, Headers, Job, MailboxActor,
    Moved, Names, Notes, Rename, STAGED_AT_ONCE, Select, Show, Stage, Stored, Subscribe, Unstage,
    VanishedSince,
};
use crate::registry::Seat;

/// Letters that one command may teach the spam filter; one user leaves room for others.
const LESSONS_AT_ONCE: usize = 200;

impl Mail {
    /// Asks MailboxActor.
    pub(super) async fn ask<J: Job>(&self, job: J) -> Result<J::Done, Refusal>
    where
        MailboxActor: actix::Handler<Ask<J>>,
    {
        self.seat.addr().send(Ask(job)).await.map_err(|_| Refusal::Unavailable)?
    }

    /// Whose mail it is.
    pub fn account(&self) -> AccountId {
        self.account
    }

    /// The store, for what is read without MailboxActor: facts, signatures, bodies.
    pub fn store(&self) -> &postern_storage::Store {
        self.actors.store()
    }

    /// What MailboxActor knows of this session.
    pub fn sight(&self) -> &Arc<Sight> {
        &self.sight
    }

    /// What the session wants to be woken for from now on. What happened since it looked last wakes it at once.
    pub fn wants(&self, wants: Wants) {
        self.sight.want(wants);
    }

    /// All folders by name; on paper ones too.
    ///
    /// # Errors
    /// What the store can't do.
    pub async fn folders(&self) -> Result<Arc<Folders>, Refusal> {
        self.sight.looks(News::Names);
        self.ask(Names).await
    }

    /// Selects a folder (`None`: no longer any) and returns it as it is now. The `\Recent` letters of it are this
    /// session's where `claim_recent` says so: the first UID that is recent comes with it (RFC 3501 §2.3.2).
    ///
    /// # Errors
    /// [`Refusal::NoSuchFolder`], or what the store can't do; no folder is selected then.
    pub async fn select(
        &self,
        mailbox: Option<MailboxId>,
        claim_recent: bool,
    ) -> Result<Option<Selected>, Refusal> {
        self.sight.looks(News::Selected);
        let barrier = self.ask(Select { sight: Arc::clone(&self.sight), mailbox }).await?;
        let Some(mailbox) = mailbox else { return Ok(None) };
        if let Some(passed) = barrier {
            // Where the actor ends meanwhile, the next question says so.
            let _ = passed.await;
        }
        let shown = self.ask(Show { sight: Arc::clone(&self.sight), mailbox, claim_recent }).await;
        if shown.is_err() {
            self.sight.select(None);
        }
        shown.map(|(folder, recent)| Some(Selected { folder, recent }))
    }

    /// A folder as it is now. For the selected one this is what a session looks at before it tells news; cheap where
    /// nothing changed.
    ///
    /// # Errors
    /// [`Refusal::NoSuchFolder`] (deleted meanwhile), or what the store can't do.
    pub async fn look(&self, mailbox: MailboxId) -> Result<Arc<Folder>, Refusal> {
        if self.sight.selected() == Some(mailbox) {
            self.sight.looks(News::Selected);
        }
        let show = Show { sight: Arc::clone(&self.sight), mailbox, claim_recent: false };
        self.ask(show).await.map(|(folder, _)| folder)
    }

    /// Whether a look at the selected folder could show anything new: its highest modification sequence, without asking
    /// anybody. Beyond all others where the folder was deleted.
    pub fn highest_mod_seq(&self) -> ModSeq {
        self.sight.highest()
    }

    /// What left a folder behind `mod_seq`, as far as it is remembered; more may be told than was asked for
    /// (RFC 7162 §3.2.7). UIDs above UIDNEXT are never among them.
    ///
    /// # Errors
    /// [`Refusal::NoSuchFolder`], or what the store can't do.
    pub async fn vanished(&self, mailbox: MailboxId, since: ModSeq) -> Result<UidSet, Refusal> {
        self.ask(VanishedSince { mailbox, since }).await
    }

    /// Counters of folders, without opening them. One that is gone is left out.
    ///
    /// # Errors
    /// What the store can't do.
    pub async fn standings(&self, mailboxes: Vec<MailboxId>) -> Result<Vec<Standing>, Refusal> {
        self.sight.looks(News::Letters);
        let headers = self.ask(Headers::of(mailboxes)).await?;
        Ok(headers.into_iter().map(|(mailbox, header)| Standing { mailbox, header }).collect())
    }

    /// Changes flags; on disk within a second.
    ///
    /// # Errors
    /// [`Refusal::NoSuchFolder`], or what the store can't do.
    pub async fn change_flags(
        &self,
        mailbox: MailboxId,
        uids: UidSet,
        change: FlagChange,
    ) -> Result<FlagsChanged, Refusal> {
        let (changed, receipt) = self.ask(ChangeFlags { mailbox, uids, change }).await?;
        if let Some(receipt) = receipt {
            landed(receipt).await?;
        }
        Ok(changed)
    }

    /// Removes the letters that have `\Deleted` (of `uids` alone, where given); on disk when answered. Many go in parts:
    /// after an error some of them may be gone, which the next look shows.
    ///
    /// # Errors
    /// [`Refusal::NoSuchFolder`], or what the store can't do.
    pub async fn expunge(&self, mailbox: MailboxId, uids: Option<UidSet>) -> Result<Expunged, Refusal> {
        let mut all = UidSet::new();
        loop {
            let expunge = Expunge { sight: Arc::clone(&self.sight), mailbox, uids: uids.clone() };
            let part = self.ask(expunge).await?;
            if let Some(receipt) = part.receipt {
                landed(receipt).await?;
            }
            all = all.union(&part.gone);
            if !part.goes_on {
                return Ok(Expunged { folder: part.folder, gone: all });
            }
        }
    }

    /// Copies letters, all or none; on disk when answered. Letters that are gone are left out.
    ///
    /// # Errors
    /// [`Refusal::NoSuchFolder`] (of either), [`Refusal::OverQuota`], or what the store can't do.
    pub async fn copy(&self, from: MailboxId, uids: UidSet, to: MailboxId) -> Result<Copied, Refusal> {
        let mut staging = Staging { seat: Arc::clone(&self.seat), copies: HashMap::new() };
        let mut left = uids.clone();
        while left.len() > STAGED_AT_ONCE as u64 {
            let staged = self.ask(Stage::of(from, left)).await?;
            staging.copies.extend(staged.copies);
            landed(staged.receipt).await?;
            left = staged.left;
        }
        let mut copy = Copy::copies(from, uids, to);
        // From here on they are MailboxActor's to put somewhere or to drop.
        copy.staged = std::mem::take(&mut staging.copies);
        self.settled(self.ask(copy).await?).await
    }

    /// Moves letters, all or none (RFC 6851); on disk when answered. Within one folder they get new UIDs.
    ///
    /// # Errors
    /// As [`Mail::copy`], but for the quota.
    pub async fn move_to(&self, from: MailboxId, uids: UidSet, to: MailboxId) -> Result<Copied, Refusal> {
        let moved = self.ask(Copy::moves(from, uids, to)).await?;
        self.settled(moved).await
    }

    /// Waits until it is on disk; what the user has said of letters by it is learned then.
    async fn settled(&self, moved: Moved) -> Result<Copied, Refusal> {
        let Moved { uid_validity, from, to, folder, lesson, receipt } = moved;
        if let Some(receipt) = receipt {
            landed(receipt).await?;
        }
        if let (Some((kind, letters)), Some(trainer)) = (lesson, &self.actors.ground().settings.trainer) {
            let (account, store) = (self.account, self.store());
            for letter in letters.into_iter().take(LESSONS_AT_ONCE) {
                trainer.learn(Lesson { account, letter, store: store.clone(), kind });
            }
        }
        Ok(Copied { uid_validity, from, to, folder })
    }

    /// Puts letters into a folder, all or none (RFC 3502); on disk when answered. Where `replaces` names a letter of a
    /// folder, that goes in the same batch (RFC 8508).
    ///
    /// # Errors
    /// [`Refusal::NoSuchFolder`], [`Refusal::OverQuota`], or what the store can't do.
    pub async fn append(
        &self,
        mailbox: MailboxId,
        letters: Vec<Appending>,
        replaces: Option<(MailboxId, Uid)>,
    ) -> Result<Appended, Refusal> {
        if !self.store().is_writable() {
            return Err(Refusal::StoreFull);
        }
        let sight = Arc::clone(&self.sight);
        let placed = self.ask(Append { sight, mailbox, letters, replaces }).await?;
        landed(placed.receipt).await?;
        Ok(Appended { uid_validity: placed.uid_validity, uids: placed.uids })
    }

    /// Makes a folder, and those above it that are not there; returns its number.
    ///
    /// # Errors
    /// [`Refusal::FolderExists`], [`Refusal::TooManyFolders`], [`Refusal::UseTaken`], or what the store can't do.
    pub async fn create(&self, name: MailboxName, uses: Vec<SpecialUse>) -> Result<MailboxId, Refusal> {
        let (mailbox, receipt) = self.ask(Create { name, uses }).await?;
        landed(receipt).await?;
        Ok(mailbox)
    }

    /// Removes a folder and its letters; one that holds others becomes a name without a folder (RFC 9051 §6.3.5). The
    /// folder is gone when answered; of many letters some may take a little longer, also across a restart.
    ///
    /// # Errors
    /// [`Refusal::NoSuchFolder`], [`Refusal::InboxStays`], [`Refusal::HasChildren`] for a name that only holds others.
    pub async fn delete(&self, name: MailboxName) -> Result<(), Refusal> {
        let (mailbox, receipt) = self.ask(Delete(name)).await?;
        landed(receipt).await?;
        // What is not cleared by this is at the next start.
        let Ok(Some(first)) = self.ask(Clear(mailbox)).await else { return Ok(()) };
        let seat = Arc::clone(&self.seat);
        actix::spawn(async move {
            let mut cleared = first.landed().await.is_ok();
            while cleared {
                let Ok(Ok(Some(next))) = seat.addr().send(Ask(Clear(mailbox))).await else { return };
                cleared = next.landed().await.is_ok();
            }
        });
        Ok(())
    }

    /// Renames a folder and all in it; of the INBOX the letters move into a new folder, and it stays (RFC 9051 §6.3.6).
    ///
    /// # Errors
    /// [`Refusal::NoSuchFolder`], [`Refusal::FolderExists`], [`Refusal::BadFolderName`] (into itself, too deep).
    pub async fn rename(&self, from: MailboxName, to: MailboxName) -> Result<(), Refusal> {
        let receipt = self.ask(Rename { from, to }).await?;
        landed(receipt).await
    }

    /// Subscribes to a name, or not any more, whether there is such a folder or not.
    ///
    /// # Errors
    /// [`Refusal::TooManyFolders`], or what the store can't do.
    pub async fn subscribe(&self, name: MailboxName, subscribe: bool) -> Result<(), Refusal> {
        match self.ask(Subscribe { name, subscribe }).await? {
            Some(receipt) => landed(receipt).await,
            None => Ok(()),
        }
    }

    /// Notes on a folder, or on the account.
    ///
    /// # Errors
    /// [`Refusal::NoSuchFolder`], or what the store can't do.
    pub async fn annotations(&self, mailbox: Option<MailboxId>) -> Result<Vec<Annotation>, Refusal> {
        self.ask(Notes(mailbox)).await
    }

    /// Sets notes; `None` removes. All or none.
    ///
    /// # Errors
    /// [`Refusal::TooManyAnnotations`], [`Refusal::AnnotationTooLong`], [`Refusal::NoSuchFolder`], or what the store can't
    /// do.
    pub async fn annotate(
        &self,
        mailbox: Option<MailboxId>,
        entries: Vec<(String, Option<Vec<u8>>)>,
    ) -> Result<(), Refusal> {
        let receipt = self.ask(Annotate { mailbox, entries }).await?;
        landed(receipt).await
    }

    /// What is stored and what may be.
    ///
    /// # Errors
    /// What the store can't do.
    pub async fn storage(&self) -> Result<Storage, Refusal> {
        self.ask(Stored).await
    }
}

/// Copies that are in no folder yet; when it is dropped, they go.
struct Staging {
    seat: Arc<Seat<MailboxActor>>,
    /// By the letter that they are of.
    copies: HashMap<LetterId, LetterId>,
}

impl Drop for Staging {
    fn drop(&mut self) {
        if !self.copies.is_empty() {
            // Where the actor is gone, it finds them at its next start.
            self.seat.addr().do_send(Unstage(self.copies.values().copied().collect()));
        }
    }
}
