//! A letter that comes in is examined before it is accepted: who sends it (SPEC D4), what a filter says of it (SPEC D5).
//!
//! The session knows nothing of that. Its door asks the [`Gatekeeper`], which answers with a refusal, or with what the
//! letter gets in front and where it goes. Checks find, a pure verdict decides, a filter has its say, and what domains
//! want to be told of it is kept for the report of the day.

mod author;
mod checks;
mod dnsbl;
mod edits;
pub mod filter;
mod greylist;
mod rate;
mod report;
mod results;
mod tally;
#[cfg(test)]
mod tests;
mod verdict;

use std::fmt;
use std::net::IpAddr;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use mail_auth::MessageAuthenticator;
use postern_actors::Ticker;
use postern_actors::order::{ArcChain, Judged};
use postern_model::mime::header_end;
use postern_model::{AccountId, EmailAddress, LetterId, MailFrom, Timestamp};
use postern_policy::{Refusal, Unwanted};
use postern_storage::Store;

pub use edits::Edits;
pub use filter::{Filter, Opinion};
pub use report::Post;

use crate::config::Inbound;
use checks::{Checks, Findings, Times};
use greylist::Greylist;
use rate::Rate;
use report::{Reports, Sender};
use tally::{Failure, Tally};
use verdict::Verdict;

/// How often what waits is looked at.
const ROUND: Duration = Duration::from_secs(60);

/// What a [`Gatekeeper`] is made of.
#[derive(Clone)]
pub struct Setup {
    /// The server's name, which its Authentication-Results bear.
    pub hostname: String,
    /// What letters have to pass.
    pub rules: Inbound,
    /// Asks the DNS; without it nothing is checked that needs it (`POSTERN_RESOLVER=none`).
    pub dns: Option<MessageAuthenticator>,
    /// A spam filter.
    pub filter: Option<Arc<dyn Filter>>,
    /// Where it keeps what it has to remember.
    pub store: Store,
    /// Sends reports; without it none are kept.
    pub post: Option<Arc<dyn Post>>,
}

/// Examines letters; one for the whole server.
pub struct Gatekeeper {
    hostname: String,
    rules: Inbound,
    dns: Option<MessageAuthenticator>,
    filter: Option<Arc<dyn Filter>>,
    greylist: Option<Greylist>,
    rate: Option<Rate>,
    reports: Option<(Reports, Arc<dyn Post>)>,
    times: Times,
    lists_time: Duration,
    tally: Tally,
}

impl fmt::Debug for Gatekeeper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Gatekeeper { rules, filter, dns, .. } = self;
        f.debug_struct("Gatekeeper")
            .field("rules", rules)
            .field("filter", filter)
            .field("dns", &dns.is_some())
            .finish_non_exhaustive()
    }
}

/// A letter's client and envelope.
#[derive(Clone, Debug)]
pub struct Visit {
    /// The letter's id.
    pub letter: LetterId,
    /// When it began.
    pub at: Timestamp,
    /// The client's address.
    pub peer: IpAddr,
    /// What the client called itself.
    pub client_name: String,
    /// TLS version and cipher suite.
    pub tls: Option<(&'static str, &'static str)>,
    /// The reverse path.
    pub mail_from: MailFrom,
    /// All forward paths.
    pub recipients: Vec<EmailAddress>,
    /// Who sends it, where they logged in.
    pub sender: Option<AccountId>,
}

/// What was found.
#[derive(Debug, Default)]
pub struct Examined {
    /// How the letter changes.
    pub edits: Edits,
    /// It goes to Junk.
    pub junk: bool,
    /// The client is told that it was taken, and nobody gets it.
    pub discard: bool,
    /// The body of its Authentication-Results field, for a seal on what is sent on (RFC 8617 §4.1.1).
    pub results: Option<Arc<str>>,
    /// Whether its chain of ARC seals holds.
    pub arc: ArcChain,
}

