//! When an SMS alert goes out (SPEC D7): so many an hour and a day, and again after a while where the gateway failed.

use std::time::Duration;

use postern_model::Timestamp;

const HOUR: Duration = Duration::from_secs(60 * 60);
/// The longest window.
pub const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// How many alerts an account may get.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Figures {
    /// In any hour.
    pub per_hour: u32,
    /// In any day.
    pub per_day: u32,
}

impl Default for Figures {
    fn default() -> Figures {
        Figures { per_hour: 5, per_day: 20 }
    }
}

/// Whether one more may go now.
///
/// # Errors
/// When the next may.
pub fn may_go(sent: &[Timestamp], now: Timestamp, figures: Figures) -> Result<(), Timestamp> {
    let free = |most: u32, window: Duration| {
        let recent: Vec<_> = sent.iter().filter(|at| at.plus(window) > now).collect();
        let most = most as usize;
        (recent.len() >= most).then(|| match most {
            0 => now.plus(window),
            most => recent[recent.len() - most].plus(window),
        })
    };
    match free(figures.per_hour, HOUR).max(free(figures.per_day, DAY)) {
        Some(next) => Err(next),
        None => Ok(()),
    }
}

/// How long to wait behind a try that failed; `None`: it is given up.
pub fn again(attempts: u32) -> Option<Duration> {
    const MINUTES: [u64; 8] = [1, 5, 15, 60, 120, 240, 360, 480];
    let at = usize::try_from(attempts.checked_sub(1)?).ok()?;
    MINUTES.get(at).map(|minutes| Duration::from_secs(minutes * 60))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minutes: u64) -> Timestamp {
        Timestamp::from_seconds(1_000_000).plus(Duration::from_secs(minutes * 60))
    }

    #[test]
    fn an_hour_and_a_day_have_their_alerts() {
        let figures = Figures { per_hour: 2, per_day: 3 };
        for (sent, now, verdict) in [
            (&[][..], 0, Ok(())),
            (&[0], 1, Ok(())),
            (&[0, 10], 20, Err(at(60))),
            (&[0, 10], 60, Ok(())),
            (&[0, 10, 60], 61, Err(at(1_440))),
            (&[0, 10, 60], 1_440, Ok(())),
        ] {
            let sent: Vec<_> = sent.iter().map(|minutes| at(*minutes)).collect();
            assert_eq!(may_go(&sent, at(now), figures), verdict, "{sent:?} at {now}");
        }
        assert!(may_go(&[], at(0), Figures { per_hour: 0, per_day: 1 }).is_err());
    }

    #[test]
    fn a_gateway_that_fails_is_tried_for_a_day() {
        let waits: Vec<_> = (1..=9).map(again).collect();
        assert_eq!((waits[0], waits[8]), (Some(Duration::from_secs(60)), None));
        let all: Duration = waits.iter().flatten().sum();
        assert!(all > Duration::from_secs(20 * 3_600) && all < Duration::from_secs(24 * 3_600));
        assert_eq!(again(0), None);
    }
}
