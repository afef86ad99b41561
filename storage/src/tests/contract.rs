//! What every engine has to keep, and the store on top of it. Each promise is one function; the list at the end runs
//! all of them against each engine.

use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

use postern_model::record::{AddressEntry, AddressKind, Block, DomainEntry, NextAccount, Usage, Vanished};
use postern_model::{AccountId, Domain, MailboxId, ModSeq, Uid};

use super::{ALICE, BOB, NOW, TestDisk, open, open_on, settle, usage, wait};
use crate::disk::{Disk, SystemDisk};
use crate::engine::{self, Engine, EngineKind, Writes};
use crate::{Batch, Store, StoreError, keys};

fn engine(kind: EngineKind, dir: &Path) -> Box<dyn Engine> {
    let disk: Arc<dyn Disk> = Arc::new(SystemDisk);
    engine::open(kind, dir, 4 << 20, &disk).expect("the engine opens")
}

fn put(key: &[u8], value: &[u8]) -> (Vec<u8>, Option<Vec<u8>>) {
    (key.to_vec(), Some(value.to_vec()))
}

fn rows(engine: &dyn Engine, start: &[u8], end: &[u8]) -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    let visit = &mut |key: &[u8], _: &[u8]| {
        found.push(key.to_vec());
        ControlFlow::Continue(())
    };
    engine.scan(start, end, visit).expect("a scan");
    found
}

fn an_engine_keeps_changes_in_the_order_of_keys(kind: EngineKind, dir: &Path) {
    let engine = engine(kind, dir);
    engine
        .apply(&Writes::from([put(b"b", b"2"), put(b"a\xff", b"1"), put(b"", b"0"), put(b"c", b"3")]))
        .expect("write");
    engine.apply(&Writes::from([(b"c".to_vec(), None), put(b"b", b"4")])).expect("change");
    engine.flush().expect("flush");
    assert_eq!(engine.get(b"b").expect("read"), Some(b"4".to_vec()));
    assert_eq!(engine.get(b"c").expect("read"), None);
    assert_eq!(rows(engine.as_ref(), b"", b"z"), [&b""[..], b"a\xff", b"b"]);
}

fn an_engine_scans_from_the_start_and_up_to_the_end_of_a_range(kind: EngineKind, dir: &Path) {
    let engine = engine(kind, dir);
    engine
        .apply(&Writes::from([put(b"a", b""), put(b"b", b""), put(b"ba", b""), put(b"c", b"")]))
        .expect("write");
    assert_eq!(rows(engine.as_ref(), b"b", b"c"), [&b"b"[..], b"ba"]);
    assert!(rows(engine.as_ref(), b"b", b"b").is_empty());
    assert!(rows(engine.as_ref(), b"c", b"b").is_empty());
    let mut seen = 0;
    let stop = &mut |_: &[u8], _: &[u8]| {
        seen += 1;
        ControlFlow::Break(())
    };
    engine.scan(b"a", b"z", stop).expect("a scan");
    assert_eq!(seen, 1);
}

fn put_usage(letters: u64) -> Batch {
    let mut batch = Batch::new();
    batch.put(&keys::usage(ALICE), &usage(letters));
    batch
}

fn stored(store: &Store, account: AccountId) -> Option<Usage> {
    wait(store.get(keys::usage(account))).expect("readable")
}

fn a_batch_is_whole_or_not_at_all(kind: EngineKind, dir: &Path) {
    let store = open(dir, kind);
    wait(store.commit(put_usage(1))).expect("the first");
    let mut batch = put_usage(2);
    batch.put(&keys::usage(BOB), &usage(2)).expect_absent(&keys::usage(ALICE));
    assert!(matches!(wait(store.commit(batch)), Err(StoreError::Conflict)));
    assert_eq!((stored(&store, ALICE), stored(&store, BOB)), (Some(usage(1)), None));
}

fn a_batch_may_ask_for_any_record_to_be_there(kind: EngineKind, dir: &Path) {
    let store = open(dir, kind);
    let built_on = |of| {
        let mut batch = put_usage(1);
        batch.expect_present(&keys::usage(of));
        batch
    };
    assert!(matches!(wait(store.commit(built_on(BOB))), Err(StoreError::Conflict)));
    assert_eq!(stored(&store, ALICE), None);
    wait(store.commit(put_usage(7))).expect("no precondition");
    wait(store.commit(built_on(ALICE))).expect("it is there");
    assert_eq!(stored(&store, ALICE), Some(usage(1)));
}