impl Examined {
    /// What goes with the letter from here on; `peer` is the client, where that was another server.
    pub fn judged(&self, peer: Option<IpAddr>) -> Judged {
        Judged { junk: self.junk, peer, results: self.results.clone(), arc: self.arc, ..Judged::default() }
    }
}

/// The Authentication-Results fields of a header that bear this server's name or might (RFC 8601 §5): none of them is its
/// own, and nobody is to believe them.
pub fn forged_results(header: &[u8], hostname: &str) -> Vec<Range<usize>> {
    results::claimed(header, hostname)
}

impl Gatekeeper {
    /// A gatekeeper; nothing is asked or read before the first client comes.
    pub fn new(setup: Setup) -> Gatekeeper {
        let Setup { hostname, rules, dns, filter, store, post } = setup;
        let greylist = rules.greylist.map(|delay| Greylist::new(store.clone(), delay));
        let reports = post.filter(|_| rules.dmarc_reports && dns.is_some());
        Gatekeeper {
            hostname,
            rate: rules.rate.map(Rate::new),
            rules,
            dns,
            filter,
            greylist,
            reports: reports.map(|post| (Reports::new(store), post)),
            times: Times::USUAL,
            lists_time: dnsbl::TIME,
            tally: Tally::default(),
        }
    }

    /// Whether a client may come in at all.
    ///
    /// # Errors
    /// [`Refusal::Unwanted`].
    pub async fn at_the_door(&self, peer: IpAddr, now: Timestamp) -> Result<(), Refusal> {
        let Some(dns) = self.dns.as_ref().filter(|_| !self.rules.dnsbl.is_empty() && !self.trusts(peer))
        else {
            return Ok(());
        };
        let listing = dnsbl::look_up(dns.resolver(), &self.rules.dnsbl, peer, self.lists_time).await;
        for _ in 0..listing.unanswered {
            self.tally.failed(Failure::List, now);
        }
        match listing.by {
            None => Ok(()),
            Some(list) => Err(unwanted(Unwanted::Listed, true, Some(format!("{peer} is named by {list}")))),
        }
    }

    /// Whether this client may send from there to here.
    ///
    /// # Errors
    /// [`Refusal::Unwanted`].
    pub async fn at_the_envelope(
        &self,
        peer: IpAddr,
        from: &MailFrom,
        to: &EmailAddress,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        if let Some(rate) = self.rate.as_ref().filter(|_| !self.trusts(peer))
            && let Err(wait) = rate.count(peer, now)
        {
            let text = format!("the next may come in {} seconds", wait.as_secs() + 1);
            return Err(unwanted(Unwanted::TooOften, false, Some(text)));
        }
        let Some(greylist) = self.greylist.as_ref().filter(|_| !self.trusts(peer)) else { return Ok(()) };
        match greylist.lets_through(peer, from, to, now).await {
            Ok(true) => Ok(()),
            Ok(false) => Err(unwanted(Unwanted::Greylisted, false, None)),
            Err(error) => {
                // Better an unwanted letter than a lost one.
                tracing::debug!(%error, "greylist");
                self.tally.failed(Failure::Store, now);
                Ok(())
            }
        }
    }

    /// Examines a whole letter, whose octets begin with our own Return-Path and Received fields.
    ///
    /// # Errors
    /// [`Refusal::Unwanted`], or [`Refusal::Unavailable`] where it can't be examined now.
    pub async fn examine(&self, visit: &Visit, letter: &[u8]) -> Result<Examined, Refusal> {
        let header = &letter[..header_end(letter).unwrap_or(letter.len())];
        let removed = results::claimed(header, &self.hostname);
        let mut examined = Examined { edits: Edits { removed, ..Edits::default() }, ..Examined::default() };
        if visit.sender.is_none() {
            self.origin(visit, letter, &mut examined).await?;
        }
        self.ask_the_filter(visit, letter, &mut examined).await?;
        Ok(examined)
    }

