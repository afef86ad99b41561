//! What is kept of passwords, and how a password is held against it (SPEC I3, I6). Nothing here may run on an arbiter:
//! [`super::Hasher`] runs it on the blocking pool.

use argon2::password_hash::PasswordHasher as _;
use argon2::{Algorithm, Argon2, Params, Version};
use postern_model::Timestamp;
use postern_model::record::{Credentials, ScramKeys};
use zeroize::Zeroizing;

use super::foreign::{self, Hash, UnusableHash};
use super::scram;

/// Longest password, in octets; some foreign hashes take time by its square.
pub const MAX_PASSWORD: usize = 256;

/// What one Argon2id costs (`POSTERN_ARGON2`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cost {
    /// `m`, in KiB.
    pub memory: u32,
    /// `t`
    pub passes: u32,
    /// `p`
    pub lanes: u32,
}

impl Default for Cost {
    fn default() -> Cost {
        Cost { memory: 19_456, passes: 2, lanes: 1 }
    }
}

/// Why a password can't be set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnusablePassword {
    /// It is empty.
    #[error("the password is empty")]
    Empty,
    /// It is longer than [`MAX_PASSWORD`].
    #[error("the password is longer than 256 octets")]
    TooLong,
    /// A mail program could not send it.
    #[error("the password holds a control character")]
    Control,
}

/// Whether a password can be set at all.
///
/// # Errors
/// [`UnusablePassword`].
pub fn check_new(password: &str) -> Result<(), UnusablePassword> {
    match password {
        "" => Err(UnusablePassword::Empty),
        _ if password.len() > MAX_PASSWORD => Err(UnusablePassword::TooLong),
        _ if password.chars().any(char::is_control) => Err(UnusablePassword::Control),
        _ => Ok(()),
    }
}

/// What an imported row says of a password.
pub enum Imported {
    /// A hash, to be kept as it is until the first login.
    Hash(String),
    /// The password itself (`{PLAIN}`), to be hashed now.
    Password(Zeroizing<String>),
}

/// Reads the hash of an imported row (SPEC I6).
///
/// # Errors
/// [`UnusableHash`].
pub fn imported(text: &str) -> Result<Imported, UnusableHash> {
    if let Some(password) = foreign::plain(text) {
        return Ok(Imported::Password(Zeroizing::new(password.to_owned())));
    }
    Hash::parse(text).map(|_| Imported::Hash(text.to_owned()))
}

/// A password as it is hashed: by SASLprep (RFC 4013), which SCRAM's clients apply as well (RFC 5802 §2.2), so that one
/// password is the same by every mechanism and from every keyboard. What SASLprep forbids, or leaves nothing of, is
/// taken as it is.
pub(super) fn prepare(password: &str) -> Zeroizing<String> {
    let prepared = stringprep::saslprep(password).ok().filter(|prepared| !prepared.is_empty());
    Zeroizing::new(prepared.map_or_else(|| password.to_owned(), |prepared| prepared.into_owned()))
}

/// How a password compared.
pub(super) enum Checked {
    /// It is another.
    Wrong,
    /// It is the one.
    Right {
        /// What to keep from now on, where that is not what is kept.
        upgrade: Option<Credentials>,
    },
}

/// Hashes and compares, and takes its time.
pub(super) struct Worker {
    argon2: Argon2<'static>,
    params: String,
    scram: bool,
    dummy: String,
}

impl Worker {
    /// `scram`: keep SCRAM keys beside each hash. `None` where the cost is none that Argon2 knows, or is beyond what
    /// may be verified.
    pub(super) fn new(cost: Cost, scram: bool) -> Option<Worker> {
        let params = Params::new(cost.memory, cost.passes, cost.lanes, None).ok()?;
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let params = format!("$argon2id$v=19$m={},t={},p={}$", cost.memory, cost.passes, cost.lanes);
        let mut worker = Worker { argon2, params, scram, dummy: String::new() };
        worker.dummy = worker.hash("nobody's")?;
        Hash::parse(&worker.dummy).ok()?;
        Some(worker)
    }

    /// Whether SCRAM keys are kept.
    pub(super) fn keeps_scram(&self) -> bool {
        self.scram
    }

    /// What to keep of a new password; `None` where the system has no random numbers.
    pub(super) fn credentials(
        &self,
        password: &str,
        scram_salt: Vec<u8>,
        generation: u64,
        changed: Timestamp,
    ) -> Option<Credentials> {
        let password = prepare(password);
        let hash = self.hash(&password)?;
        let scram = self.scram_keys(&password, &scram_salt);
        Some(Credentials { hash, scram_salt, scram, changed, generation })
    }

