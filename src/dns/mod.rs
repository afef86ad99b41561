//! Questions to the DNS, asked by whoever sends letters out or examines those that come in.
//!
//! There is one [`Dns`] for the server. It asks the resolvers that `POSTERN_RESOLVER` names and checks the signatures
//! itself (RFC 4035), so that nobody between it and them is believed; where they don't pass signatures on, what they say
//! counts as unsigned. What went wrong is told apart by [`Lack`]: a name that isn't there is another thing than a name
//! nobody could be asked about.

mod lack;
mod mx;
mod setup;
#[cfg(test)]
mod tests;
mod zone;

use std::fmt;
use std::net::IpAddr;
use std::num::NonZeroUsize;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use hickory_resolver::TokioResolver;
use hickory_resolver::proto::rr::rdata::TLSA;
use hickory_resolver::proto::rr::{Name, RData, Record, RecordType};
use lru::LruCache;
use mail_auth::MessageAuthenticator;
use tokio::sync::Mutex;
use tokio::time::timeout;

pub use lack::Lack;
pub use mx::{Addresses, MxRouter};
pub use zone::Zone;

/// How long an answer may take, with all that has to be asked to check its signatures.
const PATIENCE: Duration = Duration::from_secs(20);
/// Aliases that are followed one by one.
const LONGEST_CHAIN: usize = 8;
/// How long it is remembered that something isn't there, and how much of that.
const ABSENT: Duration = Duration::from_secs(60);
const ABSENT_MOST: NonZeroUsize = NonZeroUsize::new(10_000).expect("more than none");
/// How long resolvers that pass no signatures on are left alone with that.
const UNSIGNED: Duration = Duration::from_secs(600);

/// Asks the DNS; one for the whole server, cheap to clone.
#[derive(Clone)]
pub struct Dns(Arc<Source>);

enum Source {
    Net(Box<Net>),
    Zone(Zone),
}

struct Net {
    /// Checks signatures.
    checking: TokioResolver,
    /// Believes what it is told.
    plain: TokioResolver,
    signatures: Mutex<Signatures>,
    /// What is not there: the checking resolver does not remember that.
    lacks: Lacks,
}

type Lacks = std::sync::Mutex<LruCache<(Name, RecordType), (Lack, Instant)>>;

/// Whether the resolvers pass signatures on.
#[derive(Clone, Copy)]
enum Signatures {
    Unknown,
    /// They do; that they do no longer would be an attack.
    Passed,
    /// They did not when they were asked last.
    Dropped(Instant),
}

/// What the DNS says.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The records of the kind that was asked for, at least one.
    pub records: Vec<Record>,
    /// Whether they are signed, and all aliases on the way.
    pub secure: bool,
    /// Whose records these are: where aliases lead to (RFC 1034 §3.6.2), without a dot at its end.
    pub name: String,
}

impl fmt::Debug for Dns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match *self.0 {
            Source::Net(_) => "Dns",
            Source::Zone(_) => "Dns(zone)",
        })
    }
}

impl Dns {
    /// Answers from these records alone, for trials and tests.
    pub fn of(zone: Zone) -> Dns {
        Dns(Arc::new(Source::Zone(zone)))
    }

    /// Asks for one kind of records of a name, aliases followed.
    ///
    /// # Errors
    /// Why there is none.
    pub async fn ask(&self, name: &str, kind: RecordType) -> Result<Answer, Lack> {
        let mut asked = Name::from_ascii(name).map_err(|_| Lack::NoName)?;
        asked.set_fqdn(true);
        match &*self.0 {
            Source::Zone(zone) => zone.answer(&asked, kind),
            Source::Net(net) => {
                let answering = timeout(PATIENCE, net.remembered(asked, kind)).await;
                answering.unwrap_or_else(|_| Err(Lack::Temporary("the resolver does not answer".to_owned())))
            }
        }
    }

