//! FETCH, UID FETCH (RFC 9051 §6.4.5, 6.4.9; RFC 7162, 9394, 9586).
//!
//! The folder's picture is taken once, so that a FETCH which takes long tells what there was when it began. Letters are
//! told in pages: what is stored of a page's letters is read at once, their bodies are streamed.

mod bodies;
mod item;
mod literal;
mod page;
mod plan;
mod source;

use postern_model::UidSet;
use postern_model::record::Entry;
use postern_policy::Refusal;
use postern_policy::folder::Folder;

pub(super) use self::literal::filtered_header;
use self::page::Fetching;
use self::plan::Plan;
use crate::imap::command::Run;
use crate::imap::grammar::{Fetch, FetchItem, Numbering, PartialRange, Targets};
use crate::imap::reply::{Done, line};
use crate::imap::state::State;
use crate::imap::sync;
use crate::net::outlet::{Cut, Outlet};

/// Letters of a page.
const PAGE: usize = 256;

/// Why something could not be told; what is worse stands below.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Trouble {
    /// Letters are gone, and the client has not been told (RFC 5530 §3, EXPUNGEISSUED).
    Gone,
    /// A transfer encoding that is not known here (RFC 3516 §4.3).
    UnknownCte,
    /// The store could not read something.
    Unreadable,
}

impl Trouble {
    fn done(self) -> Done {
        let (code, text) = match self {
            Trouble::Gone => ("EXPUNGEISSUED", "Some of the letters are no longer there."),
            Trouble::UnknownCte => ("UNKNOWN-CTE", "The transfer encoding of a part is not known here."),
            Trouble::Unreadable => ("UNAVAILABLE", "Some letters could not be read."),
        };
        Done::no_with(code, text)
    }
}

pub(super) async fn run(
    run: &mut Run<'_, '_>,
    numbering: Numbering,
    targets: Targets,
    fetch: Fetch,
) -> Result<Done, Cut> {
    let uids = match run.targets(numbering, &targets) {
        Ok(uids) => uids,
        Err(done) => return Ok(done),
    };
    let enabled = &mut run.state.enabled;
    // RFC 7162 §3.2.6
    if fetch.vanished && !enabled.qresync {
        return Ok(Done::bad("ENABLE QRESYNC first."));
    }
    // RFC 9586 §3.3: a UIDFETCH response begins with the UID.
    let uid = numbering == Numbering::Uid && !enabled.uid_only;
    let plan = Plan::of(fetch.items, uid, fetch.changed_since.is_some());
    // RFC 7162 §3.1: who asks for sequences gets them from now on.
    enabled.condstore |= plan.mod_seq;
    let folder = match look(run.state).await {
        Ok(folder) => folder,
        Err(refusal) => return Ok(run.refused(&refusal)),
    };
    if let Some(since) = fetch.changed_since.filter(|_| fetch.vanished) {
        vanished(run, &targets, since).await;
    }
    let all = folder.entries_of(&uids);
    let since = fetch.changed_since.unwrap_or_default();
    let mut letters: Vec<&Entry> = all.filter(|entry| entry.mod_seq > since).collect();
    // Who fetches by UID is told of what went right behind this.
    let gone = numbering == Numbering::Sequence
        && fetch.changed_since.is_none()
        && (letters.len() as u64) < uids.len();
    if let Some(range) = fetch.partial {
        letters = part(&letters, range).to_vec();
    }
    let told = tell_letters(run.state, run.out, &plan, &folder, &letters).await?;
    let trouble = told.max(gone.then_some(Trouble::Gone));
    Ok(trouble.map_or_else(|| Done::ok("FETCH completed"), Trouble::done))
}

