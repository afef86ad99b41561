//! Sessions without sockets: a task feeds a state machine and does its steps with the real actors.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use actix::prelude::*;
use postern::imap::{self, Imap};
use postern::net::door::{Door, Link};
use postern::net::outlet::{Hold, Outlet};
use postern::net::session::{Output, Step, TlsInfo};
use postern::pop3::{self, Pop3};
use postern::serve::{imap_settings, pop3_settings, smtp_settings};
use postern::smtp::{self, Role, SmtpSession};
use postern_actors::Actors;
use postern_actors::order::{LastByte, SessionRef, Tell};
use postern_model::{AccountId, LetterId, Protocol, SessionId};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::script::DoorKind;
use super::wire::{House, Wire};
use super::world::World;

/// Numbers of sessions, far from those of real connections.
static NEXT: AtomicU64 = AtomicU64::new(1 << 40);

const CLIENT: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 7));

/// Makes sessions of one door.
pub(crate) struct Direct {
    actors: Actors,
    door: DoorKind,
    pop3: Arc<pop3::Settings>,
    imap: Arc<imap::Settings>,
    smtp: Arc<smtp::Settings>,
}

impl Direct {
    pub(crate) fn new(world: &World, door: DoorKind) -> Direct {
        Direct {
            actors: world.actors.clone(),
            door,
            pop3: Arc::new(pop3_settings(&world.config)),
            imap: Arc::new(imap_settings(&world.config)),
            smtp: Arc::new(smtp_settings(&world.config)),
        }
    }

    fn begin<S: Door>(&self, session: S, protocol: Protocol, tls: bool) -> DirectWire {
        let (events, incoming) = unbounded_channel();
        let (outgoing, answers) = unbounded_channel();
        let ear = Ear(events.clone()).start();
        let session_ref = SessionRef {
            id: SessionId(NEXT.fetch_add(1, Ordering::Relaxed)),
            peer: CLIENT,
            activity: Arc::new(LastByte::new(self.actors.now())),
            inbox: ear.clone().recipient(),
        };
        let link = Link { actors: self.actors.clone(), session: session_ref, protocol, tls, inbound: None };
        let pump = Pump { session, link, outgoing, out: Output::default(), shaking_hands: false };
        actix::spawn(pump.run(incoming));
        DirectWire { events, answers, ear }
    }
}

impl House for Direct {
    type Wire = DirectWire;

    async fn connect(&mut self, door: Option<DoorKind>) -> DirectWire {
        let door = door.unwrap_or(self.door);
        let tls = door.is_implicit_tls();
        let smtp =
            |role| self.begin(SmtpSession::new(Arc::clone(&self.smtp), role, CLIENT), Protocol::Smtp, tls);
        match door {
            DoorKind::Imap | DoorKind::Imaps => {
                self.begin(Imap::new(Arc::clone(&self.imap)), Protocol::Imap, tls)
            }
            DoorKind::Pop3 | DoorKind::Pop3s => {
                self.begin(Pop3::new(Arc::clone(&self.pop3)), Protocol::Pop3, tls)
            }
            DoorKind::Smtp => smtp(Role::Mx),
            DoorKind::Lmtp => smtp(Role::Lmtp),
            DoorKind::Submission => smtp(Role::Submission),
            DoorKind::Submissions => smtp(Role::Submissions),
        }
    }
}

enum Event {
    Bytes(Vec<u8>),
    Handshake,
    HangUp,
    Tell(Tell),
    Deadline,
}

/// Hears what actors tell; it comes in order with what the client sends.
struct Ear(UnboundedSender<Event>);

impl Actor for Ear {
    type Context = Context<Self>;
}

impl Handler<Tell> for Ear {
    type Result = ();

    fn handle(&mut self, tell: Tell, _: &mut Context<Self>) {
        // A session that has ended hears nothing any more.
        let _ = self.0.send(Event::Tell(tell));
    }
}

/// Asks an ear whether it has heard everything that was told before.
#[derive(Message)]
#[rtype(result = "()")]
struct Heard;

impl Handler<Heard> for Ear {
    type Result = ();

    fn handle(&mut self, _: Heard, _: &mut Context<Self>) {}
}

/// The client's end.
pub(crate) struct DirectWire {
    events: UnboundedSender<Event>,
    answers: UnboundedReceiver<Vec<u8>>,
    ear: Addr<Ear>,
}

impl DirectWire {
    /// To a session that has ended it is as lost as octets to a closed socket.
    fn happen(&self, event: Event) {
        let _ = self.events.send(event);
    }
}

impl Drop for DirectWire {
    fn drop(&mut self) {
        self.happen(Event::HangUp);
    }
}

impl Wire for DirectWire {
    async fn send(&mut self, bytes: &[u8]) {
        self.ear.send(Heard).await.expect("an ear lives as long as its session's end");
        self.happen(Event::Bytes(bytes.to_vec()));
    }

