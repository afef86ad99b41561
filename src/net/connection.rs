//! One actor per connection: its address is where other actors tell the session something, its context is where the
//! [`Driver`] runs.

use std::future::Future;
use std::net::IpAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use actix::prelude::*;
use postern_actors::order::{LastByte, SessionRef, Tell};
use postern_actors::{Actors, unpanicked};
use postern_model::Protocol;
use tracing::Instrument;

use super::door::{Door, Link};
use super::driver::{Driver, Traffic, close};
use super::inbox::Inbox;
use super::limits::Seat;
use super::stream::Stream;
use super::tls::Tls;

/// A connection that is ready to be served.
pub(crate) struct Ready<S: Door> {
    pub(crate) session: S,
    pub(crate) stream: Stream,
    pub(crate) actors: Actors,
    pub(crate) protocol: Protocol,
    pub(crate) peer: IpAddr,
    pub(crate) seat: Seat,
    pub(crate) tls: Option<Tls>,
    pub(crate) handshake_timeout: Duration,
    pub(crate) span: tracing::Span,
}

/// A connection.
pub(crate) struct ConnectionActor<S: Door> {
    inbox: Rc<Inbox>,
    ready: Option<Box<Ready<S>>>,
}

impl<S: Door> ConnectionActor<S> {
    /// Serves a connection on this thread.
    pub(crate) fn launch(ready: Ready<S>) {
        ConnectionActor { inbox: Rc::default(), ready: Some(Box::new(ready)) }.start();
    }
}

impl<S: Door> Actor for ConnectionActor<S> {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Self::Context) {
        let Some(ready) = self.ready.take() else { return context.stop() };
        let span = ready.span.clone();
        let serving = serve(*ready, context.address().recipient(), self.inbox.clone()).instrument(span);
        context.spawn(serving.into_actor(self).map(|(), _, context| context.stop()));
    }
}

impl<S: Door> Handler<Tell> for ConnectionActor<S> {
    type Result = ();

    fn handle(&mut self, tell: Tell, _: &mut Self::Context) {
        self.inbox.put(tell);
    }
}

/// One connection from its greeting to its end.
pub(super) fn serve<S: Door>(
    ready: Ready<S>,
    inbox: Recipient<Tell>,
    told: Rc<Inbox>,
) -> impl Future<Output = ()> {
    let Ready { session, stream, actors, protocol, peer, mut seat, tls, handshake_timeout, span: _ } = ready;
    let begun = actors.now();
    seat.announce(inbox.clone());
    let clock = actors.ticker().clone();
    let link = Link {
        session: SessionRef { id: seat.id(), peer, activity: Arc::new(LastByte::new(begun)), inbox },
        tls: matches!(stream, Stream::Tls(_)),
        actors,
        protocol,
        inbound: None,
    };
    let mut driver = Driver::new(session, stream, link, told, tls, handshake_timeout);
    async move {
        // So that a panic ends like every other connection: in the log with its counts, and with an actor that stops in
        // good order instead of being dropped while its thread unwinds.
        let end = unpanicked(driver.run()).await;
        let Traffic { received, sent } = driver.traffic();
        let seconds = clock.now().since(begun).as_secs_f64();
        match end {
            Ok(end) => {
                tracing::info!(received, sent, seconds, %end, "disconnected");
                // The session's rights (a lease, a presence) end before the client has gone for good.
                close(driver.into_stream()).await;
            }
            // The panic hook has said where. What the session was in the middle of is unknown: no good-bye.
            Err(_) => tracing::error!(received, sent, seconds, "disconnected: the session has panicked"),
        }
        drop(seat);
    }
}
