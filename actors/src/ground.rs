//! What all actors stand on: the store, the clock, the settings, and who is present.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use postern_policy::send_window::Figures;
use postern_policy::{Refusal, lockout};
use postern_storage::{Store, StoreError};

use crate::directory::Directory;
use crate::presence::Presences;
use crate::ticker::Ticker;

/// Figures that the actors go by; made from the configuration.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The plans by name (SPEC Q1).
    pub plans: BTreeMap<String, Figures>,
    /// The plan of an account for which none is named.
    pub default_plan: String,
    /// The language of a new account.
    pub default_language: String,
    /// How long a POP3 session must be silent before a new login may take over (SPEC C2).
    pub takeover_after: Duration,
    /// Sessions that one account may have open.
    pub sessions_per_account: u32,
    /// What an Argon2id hash costs (SPEC I3).
    pub argon2: crate::auth::password::Cost,
    /// Whether SCRAM keys are kept beside the hash (SPEC I3).
    pub scram: bool,
    /// Passwords that are hashed at once: the number of cores.
    pub hashes_at_once: usize,
    /// When failed logins slow down and lock out (SPEC I4).
    pub lockout: lockout::Figures,
}

#[cfg(test)]
impl Settings {
    /// The defaults, with hashes that cost nothing.
    pub(crate) fn for_tests() -> Settings {
        let figures = Figures { recipients: 100 };
        Settings {
            plans: BTreeMap::from([("free".to_owned(), figures), ("plus".to_owned(), figures)]),
            default_plan: "free".to_owned(),
            default_language: "en".to_owned(),
            takeover_after: Duration::from_secs(60),
            sessions_per_account: 20,
            argon2: crate::auth::password::Cost { memory: 8, passes: 1, lanes: 1 },
            scram: false,
            hashes_at_once: 2,
            lockout: lockout::Figures::default(),
        }
    }
}

/// Shared by all actors; holds none of them.
pub(crate) struct Ground {
    pub(crate) store: Store,
    pub(crate) ticker: Ticker,
    pub(crate) settings: Settings,
    pub(crate) directory: Directory,
    pub(crate) presences: Arc<Presences>,
}

/// What a door says where the store could not do it; the reason goes to the log, once.
pub(crate) fn refuse(error: &StoreError) -> Refusal {
    match error {
        StoreError::Full => Refusal::StoreFull,
        StoreError::Closed => Refusal::Stopping,
        error => {
            tracing::error!(%error, "the store failed");
            Refusal::Unavailable
        }
    }
}
