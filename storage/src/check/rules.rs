//! Are users' rules within their bounds, and has each catch-all an account?

use std::ops::ControlFlow;

use postern_model::AccountId;
use postern_model::record::{Replies, Rules, Vacation};

use super::CheckReport;
use crate::error::StoreError;
use crate::keys;
use crate::view::View;

/// One account, within one look.
pub(super) fn account(view: &View<'_>, report: &mut CheckReport, id: AccountId) -> Result<(), StoreError> {
    let rules = view.get(&keys::rules(id))?.unwrap_or_default();
    let replies = view.get(&keys::replies(id))?.unwrap_or_default();
    for (what, count, most) in [
        ("addresses to forward to", rules.forwards.len(), Rules::FORWARDS),
        ("blocked senders", rules.blocked.len(), Rules::BLOCKED),
        ("octets of a vacation reply", rules.vacation.text.len(), Vacation::TEXT),
        ("correspondents that had a vacation reply", replies.sent.len(), Replies::MOST),
    ] {
        if count > most {
            report.problem(format!("account {id}: there are {count} {what}, and {most} may be"));
        }
    }
    if !rules.blocked.is_sorted() {
        report.problem(format!("account {id}: the blocked senders are not sorted"));
    }
    Ok(())
}

/// Each domain's catch-all is an account.
pub(super) fn domains(view: &View<'_>, report: &mut CheckReport) -> Result<(), StoreError> {
    let mut catching = Vec::new();
    view.visit(&keys::all_domains(), &mut |domain, entry| {
        catching.extend(entry.catch_all.map(|account| (domain, account)));
        ControlFlow::Continue(())
    })?;
    for (domain, account) in catching {
        if !view.contains(&keys::account(account))? {
            report.problem(format!(
                "domain {domain}: its catch-all is account {account}, which does not exist"
            ));
        }
    }
    Ok(())
}
