//! What event lists promise, on every engine.

use std::cell::Cell;
use std::collections::VecDeque;
use std::path::Path;

use postern_model::record::{Account, Actor, Event, Pop3Delete, Status, What};
use postern_model::{AccountId, MailboxId, Timestamp};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use super::{ALICE, BOB, NOW, TestDisk, open, open_on, usage, wait};
use crate::{Batch, EngineKind, Ring, Store, StoreError, keys, log};

fn event(n: i64) -> Event {
    Event { at: Timestamp(n), by: Actor::User, from: None, what: What::Password }
}

fn account() -> Account {
    Account {
        address: "alice@demo.test".into(),
        plan: "free".into(),
        status: Status::Active,
        language: "en".into(),
        created: NOW,
        legacy_plaintext: false,
        pop3_delete: Pop3Delete::Delete,
    }
}

fn enrol(store: &Store, id: AccountId) {
    let mut batch = Batch::new();
    batch.put(&keys::account(id), &account());
    wait(store.commit(batch)).expect("stored");
}

fn logging(id: AccountId, ring: Ring, keep: u32, n: i64) -> Batch {
    let mut batch = Batch::new();
    batch.log(id, ring, keep, &event(n));
    batch
}

/// The entries of a ring: their numbers, and what [`event`] they are.
fn entries(store: &Store, id: AccountId, ring: Ring) -> Vec<(u64, i64)> {
    last_entries(store, id, ring, usize::MAX)
}

fn last_entries(store: &Store, id: AccountId, ring: Ring, limit: usize) -> Vec<(u64, i64)> {
    let rows = store.read_blocking(|view| view.log::<Event>(id, ring, limit)).expect("readable");
    rows.into_iter().map(|(number, event)| (number, event.at.0)).collect()
}

fn logged(store: &Store, id: AccountId, ring: Ring, back: u64) -> Option<i64> {
    let found = store.read_blocking(|view| view.logged::<Event>(id, ring, back)).expect("readable");
    found.map(|event| event.at.0)
}

/// Everything that lies under an account, as keys.
fn keys_of(store: &Store, id: AccountId) -> Vec<crate::RawKey> {
    store.read_blocking(|view| view.keys(&keys::everything_of(id), usize::MAX)).expect("readable")
}

fn entries_come_in_order_and_number_all_lists_of_an_account(kind: EngineKind, dir: &Path) {
    let store = open(dir, kind);
    enrol(&store, ALICE);
    enrol(&store, BOB);
    for (n, ring) in [Ring::Logins, Ring::Changes, Ring::Logins].into_iter().enumerate() {
        let mut batch = logging(ALICE, ring, 10, n as i64);
        batch.log(BOB, Ring::Letters, 10, &event(n as i64 + 100));
        wait(store.commit(batch)).expect("logged");
    }
    assert_eq!(entries(&store, ALICE, Ring::Logins), [(0, 0), (2, 2)]);
    assert_eq!(entries(&store, ALICE, Ring::Changes), [(1, 1)]);
    assert_eq!(entries(&store, ALICE, Ring::Letters), []);
    assert_eq!(entries(&store, BOB, Ring::Letters), [(0, 100), (1, 101), (2, 102)], "whose an entry is");
    assert_eq!(last_entries(&store, ALICE, Ring::Logins, 1), [(2, 2)]);
    assert_eq!(last_entries(&store, ALICE, Ring::Logins, 0), []);
}

fn entries_of_a_batch_that_fails_leave_no_trace(kind: EngineKind, dir: &Path) {
    let store = open(dir, kind);
    enrol(&store, ALICE);
    let before = keys_of(&store, ALICE);
    let mut batch = logging(ALICE, Ring::Changes, 10, 1);
    batch.expect(&keys::usage(ALICE), &usage(1));
    assert!(matches!(wait(store.commit(batch)), Err(StoreError::Conflict)));
    assert_eq!(keys_of(&store, ALICE), before);
    wait(store.commit(logging(ALICE, Ring::Changes, 10, 2))).expect("logged");
    assert_eq!(entries(&store, ALICE, Ring::Changes), [(0, 2)], "and no gap");
}

