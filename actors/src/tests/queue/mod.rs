//! The queue with a courier that does as it is told, on a clock that the test turns.

mod accept;
mod commands;
mod crash;
mod fates;
mod scale;

use std::collections::BTreeMap;
use std::sync::Mutex;

use postern_model::record::{Attempt, Consignment, Notify, Queued, RcptTerms};
use postern_model::{Domain, QueueId};
use postern_storage::keys;

use super::*;
use crate::courier::{Carried, Courier, Fate, Health, Local, Parcel, Trip};
use crate::order::RemoteRcpt;

/// What a domain's servers do with a letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mood {
    /// They take it, and report themselves where that was asked for.
    Takes,
    /// They take it, and don't report.
    TakesSilently,
    Defers,
    Refuses,
    /// They can't be reached.
    Dead,
    /// The courier itself fails.
    Panics,
    /// The first recipient is taken, the second put off, the third refused.
    Picky,
}

/// A letter that a courier was given.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Carrying {
    at: Timestamp,
    id: QueueId,
    to: Vec<String>,
}

/// Does with each domain's letters as it is told, and remembers them.
#[derive(Debug, Default)]
struct Fake {
    moods: Mutex<BTreeMap<String, Mood>>,
    seen: Mutex<Vec<(String, Carrying)>>,
    set_out: AtomicU64,
}

impl Fake {
    fn is(&self, domain: &str, mood: Mood) {
        self.moods.lock().expect("unpoisoned").insert(domain.to_owned(), mood);
    }

    fn mood(&self, domain: &str) -> Mood {
        self.moods.lock().expect("unpoisoned").get(domain).copied().unwrap_or(Mood::Takes)
    }

    /// All that was carried to a domain by now.
    fn seen(&self, domain: &str) -> Vec<Carrying> {
        let seen = self.seen.lock().expect("unpoisoned");
        seen.iter().filter(|(to, _)| to == domain).map(|(_, carrying)| carrying.clone()).collect()
    }
}

#[derive(Debug)]
struct Handle(Arc<Fake>);

impl Courier for Handle {
    fn set_out(&self, destination: &Domain) -> Box<dyn Trip> {
        self.0.set_out.fetch_add(1, Ordering::Relaxed);
        Box::new(FakeTrip(Arc::clone(&self.0), destination.as_str().to_owned()))
    }
}

struct FakeTrip(Arc<Fake>, String);

impl Trip for FakeTrip {
    fn carry<'a>(&'a mut self, parcel: &'a Parcel) -> Local<'a, Carried> {
        Box::pin(async move {
            let mood = self.0.mood(&self.1);
            let to = parcel.recipients.iter().map(|recipient| recipient.address.clone()).collect();
            let carrying = Carrying { at: parcel.now, id: parcel.id, to };
            self.0.seen.lock().expect("unpoisoned").push((self.1.clone(), carrying));
            // The body is there as long as anybody needs it.
            let body = parcel.store.open_body(AccountId::QUEUE, parcel.id.letter).await.expect("a body");
            assert_eq!(!body.is_empty(), parcel.envelope.size > 0);
            assert_ne!(mood, Mood::Panics, "as it was told");
            let fate = |n| fate(mood, n, parcel.now);
            let health = if mood == Mood::Dead { Health::Bad } else { Health::Good };
            Carried { fates: (0..parcel.recipients.len()).map(fate).collect(), health }
        })
    }

    fn end(self: Box<Self>) -> Local<'static, ()> {
        Box::pin(async {})
    }
}

fn fate(mood: Mood, n: usize, at: Timestamp) -> Fate {
    let attempt = |code: u16, class: u8, said: &str| Attempt {
        at,
        remote: Some("mx.test [192.0.2.1]:25".to_owned()),
        code: Some(code),
        enhanced: (class, 0, 0),
        said: said.to_owned(),
        tls: None,
    };
    match (mood, n) {
        (Mood::Takes, _) => Fate::Relayed { attempt: attempt(250, 2, "ok"), reports: true },
        (Mood::TakesSilently, _) | (Mood::Picky, 0) => {
            Fate::Relayed { attempt: attempt(250, 2, "ok"), reports: false }
        }
        (Mood::Refuses, _) | (Mood::Picky, 2) => Fate::Failed(attempt(550, 5, "no such user")),
        (Mood::Dead, _) => Fate::Deferred(Attempt { remote: None, code: None, ..attempt(0, 4, "no route") }),
        (Mood::Defers | Mood::Panics | Mood::Picky, _) => Fate::Deferred(attempt(451, 4, "later")),
    }
}

