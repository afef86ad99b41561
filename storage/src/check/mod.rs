//! `postern check`: does everything that is stored fit together?
//!
//! An account is judged in one look at the index, and so is a segment, so letters may come and go meanwhile. Bodies
//! are read outside of it; what looks damaged there is looked up again, since it may have been moved or dropped.
//! Memory is bounded by the largest account's letters and events.

mod accounts;
mod folders;
mod gate;
mod inbound;
mod queue;
mod rules;
mod segments;
mod signing;
mod transport;

use postern_model::AccountId;

use crate::error::StoreError;
use crate::shared::Shared;

/// Problems that are told in words; what is beyond is only counted.
const MAX_PROBLEMS: usize = 1000;
/// Accounts that are listed at a time.
const PAGE: usize = 64;

/// What was found in a store.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CheckReport {
    /// Accounts.
    pub accounts: u64,
    /// Addresses.
    pub addresses: u64,
    /// Letters in folders.
    pub letters: u64,
    /// Consignments that wait to leave.
    pub queued: u64,
    /// Letters that are still owed to a recipient.
    pub pending: u64,
    /// Accounts for which something falls due.
    pub due: u64,
    /// Notices that are still owed to an account.
    pub notices: u64,
    /// Events in the accounts' lists.
    pub events: u64,
    /// References from accounts to bodies.
    pub bodies: u64,
    /// Bodies on disk that somebody refers to; one may serve several accounts.
    pub frames: u64,
    /// Their octets, with what surrounds them.
    pub octets: u64,
    /// Segment files.
    pub segments: u64,
    /// What does not fit, a line each, at most 1,000.
    pub problems: Vec<String>,
    /// Problems beyond those.
    pub more_problems: u64,
}

impl CheckReport {
    /// Whether everything fits.
    pub fn is_sound(&self) -> bool {
        self.problems.is_empty()
    }

    fn problem(&mut self, line: String) {
        if self.problems.len() < MAX_PROBLEMS {
            self.problems.push(line);
        } else {
            self.more_problems += 1;
        }
    }

    /// What could not be read is a problem as well.
    fn note(&mut self, place: &str, outcome: Result<(), StoreError>) {
        if let Err(error) = outcome {
            self.problem(format!("{place}: {error}"));
        }
    }
}

/// Verifies a whole store; blocks.
pub(crate) fn check(shared: &Shared) -> CheckReport {
    let mut report = CheckReport::default();
    let mut after = None;
    loop {
        let page = match shared.view(|view| view.account_ids(after, PAGE)) {
            Ok(page) => page,
            Err(error) => {
                report.note("accounts", Err(error));
                break;
            }
        };
        let Some(last) = page.last() else { break };
        after = Some(*last);
        for id in page {
            check_account(shared, &mut report, id);
        }
    }
    let outcome = shared.view(|view| accounts::addresses(view, &mut report));
    report.note("addresses", outcome);
    let outcome = shared.view(|view| rules::domains(view, &mut report));
    report.note("domains", outcome);
    let outcome = shared.view(|view| accounts::owed(view, &mut report));
    report.note("letters owed", outcome);
    gate::due(shared, &mut report);
    gate::notices(shared, &mut report);
    let outcome = shared.view(|view| signing::domain_keys(view, &mut report));
    report.note("keys of domains", outcome);
    inbound::check(shared, &mut report);
    transport::check(shared, &mut report);
    queue::check(shared, &mut report);
    let outcome = segments::check(shared, &mut report);
    report.note("segments", outcome);
    report
}

fn check_account(shared: &Shared, report: &mut CheckReport, id: AccountId) {
    let outcome = shared.view(|view| accounts::account(view, report, id));
    report.note(&format!("account {id}"), outcome);
}
