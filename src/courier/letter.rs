//! A letter made ready to leave: its Return-Path left behind, our header fields and the signature in front, and converted
//! where the server takes less than it holds.
//!
//! A letter that is only passed on streams from the store at the server's pace. One that is signed or converted is read
//! whole; [`Room`] bounds how much of such letters is in memory at once, and those beyond it go one at a time.

use std::sync::Arc;

use bytes::Bytes;
use memchr::memchr;
use postern_actors::courier::Parcel;
use postern_model::AccountId;
use postern_model::mime::Scanner;
use postern_model::record::BodyKind;
use postern_storage::{BodyReader, StoreError};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::convert::{Fit, Unconvertible, convert};
use super::seal::Seal;
use super::stuffing::with_line_ends;

/// MiB of letters that are in memory at once. A conversion takes up to three times as much for a moment.
const ROOM: u32 = 32;
/// Octets of a piece that is sent at once.
const PIECE: usize = 64 << 10;

/// Where letters that must be read whole find room; shared by all trips.
#[derive(Clone, Debug)]
pub(super) struct Room(Arc<Semaphore>);

impl Room {
    pub(super) fn new() -> Room {
        Room(Arc::new(Semaphore::new(ROOM as usize)))
    }

    /// Waits for room for so many octets; a letter larger than all of it has it alone.
    async fn take(&self, octets: u64) -> Option<OwnedSemaphorePermit> {
        let wanted = u32::try_from(octets >> 20).unwrap_or(ROOM).saturating_add(1).min(ROOM);
        // The semaphore is never closed.
        self.0.clone().acquire_many_owned(wanted).await.ok()
    }
}

/// What a server makes necessary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Needs {
    /// What it takes at most; `None`: the letter as it is.
    pub(super) fit: Option<Fit>,
    /// Headers must be ASCII: it doesn't know SMTPUTF8, and the letter was sent with it.
    pub(super) ascii_headers: bool,
}

/// Why a letter can't be sent to this server, or not now.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unsendable {
    #[error("the letter can't be read: {0}")]
    Store(#[from] StoreError),
    #[error("the next server takes less than the letter holds, and {0}")]
    Conversion(#[from] Unconvertible),
    #[error("the letter's header is not ASCII, and the next server doesn't know SMTPUTF8")]
    Utf8,
}

impl Unsendable {
    /// RFC 3463.
    pub(super) fn enhanced(&self) -> (u8, u16, u16) {
        match self {
            Unsendable::Store(_) => (4, 3, 0),
            Unsendable::Conversion(Unconvertible::Signed) => (5, 6, 2),
            Unsendable::Conversion(_) => (5, 6, 3),
            Unsendable::Utf8 => (5, 6, 7),
        }
    }
}

/// A letter's octets, ready to be sent once.
#[derive(Debug)]
pub(super) struct Letter {
    /// Octets that are sent.
    pub(super) size: u64,
    /// What they are now.
    pub(super) kind: BodyKind,
    ahead: Vec<Bytes>,
    reader: Option<BodyReader>,
    _room: Option<OwnedSemaphorePermit>,
}

impl Letter {
    /// Makes a parcel's letter ready.
    pub(super) async fn prepare(
        parcel: &Parcel,
        needs: Needs,
        seal: Option<&dyn Seal>,
        room: &Room,
    ) -> Result<Letter, Unsendable> {
        let mut reader = parcel.store.open_body(AccountId::QUEUE, parcel.id.letter).await?;
        let length = reader.len();
        let first = reader.chunk().await?.unwrap_or_default();
        let left_out = return_path(&first);
        let first = first.slice(left_out..);
        let front = Bytes::from(parcel.envelope.front.clone());
        if needs.fit.is_none() && !needs.ascii_headers && seal.is_none() {
            let size = front.len() as u64 + length - left_out as u64;
            let kind = parcel.envelope.terms.body;
            return Ok(Letter { size, kind, ahead: vec![first, front], reader: Some(reader), _room: None });
        }
        let permit = room.take(length).await;
        let mut octets = front.to_vec();
        octets.extend_from_slice(&first);
        while let Some(piece) = reader.chunk().await? {
            octets.extend_from_slice(&piece);
        }
        let (octets, kind) = made_fit(octets, parcel.envelope.terms.body, needs)?;
        let signature = match seal {
            Some(seal) => seal.signature(&parcel.envelope, &octets).await,
            None => Vec::new(),
        };
        let size = (signature.len() + octets.len()) as u64;
        let ahead = vec![octets.into(), signature.into()];
        Ok(Letter { size, kind, ahead, reader: None, _room: permit })
    }

    /// The next octets, 64 KiB at most; `None` behind the last.
    pub(super) async fn piece(&mut self) -> Result<Option<Bytes>, StoreError> {
        while let Some(octets) = self.ahead.last_mut() {
            let piece = octets.split_to(octets.len().min(PIECE));
            if octets.is_empty() {
                self.ahead.pop();
            }
            if !piece.is_empty() {
                return Ok(Some(piece));
            }
        }
        match &mut self.reader {
            Some(reader) => reader.chunk().await,
            None => Ok(None),
        }
    }
}

/// The letter as the server may have it, and what it is then.
fn made_fit(octets: Vec<u8>, kind: BodyKind, needs: Needs) -> Result<(Vec<u8>, BodyKind), Unsendable> {
    if needs.ascii_headers {
        let mut scanner = Scanner::new();
        scanner.feed(&octets);
        if scanner.finish().needs_utf8 {
            return Err(Unsendable::Utf8);
        }
    }
    match (needs.fit, kind) {
        // What is signed is what arrives: line ends that DATA would mend are mended before.
        (None, BodyKind::Binary) => Ok((octets, kind)),
        (None, _) => Ok((with_line_ends(&octets), kind)),
        (Some(Fit::Seven), _) => Ok((with_line_ends(&convert(&octets, Fit::Seven)?), BodyKind::SevenBit)),
        (Some(Fit::Eight), _) => Ok((with_line_ends(&convert(&octets, Fit::Eight)?), BodyKind::EightBit)),
    }
}

/// Octets of the Return-Path that a stored letter begins with: it is for whoever delivers last (RFC 5321 §4.4).
fn return_path(octets: &[u8]) -> usize {
    const NAME: &[u8] = b"return-path:";
    if !octets.get(..NAME.len()).is_some_and(|head| head.eq_ignore_ascii_case(NAME)) {
        return 0;
    }
    let mut end = 0;
    while let Some(line) = memchr(b'\n', &octets[end..]) {
        end += line + 1;
        if !matches!(octets.get(end), Some(b' ' | b'\t')) {
            return end;
        }
    }
    0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_return_path_stays_here() {
        for (letter, left) in [
            ("Return-Path: <a@b.test>\r\nFrom: x\r\n", "From: x\r\n"),
            ("return-path:\r\n <a@b.test>\r\n\r\nx", "\r\nx"),
            ("Return-Path: <a@b.test>", "Return-Path: <a@b.test>"),
            ("From: x\r\nReturn-Path: <a@b.test>\r\n", "From: x\r\nReturn-Path: <a@b.test>\r\n"),
            ("Return-Path", "Return-Path"),
        ] {
            assert_eq!(&letter[return_path(letter.as_bytes())..], left);
        }
    }
}