    /// A domain's mail servers as they stand, with their preferences; an empty name is the null MX (RFC 7505).
    ///
    /// # Errors
    /// Why there is none.
    pub async fn mx(&self, domain: &str) -> Result<(Vec<(u16, String)>, bool), Lack> {
        let answer = self.ask(domain, RecordType::MX).await?;
        let servers = answer.records.iter().filter_map(|record| match &record.data {
            RData::MX(mx) => Some((mx.preference, plain_name(&mx.exchange))),
            _ => None,
        });
        Ok((servers.collect(), answer.secure))
    }

    /// A host's addresses of both families, IPv6 first and then by turns.
    ///
    /// # Errors
    /// Why there is none; where one family has some, the other's failure doesn't matter.
    pub async fn addresses(&self, host: &str) -> Result<Addresses, Lack> {
        let (six, four) = tokio::join!(self.ask(host, RecordType::AAAA), self.ask(host, RecordType::A));
        Addresses::join(six, four)
    }

    /// A name's texts, each put together from its parts (RFC 7208 §3.3).
    ///
    /// # Errors
    /// Why there is none.
    pub async fn txt(&self, name: &str) -> Result<Vec<String>, Lack> {
        let answer = self.ask(name, RecordType::TXT).await?;
        let texts = answer.records.iter().filter_map(|record| match &record.data {
            RData::TXT(txt) => Some(String::from_utf8_lossy(&txt.txt_data.concat()).into_owned()),
            _ => None,
        });
        Ok(texts.collect())
    }

    /// What certificates a server has (RFC 6698), and whether that is signed.
    ///
    /// # Errors
    /// Why nothing is said of it.
    pub async fn tlsa(&self, name: &str) -> Result<(Vec<TLSA>, bool), Lack> {
        let answer = self.ask(name, RecordType::TLSA).await?;
        let records = answer.records.into_iter().filter_map(|record| match record.data {
            RData::TLSA(tlsa) => Some(tlsa),
            _ => None,
        });
        Ok((records.collect(), answer.secure))
    }

    /// The names of an address.
    ///
    /// # Errors
    /// Why there is none.
    pub async fn ptr(&self, address: IpAddr) -> Result<Vec<String>, Lack> {
        let answer = self.ask(&Name::from(address).to_ascii(), RecordType::PTR).await?;
        let names = answer.records.iter().filter_map(|record| match &record.data {
            RData::PTR(name) => Some(plain_name(name)),
            _ => None,
        });
        Ok(names.collect())
    }

    /// What checks SPF, DKIM and DMARC asks: no signatures are checked there, since a letter is not to fail for a zone
    /// whose signatures are odd. `None` where there is no net.
    pub fn authenticator(&self) -> Option<MessageAuthenticator> {
        match &*self.0 {
            Source::Net(net) => Some(MessageAuthenticator(net.plain.clone())),
            Source::Zone(_) => None,
        }
    }
}

impl Net {
    /// Asks, unless it was not there a moment ago.
    async fn remembered(&self, name: Name, kind: RecordType) -> Result<Answer, Lack> {
        let question = (name.to_lowercase(), kind);
        let lacks = || self.lacks.lock().unwrap_or_else(PoisonError::into_inner);
        let known =
            lacks().get(&question).filter(|(_, at)| at.elapsed() < ABSENT).map(|(lack, _)| lack.clone());
        if let Some(lack) = known {
            return Err(lack);
        }
        let answer = self.answer(name, kind).await;
        if let Err(lack @ (Lack::NoName | Lack::NoData { .. })) = &answer {
            lacks().put(question, (lack.clone(), Instant::now()));
        }
        answer
    }

    /// Asks, and follows aliases itself where an answer can't be checked as a whole: zones that an alias leads through may
    /// be signed or not, and each link can be checked alone.
    async fn answer(&self, mut name: Name, kind: RecordType) -> Result<Answer, Lack> {
        let checked = self.passes_signatures().await?;
        let mut secure = true;
        for _ in 0..LONGEST_CHAIN {
            match self.lookup(&name, kind, checked).await {
                Err(Lack::Bogus) if kind != RecordType::CNAME => {
                    let Ok(link) = self.lookup(&name, RecordType::CNAME, checked).await else {
                        return self.wildcard(&name, kind, secure).await;
                    };
                    secure &= link.secure;
                    name = link.alias().ok_or(Lack::Bogus)?;
                }
                Ok(answer) => return Ok(Answer { secure: answer.secure && secure, ..answer }),
                Err(Lack::NoData { secure: signed }) => {
                    return Err(Lack::NoData { secure: signed && secure });
                }
                Err(lack) => return Err(lack),
            }
        }
        Err(Lack::Bogus)
    }