    /// SCRAM keys of a password, where they are kept.
    pub(super) fn scram_keys(&self, password: &str, salt: &[u8]) -> Option<ScramKeys> {
        self.scram.then(|| scram::keys(&prepare(password), salt))
    }

    /// Holds a password against what is kept. Where nothing usable is, a dummy of the same cost takes its place, so
    /// that nobody is told by the time it takes (SPEC I2).
    pub(super) fn check(&self, kept: Option<&Credentials>, password: &str) -> Checked {
        let fits = password.len() <= MAX_PASSWORD;
        let given = Zeroizing::new(if fits { password.to_owned() } else { String::new() });
        let prepared = prepare(&given);
        let hash = kept.and_then(|kept| Hash::parse(&kept.hash).ok());
        let usable = hash.is_some();
        let Some(hash) = hash.or_else(|| Hash::parse(&self.dummy).ok()) else { return Checked::Wrong };
        let mut right = hash.verify(prepared.as_bytes());
        // Elsewhere passwords may have been hashed just as they were typed.
        let as_typed = !right && *prepared != *given && hash.verify(given.as_bytes());
        right |= as_typed;
        match kept {
            Some(kept) if right && usable && fits && !given.is_empty() => {
                Checked::Right { upgrade: self.upgrade(kept, &prepared, as_typed) }
            }
            _ => Checked::Wrong,
        }
    }

    /// Today's form of what is kept, where it has another (SPEC I6). The password is the same, so its generation is.
    fn upgrade(&self, kept: &Credentials, prepared: &str, as_typed: bool) -> Option<Credentials> {
        let fresh_hash = as_typed || !kept.hash.starts_with(&self.params);
        let scram_fits = match &kept.scram {
            Some(keys) => self.scram && keys.iterations == scram::ITERATIONS && !as_typed,
            None => !self.scram,
        };
        if !fresh_hash && scram_fits {
            return None;
        }
        let hash = if fresh_hash { self.hash(prepared)? } else { kept.hash.clone() };
        let scram_salt = match kept.scram_salt.as_slice() {
            [] => salt()?,
            _ => kept.scram_salt.clone(),
        };
        let scram = self.scram_keys(prepared, &scram_salt);
        Some(Credentials { hash, scram_salt, scram, ..*kept })
    }

    fn hash(&self, prepared: &str) -> Option<String> {
        let salt = salt()?;
        Some(self.argon2.hash_password_with_salt(prepared.as_bytes(), &salt).ok()?.to_string())
    }
}

