//! The checks of a letter's origin (SPEC D4): iprev, SPF (RFC 7208), DKIM (RFC 6376), ARC (RFC 8617) and DMARC (RFC 9989),
//! done by mail-auth over the server's resolver.
//!
//! Whoever sends a letter also decides what has to be looked up for it, so all of it has a limit: of time, of
//! signatures, and of the work that a signature may ask for. What is not answered in time is a `temperror`.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use mail_auth::common::crypto::{Algorithm, HashAlgorithm};
use mail_auth::dkim::{Canonicalization, DkimError};
use mail_auth::dmarc::verify::DmarcParameters;
use mail_auth::spf::verify::SpfParameters;
use mail_auth::{
    ArcOutput, AuthenticatedMessage, AuthenticationResults, DkimOutput, DkimResult, DmarcOutput, DmarcResult,
    DnsError, Error, IprevOutput, IprevResult, MessageAuthenticator, SpfOutput, SpfResult,
};
use postern_actors::order::ArcChain;
use postern_model::mime::header_end;
use postern_model::{Domain, MailFrom};
use tokio::time::Instant;

use super::Visit;
use super::author::Author;
use super::report::row::{self, Reportable};
use super::results;

/// Signatures that are looked at; RFC 6376 §6.1 lets a verifier stop somewhere.
const MAX_SIGNATURES: usize = 10;
/// Fields that a signature names, times fields of the header: what finding them may cost.
const MAX_WORK: usize = 500_000;
/// A longer letter is hashed on another thread.
const HASHED_HERE: usize = 64 << 10;

/// How long checks may take: all but DMARC's alignment, and that, which needs the others' results.
#[derive(Clone, Copy, Debug)]
pub(super) struct Times {
    /// For all that goes at once.
    pub(super) first: Duration,
    /// For what follows.
    pub(super) then: Duration,
}

impl Times {
    /// Ten seconds for all of it.
    pub(super) const USUAL: Times = Times { first: Duration::from_secs(7), then: Duration::from_secs(3) };
}

/// What was found.
#[derive(Clone, Debug)]
pub(super) struct Findings {
    /// The body of our Authentication-Results field.
    pub(super) results: Arc<str>,
    /// What SPF says of the reverse path.
    pub(super) spf: SpfResult,
    /// Whose letter it is said to be.
    pub(super) author: Author,
    /// What DMARC says, and which policy its author's domain has.
    pub(super) dmarc: DmarcOutput,
    /// Whether its chain of seals holds.
    pub(super) arc: ArcChain,
    /// Why its seals vouch for it, where those who made them are trusted.
    pub(super) vouched: Option<String>,
    /// Something was not answered.
    pub(super) unanswered: bool,
    /// What the author's domain wants to be told of it.
    pub(super) reportable: Option<Box<Reportable>>,
}

/// Does the checks.
pub(super) struct Checks<'a> {
    /// Over this.
    pub(super) dns: &'a MessageAuthenticator,
    /// In this name.
    pub(super) hostname: &'a str,
    /// Believing these (`POSTERN_ARC_TRUSTED`).
    pub(super) sealers: &'a [Domain],
    /// Within this time.
    pub(super) times: Times,
}

/// What everything but DMARC found.
struct First<'a> {
    iprev: IprevOutput,
    helo: Option<SpfOutput>,
    path: SpfOutput,
    signatures: Vec<DkimOutput<'a>>,
    arc: ArcOutput<'a>,
    policy: DmarcOutput,
}