    /// Records that a wildcard right above the name stands for. The resolver takes them for forged where the zone has NSEC
    /// records, though they are signed (hickory-dns #3812), so the wildcard is asked for itself. Whoever forges answers can make us take its
    /// records, which are the zone's own, for those of the name, and no others.
    async fn wildcard(&self, name: &Name, kind: RecordType, secure: bool) -> Result<Answer, Lack> {
        let star = name.base_name().prepend_label("*").map_err(|_| Lack::Bogus)?;
        let answer = self.lookup(&star, kind, true).await.map_err(|_| Lack::Bogus)?;
        // Its own name, so that nobody takes the star for a server's.
        let name = if answer.name == plain_name(&star) { plain_name(name) } else { answer.name };
        if answer.secure { Ok(Answer { name, secure, records: answer.records }) } else { Err(Lack::Bogus) }
    }

    async fn lookup(&self, name: &Name, kind: RecordType, checked: bool) -> Result<Answer, Lack> {
        let resolver = if checked { &self.checking } else { &self.plain };
        let found = resolver.lookup(name.clone(), kind).await.map_err(Lack::from)?;
        Answer::pick(name, kind, found.answers(), checked)
    }

    /// Asks once whether the root's signatures come through, and again later where they didn't.
    async fn passes_signatures(&self) -> Result<bool, Lack> {
        let mut signatures = self.signatures.lock().await;
        match *signatures {
            Signatures::Passed => return Ok(true),
            Signatures::Dropped(when) if when.elapsed() < UNSIGNED => return Ok(false),
            Signatures::Unknown | Signatures::Dropped(_) => {}
        }
        let root = self.checking.lookup(Name::root(), RecordType::SOA).await;
        let passed = match root.map_err(Lack::from) {
            Ok(found) => Answer::pick(&Name::root(), RecordType::SOA, found.answers(), true)?.secure,
            Err(Lack::Temporary(why)) => return Err(Lack::Temporary(why)),
            Err(_) => false,
        };
        if !passed {
            tracing::warn!("the resolvers pass no DNSSEC signatures on: DANE is not applied");
        }
        *signatures = if passed { Signatures::Passed } else { Signatures::Dropped(Instant::now()) };
        Ok(passed)
    }
}

impl Answer {
    /// The name that an alias leads to.
    fn alias(&self) -> Option<Name> {
        self.records.iter().find_map(|record| match &record.data {
            RData::CNAME(target) => Some(target.0.clone()),
            _ => None,
        })
    }

    /// Follows aliases within an answer from the name that was asked to the records.
    fn pick(asked: &Name, kind: RecordType, found: &[Record], checked: bool) -> Result<Answer, Lack> {
        let (mut name, mut secure) = (asked.clone(), checked);
        // No chain is longer than the records that it can be made of; who asks for an alias wants the first.
        for _ in found.iter().filter(|_| kind != RecordType::CNAME) {
            let alias = found.iter().find_map(|record| match &record.data {
                RData::CNAME(target) if record.name == name => Some((target.0.clone(), record)),
                _ => None,
            });
            let Some((target, record)) = alias else { break };
            secure &= record.proof.is_secure();
            name = target;
        }
        let own = |record: &&Record| record.record_type() == kind && record.name == name;
        let records: Vec<Record> = found.iter().filter(own).cloned().collect();
        if records.is_empty() {
            return Err(Lack::NoData { secure: false });
        }
        secure &= records.iter().all(|record| record.proof.is_secure());
        Ok(Answer { records, secure, name: plain_name(&name) })
    }
}

/// A name in lower case without the dot at its end; the root's is empty.
fn plain_name(name: &Name) -> String {
    let text = name.to_lowercase().to_ascii();
    text.strip_suffix('.').unwrap_or(&text).to_owned()
}
