//! A body under several ids of one account: it lives as long as one of them does, wherever it is moved.

use std::collections::BTreeMap;

use postern_model::{AccountId, LetterId};

use super::bodies::compact;
use super::crash::copy as copy_dir;
use super::{ALICE, BOB, deliver, drop_bodies, fetch, octets, open, segments_on_disk, settle, wait};
use crate::blob::BodyRef;
use crate::engine::Writes;
use crate::{Batch, EngineKind, Store, StoreError, codec, keys};

fn copying(account: AccountId, from: LetterId, to: LetterId) -> Batch {
    let mut batch = Batch::new();
    batch.copy_body(account, from, to);
    batch
}

fn copy_of(store: &Store, account: AccountId, from: LetterId) -> LetterId {
    let to = store.next_letter_id();
    wait(store.commit(copying(account, from, to))).expect("the original is there");
    to
}

/// No figure of bodies or segments is off, and so many bodies are on disk.
fn assert_sound(store: &Store, frames: u64) {
    let report = store.check();
    let about: Vec<_> = report.problems.iter().filter(|line| line.contains("segment")).collect();
    assert!(about.is_empty(), "{about:?}");
    assert_eq!(report.frames, frames);
}

#[test]
fn a_copy_outlives_its_original_and_the_other_way_round() {
    let dir = tempfile::tempdir().expect("a directory");
    let store = open(dir.path(), EngineKind::Sled);
    for (size, first_goes) in [(5_000, true), (5_000, false), (300_000, true), (300_000, false)] {
        let body = octets(1, size);
        let original = deliver(&store, &[ALICE, BOB], &body).expect("room");
        let before = segments_on_disk(dir.path());
        let copy = copy_of(&store, ALICE, original);
        let again = copy_of(&store, ALICE, copy);
        assert_eq!(segments_on_disk(dir.path()), before, "the body is there once");
        assert!(matches!(fetch(&store, BOB, copy), Err(StoreError::NotFound)), "copies are Alice's");
        let order = if first_goes { [original, copy, again] } else { [again, copy, original] };
        drop_bodies(&store, BOB, &[original]);
        for (n, gone) in order.into_iter().enumerate() {
            for kept in &order[n..] {
                assert_eq!(fetch(&store, ALICE, *kept).expect("still referred to"), body);
            }
            assert_sound(&store, 1);
            drop_bodies(&store, ALICE, &[gone]);
            assert!(matches!(fetch(&store, ALICE, gone), Err(StoreError::NotFound)));
        }
        assert_sound(&store, 0);
    }
    store.close().expect("flushed");
}

#[test]
fn a_letter_may_be_copied_and_dropped_at_once() {
    let dir = tempfile::tempdir().expect("a directory");
    let store = open(dir.path(), EngineKind::Sled);
    let original = deliver(&store, &[ALICE], b"moved").expect("room");
    let copy = store.next_letter_id();
    let mut batch = copying(ALICE, original, copy);
    batch.drop_body(ALICE, original);
    wait(store.commit(batch)).expect("moved");
    assert!(matches!(fetch(&store, ALICE, original), Err(StoreError::NotFound)));
    assert_eq!(fetch(&store, ALICE, copy).expect("under its new id"), b"moved");
    assert_sound(&store, 1);
}

#[test]
fn what_can_not_be_copied_is_a_conflict() {
    let dir = tempfile::tempdir().expect("a directory");
    let store = open(dir.path(), EngineKind::Sled);
    let hers = deliver(&store, &[ALICE], b"hers").expect("room");
    let his = deliver(&store, &[BOB], b"his").expect("room");
    let new = store.next_letter_id();
    let mut twice = copying(ALICE, hers, new);
    twice.copy_body(ALICE, hers, new);
    for batch in [copying(ALICE, his, new), copying(ALICE, hers, hers), twice, copying(ALICE, new, new)] {
        assert!(matches!(wait(store.commit(batch)), Err(StoreError::Conflict)));
        assert!(matches!(fetch(&store, ALICE, new), Err(StoreError::NotFound)), "nothing of it is kept");
    }
    // What batches before it did counts, whether they come in one group or not.
    let mut gone = Batch::new();
    gone.drop_body(ALICE, hers);
    let (_, late) = (store.commit(gone), store.commit(copying(ALICE, hers, new)));
    assert!(matches!(wait(late), Err(StoreError::Conflict)));
    let (first, second) = (store.next_letter_id(), store.next_letter_id());
    let made = store.commit(copying(BOB, his, first));
    let (of_it, dropped) = (store.commit(copying(BOB, first, second)), drop_both(&store, his, first));
    for done in [made, of_it, dropped] {
        wait(done).expect("in order");
    }
    assert_eq!(fetch(&store, BOB, second).expect("the only one left"), b"his");
    assert_sound(&store, 1);
}

