//! A sound store has no problem, and whatever is put out of place is named.

use postern_model::mime::{Envelope, Facts, Part};
use postern_model::record::{
    Access, Account, Actor, AddressEntry, AddressKind, Block, Doomed, Due, Entry, Event, Gate, GateState,
    MailboxHeader, NoticeKind, OwedNotice, Pending, Pop3Delete, Removal, Status, Usage, Warned, What,
};
use postern_model::{AccountId, Flags, LetterId, MailboxId, ModSeq, Protocol, Timestamp, Uid, UidValidity};

use super::{ALICE, BOB, NOW, deliver, octets, open, wait};
use crate::blob::{BackRef, FrameRef, SegmentId, SegmentInfo, segment_key};
use crate::codec;
use crate::engine::Writes;
use crate::keyspace::Key;
use crate::log::{self, LogHead, Logged};
use crate::{Batch, CheckReport, EngineKind, Ring, Store, keys};

const INBOX: MailboxId = MailboxId::INBOX;

fn facts() -> Facts {
    Facts {
        envelope: Envelope::default(),
        structure: Part::default(),
        references: Vec::new(),
        has_8bit: false,
        needs_utf8: false,
        has_nul: false,
    }
}

pub(super) fn header() -> MailboxHeader {
    MailboxHeader {
        uid_validity: UidValidity(1),
        uid_next: Some(Uid(3)),
        highest_mod_seq: ModSeq(2),
        letters: 2,
        octets: 2_000,
        unseen: 1,
        deleted: 0,
        deleted_octets: 0,
        keywords: Vec::new(),
        last_block: 1,
        recent: Uid(1),
    }
}

pub(super) fn entry(n: u32, letter: LetterId) -> Entry {
    Entry {
        uid: Uid(n),
        mod_seq: ModSeq(u64::from(n)),
        flags: if n == 1 { Flags::SEEN } else { Flags::default() },
        keywords: 0,
        size: 1_000,
        internal_date: 0,
        saved_after: 0,
        letter,
        email: None,
        pop3_uidl: None,
        pop3_hidden: false,
    }
}

/// When something of Alice's falls due, and the letter that tells her.
const DUE: Timestamp = Timestamp(NOW.0 + 1);
const NOTICE: LetterId = LetterId(0xabc);

fn access(due: Option<Timestamp>) -> Access {
    let off = Gate { state: GateState::Off, since: NOW, by: Actor::User, reason: None, text: None };
    let warned = Warned::default();
    Access { pop3: off.clone(), imap: off.clone(), smtp: off, theft: None, warned, due }
}

fn event() -> Event {
    Event { at: NOW, by: Actor::User, from: None, what: What::Password }
}

fn notice() -> OwedNotice {
    OwedNotice {
        at: NOW,
        notice: NoticeKind::IdleWarning,
        protocols: vec![Protocol::Pop3],
        by: Actor::Timer,
        reason: None,
        text: None,
        then: Some(DUE),
        from: None,
    }
}

/// Alice with two letters, and one that Bob is still owed. Letter `n` has 1,000 octets, and `letters[n]` is its id.
fn furnish(store: &Store) -> Vec<LetterId> {
    let mut batch = Batch::new();
    let letters: Vec<LetterId> = [vec![ALICE], vec![ALICE, BOB]]
        .iter()
        .map(|accounts| deliver(store, accounts, &octets(1, 1_000)).expect("room"))
        .collect();
    for (id, name) in [(ALICE, "alice@demo.test"), (BOB, "bob@demo.test")] {
        let account = Account {
            address: name.into(),
            plan: "free".into(),
            status: Status::Active,
            language: "en".into(),
            created: NOW,
            legacy_plaintext: false,
            pop3_delete: Pop3Delete::Delete,
        };
        batch.put(&keys::account(id), &account);
        batch.put(&keys::address(name), &AddressEntry { account: id, kind: AddressKind::Primary });
    }
    let entries = vec![entry(1, letters[0]), entry(2, letters[1])];
    batch.put(&keys::block(ALICE, INBOX, 1), &Block { entries });
    batch.put(&keys::mailbox(ALICE, INBOX), &header());
    batch.put(&keys::usage(ALICE), &Usage { letters: 2, octets: 2_000, mod_seq: ModSeq(2), told: 0 });
    for (id, letter) in [(ALICE, letters[0]), (ALICE, letters[1]), (BOB, letters[1])] {
        batch.put(&keys::facts(id, letter), &facts());
    }
    batch.put(&keys::access(ALICE), &access(Some(DUE))).put(&keys::due(DUE, ALICE), &Due {});
    for n in 0..5 {
        batch.log(ALICE, Ring::ALL[n % 2], 2, &event());
    }
    batch.put(&keys::owed_notice(NOTICE, ALICE), &notice());
    batch.put(&keys::pending(letters[1], BOB), &Pending { mailbox: INBOX, accepted: NOW, size: 1_000 });
    wait(store.commit(batch)).expect("stored");
    letters
}