fn batches_are_done_in_the_order_of_the_calls(kind: EngineKind, dir: &Path) {
    let store = open(dir, kind);
    let commits: Vec<_> = (0..100).map(|n| store.commit(put_usage(n))).collect();
    for commit in commits.into_iter().rev() {
        wait(commit).expect("done");
    }
    assert_eq!(stored(&store, ALICE), Some(usage(99)));
}

/// The group is made by holding the disk up while the batches are queued.
fn preconditions_see_earlier_batches_of_the_same_group(kind: EngineKind, dir: &Path) {
    let disk = TestDisk::new();
    let store = open_on(dir, kind, &disk, 0);
    let step = |from: u64, to: u64| {
        let mut batch = put_usage(to);
        batch.expect(&keys::usage(ALICE), &usage(from));
        batch
    };
    disk.hold(true);
    let first = store.commit(put_usage(1));
    let good = [store.commit(step(1, 2)), store.commit(step(2, 3))];
    let late = store.commit(step(1, 9));
    let mut fresh = Batch::new();
    fresh.delete(&keys::usage(ALICE));
    let deleted = store.commit(fresh);
    let mut again = put_usage(5);
    again.expect_absent(&keys::usage(ALICE));
    let again = store.commit(again);
    disk.hold(false);
    wait(first).expect("no precondition");
    for commit in good {
        wait(commit).expect("it builds on the one before");
    }
    assert!(matches!(wait(late), Err(StoreError::Conflict)));
    wait(deleted).expect("no precondition");
    wait(again).expect("it is absent after the deletion");
    assert_eq!(stored(&store, ALICE), Some(usage(5)));
}

fn a_precondition_compares_the_whole_record(kind: EngineKind, dir: &Path) {
    let store = open(dir, kind);
    let mut batch = put_usage(1);
    batch.expect(&keys::usage(ALICE), &usage(0));
    assert!(matches!(wait(store.commit(batch)), Err(StoreError::Conflict)), "nothing is stored yet");
    wait(store.commit(put_usage(0))).expect("stored");
    for (expected, kept) in [(usage(7), false), (usage(0), true)] {
        let mut batch = put_usage(1);
        batch.expect(&keys::usage(ALICE), &expected);
        assert_eq!(wait(store.commit(batch)).is_ok(), kept);
    }
}

fn a_lazy_batch_is_seen_at_once(kind: EngineKind, dir: &Path) {
    let store = open(dir, kind);
    let mut batch = put_usage(4);
    batch.lazy();
    wait(store.commit(batch)).expect("applied");
    assert_eq!(stored(&store, ALICE), Some(usage(4)));
}

fn a_scan_lists_its_kind_alone_and_in_order(kind: EngineKind, dir: &Path) {
    let store = open(dir, kind);
    let mut batch = Batch::new();
    for n in [300, 2, 70_000, 1] {
        batch.put(&keys::block(ALICE, MailboxId::INBOX, n), &Block::default());
    }
    batch.put(&keys::block(ALICE, MailboxId(2), 5), &Block::default());
    batch.put(&keys::block(BOB, MailboxId::INBOX, 6), &Block::default());
    for address in ["b@one.test", "a@one.test", "a@one.test.org", "z@on.test"] {
        batch.put(&keys::address(address), &AddressEntry { account: ALICE, kind: AddressKind::Alias });
    }
    batch.put(
        &keys::domain(&Domain::parse("one.test").expect("a domain")),
        &DomainEntry { added: NOW, catch_all: None },
    );
    wait(store.commit(batch)).expect("stored");

    let look = |view: &crate::View<'_>| {
        let blocks = keys::blocks_of(ALICE, MailboxId::INBOX);
        let numbers = |rows: Vec<(u32, Block)>| rows.into_iter().map(|(n, _)| n).collect::<Vec<_>>();
        assert_eq!(numbers(view.scan(&blocks, 100)?), [1, 2, 300, 70_000]);
        assert_eq!(numbers(view.scan(&blocks, 2)?), [1, 2]);
        let rest = blocks.after(&keys::block(ALICE, MailboxId::INBOX, 2));
        assert_eq!(numbers(view.scan(&rest, 2)?), [300, 70_000]);
        assert!(view.scan(&rest, 0)?.is_empty());
        let one = Domain::parse("one.test").expect("a domain");
        let names = view.scan(&keys::addresses_of(&one), 10)?.into_iter().map(|(name, _)| name);
        assert_eq!(names.collect::<Vec<_>>(), ["a@one.test", "b@one.test"]);
        let domains = view.scan(&keys::all_domains(), 10)?.into_iter().map(|(domain, _)| domain);
        assert_eq!(domains.collect::<Vec<_>>(), [one]);
        Ok(())
    };
    store.read_blocking(look).expect("readable");
}

