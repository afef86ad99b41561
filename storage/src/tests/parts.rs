//! Parts of bodies, and many bodies one after the other.

use postern_model::LetterId;

use super::bodies::damage;
use super::{ALICE, BOB, deliver, drop_bodies, octets, open, wait};
use crate::blob::BodyRef;
use crate::blob::reader::WHOLE;
use crate::engine::Writes;
use crate::{EngineKind, Store, StoreError, codec, keys};

fn part(store: &Store, letter: LetterId, from: u64, to: u64) -> Result<Vec<u8>, StoreError> {
    wait(async {
        let mut reader = store.open_body_range(ALICE, letter, from..to).await?;
        let mut read = Vec::new();
        while let Some(chunk) = reader.chunk().await? {
            assert!(!chunk.is_empty() && chunk.len() <= 64 << 10);
            read.extend_from_slice(&chunk);
        }
        assert_eq!(read.len() as u64, reader.len());
        Ok(read)
    })
}

#[test]
fn any_part_of_a_body_is_what_stands_there() {
    let dir = tempfile::tempdir().expect("a directory");
    let store = open(dir.path(), EngineKind::Sled);
    for size in [0, 1, 5_000, 200_000, 300_000] {
        let body = octets(4, size);
        deliver(&store, &[ALICE], &octets(5, 100)).expect("a neighbour");
        let letter = deliver(&store, &[ALICE], &body).expect("room");
        deliver(&store, &[ALICE], &octets(6, 100)).expect("a neighbour");
        let edges = [0, 1, 700, 8_191, 8_192, 8_193, 65_536, 150_000, size, size + 1, usize::MAX];
        for from in edges {
            for to in edges.into_iter().filter(|to| *to >= from) {
                let read = part(&store, letter, from as u64, to as u64).expect("readable");
                assert_eq!(read, body[from.min(size)..to.min(size)], "{from}..{to} of {size}");
            }
        }
    }
    assert!(matches!(part(&store, LetterId(0xfff), 0, 1), Err(StoreError::NotFound)));
}

#[test]
fn a_part_is_of_the_letter_or_damaged() {
    let dir = tempfile::tempdir().expect("a directory");
    let store = open(dir.path(), EngineKind::Sled);
    let letter = deliver(&store, &[ALICE], &octets(1, 50_000)).expect("room");
    damage(dir.path(), 40_000);
    assert_eq!(part(&store, letter, 0, 10_000).expect("another part"), octets(1, 50_000)[..10_000]);
    assert!(matches!(part(&store, letter, 0, 50_000), Err(StoreError::Damaged { .. })), "that is the whole");
    damage(dir.path(), 9);
    for from in [0, 20_000] {
        let named = part(&store, letter, from, from + 10).expect_err("whose is it?").to_string();
        assert!(named.contains(&format!("letter {letter} of account {ALICE}")), "{named}");
    }
}

#[test]
fn many_bodies_are_shown_one_after_the_other() {
    let dir = tempfile::tempdir().expect("a directory");
    let store = open(dir.path(), EngineKind::Sled);
    let size = |n: u64| usize::try_from(n * n * 13).expect("small");
    let letters: Vec<LetterId> =
        (0..200).map(|n| deliver(&store, &[ALICE], &octets(n, size(n))).expect("room")).collect();
    drop_bodies(&store, ALICE, &letters[10..11]);
    let his = deliver(&store, &[BOB], b"his").expect("room");
    let asked: Vec<LetterId> = letters.iter().copied().chain([his]).rev().collect();
    let mut seen = 0_u64;
    let look = move |_, body: Result<&[u8], StoreError>| {
        seen += 1;
        (seen, body.map(<[u8]>::to_vec))
    };
    let found = wait(store.with_bodies(ALICE, asked.clone(), look)).expect("looked at");
    assert_eq!(found.iter().map(|(letter, _)| *letter).collect::<Vec<_>>(), asked);
    for (n, (letter, (nth, body))) in (1..).zip(found) {
        assert_eq!(n, nth, "each is looked at once, in order");
        match letters.iter().position(|known| *known == letter).filter(|at| *at != 10) {
            Some(at) => assert_eq!(body.expect("there"), octets(at as u64, size(at as u64))),
            None => assert!(matches!(body, Err(StoreError::NotFound))),
        }
    }
}

#[test]
fn bodies_that_can_not_be_shown_come_as_errors_and_the_others_come() {
    let dir = tempfile::tempdir().expect("a directory");
    let store = open(dir.path(), EngineKind::Sled);
    let [damaged, long, good] =
        [1, 2, 3].map(|n| deliver(&store, &[ALICE], &octets(n, 1_000)).expect("room"));
    damage(dir.path(), 500);
    let key = keys::body(ALICE, long);
    let place = wait(store.get::<BodyRef>(keys::body(ALICE, long))).expect("readable").expect("there");
    let longer = codec::encode(&BodyRef { length: WHOLE + 1, ..place }).expect("small");
    let writes = Writes::from([(key.into_bytes(), Some(longer))]);
    store.shared().gate.alone(|engine| engine.apply(&writes)).expect("written");
    let look = |_, body: Result<&[u8], StoreError>| body.map(<[u8]>::len);
    let found = wait(store.with_bodies(ALICE, vec![damaged, long, good], look)).expect("looked at");
    let found: Vec<_> = found.into_iter().map(|(_, body)| body).collect();
    assert!(
        matches!(&found[..], [Err(StoreError::Damaged { .. }), Err(StoreError::TooLarge { .. }), Ok(1_000)]),
        "{found:?}"
    );
}

#[test]
fn a_spool_keeps_no_more_than_it_was_allowed() {
    let dir = tempfile::tempdir().expect("a directory");
    let store = open(dir.path(), EngineKind::Sled);
    for (memory, size, in_memory) in
        [(10_000, 10_000, true), (10_000, 10_001, false), (0, 4_096, true), (0, 50_000, false)]
    {
        let body = octets(9, size);
        let sealed = wait(async {
            let mut spool = store.spool_within(memory);
            for piece in body.chunks(3_000) {
                spool.write(piece).await?;
            }
            spool.seal().await
        });
        let sealed = sealed.expect("sealed");
        assert_eq!(sealed.as_slice().is_some(), in_memory, "{size} within {memory}");
        assert_eq!(sealed.read_blocking().expect("readable")[..], body);
    }
}
