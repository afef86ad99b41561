//! The mail program of the benches: SMTP submission, POP3 and IMAP over TLS 1.3, many connections on one thread. It spends as
//! little as it can, for it shares the machine with the server; it never resumes a TLS session, so that every connection
//! costs a whole handshake, and asks for X25519 as the mail programs of today's distributions do.

mod imap;

use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use memchr::memmem;
use rustls::client::Resumption;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls_pki_types::{CertificateDer, ServerName};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::Outcome;

/// The name in the certificates, and the domain of all accounts.
pub(crate) const DOMAIN: &str = "bench.test";
/// The password of all accounts.
pub(crate) const PASSWORD: &str = "correct-horse-battery-staple";
/// What one read of a socket takes at most, in octets.
const READ: usize = 64 << 10;

/// A listener, and how to reach it.
#[derive(Clone)]
pub(crate) struct Target {
    address: SocketAddr,
    tls: TlsConnector,
}

impl Target {
    /// A listener whose certificate was signed by `authority`.
    pub(crate) fn new(address: SocketAddr, authority: &CertificateDer<'static>) -> Outcome<Target> {
        let provider =
            CryptoProvider { kx_groups: vec![aws_lc_rs::kx_group::X25519], ..aws_lc_rs::default_provider() };
        let mut roots = rustls::RootCertStore::empty();
        roots.add(authority.clone())?;
        let mut config = rustls::ClientConfig::builder_with_provider(Arc::new(provider))
            .with_protocol_versions(&[&rustls::version::TLS13])?
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.resumption = Resumption::disabled();
        Ok(Target { address, tls: TlsConnector::from(Arc::new(config)) })
    }

    /// A new connection from the source address of client `number`, with its TLS handshake done.
    pub(crate) async fn connect(&self, number: usize) -> Outcome<Wire> {
        let socket = TcpSocket::new_v4()?;
        socket.bind(SocketAddr::new(source(number), 0))?;
        let stream = socket.connect(self.address).await?;
        stream.set_nodelay(true)?;
        let name = ServerName::try_from(format!("mail.{DOMAIN}"))?;
        let stream = self.tls.connect(name, stream).await?;
        Ok(Wire { stream, buffer: Vec::new(), start: 0 })
    }

    /// A new connection whose greeting has been read.
    pub(crate) async fn greeted(&self, number: usize) -> Outcome<Wire> {
        let mut wire = self.connect(number).await?;
        wire.line().await?;
        Ok(wire)
    }

    /// A POP3 session in the TRANSACTION state.
    pub(crate) async fn pop3(&self, number: usize, user: &str) -> Outcome<Wire> {
        let mut wire = self.greeted(number).await?;
        wire.login(user).await?;
        Ok(wire)
    }

    /// A submission session, logged in.
    pub(crate) async fn submission(&self, number: usize, user: &str) -> Outcome<Wire> {
        use base64::Engine as _;

        let mut wire = self.connect(number).await?;
        wire.reply("220").await?;
        wire.send(b"EHLO client.bench.test\r\n").await?;
        wire.reply("250").await?;
        let secret = base64::engine::general_purpose::STANDARD.encode(format!("\0{user}\0{PASSWORD}"));
        wire.send(format!("AUTH PLAIN {secret}\r\n").as_bytes()).await?;
        wire.reply("235").await?;
        Ok(wire)
    }
}

/// Loopback addresses enough that neither ports nor limits per address end, and the same one for a client each time.
fn source(number: usize) -> IpAddr {
    let number = number % 60_000;
    let [high, low] = [number / 250, number % 250 + 1].map(|part| u8::try_from(part).unwrap_or(u8::MAX));
    IpAddr::V4(Ipv4Addr::new(127, 1, high, low))
}

/// One encrypted connection.
pub(crate) struct Wire {
    stream: TlsStream<TcpStream>,
    buffer: Vec<u8>,
    start: usize,
}

impl Wire {
    /// Sends bytes as they are.
    pub(crate) async fn send(&mut self, bytes: &[u8]) -> Outcome<()> {
        self.stream.write_all(bytes).await?;
        Ok(self.stream.flush().await?)
    }

    /// Reads what has come, and says how much; nothing of it is kept.
    pub(crate) async fn swallow(&mut self) -> Outcome<usize> {
        self.buffer.clear();
        self.start = 0;
        self.fill().await?;
        Ok(self.buffer.len())
    }

    async fn fill(&mut self) -> Outcome<()> {
        self.buffer.drain(..self.start);
        self.start = 0;
        self.buffer.reserve(READ);
        match self.stream.read_buf(&mut self.buffer).await? {
            0 => Err("the server closed the connection".into()),
            _ => Ok(()),
        }
    }

    /// The next line, without its end.
    pub(crate) async fn line(&mut self) -> Outcome<&str> {
        Ok(std::str::from_utf8(self.octets_of_line().await?)?)
    }