impl Checks<'_> {
    /// Checks a letter.
    pub(super) async fn check(&self, visit: &Visit, letter: &[u8]) -> Findings {
        let header = &letter[..header_end(letter).unwrap_or(letter.len())];
        let hashes = body_hashes(letter).await;
        let hashed = hashes.is_some();
        let mut message = AuthenticatedMessage::parse(header).unwrap_or_default();
        let author = Author::of(header, &message);
        limit(&mut message, hashes, &author);
        let single: Vec<AuthenticatedMessage<'_>> = one_by_one(&message);
        let until = Instant::now() + self.times.first;
        let (iprev, (helo, path), signatures, arc, policy) = tokio::join!(
            self.iprev(visit, until),
            self.spf(visit, until),
            self.signatures(&message, &single, until),
            self.arc(&message, until),
            self.policy(&message, &author, until),
        );
        let first = First { iprev, helo, path, signatures, arc, policy };
        let dmarc = self.dmarc(visit, &message, &author, &first).await;
        self.findings(visit, author, first, dmarc, hashed).await
    }

    async fn iprev(&self, visit: &Visit, until: Instant) -> IprevOutput {
        let found = within(until, self.dns.verify_iprev(visit.peer.to_canonical())).await;
        found.unwrap_or(IprevOutput { result: IprevResult::TempError(unanswered()), ptr: None })
    }

    /// What SPF says of the client's name, where that is a name, and of the reverse path.
    async fn spf(&self, visit: &Visit, until: Instant) -> (Option<SpfOutput>, SpfOutput) {
        let peer = visit.peer.to_canonical();
        let helo = host_name(&visit.client_name);
        // RFC 7208 §2.4: for the null path it is postmaster at the client's name.
        let path = match &visit.mail_from {
            MailFrom::Null => helo.map(|helo| format!("postmaster@{helo}")),
            MailFrom::Address(address) => Some(address.to_string()),
        };
        let name = async {
            let helo = helo?;
            let asked = self.dns.verify_spf(SpfParameters::verify_ehlo(peer, helo, self.hostname));
            Some(within(until, asked).await.unwrap_or_else(|| no_spf(helo, SpfResult::TempError)))
        };
        let path = async {
            let Some(path) = path else { return no_spf("", SpfResult::None) };
            let client = helo.unwrap_or("");
            let asked =
                self.dns.verify_spf(SpfParameters::verify_mail_from(peer, client, self.hostname, &path));
            let domain = path.rsplit_once('@').map_or("", |(_, domain)| domain);
            within(until, asked).await.unwrap_or_else(|| no_spf(domain, SpfResult::TempError))
        };
        tokio::join!(name, path)
    }

    /// One after the other, those of the author's domain first, so that no other can use up their time.
    async fn signatures<'a>(
        &self,
        message: &AuthenticatedMessage<'a>,
        single: &'a [AuthenticatedMessage<'a>],
        until: Instant,
    ) -> Vec<DkimOutput<'a>> {
        let malformed = message.errors.iter().filter(|error| matches!(error.header, Error::Dkim(_)));
        let malformed = malformed.take(MAX_SIGNATURES).map(|error| DkimOutput::neutral(error.header.clone()));
        let mut found: Vec<DkimOutput<'a>> = malformed.collect();
        for message in single {
            let Some(signature) = message.dkim_headers.first().map(|header| &header.header) else { continue };
            // RFC 8301 §3.1
            if signature.a == Algorithm::RsaSha1 {
                let weak = Error::Dkim(DkimError::UnsupportedAlgorithm);
                found.push(DkimOutput::perm_err(weak).with_signature(signature));
                continue;
            }
            match within(until, self.dns.verify_dkim(message)).await {
                Some(outputs) => found.extend(outputs),
                None => found.push(DkimOutput::temp_err(unanswered()).with_signature(signature)),
            }
        }
        found
    }

    async fn arc<'a>(&self, message: &'a AuthenticatedMessage<'a>, until: Instant) -> ArcOutput<'a> {
        let found = within(until, self.dns.verify_arc(message)).await;
        found.unwrap_or_else(|| ArcOutput::default().with_result(DkimResult::TempError(unanswered())))
    }

    /// The policy of the author's domain, without which nothing that takes too long could be held against a letter.
    async fn policy(
        &self,
        message: &AuthenticatedMessage<'_>,
        author: &Author,
        until: Instant,
    ) -> DmarcOutput {
        let nothing = SpfOutput::default();
        match author {
            Author::Of(domain) => {
                let found = within(until, self.dns.verify_dmarc(aligned(message, &[], "", &nothing))).await;
                let nobody = || DmarcOutput::new(domain.as_str().to_owned()).with_dkim_result(too_late());
                found.unwrap_or_else(nobody)
            }
            Author::Unclear(_) | Author::Unreadable => DmarcOutput::default(),
        }
    }

    async fn dmarc(
        &self,
        visit: &Visit,
        message: &AuthenticatedMessage<'_>,
        author: &Author,
        first: &First<'_>,
    ) -> DmarcOutput {
        if !matches!(author, Author::Of(_)) {
            return DmarcOutput::default();
        }
        let domain = match &visit.mail_from {
            MailFrom::Null => host_name(&visit.client_name).unwrap_or(""),
            MailFrom::Address(address) => address.domain().as_str(),
        };
        let until = Instant::now() + self.times.then;
        let asked = self.dns.verify_dmarc(aligned(message, &first.signatures, domain, &first.path));
        let found = within(until, asked).await;
        found.unwrap_or_else(|| first.policy.clone().with_dkim_result(too_late()))
    }

    async fn findings(
        &self,
        visit: &Visit,
        author: Author,
        first: First<'_>,
        dmarc: DmarcOutput,
        hashed: bool,
    ) -> Findings {
        let reportable = row::of(self.dns, visit, &first.signatures, &first.path, &dmarc);
        let until = Instant::now() + self.times.then;
        let reportable = within(until, reportable).await.flatten().map(Box::new);
        let failed = |result: &DkimResult| matches!(result, DkimResult::TempError(_));
        let unanswered = !hashed
            || first.path.result() == SpfResult::TempError
            || failed(first.arc.result())
            || first.signatures.iter().any(|output| failed(output.result()))
            || matches!(dmarc.result(), DmarcResult::TempError(_));
        Findings {
            results: self.results(visit, &author, &first, &dmarc).into(),
            spf: first.path.result(),
            arc: chain(&first.arc),
            vouched: self.vouched(&first.arc),
            author,
            dmarc,
            unanswered,
            reportable,
        }
    }

    /// RFC 8601 §2.2
    fn results(&self, visit: &Visit, author: &Author, first: &First<'_>, dmarc: &DmarcOutput) -> String {
        let peer = visit.peer.to_canonical();
        let mut results = AuthenticationResults::new(self.hostname).with_iprev_result(&first.iprev, peer);
        if let Some(helo) = &first.helo {
            results = results.with_spf_ehlo_result(helo, peer, &visit.client_name);
        }
        let path = visit.mail_from.to_string();
        results = results
            .with_spf_mailfrom_result(&first.path, peer, &path, &visit.client_name)
            .with_dkim_results(&first.signatures, dmarc.domain());
        if !first.arc.sets().is_empty() || *first.arc.result() != DkimResult::None {
            results = results.with_arc_result(&first.arc, peer);
        }
        let mut text = match author {
            Author::Of(_) => results.with_dmarc_result(dmarc).to_string(),
            Author::Unclear(why) => format!("{results};\r\n\tdmarc=permerror ({why})"),
            Author::Unreadable => format!("{results};\r\n\tdmarc=permerror (no author that can be read)"),
        };
        if first.signatures.is_empty() {
            text.push_str(";\r\n\tdkim=none");
        }
        text
    }

    /// RFC 8617 §7.2.1: a letter that fails now may have passed where its first seal was made. That is believed where
    /// everybody who sealed it since is.
    fn vouched(&self, arc: &ArcOutput<'_>) -> Option<String> {
        let sets = arc.sets();
        let trusted = |set: &mail_auth::arc::Set<'_>| {
            Domain::parse(&set.seal.header.d).is_ok_and(|domain| self.sealers.contains(&domain))
        };
        let holds = *arc.result() == DkimResult::Pass && sets.iter().all(trusted);
        let passed = results::says_dmarc_passed(sets.first()?.results.value);
        (holds && passed).then(|| {
            let seals = sets.iter().map(|set| format!(" as[{}].d={}", set.seal.header.i, set.seal.header.d));
            format!("arc=pass{}", seals.collect::<String>())
        })
    }
}