    /// Where a letter from elsewhere really comes from.
    async fn origin(&self, visit: &Visit, letter: &[u8], examined: &mut Examined) -> Result<(), Refusal> {
        let mut results: Arc<str> = format!("{}; none", self.hostname).into();
        if let Some(found) = self.check(visit, letter).await {
            let verdict = verdict::of(&found, &self.rules);
            self.note(visit, &found, &verdict);
            match verdict {
                Verdict::Accept => {}
                Verdict::Junk => examined.junk = true,
                Verdict::Refuse(refusal) => return Err(refusal),
            }
            (results, examined.arc) = (found.results, found.arc);
        }
        examined.edits.front = format!("Authentication-Results: {results}\r\n").into_bytes();
        examined.results = Some(results);
        Ok(())
    }

    async fn check(&self, visit: &Visit, letter: &[u8]) -> Option<Findings> {
        let dns = self.dns.as_ref().filter(|_| !self.trusts(visit.peer))?;
        let (hostname, sealers) = (self.hostname.as_str(), self.rules.arc_trusted.as_slice());
        let found = Checks { dns, hostname, sealers, times: self.times }.check(visit, letter).await;
        self.tally.checked();
        if found.unanswered {
            self.tally.failed(Failure::Check, visit.at);
        }
        Some(found)
    }

    /// Keeps for the report of the day what was done.
    fn note(&self, visit: &Visit, found: &Findings, verdict: &Verdict) {
        let Some((reports, _)) = &self.reports else { return };
        if let Some(mut letter) = found.reportable.as_deref().cloned()
            && let Some((action, instead)) = verdict::reported(found, verdict)
        {
            (letter.row.action, letter.row.instead) = (action, instead);
            reports.note(letter, visit.at);
        }
    }

    async fn ask_the_filter(
        &self,
        visit: &Visit,
        letter: &[u8],
        examined: &mut Examined,
    ) -> Result<(), Refusal> {
        let Some(filter) = &self.filter else { return Ok(()) };
        let results = examined.results.as_deref().unwrap_or("");
        let Opinion { action, edits } = filter.judge(visit, letter, results).await;
        match action {
            filter::Action::Accept => {}
            filter::Action::Junk | filter::Action::Quarantine => examined.junk = true,
            filter::Action::Discard => examined.discard = true,
            filter::Action::Defer => return Err(unwanted(Unwanted::Filter, false, None)),
            filter::Action::Reject { permanent, text } => {
                return Err(unwanted(Unwanted::Filter, permanent, text));
            }
        }
        examined.edits = std::mem::take(&mut examined.edits).and(edits);
        Ok(())
    }

    /// `POSTERN_TRUSTED_NETWORKS`
    fn trusts(&self, peer: IpAddr) -> bool {
        self.rules.trusted.iter().any(|network| network.contains(peer))
    }

    /// What has to be done every so often: reports are kept and sent, the greylist is swept.
    pub async fn due(&self, now: Timestamp) {
        if let Some(greylist) = &self.greylist
            && let Err(error) = greylist.sweep(now).await
        {
            tracing::warn!(%error, "greylist: waiting for the next round");
        }
        if let (Some((reports, post)), Some(dns)) = (&self.reports, &self.dns) {
            let sender = Sender { dns, hostname: &self.hostname, post: post.as_ref(), now };
            let sent = async {
                reports.keep().await?;
                reports.send(&sender, now).await
            };
            if let Err(error) = sent.await {
                tracing::warn!(%error, "DMARC reports: waiting for the next round");
            }
        }
    }

    /// Does what is [`Gatekeeper::due`], round by round, for as long as the server runs.
    pub async fn run(self: Arc<Self>, ticker: Ticker) {
        loop {
            self.due(ticker.now()).await;
            ticker.sleep_until(ticker.now().plus(ROUND)).await;
        }
    }

    /// Brings what waits in memory to the store, before the server ends.
    pub async fn rest(&self) {
        if let Some((reports, _)) = &self.reports
            && let Err(error) = reports.keep().await
        {
            tracing::warn!(%error, "DMARC reports: letters of the last round are not in them");
        }
    }
}

fn unwanted(why: Unwanted, permanent: bool, text: Option<String>) -> Refusal {
    Refusal::Unwanted { why, permanent, text }
}
