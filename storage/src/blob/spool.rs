//! A body on its way in: in memory while it is small, in a file of its own when it is not.
//!
//! The file leaves room in front for the frame's header, so that the committer can make it a segment by writing that
//! and the tail, and renaming. Whatever is dropped before it got that far leaves nothing behind.

use std::borrow::Cow;
use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use bytes::Bytes;

use super::frame::HEADER;
use crate::error::StoreError;
use crate::shared::Shared;

/// Octets of a body that are kept in memory at most.
pub(crate) const MEMORY_LIMIT: usize = 256 << 10;
/// A spool is not made to keep less.
const LEAST_MEMORY: usize = 4 << 10;
/// Octets that go to the file at a time.
const CHUNK: usize = 128 << 10;

/// A body that is being received.
pub struct Spool {
    shared: Arc<Shared>,
    buffer: Vec<u8>,
    /// Octets that are kept in memory at most.
    memory: usize,
    file: Option<SpoolFile>,
    /// Octets that are in the file.
    filed: u64,
    crc: crc32fast::Hasher,
    /// A write was broken off, so something is missing.
    broken: bool,
}

impl Spool {
    pub(crate) fn new(shared: Arc<Shared>, memory: usize) -> Spool {
        Spool {
            shared,
            buffer: Vec::new(),
            memory: memory.clamp(LEAST_MEMORY, MEMORY_LIMIT),
            file: None,
            filed: 0,
            crc: crc32fast::Hasher::new(),
            broken: false,
        }
    }

    /// Octets so far.
    pub fn len(&self) -> u64 {
        self.filed + self.buffer.len() as u64
    }

    /// Whether there is no octet yet.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Adds octets. Where the future is dropped before it is done, the spool can't be sealed any more.
    ///
    /// # Errors
    /// [`StoreError::Full`], [`StoreError::Busy`], [`StoreError::Io`]; the spool is useless then.
    pub async fn write(&mut self, mut octets: &[u8]) -> Result<(), StoreError> {
        self.crc.update(octets);
        while !octets.is_empty() {
            let limit = if self.file.is_some() { CHUNK.min(self.memory) } else { self.memory };
            let room = limit.saturating_sub(self.buffer.len());
            if room == 0 {
                self.spill().await?;
                continue;
            }
            let (now, later) = octets.split_at(room.min(octets.len()));
            self.buffer.extend_from_slice(now);
            octets = later;
        }
        Ok(())
    }

    /// Ends the body: what is in a file is durable from here on.
    ///
    /// # Errors
    /// As [`Spool::write`].
    pub async fn seal(mut self) -> Result<SealedBody, StoreError> {
        if self.file.is_some() && !self.buffer.is_empty() {
            self.spill().await?;
        }
        if self.broken {
            return Err(StoreError::Closed);
        }
        let (length, crc) = (self.len(), self.crc.finalize());
        let content = match self.file {
            None => Content::Memory(self.buffer),
            Some(file) => {
                let shared = self.shared.clone();
                let sync = move || match shared.disk.sync(&file.file) {
                    Ok(()) => Ok(file),
                    Err(e) => Err(StoreError::io("sync a letter", e)),
                };
                Content::File(self.shared.writers.run(sync).await?)
            }
        };
        Ok(SealedBody { content, length, crc })
    }

    /// Moves what is in memory to the file.
    async fn spill(&mut self) -> Result<(), StoreError> {
        if std::mem::replace(&mut self.broken, true) {
            return Err(StoreError::Closed);
        }
        let (shared, file, filed) = (self.shared.clone(), self.file.take(), self.filed);
        let mut buffer = std::mem::take(&mut self.buffer);
        let kept = CHUNK.min(self.memory);
        let work = move || {
            shared.needs_room(buffer.len() as u64)?;
            let file = file.map_or_else(|| SpoolFile::create(&shared), Ok)?;
            let written = shared.disk.write_at(&file.file, &buffer, HEADER as u64 + filed);
            written.map_err(|e| StoreError::io("write a letter", e))?;
            let filed = filed + buffer.len() as u64;
            buffer.clear();
            buffer.shrink_to(kept);
            Ok((file, filed, buffer))
        };
        let (file, filed, buffer) = self.shared.writers.run(work).await?;
        (self.file, self.filed, self.buffer, self.broken) = (Some(file), filed, buffer, false);
        Ok(())
    }
}