/// Tells items of letters that the client did not ask for by FETCH (RFC 5465 §5.2), UID among them. Letters that the
/// client does not know are left out.
///
/// # Errors
/// [`Cut`].
pub async fn tell(
    state: &mut State,
    out: &mut Outlet<'_>,
    folder: &Folder,
    uids: &UidSet,
    items: &[FetchItem],
) -> Result<(), Cut> {
    let Some(selected) = &state.selected else { return Ok(()) };
    let uids = uids.intersection(&selected.view.uids());
    let letters: Vec<&Entry> = folder.entries_of(&uids).collect();
    let plan = Plan::of(items.to_vec(), !state.enabled.uid_only, state.enabled.condstore);
    tell_letters(state, out, &plan, folder, &letters).await.map(|_| ())
}

async fn look(state: &State) -> Result<std::sync::Arc<Folder>, Refusal> {
    let mailbox = state.selected.as_ref().map(|selected| selected.mailbox).ok_or(Refusal::NoSuchFolder)?;
    state.mail.look(mailbox).await
}

/// RFC 7162 §3.2.6: which of the letters that were asked for have gone. Those that the client still knows are told
/// behind the command.
async fn vanished(run: &mut Run<'_, '_>, targets: &Targets, since: postern_model::ModSeq) {
    let Ok(selected) = run.selected() else { return };
    let asked = match targets {
        Targets::Set(set) => {
            // The highest letters may have gone, so `*` is whatever there was.
            let ranges = set.ranges(u32::MAX).into_iter();
            UidSet::from_ranges(ranges.map(|(a, b)| (postern_model::Uid(a), postern_model::Uid(b))))
        }
        Targets::Saved => selected.saved.clone(),
    };
    let Ok(gone) = run.state.mail.vanished(selected.mailbox, since).await else { return };
    let gone = gone.intersection(&asked).difference(&selected.view.uids());
    if !gone.is_empty() {
        line(run.out.bytes, format_args!("* VANISHED (EARLIER) {gone}"));
    }
}

/// RFC 9394 §3.3: places among what is found, or from its end.
fn part<T>(of: &[T], range: PartialRange) -> &[T] {
    let place = |n: std::num::NonZeroU32| usize::try_from(n.get()).unwrap_or(usize::MAX).min(of.len() + 1);
    let (low, high) = (place(range.low), place(range.high).min(of.len()));
    if low > high {
        return &[];
    }
    match range.from_end {
        false => &of[low - 1..high],
        true => &of[of.len() - high..=of.len() - low],
    }
}

async fn tell_letters(
    state: &mut State,
    out: &mut Outlet<'_>,
    plan: &Plan,
    folder: &Folder,
    letters: &[&Entry],
) -> Result<Option<Trouble>, Cut> {
    if let Some(selected) = &mut state.selected {
        sync::keywords(out.bytes, selected, folder.header());
    }
    let mut fetching = Fetching { state, out, plan, folder, trouble: None };
    // What is known of a page's bodies is held as long as it is told.
    for page in letters.chunks((PAGE / plan.bodies.max(1)).max(1)) {
        fetching.page(page).await?;
    }
    Ok(fetching.trouble)
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use super::*;

    #[test]
    fn a_part_is_counted_from_either_end() {
        let all = [1, 2, 3, 4, 5];
        let range = |low, high, from_end| PartialRange {
            low: NonZeroU32::new(low).expect("not 0"),
            high: NonZeroU32::new(high).expect("not 0"),
            from_end,
        };
        for (low, high, from_end, wanted) in [
            (1, 3, false, &[1, 2, 3][..]),
            (4, 9, false, &[4, 5]),
            (6, 9, false, &[]),
            (5, 5, false, &[5]),
            (1, 2, true, &[4, 5]),
            (4, u32::MAX, true, &[1, 2]),
            (6, 7, true, &[]),
        ] {
            assert_eq!(part(&all, range(low, high, from_end)), wanted, "{low}:{high} {from_end}");
        }
        assert!(part(&all[..0], range(1, 1, true)).is_empty());
    }

    #[test]
    fn the_worst_trouble_is_told() {
        assert_eq!(Some(Trouble::Gone).max(None), Some(Trouble::Gone));
        assert_eq!(Some(Trouble::Gone).max(Some(Trouble::Unreadable)), Some(Trouble::Unreadable));
    }
}
