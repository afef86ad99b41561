//! Correct passwords of the last minutes, so that a program which polls does not cost an Argon2 each time (SPEC I3).
//!
//! What is kept is an HMAC under a key that never leaves the process. The credentials' generation goes into it, so a
//! changed password is forgotten by itself.

use std::num::NonZeroUsize;

use lru::LruCache;
use postern_model::Timestamp;

use super::{Found, scram};

pub(super) struct Remembered {
    key: [u8; 32],
    until: LruCache<[u8; 32], Timestamp>,
}

impl Remembered {
    /// At most `capacity`; those used longest ago go first.
    pub(super) fn new(key: [u8; 32], capacity: usize) -> Remembered {
        Remembered { key, until: LruCache::new(NonZeroUsize::new(capacity).unwrap_or(NonZeroUsize::MIN)) }
    }

    pub(super) fn add(&mut self, found: &Found, password: &str, until: Timestamp) {
        self.until.put(self.digest(found, password), until);
    }

    pub(super) fn has(&mut self, found: &Found, password: &str, now: Timestamp) -> bool {
        let digest = self.digest(found, password);
        self.until.get(&digest).is_some_and(|until| now < *until)
    }

    fn digest(&self, found: &Found, password: &str) -> [u8; 32] {
        let account = found.account.0.to_be_bytes();
        let generation = found.credentials.generation.to_be_bytes();
        scram::hmac(&self.key, &[b"remembered ", &account, &generation, password.as_bytes()])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use postern_model::AccountId;
    use postern_model::record::Credentials;

    fn found(account: u64, generation: u64) -> Found {
        let credentials = Credentials {
            hash: String::new(),
            scram_salt: Vec::new(),
            scram: None,
            changed: Timestamp(0),
            generation,
        };
        Found { account: AccountId(account), credentials, app_passwords: Vec::new() }
    }

    #[test]
    fn a_password_is_remembered_for_its_account_and_generation_alone_and_not_for_ever() {
        let mut remembered = Remembered::new([1; 32], 10);
        let (now, later) = (Timestamp(0), Timestamp(10));
        remembered.add(&found(1, 1), "secret", later);
        assert!(remembered.has(&found(1, 1), "secret", now));
        assert!(!remembered.has(&found(1, 1), "Secret", now));
        assert!(!remembered.has(&found(1, 2), "secret", now));
        assert!(!remembered.has(&found(2, 1), "secret", now));
        assert!(!remembered.has(&found(1, 1), "secret", later));
    }

    #[test]
    fn what_was_used_longest_ago_goes_first() {
        let mut remembered = Remembered::new([1; 32], 2);
        for account in [1, 2, 3] {
            remembered.add(&found(account, 1), "secret", Timestamp(10));
            remembered.has(&found(1, 1), "secret", Timestamp(0));
        }
        let kept = |account| remembered.until.contains(&remembered.digest(&found(account, 1), "secret"));
        assert_eq!([kept(1), kept(2), kept(3)], [true, false, true]);
    }
}
