//! Whether an account may send (SPEC Q): asked at SMTP's login and at each MAIL FROM.

use postern_model::Timestamp;
use postern_model::record::SendingLock;

use crate::Refusal;

/// What a plan lets its accounts send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Figures {
    /// Recipients of one letter (SPEC Q2).
    pub recipients: u32,
}

/// What a letter that was let through may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allowance {
    /// Recipients it may have.
    pub recipients: u32,
}

/// May this account send a letter now?
///
/// # Errors
/// [`Refusal::SendingLocked`] while a lock stands (SPEC Q4, Q5).
pub fn may_send(lock: Option<&SendingLock>, figures: Figures, now: Timestamp) -> Result<Allowance, Refusal> {
    match lock {
        Some(lock) if lock.until.is_none_or(|until| now < until) => {
            Err(Refusal::SendingLocked { reason: lock.reason.clone() })
        }
        _ => Ok(Allowance { recipients: figures.recipients }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use postern_model::record::Actor;

    /// locked until | now -> answer (SPEC Q4, Q5)
    #[test]
    fn a_lock_holds_until_it_expires() {
        let figures = Figures { recipients: 100 };
        let at = Timestamp::from_seconds;
        for (until, now, open) in
            [(None, 50, false), (Some(100), 99, false), (Some(100), 100, true), (Some(100), 101, true)]
        {
            let lock = SendingLock { since: at(0), by: Actor::Operator, until: until.map(at), reason: None };
            assert_eq!(may_send(Some(&lock), figures, at(now)).is_ok(), open, "{until:?} {now}");
        }
        assert_eq!(may_send(None, figures, at(0)), Ok(Allowance { recipients: 100 }));
    }
}
