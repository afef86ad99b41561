//! The machine's own limits: what TLS costs without a mail server behind it, and what the disk gives.
//!
//! The bare server is this program once more, as a process of its own: tokio and rustls on one thread, nothing else. It
//! says one line to whoever comes; a `b` from the client makes it send as much as the connection takes.

use std::fs::{File, OpenOptions};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use crate::client::Target;
use crate::load::{all, millis};
use crate::server::{Certificate, scratch};
use crate::{Outcome, process};

/// The argument that makes this program the bare server, followed by the directory of its certificate.
pub(crate) const ARGUMENT: &str = "--bare-server";
/// Connections that are opened at once where logins and handshakes are counted.
pub(crate) const AT_ONCE: usize = 16;
/// Size of what is appended, in octets: a letter's.
const APPEND: usize = 10 << 10;

/// The bare server's process; it ends when this is dropped.
pub(crate) struct Bare {
    /// Where it listens.
    pub(crate) target: Target,
    child: Child,
    /// Its end is the sign to leave.
    _stdin: Option<ChildStdin>,
}

impl Bare {
    /// Starts it.
    pub(crate) fn start(certificate: &Certificate) -> Outcome<Bare> {
        let mut child = Command::new(std::env::current_exe()?)
            .arg(ARGUMENT)
            .arg(certificate.dir())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut line = String::new();
        BufReader::new(child.stdout.take().ok_or("no output")?).read_line(&mut line)?;
        let target = Target::new(line.trim().parse()?, &certificate.authority)?;
        let stdin = child.stdin.take();
        Ok(Bare { target, child, _stdin: stdin })
    }

    /// Its proportional set size, in KiB.
    pub(crate) fn pss(&self) -> Outcome<f64> {
        process::pss(self.child.id())
    }

    /// New connections a second, [`AT_ONCE`] at once, for one round.
    pub(crate) async fn handshakes(&self, length: Duration) -> Outcome<f64> {
        let end = Instant::now() + length;
        let workers = (0..AT_ONCE).map(|number| (self.target.clone(), number)).collect();
        let done = all(workers, move |(target, number)| async move {
            let mut times = Vec::new();
            while Instant::now() < end {
                let begun = Instant::now();
                target.greeted(number).await?;
                times.push(millis(begun));
            }
            Ok(times)
        });
        Ok(done.await?.rate())
    }

    /// What one connection carries, in MB/s, for one round.
    pub(crate) async fn throughput(&self, length: Duration) -> Outcome<f64> {
        let mut wire = self.target.greeted(0).await?;
        wire.send(b"b").await?;
        let begun = Instant::now();
        let mut octets = 0;
        while begun.elapsed() < length {
            octets += wire.swallow().await?;
        }
        Ok(octets as f64 / 1e6 / begun.elapsed().as_secs_f64())
    }
}

impl Drop for Bare {
    fn drop(&mut self) {
        // Where it has ended already, there is nothing left to do.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The bare server's own life, until its standard input ends.
pub(crate) fn serve(dir: &Path) -> Outcome<()> {
    let chain = CertificateDer::pem_file_iter(dir.join("cert.pem"))?.collect::<Result<_, _>>()?;
    let key = PrivateKeyDer::from_pem_file(dir.join("key.pem"))?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .with_no_client_auth()
        .with_single_cert(chain, key)?;
    let acceptor = TlsAcceptor::from(Arc::new(config));
    std::thread::spawn(|| {
        let _ = std::io::stdin().read(&mut [0]);
        std::process::exit(0);
    });
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        println!("{}", listener.local_addr()?);
        std::io::stdout().flush()?;
        loop {
            let (stream, _) = listener.accept().await?;
            // A client that goes away ends its own task alone.
            tokio::spawn(attend(acceptor.clone(), stream));
        }
    })
}

async fn attend(acceptor: TlsAcceptor, stream: TcpStream) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut stream = acceptor.accept(stream).await?;
    stream.write_all(b"+OK bare\r\n").await?;
    stream.flush().await?;
    if stream.read_u8().await? == b'b' {
        let piece = vec![0; 64 << 10].into_boxed_slice();
        loop {
            stream.write_all(&piece).await?;
        }
    }
    Ok(())
}

/// How appends reach the disk.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Sync {
    /// Each thread for itself.
    Naive,
    /// One thread for all that wait.
    Gathered,
}

/// What appenders share.
struct Appender {
    file: File,
    sync: Sync,
    state: Mutex<State>,
    synced: Condvar,
}

#[derive(Default)]
struct State {
    appended: u64,
    durable: u64,
    syncing: bool,
}

impl Appender {
    /// Appends a piece and comes back when it is on disk.
    fn append(&self, piece: &[u8]) -> std::io::Result<()> {
        let lock = || self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let mine = {
            let mut state = lock();
            (&self.file).write_all(piece)?;
            state.appended += 1;
            state.appended
        };
        if self.sync == Sync::Naive {
            return self.file.sync_data();
        }
        let mut state = lock();
        while state.durable < mine {
            if state.syncing {
                state = self.synced.wait(state).unwrap_or_else(PoisonError::into_inner);
                continue;
            }
            state.syncing = true;
            let covered = state.appended;
            drop(state);
            let done = self.file.sync_data();
            state = lock();
            state.syncing = false;
            state.durable = covered;
            self.synced.notify_all();
            done?;
        }
        Ok(())
    }
}

/// Appends of 10 KiB that were on disk, a second, from so many threads, for one round.
pub(crate) fn appends(threads: usize, sync: Sync, length: Duration) -> Outcome<f64> {
    let dir = scratch()?;
    let file = OpenOptions::new().append(true).create(true).open(dir.path().join("file"))?;
    let appender = Appender { file, sync, state: Mutex::default(), synced: Condvar::new() };
    let (over, count) = (AtomicBool::new(false), AtomicU64::new(0));
    let piece = [b'x'; APPEND];
    let begun = Instant::now();
    std::thread::scope(|scope| {
        let work = || {
            while !over.load(Ordering::Relaxed) {
                appender.append(&piece)?;
                count.fetch_add(1, Ordering::Relaxed);
            }
            std::io::Result::Ok(())
        };
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        std::thread::sleep(length);
        over.store(true, Ordering::Relaxed);
        workers.into_iter().try_for_each(|worker| worker.join().unwrap_or(Ok(())))
    })?;
    Ok(count.load(Ordering::Relaxed) as f64 / begun.elapsed().as_secs_f64())
}