/// The group is made by holding the disk up while the batches are queued.
fn batches_of_a_group_log_behind_each_other(kind: EngineKind, dir: &Path) {
    let disk = TestDisk::new();
    let store = open_on(dir, kind, &disk, 0);
    enrol(&store, ALICE);
    disk.hold(true);
    let first = store.commit(logging(ALICE, Ring::Letters, 3, 0));
    let second = store.commit(logging(ALICE, Ring::Letters, 3, 1));
    let mut failing = logging(ALICE, Ring::Letters, 3, 99);
    failing.expect_absent(&keys::account(ALICE));
    let failing = store.commit(failing);
    let mut both = logging(ALICE, Ring::Letters, 3, 2);
    both.log(ALICE, Ring::Changes, 3, &event(3)).log(ALICE, Ring::Letters, 3, &event(4));
    let both = store.commit(both);
    disk.hold(false);
    for commit in [first, second, both] {
        wait(commit).expect("logged");
    }
    assert!(matches!(wait(failing), Err(StoreError::Conflict)));
    assert_eq!(entries(&store, ALICE, Ring::Letters), [(1, 1), (2, 2), (4, 4)]);
    assert_eq!(entries(&store, ALICE, Ring::Changes), [(3, 3)]);
}

fn an_account_may_come_with_its_first_entry(kind: EngineKind, dir: &Path) {
    let store = open(dir, kind);
    let mut batch = logging(ALICE, Ring::Changes, 10, 1);
    batch.put(&keys::account(ALICE), &account());
    wait(store.commit(batch)).expect("stored");
    assert_eq!(entries(&store, ALICE, Ring::Changes), [(0, 1)]);
}

fn nothing_is_logged_of_an_account_that_is_gone(kind: EngineKind, dir: &Path) {
    let store = open(dir, kind);
    let mut batch = logging(ALICE, Ring::Logins, 10, 1);
    batch.put(&keys::usage(BOB), &usage(1));
    wait(store.commit(batch)).expect("the rest of the batch is done");
    assert!(keys_of(&store, ALICE).is_empty());
    assert_eq!(wait(store.get(keys::usage(BOB))).expect("readable"), Some(usage(1)));

    enrol(&store, ALICE);
    wait(store.commit(logging(ALICE, Ring::Logins, 10, 2))).expect("logged");
    let mut batch = logging(ALICE, Ring::Logins, 10, 3);
    batch.delete(&keys::account(ALICE));
    wait(store.commit(batch)).expect("deleted");
    wait(store.commit(logging(ALICE, Ring::Logins, 10, 4))).expect("nothing to do");
    // The entry from before goes with the rest of the account, which is removed piece by piece.
    assert_eq!(keys_of(&store, ALICE).len(), 1);
    assert_eq!(entries(&store, ALICE, Ring::Logins), []);
}

fn an_account_goes_with_its_entries_while_others_log(kind: EngineKind, dir: &Path) {
    let store = open(dir, kind);
    enrol(&store, ALICE);
    enrol(&store, BOB);
    for n in 0..9 {
        wait(store.commit(logging(ALICE, Ring::ALL[n as usize % 3], 10, n))).expect("logged");
        wait(store.commit(logging(BOB, Ring::Letters, 10, n))).expect("logged");
    }
    let others = keys_of(&store, BOB);
    let mut left = keys_of(&store, ALICE).len();
    while left > 0 {
        let piece = store.read_blocking(|view| view.keys(&keys::everything_of(ALICE), 2)).expect("readable");
        let mut batch = Batch::new();
        for key in &piece {
            batch.delete_raw(key);
        }
        wait(store.commit(batch)).expect("deleted");
        wait(store.commit(logging(ALICE, Ring::Letters, 10, 99))).expect("nothing to do");
        let now = keys_of(&store, ALICE).len();
        assert!(now < left, "it is less with every piece");
        left = now;
    }
    assert_eq!(keys_of(&store, BOB), others);
    assert_eq!(entries(&store, BOB, Ring::Letters).len(), 9);
}

