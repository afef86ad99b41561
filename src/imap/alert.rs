//! Whom an ALERT was shown to: at most once an hour (SPEC A4), since programs show it in the middle of the screen, and try
//! every few minutes.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::num::NonZeroUsize;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use lru::LruCache;
use postern_model::Timestamp;
use postern_policy::Refusal;

/// Users that are remembered.
const REMEMBERED: NonZeroUsize = NonZeroUsize::new(4_096).expect("not 0");
const PAUSE: Duration = Duration::from_secs(3_600);

/// A user's name, as far as it has to be told from others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct UserDigest(u64);

/// Who has been shown an ALERT, and when.
#[derive(Debug)]
pub struct Alerts(Mutex<LruCache<UserDigest, Timestamp>>);

impl Default for Alerts {
    fn default() -> Alerts {
        Alerts(Mutex::new(LruCache::new(REMEMBERED)))
    }
}

impl Alerts {
    /// Whether the user is to be shown this as an ALERT now; then no other for an hour. Only who gave the right password
    /// learns anything of an account.
    pub fn is_due(&self, user: UserDigest, refusal: &Refusal, now: Timestamp) -> bool {
        let alarming = matches!(
            refusal,
            Refusal::AccessOff { .. }
                | Refusal::AccessBlocked { .. }
                | Refusal::AccessPending { .. }
                | Refusal::Suspended
                | Refusal::PlaintextRefused
                | Refusal::ClientPasswordNeeded
        );
        if !alarming {
            return false;
        }
        let mut shown = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let due = shown.get(&user).is_none_or(|at| *at > now || at.plus(PAUSE) <= now);
        if due {
            shown.put(user, now);
        }
        due
    }
}

/// Digests a user name as it was given.
pub(super) fn digest(user: &str) -> UserDigest {
    let mut hasher = DefaultHasher::new();
    user.to_ascii_lowercase().hash(&mut hasher);
    UserDigest(hasher.finish())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alert_is_shown_once_an_hour() {
        let (alerts, at) = (Alerts::default(), |minutes: i64| Timestamp::from_seconds(minutes * 60));
        let (user, off) = (digest("a@demo.test"), Refusal::Suspended);
        assert!(alerts.is_due(user, &off, at(0)));
        assert!(!alerts.is_due(digest("A@demo.test"), &off, at(59)));
        assert!(alerts.is_due(digest("b@demo.test"), &off, at(59)));
        assert!(alerts.is_due(user, &off, at(60)));
        assert!(!alerts.is_due(digest("c@demo.test"), &Refusal::BadCredentials { bare_name: false }, at(0)));
    }
}
