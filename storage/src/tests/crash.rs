//! What a process that was killed leaves behind, and what must not be opened. A kill is a copy of the directory while
//! the store is open: what the kernel has is what is there.

use std::fs;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use super::{ALICE, NOW, deliver, drop_bodies, fetch, octets, open, options, settle, usage, wait};
use crate::codec;
use crate::engine::Writes;
use crate::open::{StoreFormat, format_key};
use crate::{Batch, EngineKind, OpenError, Store, keys};

pub(super) fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("the copy");
    for entry in fs::read_dir(from).expect("a directory") {
        let entry = entry.expect("an entry");
        let target = to.join(entry.file_name());
        if entry.file_type().expect("its type").is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).expect("copied");
        }
    }
}

fn segment_files(dir: &Path) -> Vec<PathBuf> {
    let files = fs::read_dir(dir.join("segments")).expect("the segments");
    let mut paths: Vec<_> = files.map(|file| file.expect("an entry").path()).collect();
    paths.sort();
    paths
}

/// No figure of bodies or segments is off; the letters of these tests are in no folder.
fn assert_segments_sound(store: &Store) {
    let report = store.check();
    let about: Vec<_> = report.problems.iter().filter(|line| line.contains("segment")).collect();
    assert!(about.is_empty(), "{about:?}");
}

#[test]
fn what_was_answered_is_there_after_a_kill() {
    let dir = tempfile::tempdir().expect("a directory");
    let (live, killed) = (dir.path().join("live"), dir.path().join("killed"));
    let store = open(&live, EngineKind::Sled);
    let sizes = [10, 70_000, 300_000, 5_000];
    let letters: Vec<_> =
        sizes.iter().map(|n| (*n, deliver(&store, &[ALICE], &octets(7, *n)).expect("room"))).collect();
    let gone = deliver(&store, &[ALICE], b"dropped again").expect("room");
    drop_bodies(&store, ALICE, &[gone]);
    let mut batch = Batch::new();
    batch.put(&keys::usage(ALICE), &usage(4));
    wait(store.commit(batch)).expect("stored");
    copy(&live, &killed);

    let again = open(&killed, EngineKind::Sled);
    for (size, letter) in &letters {
        assert_eq!(fetch(&again, ALICE, *letter).expect("acknowledged"), octets(7, *size));
    }
    assert!(fetch(&again, ALICE, gone).is_err());
    assert_eq!(wait(again.get(keys::usage(ALICE))).expect("readable"), Some(usage(4)));
    assert!(again.next_letter_id() > gone);
    assert_segments_sound(&again);
}

#[test]
fn what_was_never_acknowledged_is_cut_off() {
    let dir = tempfile::tempdir().expect("a directory");
    let store = open(dir.path(), EngineKind::Sled);
    let letter = deliver(&store, &[ALICE], &octets(1, 3_000)).expect("room");
    store.close().expect("flushed");
    let active = segment_files(dir.path()).pop().expect("a segment");
    let length = fs::metadata(&active).expect("its size").len();
    let file = fs::OpenOptions::new().write(true).open(&active).expect("the segment");
    file.write_all_at(&octets(2, 777), length).expect("half a frame");
    fs::write(dir.path().join("segments/00000000000000ff.seg"), b"a letter whose batch never came")
        .expect("written");
    fs::write(dir.path().join("spool/0000000000000000"), b"a letter under way").expect("written");

    let store = open(dir.path(), EngineKind::Sled);
    assert_eq!(segment_files(dir.path()), std::slice::from_ref(&active));
    assert_eq!(fs::metadata(&active).expect("its size").len(), length);
    assert_eq!(fs::read_dir(dir.path().join("spool")).expect("the spools").count(), 0);
    let next = deliver(&store, &[ALICE], &octets(3, 2_000)).expect("room");
    assert_eq!(segment_files(dir.path()), [active], "the segment is gone on with");
    assert_eq!(fetch(&store, ALICE, letter).expect("the old one"), octets(1, 3_000));
    assert_eq!(fetch(&store, ALICE, next).expect("the new one"), octets(3, 2_000));
    assert_segments_sound(&store);
}

