//! A stored body on its way out, in chunks.

use std::fmt;
use std::fs::File;
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

/// Reads one body from its beginning to its end. It stays readable when the letter is dropped meanwhile.
pub struct BodyReader {
    shared: Arc<Shared>,
    file: Arc<File>,
    account: AccountId,
    letter: LetterId,
    length: u64,
    /// The chunk that was read on opening.
    first: Option<Bytes>,
    /// Where the next chunk begins in the file, and where the body ends.
    position: u64,
    end: u64,
    crc: crc32fast::Hasher,
    expected: u32,
}

impl BodyReader {
    /// Finds a body and reads its first chunk; blocks.
    pub(crate) fn open(
        shared: &Arc<Shared>,
        account: AccountId,
        letter: LetterId,
    ) -> Result<BodyReader, StoreError> {
        for _ in 0..ATTEMPTS {
            let found = shared.view(|view| view.get(&keys::body(account, letter)))?;
            let place = found.ok_or(StoreError::NotFound)?;
            match shared.files.get(place.segment) {
                Ok(file) => return BodyReader::begin(shared.clone(), file, account, letter, place),
                // Compaction moved the body away and dropped the segment: the index knows where to.
                Err(StoreError::NotFound) => {}
                Err(error) => return Err(error),
            }
        }
        Err(damaged(account, letter, "its segment is missing"))
    }

    fn begin(
        shared: Arc<Shared>,
        file: Arc<File>,
        account: AccountId,
        letter: LetterId,
        place: BodyRef,
    ) -> Result<BodyReader, StoreError> {
        let length = usize::try_from(place.length).unwrap_or(usize::MAX).min(CHUNK);
        let mut octets = read_at(&file, place.offset, HEADER + length)?;
        let mut head = [0; HEADER];
        head.copy_from_slice(&octets.split_to(HEADER));
        let header = Header::decode(&head).map_err(|what| damaged(account, letter, what))?;
        if header.letter != place.written_as(letter) || header.length != place.length {
            return Err(damaged(account, letter, "another letter lies in its place"));
        }
        let begin = place.offset + HEADER as u64;
        let mut reader = BodyReader {
            shared,
            file,
            account,
            letter,
            length: place.length,
            first: None,
            position: begin + length as u64,
            end: begin + place.length,
            crc: crc32fast::Hasher::new(),
            expected: header.body_crc,
        };
        reader.verify(&octets)?;
        reader.first = Some(octets).filter(|octets| !octets.is_empty());
        Ok(reader)
    }

    /// Octets of the body.
    pub fn len(&self) -> u64 {
        self.length
    }

    /// Whether the body has no octet.
    pub fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// The next octets, up to 64 KiB; `None` behind the last. A dropped future loses nothing.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] instead of the last chunk where the body is not what was stored;
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
        self.crc.update(octets);
        if self.position == self.end && self.crc.clone().finalize() != self.expected {
            return Err(damaged(self.account, self.letter, "the body has a wrong checksum"));
        }
        Ok(())
    }
}

impl fmt::Debug for BodyReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BodyReader(letter {}, {} octets)", self.letter, self.length)
    }
}

fn read_at(file: &File, offset: u64, length: usize) -> Result<Bytes, StoreError> {
    let mut octets = vec![0; length];
    match file.read_exact_at(&mut octets, offset) {
        Ok(()) => Ok(Bytes::from(octets)),
        Err(e) if e.kind() == std::io::ErrorKind::UnexpectedEof => {
            Err(StoreError::damaged("a segment is shorter than the index says"))
        }
        Err(e) => Err(StoreError::io("read a letter", e)),
    }
}

fn damaged(account: AccountId, letter: LetterId, what: &str) -> StoreError {
    StoreError::damaged(format!("letter {letter} of account {account}: {what}"))
}