fn drop_both(store: &Store, one: LetterId, other: LetterId) -> crate::Commit {
    let mut batch = Batch::new();
    batch.drop_body(BOB, one).drop_body(BOB, other);
    store.commit(batch)
}

/// An old store's references say nothing of a letter in the frame: it is their own.
#[test]
fn what_an_older_version_stored_can_be_copied() {
    let dir = tempfile::tempdir().expect("a directory");
    let store = open(dir.path(), EngineKind::Sled);
    let original = deliver(&store, &[ALICE], b"old").expect("room");
    let key = keys::body(ALICE, original);
    let place = wait(store.get::<BodyRef>(keys::body(ALICE, original))).expect("readable").expect("there");
    let mut old = codec::encode(&place).expect("small");
    old[0] = 1;
    old.pop();
    let writes = Writes::from([(key.into_bytes(), Some(old))]);
    store.shared().gate.alone(|engine| engine.apply(&writes)).expect("written");
    assert_eq!(fetch(&store, ALICE, original).expect("readable"), b"old");
    let copy = copy_of(&store, ALICE, original);
    drop_bodies(&store, ALICE, &[original]);
    assert_eq!(fetch(&store, ALICE, copy).expect("readable"), b"old");
    assert_sound(&store, 1);
}

#[test]
fn a_copy_that_was_answered_is_there_after_a_kill() {
    let dir = tempfile::tempdir().expect("a directory");
    let (live, killed) = (dir.path().join("live"), dir.path().join("killed"));
    let store = open(&live, EngineKind::Sled);
    let original = deliver(&store, &[ALICE], &octets(1, 3_000)).expect("room");
    let copy = copy_of(&store, ALICE, original);
    drop_bodies(&store, ALICE, &[original]);
    copy_dir(&live, &killed);

    let again = open(&killed, EngineKind::Sled);
    assert_eq!(fetch(&again, ALICE, copy).expect("acknowledged"), octets(1, 3_000));
    assert!(fetch(&again, ALICE, original).is_err());
    assert!(again.next_letter_id() > copy, "its id is not given twice");
    assert_sound(&again, 1);
}

/// A few hundred letters, copied and dropped in any order, while segments are rewritten.
#[test]
fn whatever_is_copied_dropped_and_rewritten_what_is_kept_reads_the_same() {
    for seed in [1, 2, 3] {
        let dir = tempfile::tempdir().expect("a directory");
        let mut store = open(dir.path(), EngineKind::Sled);
        // What lives, with the number of its body.
        let mut kept: BTreeMap<(AccountId, LetterId), u64> = BTreeMap::new();
        let body = |n: u64| octets(n, 500 + usize::try_from(n % 7).expect("small") * 900);
        for (n, dice) in (0..).zip(octets(seed, 400)) {
            let chosen = kept.keys().nth(usize::from(dice) % kept.len().max(1)).copied();
            match (dice % 10, chosen) {
                (0..3, _) | (_, None) => {
                    let accounts = if dice % 4 == 0 { vec![ALICE, BOB] } else { vec![ALICE] };
                    let letter = deliver(&store, &accounts, &body(n)).expect("room");
                    kept.extend(accounts.into_iter().map(|account| ((account, letter), n)));
                }
                (3..6, Some((account, letter))) => {
                    let copy = copy_of(&store, account, letter);
                    kept.insert((account, copy), kept[&(account, letter)]);
                }
                (6..9, Some((account, letter))) => {
                    drop_bodies(&store, account, &[letter]);
                    kept.remove(&(account, letter));
                }
                _ if dice % 20 == 9 => compact(&store),
                _ => {
                    store.close().expect("flushed");
                    store = open(dir.path(), EngineKind::Sled);
                }
            }
        }
        compact(&store);
        for ((account, letter), n) in &kept {
            let read = fetch(&store, *account, *letter);
            assert_eq!(read.expect("kept"), body(*n), "seed {seed}, letter {letter}");
        }
        let frames: std::collections::BTreeSet<u64> = kept.values().copied().collect();
        assert_sound(&store, frames.len() as u64);
        for (account, letter) in kept.keys() {
            drop_bodies(&store, *account, &[*letter]);
        }
        settle(&store);
        assert!(segments_on_disk(dir.path()) < 16 << 10, "seed {seed}: nothing is kept");
    }
}