impl fmt::Debug for Spool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Spool({} octets)", self.len())
    }
}

/// A whole body that [`crate::Batch::append_body`] takes; dropped instead, it is gone.
pub struct SealedBody {
    pub(crate) content: Content,
    length: u64,
    pub(crate) crc: u32,
}

pub(crate) enum Content {
    Memory(Vec<u8>),
    File(SpoolFile),
}

impl SealedBody {
    /// A body that is in memory anyway.
    pub fn from_vec(octets: Vec<u8>) -> SealedBody {
        let (length, crc) = (octets.len() as u64, crc32fast::hash(&octets));
        SealedBody { content: Content::Memory(octets), length, crc }
    }

    /// Octets.
    pub fn len(&self) -> u64 {
        self.length
    }

    /// Whether there is no octet.
    pub fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// The octets, where they are in memory (up to 256 KiB).
    pub fn as_slice(&self) -> Option<&[u8]> {
        match &self.content {
            Content::Memory(octets) => Some(octets),
            Content::File(_) => None,
        }
    }

    /// All octets; blocks where they are in a file.
    ///
    /// # Errors
    /// [`StoreError::Io`].
    pub fn read_blocking(&self) -> Result<Cow<'_, [u8]>, StoreError> {
        match &self.content {
            Content::Memory(octets) => Ok(Cow::Borrowed(octets)),
            Content::File(spool) => {
                let mut octets = vec![0; usize::try_from(self.length).unwrap_or(usize::MAX)];
                let read = spool.file.read_exact_at(&mut octets, HEADER as u64);
                read.map_err(|e| StoreError::io("read a letter", e))?;
                Ok(Cow::Owned(octets))
            }
        }
    }

    /// Reads up to `length` octets from `offset` on, fewer at the end.
    ///
    /// # Errors
    /// [`StoreError::Io`], [`StoreError::Busy`], [`StoreError::Closed`].
    pub async fn read(&self, offset: u64, length: usize) -> Result<Bytes, StoreError> {
        let left = self.length.saturating_sub(offset);
        let length = length.min(usize::try_from(left).unwrap_or(usize::MAX));
        match &self.content {
            Content::Memory(octets) => {
                let start = usize::try_from(offset).unwrap_or(usize::MAX).min(octets.len());
                Ok(Bytes::copy_from_slice(&octets[start..start + length]))
            }
            Content::File(spool) => {
                let file = spool.file.clone();
                let read = move || {
                    let mut octets = vec![0; length];
                    let read = file.read_exact_at(&mut octets, HEADER as u64 + offset);
                    read.map_err(|e| StoreError::io("read a letter", e))?;
                    Ok(Bytes::from(octets))
                };
                spool.shared.writers.run(read).await
            }
        }
    }

    pub(crate) fn in_memory(&self) -> usize {
        self.as_slice().map_or(0, <[u8]>::len)
    }
}

impl fmt::Debug for SealedBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SealedBody({} octets)", self.length)
    }
}

/// A file in the spool directory; removed when dropped.
pub(crate) struct SpoolFile {
    pub(crate) file: Arc<File>,
    path: PathBuf,
    shared: Arc<Shared>,
}

impl SpoolFile {
    fn create(shared: &Arc<Shared>) -> Result<SpoolFile, StoreError> {
        let number = shared.spooled.fetch_add(1, Ordering::Relaxed);
        let path = shared.spool_dir.join(format!("{number:016x}"));
        let opened = OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(&path);
        let file = opened.map_err(|e| StoreError::io("create a spool file", e))?;
        Ok(SpoolFile { file: Arc::new(file), path, shared: shared.clone() })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The file has become a segment and is no longer the spool's.
    pub(crate) fn release(mut self) {
        self.path = PathBuf::new();
    }
}

impl Drop for SpoolFile {
    fn drop(&mut self) {
        let path = std::mem::take(&mut self.path);
        if path.as_os_str().is_empty() {
            return;
        }
        // Unlinking a long file takes a while, and whoever drops this may be an arbiter.
        let again = path.clone();
        if self.shared.writers.submit(Box::new(move || drop(fs::remove_file(path)))).is_err() {
            let _ = fs::remove_file(again);
        }
    }
}
