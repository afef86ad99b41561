//! The actors together, on a store in memory and a clock that the test turns.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use actix::prelude::*;
use postern_model::mime::Scanner;
use postern_model::record::MailTerms;
use postern_model::{AccountId, Clock, EmailAddress, MailFrom, ManualClock, Protocol, SessionId, Timestamp};
use postern_policy::Refusal;
use postern_storage::{Batch, EngineKind, Store, StoreOptions};
use zeroize::Zeroizing;

use crate::admin::{AccessChange, AdminRequest, Secret};
use crate::order::{Acceptance, Admitted, Judged, LastByte, LocalRcpt, Login, Proof, SessionRef, Tell};
use crate::{Actors, Settings, Ticker};

mod deeds;
mod folders;
mod gate;
mod imap;
mod junk;
mod keys;
mod mail;
mod maildrop;
mod notices;
mod queue;
mod quota;
mod rules;
mod scale;
mod sms;
mod storage;
mod timer;
mod year;

const PASSWORD: &str = "correct horse";

/// A running set of actors with its directory, which goes with it.
struct House {
    actors: Actors,
    settings: Settings,
    clock: Arc<ManualClock>,
    dir: tempfile::TempDir,
}

/// A letter's recipient, by whatever address.
fn to(account: AccountId) -> LocalRcpt {
    LocalRcpt::plain(account, EmailAddress::parse("someone@demo.test").expect("an address"))
}

/// Keeps what it is told.
#[derive(Default)]
struct Ear(Arc<std::sync::Mutex<Vec<Tell>>>);

impl Actor for Ear {
    type Context = Context<Self>;
}

impl Handler<Tell> for Ear {
    type Result = ();

    fn handle(&mut self, tell: Tell, _: &mut Context<Self>) {
        self.0.lock().expect("unpoisoned").push(tell);
    }
}

/// A session, and what it was told.
struct Listener {
    session: SessionRef,
    heard: Arc<std::sync::Mutex<Vec<Tell>>>,
    addr: Addr<Ear>,
}

impl Listener {
    fn new(house: &House) -> Listener {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let ear = Ear::default();
        let heard = Arc::clone(&ear.0);
        let addr = ear.start();
        let session = SessionRef {
            id: SessionId(NEXT.fetch_add(1, Ordering::Relaxed)),
            peer: IpAddr::V4(Ipv4Addr::LOCALHOST),
            activity: Arc::new(LastByte::new(house.actors.now())),
            inbox: addr.clone().recipient(),
        };
        Listener { session, heard, addr }
    }

    /// All that was told by now.
    async fn heard(&self) -> Vec<Tell> {
        // A message sent now comes behind all that were sent before.
        self.addr.send(Tell::Stopping).await.expect("the ear lives");
        let mut heard = self.heard.lock().expect("unpoisoned");
        let mut told = std::mem::take(&mut *heard);
        told.pop();
        told
    }
}

impl House {
    async fn new() -> House {
        House::with(Settings::for_tests()).await
    }

    async fn with(settings: Settings) -> House {
        House::begun(settings, EngineKind::Memory).await
    }

    async fn begun(settings: Settings, engine: EngineKind) -> House {
        House::on_arbiters(settings, engine, &[Arbiter::current()]).await
    }

    /// With the actors on threads of their own.
    async fn on_arbiters(settings: Settings, engine: EngineKind, arbiters: &[ArbiterHandle]) -> House {
        let dir = tempfile::tempdir().expect("a directory");
        let options = StoreOptions { engine, ..StoreOptions::new(dir.path()) };
        let now = Timestamp::from_seconds(1_800_000_000);
        let store = Store::open(options, now).expect("a new store");
        let clock = Arc::new(ManualClock::new(now));
        let ticker = Ticker::new(Arc::clone(&clock) as Arc<dyn Clock>);
        let actors = Actors::start(store, ticker, settings.clone(), arbiters).await.expect("actors");
        let house = House { actors, settings, clock, dir };
        house.admin(AdminRequest::DomainAdd { domain: "demo.test".into() }).await;
        house
    }

    async fn on(store: Store, clock: Arc<ManualClock>, settings: Settings, dir: tempfile::TempDir) -> House {
        let ticker = Ticker::new(Arc::clone(&clock) as Arc<dyn Clock>);
        let actors = Actors::start(store, ticker, settings.clone(), &[Arbiter::current()]).await;
        House { actors: actors.expect("actors"), settings, clock, dir }
    }

