//! TLS reports (RFC 8460): domains that ask for it are told each day how TLS went with their servers.
//!
//! [`Tally`] counts connections as they come about. When a day is over, its records become reports: letters, and POSTs
//! where a domain wants those. A place that has its report is written down in the batch that posts it, so none is told
//! twice; one that can't be reached is tried for some days.

mod document;
mod tally;
#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use postern_actors::Ticker;
use postern_model::record::TlsDay;
use postern_model::{Domain, EmailAddress, Timestamp};
use postern_policy::Refusal;
use postern_storage::{Batch, Store, StoreError, keys};
use reqwest::Url;
use reqwest::header::CONTENT_TYPE;

use self::document::Document;
pub use self::tally::Tally;
use self::tally::day_of;
pub(super) use self::tally::nothing_of;
use super::web::{Web, told};
use crate::dns::{Dns, Lack};
use crate::inbound::Post;

/// How often what was counted goes to the store, and what is due is sent.
const ROUND: Duration = Duration::from_secs(60);
/// A day is over when its last connections have been made.
const GRACE: Duration = Duration::from_secs(60 * 60);
/// Days that a report is tried for.
const TRIED_FOR: u32 = 3;
/// Records that are looked at in one round.
const PAGE: usize = 20;
/// Places that a domain may want reports at.
const MAX_PLACES: usize = 4;

/// Sends reports.
#[derive(Clone)]
pub struct TlsReports {
    pub(super) tally: Arc<Tally>,
    hostname: String,
    dns: Dns,
    store: Store,
    web: Web,
    /// Where the next look begins.
    next: Arc<tokio::sync::Mutex<Option<(u32, Domain)>>>,
}

impl fmt::Debug for TlsReports {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsReports").field("hostname", &self.hostname).finish_non_exhaustive()
    }
}

/// Where a domain wants reports.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Place {
    Mail(EmailAddress),
    Web(Url),
}

/// Why a round was not finished; it goes on with the next.
#[derive(Debug, thiserror::Error)]
enum Unfinished {
    #[error("{0}")]
    Store(#[from] StoreError),
    #[error("a report could not be posted: {0:?}")]
    Post(Refusal),
}

impl TlsReports {
    /// Reports in the name of `hostname` on what `tally` counts.
    pub(super) fn new(tally: Arc<Tally>, hostname: &str, dns: Dns, store: Store, web: Web) -> TlsReports {
        TlsReports { tally, hostname: hostname.to_owned(), dns, store, web, next: Arc::default() }
    }

    /// Keeps and sends what is due, for ever.
    pub async fn run(self, post: Arc<dyn Post>, ticker: Ticker) {
        loop {
            self.due(post.as_ref(), ticker.now()).await;
            ticker.sleep_until(ticker.now().plus(ROUND)).await;
        }
    }

    /// One round.
    async fn due(&self, post: &dyn Post, now: Timestamp) {
        self.rest().await;
        if let Err(error) = self.send(post, now).await {
            tracing::warn!(%error, "TLS reports wait for the next round");
        }
    }

    /// Brings what waits in memory to the store, before the server ends.
    pub async fn rest(&self) {
        if let Err(error) = self.tally.keep(&self.store).await {
            tracing::warn!(%error, "what was counted of TLS is lost");
        }
    }

    async fn send(&self, post: &dyn Post, now: Timestamp) -> Result<(), Unfinished> {
        let mut next = self.next.lock().await;
        let today = day_of(now.minus(GRACE));
        let mut range = keys::all_tls_days();
        if let Some((day, domain)) = next.take() {
            range = range.after(&keys::tls_day(day, &domain));
        }
        let page = self.store.read(move |view| view.scan(&range, PAGE)).await?;
        let whole = page.len() == PAGE;
        for ((day, domain), record) in page {
            if day >= today {
                return Ok(());
            }
            self.send_one(post, now, today, (day, &domain), record).await?;
            if whole {
                *next = Some((day, domain));
            }
        }
        Ok(())
    }

