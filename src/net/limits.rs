//! Who is connected: how many in all and from each address, and how to tell them all that the server stops.
//!
//! One lock, taken when a connection comes and when it goes; nothing is kept of a client that has gone. How many
//! connections an account may have is AccountActor's to say.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use actix::Recipient;
use postern_actors::order::Tell;
use postern_model::SessionId;
use tokio::sync::{Notify, oneshot, watch};

use super::network::Network;

/// How many connections there may be (`POSTERN_MAX_CONNECTIONS*`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// In all.
    pub total: usize,
    /// From one IPv4 address or IPv6 /64.
    pub per_address: usize,
    /// Handshakes for TLS that may be under way at a time; one more ends the one that began first.
    pub handshakes: usize,
}

/// Why a connection is turned away before its session begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Crowd {
    /// The server has as many connections as it may.
    Total,
    /// The client's address has as many as it may.
    Address {
        /// How many.
        limit: usize,
    },
    /// So many are being turned away already that this one is not worth a word.
    Flood,
}

/// Connections above a limit that are told why; more are closed without a word, since telling costs a socket.
const TOLD_IN_ALL: usize = 64;
const TOLD_PER_ADDRESS: usize = 4;

/// All connections of the process.
#[derive(Debug)]
pub struct Connections {
    limits: Limits,
    next: AtomicU64,
    table: Mutex<Table>,
    /// Woken whenever a connection goes.
    left: Notify,
    /// Whether the server stops.
    stop: watch::Sender<bool>,
}

#[derive(Debug, Default)]
struct Table {
    total: usize,
    /// By their connection's number, so in the order in which they came. Dropped, a sender ends its handshake.
    handshakes: BTreeMap<SessionId, oneshot::Sender<()>>,
    addresses: HashMap<Network, usize>,
    inboxes: HashMap<SessionId, Recipient<Tell>>,
}

impl Connections {
    /// An empty table.
    pub fn new(limits: Limits) -> Arc<Connections> {
        Arc::new(Connections {
            limits,
            next: AtomicU64::new(1),
            table: Mutex::default(),
            left: Notify::new(),
            stop: watch::Sender::new(false),
        })
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.table().total
    }

    /// Counts one more connection. What it is counted by is given back when the [`Seat`] is dropped.
    pub(crate) fn arrive(self: &Arc<Connections>) -> (Seat, Result<(), Crowd>) {
        let mut table = self.table();
        table.total += 1;
        let fits = match table.total.saturating_sub(self.limits.total) {
            0 => Ok(()),
            1..=TOLD_IN_ALL => Err(Crowd::Total),
            _ => Err(Crowd::Flood),
        };
        drop(table);
        let id = SessionId(self.next.fetch_add(1, Ordering::Relaxed));
        (Seat { connections: self.clone(), id, address: None, announced: false }, fits)
    }

    /// Tells every session that the server stops, also those that are just beginning.
    pub(crate) fn tell_stopping(&self) {
        let table = self.table();
        self.stop.send_replace(true);
        for inbox in table.inboxes.values() {
            inbox.do_send(Tell::Stopping);
        }
    }

    /// Returns when the server stops.
    pub(crate) async fn stopping(&self) {
        // The sender lives as long as `self`.
        let _ = self.stop.subscribe().wait_for(|stopped| *stopped).await;
    }