    /// The same house with new actors, which know what the store knows.
    async fn restarted(self) -> House {
        let House { actors, settings, clock, dir } = self;
        let store = actors.store().clone();
        actors.rest().await;
        drop(actors);
        let house = House::on(store, clock, settings, dir).await;
        house.caught_up().await;
        house
    }

    /// All is visible that was handed in and not waited for.
    async fn caught_up(&self) {
        self.actors.store().commit(Batch::new()).await.expect("open");
    }

    async fn admin(&self, request: AdminRequest) -> serde_json::Value {
        self.actors.admin(request).await.expect("the request is good")
    }

    /// An account with everything open.
    async fn account(&self, address: &str) -> AccountId {
        let password = Some(Secret(Zeroizing::new(PASSWORD.to_owned())));
        self.admin(AdminRequest::AccountAdd { address: address.into(), plan: None, password }).await;
        self.access(address, AccessChange::On).await;
        let parsed = postern_model::EmailAddress::parse(address).expect("an address");
        self.actors.find_recipient(&parsed).await.expect("the account is there")
    }

    async fn access(&self, address: &str, change: AccessChange) {
        let protocols = Protocol::ALL.to_vec();
        let address = address.to_owned();
        self.admin(AdminRequest::SetAccess {
            address,
            change,
            protocols,
            now: true,
            reason: None,
            as_user: false,
        })
        .await;
    }

    async fn login(&self, user: &str, who: &Listener, protocol: Protocol) -> Result<Admitted, Refusal> {
        let password = Zeroizing::new(PASSWORD.to_owned());
        let proof = Proof::Password { user: user.into(), password };
        self.actors.login(Login { proof, protocol, tls: true, session: who.session.clone() }).await
    }

    async fn send(&self, text: &str, recipients: &[AccountId]) -> Result<(), Refusal> {
        self.actors.accept(self.acceptance(text, recipients).await).await.map(drop)
    }

    async fn acceptance(&self, text: &str, recipients: &[AccountId]) -> Acceptance {
        let mut spool = self.actors.store().spool();
        spool.write(text.as_bytes()).await.expect("room");
        let mut scanner = Scanner::new();
        scanner.feed(text.as_bytes());
        Acceptance {
            letter: self.actors.next_letter_id().expect("room"),
            body: spool.seal().await.expect("room"),
            facts: scanner.finish(),
            signature: postern_model::record::Signature::default(),
            locals: recipients.iter().map(|account| to(*account)).collect(),
            remotes: Vec::new(),
            sent: None,
            mail_from: MailFrom::Null,
            terms: MailTerms::default(),
            judged: Judged::default(),
            forwards: Vec::new(),
            expanded: Vec::new(),
        }
    }

    /// The sizes of what POP3 sees, in order; opens the maildrop and lets it go again.
    async fn sizes(&self, user: &str) -> Vec<u32> {
        let who = Listener::new(self);
        let admitted = self.login(user, &who, Protocol::Pop3).await.expect("admitted");
        let maildrop = self.actors.open_maildrop(&admitted, &who.session).await.expect("free");
        maildrop.letters.iter().map(|letter| letter.size).collect()
    }

    fn clean(&self) {
        let report = self.actors.store().check();
        assert!(report.is_sound(), "{report:?}");
    }

    /// Waits until all that was handed in is written, and whoever waits for it knows.
    async fn written(&self) {
        self.actors.store().commit(Batch::new()).await.expect("room");
        tokio::task::yield_now().await;
    }

    fn advance(&self, by: Duration) {
        self.clock.advance(by);
    }
}

/// A directory with a store on it that is shut and opened again.
struct Disk(tempfile::TempDir);

impl Disk {
    fn new() -> Disk {
        Disk(tempfile::tempdir().expect("a directory"))
    }

    /// A house on that store; nothing is written unless so many octets are free.
    async fn house(&self, reserve: u64, clock: &Arc<ManualClock>) -> House {
        let options = StoreOptions { disk_reserve: reserve, ..StoreOptions::new(self.0.path()) };
        let store = Store::open(options, clock.now()).expect("a store");
        let dir = tempfile::tempdir().expect("a directory");
        House::on(store, Arc::clone(clock), Settings::for_tests(), dir).await
    }

    /// Shuts the house and its store.
    async fn shut(&self, house: House) {
        let store = house.actors.store().clone();
        house.actors.rest().await;
        drop(house);
        let closed = actix_rt::task::spawn_blocking(move || store.close()).await;
        closed.expect("no panic").expect("closed");
    }
}
