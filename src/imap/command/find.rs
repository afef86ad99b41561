//! Letters of a folder judged page by page, for SEARCH, SORT, THREAD and ESEARCH: first by what the folder's picture says,
//! then by facts and signatures, and only what those leave open by the letters' octets. All of it but the first happens on
//! the store's own threads.

use std::sync::Arc;
use std::time::Duration;

use postern_model::mime::Facts;
use postern_model::record::{Entry, Record};
use postern_model::{AccountId, LetterId, Timestamp, Uid};
use postern_policy::Refusal;
use postern_policy::folder::Folder;
use postern_policy::view::View;
use postern_storage::{Key, StoreError, keys};

use crate::imap::MESSAGE_LIMIT;
use crate::imap::command::Run;
use crate::imap::grammar::{Numbering, Search};
use crate::imap::reply::{Done, line};
use crate::imap::search::{Context, Found, Known, Plan, uses_numbers};
use crate::net::outlet::Cut;

/// Letters whose facts are read at once: nothing is committed meanwhile.
const PAGE: usize = 512;
/// Letters whose octets are looked at in one go; their facts are held so long.
const OPEN_PAGE: usize = 64;
/// Texts that one search may look for in letters: each goes through all of every letter that may hold it.
const MOST_TEXTS: usize = 50;
/// How often a client is told how far a long command has come (RFC 9585 §4: more often than its patience lasts).
const TELL_EVERY: Duration = Duration::from_secs(10);

/// Why a command ends before it is done.
pub(super) enum Stop {
    /// Nobody waits for it any more.
    Cut(Cut),
    /// It is answered with this.
    Done(Done),
}

impl From<Cut> for Stop {
    fn from(cut: Cut) -> Stop {
        Stop::Cut(cut)
    }
}

impl From<Done> for Stop {
    fn from(done: Done) -> Stop {
        Stop::Done(done)
    }
}

impl Stop {
    /// How the command ends.
    pub(super) fn ended(result: Result<Done, Stop>) -> Result<Done, Cut> {
        match result {
            Ok(done) | Err(Stop::Done(done)) => Ok(done),
            Err(Stop::Cut(cut)) => Err(cut),
        }
    }
}

/// How far a command has come (RFC 9585).
pub(super) struct Progress {
    told: Timestamp,
    done: usize,
    total: usize,
}

impl Progress {
    pub(super) fn new(run: &Run<'_, '_>) -> Progress {
        Progress { told: run.link.actors.now(), done: 0, total: 0 }
    }

    /// More letters have been dealt with; others get their turn.
    async fn step(&mut self, run: &mut Run<'_, '_>, letters: usize) -> Result<(), Cut> {
        self.done += letters;
        if self.is_due(run.link.actors.now()) {
            self.write(run.tag.as_str(), run.out.bytes);
            run.out.flush().await?;
        }
        tokio::task::yield_now().await;
        Ok(())
    }

    /// Whether the client is to be told; asking counts as telling.
    fn is_due(&mut self, now: Timestamp) -> bool {
        let is_due = now.since(self.told) >= TELL_EVERY;
        if is_due {
            self.told = now;
        }
        is_due
    }

    fn write(&self, tag: &str, out: &mut Vec<u8>) {
        let Progress { done, total, .. } = self;
        line(out, format_args!("* OK [INPROGRESS (\"{tag}\" {done} {total})] Still looking"));
    }
}

/// What all searches ask first: a charset that is known, and no sequence numbers where UIDONLY is enabled.
///
/// # Errors
/// How the command ends else.
pub(super) fn admit(run: &Run<'_, '_>, numbering: Numbering, search: &Search) -> Result<(), Done> {
    if !search.charset_is_known() {
        return Err(Done::no_with("BADCHARSET (US-ASCII UTF-8)", "This charset is not known."));
    }
    let by_number = numbering == Numbering::Sequence || uses_numbers(&search.keys);
    if run.state.enabled.uid_only && by_number {
        // RFC 9586 §3.1
        return Err(Done::bad_with("UIDREQUIRED", "UIDONLY is enabled: name letters by UID."));
    }
    Ok(())
}

/// The selected folder as it is now, and the plan that a program comes to in it.
pub(super) async fn plan(run: &Run<'_, '_>, search: &Search) -> Result<(Arc<Folder>, Plan), Stop> {
    let selected = run.selected()?;
    let look = run.state.mail.look(selected.mailbox).await;
    let folder = look.map_err(|refusal| run.refused(&refusal))?;
    let context = Context {
        view: &selected.view,
        saved: &selected.saved,
        header: folder.header(),
        recent: selected.recent,
        now: run.link.actors.now().seconds(),
    };
    let plan = Plan::new(&search.keys, &context)
        .map_err(|unknown| Done::bad(format!("There is no letter {}.", unknown.0)))?;
    if plan.texts() > MOST_TEXTS {
        let text = format!("One search may look for {MOST_TEXTS} texts in letters.");
        return Err(Done::no_with("LIMIT", text).into());
    }
    Ok((folder, plan))
}

