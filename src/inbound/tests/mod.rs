//! The gatekeeper with a name server of the test's own and letters that others have signed.

mod letters;
mod odd;
mod reports;
mod zone;

use std::sync::{Arc, Mutex};

use postern_actors::courier::Local;
use postern_model::{Domain, EmailAddress, LetterId, MailFrom, Timestamp};
use postern_policy::{Refusal, Unwanted};
use postern_storage::{Batch, EngineKind, Store, StoreOptions};

use super::filter::Judging;
use super::{Examined, Filter, Gatekeeper, Opinion, Post, Setup, Visit};
use crate::config::Inbound;
use zone::Zone;

const HOST: &str = "mx.demo.test";
/// What the DNS says of those who have signed the letters.
const KEYS: &str = include_str!("vectors/keys");
const SIGNED: &[u8] = include_bytes!("vectors/dkimpy-relaxed.eml");
/// 2026-03-01T12:00:00Z
const NOON: Timestamp = Timestamp(1_772_366_400_000_000);

/// Records of servers that send in these tests.
const ZONE: &str = "
    signed.test TXT v=spf1 ip4:192.0.2.0/24 -all
    _dmarc.signed.test TXT v=DMARC1; p=reject; rua=mailto:reports@signed.test
    mx.signed.test A 192.0.2.1
    1.2.0.192.in-addr.arpa PTR mx.signed.test
    mx.signed.test TXT v=spf1 a -all
    list.test TXT v=spf1 ip4:198.51.100.0/24 -all
    quiet.test TXT v=spf1 ?all
    _dmarc.quiet.test TXT v=DMARC1; p=quarantine; sp=none
    sub.quiet.test TXT v=spf1 ~all
    _dmarc.trial.test TXT v=DMARC1; p=reject; t=y
";

/// A gatekeeper and what it stands on.
struct World {
    gatekeeper: Gatekeeper,
    zone: Zone,
    store: Store,
    mail: Arc<Mail>,
    dir: tempfile::TempDir,
}

/// Letters that were posted.
#[derive(Debug)]
struct Mail {
    store: Store,
    sent: Mutex<Vec<(EmailAddress, Vec<u8>)>>,
    /// So many are taken; the others are refused.
    takes: Mutex<usize>,
}

impl Mail {
    fn take(&self) -> Result<(), Refusal> {
        let mut takes = self.takes.lock().expect("whole");
        *takes = takes.checked_sub(1).ok_or(Refusal::QueueFull)?;
        Ok(())
    }
}

impl Post for Mail {
    fn next_letter_id(&self) -> LetterId {
        self.store.next_letter_id()
    }

    fn post<'a>(
        &'a self,
        _: LetterId,
        to: EmailAddress,
        octets: Vec<u8>,
        with: Batch,
    ) -> Local<'a, Result<(), Refusal>> {
        Box::pin(async move {
            self.take()?;
            self.store.commit(with).await.map_err(|_| Refusal::Unavailable)?;
            self.sent.lock().expect("whole").push((to, octets));
            Ok(())
        })
    }
}

/// Rules as they are where nothing is said.
fn usual() -> Inbound {
    Inbound { dmarc_enforced: true, dmarc_reports: true, ..Inbound::default() }
}

fn domain(name: &str) -> Domain {
    Domain::parse(name).expect("a domain")
}

fn address(text: &str) -> EmailAddress {
    EmailAddress::parse(text).expect("an address")
}

impl World {
    async fn new(rules: Inbound) -> World {
        World::with(rules, "").await
    }

    async fn with(rules: Inbound, more: &str) -> World {
        let zone = Zone::serve(&format!("{ZONE}\n{KEYS}\n{more}")).await;
        let dir = tempfile::tempdir().expect("a directory");
        let options = StoreOptions { engine: EngineKind::Memory, ..StoreOptions::new(dir.path()) };
        let store = Store::open(options, NOON).expect("a new store");
        let sent = Mutex::default();
        let mail = Arc::new(Mail { store: store.clone(), sent, takes: Mutex::new(usize::MAX) });
        let gatekeeper = Gatekeeper::new(Setup {
            hostname: HOST.into(),
            rules,
            dns: Some(zone.authenticator()),
            filter: None,
            store: store.clone(),
            post: Some(Arc::clone(&mail) as Arc<dyn Post>),
        });
        World { gatekeeper, zone, store, mail, dir }
    }

    /// Examines a letter behind the fields that the session puts in front.
    async fn examine(&self, visit: &Visit, letter: &[u8]) -> Result<Examined, Refusal> {
        self.gatekeeper.examine(visit, &arrived(letter)).await
    }

    /// The lines of the results, without the one that names us.
    async fn results(&self, visit: &Visit, letter: &[u8]) -> Vec<String> {
        let examined = self.examine(visit, letter).await.expect("accepted");
        lines(examined.results.as_deref().expect("checked"))
    }
}

fn lines(results: &str) -> Vec<String> {
    let mut lines = results.split(";\r\n\t").map(str::to_owned);
    assert_eq!(lines.next().as_deref(), Some(HOST));
    lines.collect()
}

fn arrived(letter: &[u8]) -> Vec<u8> {
    let ours = b"Return-Path: <x@y.test>\r\nReceived: from a\r\n\tby mx.demo.test; now\r\n";
    [ours, letter].concat()
}

fn visit(peer: &str, from: &str) -> Visit {
    Visit {
        letter: LetterId(1),
        at: NOON,
        peer: peer.parse().expect("an address"),
        client_name: "mx.signed.test".into(),
        tls: None,
        mail_from: if from.is_empty() { MailFrom::Null } else { MailFrom::Address(address(from)) },
        recipients: vec![address("al@demo.test")],
        sender: None,
    }
}

/// Why a letter was refused, and for good or not.
fn refused(examined: Result<Examined, Refusal>) -> Option<(Unwanted, bool)> {
    match examined.err()? {
        Refusal::Unwanted { why, permanent, .. } => Some((why, permanent)),
        other => panic!("{other:?}"),
    }
}
