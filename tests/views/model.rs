//! What the mailbox holds, as a list of letters.

use std::collections::{BTreeMap, BTreeSet};

/// Flags and keywords of a letter, but `\Recent`.
pub(super) type Marks = BTreeSet<String>;

/// A folder: its letters by UID.
#[derive(Clone, Debug, Default)]
pub(super) struct Folder {
    pub(super) letters: BTreeMap<u32, Marks>,
    /// The highest UID there ever was.
    pub(super) last: u32,
}

impl Folder {
    /// A letter has come in by the server's word, under `uid`.
    pub(super) fn put(&mut self, uid: u32, marks: Marks) -> Result<(), String> {
        if uid <= self.last {
            return Err(format!("UID {uid} was given although {} was there before", self.last));
        }
        self.last = uid;
        self.letters.insert(uid, marks);
        Ok(())
    }

    /// Letters with `\Deleted`.
    pub(super) fn deleted(&self) -> Vec<u32> {
        let is_deleted = |(_, marks): &(&u32, &Marks)| marks.contains("\\Deleted");
        self.letters.iter().filter(is_deleted).map(|(uid, _)| *uid).collect()
    }
}

/// Reads `1:4,7`.
pub(super) fn numbers(set: &str) -> Result<Vec<u32>, String> {
    let number = |text: &str| text.parse::<u32>().map_err(|_| format!("{set:?} is no set of numbers"));
    let mut all = Vec::new();
    for part in set.split(',') {
        let (first, last) = part.split_once(':').unwrap_or((part, part));
        all.extend(number(first)?..=number(last)?);
    }
    Ok(all)
}

/// Writes numbers as a set, one by one.
pub(super) fn set(numbers: &[u32]) -> String {
    numbers.iter().map(u32::to_string).collect::<Vec<_>>().join(",")
}