/// The body hashes that the letter's signatures ask for; `None` where they could not be made.
async fn body_hashes(letter: &[u8]) -> Option<Vec<BodyHash>> {
    if letter.len() <= HASHED_HERE {
        return Some(AuthenticatedMessage::parse(letter).unwrap_or_default().body_hashes);
    }
    let letter = letter.to_vec();
    let hashed = tokio::task::spawn_blocking(move || {
        AuthenticatedMessage::parse(&letter).unwrap_or_default().body_hashes
    });
    hashed.await.ok()
}

type BodyHash = (Canonicalization, HashAlgorithm, u64, Vec<u8>);

/// Leaves those signatures that are worth their work, the author's own first.
fn limit(message: &mut AuthenticatedMessage<'_>, hashes: Option<Vec<BodyHash>>, author: &Author) {
    let fields = message.headers.len();
    let cheap = |names: usize| names.saturating_mul(fields) <= MAX_WORK;
    match hashes {
        Some(hashes) => message.body_hashes = hashes,
        None => {
            message.dkim_headers.clear();
            message.ams_headers.clear();
        }
    }
    message.dkim_headers.retain(|signature| cheap(signature.header.h.len()));
    message.ams_headers.retain(|signature| cheap(signature.header.h.len()));
    if let Author::Of(author) = author {
        let related = |d: &str| is_within(d, author.as_str()) || is_within(author.as_str(), d);
        message.dkim_headers.sort_by_key(|signature| !related(&signature.header.d));
    }
    message.dkim_headers.truncate(MAX_SIGNATURES);
}

