//! What becomes of a letter by what was found of its origin: a pure decision.

use mail_auth::dmarc::Policy;
use mail_auth::{DmarcOutput, DmarcResult, SpfResult};
use postern_model::record::DmarcAction;
use postern_policy::{Refusal, Unwanted};

use super::author::Author;
use super::checks::Findings;
use crate::config::Inbound;

/// What is done with a letter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It goes on.
    Accept,
    /// It goes to Junk.
    Junk,
    /// It does not come in.
    Refuse(Refusal),
}

/// By the rules of the server.
pub(super) fn of(found: &Findings, rules: &Inbound) -> Verdict {
    let passed = found.dmarc.result() == DmarcResult::Pass;
    let vouched = found.vouched.is_some();
    if rules.spf_rejects && found.spf == SpfResult::Fail && !passed && !vouched {
        return refuse(Unwanted::Spf, true, "The client may not use this reverse path".to_owned());
    }
    match &found.author {
        _ if !rules.dmarc_enforced => Verdict::Accept,
        Author::Unclear(why) => refuse(Unwanted::Dmarc, true, format!("The letter has {why}")),
        Author::Unreadable => Verdict::Junk,
        Author::Of(_) if vouched => Verdict::Accept,
        Author::Of(domain) => match (found.dmarc.result(), found.dmarc.policy()) {
            (DmarcResult::Fail(_), Policy::Reject) => {
                refuse(Unwanted::Dmarc, true, format!("Not from {domain}, whose policy is p=reject"))
            }
            (DmarcResult::Fail(_), Policy::Quarantine) => Verdict::Junk,
            // It is known what the domain wants, and not yet whether this is its letter (RFC 9989 §5.3.6): if it
            // were let in, whoever can keep a name server from answering could write in the domain's name.
            (DmarcResult::TempError(_), Policy::Reject | Policy::Quarantine) => {
                let text = format!("It can't be found out now whether this is from {domain}");
                refuse(Unwanted::Dmarc, false, text)
            }
            _ => Verdict::Accept,
        },
    }
}

fn refuse(why: Unwanted, permanent: bool, text: String) -> Verdict {
    Verdict::Refuse(Refusal::Unwanted { why, permanent, text: Some(text) })
}

/// What a report says was done, and why it was not what the policy asks for. `None` where nothing is to be said: the
/// letter will come again.
pub(super) fn reported(found: &Findings, verdict: &Verdict) -> Option<(DmarcAction, Option<String>)> {
    if matches!(found.dmarc.result(), DmarcResult::TempError(_)) {
        return None;
    }
    let action = match verdict {
        Verdict::Refuse(Refusal::Unwanted { permanent: false, .. }) => return None,
        Verdict::Refuse(_) => DmarcAction::Reject,
        Verdict::Junk => DmarcAction::Quarantine,
        Verdict::Accept if found.dmarc.result() == DmarcResult::Pass => DmarcAction::Pass,
        Verdict::Accept => DmarcAction::None,
    };
    let other = asks_for_more(&found.dmarc) && action == DmarcAction::None;
    let instead = other.then(|| found.vouched.clone().unwrap_or_else(|| "not applied here".to_owned()));
    Some((action, instead))
}

fn asks_for_more(dmarc: &DmarcOutput) -> bool {
    matches!(dmarc.policy(), Policy::Quarantine | Policy::Reject)
}
