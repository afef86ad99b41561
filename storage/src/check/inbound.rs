//! Can what is kept of letters from elsewhere be read, and does each record say what it must?

use postern_model::Domain;
use postern_model::record::{DmarcDay, Greylisted, Record};

use super::CheckReport;
use crate::keys;
use crate::keyspace::{Key, KeyRange, hex};
use crate::shared::Shared;

/// Records of a day that are judged in one look; each may hold hundreds of rows.
const DAYS: usize = 32;
/// Clients that are judged in one look.
const CLIENTS: usize = 1024;

pub(super) fn check(shared: &Shared, report: &mut CheckReport) {
    let key = |(day, domain): &(u32, Domain)| keys::dmarc_day(*day, domain);
    each(
        shared,
        report,
        "letters to be reported",
        keys::all_dmarc_days(),
        DAYS,
        key,
        |(day, domain), record: &DmarcDay| {
            let counted = record.rows.iter().all(|row| row.count > 0);
            (!counted).then(|| format!("day {day}, {domain}: a row stands for no letter"))
        },
    );
    let key = |who: &[u8; 16]| keys::greylisted(who);
    each(shared, report, "greylist", keys::all_greylisted(), CLIENTS, key, |who, record: &Greylisted| {
        (record.until < record.since)
            .then(|| format!("greylist {}: it is forgotten before it was seen", hex(who)))
    });
}

/// Reads a range in pages; between them others may write.
pub(super) fn each<K, R: Record>(
    shared: &Shared,
    report: &mut CheckReport,
    place: &str,
    mut range: KeyRange<K, R>,
    page: usize,
    key: fn(&K) -> Key<R>,
    judge: fn(&K, &R) -> Option<String>,
) {
    loop {
        let rows = match shared.view(|view| view.scan(&range, page)) {
            Ok(rows) => rows,
            Err(error) => return report.note(place, Err(error)),
        };
        let Some((last, _)) = rows.last() else { return };
        range.skip_to(key(last).as_bytes());
        for (key, record) in &rows {
            if let Some(problem) = judge(key, record) {
                report.problem(problem);
            }
        }
    }
}
