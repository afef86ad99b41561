//! DMARC aggregate reports (RFC 9990): domains that ask for it are told each day how letters in their name fared.
//!
//! What is to be told is gathered in memory and goes to the store each round, one record per UTC day and domain. When a
//! day is over, its records become letters. A letter is posted in the batch that takes its address out of the record, so
//! none is sent twice, and none is lost. Reports of single letters (`ruf`) are never sent: they would show users' mail.

mod letter;
pub(super) mod row;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use mail_auth::common::cache::NoCache;
use mail_auth::{MessageAuthenticator, Txt};
use postern_actors::courier::Local;
use postern_model::record::{DmarcAddress, DmarcDay, DmarcRow};
use postern_model::{Domain, EmailAddress, LetterId, Timestamp};
use postern_policy::Refusal;
use postern_storage::{Batch, Key, Store, StoreError, keys};

use row::Reportable;

/// Kinds of letters that are told apart per day and domain; more are counted together.
const MAX_ROWS: usize = 200;
/// Domains that are told of one day.
const MAX_DOMAINS: usize = 10_000;
/// Rows that wait for the next round; more are lost.
const MAX_WAITING: usize = 20_000;
/// Records that are written in one batch or looked at for sending in one round.
const PAGE: usize = 20;
/// A day is over when its last letters have been examined.
const GRACE: Duration = Duration::from_secs(60 * 60);
/// Days that a report is tried for.
const TRIED_FOR: u32 = 3;
/// How long asking whether reports are wanted may take.
const ASKING: Duration = Duration::from_secs(10);

/// Sends letters of this server's own.
pub trait Post: Send + Sync + fmt::Debug {
    /// The id of the next letter.
    fn next_letter_id(&self) -> LetterId;

    /// Posts a letter with the null reverse path; `with` comes to pass together with it or not at all.
    fn post<'a>(
        &'a self,
        letter: LetterId,
        to: EmailAddress,
        octets: Vec<u8>,
        with: Batch,
    ) -> Local<'a, Result<(), Refusal>>;
}

/// Why a round was not finished; it goes on with the next.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unfinished {
    /// The store.
    #[error("{0}")]
    Store(#[from] StoreError),
    /// A report was not taken.
    #[error("a report could not be posted: {0:?}")]
    Post(Refusal),
}

/// What is to be told.
#[derive(Debug)]
pub(super) struct Reports {
    store: Store,
    waiting: Mutex<Waiting>,
    /// Where the next look for what can be sent begins; one round at a time.
    next: tokio::sync::Mutex<Option<(u32, Domain)>>,
}

/// What has not reached the store.
#[derive(Debug, Default)]
struct Waiting {
    days: BTreeMap<(u32, Domain), DmarcDay>,
    rows: usize,
}

impl Reports {
    /// Reports that are kept in `store`.
    pub(super) fn new(store: Store) -> Reports {
        Reports { store, waiting: Mutex::default(), next: tokio::sync::Mutex::default() }
    }

    /// A letter is to be told of. Never waits.
    pub(super) fn note(&self, letter: Reportable, now: Timestamp) {
        let Reportable { domain, policy, addresses, row } = letter;
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let waiting = &mut *waiting;
        if waiting.rows >= MAX_WAITING {
            return;
        }
        let new = DmarcDay { policy, addresses, verified: false, rows: Vec::new(), lost: 0 };
        let day = waiting.days.entry((day_of(now), domain)).or_insert(new);
        let before = day.rows.len();
        add(day, row);
        waiting.rows += day.rows.len() - before;
    }

    /// Brings what waits to the store.
    ///
    /// # Errors
    /// The store's; what was waiting is lost then.
    pub(super) async fn keep(&self) -> Result<(), Unfinished> {
        let _one_at_a_time = self.next.lock().await;
        let waiting = std::mem::take(&mut *self.waiting.lock().unwrap_or_else(PoisonError::into_inner));
        let mut waiting = waiting.days.into_iter().peekable();
        while waiting.peek().is_some() {
            let page: Vec<_> = waiting.by_ref().take(PAGE).collect();
            let store = &self.store;
            let batch = store.read(move |view| {
                let mut batch = Batch::new();
                for ((day, domain), new) in page {
                    let key = keys::dmarc_day(day, &domain);
                    let merged = match view.get(&key)? {
                        Some(stored) => merged(stored, new),
                        None if view.keys(&keys::dmarc_days_of(day), MAX_DOMAINS)?.len() < MAX_DOMAINS => new,
                        None => continue,
                    };
                    batch.put(&key, &merged).lazy();
                }
                Ok(batch)
            });
            let batch = batch.await?;
            if !batch.is_empty() {
                store.commit(batch).await?;
            }
        }
        Ok(())
    }

