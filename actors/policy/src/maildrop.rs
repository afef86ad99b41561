//! Whether POP3 may open a mailbox (SPEC C1, C2): one session at a time, and none that has died holds it for long.

use std::time::Duration;

use postern_model::Timestamp;

use crate::Refusal;

/// The session that has the maildrop open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Holder {
    /// When a byte last moved on its connection, either way.
    pub last_byte: Timestamp,
}

/// How a login gets the maildrop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opening {
    /// Nobody had it.
    Free,
    /// The holder was silent for too long: it loses the maildrop and deletes nothing.
    TakeOver,
}

/// May the maildrop be opened now?
///
/// # Errors
/// [`Refusal::InUse`] while a holder that is not silent has it.
pub fn try_open(
    holder: Option<Holder>,
    takeover_after: Duration,
    now: Timestamp,
) -> Result<Opening, Refusal> {
    match holder {
        None => Ok(Opening::Free),
        // SPEC C2: departs knowingly from RFC 1939's ten minutes, for a correct login of the same user.
        Some(holder) if now.since(holder.last_byte) >= takeover_after => Ok(Opening::TakeOver),
        Some(_) => Err(Refusal::InUse),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// silent for | second login -> answer (SPEC C1, C2)
    #[test]
    fn a_second_login_waits_for_a_silent_holder() {
        let minute = Duration::from_secs(60);
        let at = |micros: i64| Timestamp(1_000_000_000 + micros);
        for (silent_micros, answer) in
            [(0, Err(Refusal::InUse)), (59_999_999, Err(Refusal::InUse)), (60_000_000, Ok(Opening::TakeOver))]
        {
            let holder = Holder { last_byte: at(0) };
            assert_eq!(try_open(Some(holder), minute, at(silent_micros)), answer, "{silent_micros}");
        }
        assert_eq!(try_open(None, minute, at(0)), Ok(Opening::Free));
    }

    #[test]
    fn a_clock_that_steps_back_takes_nothing_over() {
        let holder = Holder { last_byte: Timestamp::from_seconds(100) };
        let early = Timestamp::from_seconds(1);
        assert_eq!(try_open(Some(holder), Duration::from_secs(60), early), Err(Refusal::InUse));
    }
}
