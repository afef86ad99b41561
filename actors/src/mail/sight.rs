//! What MailboxActor knows of one IMAP session, and how the session is woken.

use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};

use postern_model::{MailboxId, ModSeq};

use crate::order::{SessionRef, Tell};

/// What MailboxActor knows of one IMAP session. The session owns the `Arc`, MailboxActor keeps a `Weak`.
#[derive(Debug)]
pub struct Sight {
    session: SessionRef,
    /// The folder that is selected; 0 is none.
    selected: AtomicU64,
    /// The highest modification sequence of that folder; beyond all where it was deleted.
    highest: AtomicU64,
    /// The modification sequence up to which the session has been told of it.
    told: AtomicU64,
    /// What the session wants to be woken for, as bits of [`News`].
    wants: AtomicU8,
    /// What has happened since it looked last, as bits of [`News`].
    news: AtomicU8,
    /// The session has been woken and has not looked since: it is not woken twice.
    woken: AtomicBool,
}

/// What a session wants to be woken for by [`crate::order::Tell::News`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wants {
    /// Nothing: it looks by itself, at its next command.
    Nothing,
    /// Changes in the selected folder (IDLE).
    Selected,
    /// Changes of any folder, of folders' names, subscriptions and notes (NOTIFY).
    Anything,
}

/// What may have happened.
#[derive(Clone, Copy, Debug)]
pub(crate) enum News {
    /// In the selected folder.
    Selected = 1,
    /// In another folder.
    Letters = 2,
    /// To folders' names, subscriptions, notes.
    Names = 4,
}

impl Sight {
    pub(crate) fn new(session: SessionRef) -> Sight {
        Sight {
            session,
            selected: AtomicU64::new(0),
            highest: AtomicU64::new(0),
            told: AtomicU64::new(0),
            wants: AtomicU8::new(0),
            news: AtomicU8::new(0),
            woken: AtomicBool::new(false),
        }
    }

    /// The session has been told of everything up to `mod_seq`: what went before need not stay readable for it.
    pub fn told(&self, mod_seq: ModSeq) {
        self.told.fetch_max(mod_seq.0, Ordering::Relaxed);
    }

    pub(crate) fn is_told(&self, mod_seq: ModSeq) -> bool {
        self.told.load(Ordering::Relaxed) >= mod_seq.0
    }

    /// Another folder is selected, or none; nothing has been told of it.
    pub(crate) fn select(&self, mailbox: Option<MailboxId>) {
        self.told.store(0, Ordering::Relaxed);
        self.highest.store(0, Ordering::Relaxed);
        self.selected.store(mailbox.map_or(0, |mailbox| u64::from(mailbox.0)), Ordering::Relaxed);
    }

    pub(crate) fn selected(&self) -> Option<MailboxId> {
        let selected = u32::try_from(self.selected.load(Ordering::Relaxed)).unwrap_or(0);
        (selected != 0).then_some(MailboxId(selected))
    }

    /// The session is shown the selected folder, which stands here.
    pub(crate) fn shown(&self, mod_seq: ModSeq) {
        self.highest.store(mod_seq.0, Ordering::Relaxed);
    }

    /// The selected folder has changed.
    pub(crate) fn rise(&self, mod_seq: ModSeq) {
        self.highest.fetch_max(mod_seq.0, Ordering::Relaxed);
    }

    pub(crate) fn highest(&self) -> ModSeq {
        ModSeq(self.highest.load(Ordering::Relaxed))
    }

    /// Whether the session may still see letters that have left the selected folder.
    pub(crate) fn is_behind(&self) -> bool {
        self.selected().is_some() && !self.is_told(self.highest().max(ModSeq(1)))
    }

    /// Something has happened; the session is woken where it wants to be.
    pub(crate) fn stir(&self, news: News) {
        self.news.fetch_or(news as u8, Ordering::SeqCst);
        self.wake();
    }

    pub(crate) fn want(&self, wants: Wants) {
        let wants = match wants {
            Wants::Nothing => 0,
            Wants::Selected => News::Selected as u8,
            Wants::Anything => News::Selected as u8 | News::Letters as u8 | News::Names as u8,
        };
        self.wants.store(wants, Ordering::SeqCst);
        self.wake();
    }

    /// The session is about to look.
    pub(crate) fn looks(&self, at: News) {
        self.news.fetch_and(!(at as u8), Ordering::SeqCst);
        self.woken.store(false, Ordering::SeqCst);
    }

    fn wake(&self) {
        let wanted = self.wants.load(Ordering::SeqCst) & self.news.load(Ordering::SeqCst);
        if wanted != 0 && !self.woken.swap(true, Ordering::SeqCst) {
            self.session.inbox.do_send(Tell::News);
        }
    }
}
