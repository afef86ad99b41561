//! What happens to a connection between accept and its session: is there room, who is it really, hands shaken.
//!
//! All of it runs in a plain task, so that a client which never gets further costs no actor.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use postern_actors::Actors;
use postern_model::{Protocol, SessionId};
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpStream, UnixStream};
use tracing::Instrument;

use super::alarm::Alarm;
use super::connection::{ConnectionActor, Ready};
use super::door::Door;
use super::driver::close;
use super::limits::{Connections, Crowd, Seat};
use super::network::Network;
use super::proxy::{self, Origin};
use super::stream::Stream;
use super::tls::Tls;
use crate::wording;

/// What all listeners share.
#[derive(Clone)]
pub struct Premises {
    /// Who is connected.
    pub connections: Arc<Connections>,
    /// The actors behind the doors.
    pub actors: Actors,
    /// Certificates, where there are any.
    pub tls: Option<Tls>,
    /// From where a PROXY header is believed, and demanded (SPEC P11).
    pub proxies: Arc<[Network]>,
    /// How long a PROXY header or a handshake may take.
    pub handshake_timeout: Duration,
}

/// A client, as its session gets to know it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Visitor {
    /// The connection's number.
    pub session: SessionId,
    /// The client's address; behind a balancer what the balancer says (SPEC P11).
    pub client: SocketAddr,
    /// What it connected to.
    pub server: SocketAddr,
}

/// A service: what is spoken on a listener, and how.
pub struct Service<S> {
    /// Its name in logs: `pop3s`.
    pub name: &'static str,
    /// What it speaks.
    pub protocol: Protocol,
    /// Whether TLS begins with the first octet.
    pub implicit_tls: bool,
    /// Makes the session for a client.
    pub session: Box<dyn Fn(Visitor) -> S + Send + Sync>,
}

/// Takes in connections of one service; erases which, so that one accept loop fits all.
pub(crate) trait Reception: Send + Sync + 'static {
    /// Takes in one connection, on the thread that accepted it.
    fn receive(self: Arc<Self>, socket: TcpStream, peer: SocketAddr);

    /// Takes in one that came through a socket file: no balancer, no TLS before its session, no address but this machine's.
    fn receive_local(self: Arc<Self>, socket: UnixStream);
}

/// A service at its listener.
pub(crate) struct Porch<S> {
    pub(crate) service: Service<S>,
    pub(crate) premises: Premises,
}

impl<S: Door> Reception for Porch<S> {
    fn receive(self: Arc<Self>, socket: TcpStream, peer: SocketAddr) {
        self.take_in(move |porch, seat, room, span| porch.enter(socket, peer, seat, room, span));
    }

    fn receive_local(self: Arc<Self>, socket: UnixStream) {
        self.take_in(move |porch, seat, room, span| porch.enter_local(socket, seat, room, span));
    }
}

/// Where a client is that came through a socket file.
const HERE: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