    async fn receive(&mut self) -> Option<Vec<u8>> {
        self.answers.recv().await
    }

    async fn start_tls(&mut self) {
        self.happen(Event::Handshake);
    }

    async fn hang_up(&mut self) {
        self.happen(Event::HangUp);
    }
}

/// Drives a session: the same rules as a connection's driver, with nothing in between.
struct Pump<S: Door> {
    session: S,
    link: Link,
    outgoing: UnboundedSender<Vec<u8>>,
    out: Output<S::Ask>,
    shaking_hands: bool,
}

/// The session is over.
struct Over;

impl<S: Door> Pump<S> {
    async fn run(mut self, mut events: UnboundedReceiver<Event>) {
        if self.link.tls {
            self.session.secured(self.link.actors.now(), tls_info(), &mut self.out);
        }
        self.session.open(self.link.actors.now(), &mut self.out);
        // The end of the loop is the end of the session and its rights.
        while self.settle().await.is_ok() {
            let event = self.next(&mut events).await;
            if self.handle(event).await.is_err() {
                break;
            }
        }
    }

    /// The deadline comes before whatever was sent after it.
    async fn next(&self, events: &mut UnboundedReceiver<Event>) -> Event {
        let deadline = self.session.deadline(self.link.session.activity.at());
        let ticker = self.link.actors.ticker().clone();
        tokio::select! {
            biased;
            () = ticker.sleep_until(deadline) => Event::Deadline,
            event = events.recv() => event.unwrap_or(Event::HangUp),
        }
    }

    async fn handle(&mut self, event: Event) -> Result<(), Over> {
        let now = self.link.actors.now();
        match event {
            Event::HangUp => return Err(Over),
            Event::Deadline => self.session.expired(now, &mut self.out),
            Event::Tell(tell) => self.session.told(now, tell, &mut self.out),
            Event::Handshake => {
                assert!(std::mem::take(&mut self.shaking_hands), "the session did not ask for TLS");
                self.link.tls = true;
                self.session.secured(now, tls_info(), &mut self.out);
            }
            Event::Bytes(bytes) => return self.feed(&bytes).await,
        }
        Ok(())
    }

    async fn feed(&mut self, mut bytes: &[u8]) -> Result<(), Over> {
        self.link.session.activity.touch(self.link.actors.now());
        // What comes in the clear behind STARTTLS is thrown away.
        while !bytes.is_empty() && !self.shaking_hands {
            let used = self.session.input(self.link.actors.now(), bytes, &mut self.out);
            assert!(used <= bytes.len(), "more was used than there was");
            bytes = &bytes[used..];
            self.settle().await?;
        }
        Ok(())
    }

    /// Writes what is said and does what is asked for.
    async fn settle(&mut self) -> Result<(), Over> {
        loop {
            self.save_body().await;
            self.write();
            match self.out.step.take() {
                None => return Ok(()),
                Some(Step::Close) => return Err(Over),
                // Here octets travel as they are.
                Some(Step::Compress) => {}
                Some(Step::StartTls) => {
                    self.shaking_hands = true;
                    return Ok(());
                }
                Some(Step::Ask(ask)) => {
                    let mut hold = Hold;
                    let mut outlet = Outlet::new(&mut self.out.bytes, &mut hold);
                    let answer = S::perform(ask, &mut self.link, &mut outlet).await;
                    self.session.answer(self.link.actors.now(), answer, &mut self.out);
                }
                Some(Step::Send { account, letter, .. }) => self.stream(account, letter).await,
            }
        }
    }

    async fn save_body(&mut self) {
        if !self.out.body.is_empty() {
            let body = std::mem::take(&mut self.out.body);
            self.link.inbound().write(&body).await;
        }
    }

    fn write(&mut self) {
        if !self.out.bytes.is_empty() {
            self.link.session.activity.touch(self.link.actors.now());
            // A client that is gone does not read.
            let _ = self.outgoing.send(std::mem::take(&mut self.out.bytes));
        }
    }

    async fn stream(&mut self, account: AccountId, letter: LetterId) {
        let mut whole = false;
        if let Ok(mut body) = self.link.actors.store().open_body(account, letter).await {
            loop {
                match body.chunk().await {
                    Ok(Some(bytes)) if self.session.chunk(&bytes, &mut self.out) => self.write(),
                    Ok(_) => {
                        whole = true;
                        break;
                    }
                    Err(_) => break,
                }
            }
        }
        self.session.sent(self.link.actors.now(), whole, &mut self.out);
    }
}

fn tls_info() -> TlsInfo {
    TlsInfo {
        version: "TLSv1.3",
        cipher: "TLS13_AES_256_GCM_SHA384",
        exporter: Some([7; 32]),
        server_name: None,
    }
}