    /// The same, of whatever octets it consists.
    async fn octets_of_line(&mut self) -> Outcome<&[u8]> {
        let mut seen = 0;
        let end = loop {
            let have = &self.buffer[self.start..];
            if let Some(at) = memchr::memchr(b'\n', &have[seen..]) {
                break self.start + seen + at;
            }
            seen = have.len();
            self.fill().await?;
        };
        let line = &self.buffer[self.start..end];
        self.start = end + 1;
        Ok(line.strip_suffix(b"\r").unwrap_or(line))
    }

    /// Gives the buffer back: this connection is going to be idle.
    pub(crate) fn shed(&mut self) {
        self.buffer = Vec::new();
        self.start = 0;
    }

    /// Reads an SMTP reply, which has to begin with `code`.
    pub(crate) async fn reply(&mut self, code: &str) -> Outcome<()> {
        loop {
            let line = self.line().await?;
            if !line.starts_with(code) {
                return Err(format!("expected {code}, got: {line}").into());
            }
            if line.as_bytes().get(3) != Some(&b'-') {
                return Ok(());
            }
        }
    }

    /// Hands in a letter, MAIL to DATA in one piece (RFC 2920), and answers how long the 250 took from the last octet on.
    pub(crate) async fn submit(&mut self, from: &str, to: &[String], letter: &[u8]) -> Outcome<Duration> {
        let mut envelope = format!("MAIL FROM:<{from}>\r\n");
        for recipient in to {
            write!(envelope, "RCPT TO:<{recipient}>\r\n")?;
        }
        envelope.push_str("DATA\r\n");
        self.send(envelope.as_bytes()).await?;
        self.reply("250").await?;
        for _ in to {
            self.reply("250").await?;
        }
        self.reply("354").await?;
        self.send(letter).await?;
        let sent = Instant::now();
        self.reply("250").await?;
        Ok(sent.elapsed())
    }

    /// A POP3 command with an answer of one line, which has to be good.
    pub(crate) async fn ask(&mut self, command: &str) -> Outcome<&str> {
        self.send(command.as_bytes()).await?;
        let line = self.line().await?;
        if line.starts_with("+OK") { Ok(line) } else { Err(format!("{}: {line}", verb(command)).into()) }
    }

    /// USER and PASS.
    pub(crate) async fn login(&mut self, user: &str) -> Outcome<()> {
        self.ask(&format!("USER {user}\r\n")).await?;
        self.ask(&format!("PASS {PASSWORD}\r\n")).await?;
        Ok(())
    }

    /// QUIT, and its answer.
    pub(crate) async fn quit(&mut self) -> Outcome<()> {
        self.ask("QUIT\r\n").await?;
        Ok(())
    }

    /// The next answer of many lines (RFC 1939 §3), which has to be good; answers its size in octets.
    pub(crate) async fn lines(&mut self) -> Outcome<usize> {
        let mut seen = 0;
        loop {
            let have = &self.buffer[self.start..];
            if have.first().is_some_and(|first| *first != b'+') {
                return Err(self.line().await?.to_owned().into());
            }
            if let Some(at) = memmem::find(&have[seen..], b"\r\n.\r\n") {
                let size = seen + at + 5;
                self.start += size;
                return Ok(size);
            }
            seen = have.len().saturating_sub(4);
            self.fill().await?;
        }
    }
}

/// The command without its arguments: they may hold a password.
fn verb(command: &str) -> &str {
    command.split_whitespace().next().unwrap_or_default()
}

/// A letter that is ready for DATA, different each time by its Message-ID.
#[derive(Clone)]
pub(crate) struct Letter {
    bytes: Vec<u8>,
    number: usize,
}

impl Letter {
    /// A letter of `size` octets from `from`, the line that ends DATA not counted.
    pub(crate) fn new(from: &str, size: usize) -> Letter {
        let mut text = format!(
            "From: <{from}>\r\nTo: <you@{DOMAIN}>\r\nSubject: figures\r\nDate: Mon, 23 Nov 2026 12:00:00 +0000\r\n\
             MIME-Version: 1.0\r\nContent-Type: text/plain; charset=us-ascii\r\nMessage-ID: <"
        );
        let number = text.len();
        let _ = write!(text, "{:016}@{DOMAIN}>\r\n\r\n", 0);
        const LINE: &str = "The quick brown fox jumps over the lazy dog, and does so in every letter.\r\n";
        while text.len() + LINE.len() <= size {
            text.push_str(LINE);
        }
        let rest = size.saturating_sub(text.len());
        if rest > 2 {
            text.extend(std::iter::repeat_n('x', rest - 2));
            text.push_str("\r\n");
        }
        text.push_str(".\r\n");
        Letter { bytes: text.into_bytes(), number }
    }

    /// The letter with this number in its Message-ID.
    pub(crate) fn numbered(&mut self, number: u64) -> &[u8] {
        let digits = format!("{number:016}");
        self.bytes[self.number..self.number + digits.len()].copy_from_slice(digits.as_bytes());
        &self.bytes
    }
}
