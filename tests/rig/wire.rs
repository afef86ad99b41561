//! One connection, plain or TLS, read by lines.

use std::fs;
use std::io::{self, BufRead as _, BufReader, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rustls::crypto::aws_lc_rs;
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, ServerName};

/// Longer than anything that works takes; a server that hangs fails the test instead of stopping it.
const PATIENCE: Duration = Duration::from_secs(60);

enum Stream {
    Plain(TcpStream),
    Tls(Box<StreamOwned<ClientConnection, TcpStream>>),
}

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Stream::Plain(stream) => stream.read(buffer),
            Stream::Tls(stream) => stream.read(buffer),
        }
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Stream::Plain(stream) => stream.write(bytes),
            Stream::Tls(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Stream::Plain(stream) => stream.flush(),
            Stream::Tls(stream) => stream.flush(),
        }
    }
}

/// A client's connection.
pub(crate) struct Wire(BufReader<Stream>);

impl Wire {
    /// Connects without TLS.
    pub(crate) fn plain(address: SocketAddr) -> io::Result<Wire> {
        let stream = TcpStream::connect_timeout(&address, PATIENCE)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        stream.set_nodelay(true)?;
        Ok(Wire(BufReader::with_capacity(64 << 10, Stream::Plain(stream))))
    }

    /// Connects with TLS from the first byte; `authority` is the PEM file of the certificate to trust.
    pub(crate) fn tls(address: SocketAddr, authority: &Path) -> io::Result<Wire> {
        Wire::plain(address)?.start_tls(authority)
    }

    /// Shakes hands for TLS.
    pub(crate) fn start_tls(self, authority: &Path) -> io::Result<Wire> {
        assert!(self.0.buffer().is_empty(), "plaintext behind the answer: {:?}", self.0.buffer());
        let Stream::Plain(stream) = self.0.into_inner() else { panic!("TLS is there already") };
        let name = ServerName::try_from("localhost").map_err(io::Error::other)?;
        let client = ClientConnection::new(config(authority)?, name).map_err(io::Error::other)?;
        let mut stream = StreamOwned::new(client, stream);
        while stream.conn.is_handshaking() {
            stream.conn.complete_io(&mut stream.sock)?;
        }
        Ok(Wire(BufReader::with_capacity(64 << 10, Stream::Tls(Box::new(stream)))))
    }

    /// The certificate that the server showed.
    pub(crate) fn certificate(&self) -> Option<CertificateDer<'static>> {
        match self.0.get_ref() {
            Stream::Plain(_) => None,
            Stream::Tls(stream) => stream.conn.peer_certificates()?.first().map(|c| c.clone().into_owned()),
        }
    }

    /// Sends bytes as they are.
    pub(crate) fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0.get_mut().write_all(bytes)?;
        self.0.get_mut().flush()
    }

    /// Sends one line.
    pub(crate) fn send_line(&mut self, line: &str) -> io::Result<()> {
        self.send(format!("{line}\r\n").as_bytes())
    }

    /// The next line with its end; an error where the connection ends before.
    pub(crate) fn raw_line(&mut self) -> io::Result<Vec<u8>> {
        let mut line = Vec::new();
        self.0.read_until(b'\n', &mut line)?;
        if line.ends_with(b"\n") { Ok(line) } else { Err(ErrorKind::UnexpectedEof.into()) }
    }

    /// The next so many octets.
    pub(crate) fn octets(&mut self, many: usize) -> io::Result<Vec<u8>> {
        let mut octets = vec![0; many];
        self.0.read_exact(&mut octets)?;
        Ok(octets)
    }

    /// The next line as text, without its end.
    pub(crate) fn line(&mut self) -> io::Result<String> {
        let line = self.raw_line()?;
        let text = line.strip_suffix(b"\r\n").ok_or_else(|| io::Error::other("a line without CRLF"))?;
        Ok(String::from_utf8_lossy(text).into_owned())
    }

    /// Whether the server has ended the connection, with nothing said before.
    pub(crate) fn is_closed(&mut self) -> bool {
        match self.0.fill_buf() {
            Ok(more) => more.is_empty(),
            Err(error) => !matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut),
        }
    }
}

/// A server's "no", as against a connection that broke.
pub(crate) fn refused(line: impl Into<String>) -> io::Error {
    io::Error::other(line.into())
}

fn config(authority: &Path) -> io::Result<Arc<ClientConfig>> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&fs::read(authority)?) {
        roots.add(certificate.map_err(io::Error::other)?).map_err(io::Error::other)?;
    }
    let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::new(config))
}
