//! What `check` says of folders' names, notes, signatures and copies.

use postern_model::record::{Annotations, Block, Folders, MailboxHeader, NamedFolder, Signature, Usage};
use postern_model::{Flags, LetterId, MailboxId, MailboxName, ModSeq, UidValidity};

use super::check::{assert_told, entry, header};
use super::{ALICE, NOW, deliver, octets, open, segments_on_disk, settle, wait};
use crate::blob::BodyRef;
use crate::{Batch, EngineKind, keys};

const OWN: MailboxId = MailboxId::FIRST_OWN;

fn named(name: &str, id: u32) -> NamedFolder {
    let name = MailboxName::parse(name).expect("a name");
    NamedFolder { name, id: Some(MailboxId(id)).filter(|id| id.0 != 0), uses: Vec::new() }
}

fn folders() -> Folders {
    Folders {
        version: 3,
        next: MailboxId(OWN.0 + 1),
        last_uid_validity: UidValidity(5),
        folders: vec![named("INBOX", 1), named("a", 0), named("a/b", OWN.0)],
        subscribed: vec![MailboxName::inbox()],
    }
}

/// A folder of Alice's own, with its name, notes on it, and a signature of one letter.
fn furnish(letters: &[LetterId], batch: &mut Batch) {
    let empty = MailboxHeader { letters: 0, octets: 0, unseen: 0, ..header() };
    batch.put(&keys::folders(ALICE), &folders()).put(&keys::mailbox(ALICE, OWN), &empty);
    for mailbox in [None, Some(OWN), Some(MailboxId::SENT)] {
        batch.put(&keys::annotations(ALICE, mailbox), &Annotations::default());
    }
    batch.put(&keys::signature(ALICE, letters[0]), &Signature::default());
}

#[test]
fn folders_with_names_and_those_on_paper_are_sound() {
    assert_told(|_, letters, batch| furnish(letters, batch), &[]);
    // Its Trash was written to before anything had a name.
    let on_paper = |_: &_, _: &[LetterId], batch: &mut Batch| {
        let empty = MailboxHeader { letters: 0, octets: 0, unseen: 0, ..header() };
        batch.put(&keys::mailbox(ALICE, MailboxId::TRASH), &empty);
    };
    assert_told(on_paper, &[]);
}

#[test]
fn names_that_do_not_fit_are_told() {
    let off = |change: fn(&mut Folders), words: &[&str]| {
        let mut changed = folders();
        change(&mut changed);
        assert_told(
            move |_, letters, batch| {
                furnish(letters, batch);
                batch.put(&keys::folders(ALICE), &changed);
            },
            words,
        );
    };
    off(|of| of.folders[1].id = Some(OWN), &["account 1: two names stand for folder 10"]);
    off(|of| of.next = OWN, &["account 1: folder 10 has a number that is still to be given out"]);
    off(|of| of.folders.swap(1, 2), &["account 1: its folders or subscriptions are out of order"]);
    off(|of| of.subscribed.push(MailboxName::inbox()), &["out of order, or one is there twice"]);
    off(|of| drop(of.folders.remove(0)), &["account 1: it has no INBOX"]);
    off(|of| of.folders[1].id = Some(MailboxId::INBOX), &["two names stand", "as only another may be"]);
    off(
        |of| of.subscribed = (0..2_001).filter_map(|n| MailboxName::parse(&format!("{n:04}")).ok()).collect(),
        &["account 1: it has more folders or subscriptions than may be"],
    );
    off(
        |of| {
            of.next = OWN;
            of.folders.pop();
        },
        &["account 1, folder 10: it has no name", "account 1, folder 10: there are notes on it"],
    );
    assert_told(
        |_, letters, batch| {
            furnish(letters, batch);
            batch.put(&keys::signature(ALICE, LetterId(77)), &Signature::default());
        },
        &["account 1, letter 4d: there is a signature, and no body"],
    );
}

#[test]
fn letters_marked_as_deleted_are_counted() {
    let marked = |deleted, deleted_octets, words: &[&str]| {
        assert_told(
            move |_, letters, batch| {
                let mut entries = vec![entry(1, letters[0]), entry(2, letters[1])];
                entries[0].flags = Flags::SEEN.with(Flags::DELETED);
                batch.put(&keys::block(ALICE, MailboxId::INBOX, 1), &Block { entries });
                let header = MailboxHeader { deleted, deleted_octets, ..header() };
                batch.put(&keys::mailbox(ALICE, MailboxId::INBOX), &header);
            },
            words,
        );
    };
    marked(1, 1_000, &[]);
    marked(
        0,
        0,
        &["account 1, folder 1: counted as deleted are (letters, octets) (0, 0), and there are (1, 1000)"],
    );
    marked(1, 0, &["counted as deleted"]);
}

#[test]
fn a_copy_is_a_letter_like_others_and_leads_to_its_own_body() {
    let copied = |wrong: bool, words: &[&str]| {
        assert_told(
            move |store, letters, batch| {
                let copy = store.next_letter_id();
                let mut first = Batch::new();
                first.copy_body(ALICE, letters[0], copy);
                wait(store.commit(first)).expect("copied");
                let mut entries = vec![entry(1, copy), entry(2, letters[1])];
                entries[0].email = Some(letters[0]);
                batch.put(&keys::block(ALICE, MailboxId::INBOX, 1), &Block { entries });
                let facts = store.read_blocking(|view| view.get(&keys::facts(ALICE, letters[0])));
                batch.put(&keys::facts(ALICE, copy), &facts.expect("readable").expect("there"));
                batch.drop_body(ALICE, letters[0]);
                if wrong {
                    let place = store.read_blocking(|view| view.get(&keys::body(ALICE, copy)));
                    let place = place.expect("readable").expect("there");
                    batch.put(&keys::body(ALICE, copy), &BodyRef { first: None, ..place });
                }
            },
            words,
        );
    };
    copied(false, &[]);
    copied(true, &["letter 3 of account 1: another letter lies there"]);
}

#[test]
fn an_account_goes_with_its_copies_names_notes_and_signatures() {
    let dir = tempfile::tempdir().expect("a directory");
    let store = open(dir.path(), EngineKind::Sled);
    let letter = deliver(&store, &[ALICE], &octets(1, 20_000)).expect("room");
    let mut batch = Batch::new();
    batch.copy_body(ALICE, letter, store.next_letter_id());
    furnish(&[letter], &mut batch);
    batch.put(&keys::usage(ALICE), &Usage { letters: 1, octets: 1, mod_seq: ModSeq(1), told: 0 });
    batch.put(&keys::removal(ALICE), &postern_model::record::Removal { since: NOW });
    wait(store.commit(batch)).expect("stored");
    let everything =
        || store.read_blocking(|view| view.keys(&keys::everything_of(ALICE), 100)).expect("readable");
    let mut gone = Batch::new();
    for key in everything() {
        gone.delete_raw(&key);
    }
    wait(store.commit(gone)).expect("removed");
    settle(&store);
    assert!(everything().is_empty());
    assert_eq!(segments_on_disk(dir.path()), 0, "the body went with the last of its names");
}
