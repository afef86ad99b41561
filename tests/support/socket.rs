//! Connections to the server's real doors, in the clear or under TLS.

use std::sync::Arc;

use postern::net::tls::self_signed;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::script::{DoorKind, Way};
use super::wire::{House, Wire};
use super::world::World;

/// Connects to one door, and to others where that is asked.
pub(crate) struct Sockets<'a> {
    world: &'a World,
    door: DoorKind,
    way: Way,
    tls: TlsConnector,
    name: ServerName<'static>,
}

impl<'a> Sockets<'a> {
    pub(crate) fn start(world: &'a World, door: DoorKind, way: Way) -> Sockets<'a> {
        let name = ServerName::try_from(world.config.hostname.clone()).expect("a host name");
        Sockets { world, door, way, tls: connector(world), name }
    }
}

/// A door or its sibling: what is said at 995 can be said at 110 as well, where the transcript allows it.
fn sibling(door: DoorKind, implicit_tls: bool) -> DoorKind {
    match (door, implicit_tls) {
        (DoorKind::Imap | DoorKind::Imaps, true) => DoorKind::Imaps,
        (DoorKind::Imap | DoorKind::Imaps, false) => DoorKind::Imap,
        (DoorKind::Pop3 | DoorKind::Pop3s, true) => DoorKind::Pop3s,
        (DoorKind::Pop3 | DoorKind::Pop3s, false) => DoorKind::Pop3,
        (DoorKind::Submission | DoorKind::Submissions, true) => DoorKind::Submissions,
        (DoorKind::Submission | DoorKind::Submissions, false) => DoorKind::Submission,
        (DoorKind::Smtp | DoorKind::Lmtp, _) => door,
    }
}

/// Trusts the server's own certificate and nothing else.
fn connector(world: &World) -> TlsConnector {
    let path = self_signed::certificate_path(world.dir());
    let certificate = CertificateDer::from_pem_file(path).expect("the server's certificate");
    let mut roots = RootCertStore::empty();
    roots.add(certificate).expect("a certificate");
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("TLS 1.2 and 1.3")
        .with_root_certificates(roots)
        .with_no_client_auth();
    TlsConnector::from(Arc::new(config))
}

impl House for Sockets<'_> {
    type Wire = SocketWire;

    async fn connect(&mut self, door: Option<DoorKind>) -> SocketWire {
        let door = match door {
            Some(door) => door,
            None => sibling(self.door, self.way == Way::Tls),
        };
        let socket = TcpStream::connect(self.world.address(door)).await.expect("a connection");
        socket.set_nodelay(true).expect("a socket");
        let mut wire =
            SocketWire { stream: Stream::Plain(socket), tls: self.tls.clone(), name: self.name.clone() };
        if door.is_implicit_tls() {
            wire.start_tls().await;
        }
        wire
    }
}

/// A client's end of a connection.
pub(crate) struct SocketWire {
    stream: Stream,
    tls: TlsConnector,
    name: ServerName<'static>,
}

enum Stream {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
    /// In the middle of becoming TLS.
    Gone,
}

impl Wire for SocketWire {
    async fn send(&mut self, bytes: &[u8]) {
        // To a server that has closed it is lost; what the server said is what counts.
        let _ = match &mut self.stream {
            Stream::Plain(socket) => socket.write_all(bytes).await,
            Stream::Tls(stream) => match stream.write_all(bytes).await {
                Ok(()) => stream.flush().await,
                Err(error) => Err(error),
            },
            Stream::Gone => Ok(()),
        };
    }

    async fn receive(&mut self) -> Option<Vec<u8>> {
        let mut buffer = vec![0; 16 * 1024];
        let read = match &mut self.stream {
            Stream::Plain(socket) => socket.read(&mut buffer).await,
            Stream::Tls(stream) => stream.read(&mut buffer).await,
            Stream::Gone => return None,
        };
        match read {
            Ok(0) | Err(_) => None,
            Ok(octets) => {
                buffer.truncate(octets);
                Some(buffer)
            }
        }
    }

    async fn start_tls(&mut self) {
        if let Stream::Plain(socket) = std::mem::replace(&mut self.stream, Stream::Gone) {
            let stream = self.tls.connect(self.name.clone(), socket).await.expect("a handshake");
            self.stream = Stream::Tls(Box::new(stream));
        }
    }

    async fn hang_up(&mut self) {
        // An error means that the server was quicker.
        let _ = match &mut self.stream {
            Stream::Plain(socket) => socket.shutdown().await,
            Stream::Tls(stream) => stream.shutdown().await,
            Stream::Gone => Ok(()),
        };
    }
}
