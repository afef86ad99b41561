//! A cable that can be cut: forwards connections to a server, and on request only so many octets of its answers.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

/// The cable. Its address stays the same, so that programs know the server again.
pub(crate) struct Cut {
    address: SocketAddr,
    state: Arc<State>,
}

struct State {
    /// Octets that a new connection gets from the server before it breaks.
    limit: AtomicU64,
    over: AtomicBool,
}

impl Cut {
    /// Forwards to `server` until dropped.
    pub(crate) fn new(server: SocketAddr) -> Cut {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("a bound socket has an address");
        let state = Arc::new(State { limit: AtomicU64::new(u64::MAX), over: AtomicBool::new(false) });
        let shared = Arc::clone(&state);
        thread::spawn(move || {
            for client in listener.incoming() {
                if shared.over.load(Ordering::SeqCst) {
                    return;
                }
                let (Ok(client), Ok(server)) = (client, TcpStream::connect(server)) else { continue };
                forward(client, server, shared.limit.load(Ordering::SeqCst));
            }
        });
        Cut { address, state }
    }

    /// Where to connect.
    pub(crate) fn port(&self) -> u16 {
        self.address.port()
    }

    /// New connections break after `octets` from the server.
    pub(crate) fn after(&self, octets: u64) {
        self.state.limit.store(octets, Ordering::SeqCst);
    }

    /// New connections hold.
    pub(crate) fn never(&self) {
        self.after(u64::MAX);
    }
}

impl Drop for Cut {
    fn drop(&mut self) {
        self.state.over.store(true, Ordering::SeqCst);
        // Wakes the thread, which ends then.
        let _ = TcpStream::connect(self.address);
    }
}

fn forward(client: TcpStream, server: TcpStream, limit: u64) {
    let quick = client.set_nodelay(true).and_then(|()| server.set_nodelay(true));
    quick.expect("sockets can be told not to wait for more");
    let (Ok(client_again), Ok(server_again)) = (client.try_clone(), server.try_clone()) else { return };
    thread::spawn(move || pump(&client, &server, u64::MAX));
    thread::spawn(move || pump(&server_again, &client_again, limit));
}

fn pump(mut from: &TcpStream, mut to: &TcpStream, mut limit: u64) {
    let mut buffer = [0; 16 << 10];
    while limit > 0 {
        let room = buffer.len().min(usize::try_from(limit).unwrap_or(usize::MAX));
        match from.read(&mut buffer[..room]) {
            Ok(n) if n > 0 && to.write_all(&buffer[..n]).is_ok() => limit -= n as u64,
            _ => break,
        }
    }
    let _ = to.shutdown(Shutdown::Both);
    let _ = from.shutdown(Shutdown::Both);
}