    /// Sends some of what can be sent.
    ///
    /// # Errors
    /// What stands against it until the next round.
    pub(super) async fn send(&self, sender: &Sender<'_>, now: Timestamp) -> Result<(), Unfinished> {
        let mut next = self.next.lock().await;
        let today = day_of(now.minus(GRACE));
        let mut range = keys::all_dmarc_days();
        if let Some((day, domain)) = next.take() {
            range = range.after(&keys::dmarc_day(day, &domain));
        }
        let page = self.store.read(move |view| view.scan(&range, PAGE)).await?;
        let whole = page.len() == PAGE;
        for ((day, domain), record) in page {
            if day >= today {
                return Ok(());
            }
            self.send_one(sender, today, day, &domain, record).await?;
            if whole {
                *next = Some((day, domain));
            }
        }
        Ok(())
    }

    async fn send_one(
        &self,
        sender: &Sender<'_>,
        today: u32,
        day: u32,
        domain: &Domain,
        mut record: DmarcDay,
    ) -> Result<(), Unfinished> {
        let key = keys::dmarc_day(day, domain);
        let stored = record.clone();
        if !record.verified && !sender.verify(domain, &mut record).await {
            if today.saturating_sub(day) > TRIED_FOR {
                tracing::info!(%domain, day, "nobody says whether a DMARC report is wanted; it is not sent");
                return self.forget(&key, &stored).await;
            }
            return Ok(());
        }
        let report = letter::Report::new(sender.hostname, domain, day, &record);
        let mut left = record;
        left.addresses.retain(|address| address.limit == 0 || report.size() <= address.limit);
        let mut expected = stored;
        while let Some(address) = left.addresses.pop() {
            let Ok(to) = EmailAddress::parse(&address.address) else { continue };
            let id = sender.post.next_letter_id();
            let mut with = Batch::new();
            with.expect(&key, &expected);
            let last = left.addresses.is_empty();
            if last {
                with.delete(&key)
            } else {
                with.put(&key, &left)
            };
            let octets = report.letter(&to, id, sender.now);
            sender.post.post(id, to, octets, with).await.map_err(Unfinished::Post)?;
            tracing::info!(%domain, day, "a DMARC report was sent");
            if last {
                return Ok(());
            }
            expected = left.clone();
        }
        self.forget(&key, &expected).await
    }

    /// Nobody is to be told.
    async fn forget(&self, key: &Key<DmarcDay>, record: &DmarcDay) -> Result<(), Unfinished> {
        let mut batch = Batch::new();
        batch.expect(key, record).delete(key);
        Ok(self.store.commit(batch).await?)
    }
}

/// Who sends reports.
pub(super) struct Sender<'a> {
    /// Asks whether they are wanted.
    pub(super) dns: &'a MessageAuthenticator,
    /// In this server's name.
    pub(super) hostname: &'a str,
    /// By this.
    pub(super) post: &'a dyn Post,
    /// Now.
    pub(super) now: Timestamp,
}

impl Sender<'_> {
    /// Leaves those addresses that want the report (RFC 9990 §4); false where that can't be found out now.
    async fn verify(&self, domain: &Domain, record: &mut DmarcDay) -> bool {
        let addresses: Vec<&str> = record.addresses.iter().map(|address| address.address.as_str()).collect();
        let cache = None::<&NoCache<Box<str>, Txt>>;
        let asked = self.dns.verify_dmarc_report_address(domain.as_str(), &addresses, cache);
        let Ok(Some(willing)) = tokio::time::timeout(ASKING, asked).await else { return false };
        let willing: Vec<String> = willing.into_iter().map(|address| (*address).to_owned()).collect();
        record.addresses.retain(|DmarcAddress { address, .. }| willing.contains(address));
        record.verified = true;
        true
    }
}

/// Days since 1970-01-01 in UTC.
fn day_of(at: Timestamp) -> u32 {
    u32::try_from(at.seconds().div_euclid(letter::DAY)).unwrap_or(0)
}

/// What was stored with what is new, whose policy and addresses are younger.
fn merged(stored: DmarcDay, new: DmarcDay) -> DmarcDay {
    let mut both = DmarcDay { rows: stored.rows, lost: stored.lost + new.lost, ..new };
    for row in new.rows {
        add(&mut both, row);
    }
    both
}

/// Adds letters that fared one way.
fn add(day: &mut DmarcDay, row: DmarcRow) {
    match day.rows.iter().position(|other| alike(other, &row)) {
        Some(known) => day.rows[known].count += row.count,
        None if day.rows.len() < MAX_ROWS => day.rows.push(row),
        None => day.lost += row.count,
    }
}

/// Whether letters fared the same way, however many they are.
fn alike(one: &DmarcRow, other: &DmarcRow) -> bool {
    let fate = |row: &DmarcRow| (row.source, row.action, row.dkim, row.spf);
    fate(one) == fate(other)
        && one.header_from == other.header_from
        && one.envelope_from == other.envelope_from
        && one.path == other.path
        && one.signatures == other.signatures
        && one.instead == other.instead
}