#[test]
fn a_sound_store_is_counted_and_has_no_problem() {
    let dir = tempfile::tempdir().expect("a directory");
    let store = open(dir.path(), EngineKind::Sled);
    furnish(&store);
    let report = store.check();
    assert_eq!(
        report,
        CheckReport {
            accounts: 2,
            addresses: 2,
            letters: 2,
            pending: 1,
            due: 1,
            notices: 1,
            events: 4,
            bodies: 3,
            frames: 2,
            octets: 2_000 + 2 * 60 + 3 * 8,
            segments: 1,
            ..CheckReport::default()
        }
    );
    assert!(report.is_sound());
}

/// What one change behind the store's back is told as.
fn told(change: impl FnOnce(&Store, &[LetterId], &mut Batch)) -> Vec<String> {
    let dir = tempfile::tempdir().expect("a directory");
    let store = open(dir.path(), EngineKind::Memory);
    let letters = furnish(&store);
    let mut batch = Batch::new();
    change(&store, &letters, &mut batch);
    wait(store.commit(batch)).expect("stored");
    store.check().problems
}

pub(super) fn assert_told(change: impl FnOnce(&Store, &[LetterId], &mut Batch), words: &[&str]) {
    let problems = told(change);
    assert_eq!(problems.len(), words.len(), "{problems:#?}");
    for (problem, words) in problems.iter().zip(words) {
        assert!(problem.contains(words), "{problem:?} does not say {words:?}");
    }
}

#[test]
fn figures_that_are_off_are_named() {
    let off = |change: fn(&mut MailboxHeader), words: &str| {
        let mut changed = header();
        change(&mut changed);
        assert_told(
            move |_, _, batch| {
                batch.put(&keys::mailbox(ALICE, INBOX), &changed);
            },
            &[words],
        );
    };
    off(
        |header| header.letters = 3,
        "account 1, folder 1: counted are (letters, octets, unseen) (3, 2000, 1)",
    );
    off(|header| header.octets = 1, "there are (2, 2000, 1)");
    off(|header| header.unseen = 2, "there are (2, 2000, 1)");
    off(|header| header.uid_next = Some(Uid(2)), "UIDNEXT is not above");
    off(|header| header.highest_mod_seq = ModSeq(1), "above the folder's highest");
    assert_told(
        |_, _, batch| {
            batch.delete(&keys::mailbox(ALICE, INBOX));
        },
        &["account 1, folder 1: there are letters, but no header"],
    );
    assert_told(
        |_, _, batch| {
            let usage = Usage { letters: 2, octets: 1, mod_seq: ModSeq(1), told: 0 };
            batch.put(&keys::usage(ALICE), &usage);
        },
        &["account 1: counted as stored", "account 1: a letter's mod-sequence"],
    );
    assert_told(
        |_, letters, batch| {
            let entries = vec![entry(2, letters[0]), entry(1, letters[1])];
            batch.put(&keys::block(ALICE, INBOX, 1), &Block { entries });
        },
        &["with UID 1: its UID is not above the one before"],
    );
}

#[test]
fn letters_without_a_body_or_facts_are_named() {
    assert_told(
        |_, letters, batch| {
            batch.drop_body(ALICE, letters[0]);
        },
        &["account 1, letter 1: there is no body"],
    );
    assert_told(
        |_, letters, batch| {
            batch.delete(&keys::facts(ALICE, letters[1]));
        },
        &["account 1, letter 2: there are no facts"],
    );
    assert_told(
        |_, letters, batch| {
            batch.drop_body(BOB, letters[1]).delete(&keys::facts(BOB, letters[1]));
        },
        &["account 2, letter 2: there is no body", "account 2, letter 2: there are no facts"],
    );
    assert_told(
        |_, _, batch| {
            batch.put(&keys::doomed(BOB, LetterId(99)), &Doomed { since: NOW });
        },
        &["account 2, letter 63: it waits to be dropped and has no body"],
    );
}

