//! What all actors stand on: the store, the clock, the settings, and who is present.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use postern_model::{Domain, EmailAddress};
use postern_policy::send_window::Figures;
use postern_policy::srs::Srs;
use postern_policy::{Refusal, abuse, access, lockout, maildrop, retry, sms};
use postern_storage::{Batch, Store, StoreError};

use crate::courier::{Courier, Reporter};
use crate::directory::Directory;
use crate::keymaker::KeyMaker;
use crate::learn::Trainer;
use crate::notice::Composer;
use crate::presence::Presences;
use crate::rules::{ForwardSeal, RuleBook};
use crate::sms::Texter;
use crate::ticker::Ticker;

/// Entries that each of an account's lists of events keeps (SPEC A10).
pub(crate) const EVENTS_KEPT: u32 = 1_000;

/// Figures that the actors go by; made from the configuration.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Whether a server begins with this. A single command on a store at rest does not ask whether each account's plan is
    /// known, nor file what falls due by other figures: its surroundings may be others than the server's.
    pub serving: bool,
    /// The plans by name (SPEC Q1).
    pub plans: BTreeMap<String, Plan>,
    /// The plan of an account for which none is named.
    pub default_plan: String,
    /// The server's own name: who writes to its postmaster reaches the one of the nearest domain of ours above it.
    pub hostname: String,
    /// The language of a new account.
    pub default_language: String,
    /// How long a POP3 session must be silent before a new login may take over (SPEC C2).
    pub takeover_after: Duration,
    /// Checks of mail in any interval of a plan (SPEC C3).
    pub check_burst: u32,
    /// So much earlier a check is forgiven.
    pub check_grace: Duration,
    /// When access opens and closes (SPEC A).
    pub access: access::Figures,
    /// When sending is locked by itself (SPEC Q4).
    pub abuse: abuse::Figures,
    /// Whether an inactive account's mail is refused (SPEC A9).
    pub inactive_refuses_mail: bool,
    /// Whether mail programs need a password of their own (SPEC A12).
    pub client_password: bool,
    /// The brake on mass closing (SPEC A16).
    pub brake: BrakeFigures,
    /// Writes the letters of notices (SPEC N).
    pub composer: Arc<dyn Composer>,
    /// Brings letters to other servers (SPEC D3); without one nothing is taken for them.
    pub courier: Option<Arc<dyn Courier>>,
    /// Seals what users have sent on (SPEC D6); without one it goes as it is.
    pub forward_seal: Option<Arc<dyn ForwardSeal>>,
    /// What stands before the detail of an address, `+` in `alice+news` (SPEC D6); `None`: there are no details.
    pub detail_separator: Option<char>,
    /// Makes the keys of new domains (SPEC D4); without one they have none.
    pub key_maker: Option<Arc<dyn KeyMaker>>,
    /// Writes reports on letters' fates (RFC 3464).
    pub reporter: Arc<dyn Reporter>,
    /// When letters are tried again, and how many wait and go at once (SPEC D3).
    pub queue: retry::Figures,
    /// Sends SMS alerts (SPEC D7); without one there are none.
    pub texter: Option<Arc<dyn Texter>>,
    /// How many of them an account may get.
    pub sms: sms::Figures,
    /// Learns what users take for spam (SPEC D5).
    pub trainer: Option<Arc<dyn Trainer>>,
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

impl Settings {
    /// What a plan allows. One that the configuration no longer names allows what the default plan does.
    pub(crate) fn plan(&self, name: &str) -> Plan {
        let plan = self.plans.get(name).or_else(|| self.plans.get(&self.default_plan));
        plan.copied().unwrap_or(Plan { sends: Figures::FREE, check_interval: Duration::ZERO, storage: None })
    }

    /// Letters whose times are kept of each account: as many as the list of events holds, or a window of any plan.
    pub(crate) fn letters_kept(&self) -> u32 {
        self.plans.values().map(|plan| plan.sends.most()).fold(EVENTS_KEPT, u32::max)
    }

