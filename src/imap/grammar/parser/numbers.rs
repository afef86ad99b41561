//! Numbers and sets of numbers (RFC 9051 §9).

use std::num::NonZeroU32;

use postern_model::imap::{ModSeq, SeqEnd, SeqSet, Uid, UidSet};

use super::cursor::{Cursor, Parsed};
use crate::imap::grammar::{PartialRange, Targets};

/// Ranges of one set.
const MOST_RANGES: usize = 10_000;

impl Cursor<'_> {
    /// `number64`. RFC 9051 stops at 2^63 − 1.
    pub(super) fn number64(&mut self, name: &'static str) -> Parsed<u64> {
        let at = self.at();
        let digits = self.take_while(|b| b.is_ascii_digit());
        let number = digits
            .iter()
            .try_fold(0_u64, |sum, digit| sum.checked_mul(10)?.checked_add(u64::from(digit - b'0')));
        number.filter(|n| !digits.is_empty() && *n <= i64::MAX as u64).ok_or(self.wrong_at(at, name))
    }

    /// `number`
    pub(super) fn number(&mut self, name: &'static str) -> Parsed<u32> {
        let at = self.at();
        u32::try_from(self.number64(name)?).map_err(|_| self.wrong_at(at, name))
    }

    /// `nz-number`
    pub(super) fn nz_number(&mut self, name: &'static str) -> Parsed<NonZeroU32> {
        let at = self.at();
        NonZeroU32::new(self.number(name)?).ok_or(self.wrong_at(at, name))
    }

    /// `mod-sequence-valzer` (RFC 7162 §7); also where 0 has no meaning, as clients send it there.
    pub(super) fn mod_seq(&mut self) -> Parsed<ModSeq> {
        self.number64("a modification sequence").map(ModSeq)
    }

    /// `sequence-set`, or `$`.
    pub(super) fn targets(&mut self) -> Parsed<Targets> {
        if self.eat(b'$') { Ok(Targets::Saved) } else { self.seq_set().map(Targets::Set) }
    }

    /// `sequence-set` without `$`.
    pub(super) fn seq_set(&mut self) -> Parsed<SeqSet> {
        let mut ranges = Vec::new();
        loop {
            if ranges.len() == MOST_RANGES {
                return Err(self.wrong("no more than 10,000 ranges"));
            }
            let first = self.seq_end()?;
            let last = if self.eat(b':') { self.seq_end()? } else { first };
            ranges.push((first, last));
            if !self.eat(b',') {
                return Ok(SeqSet(ranges));
            }
        }
    }

    /// `seq-number`
    pub(super) fn seq_end(&mut self) -> Parsed<SeqEnd> {
        if self.eat(b'*') { Ok(SeqEnd::Star) } else { self.nz_number("a set of numbers").map(SeqEnd::Number) }
    }

    /// A set of numbers without `*` (RFC 7162 §7, `known-uids`).
    pub(super) fn uid_set(&mut self) -> Parsed<UidSet> {
        let at = self.at();
        let mut ranges = Vec::new();
        for range in self.seq_set()?.0 {
            let (SeqEnd::Number(first), SeqEnd::Number(last)) = range else {
                return Err(self.wrong_at(at, "a set of numbers without *"));
            };
            ranges.push((Uid(first.get()), Uid(last.get())));
        }
        Ok(UidSet::from_ranges(ranges))
    }

    /// `partial-range` (RFC 9394 §3.1): `1:10`, `-1:-10`; ends in any order.
    pub(super) fn partial_range(&mut self) -> Parsed<PartialRange> {
        let from_end = self.eat(b'-');
        let first = self.nz_number("a range of results")?;
        self.expect(b':', "a colon")?;
        if from_end {
            self.expect(b'-', "a minus sign, as the range began with one")?;
        }
        let last = self.nz_number("a range of results")?;
        Ok(PartialRange { low: first.min(last), high: first.max(last), from_end })
    }

    /// `partial` of a section (RFC 9051 §9): `<0.1000>`, in FETCH.
    pub(super) fn partial_octets(&mut self) -> Parsed<Option<(u64, NonZeroU32)>> {
        if !self.eat(b'<') {
            return Ok(None);
        }
        let first = self.number64("the first octet")?;
        self.expect(b'.', "a full stop")?;
        let count = self.nz_number("a count of octets")?;
        self.expect(b'>', "a closing angle bracket")?;
        Ok(Some((first, count)))
    }
}