fn a_list_whose_bound_was_lowered_shrinks_step_by_step(kind: EngineKind, dir: &Path) {
    let store = open(dir, kind);
    enrol(&store, ALICE);
    let push = |keep, n| wait(store.commit(logging(ALICE, Ring::Letters, keep, n))).expect("logged");
    (0..6).for_each(|n| push(6, n));
    for (n, kept) in [(6, 5), (7, 4), (8, 3), (9, 2), (10, 2)] {
        push(2, n);
        let found: Vec<i64> = entries(&store, ALICE, Ring::Letters).into_iter().map(|(_, n)| n).collect();
        assert_eq!(found, (n - kept + 1..=n).collect::<Vec<_>>());
    }
    push(0, 11);
    push(0, 12);
    assert_eq!(entries(&store, ALICE, Ring::Letters), [(12, 12)], "the last one stays");
    (13..17).for_each(|n| push(3, n));
    assert_eq!(entries(&store, ALICE, Ring::Letters), [(14, 14), (15, 15), (16, 16)]);
}

/// The disk refuses the body that comes in the same batch.
fn entries_of_a_group_that_fails_leave_no_gap(kind: EngineKind, dir: &Path) {
    let disk = TestDisk::new();
    let store = open_on(dir, kind, &disk, 0);
    enrol(&store, ALICE);
    wait(store.commit(logging(ALICE, Ring::Letters, 10, 0))).expect("logged");
    let with_body = |n| {
        let mut batch = logging(ALICE, Ring::Letters, 10, n);
        let (letter, body) = (store.next_letter_id(), crate::SealedBody::from_vec(vec![b'x'; 100]));
        batch.append_body(&[ALICE], letter, MailboxId::INBOX, NOW, body);
        wait(store.commit(batch))
    };
    disk.fail_writes(true);
    with_body(1).expect_err("the disk is full");
    disk.fail_writes(false);
    with_body(2).expect("logged");
    assert_eq!(entries(&store, ALICE, Ring::Letters), [(0, 0), (1, 2)]);
}

/// More accounts log in turn than the committer remembers.
#[test]
fn lists_of_many_accounts_go_on_where_they_were() {
    let dir = tempfile::tempdir().expect("a directory");
    let store = open(dir.path(), EngineKind::Memory);
    let ids = || (1..=log::REMEMBERED.get() as u64 + 50).map(AccountId);
    for n in 0..2 {
        let mut batch = Batch::new();
        for id in ids() {
            batch.put(&keys::account(id), &account()).log(id, Ring::Logins, 10, &event(n));
        }
        wait(store.commit(batch)).expect("logged");
    }
    for id in ids() {
        assert_eq!(entries(&store, id, Ring::Logins), [(0, 0), (1, 1)]);
    }
}

/// What the lists of one account are to hold: number and event, the oldest first.
#[derive(Default)]
struct Model {
    number: u64,
    rings: [VecDeque<(u64, i64)>; 5],
    /// Entries that each list ever had.
    ever: [u64; 5],
}

impl Model {
    fn push(&mut self, ring: Ring, keep: u32, n: i64) {
        let list = &mut self.rings[ring as usize];
        list.push_back((self.number, n));
        self.ever[ring as usize] += 1;
        self.number += 1;
        // A new entry makes room for itself and for one more.
        let bound = list.len().saturating_sub(2).max(keep.max(1) as usize);
        while list.len() > bound {
            list.pop_front();
        }
    }
}

/// One batch: what it logs, each with the bound, and whether its preconditions hold.
type Step = (Vec<(usize, u32)>, bool);

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let logs = proptest::collection::vec((0..3_usize, 0..6_u32), 0..5);
    proptest::collection::vec((logs, prop::bool::weighted(0.8)), 0..30)
}

fn lists_hold_what_a_simple_model_holds(kind: EngineKind, dir: &Path) {
    let store = open(dir, kind);
    let next = Cell::new(1);
    let config = Config { cases: 64, failure_persistence: None, ..Config::default() };
    let outcome = TestRunner::new(config).run(&steps(), |steps| {
        let id = AccountId(next.replace(next.get() + 1));
        enrol(&store, id);
        agrees_with_model(&store, id, steps)
    });
    if let Err(error) = outcome {
        panic!("{error}");
    }
}

