//! A server elsewhere that takes every letter and remembers it: who got which, and when.

use std::collections::BTreeMap;
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use super::rig_id;

/// One copy of a letter, as it came.
#[derive(Clone, Debug)]
pub(crate) struct Copy {
    /// What [`Sink::turn`] was when its 250 went out.
    pub(crate) turn: u32,
    /// All of it.
    pub(crate) bytes: Vec<u8>,
}

/// Letters by rig id and recipient.
pub(crate) type Taken = BTreeMap<(u64, String), Vec<Copy>>;

/// The server. Dropped, it takes no more connections.
pub(crate) struct Sink {
    address: SocketAddr,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    taken: Mutex<Taken>,
    turn: AtomicU32,
    over: AtomicBool,
}

impl Sink {
    /// Listens on a free port of 127.0.0.1.
    pub(crate) fn open() -> Sink {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("a bound socket has an address");
        let shared = Arc::new(Shared::default());
        let sink = Sink { address, shared: Arc::clone(&shared) };
        thread::spawn(move || {
            for stream in listener.incoming() {
                if shared.over.load(Ordering::SeqCst) {
                    return;
                }
                let shared = Arc::clone(&shared);
                // A connection that breaks is the sender's affair.
                thread::spawn(move || stream.and_then(|stream| converse(&stream, &shared)));
            }
        });
        sink
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// A new part of the test begins; copies are told apart by it.
    pub(crate) fn turn(&self) {
        self.shared.turn.fetch_add(1, Ordering::SeqCst);
    }

    /// All that was taken so far.
    pub(crate) fn taken(&self) -> Taken {
        self.shared.taken.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        self.shared.over.store(true, Ordering::SeqCst);
        // Wakes the thread that accepts.
        let _ = TcpStream::connect(self.address);
    }
}

fn converse(stream: &TcpStream, shared: &Shared) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let (mut reader, mut writer) = (BufReader::new(stream), stream);
    writer.write_all(b"220 far.test ESMTP\r\n")?;
    let mut recipients = Vec::new();
    let mut line = String::new();
    loop {
        line.clear();
        if reader.read_line(&mut line)? == 0 {
            return Ok(());
        }
        let verb = line.get(..4).unwrap_or("").to_ascii_uppercase();
        let answer: &[u8] = match verb.as_str() {
            "EHLO" => b"250-far.test\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250 SIZE 0\r\n",
            "RCPT" => {
                let address = line.split(['<', '>']).nth(1).unwrap_or("").to_owned();
                recipients.push(address);
                b"250 2.1.5 known\r\n"
            }
            "DATA" => {
                writer.write_all(b"354 go on\r\n")?;
                let bytes = letter(&mut reader)?;
                take(shared, &bytes, &std::mem::take(&mut recipients));
                b"250 2.0.0 taken\r\n"
            }
            "QUIT" => return writer.write_all(b"221 2.0.0 bye\r\n"),
            "RSET" => {
                recipients.clear();
                b"250 2.0.0 forgotten\r\n"
            }
            _ => b"250 2.0.0 well\r\n",
        };
        writer.write_all(answer)?;
    }
}

fn letter(reader: &mut BufReader<&TcpStream>) -> io::Result<Vec<u8>> {
    let (mut bytes, mut line) = (Vec::new(), Vec::new());
    loop {
        line.clear();
        if reader.read_until(b'\n', &mut line)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if line == b".\r\n" {
            return Ok(bytes);
        }
        bytes.extend_from_slice(line.strip_prefix(b".").unwrap_or(&line));
    }
}

fn take(shared: &Shared, bytes: &[u8], recipients: &[String]) {
    let Some(id) = rig_id(bytes) else { return };
    let turn = shared.turn.load(Ordering::SeqCst);
    let mut taken = shared.taken.lock().unwrap_or_else(PoisonError::into_inner);
    for recipient in recipients {
        taken.entry((id, recipient.clone())).or_default().push(Copy { turn, bytes: bytes.to_vec() });
    }
}
