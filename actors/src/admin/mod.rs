//! What an operator may ask for: the command line, the control socket and later the web say it in these terms.

mod access;
mod accounts;
mod aliases;
mod brake;
mod clock;
mod domains;
mod events;
mod import;
mod keys;
mod passwords;
mod queue;
mod rules;
mod show;
mod sms;

#[cfg(test)]
pub(crate) use events::of_account as events_of;

use std::time::Duration;

use postern_model::record::Status;
use postern_model::{AccountId, EmailAddress, Protocol};
use postern_storage::StoreError;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use zeroize::Zeroizing;

use crate::Actors;
pub use queue::{QueueChange, QueueFilter};

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
    /// One of the domain's settings: `catch-all` (SPEC D6).
    DomainSet {
        /// In any spelling.
        domain: String,
        /// Which setting.
        name: String,
        /// To what.
        value: String,
    },
    /// The domain's DKIM keys (SPEC D4); where one that signs is missing, it is made.
    DomainKeys {
        /// In any spelling.
        domain: String,
    },
    /// New keys in the place of the old ones, step by step.
    DomainRotate {
        /// In any spelling.
        domain: String,
        /// Which step.
        step: RotateStep,
    },
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
        /// Lines that could not be read as rows, each with its number and the reason: as bad as a bad row.
        unread: Vec<String>,
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
        /// The user asked for it, on a page of the provider's own.
        #[serde(default)]
        as_user: bool,
    },
    /// Locks sending for a violation of terms (SPEC Q5).
    LockSending {
        /// Whose.
        address: String,
        /// Free text for the user.
        reason: Option<String>,
        /// How long; without it until somebody unlocks.
        #[serde(default)]
        lasts: Option<Duration>,
    },
    /// Unlocks it.
    UnlockSending {
        /// Whose.
        address: String,
    },
    /// The user logged in on a web page elsewhere (SPEC A9).
    AccountSeen {
        /// Who.
        address: String,
    },
    /// The account's events, the oldest first (SPEC A10).
    AccountEvents {
        /// Whose.
        address: String,
        /// From when on (RFC 3339).
        since: Option<String>,
    },
    /// Somebody complained about the account's letters (SPEC Q4).
    AccountReport {
        /// Whose.
        address: String,
        /// What was said.
        reason: Option<String>,
    },
    /// Lets go on what the brake on mass closing holds (SPEC A16).
    PolicyRelease,
    /// Whether the brake holds, since when and why.
    PolicyShow,
    /// One of the account's settings (SPEC K): `language`, `legacy-plaintext`, `pop3-delete`, and those of D6: `forward`,
    /// `vacation`, `block` and others.
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
    /// What waits to leave, in the order of acceptance, a consignment each.
    QueueList {
        /// Which.
        #[serde(default)]
        filter: QueueFilter,
        /// Only those behind this letter.
        #[serde(default)]
        after: Option<String>,
        /// How many at most; 100 where missing, never more than 10,000.
        #[serde(default)]
        limit: Option<u32>,
    },
    /// Everything about one letter of the queue.
    QueueShow {
        /// Its id.
        id: String,
    },
    /// Does something about letters of the queue.
    QueueChange {
        /// Which.
        filter: QueueFilter,
        /// What.
        change: QueueChange,
        /// All of them are meant, where the filter is empty.
        #[serde(default)]
        all: bool,
    },
    /// Verifies the whole store (SPEC O5).
    Check,
}

impl AdminRequest {
    /// Whether no change may be made meanwhile. What only looks needs that not; an import and a removal take their turn
    /// for each step of their own; what falls due is the accounts' own affair.
    fn takes_a_turn(&self) -> bool {
        use AdminRequest as Ask;
        !matches!(
            self,
            Ask::DomainList
                | Ask::AccountList
                | Ask::AccountShow { .. }
                | Ask::AccountEvents { .. }
                | Ask::PolicyShow
                | Ask::AppPasswordList { .. }
                | Ask::ClockShow
                | Ask::Check
                | Ask::QueueList { .. }
                | Ask::QueueShow { .. }
                | Ask::QueueChange { .. }
                | Ask::AccountImport { .. }
                | Ask::AccountRemove { .. }
                | Ask::ClockAdvance { .. }
                | Ask::PolicyRelease
        )
    }
}

/// A step from old keys to new ones. What was sent an hour ago is verified with the old ones, and the DNS remembers for a
/// while that there are no new ones: so none of them is done along with another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RotateStep {
    /// Make new ones, to be published.
    Begin,
    /// Sign with the new ones; the old ones are retired.
    Activate,
    /// Forget the retired ones.
    Drop,
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