/// The letter once for each of its signatures.
fn one_by_one<'a>(message: &AuthenticatedMessage<'a>) -> Vec<AuthenticatedMessage<'a>> {
    let bare = AuthenticatedMessage { dkim_headers: Vec::new(), errors: Vec::new(), ..message.clone() };
    let signatures = message.dkim_headers.iter();
    signatures
        .map(|signature| AuthenticatedMessage { dkim_headers: vec![signature.clone()], ..bare.clone() })
        .collect()
}

/// Whether a domain is another or lies in it.
fn is_within(domain: &str, other: &str) -> bool {
    let (domain, other) = (domain.to_ascii_lowercase(), other.to_ascii_lowercase());
    domain.strip_suffix(&other).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

fn aligned<'a>(
    message: &'a AuthenticatedMessage<'a>,
    signatures: &'a [DkimOutput<'a>],
    domain: &'a str,
    path: &'a SpfOutput,
) -> DmarcParameters<'a> {
    DmarcParameters {
        message,
        dkim_output: signatures,
        dkim2_output: None,
        rfc5321_mail_from_domain: domain,
        spf_output: path,
    }
}

fn chain(arc: &ArcOutput<'_>) -> ArcChain {
    let seals = u32::try_from(arc.sets().len()).unwrap_or(u32::MAX);
    match arc.result() {
        DkimResult::None => ArcChain::None,
        DkimResult::Pass => ArcChain::Pass(seals),
        DkimResult::TempError(_) => ArcChain::Unknown,
        DkimResult::Neutral(_) | DkimResult::Fail(_) | DkimResult::PermError(_) => ArcChain::Fail,
    }
}

/// What a client calls itself, where that is a name with a dot and no address.
fn host_name(client: &str) -> Option<&str> {
    let named =
        client.contains('.') && Domain::parse(client).is_ok_and(|name| !name.as_str().starts_with('['));
    (named && client.parse::<std::net::IpAddr>().is_err()).then_some(client)
}

fn no_spf(domain: &str, result: SpfResult) -> SpfOutput {
    SpfOutput::new(domain.to_owned()).with_result(result)
}

fn too_late() -> DmarcResult {
    DmarcResult::TempError(unanswered())
}

fn unanswered() -> Error {
    Error::Dns(DnsError::Resolver("no answer in time".to_owned()))
}

async fn within<T>(until: Instant, work: impl Future<Output = T>) -> Option<T> {
    tokio::time::timeout_at(until, work).await.ok()
}
