//! Does what falls due, what is owed in notices and what is kept of events fit the accounts?

use std::ops::ControlFlow;

use postern_model::record::{Event, Record};
use postern_model::{AccountId, LetterId, Timestamp};

use super::CheckReport;
use crate::error::StoreError;
use crate::keys;
use crate::keyspace::{Key, KeyRange};
use crate::log::{self, LogHead, Ring};
use crate::shared::Shared;
use crate::view::View;

/// Rows that are judged in one look.
const PAGE: usize = 1024;

/// One account, within one look: its place in the index of what falls due, and its event lists.
pub(super) fn account(view: &View<'_>, report: &mut CheckReport, id: AccountId) -> Result<(), StoreError> {
    let access = view.get(&keys::access(id))?;
    if let Some(at) = access.and_then(|access| access.due)
        && !view.contains(&keys::due(at, id))?
    {
        report.problem(format!(
            "account {id}: it falls due at {at}, and the index of what falls due has it not"
        ));
    }
    events(view, report, id)
}

/// What one event list comes to.
#[derive(Clone, Copy, Default)]
struct Found {
    /// Entries between the list's beginning and end, and elsewhere.
    inside: u64,
    outside: u64,
    last_number: Option<u64>,
}

fn events(view: &View<'_>, report: &mut CheckReport, id: AccountId) -> Result<(), StoreError> {
    let head = view.get(&log::head(id))?.unwrap_or_default();
    let (mut found, mut numbers) = ([Found::default(); Ring::ALL.len()], Vec::new());
    let range = log::all(id);
    view.rows(&range, &mut |key, stored| {
        report.events += 1;
        let Some((ring, n)) = (range.parse)(key) else {
            report.problem(format!("account {id}: an event lies in no list"));
            return ControlFlow::Continue(());
        };
        let what = log::read::<Event>(stored).map_err(|error| error.to_string()).and_then(|(number, _)| {
            numbers.push(number);
            found[ring as usize].follows(&head, number).map_err(str::to_owned)
        });
        found[ring as usize].count(head.ring(ring), n);
        if let Err(what) = what {
            report.problem(format!("account {id}, list {ring:?}, event {n}: {what}"));
        }
        ControlFlow::Continue(())
    })?;
    for (ring, found) in Ring::ALL.into_iter().zip(found) {
        if let Some(what) = found.disagrees_with(head.ring(ring)) {
            report.problem(format!("account {id}, list {ring:?}: {what}"));
        }
    }
    numbers.sort_unstable();
    if numbers.windows(2).any(|pair| pair[0] == pair[1]) {
        report.problem(format!("account {id}: two events have the same number"));
    }
    Ok(())
}

impl Found {
    fn count(&mut self, (first, next): (u64, u64), n: u64) {
        if (first..next).contains(&n) {
            self.inside += 1;
        } else {
            self.outside += 1;
        }
    }

    fn follows(&mut self, head: &LogHead, number: u64) -> Result<(), &'static str> {
        if self.last_number.replace(number) >= Some(number) {
            return Err("its number is not above the one before");
        }
        if number < head.number { Ok(()) } else { Err("its number is still to be given out") }
    }

    fn disagrees_with(self, (first, next): (u64, u64)) -> Option<String> {
        let counted = next.saturating_sub(first);
        let Found { inside, outside, .. } = self;
        (inside != counted || outside > 0).then(|| {
            format!("counted are {counted} events from {first} on; {inside} of them are there, and {outside} others")
        })
    }
}

/// Each place in the index of what falls due is its account's only one.
pub(super) fn due(shared: &Shared, report: &mut CheckReport) {
    let key = |(at, id): &(Timestamp, AccountId)| keys::due(*at, *id);
    in_pages(shared, report, "what falls due", keys::all_due(), key, |view, report, (at, id)| {
        report.due += 1;
        if view.contains(&keys::removal(id))? {
            return Ok(());
        }
        let known = view.get(&keys::access(id))?.and_then(|access| access.due);
        if known.is_none_or(|known| keys::due(known, id) != keys::due(at, id)) {
            report.problem(format!("due at {at}: account {id} does not know of it"));
        }
        Ok(())
    });
}

/// Each notice that is owed has an account to go to.
pub(super) fn notices(shared: &Shared, report: &mut CheckReport) {
    let key = |(letter, id): &(LetterId, AccountId)| keys::owed_notice(*letter, *id);
    in_pages(shared, report, "notices owed", keys::all_owed_notices(), key, |view, report, (letter, id)| {
        report.notices += 1;
        if !view.contains(&keys::account(id))? && !view.contains(&keys::removal(id))? {
            report.problem(format!("notice {letter}: it is owed to account {id}, which does not exist"));
        }
        Ok(())
    });
}

/// Judges one row.
type Judge<K> = fn(&View<'_>, &mut CheckReport, K) -> Result<(), StoreError>;

/// Judges each row of a range in the look that found it; between pages others may write.
fn in_pages<K, R: Record>(
    shared: &Shared,
    report: &mut CheckReport,
    place: &str,
    mut range: KeyRange<K, R>,
    key: fn(&K) -> Key<R>,
    judge: Judge<K>,
) {
    let mut more = Ok(true);
    while let Ok(true) = more {
        more = shared.view(|view| {
            let rows = view.scan(&range, PAGE)?;
            let Some((last, _)) = rows.last() else { return Ok(false) };
            range.skip_to(key(last).as_bytes());
            for (row, _) in rows {
                let outcome = judge(view, report, row);
                report.note(place, outcome);
            }
            Ok(true)
        });
    }
    report.note(place, more.map(|_| ()));
}
