//! A stored body on its way out: in chunks, a part of it in chunks, or whole.
//!
//! A part can't be held against the body's checksum, but its frame's header, which has one of its own, says whose body
//! it is and how long.

use std::fmt;
use std::fs::File;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use bytes::Bytes;
use postern_model::{AccountId, LetterId};

use super::BodyRef;
use super::frame::{HEADER, Header};
use crate::error::StoreError;
use crate::keys;
use crate::shared::Shared;

/// Octets of a chunk at most.
pub(crate) const CHUNK: usize = 64 << 10;
/// How often a body is looked up again that was moved between being found and being opened.
const ATTEMPTS: usize = 4;
/// Octets between a frame's header and a part of the body that are read along rather than skipped by a second read.
const SKIPPED: u64 = 8 << 10;
/// Octets of a body that is read whole at most.
pub(crate) const WHOLE: u64 = 64 << 20;

/// Reads one body, or a part of it, from beginning to end. It stays readable when the letter is dropped meanwhile.
pub struct BodyReader {
    shared: Arc<Shared>,
    file: Arc<File>,
    account: AccountId,
    letter: LetterId,
    /// Octets of the body, or of the part.
    length: u64,
    /// The chunk that was read on opening.
    first: Option<Bytes>,
    /// Where the next chunk begins in the file, and where the body, or the part, ends.
    position: u64,
    end: u64,
    crc: crc32fast::Hasher,
    /// The body's checksum; `None` where only a part is read.
    expected: Option<u32>,
}

impl BodyReader {
    /// Finds a body and reads the first chunk of `range`, which is cut to the body; blocks.
    pub(crate) fn open(
        shared: &Arc<Shared>,
        account: AccountId,
        letter: LetterId,
        range: &Range<u64>,
    ) -> Result<BodyReader, StoreError> {
        let (file, place) = find(shared, account, letter)?;
        let end = range.end.min(place.length);
        let start = range.start.min(end);
        let first = usize::try_from(end - start).unwrap_or(usize::MAX).min(CHUNK);
        let (header, octets) = read_from(&file, place.offset, start, first)
            .and_then(|(head, octets)| Ok((verified(&head, &place, letter)?, octets)))
            .map_err(|error| named(account, letter, error))?;
        let body = place.offset + HEADER as u64;
        let mut reader = BodyReader {
            shared: shared.clone(),
            file,
            account,
            letter,
            length: end - start,
            first: None,
            position: body + start + first as u64,
            end: body + end,
            crc: crc32fast::Hasher::new(),
            expected: (end - start == place.length).then_some(header.body_crc),
        };
        reader.verify(&octets)?;
        reader.first = Some(octets).filter(|octets| !octets.is_empty());
        Ok(reader)
    }

    /// Octets of the body, or of the part of it.
    pub fn len(&self) -> u64 {
        self.length
    }

    /// Whether there is no octet.
    pub fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// The next octets, up to 64 KiB; `None` behind the last. A dropped future loses nothing.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] instead of the last chunk where the body is not what was stored (of a part that can't be
    /// told);
    /// [`StoreError::Io`], [`StoreError::Busy`], [`StoreError::Closed`].
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, StoreError> {
        if let Some(first) = self.first.take() {
            return Ok(Some(first));
        }
        let left = usize::try_from(self.end - self.position).unwrap_or(usize::MAX);
        if left == 0 {
            return Ok(None);
        }
        let (file, position, length) = (self.file.clone(), self.position, left.min(CHUNK));
        let octets = self.shared.readers.run(move || read_at(&file, position, length)).await?;
        self.position += octets.len() as u64;
        self.verify(&octets)?;
        Ok(Some(octets))
    }

    /// Takes a chunk into the checksum and compares it behind the last one.
    fn verify(&mut self, octets: &[u8]) -> Result<(), StoreError> {
        let Some(expected) = self.expected else { return Ok(()) };
        self.crc.update(octets);
        if self.position == self.end && self.crc.clone().finalize() != expected {
            return Err(named(self.account, self.letter, StoreError::damaged(WRONG_CHECKSUM)));
        }
        Ok(())
    }
}

impl fmt::Debug for BodyReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BodyReader(letter {}, {} octets)", self.letter, self.length)
    }
}

