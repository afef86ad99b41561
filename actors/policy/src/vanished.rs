//! What left a folder, as it is remembered for clients that come back (RFC 7162 §3.2.6).

use postern_model::record::Vanished;
use postern_model::{Uid, UidSet};

use crate::folder::Folder;

/// Entries of a folder's log; beyond, all are told as one (RFC 7162 §3.2.7 allows to say more than was asked for).
pub const ENTRIES_KEPT: usize = 256;
/// Ranges in one entry; beyond, the closest are joined over UIDs that no letter has.
pub const RANGES_KEPT: usize = 10_000;

/// A set of UIDs as an entry of the log.
pub fn entry(uids: &UidSet) -> Vanished {
    Vanished { uids: uids.ranges().to_vec() }
}

/// What an entry of the log says.
pub fn uids(entry: &Vanished) -> UidSet {
    UidSet::from_ranges(entry.uids.iter().copied())
}

/// Several entries as one. Where it would have too many ranges, it also names UIDs that never were in `folder`, but none
/// that is.
pub fn merge<'a>(log: impl IntoIterator<Item = &'a Vanished>, folder: &Folder) -> Vanished {
    let all = UidSet::from_ranges(log.into_iter().flat_map(|entry| entry.uids.iter().copied()));
    if all.ranges().len() <= RANGES_KEPT { entry(&all) } else { entry(&join(&all, folder)) }
}

fn join(all: &UidSet, folder: &Folder) -> UidSet {
    let between = |pair: &[(Uid, Uid)]| (Uid(pair[0].1.0 + 1), Uid(pair[1].0.0 - 1));
    let is_empty = |gap: &(Uid, Uid)| folder.entries_of(&UidSet::from_ranges([*gap])).next().is_none();
    let mut gaps: Vec<(Uid, Uid)> = all.ranges().windows(2).map(between).filter(is_empty).collect();
    gaps.sort_by_key(|(first, last)| last.0 - first.0);
    gaps.truncate(all.ranges().len() - RANGES_KEPT);
    all.union(&UidSet::from_ranges(gaps))
}

#[cfg(test)]
mod tests {
    use postern_model::Timestamp;

    use super::*;
    use crate::folder::tests::{arrivals, usage};

    fn log(ranges: &[(u32, u32)]) -> Vanished {
        Vanished { uids: ranges.iter().map(|(a, b)| (Uid(*a), Uid(*b))).collect() }
    }

    #[test]
    fn entries_melt_into_one() {
        let folder = Folder::new(Folder::validity(Timestamp::from_seconds(7)));
        let entries = [log(&[(5, 9), (20, 20)]), log(&[(1, 4)]), log(&[(7, 8), (11, u32::MAX)])];
        assert_eq!(merge(&entries, &folder), log(&[(1, 9), (11, u32::MAX)]));
    }

    #[test]
    fn too_many_ranges_are_joined_where_no_letter_is() {
        let (mut folder, mut usage) = (Folder::new(Folder::validity(Timestamp::from_seconds(7))), usage());
        folder.append(arrivals(3 * 10_100), &mut usage).expect("room");
        // Of three letters in a row one stays, and of the last two hundred none of the three.
        let gone: UidSet = (1..=3 * 10_100).filter(|n| n % 3 != 0 || *n > 3 * 9_900).map(Uid).collect();
        folder.take_out(&gone, &mut usage);
        let entries: Vec<Vanished> =
            gone.iter().filter(|uid| uid.0 % 3 == 1).map(|uid| log(&[(uid.0, uid.0)])).collect();
        assert_eq!(entries.len(), 10_100);
        let merged = merge(&entries, &folder);
        assert_eq!(merged.uids.len(), RANGES_KEPT);
        let told = uids(&merged);
        assert!(entries.iter().all(|entry| told.contains(entry.uids[0].0)));
        assert!(folder.entries().all(|entry| !told.contains(entry.uid)));
    }
}