    /// Returns when nobody is connected any more, or after `grace`; whether all have gone.
    pub async fn empty(&self, grace: Duration) -> bool {
        let gone = async {
            loop {
                let left = self.left.notified();
                if self.count() == 0 {
                    return;
                }
                left.await;
            }
        };
        tokio::time::timeout(grace, gone).await.is_ok()
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One connection's place among all.
#[derive(Debug)]
pub(crate) struct Seat {
    connections: Arc<Connections>,
    id: SessionId,
    address: Option<Network>,
    announced: bool,
}

impl Seat {
    /// The connection's number.
    pub(crate) fn id(&self) -> SessionId {
        self.id
    }

    /// Counts it among those from `peer`.
    pub(crate) fn count_address(&mut self, peer: IpAddr) -> Result<(), Crowd> {
        let network = Network::of_client(peer);
        self.address = Some(network);
        let limit = self.connections.limits.per_address;
        let mut table = self.connections.table();
        let count = table.addresses.entry(network).or_insert(0);
        *count += 1;
        match count.saturating_sub(limit) {
            0 => Ok(()),
            1..=TOLD_PER_ADDRESS => Err(Crowd::Address { limit }),
            _ => Err(Crowd::Flood),
        }
    }

    /// A handshake begins. Where too many are under way the oldest makes room: an honest client is done in a moment, so
    /// the oldest is one that only holds a place, and holding all of them keeps nobody out.
    pub(crate) fn handshake(&self) -> Handshake {
        let (place, displaced) = oneshot::channel();
        let mut table = self.connections.table();
        if table.handshakes.len() >= self.connections.limits.handshakes {
            table.handshakes.pop_first();
        }
        table.handshakes.insert(self.id, place);
        Handshake { connections: self.connections.clone(), id: self.id, displaced }
    }

    /// From now on it can be told that the server stops.
    pub(crate) fn announce(&mut self, inbox: Recipient<Tell>) {
        self.announced = true;
        let mut table = self.connections.table();
        if *self.connections.stop.borrow() {
            inbox.do_send(Tell::Stopping);
        }
        table.inboxes.insert(self.id, inbox);
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut table = self.connections.table();
        table.total = table.total.saturating_sub(1);
        if let Some(network) = self.address
            && let Some(count) = table.addresses.get_mut(&network)
        {
            *count -= 1;
            if *count == 0 {
                table.addresses.remove(&network);
            }
        }
        // Dropped behind the lock: the last address of an actor may be this one.
        let inbox = if self.announced { table.inboxes.remove(&self.id) } else { None };
        drop(table);
        drop(inbox);
        self.connections.left.notify_waiters();
    }
}

/// A handshake that is under way; it counts until it is dropped.
#[derive(Debug)]
pub(crate) struct Handshake {
    connections: Arc<Connections>,
    id: SessionId,
    displaced: oneshot::Receiver<()>,
}

impl Handshake {
    /// Returns when it has to make room for another.
    pub(crate) async fn displaced(&mut self) {
        // Nothing is ever sent: the sender's end is the message.
        let _ = (&mut self.displaced).await;
    }
}

impl Drop for Handshake {
    fn drop(&mut self) {
        self.connections.table().handshakes.remove(&self.id);
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::oneshot::error::TryRecvError;

    use super::*;

    fn connections() -> Arc<Connections> {
        Connections::new(Limits { total: 3, per_address: 2, handshakes: 1 })
    }

    fn ip(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    #[test]
    fn an_address_has_its_share_and_gets_it_back() {
        let all = connections();
        let mut seats: Vec<Seat> = (0..3).map(|_| all.arrive().0).collect();
        assert_eq!(seats[0].count_address(ip("2001:db8::1")), Ok(()));
        assert_eq!(seats[1].count_address(ip("2001:db8::2")), Ok(()));
        assert_eq!(seats[2].count_address(ip("2001:db8::3")), Err(Crowd::Address { limit: 2 }));
        seats.truncate(1);
        let (mut next, _) = all.arrive();
        assert_eq!(next.count_address(ip("2001:db8::4")), Ok(()));
        drop((seats, next));
        assert!(all.table().addresses.is_empty(), "nothing is kept of who has gone");
    }

    #[test]
    fn the_whole_is_limited_too() {
        let all = connections();
        let seats: Vec<_> = (0..4).map(|_| all.arrive()).collect();
        assert_eq!(seats[2].1, Ok(()));
        assert_eq!(seats[3].1, Err(Crowd::Total));
        assert_ne!(seats[0].0.id(), seats[1].0.id());
        drop(seats);
        assert_eq!(all.count(), 0);
    }

    #[test]
    fn a_flood_is_not_worth_a_word() {
        let all = Connections::new(Limits { total: 100, per_address: 1, handshakes: 1 });
        let mut seats: Vec<Seat> = (0..7).map(|_| all.arrive().0).collect();
        let words: Vec<_> = seats.iter_mut().map(|seat| seat.count_address(ip("192.0.2.1"))).collect();
        assert_eq!(words[0], Ok(()));
        assert_eq!(words[1..5], [Err(Crowd::Address { limit: 1 }); 4]);
        assert_eq!(words[5..], [Err(Crowd::Flood); 2]);
    }

    #[test]
    fn of_too_many_handshakes_the_oldest_goes() {
        let all = connections();
        let seats: Vec<Seat> = (0..3).map(|_| all.arrive().0).collect();
        let mut first = seats[0].handshake();
        let mut second = seats[1].handshake();
        assert!(first.displaced.try_recv().is_err_and(|e| e == TryRecvError::Closed));
        assert!(second.displaced.try_recv().is_err_and(|e| e == TryRecvError::Empty));
        drop(first);
        assert_eq!(all.table().handshakes.len(), 1, "the place is the second's");
        drop(second);
        let mut third = seats[2].handshake();
        assert!(third.displaced.try_recv().is_err_and(|e| e == TryRecvError::Empty));
        drop(third);
        assert!(all.table().handshakes.is_empty());
    }
}
