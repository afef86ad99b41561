//! A disk that is full: nothing is half-written, and service resumes by itself when there is room.

use std::fs;
use std::path::Path;

use postern_model::LetterId;

use super::{
    ALICE, TestDisk, deliver, drop_bodies, fetch, octets, open_on, segments_on_disk, settle, usage, wait,
};
use crate::{Batch, EngineKind, Store, StoreError, keys};

const RESERVE: u64 = 1 << 20;

fn assert_sound(store: &Store, letters: &[(usize, LetterId)]) {
    for (size, letter) in letters {
        assert_eq!(fetch(store, ALICE, *letter).expect("acknowledged"), octets(1, *size));
    }
    let report = store.check();
    let about: Vec<_> = report.problems.iter().filter(|line| line.contains("segment")).collect();
    assert!(about.is_empty(), "{about:?}");
}

fn try_deliver(store: &Store, size: usize) -> Result<(usize, LetterId), StoreError> {
    deliver(store, &[ALICE], &octets(1, size)).map(|letter| (size, letter))
}

#[test]
fn below_the_reserve_letters_are_refused_and_deletions_are_not() {
    for kind in [EngineKind::Sled, EngineKind::Memory] {
        let dir = tempfile::tempdir().expect("a directory");
        let disk = TestDisk::new();
        let store = open_on(dir.path(), kind, &disk, RESERVE);
        let mut letters =
            vec![try_deliver(&store, 5_000).expect("room"), try_deliver(&store, 400_000).expect("room")];
        disk.set_free(Some(RESERVE - 1));
        for size in [10, 300_000] {
            assert!(matches!(try_deliver(&store, size), Err(StoreError::Full)));
        }
        settle(&store);
        assert!(!store.is_writable());
        let (_, gone) = letters.remove(0);
        drop_bodies(&store, ALICE, &[gone]);
        assert_sound(&store, &letters);

        disk.set_free(Some(RESERVE / 2 - 1));
        let mut batch = Batch::new();
        batch.put(&keys::usage(ALICE), &usage(1));
        assert!(matches!(wait(store.commit(batch)), Err(StoreError::Full)), "the lower half is for nobody");

        disk.set_free(None);
        letters.push(try_deliver(&store, 6_000).expect("there is room again"));
        assert!(store.is_writable());
        assert_sound(&store, &letters);
    }
}

#[test]
fn a_letter_that_would_not_fit_above_the_reserve_is_refused() {
    let dir = tempfile::tempdir().expect("a directory");
    let disk = TestDisk::new();
    let store = open_on(dir.path(), EngineKind::Sled, &disk, RESERVE);
    disk.set_free(Some(RESERVE + 10_000));
    assert!(matches!(try_deliver(&store, 20_000), Err(StoreError::Full)));
    try_deliver(&store, 9_000).expect("this one fits");
}

fn spools(dir: &Path) -> usize {
    fs::read_dir(dir.join("spool")).expect("the spools").count()
}

#[test]
fn a_write_that_fails_leaves_nothing_behind() {
    let dir = tempfile::tempdir().expect("a directory");
    let disk = TestDisk::new();
    let store = open_on(dir.path(), EngineKind::Sled, &disk, 0);
    let mut letters = vec![try_deliver(&store, 5_000).expect("room")];
    let before = segments_on_disk(dir.path());
    disk.fail_writes(true);
    for size in [9_000, 300_000, 800_000] {
        assert!(matches!(try_deliver(&store, size), Err(StoreError::Full)), "{size}");
    }
    disk.fail_writes(false);
    assert_eq!(segments_on_disk(dir.path()), before, "half a letter was cut off");
    letters.push(try_deliver(&store, 9_000).expect("there is room again"));
    assert_sound(&store, &letters);
    store.close().expect("flushed");
    assert_eq!(spools(dir.path()), 0);
    let store = open_on(dir.path(), EngineKind::Sled, &disk, 0);
    assert_sound(&store, &letters);
}

/// The first letter of a store, a later one, and one with a segment of its own fail at each of their syncs.
#[test]
fn a_sync_that_fails_takes_all_or_nothing_and_service_resumes() {
    for size in [9_000, 300_000] {
        for good in 0..4 {
            let dir = tempfile::tempdir().expect("a directory");
            let disk = TestDisk::new();
            let store = open_on(dir.path(), EngineKind::Sled, &disk, 0);
            let mut letters = Vec::new();
            for _ in 0..2 {
                disk.good_syncs(good);
                match try_deliver(&store, size) {
                    Ok(letter) => letters.push(letter),
                    Err(error) => assert!(matches!(error, StoreError::Full), "{error}"),
                }
                disk.good_syncs(u64::MAX);
                letters.push(try_deliver(&store, 5_000).expect("it goes on by itself"));
                assert!(store.is_writable());
                assert_sound(&store, &letters);
            }
            store.close().expect("flushed");
            let store = open_on(dir.path(), EngineKind::Sled, &disk, 0);
            assert_sound(&store, &letters);
        }
    }
}

#[test]
fn while_the_index_is_closed_readers_are_told_so() {
    let dir = tempfile::tempdir().expect("a directory");
    let disk = TestDisk::new();
    let store = open_on(dir.path(), EngineKind::Sled, &disk, RESERVE);
    let letter = try_deliver(&store, 5_000).expect("room");
    disk.good_syncs(1);
    assert!(matches!(try_deliver(&store, 5_000), Err(StoreError::Full)), "the index can't be synced");
    disk.good_syncs(u64::MAX);
    disk.set_free(Some(0));
    assert!(!store.is_writable());
    assert!(matches!(wait(store.get(keys::usage(ALICE))), Err(StoreError::Full)));
    assert!(matches!(try_deliver(&store, 10), Err(StoreError::Full)));
    disk.set_free(None);
    let next = try_deliver(&store, 7_000).expect("it goes on by itself");
    assert_sound(&store, &[letter, next]);
}