impl<S: Door> Porch<S> {
    /// Counts a client and lets it enter, on this thread.
    fn take_in<F: Future<Output = ()> + 'static>(
        self: Arc<Self>,
        enter: impl FnOnce(Arc<Self>, Seat, Result<(), Crowd>, tracing::Span) -> F + 'static,
    ) {
        let (seat, room) = self.premises.connections.arrive();
        if room == Err(Crowd::Flood) {
            return;
        }
        let span = tracing::info_span!(
            "connection",
            session = %seat.id(),
            service = self.service.name,
            peer = tracing::field::Empty,
            account = tracing::field::Empty,
        );
        let entered = span.clone();
        let entering = async move {
            let connections = self.premises.connections.clone();
            tokio::select! {
                () = enter(self, seat, room, entered) => {}
                () = connections.stopping() => {}
            }
        };
        actix_rt::spawn(entering.instrument(span));
    }

    async fn enter_local(
        self: Arc<Self>,
        socket: UnixStream,
        seat: Seat,
        room: Result<(), Crowd>,
        span: tracing::Span,
    ) {
        span.record("peer", "local");
        let stream = Stream::Local(socket);
        match room {
            Ok(()) => self.launch(stream, HERE, HERE, seat, span),
            Err(crowd) => turn_away(stream, self.service.protocol, crowd).await,
        }
    }

    /// Begins the session of a client that is let in.
    fn launch(
        &self,
        stream: Stream,
        client: SocketAddr,
        server: SocketAddr,
        seat: Seat,
        span: tracing::Span,
    ) {
        tracing::info!(tls = stream.tls_info().map(|tls| tls.version), "connected");
        let visitor = Visitor { session: seat.id(), client, server };
        ConnectionActor::launch(Ready {
            session: (self.service.session)(visitor),
            stream,
            actors: self.premises.actors.clone(),
            protocol: self.service.protocol,
            peer: client.ip(),
            seat,
            tls: self.premises.tls.clone(),
            handshake_timeout: self.premises.handshake_timeout,
            span,
        });
    }

    async fn enter(
        self: Arc<Self>,
        mut socket: TcpStream,
        peer: SocketAddr,
        mut seat: Seat,
        room: Result<(), Crowd>,
        span: tracing::Span,
    ) {
        let Some((client, server)) = self.identify(&mut socket, peer).await else { return };
        span.record("peer", tracing::field::display(client.ip()));
        let room = room.and(seat.count_address(client.ip()));
        if room == Err(Crowd::Flood) {
            return;
        }
        let Some(stream) = self.secure(socket, &seat).await else { return };
        if let Err(crowd) = room {
            return turn_away(stream, self.service.protocol, crowd).await;
        }
        self.launch(stream, client, server, seat, span);
    }

    /// Who the client is and what it connected to; `None` where the connection is not to be served.
    async fn identify(&self, socket: &mut TcpStream, peer: SocketAddr) -> Option<(SocketAddr, SocketAddr)> {
        let canonical = |at: SocketAddr| SocketAddr::new(at.ip().to_canonical(), at.port());
        let peer = canonical(peer);
        let server = canonical(socket.local_addr().ok()?);
        if !self.premises.proxies.iter().any(|network| network.contains(peer.ip())) {
            return Some((peer, server));
        }
        match self.in_time(proxy::receive(socket)).await {
            Some(Ok(Origin::Client { client, server })) => Some((client, server)),
            Some(Ok(Origin::Balancer)) => Some((peer, server)),
            Some(Err(error)) => {
                tracing::warn!(balancer = %peer.ip(), %error, "closed");
                None
            }
            None => {
                tracing::warn!(balancer = %peer.ip(), "closed: no PROXY header came in time");
                None
            }
        }
    }

    /// Shakes hands where the service begins with TLS.
    async fn secure(&self, socket: TcpStream, seat: &Seat) -> Option<Stream> {
        if !self.service.implicit_tls {
            return Some(Stream::Plain(socket));
        }
        // Listeners with TLS are not opened without certificates.
        let tls = self.premises.tls.as_ref()?;
        let mut handshake = seat.handshake();
        let shaken = tokio::select! {
            shaken = self.in_time(tls.accept(socket)) => shaken,
            () = handshake.displaced() => {
                tracing::warn!("closed: too many handshakes are under way, and this one began first");
                return None;
            }
        };
        match shaken {
            Some(Ok(stream)) => Some(Stream::Tls(stream)),
            Some(Err(error)) => {
                tracing::info!(%error, "closed: the handshake failed");
                None
            }
            None => {
                tracing::info!("closed: the handshake took too long");
                None
            }
        }
    }

    async fn in_time<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        let actors = &self.premises.actors;
        let deadline = actors.now().plus(self.premises.handshake_timeout);
        Alarm::new(actors.ticker().clone()).limit(deadline, work).await
    }
}

/// Says in the protocol's own words that there are too many connections.
async fn turn_away(mut stream: Stream, protocol: Protocol, crowd: Crowd) {
    tracing::info!(?crowd, "turned away");
    let line = wording::turned_away(protocol, crowd);
    // One short line fits the socket's buffer, so this can't wait for the client.
    if stream.write_all(line.as_bytes()).await.is_ok() && stream.flush().await.is_ok() {
        close(stream).await;
    }
}
