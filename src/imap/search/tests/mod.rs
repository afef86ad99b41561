//! Letters to search in, and what they are searched with.

mod answers;
mod keys;
mod random;
mod sorting;
mod threads;

use postern_model::imap::{SeqEnd, SeqSet, UidValidity};
use postern_model::mime::{Facts, Scanner, signature};
use postern_model::record::{Block, Entry, MailboxHeader, Signature};
use postern_model::{Flags, LetterId, ModSeq, Uid, UidSet};
use postern_policy::folder::Folder;
use postern_policy::view::View;

use super::{Context, Known, NoSuchNumber, Plan};
use crate::imap::grammar::SearchKey;

/// A letter with all that is kept of it.
#[derive(Debug)]
struct Letter {
    entry: Entry,
    facts: Facts,
    octets: Vec<u8>,
    signature: Signature,
}

impl Letter {
    /// Line breaks are written `|`.
    fn new(uid: u32, text: &str) -> Letter {
        let octets = text.replace('|', "\r\n").into_bytes();
        let mut scanner = Scanner::new();
        scanner.feed(&octets);
        let facts = scanner.finish();
        let signature = signature::of(&octets, &facts);
        let entry = Entry {
            uid: Uid(uid),
            mod_seq: ModSeq(u64::from(uid)),
            flags: Flags::default(),
            keywords: 0,
            size: u32::try_from(octets.len()).expect("a small letter"),
            internal_date: 1_000_000 + i64::from(uid),
            saved_after: 0,
            letter: LetterId(u64::from(uid) + 0xa0),
            email: None,
            pop3_uidl: None,
            pop3_hidden: false,
        };
        Letter { entry, facts, octets, signature }
    }

    fn with(mut self, change: impl FnOnce(&mut Entry)) -> Letter {
        change(&mut self.entry);
        self
    }
}

/// A folder as one session sees it.
#[derive(Debug)]
struct Room {
    letters: Vec<Letter>,
    view: View,
    header: MailboxHeader,
    saved: UidSet,
    recent: Uid,
}

impl Room {
    const NOW: i64 = 2_000_000;

    fn of(letters: Vec<Letter>) -> Room {
        let header = MailboxHeader {
            uid_validity: UidValidity(1),
            uid_next: Some(Uid(1_000)),
            highest_mod_seq: ModSeq(1_000),
            letters: 0,
            octets: 0,
            unseen: 0,
            deleted: 0,
            deleted_octets: 0,
            keywords: vec!["$Forwarded".to_owned(), "Work".to_owned()],
            last_block: 0,
            recent: Uid(1),
        };
        let entries = letters.iter().map(|letter| letter.entry.clone()).collect();
        let view = View::of(&Folder::of(header.clone(), vec![(0, Block { entries })]));
        Room { letters, view, header, saved: UidSet::new(), recent: Uid(u32::MAX) }
    }

    fn plan(&self, keys: &[SearchKey]) -> Result<Plan, NoSuchNumber> {
        let (view, header) = (&self.view, &self.header);
        Plan::new(keys, &Context { view, saved: &self.saved, header, recent: self.recent, now: Room::NOW })
    }

    /// The UIDs that are found, and how many letters' octets it took.
    fn search(&self, keys: &[SearchKey]) -> (Vec<u32>, usize) {
        let plan = self.plan(keys).expect("numbers of letters");
        let mut read = 0;
        let found = self.letters.iter().filter(|letter| {
            let (entry, facts) = (&letter.entry, Some(&letter.facts));
            if !plan.candidates().contains(entry.uid) {
                return false;
            }
            let least = Known { entry, facts: None, signature: None };
            let more = Known {
                entry,
                facts: facts.filter(|_| plan.needs().facts),
                signature: Some(&letter.signature),
            };
            plan.judge(&least).or_else(|| plan.judge(&more)).unwrap_or_else(|| {
                read += 1;
                plan.confirm(entry, &letter.facts, &letter.octets)
            })
        });
        let uids = found.map(|letter| letter.entry.uid.0).collect();
        (uids, read)
    }
}

/// `1:4,7,*`
fn numbers(text: &str) -> SeqSet {
    let end = |text: &str| match text {
        "*" => SeqEnd::Star,
        text => SeqEnd::Number(text.parse().expect("a number")),
    };
    let range = |part: &str| {
        let (a, b) = part.split_once(':').unwrap_or((part, part));
        (end(a), end(b))
    };
    SeqSet(text.split(',').map(range).collect())
}
