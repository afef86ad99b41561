//! Can what is kept of other domains' demands on TLS and of how it went be read, and does each record say what it must?

use postern_model::Domain;
use postern_model::record::{StsMode, StsPolicy, TlsDay, TlsTally};

use super::CheckReport;
use super::inbound::each;
use crate::keys;
use crate::shared::Shared;

/// Records that are judged in one look.
const PAGE: usize = 256;
/// Days that are judged in one look; each may hold hundreds of failures.
const DAYS: usize = 32;

pub(super) fn check(shared: &Shared, report: &mut CheckReport) {
    let key = |domain: &Domain| keys::sts_policy(domain);
    each(shared, report, "MTA-STS", keys::all_sts_policies(), PAGE, key, |domain, record: &StsPolicy| {
        (record.mode != StsMode::None && record.mx.is_empty())
            .then(|| format!("MTA-STS of {domain}: it demands servers and names none"))
    });
    let key = |(day, domain): &(u32, Domain)| keys::tls_day(*day, domain);
    let days = keys::all_tls_days();
    each(shared, report, "TLS to be reported", days, DAYS, key, |(day, domain), record: &TlsDay| {
        let counted = |policy: &TlsTally| policy.failures.iter().all(|failure| failure.count > 0);
        (!record.policies.iter().all(counted))
            .then(|| format!("day {day}, {domain}: a failure of TLS stands for no connection"))
    });
}
