//! The one thread that writes. Whatever waits is gathered into a group, and one flush serves all of it.
//!
//! A group goes: plan (preconditions, places) → bodies into the active segment → sync it → all changes of the index in
//! one atomic step → flush the index → answer everybody. What fails before the index was touched is cut off again.
//! When the index itself can't be flushed, its memory is ahead of the disk: it is closed, everybody is told
//! [`StoreError::Full`] or what it was, and it is opened anew once there is room.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use crate::batch::Batch;
use crate::blob::segment::Segments;
use crate::blob::{SegmentId, SegmentInfo};
use crate::engine::{self, EngineKind};
use crate::error::StoreError;
use crate::letters::LetterIds;
use crate::log::Heads;
use crate::plan::{Plan, Planned};
use crate::queue::{Company, Job, Next, refuse};
use crate::shared::Shared;

/// The frame buffer is given back when it has grown beyond this.
const KEEP_BUFFER: usize = 4 << 20;
/// Lazy batches wait no longer for a flush.
const LAZY_FLUSH: Duration = Duration::from_millis(500);
/// How often a store that can't write looks whether it can.
const RETRY: Duration = Duration::from_secs(1);

/// What the committer was opened with.
pub(crate) struct Committer {
    pub(crate) shared: Arc<Shared>,
    pub(crate) kind: EngineKind,
    pub(crate) index: std::path::PathBuf,
    pub(crate) cache: u64,
    pub(crate) segment_size: u64,
    pub(crate) segments: Segments,
    pub(crate) letters: LetterIds,
    pub(crate) heads: Heads,
    pub(crate) buffer: Vec<u8>,
    /// Since when something is applied and not flushed.
    pub(crate) dirty: Option<Instant>,
    /// Dead segments; they go when what killed them is durable.
    pub(crate) dead: Vec<SegmentId>,
    pub(crate) trouble: Trouble,
    pub(crate) company: Company,
}

/// Failures of the engine since it last flushed well.
#[derive(Default)]
pub(crate) struct Trouble {
    failures: u32,
    /// No attempt to open it before this time.
    not_before: Option<Instant>,
}

impl Committer {
    /// Works until the queue is closed and empty; returns how the last flush went.
    pub(crate) fn run(mut self) -> Result<(), StoreError> {
        // However this ends, nobody waits for an answer that does not come.
        let _end = End(self.shared.clone());
        loop {
            match self.shared.queue.next(self.patience(), self.company) {
                Next::Group(jobs) => self.group(jobs),
                Next::Idle => self.idle(),
                Next::Closed => break,
            }
        }
        let flushed = if self.dirty.is_some() { self.flush() } else { Ok(()) };
        self.bury();
        flushed
    }

    fn patience(&self) -> Option<Duration> {
        match self.dirty {
            Some(since) => Some(LAZY_FLUSH.saturating_sub(since.elapsed())),
            None if !self.shared.writable.load(Ordering::Relaxed) => Some(RETRY),
            None => None,
        }
    }

    fn idle(&mut self) {
        if self.dirty.is_some() && self.flush().is_ok() {
            self.bury();
        }
        let _ = self.room();
        if !self.shared.gate.is_open() {
            let _ = self.reopen();
        }
    }

    fn group(&mut self, jobs: Vec<Job>) {
        let (begun, size) = (Instant::now(), jobs.len());
        let room = self.room();
        if !self.shared.gate.is_open()
            && let Err(error) = self.reopen()
        {
            return refuse(jobs, &error);
        }
        let mut answers = Vec::with_capacity(jobs.len());
        let done = self.write(jobs, &room, &mut answers);
        if let Err(error) = &done {
            tracing::warn!(%error, batches = answers.len(), "a group of batches was not kept");
            self.heads.forget_all();
        }
        // Where lazy batches come without a pause, the queue is never idle.
        if self.dirty.is_some_and(|since| since.elapsed() >= LAZY_FLUSH) {
            let _ = self.flush();
        }
        self.company = Company::after(size, self.shared.queue.len(), begun.elapsed());
        for answer in answers {
            // Whoever asked may have gone.
            let _ = answer.send(done.clone());
        }
        self.bury();
    }

    /// Does what can be done of `jobs`; refuses the rest at once, and leaves in `answers` who waits for the outcome.
    fn write(
        &mut self,
        jobs: Vec<Job>,
        room: &Room,
        answers: &mut Vec<oneshot::Sender<Result<(), StoreError>>>,
    ) -> Result<(), StoreError> {
        let shared = self.shared.clone();
        let mut durable = false;
        let planned = shared.gate.look(|engine| {
            let buffer = std::mem::take(&mut self.buffer);
            let (segments, size) = (&self.segments, self.segment_size);
            let mut plan = Plan::new(engine, segments, size, self.letters, &mut self.heads, buffer);
            for job in jobs {
                let is_lazy = job.batch.is_lazy();
                match room.admits(&job.batch).and_then(|()| plan.add(job.batch)) {
                    Ok(()) => {
                        durable |= !is_lazy;
                        answers.push(job.answer);
                    }
                    Err(error) => drop(job.answer.send(Err(error))),
                }
            }
            plan.finish()
        })?;
        let durable = durable && (self.dirty.is_some() || !planned.writes.is_empty());
        self.perform(planned)?;
        if durable { self.flush() } else { Ok(()) }
    }

