//! What the second view has seen.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use serde_json::Value;

use crate::rig::Letter;

/// An account's folders by name.
pub(super) type Mailboxes = BTreeMap<String, Held>;

/// A folder.
#[derive(Debug)]
pub(super) struct Held {
    /// In the order of their UIDs.
    pub(super) letters: Vec<HeldLetter>,
}

/// A letter in it.
pub(super) struct HeldLetter {
    pub(super) uid: u32,
    /// In its `X-Rig` field.
    pub(super) id: u64,
    pub(super) flags: BTreeSet<String>,
    pub(super) bytes: Vec<u8>,
}

impl std::fmt::Debug for HeldLetter {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(to, "letter {} (UID {}, {:?})", self.id, self.uid, self.flags)
    }
}

impl Held {
    /// The flags of each letter, by its id.
    pub(super) fn flags(&self) -> BTreeMap<u64, BTreeSet<String>> {
        self.letters.iter().map(|letter| (letter.id, letter.flags.clone())).collect()
    }
}

/// Reads what `second.py show` prints.
pub(super) fn held(json: &str) -> Mailboxes {
    let folders: BTreeMap<String, Value> = serde_json::from_str(json).expect("an object of folders");
    folders.into_iter().map(|(name, folder)| (name, folder_of(&folder))).collect()
}

fn folder_of(folder: &Value) -> Held {
    let letters = folder["letters"].as_array().expect("a list of letters").iter().map(letter_of);
    Held { letters: letters.collect() }
}

fn letter_of(letter: &Value) -> HeldLetter {
    let file = letter["file"].as_str().expect("a file");
    HeldLetter {
        uid: letter["uid"].as_u64().and_then(|uid| u32::try_from(uid).ok()).expect("a UID"),
        id: letter["id"].as_u64().expect("a letter of the rig"),
        flags: words(&letter["flags"]),
        bytes: fs::read(file).expect("the letter's octets"),
    }
}

fn words(list: &Value) -> BTreeSet<String> {
    let words = list.as_array().expect("a list").iter();
    words.map(|word| word.as_str().expect("a word").to_owned()).collect()
}

/// The folder holds these letters in this order, with these flags, octet for octet.
pub(super) fn assert_held(folder: &Held, expected: &[(&Letter, &str)]) {
    let ids: Vec<u64> = folder.letters.iter().map(|letter| letter.id).collect();
    assert_eq!(ids, expected.iter().map(|(letter, _)| letter.id).collect::<Vec<_>>());
    for (held, (letter, flags)) in folder.letters.iter().zip(expected) {
        let flags: BTreeSet<String> = flags.split_whitespace().map(str::to_owned).collect();
        assert_eq!(held.flags, flags, "flags of letter {}", letter.id);
        assert!(held.bytes == letter.bytes, "letter {} is not what was put there", letter.id);
    }
}