/// Letters that a search found.
pub(super) struct Hits<'f> {
    /// In the order of their UIDs.
    pub(super) entries: Vec<&'f Entry>,
    /// Where there were more candidates than one command may be about: the lowest UID that was looked at (RFC 9738 §3.1).
    pub(super) limited: Option<Uid>,
}

impl Hits<'_> {
    /// What a client is told of them. Letters that the view does not know are left out.
    pub(super) fn found(&self, view: &View) -> Vec<Found> {
        let found = |entry: &&Entry| {
            Some(Found { uid: entry.uid, number: view.number(entry.uid)?, mod_seq: entry.mod_seq })
        };
        self.entries.iter().filter_map(found).collect()
    }

    /// The command's last line.
    pub(super) fn completed(&self, text: &str) -> Done {
        match self.limited {
            None => Done::ok(text),
            Some(uid) => Done::ok_with(format!("MESSAGELIMIT {MESSAGE_LIMIT} {}", uid.0), text),
        }
    }
}

/// The letters of `folder` that fulfil `plan`.
///
/// # Errors
/// [`Stop`].
pub(super) async fn find<'f>(
    run: &mut Run<'_, '_>,
    folder: &'f Folder,
    plan: &'f Arc<Plan>,
    progress: &mut Progress,
) -> Result<Hits<'f>, Stop> {
    // RFC 7162 §3.1: who asks by MODSEQ is told of it from now on.
    run.state.enabled.condstore |= plan.mod_seq();
    let mut candidates: Vec<&Entry> = folder.entries_of(plan.candidates()).collect();
    let limited = limit(&mut candidates, MESSAGE_LIMIT as usize);
    progress.total += candidates.len();
    let mut entries = Vec::new();
    for page in candidates.chunks(PAGE) {
        let mut verdicts: Vec<Option<bool>> =
            page.iter().map(|entry| plan.judge(&Known { entry, facts: None, signature: None })).collect();
        read_more(run, plan, page, &mut verdicts).await?;
        read_octets(run, plan, page, &mut verdicts).await?;
        let found = page.iter().zip(verdicts).filter(|(_, verdict)| *verdict == Some(true));
        entries.extend(found.map(|(entry, _)| *entry));
        progress.step(run, page.len()).await?;
    }
    Ok(Hits { entries, limited })
}

/// Leaves the `most` letters with the highest UIDs, and says which of them is the lowest where others were left out.
fn limit(candidates: &mut Vec<&Entry>, most: usize) -> Option<Uid> {
    let surplus = candidates.len().saturating_sub(most);
    candidates.drain(..surplus);
    candidates.first().filter(|_| surplus > 0).map(|entry| entry.uid)
}

/// Asks facts and signatures for what is open.
async fn read_more(
    run: &Run<'_, '_>,
    plan: &Arc<Plan>,
    page: &[&Entry],
    verdicts: &mut [Option<bool>],
) -> Result<(), Stop> {
    let needs = plan.needs();
    let open = open(verdicts);
    if open.is_empty() || !(needs.facts || needs.signatures) {
        return Ok(());
    }
    let (plan, account) = (plan.clone(), run.state.mail.account());
    let letters: Vec<Entry> = open.iter().map(|at| page[*at].clone()).collect();
    let judged = run.state.mail.store().read(move |view| {
        let judge = |entry: &Entry| {
            let signature = match needs.signatures {
                true => readable(view, &keys::signature(account, entry.letter))?,
                false => None,
            };
            let facts = if needs.facts { readable(view, &keys::facts(account, entry.letter))? } else { None };
            Ok(plan.judge(&Known { entry, facts: facts.as_ref(), signature: signature.as_ref() }))
        };
        letters.iter().map(judge).collect::<Result<Vec<_>, StoreError>>()
    });
    let judged = judged.await.map_err(|error| unreadable(run, &error))?;
    open.into_iter().zip(judged).for_each(|(at, verdict)| verdicts[at] = verdict);
    Ok(())
}

/// Asks the octets for what is still open.
async fn read_octets(
    run: &Run<'_, '_>,
    plan: &Arc<Plan>,
    page: &[&Entry],
    verdicts: &mut [Option<bool>],
) -> Result<(), Stop> {
    for open in open(verdicts).chunks(OPEN_PAGE) {
        let letters: Vec<Entry> = open.iter().map(|at| page[*at].clone()).collect();
        let judged = confirm(run, plan.clone(), letters).await.map_err(|error| unreadable(run, &error))?;
        open.iter().zip(judged).for_each(|(at, verdict)| verdicts[*at] = Some(verdict));
    }
    Ok(())
}

