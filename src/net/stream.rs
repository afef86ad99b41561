//! A connection's bytes, in the clear or encrypted: one type, so that STARTTLS changes a value and no type.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, UnixStream};
use tokio_rustls::server::TlsStream;

use super::deflate::Deflated;
use super::session::TlsInfo;
use super::tls;

/// Where the bytes of a connection come from and go to.
pub(crate) enum Stream {
    /// As they are.
    Plain(TcpStream),
    /// From a program on this machine, through a socket file.
    Local(UnixStream),
    /// Through TLS; boxed, since it is many times the size of a socket.
    Tls(Box<TlsStream<TcpStream>>),
    /// Compressed, and then one of the others.
    Deflated(Box<Deflated>),
    /// Nowhere any more: a handshake took the socket and failed.
    Gone,
}

impl Stream {
    /// What is known of the encryption, where there is one.
    pub(crate) fn tls_info(&self) -> Option<TlsInfo> {
        match self {
            Stream::Tls(stream) => Some(tls::info(stream.get_ref().1)),
            Stream::Deflated(stream) => stream.inner().tls_info(),
            Stream::Plain(_) | Stream::Local(_) | Stream::Gone => None,
        }
    }

    /// The socket, where it is not encrypted; `self` is gone then.
    pub(crate) fn take_plain(&mut self) -> Option<TcpStream> {
        match std::mem::replace(self, Stream::Gone) {
            Stream::Plain(socket) => Some(socket),
            other => {
                *self = other;
                None
            }
        }
    }

    /// Compresses both ways from here on.
    pub(crate) fn compress(&mut self) {
        let plain = std::mem::replace(self, Stream::Gone);
        *self = Stream::Deflated(Box::new(Deflated::new(plain)));
    }

    /// The connection is idle: whatever it can do without is given back.
    pub(crate) fn rest(&mut self) {
        if let Stream::Deflated(stream) = self {
            stream.rest();
        }
    }

    /// Octets that were read before compression began, and are compressed.
    pub(crate) fn unread(&mut self, octets: Bytes) {
        if let Stream::Deflated(stream) = self {
            stream.unread(octets);
        }
    }
}

fn gone() -> io::Error {
    io::ErrorKind::NotConnected.into()
}

impl AsyncRead for Stream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Stream::Plain(socket) => Pin::new(socket).poll_read(cx, buf),
            Stream::Local(socket) => Pin::new(socket).poll_read(cx, buf),
            Stream::Tls(stream) => Pin::new(stream).poll_read(cx, buf),
            Stream::Deflated(stream) => Pin::new(stream).poll_read(cx, buf),
            Stream::Gone => Poll::Ready(Err(gone())),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Stream::Plain(socket) => Pin::new(socket).poll_write(cx, buf),
            Stream::Local(socket) => Pin::new(socket).poll_write(cx, buf),
            Stream::Tls(stream) => Pin::new(stream).poll_write(cx, buf),
            Stream::Deflated(stream) => Pin::new(stream).poll_write(cx, buf),
            Stream::Gone => Poll::Ready(Err(gone())),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Stream::Plain(socket) => Pin::new(socket).poll_flush(cx),
            Stream::Local(socket) => Pin::new(socket).poll_flush(cx),
            Stream::Tls(stream) => Pin::new(stream).poll_flush(cx),
            Stream::Deflated(stream) => Pin::new(stream).poll_flush(cx),
            Stream::Gone => Poll::Ready(Err(gone())),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Stream::Plain(socket) => Pin::new(socket).poll_shutdown(cx),
            Stream::Local(socket) => Pin::new(socket).poll_shutdown(cx),
            Stream::Tls(stream) => Pin::new(stream).poll_shutdown(cx),
            Stream::Deflated(stream) => Pin::new(stream).poll_shutdown(cx),
            Stream::Gone => Poll::Ready(Ok(())),
        }
    }
}
