//! Packets of the milter protocol: four octets of length, a command, its data.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{Instant, timeout_at};

use super::Stream;
use crate::filter::failure::Failure;

/// The largest packet that is read: what a filter may send at once in version 6.
pub(super) const PACKET_MOST: usize = 1 << 20;
/// Octets that are written at once.
const WRITTEN_AT_ONCE: usize = 64 << 10;

/// A command or a reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Packet {
    pub(super) command: u8,
    pub(super) data: Vec<u8>,
}

/// A connection that speaks in packets, and how long it may.
pub(super) struct Wire {
    stream: Box<dyn Stream>,
    /// What is not written yet.
    out: Vec<u8>,
    deadline: Instant,
    /// What the deadline is put off by when the filter says that it is at work, and until when at most.
    patience: Duration,
    end: Instant,
}

impl Wire {
    pub(super) fn new(stream: Box<dyn Stream>, deadline: Instant, patience: Duration, end: Instant) -> Wire {
        Wire { stream, out: Vec::new(), deadline, patience, end }
    }

    /// Sends a packet; it may wait until an answer is awaited.
    pub(super) async fn send(&mut self, command: u8, data: &[&[u8]]) -> Result<(), Failure> {
        let length = 1 + data.iter().map(|part| part.len()).sum::<usize>();
        let length = u32::try_from(length).map_err(|_| Failure::garbage("a packet that is too long"))?;
        self.out.extend_from_slice(&length.to_be_bytes());
        self.out.push(command);
        data.iter().for_each(|part| self.out.extend_from_slice(part));
        if self.out.len() >= WRITTEN_AT_ONCE { self.flush().await } else { Ok(()) }
    }

    /// Writes what was sent.
    pub(super) async fn flush(&mut self) -> Result<(), Failure> {
        let written = timeout_at(self.deadline, self.stream.write_all(&self.out)).await;
        written.map_err(|_| Failure::Slow)??;
        self.out.clear();
        Ok(())
    }

    /// The next packet.
    pub(super) async fn receive(&mut self) -> Result<Packet, Failure> {
        self.flush().await?;
        timeout_at(self.deadline, read(&mut self.stream)).await.map_err(|_| Failure::Slow)?
    }

    /// The filter is at work: it gets more time, but not for ever.
    pub(super) fn progress(&mut self) {
        self.deadline = (Instant::now() + self.patience).min(self.end);
    }
}

async fn read(stream: &mut Box<dyn Stream>) -> Result<Packet, Failure> {
    let length = stream.read_u32().await? as usize;
    if !(1..=PACKET_MOST).contains(&length) {
        return Err(Failure::garbage(format!("a packet of {length} octets")));
    }
    let command = stream.read_u8().await?;
    let mut data = Vec::new();
    // Room is taken as octets come, not as they are promised.
    (&mut *stream).take(length as u64 - 1).read_to_end(&mut data).await?;
    if data.len() + 1 < length {
        return Err(Failure::Broken(std::io::ErrorKind::UnexpectedEof.into()));
    }
    Ok(Packet { command, data })
}

/// Texts that end with NUL each; what stands behind the last NUL is left out.
pub(super) fn strings(data: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = data;
    std::iter::from_fn(move || {
        let end = memchr::memchr(0, rest)?;
        let (text, tail) = rest.split_at(end);
        rest = &tail[1..];
        Some(text)
    })
}

/// A number of four octets in front, and what stands behind it.
pub(super) fn number(data: &[u8]) -> Option<(u32, &[u8])> {
    data.split_first_chunk().map(|(number, rest)| (u32::from_be_bytes(*number), rest))
}