fn agrees_with_model(store: &Store, id: AccountId, steps: Vec<Step>) -> Result<(), TestCaseError> {
    let (mut model, mut event_no, mut commits) = (Model::default(), 0, Vec::new());
    for (logs, holds) in steps {
        let mut batch = Batch::new();
        batch.lazy();
        if !holds {
            batch.expect_absent(&keys::account(id));
        }
        for (ring, keep) in logs {
            event_no += 1;
            batch.log(id, Ring::ALL[ring], keep, &event(event_no));
            if holds {
                model.push(Ring::ALL[ring], keep, event_no);
            }
        }
        commits.push((store.commit(batch), holds));
    }
    for (commit, holds) in commits {
        prop_assert_eq!(wait(commit).is_ok(), holds);
    }
    for ring in Ring::ALL {
        let list: Vec<_> = model.rings[ring as usize].iter().copied().collect();
        prop_assert_eq!(&entries(store, id, ring), &list);
        let ever = store.read_blocking(|view| view.logged_ever(id, ring)).expect("readable");
        prop_assert_eq!(ever, model.ever[ring as usize]);
        let last = &list[list.len().saturating_sub(2)..];
        prop_assert_eq!(last_entries(store, id, ring, 2), last);
        for back in 1..=list.len() as u64 + 2 {
            let expected = list.iter().nth_back(back as usize - 1).map(|(_, n)| *n);
            prop_assert_eq!(logged(store, id, ring, back), expected);
        }
        prop_assert_eq!(logged(store, id, ring, u64::MAX), None);
    }
    let kept = store.read_blocking(|view| view.keys(&log::all(id), usize::MAX)).expect("readable");
    prop_assert_eq!(kept.len(), model.rings.iter().map(VecDeque::len).sum::<usize>());
    Ok(())
}

contract! {
    entries_come_in_order_and_number_all_lists_of_an_account
    entries_of_a_batch_that_fails_leave_no_trace
    batches_of_a_group_log_behind_each_other
    an_account_may_come_with_its_first_entry
    nothing_is_logged_of_an_account_that_is_gone
    an_account_goes_with_its_entries_while_others_log
    a_list_whose_bound_was_lowered_shrinks_step_by_step
    entries_of_a_group_that_fails_leave_no_gap
    lists_hold_what_a_simple_model_holds
}

#[test]
fn lists_go_on_where_they_were_after_a_start() {
    let dir = tempfile::tempdir().expect("a directory");
    for n in 0..4 {
        let store = open(dir.path(), EngineKind::Sled);
        if n == 0 {
            enrol(&store, ALICE);
        }
        wait(store.commit(logging(ALICE, Ring::Changes, 2, n))).expect("logged");
        store.close().expect("flushed");
    }
    let store = open(dir.path(), EngineKind::Sled);
    assert_eq!(entries(&store, ALICE, Ring::Changes), [(2, 2), (3, 3)]);
}

/// Whether the entry was kept is to be read again, and the list goes on from there.
#[test]
fn lists_go_on_where_they_are_after_a_flush_that_failed() {
    let dir = tempfile::tempdir().expect("a directory");
    let disk = TestDisk::new();
    let store = open_on(dir.path(), EngineKind::Sled, &disk, 0);
    enrol(&store, ALICE);
    wait(store.commit(logging(ALICE, Ring::Letters, 10, 0))).expect("logged");
    disk.good_syncs(0);
    wait(store.commit(logging(ALICE, Ring::Letters, 10, 1))).expect_err("the disk is full");
    disk.good_syncs(u64::MAX);
    wait(store.commit(logging(ALICE, Ring::Letters, 10, 2))).expect("there is room again");
    let found = entries(&store, ALICE, Ring::Letters);
    assert!(found == [(0, 0), (1, 2)] || found == [(0, 0), (1, 1), (2, 2)], "{found:?}");
    let kept = store.read_blocking(|view| view.keys(&log::all(ALICE), 10)).expect("readable");
    assert_eq!(kept.len(), found.len());
}