    /// Tells one domain of one day.
    async fn send_one(
        &self,
        post: &dyn Post,
        now: Timestamp,
        today: u32,
        (day, domain): (u32, &Domain),
        mut record: TlsDay,
    ) -> Result<(), Unfinished> {
        let key = keys::tls_day(day, domain);
        let too_late = today.saturating_sub(day) > TRIED_FOR;
        let mut left = match self.dns.txt(&format!("_smtp._tls.{domain}")).await {
            Ok(texts) => places(&texts),
            Err(Lack::NoName | Lack::NoData { .. }) => Vec::new(),
            Err(_) if too_late => Vec::new(),
            Err(_) => return Ok(()),
        };
        left.retain(|place| !record.told.contains(&place.to_string()));
        let document = Document::new(&self.hostname, domain, day, &record);
        let mut waits = false;
        for place in left {
            let mut with = Batch::new();
            with.expect(&key, &record);
            record.told.push(place.to_string());
            with.put(&key, &record);
            match &place {
                Place::Mail(to) => {
                    let id = post.next_letter_id();
                    let letter = document.letter(to, id, now);
                    post.post(id, to.clone(), letter, with).await.map_err(Unfinished::Post)?;
                }
                Place::Web(url) => match self.hand_over(url, &document).await {
                    Ok(()) => self.store.commit(with).await?,
                    Err(why) => {
                        tracing::info!(%domain, why, "a TLS report can't be handed over");
                        record.told.pop();
                        waits = true;
                        continue;
                    }
                },
            }
            tracing::info!(%domain, day, "a TLS report was sent");
        }
        if !waits || too_late {
            let mut batch = Batch::new();
            batch.expect(&key, &record).delete(&key);
            self.store.commit(batch).await?;
        }
        Ok(())
    }

    /// RFC 8460 §5.4.
    async fn hand_over(&self, url: &Url, document: &Document<'_>) -> Result<(), String> {
        let client = self.web.client(url.host_str().unwrap_or_default()).await?;
        let request = client.post(url.clone()).header(CONTENT_TYPE, "application/tlsrpt+gzip");
        let sent = request.body(document.octets.clone()).send().await.map_err(|error| told(&error))?;
        if sent.status().is_success() { Ok(()) } else { Err(format!("the web answers {}", sent.status())) }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Mail(to) => write!(f, "mailto:{to}"),
            Place::Web(url) => write!(f, "{url}"),
        }
    }
}

/// Where a domain wants reports, by its `_smtp._tls` record (RFC 8460 §3); nowhere where it has several.
fn places(texts: &[String]) -> Vec<Place> {
    let behind = |text: &'_ String| {
        let rest = text.strip_prefix("v=TLSRPTv1")?.trim_start().strip_prefix(';')?;
        Some(rest.to_owned())
    };
    let mut ours = texts.iter().filter_map(behind);
    let (Some(rest), None) = (ours.next(), ours.next()) else { return Vec::new() };
    let wanted = rest.split(';').find_map(|field| field.trim().strip_prefix("rua="));
    let mut places: Vec<Place> = Vec::new();
    for text in wanted.unwrap_or_default().split(',').map(str::trim) {
        let place = place(text).filter(|place| !places.contains(place));
        places.extend(place.filter(|_| places.len() < MAX_PLACES));
    }
    places
}

fn place(text: &str) -> Option<Place> {
    let url = Url::parse(text).ok()?;
    match url.scheme() {
        "mailto" => {
            let address = percent_decoded(url.path())?;
            EmailAddress::parse(&address).ok().map(Place::Mail)
        }
        // Not at ports of the domain's choice, nor at bare addresses: a stranger names the place.
        "https" if url.port().is_none() && url.domain().is_some() => Some(Place::Web(url)),
        _ => None,
    }
}

fn percent_decoded(text: &str) -> Option<String> {
    let mut octets = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&octet, tail)) = rest.split_first() {
        rest = tail;
        if octet == b'%' {
            let (digits, tail) = rest.split_at_checked(2)?;
            octets.push(u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?);
            rest = tail;
        } else {
            octets.push(octet);
        }
    }
    String::from_utf8(octets).ok()
}