fn accounts_are_listed_page_by_page(kind: EngineKind, dir: &Path) {
    let store = open(dir, kind);
    let mut batch = Batch::new();
    for id in [1, 2, 0x1_0000, u64::MAX] {
        batch.put(&keys::usage(AccountId(id)), &usage(id / 16));
        batch.put(&keys::block(AccountId(id), MailboxId::INBOX, 1), &Block::default());
    }
    wait(store.commit(batch)).expect("stored");
    let look = |after| {
        let page = store.read_blocking(|view| view.accounts(after, 3)).expect("readable");
        page.into_iter().map(|(id, _)| id.0).collect::<Vec<_>>()
    };
    assert_eq!(look(None), [1, 2, 0x1_0000]);
    assert_eq!(look(Some(AccountId(0x1_0000))), [u64::MAX]);
    assert!(look(Some(AccountId(u64::MAX))).is_empty());
}

fn everything_of_an_account_goes_and_nothing_else(kind: EngineKind, dir: &Path) {
    let store = open(dir, kind);
    let letter = super::deliver(&store, &[ALICE, BOB], b"to both").expect("delivered");
    let mut batch = put_usage(1);
    batch.put(&keys::block(ALICE, MailboxId::INBOX, 1), &Block::default());
    batch.put(&keys::usage(BOB), &usage(1));
    wait(store.commit(batch)).expect("stored");
    let everything = store.read_blocking(|view| view.keys(&keys::everything_of(ALICE), 100)).expect("listed");
    assert_eq!(everything.len(), 3);
    let mut batch = Batch::new();
    for key in &everything {
        batch.delete_raw(key);
    }
    wait(store.commit(batch)).expect("removed");
    assert!(
        store.read_blocking(|view| view.keys(&keys::everything_of(ALICE), 1)).expect("listed").is_empty()
    );
    assert_eq!(super::fetch(&store, BOB, letter).expect("his is still there"), b"to both");
    assert_eq!(stored(&store, BOB), Some(usage(1)));
}

fn a_new_store_has_its_first_records(kind: EngineKind, dir: &Path) {
    let store = open(dir, kind);
    assert_eq!(wait(store.get(keys::meta())).expect("readable").map(|meta| meta.created), Some(NOW));
    let next = wait(store.get(keys::next_account())).expect("readable");
    assert_eq!(next, Some(NextAccount(AccountId(1))));
    let report = store.check();
    assert!(report.problems.is_empty(), "{report:?}");
}

fn a_closed_store_refuses(kind: EngineKind, dir: &Path) {
    let store = open(dir, kind);
    let other = store.clone();
    let last = store.commit(put_usage(3));
    store.close().expect("flushed");
    wait(last).expect("what was queued is done first");
    assert!(matches!(wait(other.commit(put_usage(4))), Err(StoreError::Closed)));
    assert!(matches!(wait(other.get(keys::usage(ALICE))), Err(StoreError::Closed)));
    assert!(matches!(other.read_blocking(|_| Ok(())), Err(StoreError::Closed)));
}

fn many_writers_share_a_sync(kind: EngineKind, dir: &Path) {
    let disk = TestDisk::new();
    let store = open_on(dir, kind, &disk, 0);
    settle(&store);
    let before = disk.syncs();
    disk.hold(true);
    let commits: Vec<_> = (0..64)
        .map(|n| {
            let mut batch = put_usage(n);
            let (letter, body) = (store.next_letter_id(), crate::SealedBody::from_vec(vec![b'x'; 1000]));
            batch.append_body(&[ALICE], letter, MailboxId::INBOX, NOW, body);
            store.commit(batch)
        })
        .collect();
    disk.hold(false);
    for commit in commits {
        wait(commit).expect("stored");
    }
    // Two groups at most: the first letter's, and that of all that came while it was synced. A group syncs the segment,
    // and the index where that is on disk.
    let group = if kind == EngineKind::Sled { 2 } else { 1 };
    let syncs = disk.syncs() - before;
    assert!(syncs == group || syncs == 2 * group, "{syncs} syncs for 64 letters");
}