/// Reads a body whole into `buffer`, behind what surrounds it, and returns where in it the body lies; blocks.
///
/// # Errors
/// [`StoreError::TooLarge`] for one of more than 64 MiB, and as [`crate::Store::open_body`].
pub(crate) fn read_whole(
    shared: &Shared,
    account: AccountId,
    letter: LetterId,
    buffer: &mut Vec<u8>,
) -> Result<Range<usize>, StoreError> {
    let (file, place) = find(shared, account, letter)?;
    let length = usize::try_from(place.length).unwrap_or(usize::MAX);
    if place.length > WHOLE {
        return Err(StoreError::TooLarge { what: "letter read whole" });
    }
    buffer.resize(HEADER + length, 0);
    let judge = |octets: &[u8]| {
        let (head, body) = octets.split_first_chunk().ok_or_else(|| StoreError::damaged(TOO_SHORT))?;
        let header = verified(head, &place, letter)?;
        let is_sound = crc32fast::hash(body) == header.body_crc;
        if is_sound { Ok(()) } else { Err(StoreError::damaged(WRONG_CHECKSUM)) }
    };
    fill(&file, place.offset, buffer)
        .and_then(|()| judge(buffer))
        .map_err(|error| named(account, letter, error))?;
    Ok(HEADER..HEADER + length)
}

/// Where a letter's body lies, with its segment open.
fn find(shared: &Shared, account: AccountId, letter: LetterId) -> Result<(Arc<File>, BodyRef), StoreError> {
    for _ in 0..ATTEMPTS {
        let found = shared.view(|view| view.get(&keys::body(account, letter)))?;
        let place = found.ok_or(StoreError::NotFound)?;
        match shared.files.get(place.segment) {
            Ok(file) => return Ok((file, place)),
            // Compaction moved the body away and dropped the segment: the index knows where to.
            Err(StoreError::NotFound) => {}
            Err(error) => return Err(error),
        }
    }
    Err(named(account, letter, StoreError::damaged("its segment is missing")))
}

/// A frame's header, and `length` octets of its body from `start` on: with one read where they lie close together.
fn read_from(
    file: &File,
    frame: u64,
    start: u64,
    length: usize,
) -> Result<([u8; HEADER], Bytes), StoreError> {
    let skipped = usize::try_from(start.min(SKIPPED)).unwrap_or(0);
    let mut head = [0; HEADER];
    if start > SKIPPED {
        fill(file, frame, &mut head)?;
        return Ok((head, read_at(file, frame + HEADER as u64 + start, length)?));
    }
    let mut octets = read_at(file, frame, HEADER + skipped + length)?;
    head.copy_from_slice(&octets.split_to(HEADER));
    Ok((head, octets.split_off(skipped)))
}

/// The header of the frame that holds the body of `letter`.
fn verified(head: &[u8; HEADER], place: &BodyRef, letter: LetterId) -> Result<Header, StoreError> {
    let header = Header::decode(head).map_err(StoreError::damaged)?;
    if header.letter != place.written_as(letter) || header.length != place.length {
        return Err(StoreError::damaged("another letter lies in its place"));
    }
    Ok(header)
}

fn read_at(file: &File, offset: u64, length: usize) -> Result<Bytes, StoreError> {
    let mut octets = vec![0; length];
    fill(file, offset, &mut octets).map(|()| Bytes::from(octets))
}

fn fill(file: &File, offset: u64, octets: &mut [u8]) -> Result<(), StoreError> {
    match file.read_exact_at(octets, offset) {
        Ok(()) => Ok(()),
        Err(e) if e.kind() == std::io::ErrorKind::UnexpectedEof => Err(StoreError::damaged(TOO_SHORT)),
        Err(e) => Err(StoreError::io("read a letter", e)),
    }
}

const TOO_SHORT: &str = "a segment is shorter than the index says";
const WRONG_CHECKSUM: &str = "the body has a wrong checksum";

/// Says whose body is damaged, where that is what is wrong.
fn named(account: AccountId, letter: LetterId, error: StoreError) -> StoreError {
    match error {
        StoreError::Damaged { what } => {
            StoreError::damaged(format!("letter {letter} of account {account}: {what}"))
        }
        other => other,
    }
}