#[test]
fn bodies_that_nobody_needs_are_named() {
    let no_folder = &["account 2, letter 2: there is a body, and no folder has the letter"];
    assert_told(
        |_, letters, batch| {
            batch.delete(&keys::pending(letters[1], BOB));
        },
        no_folder,
    );
    assert_told(
        |_, letters, batch| {
            batch.delete(&keys::pending(letters[1], BOB));
            batch.put(&keys::doomed(BOB, letters[1]), &Doomed { since: NOW });
        },
        &[],
    );
}

#[test]
fn whose_something_is_has_to_exist() {
    assert_told(
        |_, _, batch| {
            batch.delete(&keys::account(BOB));
        },
        &["account 2: it has records, but none", "address bob@demo.test: there is no account 2"],
    );
    assert_told(
        |_, _, batch| {
            let entry = AddressEntry { account: AccountId(5), kind: AddressKind::Alias };
            batch.put(&keys::address("carol@demo.test"), &entry);
        },
        &["address carol@demo.test: there is no account 5"],
    );
}

#[test]
fn references_that_do_not_meet_are_named() {
    let back = |store: &Store, account, letter| {
        let place = store.read_blocking(|view| view.get(&keys::body(account, letter))).expect("readable");
        let place = place.expect("there");
        let back = BackRef { segment: place.segment, offset: place.offset, account, letter };
        (back, FrameRef { length: place.length, frame: place.frame })
    };
    assert_told(
        |store, letters, batch| {
            batch.delete(&back(store, BOB, letters[1]).0.key());
        },
        &[
            "account 2, letter 2: segment 0000000000000001, offset 1068: the frame does not know of the letter",
        ],
    );
    assert_told(
        |store, letters, batch| {
            let (there, frame) = back(store, BOB, letters[1]);
            batch.put(&BackRef { account: AccountId(7), ..there }.key(), &frame);
        },
        &["offset 1068, letter 2 of account 7: no letter refers to the frame"],
    );
    assert_told(
        |store, letters, batch| {
            let (there, frame) = back(store, BOB, letters[1]);
            batch.put(&BackRef { segment: SegmentId(9), ..there }.key(), &frame);
        },
        &["segment 0000000000000009, offset 1068, letter 2 of account 2: there is no such segment"],
    );
    assert_told(
        |_, _, batch| {
            let info = SegmentInfo { length: 2_144, live: 5, closed: true };
            batch.put(&segment_key(SegmentId(1)), &info);
        },
        &["segment 0000000000000001: 5 octets are counted as alive, and 2144 are"],
    );
}

#[test]
fn a_record_that_cannot_be_read_is_named_and_the_rest_is_checked() {
    assert_told(
        |store, _, batch| {
            put_rows(store, [(keys::usage(ALICE).into_bytes(), Some(vec![1, 0xff]))]);
            batch.delete(&keys::account(BOB));
        },
        &["account 1: the store is damaged: Usage", "account 2: it has records", "address bob@demo.test"],
    );
}

#[test]
fn what_falls_due_is_known_both_ways() {
    let not_in_index =
        "account 1: it falls due at 2026-03-01T12:00:00Z, and the index of what falls due has it not";
    let not_known = "due at 2026-03-01T12:00:00Z: account 1 does not know of it";
    assert_told(
        |_, _, batch| {
            batch.delete(&keys::due(DUE, ALICE));
        },
        &[not_in_index],
    );
    assert_told(
        |_, _, batch| {
            batch.put(&keys::access(ALICE), &access(None));
        },
        &[not_known],
    );
    let later = Timestamp(DUE.0 + 3_600_000_000);
    assert_told(
        |_, _, batch| {
            batch.put(&keys::access(ALICE), &access(Some(later)));
        },
        &["account 1: it falls due at 2026-03-01T13:00:00Z", not_known],
    );
    assert_told(
        |_, _, batch| {
            batch.put(&keys::due(later, ALICE), &Due {}).put(&keys::due(later, AccountId(5)), &Due {});
        },
        &["due at 2026-03-01T13:00:00Z: account 1 does", "due at 2026-03-01T13:00:00Z: account 5 does"],
    );
    // Times before 1970 lie at 1970.
    assert_told(
        |_, _, batch| {
            let early = Timestamp(-7);
            batch.delete(&keys::due(DUE, ALICE)).put(&keys::due(early, ALICE), &Due {});
            batch.put(&keys::access(ALICE), &access(Some(early)));
        },
        &[],
    );
}

#[test]
fn a_notice_is_owed_to_somebody() {
    assert_told(
        |_, _, batch| {
            batch.put(&keys::owed_notice(NOTICE, AccountId(5)), &notice());
        },
        &["notice abc: it is owed to account 5, which does not exist"],
    );
}