fn a_look_sees_all_of_a_batch_or_nothing(kind: EngineKind, dir: &Path) {
    let store = open(dir, kind);
    let writer = store.clone();
    let both = |n| {
        let mut batch = put_usage(n);
        batch.put(&keys::usage(BOB), &usage(n)).lazy();
        batch
    };
    wait(store.commit(both(0))).expect("stored");
    let written = std::thread::spawn(move || (1..300).for_each(|n| drop(wait(writer.commit(both(n))))));
    let look = || {
        let pair =
            |view: &crate::View<'_>| Ok((view.get(&keys::usage(ALICE))?, view.get(&keys::usage(BOB))?));
        store.read_blocking(pair).expect("readable")
    };
    while !written.is_finished() {
        let (alice, bob) = look();
        assert_eq!(alice, bob);
    }
    written.join().expect("the writer");
    assert_eq!(look(), (Some(usage(299)), Some(usage(299))));
}

contract! {
    an_engine_keeps_changes_in_the_order_of_keys
    an_engine_scans_from_the_start_and_up_to_the_end_of_a_range
    a_batch_is_whole_or_not_at_all
    a_batch_may_ask_for_any_record_to_be_there
    batches_are_done_in_the_order_of_the_calls
    preconditions_see_earlier_batches_of_the_same_group
    a_precondition_compares_the_whole_record
    a_lazy_batch_is_seen_at_once
    a_scan_lists_its_kind_alone_and_in_order
    accounts_are_listed_page_by_page
    everything_of_an_account_goes_and_nothing_else
    a_new_store_has_its_first_records
    a_closed_store_refuses
    many_writers_share_a_sync
    a_look_sees_all_of_a_batch_or_nothing
}

#[test]
fn a_store_on_disk_is_there_again() {
    let dir = tempfile::tempdir().expect("a directory");
    let store = open(dir.path(), EngineKind::Sled);
    wait(store.commit(put_usage(8))).expect("stored");
    let mut lazy = Batch::new();
    lazy.put(&keys::usage(BOB), &usage(9)).lazy();
    wait(store.commit(lazy)).expect("applied");
    store.close().expect("flushed");
    let store = open(dir.path(), EngineKind::Sled);
    assert_eq!((stored(&store, ALICE), stored(&store, BOB)), (Some(usage(8)), Some(usage(9))));
}

/// sled never syncs the files that it makes for long pages.
#[test]
fn long_records_make_no_files_that_are_never_synced() {
    let dir = tempfile::tempdir().expect("a directory");
    let store = open(dir.path(), EngineKind::Sled);
    let long = |n: u32| Vanished { uids: (0..n * 500).map(|uid| (Uid(uid), Uid(uid + 1))).collect() };
    for n in 0..60 {
        let mut batch = Batch::new();
        batch.put(&keys::vanished(ALICE, MailboxId::INBOX, ModSeq(n.into())), &long(n));
        wait(store.commit(batch)).expect("stored");
    }
    assert_eq!(std::fs::read_dir(dir.path().join("index/blobs")).expect("sled's own").count(), 0);
    store.close().expect("flushed");
    let store = open(dir.path(), EngineKind::Sled);
    let range = keys::vanished_of(ALICE, MailboxId::INBOX);
    let rows = store.read_blocking(|view| view.scan(&range, 100)).expect("readable");
    assert_eq!(rows, (0..60).map(|n| (ModSeq(n.into()), long(n))).collect::<Vec<_>>());
}

#[test]
fn a_lazy_batch_becomes_durable_by_itself() {
    let dir = tempfile::tempdir().expect("a directory");
    let disk = TestDisk::new();
    let store = open_on(dir.path(), EngineKind::Sled, &disk, 0);
    let before = disk.syncs();
    let mut batch = put_usage(4);
    batch.lazy();
    wait(store.commit(batch)).expect("applied");
    disk.wait_for_sync_after(before);
}

#[test]
fn a_store_in_memory_starts_empty_and_spares_the_one_on_disk() {
    let dir = tempfile::tempdir().expect("a directory");
    let store = open(dir.path(), EngineKind::Sled);
    let letter = super::deliver(&store, &[ALICE], b"kept").expect("delivered");
    store.close().expect("flushed");
    for _ in 0..2 {
        let store = open(dir.path(), EngineKind::Memory);
        assert_eq!(stored(&store, ALICE), None);
        super::deliver(&store, &[ALICE], b"for a while").expect("delivered");
        wait(store.commit(put_usage(1))).expect("stored");
        store.close().expect("closed");
    }
    let store = open(dir.path(), EngineKind::Sled);
    assert_eq!(super::fetch(&store, ALICE, letter).expect("the letter"), b"kept");
}