/// Whether letters fulfil the plan by their octets. One that can't be read, or that was removed for good meanwhile, does
/// not.
async fn confirm(run: &Run<'_, '_>, plan: Arc<Plan>, letters: Vec<Entry>) -> Result<Vec<bool>, StoreError> {
    let (store, account) = (run.state.mail.store(), run.state.mail.account());
    let ids: Vec<LetterId> = letters.iter().map(|entry| entry.letter).collect();
    let facts = facts_of(run, account, ids.clone()).await?;
    let mut letters = letters.into_iter().zip(facts);
    let look = move |letter: LetterId, body: Result<&[u8], StoreError>| match (letters.next(), body) {
        (Some((entry, Some(facts))), Ok(octets)) => plan.confirm(&entry, &facts, octets),
        (_, Err(error)) => {
            if !matches!(error, StoreError::NotFound) {
                tracing::error!(%error, %letter, "a letter can't be searched");
            }
            false
        }
        (_, Ok(_)) => false,
    };
    let judged = store.with_bodies(account, ids, look).await?;
    Ok(judged.into_iter().map(|(_, verdict)| verdict).collect())
}

async fn facts_of(
    run: &Run<'_, '_>,
    account: AccountId,
    letters: Vec<LetterId>,
) -> Result<Vec<Option<Facts>>, StoreError> {
    let read = run.state.mail.store().read(move |view| {
        letters.iter().map(|letter| readable(view, &keys::facts(account, *letter))).collect()
    });
    read.await
}

/// Shows letters with their facts to `each`, page by page on the store's threads, and returns what it made of them.
///
/// # Errors
/// [`Stop`].
pub(super) async fn with_facts<T: Send + 'static>(
    run: &mut Run<'_, '_>,
    letters: &[(&Entry, Found)],
    progress: &mut Progress,
    mut gathered: T,
    each: impl Fn(&mut T, &Entry, &Found, Option<&Facts>) + Clone + Send + 'static,
) -> Result<T, Stop> {
    progress.total += letters.len();
    let account = run.state.mail.account();
    for page in letters.chunks(PAGE) {
        let letters: Vec<(Entry, Found)> =
            page.iter().map(|(entry, found)| ((*entry).clone(), *found)).collect();
        let each = each.clone();
        let read = run.state.mail.store().read(move |view| {
            for (entry, found) in &letters {
                let facts: Option<Facts> = readable(view, &keys::facts(account, entry.letter))?;
                each(&mut gathered, entry, found, facts.as_ref());
            }
            Ok(gathered)
        });
        gathered = read.await.map_err(|error| unreadable(run, &error))?;
        progress.step(run, page.len()).await?;
    }
    Ok(gathered)
}

/// Work that may take long, beside the sessions.
///
/// # Errors
/// [`Stop`].
pub(super) async fn aside<T: Send + 'static>(
    run: &Run<'_, '_>,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Stop> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|_| Stop::Done(run.refused(&Refusal::Unavailable)))
}

/// Places in a page that are not decided yet.
fn open(verdicts: &[Option<bool>]) -> Vec<usize> {
    (0..verdicts.len()).filter(|at| verdicts[*at].is_none()).collect()
}

/// A record, where it can be read: one damaged record is no reason to find nothing else.
fn readable<R: Record>(view: &postern_storage::View<'_>, key: &Key<R>) -> Result<Option<R>, StoreError> {
    match view.get(key) {
        Err(error @ StoreError::Damaged { .. }) => {
            tracing::error!(%error, "a record can't be searched");
            Ok(None)
        }
        other => other,
    }
}

fn unreadable(run: &Run<'_, '_>, error: &StoreError) -> Done {
    tracing::error!(%error, "a folder can't be searched");
    run.refused(&Refusal::Unavailable)
}

#[cfg(test)]
mod tests {
    use postern_model::{Flags, ModSeq};

    use super::*;

    #[test]
    fn a_client_hears_every_ten_seconds_how_far_it_is() {
        let seconds = |seconds| Timestamp::from_seconds(seconds);
        let mut progress = Progress { told: seconds(100), done: 512, total: 2_000 };
        let due: Vec<bool> = [101, 109, 110, 119, 120].map(|at| progress.is_due(seconds(at))).to_vec();
        assert_eq!(due, [false, false, true, false, true]);
        let mut out = Vec::new();
        progress.write("a1", &mut out);
        assert_eq!(out, b"* OK [INPROGRESS (\"a1\" 512 2000)] Still looking\r\n");
    }

    #[test]
    fn of_too_many_letters_the_latest_are_looked_at() {
        let entry = |uid| Entry {
            uid: Uid(uid),
            mod_seq: ModSeq(1),
            flags: Flags::default(),
            keywords: 0,
            size: 1,
            internal_date: 0,
            saved_after: 0,
            letter: LetterId(1),
            email: None,
            pop3_uidl: None,
            pop3_hidden: false,
        };
        let entries: Vec<Entry> = [3, 5, 9].map(entry).to_vec();
        let mut candidates: Vec<&Entry> = entries.iter().collect();
        assert_eq!((limit(&mut candidates, 3), candidates.len()), (None, 3));
        assert_eq!(limit(&mut candidates, 2), Some(Uid(5)));
        assert_eq!(candidates.iter().map(|entry| entry.uid.0).collect::<Vec<_>>(), [5, 9]);
        let hits = Hits { entries: candidates, limited: Some(Uid(5)) };
        assert_eq!(hits.completed("x"), Done::ok_with("MESSAGELIMIT 1000000 5", "x"));
    }
}
