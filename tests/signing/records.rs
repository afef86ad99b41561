//! What the DNS would say of our keys and of others', for verifiers that are told rather than ask.

use std::borrow::Borrow;
use std::collections::{BTreeMap, HashMap};
use std::hash::Hash;
use std::time::Instant;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use mail_auth::common::parse::TxtRecordParser as _;
use mail_auth::common::verify::DomainKey;
use mail_auth::hickory_resolver::config::{ResolverConfig, ResolverOpts};
use mail_auth::{
    ArcOutput, AuthenticatedMessage, DkimOutput, MessageAuthenticator, Parameters, ResolverCache, Txt,
};
use postern_model::Domain;
use postern_model::record::KeyAlgorithm;

/// TXT records by name, without a dot at its end.
#[derive(Default)]
pub(crate) struct Records {
    texts: BTreeMap<String, String>,
    /// The same for mail-auth, in the place of its cache.
    keys: HashMap<Box<str>, Txt>,
}

impl Records {
    pub(crate) fn add(&mut self, domain: &Domain, selector: &str, algorithm: KeyAlgorithm, public: &[u8]) {
        let record = format!("v=DKIM1; k={}; p={}", algorithm.name(), STANDARD.encode(public));
        self.put(&format!("{selector}._domainkey.{domain}"), record);
    }

    pub(crate) fn put(&mut self, name: &str, record: String) {
        let key = DomainKey::parse(record.as_bytes()).expect("a key");
        self.keys.insert(format!("{name}.").into(), Txt::DomainKey(key.into()));
        self.texts.insert(name.to_owned(), record);
    }

    /// For Python: one JSON object.
    pub(crate) fn json(&self) -> String {
        serde_json::to_string(&self.texts).expect("JSON")
    }

    /// For OpenDKIM: a name and its record on each line.
    pub(crate) fn lines(&self) -> String {
        self.texts.iter().map(|(name, record)| format!("{name} {record}\n")).collect()
    }

    /// What mail-auth finds of a letter's signatures.
    pub(crate) async fn dkim<'x>(&'x self, letter: &'x AuthenticatedMessage<'x>) -> Vec<DkimOutput<'x>> {
        nobody().verify_dkim(Parameters::new(letter).with_txt_cache(self)).await
    }

    /// What mail-auth finds of a letter's chain.
    pub(crate) async fn arc<'x>(&'x self, letter: &'x AuthenticatedMessage<'x>) -> ArcOutput<'x> {
        nobody().verify_arc(Parameters::new(letter).with_txt_cache(self)).await
    }
}

/// One who has no server to ask.
fn nobody() -> MessageAuthenticator {
    let servers = ResolverConfig::from_parts(None, Vec::new(), Vec::new());
    MessageAuthenticator::new(servers, ResolverOpts::default()).expect("a resolver")
}

impl ResolverCache<Box<str>, Txt> for Records {
    fn get<Q>(&self, name: &Q) -> Option<Txt>
    where
        Box<str>: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.keys.get(name).cloned()
    }

    fn remove<Q>(&self, _: &Q) -> Option<Txt>
    where
        Box<str>: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        None
    }

    fn insert(&self, _: Box<str>, _: Txt, _: Instant) {}
}
