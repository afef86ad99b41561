//! IMAP's side of MailboxActor: what sessions ask, see and are told.

use postern_model::imap::Keyword;
use postern_model::record::{MailboxHeader, Signature};
use postern_model::{Flags, MailboxId, MailboxName, ModSeq, Uid, UidSet};
use postern_policy::folder::{FlagMode, Folder};
use postern_storage::{View, keys};

use super::*;
use crate::mail::{Appended, Appending, FlagChange, Mail, Wants};

mod basics;
mod history;
mod limits;
mod readers;
mod together;
mod waking;

const ALICE: &str = "alice@demo.test";
const INBOX: MailboxId = MailboxId::INBOX;

/// One IMAP session.
struct Imap {
    who: Listener,
    mail: Mail,
    _admitted: Admitted,
}

impl std::ops::Deref for Imap {
    type Target = Mail;

    fn deref(&self) -> &Mail {
        &self.mail
    }
}

impl House {
    async fn imap(&self) -> Imap {
        let who = Listener::new(self);
        let admitted = self.login(ALICE, &who, Protocol::Imap).await.expect("admitted");
        let mail = self.actors.mail(&admitted, &who.session).await.expect("there");
        Imap { who, mail, _admitted: admitted }
    }

    async fn appending(&self, text: &str) -> Appending {
        let mut spool = self.actors.store().spool();
        spool.write(text.as_bytes()).await.expect("it stays in memory");
        let mut scanner = Scanner::new();
        scanner.feed(text.as_bytes());
        Appending {
            body: spool.seal().await.expect("it stays in memory"),
            facts: scanner.finish(),
            signature: Signature { bits: vec![7; 8] },
            flags: Flags::default(),
            keywords: Vec::new(),
            date: None,
        }
    }
}

impl Imap {
    async fn put(&self, house: &House, mailbox: MailboxId, text: &str) -> Appended {
        self.append(mailbox, vec![house.appending(text).await], None).await.expect("room")
    }

    /// Selects a folder and has been told of all in it.
    async fn open(&self, mailbox: MailboxId) -> std::sync::Arc<Folder> {
        let selected = self.select(Some(mailbox), false).await.expect("there").expect("one was asked for");
        self.sight().told(selected.folder.header().highest_mod_seq);
        selected.folder
    }

    async fn uids(&self, mailbox: MailboxId) -> String {
        uids_of(&self.look(mailbox).await.expect("there")).to_string()
    }

    async fn header(&self, mailbox: MailboxId) -> MailboxHeader {
        self.standings(vec![mailbox]).await.expect("readable").remove(0).header
    }

    async fn delete_letters(&self, mailbox: MailboxId, uids: &[u32]) -> UidSet {
        self.change_flags(mailbox, set(uids), add(Flags::DELETED)).await.expect("there");
        self.expunge(mailbox, Some(set(uids))).await.expect("there").gone
    }

    /// Whether a letter's body can be read.
    async fn reads(&self, letter: postern_model::LetterId) -> bool {
        let account = self.account();
        let beside = self.store().read(move |view: &View<'_>| {
            Ok((
                view.contains(&keys::facts(account, letter))?,
                view.contains(&keys::signature(account, letter))?,
            ))
        });
        let (facts, _) = beside.await.expect("readable");
        let body = self.store().open_body(account, letter).await.is_ok();
        assert_eq!(facts, body, "what is known of a letter goes with it");
        body
    }
}

fn uids_of(folder: &Folder) -> UidSet {
    folder.entries().map(|entry| entry.uid).collect()
}

fn set(uids: &[u32]) -> UidSet {
    uids.iter().copied().map(Uid).collect()
}

fn add(flags: Flags) -> FlagChange {
    FlagChange { mode: FlagMode::Add, flags, keywords: Vec::new(), unchanged_since: None }
}

fn name(text: &str) -> MailboxName {
    MailboxName::parse(text).expect("a name")
}
