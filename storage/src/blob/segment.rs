//! The committer's side of the segments: which there are, which one is appended to, and what a crash left behind.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::sync::Arc;

use super::files::Files;
use super::frame::HEADER;
use super::spool::SpoolFile;
use super::{SegmentId, SegmentInfo, all_segments, segment_key};
use crate::disk::Disk;
use crate::engine::Engine;
use crate::error::StoreError;
use crate::shared::Shared;
use crate::view::View;

/// Rows that are read at a time.
const PAGE: usize = 1024;

/// All segments, as the index has them.
#[derive(Default)]
pub(crate) struct Segments {
    pub(crate) table: BTreeMap<SegmentId, SegmentInfo>,
    active: Option<Active>,
    /// Segments to be closed with the next group, since nothing is appended to them any more.
    pub(crate) abandoned: Vec<SegmentId>,
    next: u64,
}

struct Active {
    id: SegmentId,
    file: Arc<File>,
    length: u64,
}

/// A spool's file that becomes a segment.
pub(crate) struct Adoption {
    pub(crate) id: SegmentId,
    pub(crate) spool: SpoolFile,
    pub(crate) header: [u8; HEADER],
    pub(crate) tail: Vec<u8>,
    /// Where the tail begins.
    pub(crate) tail_at: u64,
}

impl Segments {
    /// Reads what the index knows, and makes the files agree: frames that were never acknowledged are cut off, files
    /// that nobody knows are removed. `next` is a number that no earlier segment of this process has.
    pub(crate) fn load(engine: &dyn Engine, files: &Files, next: u64) -> Result<Segments, StoreError> {
        let mut segments = Segments { next, ..Segments::default() };
        let mut range = all_segments();
        loop {
            let rows = View::new(engine).scan(&range, PAGE)?;
            let Some((last, _)) = rows.last() else { break };
            range.skip_to(segment_key(*last).as_bytes());
            segments.table.extend(rows);
        }
        let listed = files.list().map_err(|e| StoreError::io("list the segments", e))?;
        for id in &listed {
            if !segments.table.contains_key(id) {
                tracing::info!(segment = %id, "removing a segment without an acknowledged letter");
                files.unlink(*id);
            }
        }
        let known = segments.table.keys().next_back().copied();
        let highest = known.max(listed.last().copied()).map_or(0, |id| id.0);
        segments.next = segments.next.max(highest + 1);
        segments.resume(files);
        Ok(segments)
    }

    /// Goes on with the newest segment that is not full.
    fn resume(&mut self, files: &Files) {
        let mut open: Vec<_> = self.table.iter().filter(|(_, info)| !info.closed).collect();
        let newest = open.pop();
        self.abandoned = open.into_iter().map(|(id, _)| *id).collect();
        if let Some((&id, info)) = newest {
            match cut(files, id, info.length) {
                Ok(file) => self.active = Some(Active { id, file: Arc::new(file), length: info.length }),
                Err(error) => {
                    tracing::error!(segment = %id, %error, "a segment can't be appended to any more");
                    self.abandoned.push(id);
                }
            }
        }
    }

    /// Where the next frame goes: segment and offset.
    pub(crate) fn end(&self) -> (SegmentId, u64) {
        self.active.as_ref().map_or((SegmentId(self.next), 0), |active| (active.id, active.length))
    }

    /// The number behind the highest that is in use or promised by [`Segments::end`].
    pub(crate) fn next(&self) -> u64 {
        self.next + u64::from(self.active.is_none())
    }

    /// Numbers up to `next` are taken, whatever becomes of them.
    pub(crate) fn take_numbers(&mut self, next: u64) {
        self.next = self.next.max(next);
    }

    /// Appends frames where [`Segments::end`] said, and syncs them.
    pub(crate) fn append(&mut self, files: &Files, disk: &dyn Disk, frames: &[u8]) -> Result<(), StoreError> {
        if self.active.is_none() {
            let id = SegmentId(self.next);
            self.next += 1;
            let file = files.create(id).map_err(|e| {
                files.unlink(id);
                StoreError::io("create a segment", e)
            })?;
            self.active = Some(Active { id, file, length: 0 });
        }
        let Some(active) = self.active.as_mut() else { return Err(StoreError::Closed) };
        let written =
            disk.write_at(&active.file, frames, active.length).and_then(|()| disk.sync(&active.file));
        match written {
            Ok(()) => {
                active.length += frames.len() as u64;
                Ok(())
            }
            Err(error) => {
                self.abandon(files);
                Err(StoreError::io("append to a segment", error))
            }
        }
    }

    /// Nothing more goes to the active segment. What the index does not know of is cut off, best effort: after a failed
    /// sync nobody knows what is on disk, and the next opening would cut it as well.
    pub(crate) fn abandon(&mut self, files: &Files) {
        let Some(active) = self.active.take() else { return };
        match self.table.get(&active.id) {
            Some(info) => {
                if let Err(error) = active.file.set_len(info.length) {
                    tracing::warn!(segment = %active.id, %error, "a segment's tail could not be cut off");
                }
                self.abandoned.push(active.id);
            }
            None => files.unlink(active.id),
        }
    }

    /// The group is in the index: what it changed holds from here on.
    pub(crate) fn committed(&mut self, changed: BTreeMap<SegmentId, SegmentInfo>) {
        self.abandoned.clear();
        for (id, info) in changed {
            if info.closed && self.active.as_ref().is_some_and(|active| active.id == id) {
                self.active = None;
            }
            if info.is_dead() {
                self.table.remove(&id);
            } else {
                self.table.insert(id, info);
            }
        }
    }
}

impl Adoption {
    /// Writes what surrounds the body, and makes the file a segment; its name is durable after
    /// [`Files::sync_names`].
    pub(crate) fn perform(self, shared: &Shared) -> Result<(), StoreError> {
        let file = self.spool.file.clone();
        let disk = &shared.disk;
        let written = disk
            .write_at(&file, &self.header, 0)
            .and_then(|()| disk.write_at(&file, &self.tail, self.tail_at))
            .and_then(|()| disk.sync(&file))
            .and_then(|()| shared.files.adopt(self.id, self.spool.path()));
        written.map_err(|e| StoreError::io("make a letter a segment", e))?;
        self.spool.release();
        Ok(())
    }
}

/// Opens a segment for appending behind its valid octets.
fn cut(files: &Files, id: SegmentId, length: u64) -> io::Result<File> {
    let file = files.reopen(id)?;
    let on_disk = file.metadata()?.len();
    if on_disk < length {
        return Err(io::Error::other(format!("{} octets are missing at its end", length - on_disk)));
    }
    if on_disk > length {
        file.set_len(length)?;
        tracing::info!(segment = %id, octets = on_disk - length, "cut off what was never acknowledged");
    }
    Ok(file)
}
