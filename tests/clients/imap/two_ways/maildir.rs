//! A Maildir, as far as the tests need one.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use crate::rig::{Letter, rig_id, with_lf};

/// Flags by their letters in a file's name.
const FLAGS: [(char, &str); 5] =
    [('D', "\\Draft"), ('F', "\\Flagged"), ('R', "\\Answered"), ('S', "\\Seen"), ('T', "\\Deleted")];

pub(super) struct Maildir(PathBuf);

/// A letter in it.
pub(super) struct File {
    pub(super) path: PathBuf,
    pub(super) flags: BTreeSet<String>,
    pub(super) bytes: Vec<u8>,
}

impl Maildir {
    /// The one of a folder, in the program's home; made where there is none.
    pub(super) fn open(home: &Path, folder: &str) -> Maildir {
        let path = home.join("mail").join(folder);
        for part in ["cur", "new", "tmp"] {
            fs::create_dir_all(path.join(part)).expect("a directory in a temporary one");
        }
        Maildir(path)
    }

    /// All letters by their ids.
    pub(super) fn letters(&self) -> BTreeMap<u64, File> {
        let mut letters = BTreeMap::new();
        for part in ["cur", "new"] {
            for entry in fs::read_dir(self.0.join(part)).expect("a Maildir") {
                let file = file(entry.expect("an entry").path());
                let id = rig_id(&file.bytes).expect("a letter of the rig");
                assert!(letters.insert(id, file).is_none(), "letter {id} is twice in its Maildir");
            }
        }
        letters
    }

    /// Gives letters these flags and no others.
    pub(super) fn flag(&self, ids: RangeInclusive<u64>, flags: &str) {
        let letters = self.letters();
        for id in ids {
            let path = &letters[&id].path;
            let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).expect("a name");
            let base = name.split_once(":2,").map_or(&*name, |(base, _)| base);
            let to = self.0.join("cur").join(format!("{base}:2,{flags}"));
            fs::rename(path, to).expect("a file in a temporary directory");
        }
    }

    /// Removes letters' files.
    pub(super) fn remove(&self, ids: RangeInclusive<u64>) {
        let letters = self.letters();
        ids.for_each(|id| fs::remove_file(&letters[&id].path).expect("a file in a temporary directory"));
    }

    /// A new letter.
    pub(super) fn deliver(&self, letter: &Letter) {
        let path = self.0.join("new").join(format!("{}.rig", letter.id));
        fs::write(path, with_lf(&letter.bytes)).expect("a file in a temporary directory");
    }
}

fn file(path: PathBuf) -> File {
    let name = path.to_string_lossy();
    let letters = name.rsplit_once(":2,").map_or("", |(_, letters)| letters);
    let flags = FLAGS.iter().filter(|(letter, _)| letters.contains(*letter));
    let flags = flags.map(|(_, flag)| (*flag).to_owned()).collect();
    let bytes = fs::read(&path).expect("a letter");
    File { flags, bytes, path }
}