    /// How often a plan's accounts may check mail.
    pub(crate) fn checks(&self, plan: &str) -> maildrop::Figures {
        maildrop::Figures {
            interval: self.plan(plan).check_interval,
            burst: self.check_burst,
            grace: self.check_grace,
            takeover_after: self.takeover_after,
        }
    }
}

/// What a plan allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    /// What may be sent (SPEC Q1, Q2).
    pub sends: Figures,
    /// How far apart mail may be checked over POP3 (SPEC C3); zero: any time.
    pub check_interval: Duration,
    /// Octets that may be stored (SPEC D8); `None` is without limit.
    pub storage: Option<u64>,
}

/// When nothing closes by itself until an operator has looked (SPEC A16).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BrakeFigures {
    /// Accounts that one look may close, whatever their share.
    pub accounts: u64,
    /// Their share of all accounts that it may close, in percent.
    pub percent: u64,
}

#[cfg(test)]
impl Settings {
    /// The defaults, with hashes that cost nothing.
    pub(crate) fn for_tests() -> Settings {
        let figures = Plan { sends: Figures::FREE, check_interval: Duration::ZERO, storage: Some(1 << 30) };
        let plus = Plan { sends: Figures { per_hour: None, ..Figures::FREE }, ..figures };
        Settings {
            serving: true,
            plans: BTreeMap::from([("free".to_owned(), figures), ("plus".to_owned(), plus)]),
            default_plan: "free".to_owned(),
            hostname: "mail.demo.test".to_owned(),
            default_language: "en".to_owned(),
            takeover_after: Duration::from_secs(60),
            check_burst: 1,
            check_grace: Duration::from_secs(10),
            access: access::Figures::default(),
            abuse: abuse::Figures::default(),
            inactive_refuses_mail: false,
            client_password: false,
            brake: BrakeFigures { accounts: 100, percent: 1 },
            composer: Arc::new(crate::notice::Plain),
            courier: None,
            forward_seal: None,
            detail_separator: Some('+'),
            key_maker: None,
            reporter: Arc::new(crate::courier::PlainReports),
            queue: retry::Figures::default(),
            trainer: None,
            texter: None,
            sms: sms::Figures::default(),
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
    /// Reverse paths of what is forwarded (SPEC D6).
    pub(crate) srs: Srs,
    /// What users have arranged for their mail (SPEC D6).
    pub(crate) rules: RuleBook,
}

impl Ground {
    /// The server itself may be in no domain of ours (mail.example.org), and its postmaster must still be reached
    /// (RFC 5321 §4.5.1): at the nearest domain above it that is ours.
    pub(crate) fn postmaster(&self, address: &EmailAddress) -> Option<EmailAddress> {
        let asked = address.domain().as_str();
        let is_ours = address.local().as_str().eq_ignore_ascii_case("postmaster")
            && asked.eq_ignore_ascii_case(&self.settings.hostname);
        if !is_ours || self.directory.is_local(address.domain()) {
            return None;
        }
        let above = std::iter::successors(asked.split_once('.'), |(_, rest)| rest.split_once('.'));
        let mut ours = above.filter_map(|(_, rest)| Domain::parse(rest).ok());
        let domain = ours.find(|domain| self.directory.is_local(domain))?;
        EmailAddress::parse(&format!("postmaster@{domain}")).ok()
    }
}

/// Returns when everything is visible that was handed in before, also by an actor that rests by now and whose last words
/// nobody waited for.
pub(crate) async fn caught_up(store: &Store) {
    let mut nothing = Batch::new();
    nothing.lazy();
    // Where it can't be handed in, neither could they.
    let _ = store.commit(nothing).await;
}

/// What a door says where the store could not do it; the reason goes to the log, once.
pub(crate) fn refuse(error: &StoreError) -> Refusal {
    match error {
        StoreError::Full => Refusal::StoreFull,
        StoreError::NotFound => Refusal::NoSuchMailbox,
        StoreError::Closed => Refusal::Stopping,
        error => {
            tracing::error!(%error, "the store failed");
            Refusal::Unavailable
        }
    }
}