impl Actors {
    /// Carries out an operator's request; the answer is one JSON document. Changes come one after the other; what takes
    /// long keeps none of them waiting, or "off" would not act at once while a store is checked.
    ///
    /// # Errors
    /// One line that names the thing, the reason and the cure; then nothing was changed.
    pub async fn admin(&self, request: AdminRequest) -> Result<Value, AdminError> {
        use AdminRequest as Ask;
        let _one_at_a_time = match request.takes_a_turn() {
            true => Some(self.administration().await),
            false => None,
        };
        match request {
            Ask::DomainAdd { domain } => domains::add(self, &domain).await,
            Ask::DomainRemove { domain } => domains::remove(self, &domain).await,
            Ask::DomainList => Ok(domains::list(self)),
            Ask::DomainSet { domain, name, value } => domains::set(self, &domain, &name, &value).await,
            Ask::DomainKeys { domain } => keys::list(self, &domain).await,
            Ask::DomainRotate { domain, step } => keys::rotate(self, &domain, step).await,
            Ask::AccountAdd { address, plan, password } => {
                accounts::add(self, &address, plan, password).await
            }
            Ask::AccountImport { rows, unread, keep_going } => {
                import::import(self, rows, unread, keep_going).await
            }
            Ask::AccountList => accounts::list(self).await,
            Ask::AccountShow { address } => show::show(self, &address).await,
            Ask::AccountRemove { address } => accounts::remove(self, &address).await,
            Ask::SetPassword { address, password } => passwords::set(self, &address, password).await,
            Ask::SetPlan { address, plan } => access::set_plan(self, &address, plan).await,
            Ask::SetStatus { address, status } => access::set_status(self, &address, status).await,
            Ask::SetAccess { address, change, protocols, now, reason, as_user } => {
                let change = access::wanted(change, now, as_user)?;
                access::set_access(self, &address, change, protocols, reason, as_user).await
            }
            Ask::LockSending { address, reason, lasts } => access::lock(self, &address, reason, lasts).await,
            Ask::UnlockSending { address } => access::unlock(self, &address).await,
            Ask::AccountSeen { address } => access::seen(self, &address).await,
            Ask::AccountReport { address, reason } => access::report(self, &address, reason).await,
            Ask::AccountEvents { address, since } => events::list(self, &address, since).await,
            Ask::PolicyRelease => brake::release(self).await,
            Ask::PolicyShow => brake::show(self).await,
            Ask::Set { address, name, value } => access::set_value(self, &address, &name, &value).await,
            Ask::AliasAdd { address, alias } => aliases::add(self, &address, &alias).await,
            Ask::AliasRemove { alias } => aliases::remove(self, &alias).await,
            Ask::AppPasswordAdd { address, name, protocols, expires_in } => {
                passwords::add_app(self, &address, name, protocols, expires_in).await
            }
            Ask::AppPasswordList { address } => passwords::list_apps(self, &address).await,
            Ask::AppPasswordRevoke { address, id } => passwords::revoke_app(self, &address, id).await,
            Ask::ClockShow => Ok(clock::show(self)),
            Ask::ClockAdvance { micros } => clock::advance(self, micros).await,
            Ask::QueueList { filter, after, limit } => queue::list(self, filter, after, limit).await,
            Ask::QueueShow { id } => queue::show(self, id).await,
            Ask::QueueChange { filter, change, all } => queue::change(self, filter, change, all).await,
            Ask::Check => check(self).await,
        }
    }
}

/// The account of an address, or why there is none.
async fn find(actors: &Actors, text: &str) -> Result<AccountId, AdminError> {
    let address =
        EmailAddress::parse(text).map_err(|error| AdminError(format!("address {text:?}: {error}")))?;
    match actors.ground().directory.find(&address).await.map_err(failed)? {
        Some(entry) => Ok(entry.account),
        None => Err(AdminError(format!("there is no account {text}: see `postern account list`"))),
    }
}

fn known_plan(actors: &Actors, plan: &str) -> Result<(), AdminError> {
    let plans = &actors.ground().settings.plans;
    if plans.contains_key(plan) {
        return Ok(());
    }
    let names: Vec<&str> = plans.keys().map(String::as_str).collect();
    Err(AdminError(format!("plan {plan:?} is not among POSTERN_PLANS ({})", names.join(", "))))
}

#[allow(clippy::needless_pass_by_value)] // as a function for map_err
fn failed(error: StoreError) -> AdminError {
    AdminError(match error {
        StoreError::Conflict => "somebody else changed the same thing meanwhile: try again".to_owned(),
        error => format!("the store could not do it: {error}"),
    })
}

async fn check(actors: &Actors) -> Result<Value, AdminError> {
    let store = actors.store().clone();
    let report = tokio::task::spawn_blocking(move || store.check()).await;
    let report = report.map_err(|_| AdminError("the check ended early: see the log".to_owned()))?;
    Ok(serde_json::json!({
        "accounts": report.accounts,
        "addresses": report.addresses,
        "letters": report.letters,
        "pending": report.pending,
        "queued": report.queued,
        "bodies": report.bodies,
        "frames": report.frames,
        "octets": report.octets,
        "segments": report.segments,
        "problems": report.problems,
        "more_problems": report.more_problems,
    }))
}
