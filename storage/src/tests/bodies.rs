//! Bodies go in and come out, and their space comes back.

use std::fs;
use std::os::unix::fs::FileExt;
use std::path::Path;

use postern_model::{LetterId, MailboxId};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use super::{
    ALICE, BOB, NOW, deliver, drop_bodies, fetch, octets, open, segments_on_disk, settle, spooled, wait,
};
use crate::blob::spool::MEMORY_LIMIT;
use crate::blob::{all_segments, compaction};
use crate::{Batch, EngineKind, SealedBody, Store, StoreError};

/// Every octet that lies in the directory of spools.
fn spools(dir: &Path) -> usize {
    fs::read_dir(dir.join("spool")).expect("the spools").count()
}

#[test]
fn any_body_comes_back_as_it_was() {
    let dir = tempfile::tempdir().expect("a directory");
    let store = open(dir.path(), EngineKind::Sled);
    let sizes = prop_oneof![
        0..3_000_usize,
        (64 << 10) - 2..(64 << 10) + 3_usize,
        MEMORY_LIMIT - 3..MEMORY_LIMIT + 4,
        MEMORY_LIMIT + (128 << 10) - 2..MEMORY_LIMIT + (128 << 10) + 3,
        600_000..700_000_usize,
    ];
    let mut runner = TestRunner::new(Config { failure_persistence: None, ..Config::with_cases(48) });
    let outcome = runner.run(&(sizes, any::<u64>(), 1..200_000_usize), |(size, seed, piece)| {
        let body = octets(seed, size);
        let sealed = wait(async {
            let mut spool = store.spool();
            for piece in body.chunks(piece) {
                spool.write(piece).await?;
            }
            spool.seal().await
        });
        let sealed = sealed.expect("sealed");
        prop_assert_eq!(sealed.len(), size as u64);
        prop_assert_eq!(sealed.as_slice().is_some(), size <= MEMORY_LIMIT);
        prop_assert_eq!(&wait(sealed.read(0, usize::MAX)).expect("readable before it is stored")[..], &body);
        let letter = store.next_letter_id();
        let mut batch = Batch::new();
        batch.append_body(&[ALICE], letter, MailboxId::INBOX, NOW, sealed);
        wait(store.commit(batch)).expect("stored");
        prop_assert_eq!(fetch(&store, ALICE, letter).expect("readable"), body);
        Ok(())
    });
    outcome.expect("every body");
    let shared = store.shared().clone();
    store.close().expect("flushed");
    drop(shared);
    assert_eq!(spools(dir.path()), 0);
}

#[test]
fn a_part_of_a_sealed_body_can_be_read() {
    let dir = tempfile::tempdir().expect("a directory");
    let store = open(dir.path(), EngineKind::Memory);
    for size in [1_000, 300_000] {
        let body = octets(3, size);
        let sealed = wait(spooled(&store, &body)).expect("sealed");
        for (offset, length) in [(0, 10), (size - 5, 100), (size, 1), (size + 9, 1)] {
            let end = (offset + length).min(size);
            let part = wait(sealed.read(offset as u64, length)).expect("readable");
            assert_eq!(part, body[offset.min(end)..end], "{offset}+{length} of {size}");
        }
    }
}

#[test]
fn a_spool_that_is_dropped_leaves_nothing() {
    let dir = tempfile::tempdir().expect("a directory");
    let store = open(dir.path(), EngineKind::Sled);
    let big = octets(1, 400_000);
    wait(async {
        let mut unsealed = store.spool();
        unsealed.write(&big).await.expect("room");
        assert_eq!(spools(dir.path()), 1);
    });
    drop(wait(spooled(&store, &big)).expect("sealed, and nobody stores it"));
    // A batch that fails drops its body as well.
    let mut batch = Batch::new();
    let sealed = wait(spooled(&store, &big)).expect("sealed");
    batch.append_body(&[ALICE], store.next_letter_id(), MailboxId::INBOX, NOW, sealed);
    batch.expect(&crate::keys::usage(ALICE), &super::usage(1));
    assert!(matches!(wait(store.commit(batch)), Err(StoreError::Conflict)));
    store.close().expect("flushed");
    assert_eq!((spools(dir.path()), segments_on_disk(dir.path())), (0, 0));
}