/// A house with a courier.
async fn house() -> (House, Arc<Fake>) {
    let fake = Arc::new(Fake::default());
    (House::with(settings(&fake)).await, fake)
}

fn settings(fake: &Arc<Fake>) -> Settings {
    Settings { courier: Some(Arc::new(Handle(Arc::clone(fake)))), ..Settings::for_tests() }
}

fn address(text: &str) -> EmailAddress {
    EmailAddress::parse(text).expect("an address")
}

fn remote(text: &str) -> RemoteRcpt {
    RemoteRcpt { address: address(text), terms: RcptTerms::default() }
}

fn notify(success: bool, failure: bool, delay: bool) -> RcptTerms {
    RcptTerms { notify: Some(Notify { success, failure, delay }), orcpt: None }
}

const LETTER: &str = "Return-Path: <alice@demo.test>\r\nSubject: hello\r\n\r\nthe text\r\n";

impl House {
    /// A letter from alice to recipients elsewhere.
    async fn leaving(&self, to: &[&str]) -> Acceptance {
        let remotes = to.iter().map(|to| remote(to)).collect();
        let mail_from = MailFrom::Address(address("alice@demo.test"));
        Acceptance { remotes, mail_from, ..self.acceptance(LETTER, &[]).await }
    }

    async fn leaves(&self, to: &[&str]) {
        let acceptance = self.leaving(to).await;
        self.actors.accept(acceptance).await.expect("accepted");
    }

    /// Turns the clock, everything at its own time.
    async fn passes(&self, time: Duration) {
        let micros = u64::try_from(time.as_micros()).expect("not that long");
        self.admin(AdminRequest::ClockAdvance { micros }).await;
    }

    /// Waits until all that may go by now has gone.
    async fn rests(&self) {
        self.actors.queue_rests().await;
    }

    /// All that is stored of the queue.
    async fn stored(&self) -> Vec<(QueueId, Option<Consignment>)> {
        let read = self.actors.store().read(|view| {
            let keys = view.keys(&keys::whole_queue(), usize::MAX)?;
            let mut found = Vec::new();
            for (id, domain) in keys.iter().filter_map(keys::parse_queue) {
                found.push((
                    id,
                    match domain {
                        Some(domain) => view.get(&keys::consignment(id, &domain))?,
                        None => None,
                    },
                ));
            }
            Ok(found)
        });
        read.await.expect("readable")
    }

    async fn consignments(&self) -> Vec<Consignment> {
        self.stored().await.into_iter().filter_map(|(_, consignment)| consignment).collect()
    }

    async fn envelopes(&self) -> Vec<Queued> {
        let ids: Vec<QueueId> =
            self.stored().await.into_iter().filter(|(_, c)| c.is_none()).map(|(id, _)| id).collect();
        let mut found = Vec::new();
        for id in ids {
            found.extend(self.actors.store().get(keys::queued(id)).await.expect("readable"));
        }
        found
    }

    /// The texts of all letters in an account's mailbox.
    async fn texts(&self, account: AccountId) -> Vec<String> {
        let read = self.actors.store().read(move |view| {
            let blocks = view.scan(&keys::all_blocks_of(account), usize::MAX)?;
            Ok(blocks.into_iter().flat_map(|(_, block)| block.entries).map(|entry| entry.letter).collect())
        });
        let letters: Vec<postern_model::LetterId> = read.await.expect("readable");
        let text = |_, body: Result<&[u8], _>| String::from_utf8_lossy(body.expect("a body")).into_owned();
        let found = self.actors.store().with_bodies(account, letters, text).await.expect("readable");
        found.into_iter().map(|(_, text)| text).filter(|text| text.contains("Report on")).collect()
    }

    /// Nothing is left of the queue, neither records nor bodies.
    async fn is_empty(&self) {
        assert_eq!(self.stored().await, []);
        let bodies = self.actors.store().read(|view| view.keys(&keys::bodies_of(AccountId::QUEUE), 10));
        assert!(bodies.await.expect("readable").is_empty());
        self.clean();
    }
}

const HOUR: Duration = Duration::from_secs(60 * 60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);
