//! A connection to a server: lines of replies in, octets out, each with a time limit; clear text or TLS.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use bytes::{Buf as _, BytesMut};
use memchr::memchr;
use rustls::ClientConfig;
use rustls_pki_types::ServerName;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::reply::{Assembly, LONGEST_LINE, Reply, ReplyError};
use crate::net::tls::iana_name;

/// Why a connection is of no more use.
#[derive(Debug, thiserror::Error)]
pub(super) enum LinkError {
    #[error("the server closed the connection")]
    Closed,
    #[error("the connection broke: {0}")]
    Io(io::Error),
    #[error("the server {0}")]
    Reply(#[from] ReplyError),
    #[error("the server did not answer within {} s", .0.as_secs())]
    Silent(Duration),
    #[error("the server took nothing for {} s", .0.as_secs())]
    Stuck(Duration),
}

impl LinkError {
    /// RFC 3463 §3.5: network and routing status.
    pub(super) fn enhanced(&self) -> (u8, u16, u16) {
        match self {
            LinkError::Reply(_) => (4, 5, 0),
            _ => (4, 4, 2),
        }
    }
}

impl From<io::Error> for LinkError {
    fn from(error: io::Error) -> LinkError {
        match error.kind() {
            io::ErrorKind::UnexpectedEof => LinkError::Closed,
            _ => LinkError::Io(error),
        }
    }
}

/// A connection.
#[derive(Debug)]
pub(super) struct Link {
    io: Io,
    unread: BytesMut,
}

#[derive(Debug)]
enum Io {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

impl Link {
    pub(super) async fn connect(to: SocketAddr, limit: Duration) -> Result<Link, String> {
        let connecting = timeout(limit, TcpStream::connect(to)).await;
        let stream = connecting
            .map_err(|_| format!("no connection within {} s", limit.as_secs()))?
            .map_err(|error| format!("no connection: {error}"))?;
        // Commands are written whole; the kernel is not to wait for more.
        let _ = stream.set_nodelay(true);
        Ok(Link { io: Io::Plain(stream), unread: BytesMut::new() })
    }

    /// This side's address.
    pub(super) fn local(&self) -> Option<IpAddr> {
        let stream = match &self.io {
            Io::Plain(stream) => stream,
            Io::Tls(stream) => stream.get_ref().0,
        };
        stream.local_addr().ok().map(|address| address.ip())
    }

    /// Begins TLS.
    pub(super) async fn secure(
        self,
        config: Arc<ClientConfig>,
        name: ServerName<'static>,
        limit: Duration,
    ) -> io::Result<Link> {
        let Io::Plain(stream) = self.io else {
            return Err(io::Error::other("TLS has begun already"));
        };
        let shaking = Box::pin(TlsConnector::from(config).connect(name, stream));
        let stream = timeout(limit, shaking).await.map_err(|_| {
            io::Error::new(io::ErrorKind::TimedOut, format!("no handshake within {} s", limit.as_secs()))
        })??;
        Ok(Link { io: Io::Tls(Box::new(stream)), unread: BytesMut::new() })
    }

    /// TLS version and cipher suite, where there is TLS.
    pub(super) fn tls(&self) -> Option<String> {
        let Io::Tls(stream) = &self.io else { return None };
        let connection = stream.get_ref().1;
        let version = match connection.protocol_version()? {
            rustls::ProtocolVersion::TLSv1_3 => "TLSv1.3",
            _ => "TLSv1.2",
        };
        Some(format!("{version} {}", iana_name(connection.negotiated_cipher_suite()?.suite())))
    }

    /// Whether the server said more than was asked of it.
    pub(super) fn has_unread(&self) -> bool {
        !self.unread.is_empty()
    }

    /// The next reply.
    pub(super) async fn reply(&mut self, limit: Duration) -> Result<Reply, LinkError> {
        timeout(limit, self.read_reply()).await.map_err(|_| LinkError::Silent(limit))?
    }

    async fn read_reply(&mut self) -> Result<Reply, LinkError> {
        let mut assembly = Assembly::default();
        loop {
            while let Some(end) = memchr(b'\n', &self.unread) {
                let found = assembly.line(&self.unread[..end])?;
                self.unread.advance(end + 1);
                if let Some(reply) = found {
                    return Ok(reply);
                }
            }
            if self.unread.len() > LONGEST_LINE {
                return Err(ReplyError::LongLine.into());
            }
            self.unread.reserve(LONGEST_LINE);
            let read = match &mut self.io {
                Io::Plain(stream) => stream.read_buf(&mut self.unread).await?,
                Io::Tls(stream) => stream.read_buf(&mut self.unread).await?,
            };
            if read == 0 {
                return Err(LinkError::Closed);
            }
        }
    }

    /// Sends octets; when this returns, the kernel has them.
    pub(super) async fn send(&mut self, octets: &[u8], limit: Duration) -> Result<(), LinkError> {
        let sending = async {
            match &mut self.io {
                Io::Plain(stream) => stream.write_all(octets).await,
                Io::Tls(stream) => {
                    stream.write_all(octets).await?;
                    stream.flush().await
                }
            }
        };
        Ok(timeout(limit, sending).await.map_err(|_| LinkError::Stuck(limit))??)
    }
}
