//! How much an account may store, and when it is told that room runs out (SPEC D8).

use postern_model::record::NoticeKind;

use crate::Refusal;

/// Shares of what may be stored, in percent, at which the user is told, and what the notice is.
const LEVELS: [(u8, NoticeKind); 2] = [(80, NoticeKind::StorageLow), (95, NoticeKind::StorageOut)];

/// So much less has to be used, in percent, before the same is told again.
const SLACK: u64 = 5;

/// Whether a letter from elsewhere still fits where `used` octets of `limit` are taken.
///
/// # Errors
/// [`Refusal::MailboxFull`].
pub fn takes(used: u64, limit: Option<u64>, size: u64) -> Result<(), Refusal> {
    match limit {
        Some(limit) if used.saturating_add(size) > limit => Err(Refusal::MailboxFull { ever: size > limit }),
        _ => Ok(()),
    }
}

/// What has been told now that `used` octets of `limit` are taken, where `told` percent were told before; and the notice
/// that this owes.
pub fn tell(used: u64, limit: Option<u64>, told: u8) -> (u8, Option<NoticeKind>) {
    let share = limit
        .map_or(0, |limit| u64::try_from(u128::from(used) * 100 / u128::from(limit.max(1))).unwrap_or(100));
    let reached = LEVELS.iter().rfind(|(level, _)| share >= u64::from(*level));
    match reached {
        Some((level, notice)) if *level > told => (*level, Some(*notice)),
        _ => {
            let kept = LEVELS.iter().rfind(|(level, _)| *level <= told && share + SLACK > u64::from(*level));
            (kept.map_or(0, |(level, _)| *level), None)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_letter_that_does_not_fit_is_refused_for_now_or_for_ever() {
        for (used, limit, size, verdict) in [
            (0, Some(100), 100, Ok(())),
            (1, Some(100), 100, Err(Refusal::MailboxFull { ever: false })),
            (100, Some(100), 1, Err(Refusal::MailboxFull { ever: false })),
            (0, Some(100), 101, Err(Refusal::MailboxFull { ever: true })),
            (u64::MAX, Some(100), u64::MAX, Err(Refusal::MailboxFull { ever: true })),
            (u64::MAX, None, u64::MAX, Ok(())),
        ] {
            assert_eq!(takes(used, limit, size), verdict, "{size} octets beside {used} of {limit:?}");
        }
    }

    #[test]
    fn a_level_is_told_once_until_much_was_removed() {
        let mut told = 0;
        for (used, notice) in [
            (79, None),
            (80, Some(NoticeKind::StorageLow)),
            (94, None),
            (79, None), // not enough was removed to tell it again
            (81, None),
            (75, None),
            (80, Some(NoticeKind::StorageLow)),
            (95, Some(NoticeKind::StorageOut)),
            (90, None),
            (95, Some(NoticeKind::StorageOut)),
            (200, None),
            (0, None),
            (96, Some(NoticeKind::StorageOut)), // and not the lower one too
        ] {
            let (now, owed) = tell(used, Some(100), told);
            assert_eq!(owed, notice, "{used} % of it, told of {told}");
            told = now;
        }
        assert_eq!(tell(u64::MAX, None, 0), (0, None));
        assert_eq!(tell(1, Some(0), 0).1, Some(NoticeKind::StorageOut));
    }
}
