//! Can what is kept of other domains' demands on TLS be read, and does each record say what it must?

use postern_model::Domain;
use postern_model::record::{StsMode, StsPolicy};

use super::CheckReport;
use super::inbound::each;
use crate::keys;
use crate::shared::Shared;

/// Records that are judged in one look.
const PAGE: usize = 256;

pub(super) fn check(shared: &Shared, report: &mut CheckReport) {
    let key = |domain: &Domain| keys::sts_policy(domain);
    each(shared, report, "MTA-STS", keys::all_sts_policies(), PAGE, key, |domain, record: &StsPolicy| {
        (record.mode != StsMode::None && record.mx.is_empty())
            .then(|| format!("MTA-STS of {domain}: it demands servers and names none"))
    });
}
