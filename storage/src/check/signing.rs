//! Do the keys that letters are signed with fit the domains?

use std::ops::ControlFlow;

use postern_model::Domain;
use postern_model::record::{DomainKey, KeyAlgorithm, KeyState};

use super::CheckReport;
use crate::codec;
use crate::error::StoreError;
use crate::keys;
use crate::view::View;

/// Each key lies under a domain of ours, and no two sign at a time by one algorithm.
pub(super) fn domain_keys(view: &View<'_>, report: &mut CheckReport) -> Result<(), StoreError> {
    let range = keys::all_domain_keys();
    let mut before: Option<(Domain, Vec<KeyAlgorithm>)> = None;
    let mut strays = Vec::new();
    view.rows(&range, &mut |key, stored| {
        let Some((domain, selector)) = (range.parse)(key) else {
            report.problem("a key for signing lies under no domain".to_owned());
            return ControlFlow::Continue(());
        };
        if before.as_ref().is_none_or(|(last, _)| *last != domain) {
            strays.push(domain.clone());
            before = Some((domain.clone(), Vec::new()));
        }
        match codec::decode::<DomainKey>(stored) {
            Err(error) => report.problem(format!("domain {domain}, key {selector}: {error}")),
            Ok(found) => {
                let signing = before.as_mut().filter(|_| found.state == KeyState::Active);
                let Some((_, algorithms)) = signing else { return ControlFlow::Continue(()) };
                if algorithms.contains(&found.algorithm) {
                    report.problem(format!("domain {domain}, key {selector}: two of one algorithm sign"));
                }
                algorithms.push(found.algorithm);
            }
        }
        ControlFlow::Continue(())
    })?;
    for domain in strays {
        if !view.contains(&keys::domain(&domain))? {
            report.problem(format!("domain {domain}: it has keys for signing, and is not one of ours"));
        }
    }
    Ok(())
}
