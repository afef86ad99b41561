//! Sets of numbers: as clients write them ([`SeqSet`]), and as sets of UIDs ([`UidSet`]).

use std::fmt;
use std::num::NonZeroU32;

use super::Uid;

/// One end of a range in a sequence set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SeqEnd {
    /// A number.
    Number(NonZeroU32),
    /// `*`: the highest number in use.
    Star,
}

/// A `sequence-set` as it was written (RFC 9051 §9): ranges whose ends may stand in any order; never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeqSet(pub Vec<(SeqEnd, SeqEnd)>);

impl SeqSet {
    /// The numbers, where `*` stands for `highest`: ascending ranges that neither touch nor overlap. Empty ranges do not
    /// come out of it: `highest` 0 (an empty folder) leaves only what was written without `*`.
    pub fn ranges(&self, highest: u32) -> Vec<(u32, u32)> {
        let end = |end: &SeqEnd| match end {
            SeqEnd::Number(number) => number.get(),
            SeqEnd::Star => highest,
        };
        let mut ranges: Vec<(u32, u32)> = self
            .0
            .iter()
            .map(|(a, b)| (end(a), end(b)))
            .map(|(a, b)| (a.min(b), a.max(b)))
            .filter(|(low, _)| *low > 0)
            .collect();
        ranges.sort_unstable();
        normalize(&mut ranges);
        ranges
    }
}

/// Joins sorted ranges that touch or overlap.
fn normalize(ranges: &mut Vec<(u32, u32)>) {
    ranges.dedup_by(|next, kept| {
        let joins = next.0 <= kept.1.saturating_add(1);
        if joins {
            kept.1 = kept.1.max(next.1);
        }
        joins
    });
}

/// UIDs (or sequence numbers, where a caller says so) as ascending ranges with both ends included that neither touch nor
/// overlap.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct UidSet(Vec<(Uid, Uid)>);

impl UidSet {
    /// No UID.
    pub fn new() -> UidSet {
        UidSet::default()
    }

    /// Ranges in any order; an end may stand first.
    pub fn from_ranges(ranges: impl IntoIterator<Item = (Uid, Uid)>) -> UidSet {
        let mut ranges: Vec<(u32, u32)> =
            ranges.into_iter().map(|(a, b)| (a.0.min(b.0), a.0.max(b.0))).collect();
        ranges.sort_unstable();
        normalize(&mut ranges);
        UidSet(ranges.into_iter().map(|(a, b)| (Uid(a), Uid(b))).collect())
    }

    /// The ranges.
    pub fn ranges(&self) -> &[(Uid, Uid)] {
        &self.0
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many.
    pub fn len(&self) -> u64 {
        self.0.iter().map(|(first, last)| u64::from(last.0 - first.0) + 1).sum()
    }

    /// Whether `uid` is one of them.
    pub fn contains(&self, uid: Uid) -> bool {
        let at = self.0.partition_point(|(_, last)| *last < uid);
        self.0.get(at).is_some_and(|(first, _)| *first <= uid)
    }

    /// The lowest.
    pub fn first(&self) -> Option<Uid> {
        self.0.first().map(|(first, _)| *first)
    }

    /// The highest.
    pub fn last(&self) -> Option<Uid> {
        self.0.last().map(|(_, last)| *last)
    }

    /// All of them, ascending.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = Uid> + '_ {
        self.0.iter().flat_map(|(first, last)| (first.0..=last.0).map(Uid))
    }

    /// Adds one that is above all others; others are put where they belong.
    pub fn insert(&mut self, uid: Uid) {
        match self.0.last_mut() {
            Some((_, last)) if last.0.checked_add(1) == Some(uid.0) => *last = uid,
            Some((_, last)) if *last >= uid => {
                if !self.contains(uid) {
                    *self = UidSet::from_ranges(self.0.iter().copied().chain([(uid, uid)]));
                }
            }
            _ => self.0.push((uid, uid)),
        }
    }

    /// Those that are in either.
    pub fn union(&self, other: &UidSet) -> UidSet {
        UidSet::from_ranges(self.0.iter().chain(&other.0).copied())
    }

    /// Those that are in both.
    pub fn intersection(&self, other: &UidSet) -> UidSet {
        let (mut a, mut b) = (self.0.iter().peekable(), other.0.iter().peekable());
        let mut both = Vec::new();
        while let (Some((a_first, a_last)), Some((b_first, b_last))) = (a.peek(), b.peek()) {
            let (first, last) = (*a_first.max(b_first), *a_last.min(b_last));
            if first <= last {
                both.push((first, last));
            }
            if a_last < b_last {
                a.next();
            } else {
                b.next();
            }
        }
        UidSet(both)
    }

