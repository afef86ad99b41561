//! What one session sees of a folder: which letters it knows, by which numbers (RFC 9051 §2.3.1.2), and what it has to be
//! told before it sees more.
//!
//! A session's view changes only when it is told: [`news`] says what it does not know yet, and the session takes over
//! as much of it as the command lets it tell (no EXPUNGE while FETCH, STORE or SEARCH runs, RFC 9051 §7.5.1).

use postern_model::imap::SeqSet;
use postern_model::{ModSeq, SeqNo, Uid, UidSet};

use crate::folder::Folder;

/// The letters that a session knows of, by number. Its size goes with the holes between UIDs, not with the letters.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct View {
    /// Runs of consecutive UIDs, ascending.
    runs: Vec<Run>,
    /// Letters in all.
    letters: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Run {
    first: Uid,
    last: Uid,
    /// The number of `first`.
    number: SeqNo,
}

/// What a session does not know yet.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct News {
    /// Letters of the view that are no longer there.
    pub gone: UidSet,
    /// Letters that have come.
    pub arrived: UidSet,
    /// Letters of the view whose flags or keywords (or modification sequence) changed.
    pub changed: UidSet,
}

impl View {
    /// Everything that the folder holds.
    pub fn of(folder: &Folder) -> View {
        let mut view = View::default();
        view.arrive(&folder.uids());
        view
    }

    /// Letters in it.
    pub fn len(&self) -> u32 {
        self.letters
    }

    /// Whether it has no letter.
    pub fn is_empty(&self) -> bool {
        self.letters == 0
    }

    /// The highest UID in it.
    pub fn last(&self) -> Option<Uid> {
        self.runs.last().map(|run| run.last)
    }

    /// The UID of a number.
    pub fn uid(&self, number: SeqNo) -> Option<Uid> {
        let at = self.runs.partition_point(|run| run.number <= number).checked_sub(1)?;
        let run = self.runs[at];
        let uid = run.first.0.checked_add(number.0.checked_sub(run.number.0)?)?;
        (uid <= run.last.0).then_some(Uid(uid))
    }

    /// The number of a UID.
    pub fn number(&self, uid: Uid) -> Option<SeqNo> {
        let run = self.runs[..self.runs.partition_point(|run| run.first <= uid)].last()?;
        (uid <= run.last).then(|| SeqNo(run.number.0 + (uid.0 - run.first.0)))
    }

    /// The numbers of UIDs, as a set of numbers; UIDs that it does not know are left out.
    pub fn numbers(&self, uids: &UidSet) -> UidSet {
        uids.iter().filter_map(|uid| self.number(uid)).map(|number| Uid(number.0)).collect()
    }

    /// All UIDs.
    pub fn uids(&self) -> UidSet {
        UidSet::from_ranges(self.runs.iter().map(|run| (run.first, run.last)))
    }

    /// The letters that a set of UIDs names; what is not in the view is left out (RFC 9051 §6.4.9: no error). `*` is the
    /// highest UID in it.
    pub fn by_uid(&self, set: &SeqSet) -> UidSet {
        let ranges = set.ranges(self.last().map_or(0, |uid| uid.0));
        UidSet::from_ranges(ranges.into_iter().map(|(a, b)| (Uid(a), Uid(b)))).intersection(&self.uids())
    }

    /// The letters that a set of sequence numbers names.
    ///
    /// # Errors
    /// The first number that no letter has: the command is `BAD` (RFC 9051 §9, `seq-number`).
    pub fn by_number(&self, set: &SeqSet) -> Result<UidSet, u32> {
        let mut ranges = Vec::new();
        for (low, high) in set.ranges(self.letters) {
            if high > self.letters {
                return Err(low.max(self.letters.saturating_add(1)));
            }
            let after = self.runs.partition_point(|run| run.number.0 <= high);
            let from = self.runs.partition_point(|run| run.number.0 <= low).saturating_sub(1);
            for run in &self.runs[from..after] {
                let skip = low.saturating_sub(run.number.0);
                let first = run.first.0 + skip;
                let last = run.last.0.min(run.first.0 + (high - run.number.0));
                ranges.push((Uid(first), Uid(last)));
            }
        }
        Ok(UidSet::from_ranges(ranges))
    }

    /// Letters with these UIDs have come; those that it knows already, or that lie below its last, are left out.
    pub fn arrive(&mut self, uids: &UidSet) {
        for (first, last) in uids.ranges() {
            let above = self.last().map_or(1, |known| known.0.saturating_add(1));
            let first = Uid(first.0.max(above));
            if first > *last || self.last() == Some(Uid(u32::MAX)) {
                continue;
            }
            let count = last.0 - first.0 + 1;
            match self.runs.last_mut() {
                Some(run) if run.last.next() == Some(first) => run.last = *last,
                _ => self.runs.push(Run { first, last: *last, number: SeqNo(self.letters + 1) }),
            }
            self.letters += count;
        }
    }

    /// Letters go. Returns their numbers as EXPUNGE responses are to name them, one after the other: the highest first,
    /// so that no number changes under way.
    pub fn expunge(&mut self, gone: &UidSet) -> Vec<SeqNo> {
        let gone = gone.intersection(&self.uids());
        let numbers = gone.iter().rev().filter_map(|uid| self.number(uid)).collect();
        let left = self.uids().difference(&gone);
        *self = View::default();
        self.arrive(&left);
        numbers
    }
}

/// What a session that has been told everything up to `told` does not know of `folder` yet.
pub fn news(view: &View, told: ModSeq, folder: &Folder) -> News {
    let mut news = News::default();
    if folder.header().highest_mod_seq <= told {
        return news;
    }
    let known = view.uids();
    match arrivals_alone(view, folder) {
        Some(arrived) => news.arrived = arrived,
        None => {
            let there = folder.uids();
            news.gone = known.difference(&there);
            news.arrived = there.difference(&known);
        }
    }
    let changed = folder.changed_since(told).map(|entry| entry.uid);
    news.changed = changed.filter(|uid| known.contains(*uid)).collect();
    news
}

/// The letters that have come, where none of the view has gone. Flags change far more often than letters go, and a folder of
/// 100,000 is not to be gone through for each.
fn arrivals_alone(view: &View, folder: &Folder) -> Option<UidSet> {
    let uids = folder.entries().rev().map(|entry| entry.uid);
    let arrived: UidSet = uids.take_while(|uid| Some(*uid) > view.last()).collect();
    // No UID is given below one that was given before: what lies below the view's last is in it.
    (arrived.len() + u64::from(view.len()) == u64::from(folder.header().letters)).then_some(arrived)
}