/// A fresh salt; `None` where the system has no random numbers.
pub(super) fn salt() -> Option<Vec<u8>> {
    let mut salt = vec![0; scram::SALT];
    getrandom::fill(&mut salt).ok()?;
    Some(salt)
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHEAP: Cost = Cost { memory: 8, passes: 1, lanes: 1 };

    fn worker(cost: Cost, scram: bool) -> Worker {
        Worker::new(cost, scram).expect("a cost that Argon2 knows")
    }

    fn kept(hash: &str) -> Credentials {
        Credentials {
            hash: hash.to_owned(),
            scram_salt: vec![1; 16],
            scram: None,
            changed: Timestamp::from_seconds(5),
            generation: 7,
        }
    }

    /// `None` for wrong, else what it is upgraded to.
    #[allow(clippy::option_option)]
    fn check(worker: &Worker, kept: &Credentials, password: &str) -> Option<Option<Credentials>> {
        match worker.check(Some(kept), password) {
            Checked::Wrong => None,
            Checked::Right { upgrade } => Some(upgrade),
        }
    }

    #[test]
    fn a_new_password_is_kept_as_argon2id_with_the_cost_asked_for() {
        let worker = worker(CHEAP, false);
        let kept = worker.credentials("secret", vec![1; 16], 3, Timestamp(9)).expect("random numbers");
        assert!(kept.hash.starts_with("$argon2id$v=19$m=8,t=1,p=1$"), "{}", kept.hash);
        assert_eq!((kept.generation, kept.changed), (3, Timestamp(9)));
        assert!(kept.scram.is_none());
        assert!(matches!(check(&worker, &kept, "secret"), Some(None)), "nothing to upgrade");
        assert!(check(&worker, &kept, "Secret").is_none());
    }

    /// SPEC I6: a foreign hash is replaced at the first login.
    #[test]
    fn a_foreign_hash_becomes_argon2id_and_scram_keys() {
        let worker = worker(CHEAP, true);
        let foreign = kept("{SSHA256}FMa4ATrlqQ1NaQrKMFj2klD7VCPV0TmPSp0FayIliA9zYWx0c2FsdA==");
        let upgraded = check(&worker, &foreign, "pässword 1").flatten().expect("an upgrade");
        assert!(upgraded.hash.starts_with("$argon2id$v=19$m=8,t=1,p=1$"));
        assert!(upgraded.scram == Some(scram::keys("pässword 1", &[1; 16])));
        assert_eq!((upgraded.generation, upgraded.changed), (7, Timestamp::from_seconds(5)));
        assert!(matches!(check(&worker, &upgraded, "pässword 1"), Some(None)));
    }

    #[test]
    fn another_cost_is_taken_over_at_the_next_login() {
        let old = worker(CHEAP, false);
        let new = worker(Cost { passes: 2, ..CHEAP }, false);
        let kept = old.credentials("secret", vec![1; 16], 1, Timestamp(0)).expect("random numbers");
        let upgraded = check(&new, &kept, "secret").flatten().expect("an upgrade");
        assert!(upgraded.hash.starts_with("$argon2id$v=19$m=8,t=2,p=1$"));
    }

    #[test]
    fn scram_keys_come_and_go_with_the_switch() {
        let (with, without) = (worker(CHEAP, true), worker(CHEAP, false));
        let kept = without.credentials("secret", vec![1; 16], 1, Timestamp(0)).expect("random numbers");
        let upgraded = check(&with, &kept, "secret").flatten().expect("an upgrade");
        assert!(upgraded.scram.is_some());
        assert_eq!(upgraded.hash, kept.hash, "the hash was good already");
        assert!(check(&without, &upgraded, "secret").flatten().expect("an upgrade").scram.is_none());
    }

    #[test]
    fn one_password_from_two_keyboards_is_one_password() {
        let worker = worker(CHEAP, false);
        let kept = worker.credentials("pa\u{308}ss", vec![1; 16], 1, Timestamp(0)).expect("random numbers");
        assert!(check(&worker, &kept, "p\u{e4}ss").is_some());
    }

    #[test]
    fn what_can_not_be_prepared_is_taken_as_it_is() {
        assert_eq!(*prepare("\u{ad}"), "\u{ad}", "a soft hyphen would be mapped to nothing");
        assert_eq!(*prepare("a\u{e000}"), "a\u{e000}", "private use is forbidden");
        assert_eq!(*prepare("\u{2168}"), "IX", "RFC 4013 §3");
    }

    #[test]
    fn a_foreign_hash_may_be_of_the_password_as_typed() {
        let worker = worker(CHEAP, false);
        // {SHA} of "a", a combining diaeresis (not composed), "b".
        let kept = kept("{SHA}fr24ulCda5OfWaX2MxFk+aSAL/0=");
        let upgraded = check(&worker, &kept, "a\u{308}b").flatten().expect("an upgrade");
        assert!(check(&worker, &upgraded, "\u{e4}b").is_some());
    }

    #[test]
    fn nothing_matches_what_is_not_there() {
        let worker = worker(CHEAP, false);
        assert!(matches!(worker.check(None, "secret"), Checked::Wrong));
        assert!(matches!(worker.check(None, "nobody's"), Checked::Wrong), "the dummy's own password");
        for hash in ["", "!", "$6$", "secret"] {
            assert!(check(&worker, &kept(hash), "secret").is_none());
            assert!(check(&worker, &kept(hash), "nobody's").is_none());
            assert!(check(&worker, &kept(hash), "").is_none());
        }
        let empty = kept("{SHA}2jmj7l5rSw0yVb/vlWAYkK/YBwk=");
        assert!(check(&worker, &empty, "").is_none(), "an empty password is none");
        assert!(check(&worker, &empty, &"x".repeat(300)).is_none(), "too long is not empty");
    }

    #[test]
    fn what_can_be_no_password_is_named() {
        assert_eq!(check_new("secret"), Ok(()));
        assert_eq!(check_new(""), Err(UnusablePassword::Empty));
        assert_eq!(check_new(&"x".repeat(257)), Err(UnusablePassword::TooLong));
        assert_eq!(check_new("a\r\nb"), Err(UnusablePassword::Control));
    }

    #[test]
    fn an_imported_row_has_a_hash_or_a_password() {
        assert!(matches!(imported("{PLAIN}secret"), Ok(Imported::Password(p)) if *p == "secret"));
        assert!(matches!(imported("{SHA}2jmj7l5rSw0yVb/vlWAYkK/YBwk="), Ok(Imported::Hash(_))));
        assert!(matches!(imported("secret"), Err(UnusableHash::Unknown)));
    }

    #[test]
    fn a_cost_beyond_the_bounds_is_none() {
        assert!(Worker::new(Cost { memory: 1, ..CHEAP }, false).is_none());
        assert!(Worker::new(Cost { lanes: 0, ..CHEAP }, false).is_none());
    }
}
