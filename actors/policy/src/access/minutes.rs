//! In how many distinct minutes of the last 24 hours a protocol was logged in to (SPEC A13): one bit for each minute of
//! a day, used round and round.

use postern_model::Timestamp;
use postern_model::record::Minutes;

/// Minutes of 24 hours.
const DAY: i64 = 24 * 60;
/// Words that hold a bit for each.
const WORDS: usize = (DAY as usize).div_ceil(64);

/// Counts the minute of `at`. Minutes that lie after it, because the clock was put back, are forgotten.
pub(crate) fn mark(minutes: &mut Minutes, at: Timestamp) {
    let minute = at.seconds().div_euclid(60);
    if minutes.bits.len() != WORDS {
        *minutes = Minutes { latest: minute, bits: vec![0; WORDS] };
    }
    let latest = minutes.latest;
    forget(&mut minutes.bits, latest.min(minute), latest.max(minute));
    minutes.latest = minute;
    let (word, bit) = place(minute);
    minutes.bits[word] |= bit;
}

/// Distinct minutes of the 24 hours that end with the minute of `at`, that minute counted whether it is marked or not.
pub(crate) fn count_with(minutes: &Minutes, at: Timestamp) -> u32 {
    let mut minutes = minutes.clone();
    mark(&mut minutes, at);
    minutes.bits.iter().map(|word| word.count_ones()).sum()
}

/// Clears the bits of the minutes after `from` up to `to`. They stand for what left the 24 hours when the clock went
/// on to `to`, and for what now lies in the future when it was put back to `from`.
fn forget(bits: &mut [u64], from: i64, to: i64) {
    if to.saturating_sub(from) >= DAY {
        bits.fill(0);
        return;
    }
    for minute in from + 1..=to {
        let (word, bit) = place(minute);
        bits[word] &= !bit;
    }
}

/// The word and the bit in it that stand for a minute.
fn place(minute: i64) -> (usize, u64) {
    // In 0..DAY, so it fits.
    let place = minute.rem_euclid(DAY) as usize;
    (place / 64, 1 << (place % 64))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn minute(number: i64) -> Timestamp {
        Timestamp::from_seconds(number * 60)
    }

    proptest! {
        /// Steps of the clock, forward and back -> as many as a plain set of minutes holds.
        #[test]
        fn a13_the_bits_count_as_a_set_of_minutes_would(
            steps in prop::collection::vec(prop_oneof![8 => 0i64..20, 1 => -90i64..0, 1 => 0i64..3000], 1..300),
        ) {
            let (mut bits, mut set, mut now) = (Minutes::default(), BTreeSet::new(), -700);
            for step in steps {
                now += step;
                set.retain(|seen| (now - DAY + 1..=now).contains(seen));
                set.insert(now);
                prop_assert_eq!(count_with(&bits, minute(now)) as usize, set.len());
                mark(&mut bits, minute(now));
                prop_assert_eq!(count_with(&bits, minute(now)) as usize, set.len());
            }
        }
    }

    #[test]
    fn a13_the_ends_of_time_do_no_harm() {
        let mut minutes = Minutes::default();
        for at in [Timestamp(i64::MIN), Timestamp::NEVER, Timestamp(0), Timestamp(i64::MIN)] {
            mark(&mut minutes, at);
            assert_eq!(count_with(&minutes, at), 1, "{at:?}");
        }
    }

    #[test]
    fn a13_bits_of_a_wrong_length_are_begun_anew() {
        let mut minutes = Minutes { latest: 5, bits: vec![u64::MAX; 3] };
        assert_eq!(count_with(&minutes, minute(6)), 1);
        mark(&mut minutes, minute(6));
        assert_eq!(minutes.bits.len(), WORDS);
    }
}