    fn perform(&mut self, mut planned: Planned) -> Result<(), StoreError> {
        let frames = std::mem::take(&mut planned.frames);
        let written = self.write_bodies(&frames, &mut planned);
        self.segments.take_numbers(planned.next_segment);
        self.buffer = frames;
        self.buffer.clear();
        self.buffer.shrink_to(KEEP_BUFFER);
        written?;
        if planned.writes.is_empty() {
            return Ok(());
        }
        if let Err(error) = self.shared.gate.alone(|engine| engine.apply(&planned.writes)) {
            return Err(self.fail(error));
        }
        self.dirty.get_or_insert_with(Instant::now);
        self.letters = planned.letters;
        self.dead.extend(planned.changed.iter().filter(|(_, info)| info.is_dead()).map(|(id, _)| *id));
        offer_sparse(&self.shared, &planned.changed);
        self.segments.committed(planned.changed);
        Ok(())
    }

    /// Bodies first: the index never names a frame that is not on disk.
    fn write_bodies(&mut self, frames: &[u8], planned: &mut Planned) -> Result<(), StoreError> {
        let shared = &self.shared;
        let (files, disk) = (&shared.files, shared.disk.as_ref());
        if !frames.is_empty() {
            self.segments.append(files, disk, frames)?;
        }
        let adoptions = std::mem::take(&mut planned.adoptions);
        if adoptions.is_empty() {
            return Ok(());
        }
        let ids: Vec<SegmentId> = adoptions.iter().map(|adoption| adoption.id).collect();
        let adopt = || {
            adoptions.into_iter().try_for_each(|adoption| adoption.perform(shared))?;
            files.sync_names().map_err(|e| StoreError::io("sync the names of segments", e))
        };
        let adopted = adopt();
        if adopted.is_err() {
            ids.into_iter().for_each(|id| files.unlink(id));
            self.segments.abandon(files);
        }
        adopted
    }

    fn flush(&mut self) -> Result<(), StoreError> {
        match self.shared.gate.look(|engine| engine.flush()) {
            Ok(()) => {
                self.dirty = None;
                self.trouble = Trouble::default();
                Ok(())
            }
            Err(error) => Err(self.fail(error)),
        }
    }

    /// Unlinks dead segments once nothing on disk refers to them any more.
    fn bury(&mut self) {
        if self.dirty.is_none() {
            for id in std::mem::take(&mut self.dead) {
                self.shared.files.unlink(id);
            }
        }
    }

    /// The engine shows what it could not keep: it is closed, and opened anew when there is room.
    fn fail(&mut self, error: StoreError) -> StoreError {
        tracing::error!(%error, "the index can't be written; it is closed until it can");
        self.shared.writable.store(false, Ordering::Relaxed);
        self.shared.gate.set(Err(error.clone()));
        self.dirty = None;
        self.dead.clear();
        self.heads.forget_all();
        self.trouble.failures += 1;
        self.trouble.not_before = (self.trouble.failures > 1).then(|| Instant::now() + RETRY);
        error
    }

    fn reopen(&mut self) -> Result<(), StoreError> {
        if self.trouble.not_before.is_some_and(|time| Instant::now() < time) {
            return self.shared.gate.look(|_| Ok(()));
        }
        self.shared.needs_room(0)?;
        let shared = self.shared.clone();
        let engine = engine::open(self.kind, &self.index, self.cache, &shared.disk)
            .and_then(|engine| {
                self.segments = Segments::load(engine.as_ref(), &shared.files, self.segments.next())?;
                Ok(engine)
            })
            .map_err(|error| self.fail(error))?;
        offer_sparse(&shared, &self.segments.table);
        shared.gate.set(Ok(engine));
        shared.writable.store(true, Ordering::Relaxed);
        tracing::info!("the index can be written again");
        Ok(())
    }

    fn room(&self) -> Room {
        let shared = &self.shared;
        let free = shared.disk.free(&shared.dir).unwrap_or_else(|error| {
            tracing::warn!(%error, "the disk does not say how much is free");
            0
        });
        let room = Room { free, reserve: shared.reserve };
        let writable = free >= shared.reserve && shared.gate.is_open();
        if shared.writable.swap(writable, Ordering::Relaxed) != writable {
            tracing::warn!(free, writable, "the room on the disk has changed what can be written");
        }
        room
    }
}

/// Shuts the store when the committer ends.
struct End(Arc<Shared>);

impl Drop for End {
    fn drop(&mut self) {
        self.0.writable.store(false, Ordering::Relaxed);
        self.0.gate.set(Err(StoreError::Closed));
        self.0.queue.abandon();
    }
}

/// What the disk has left for a group.
struct Room {
    free: u64,
    reserve: u64,
}

impl Room {
    /// New letters stop at the reserve. What else is written is small, and most of it makes room (deletions, moves to
    /// a new segment), so it may use the upper half of the reserve.
    fn admits(&self, batch: &Batch) -> Result<(), StoreError> {
        let floor = if batch.appends.is_empty() { self.reserve / 2 } else { self.reserve };
        if self.free >= floor.saturating_add(batch.weight() as u64) { Ok(()) } else { Err(StoreError::Full) }
    }
}

/// Tells compaction which segments are worth rewriting.
pub(crate) fn offer_sparse<'a>(
    shared: &Shared,
    segments: impl IntoIterator<Item = (&'a SegmentId, &'a SegmentInfo)>,
) {
    let sparse = segments.into_iter().filter(|(_, info)| info.is_sparse()).map(|(id, _)| *id);
    shared.sparse.offer(sparse);
}