#[test]
fn one_body_serves_several_accounts_and_goes_with_the_last() {
    let dir = tempfile::tempdir().expect("a directory");
    let store = open(dir.path(), EngineKind::Sled);
    let body = octets(5, 50_000);
    let letter = deliver(&store, &[ALICE, BOB, ALICE], &body).expect("delivered");
    assert!(segments_on_disk(dir.path()) < 51_000, "it is stored once");
    drop_bodies(&store, ALICE, &[letter]);
    assert!(matches!(fetch(&store, ALICE, letter), Err(StoreError::NotFound)));
    assert_eq!(fetch(&store, BOB, letter).expect("his is there"), body);
    drop_bodies(&store, BOB, &[letter]);
    drop_bodies(&store, BOB, &[letter]);
    settle(&store);
    assert_eq!(segments_on_disk(dir.path()), 0);
}

#[test]
fn a_letter_has_one_body() {
    let dir = tempfile::tempdir().expect("a directory");
    let store = open(dir.path(), EngineKind::Sled);
    let letter = deliver(&store, &[ALICE], b"first").expect("delivered");
    let mut batch = Batch::new();
    let second = SealedBody::from_vec(b"second".to_vec());
    batch.append_body(&[BOB, ALICE], letter, MailboxId::INBOX, NOW, second);
    assert!(matches!(wait(store.commit(batch)), Err(StoreError::Conflict)));
    assert_eq!(fetch(&store, ALICE, letter).expect("the first"), b"first");
    assert!(matches!(fetch(&store, BOB, letter), Err(StoreError::NotFound)));
}

#[test]
fn whoever_reads_a_body_reads_it_to_its_end() {
    let dir = tempfile::tempdir().expect("a directory");
    let store = open(dir.path(), EngineKind::Sled);
    for size in [200_000, 500_000] {
        let body = octets(9, size);
        let letter = deliver(&store, &[ALICE], &body).expect("delivered");
        let mut reader = wait(store.open_body(ALICE, letter)).expect("there");
        drop_bodies(&store, ALICE, &[letter]);
        settle(&store);
        assert_eq!(segments_on_disk(dir.path()), 0, "its space is given back");
        let mut read = Vec::new();
        while let Some(chunk) = wait(reader.chunk()).expect("still readable") {
            read.extend_from_slice(&chunk);
        }
        assert_eq!(read, body);
    }
}

/// Rewrites what is sparse, as the store's own thread does in its time.
pub(super) fn compact(store: &Store) {
    let listed = store.read_blocking(|view| view.scan(&all_segments(), 1000)).expect("listed");
    for (id, _) in listed.into_iter().filter(|(_, info)| info.is_sparse()) {
        match compaction::compact(store.shared(), id) {
            Ok(()) | Err(StoreError::NotFound) => {}
            Err(error) => panic!("{error}"),
        }
    }
    settle(store);
}