/// Puts the rows as they are, past the batch.
fn put_rows(store: &Store, rows: impl IntoIterator<Item = (Vec<u8>, Option<Vec<u8>>)>) {
    let writes = Writes::from_iter(rows);
    store.shared().gate.alone(|engine| engine.apply(&writes)).expect("written");
}

/// An entry as a list holds it.
fn numbered(number: u64) -> Option<Vec<u8>> {
    Some([&number.to_be_bytes()[..], &codec::encode(&event()).expect("small")].concat())
}

/// Alice's changes are events 1 and 2 with the numbers 2 and 4, her logins events 0 and 1 with the numbers 1 and 3.
#[test]
fn event_lists_that_have_come_apart_are_named() {
    let told = |ring, n, value: Option<Vec<u8>>, words: &[&str]| {
        let row = (log::at(ALICE, ring, n).into_bytes(), value);
        assert_told(|store, _, _| put_rows(store, [row]), words);
    };
    let (changes, logins) = (Ring::Changes, Ring::Logins);
    told(
        changes,
        1,
        None,
        &["list Changes: counted are 2 events from 1 on; 1 of them are there, and 0 others"],
    );
    told(
        changes,
        7,
        numbered(3),
        &[
            "list Changes, event 7: its number is not above the one before",
            "list Changes: counted are 2 events from 1 on; 2 of them are there, and 1 others",
            "account 1: two events have the same number",
        ],
    );
    told(changes, 2, numbered(9), &["account 1, list Changes, event 2: its number is still to be given out"]);
    told(logins, 1, numbered(4), &["account 1: two events have the same number"]);
    told(logins, 0, Some(vec![0; 8]), &["list Logins, event 0: the store is damaged: Event: empty record"]);
    told(logins, 0, Some(vec![0; 3]), &["list Logins, event 0: the store is damaged: an event is cut off"]);
    let astray = [log::at(ALICE, logins, 0).as_bytes(), &[0]].concat();
    assert_told(
        |store, _, _| put_rows(store, [(astray, numbered(0))]),
        &["account 1: an event lies in no list"],
    );
    assert_told(
        |store, _, _| put_rows(store, [(log::head(ALICE).into_bytes(), None)]),
        &[
            "list Changes, event 1",
            "event 2",
            "list Logins, event 0",
            "event 1",
            "list Changes",
            "list Logins",
        ],
    );
    let mut ahead = LogHead::default();
    let record = codec::encode(&event()).expect("small");
    ahead.push(Logged { account: BOB, ring: Ring::Letters, keep: 1, record });
    let ahead = Some(codec::encode(&ahead).expect("small"));
    assert_told(
        |store, _, _| put_rows(store, [(log::head(BOB).into_bytes(), ahead)]),
        &["account 2, list Letters: counted are 1 events from 0 on; 0 of them are there, and 0 others"],
    );
}

#[test]
fn what_is_being_removed_need_not_fit() {
    assert_told(
        |_, _, batch| {
            batch.put(&keys::removal(ALICE), &Removal { since: NOW });
            batch.delete(&keys::address("alice@demo.test"));
            batch.delete(&keys::account(ALICE)).delete(&keys::access(ALICE));
        },
        &[],
    );
}

#[test]
fn more_than_a_page_of_what_falls_due_is_judged() {
    let dir = tempfile::tempdir().expect("a directory");
    let store = open(dir.path(), EngineKind::Memory);
    let due =
        |n: u64| (keys::due(DUE, AccountId(n)).into_bytes(), Some(codec::encode(&Due {}).expect("small")));
    put_rows(&store, (1..=2_500).map(due));
    let report = store.check();
    assert_eq!((report.due, report.problems.len() as u64 + report.more_problems), (2_500, 2_500));
}

#[test]
fn problems_beyond_a_thousand_are_counted() {
    let dir = tempfile::tempdir().expect("a directory");
    let store = open(dir.path(), EngineKind::Memory);
    let key = |n: u32| keys::address(&format!("a{n}@demo.test"));
    let entry = AddressEntry { account: ALICE, kind: AddressKind::Alias };
    put_rows(
        &store,
        (0..1_007).map(|n| (Key::into_bytes(key(n)), Some(codec::encode(&entry).expect("small")))),
    );
    let report = store.check();
    assert_eq!((report.problems.len(), report.more_problems), (1_000, 7));
    assert!(!report.is_sound());
}