#[test]
fn a_segment_that_lost_its_end_is_reported_and_left_alone() {
    let dir = tempfile::tempdir().expect("a directory");
    let store = open(dir.path(), EngineKind::Sled);
    let first = deliver(&store, &[ALICE], &octets(1, 3_000)).expect("room");
    let second = deliver(&store, &[ALICE], &octets(2, 3_000)).expect("room");
    store.close().expect("flushed");
    let active = segment_files(dir.path()).pop().expect("a segment");
    let file = fs::OpenOptions::new().write(true).open(&active).expect("the segment");
    file.set_len(4_000).expect("cut");

    let store = open(dir.path(), EngineKind::Sled);
    assert_eq!(fetch(&store, ALICE, first).expect("whole"), octets(1, 3_000));
    assert!(fetch(&store, ALICE, second).is_err());
    let report = store.check();
    assert!(report.problems.iter().any(|line| line.contains("missing at its end")), "{report:?}");
    let third = deliver(&store, &[ALICE], &octets(3, 3_000)).expect("in another segment");
    assert_eq!(fetch(&store, ALICE, third).expect("whole"), octets(3, 3_000));
    assert_eq!(segment_files(dir.path()).len(), 2);
}

#[test]
fn a_dead_segment_goes_even_when_the_process_dies_before_it_does() {
    let dir = tempfile::tempdir().expect("a directory");
    let store = open(dir.path(), EngineKind::Sled);
    let letter = deliver(&store, &[ALICE], &octets(1, 300_000)).expect("room");
    let file = segment_files(dir.path()).pop().expect("a segment of its own");
    let kept = fs::read(&file).expect("readable");
    drop_bodies(&store, ALICE, &[letter]);
    settle(&store);
    assert!(!file.exists());
    store.close().expect("flushed");
    fs::write(&file, kept).expect("as if it had never been unlinked");
    let store = open(dir.path(), EngineKind::Sled);
    assert!(!file.exists());
    assert_segments_sound(&store);
}

fn refusal(dir: &Path) -> OpenError {
    Store::open(options(dir, EngineKind::Sled), NOW).expect_err("it must not open")
}

#[test]
fn a_store_is_opened_by_one_process_at_a_time() {
    let dir = tempfile::tempdir().expect("a directory");
    let store = open(dir.path(), EngineKind::Sled);
    let text = refusal(dir.path()).to_string();
    assert!(text.contains("another Postern is using this store") && text.lines().count() == 1, "{text}");
    assert!(matches!(refusal(dir.path()), OpenError::InUse { .. }));
    drop(store);
    open(dir.path(), EngineKind::Sled).close().expect("the last handle let it go");
}

#[test]
fn a_newer_format_is_refused_in_one_line() {
    let dir = tempfile::tempdir().expect("a directory");
    let store = open(dir.path(), EngineKind::Sled);
    let newer = codec::encode(&StoreFormat(7)).expect("small");
    let writes = Writes::from([(format_key().into_bytes(), Some(newer))]);
    let written = store.shared().gate.alone(|engine| engine.apply(&writes).and_then(|()| engine.flush()));
    written.expect("written");
    store.close().expect("flushed");
    let text = refusal(dir.path()).to_string();
    assert!(text.contains("format 7") && text.contains("up to 1") && text.lines().count() == 1, "{text}");
}

#[test]
fn bodies_without_an_index_are_not_thrown_away() {
    let dir = tempfile::tempdir().expect("a directory");
    let store = open(dir.path(), EngineKind::Sled);
    deliver(&store, &[ALICE], b"precious").expect("room");
    store.close().expect("flushed");
    fs::rename(dir.path().join("index"), dir.path().join("elsewhere")).expect("moved");
    for _ in 0..2 {
        assert!(matches!(refusal(dir.path()), OpenError::IndexMissing { .. }));
    }
    assert_eq!(segment_files(dir.path()).len(), 1);
}

#[test]
fn a_place_that_is_no_directory_is_named() {
    let dir = tempfile::tempdir().expect("a directory");
    let file = dir.path().join("file");
    fs::write(&file, b"").expect("written");
    let text = refusal(&file).to_string();
    assert!(text.contains(file.to_str().expect("UTF-8")), "{text}");
}