#[test]
fn space_comes_back_after_deletion_and_what_is_kept_is_kept() {
    let dir = tempfile::tempdir().expect("a directory");
    let store = open(dir.path(), EngineKind::Sled);
    let size = |n: u64| 1_500 + usize::try_from(n).expect("small") * 3;
    let accounts = |n: u64| if n.is_multiple_of(3) { vec![ALICE, BOB] } else { vec![ALICE] };
    let letters: Vec<(u64, LetterId)> =
        (0..400).map(|n| (n, deliver(&store, &accounts(n), &octets(n, size(n))).expect("room"))).collect();
    let full = segments_on_disk(dir.path());
    let (kept, dropped): (Vec<_>, Vec<_>) = letters.into_iter().partition(|(n, _)| n.is_multiple_of(10));
    let dropped: Vec<LetterId> = dropped.into_iter().map(|(_, letter)| letter).collect();
    drop_bodies(&store, ALICE, &dropped);
    drop_bodies(&store, BOB, &dropped);
    compact(&store);
    let left = segments_on_disk(dir.path());
    assert!(left < full / 4, "a tenth is kept of {full}, and {left} octets are on disk");

    let verify = |store: &Store| {
        for (n, letter) in &kept {
            for account in accounts(*n) {
                assert_eq!(fetch(store, account, *letter).expect("kept"), octets(*n, size(*n)));
            }
        }
        for letter in &dropped {
            assert!(matches!(fetch(store, ALICE, *letter), Err(StoreError::NotFound)));
        }
        let report = store.check();
        let about_bodies: Vec<_> = report.problems.iter().filter(|line| line.contains("segment")).collect();
        assert!(about_bodies.is_empty(), "{about_bodies:?}");
        assert_eq!(report.frames, kept.len() as u64);
    };
    verify(&store);
    store.close().expect("flushed");
    let store = open(dir.path(), EngineKind::Sled);
    verify(&store);
    let kept: Vec<LetterId> = kept.iter().map(|(_, letter)| *letter).collect();
    drop_bodies(&store, ALICE, &kept);
    drop_bodies(&store, BOB, &kept);
    settle(&store);
    let left = segments_on_disk(dir.path());
    assert!(left < 8 << 10, "nothing is kept, and {left} octets are on disk");
}

/// Changes one octet in the only segment.
pub(super) fn damage(dir: &Path, at: u64) {
    let path =
        fs::read_dir(dir.join("segments")).expect("the segments").next().expect("one").expect("it").path();
    let file = fs::OpenOptions::new().read(true).write(true).open(path).expect("the segment");
    let mut octet = [0];
    file.read_exact_at(&mut octet, at).expect("inside");
    file.write_all_at(&[octet[0] ^ 1], at).expect("written");
}

#[test]
fn a_damaged_body_never_comes_out_whole() {
    for (size, at) in [(5_000_usize, 2_000), (200_000, 190_000), (300_000, 100), (100, 7)] {
        let dir = tempfile::tempdir().expect("a directory");
        let store = open(dir.path(), EngineKind::Sled);
        let letter = deliver(&store, &[ALICE], &octets(2, size)).expect("delivered");
        assert!(!store.check().problems.iter().any(|line| line.contains("segment")));
        damage(dir.path(), at);
        assert!(matches!(fetch(&store, ALICE, letter), Err(StoreError::Damaged { .. })), "{size}");
        let named = format!("letter {letter} of account {ALICE}");
        let report = store.check();
        assert!(report.problems.iter().any(|line| line.contains(&named)), "{report:?}");
    }
}

#[test]
fn a_damaged_segment_is_not_rewritten() {
    let dir = tempfile::tempdir().expect("a directory");
    let store = open(dir.path(), EngineKind::Sled);
    let letters: Vec<_> =
        (0..7).map(|n| deliver(&store, &[ALICE], &octets(n, 10_000)).expect("room")).collect();
    damage(dir.path(), 5_000);
    let on_disk = segments_on_disk(dir.path());
    drop_bodies(&store, ALICE, &letters[1..6]);
    let listed = store.read_blocking(|view| view.scan(&all_segments(), 10)).expect("listed");
    let (id, info) = listed[0];
    assert!(info.is_sparse(), "{info:?}");
    assert!(matches!(compaction::compact(store.shared(), id), Err(StoreError::Damaged { .. })));
    settle(&store);
    assert_eq!(segments_on_disk(dir.path()), on_disk, "what is left of it can still be looked at");
    assert_eq!(fetch(&store, ALICE, letters[6]).expect("its neighbour"), octets(6, 10_000));
}

#[test]
fn letter_ids_are_never_given_twice() {
    let dir = tempfile::tempdir().expect("a directory");
    let mut highest = LetterId(0);
    for _ in 0..3 {
        let store = open(dir.path(), EngineKind::Sled);
        for _ in 0..3 {
            let letter = deliver(&store, &[ALICE], b"x").expect("delivered");
            assert!(letter > highest);
            highest = letter;
        }
        assert!(store.next_letter_id() > highest);
        store.close().expect("flushed");
    }
}