    /// Those of this set that are not in `other`.
    pub fn difference(&self, other: &UidSet) -> UidSet {
        let mut left = Vec::new();
        let mut others = other.0.iter().peekable();
        for (first, last) in &self.0 {
            let mut from = first.0;
            while let Some((o_first, o_last)) = others.peek() {
                if o_last.0 < from {
                    others.next();
                    continue;
                }
                if o_first.0 > last.0 {
                    break;
                }
                if o_first.0 > from {
                    left.push((Uid(from), Uid(o_first.0 - 1)));
                }
                match o_last.0.checked_add(1) {
                    Some(next) if o_last.0 < last.0 => from = next,
                    _ => {
                        from = u32::MAX;
                        break;
                    }
                }
            }
            if from <= last.0 && !other.contains(Uid(from)) {
                left.push((Uid(from), *last));
            }
        }
        UidSet(left)
    }
}

impl FromIterator<Uid> for UidSet {
    fn from_iter<I: IntoIterator<Item = Uid>>(uids: I) -> UidSet {
        let mut set = UidSet::new();
        let mut unsorted = Vec::new();
        for uid in uids {
            match set.last() {
                Some(last) if uid < last => unsorted.push((uid, uid)),
                Some(last) if uid == last => {}
                _ => set.insert(uid),
            }
        }
        if unsorted.is_empty() { set } else { UidSet::from_ranges(set.0.into_iter().chain(unsorted)) }
    }
}

impl Extend<Uid> for UidSet {
    fn extend<I: IntoIterator<Item = Uid>>(&mut self, uids: I) {
        uids.into_iter().for_each(|uid| self.insert(uid));
    }
}

/// As IMAP writes it: `1:4,7`; nothing for the empty set, which has no spelling.
impl fmt::Display for UidSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, (first, last)) in self.0.iter().enumerate() {
            let comma = if n == 0 { "" } else { "," };
            match first == last {
                true => write!(f, "{comma}{}", first.0)?,
                false => write!(f, "{comma}{}:{}", first.0, last.0)?,
            }
        }
        Ok(())
    }
}

impl fmt::Debug for UidSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "UidSet({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(text: &str) -> UidSet {
        UidSet::from_ranges(text.split(',').filter(|part| !part.is_empty()).map(|part| {
            let (a, b) = part.split_once(':').unwrap_or((part, part));
            (Uid(a.parse().expect("a number")), Uid(b.parse().expect("a number")))
        }))
    }

    #[test]
    fn sets_are_what_their_members_are() {
        for (a, b) in [
            ("1:4,7", "3:9"),
            ("", "1"),
            ("1:4294967295", "5,4294967295"),
            ("2,4,6:8", "1,3,5,7"),
            ("1:10", "1:10"),
            ("4294967295", "1:4294967294"),
            ("1:3,5:9,20:30", "2:6,9,21:22,30"),
        ] {
            let (a, b) = (set(a), set(b));
            let probe =
                [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 20, 21, 22, 23, 30, 31, u32::MAX - 1, u32::MAX].map(Uid);
            for uid in probe {
                let (in_a, in_b) = (a.contains(uid), b.contains(uid));
                assert_eq!(a.union(&b).contains(uid), in_a || in_b, "{a} | {b}: {}", uid.0);
                assert_eq!(a.intersection(&b).contains(uid), in_a && in_b, "{a} & {b}: {}", uid.0);
                assert_eq!(a.difference(&b).contains(uid), in_a && !in_b, "{a} - {b}: {}", uid.0);
            }
            assert_eq!(a.difference(&b).len() + a.intersection(&b).len(), a.len());
        }
    }

    #[test]
    fn a_set_is_written_shortest() {
        assert_eq!([5, 1, 2, 3, 9, 2].map(Uid).into_iter().collect::<UidSet>().to_string(), "1:3,5,9");
        assert_eq!(set("9:7,8,10").to_string(), "7:10");
    }

    #[test]
    fn a_star_is_the_highest_number_wherever_it_stands() {
        let number = |n| SeqEnd::Number(NonZeroU32::new(n).expect("not 0"));
        let set =
            SeqSet(vec![(number(7), SeqEnd::Star), (SeqEnd::Star, SeqEnd::Star), (number(2), number(1))]);
        assert_eq!(set.ranges(5), [(1, 2), (5, 7)]);
        assert_eq!(set.ranges(0), [(1, 2)]);
    }
}
