//! What an operator may ask for: the command line, the control socket and later the web say it in these terms.

use std::time::Duration;

use postern_model::Protocol;
use postern_model::record::Status;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

/// A request of the operator's.
#[derive(Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "kebab-case", deny_unknown_fields)]
pub enum AdminRequest {
    /// Mail for the domain stays here from now on.
    DomainAdd {
        /// In any spelling.
        domain: String,
    },
    /// Only where no address of it is left.
    DomainRemove {
        /// In any spelling.
        domain: String,
    },
    /// All domains, sorted.
    DomainList,
    /// A new account, everything off (SPEC A1).
    AccountAdd {
        /// Its full address, in a domain of ours.
        address: String,
        /// The plan's name; the first of `POSTERN_PLANS` where missing.
        plan: Option<String>,
        /// Its password; without one nobody can log in yet.
        password: Option<Secret>,
    },
    /// Accounts from elsewhere (SPEC I6).
    AccountImport {
        /// What to import.
        rows: Vec<ImportRow>,
        /// Import the good rows although others are bad.
        keep_going: bool,
    },
    /// All accounts, sorted by address.
    AccountList,
    /// Everything about one account (SPEC K).
    AccountShow {
        /// Which.
        address: String,
    },
    /// Removes the account and its mail.
    AccountRemove {
        /// Which.
        address: String,
    },
    /// Sets the password; open sessions are closed.
    SetPassword {
        /// Whose.
        address: String,
        /// The new one.
        password: Secret,
    },
    /// Sets the plan.
    SetPlan {
        /// Whose.
        address: String,
        /// A name of `POSTERN_PLANS`.
        plan: String,
    },
    /// Sets the status.
    SetStatus {
        /// Whose.
        address: String,
        /// The new one.
        status: Status,
    },
    /// Changes gates (SPEC A).
    SetAccess {
        /// Whose.
        address: String,
        /// What to do.
        change: AccessChange,
        /// Which gates.
        protocols: Vec<Protocol>,
        /// Opens at once instead of after the delay (with [`AccessChange::On`]).
        now: bool,
        /// Free text for the user.
        reason: Option<String>,
    },
    /// One of the account's settings (SPEC K): `language`, `legacy-plaintext`.
    Set {
        /// Whose.
        address: String,
        /// Which setting.
        name: String,
        /// To what.
        value: String,
    },
    /// One more address for an account (SPEC I5).
    AliasAdd {
        /// Whose.
        address: String,
        /// The new one, in a domain of ours.
        alias: String,
    },
    /// Takes it away again.
    AliasRemove {
        /// Which.
        alias: String,
    },
    /// Makes an app password and answers it, once (SPEC I3).
    AppPasswordAdd {
        /// Whose.
        address: String,
        /// The user's name for it.
        name: String,
        /// The protocols it opens.
        protocols: Vec<Protocol>,
        /// How long it holds.
        expires_in: Option<Duration>,
    },
    /// All of them, without the passwords.
    AppPasswordList {
        /// Whose.
        address: String,
    },
    /// Makes it void; sessions that used it are closed.
    AppPasswordRevoke {
        /// Whose.
        address: String,
        /// Its number.
        id: u32,
    },
    /// The time that the server goes by.
    ClockShow,
    /// Moves a manual clock on (SPEC O6).
    ClockAdvance {
        /// How far, in microseconds.
        micros: u64,
    },
    /// Verifies the whole store (SPEC O5).
    Check,
}

/// What to do with a gate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AccessChange {
    /// Switch on.
    On,
    /// Switch off.
    Off,
    /// Shut it against the user's will (SPEC A7).
    Block,
    /// Take the block away; the gate is off then.
    Unblock,
}

/// One account from elsewhere.
#[derive(Serialize, Deserialize)]
pub struct ImportRow {
    /// Where it stood, for messages.
    pub line: u64,
    /// The full address.
    pub address: String,
    /// The plan's name, or the default.
    pub plan: Option<String>,
    /// `$6$…`, `{SSHA}…`, `{PLAIN}…` and the others of SPEC I6.
    pub hash: Secret,
}

/// A text that never shows in a log.
#[derive(Clone, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Secret(pub Zeroizing<String>);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// Why the operator's request was not carried out: one line that names the thing, the reason and the cure.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[error("{0}")]
pub struct AdminError(pub String);
