//! Gives back the space of dropped bodies: what lives of a sparse segment is appended anew, and the segment is dropped.
//!
//! A thread of its own reads the frames and hands them to the committer in small batches, one at a time, so letters
//! that come in never wait for more than one of them. The committer moves a frame for those who still refer to it at
//! that moment, so nothing that is dropped meanwhile comes back.

use std::collections::BTreeSet;
use std::os::unix::fs::FileExt;
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

use postern_model::LetterId;

use super::frame::{HEADER, Header};
use super::{BackRef, FrameRef, SegmentId, refs_of_segment};
use crate::batch::{Batch, Move};
use crate::error::StoreError;
use crate::keys;
use crate::pool::lock;
use crate::shared::Shared;
use crate::view::View;

/// References that are read at a time.
const PAGE: usize = 256;
/// Octets that are moved at a time, but for the last frame.
const STEP: usize = 1 << 20;
/// How long a segment rests that could not be rewritten.
const REST: Duration = Duration::from_secs(10);

/// Segments that are worth rewriting.
#[derive(Default)]
pub(crate) struct Sparse {
    state: Mutex<State>,
    wake: Condvar,
}

#[derive(Default)]
struct State {
    waiting: BTreeSet<SegmentId>,
    closed: bool,
}

impl Sparse {
    /// Adds segments; one that waits already waits once.
    pub(crate) fn offer(&self, ids: impl Iterator<Item = SegmentId>) {
        let mut ids = ids.peekable();
        if ids.peek().is_some() {
            lock(&self.state).waiting.extend(ids);
            self.wake.notify_one();
        }
    }

    pub(crate) fn close(&self) {
        lock(&self.state).closed = true;
        self.wake.notify_all();
    }

    fn next(&self) -> Option<SegmentId> {
        let mut state = lock(&self.state);
        while !state.closed {
            if let Some(id) = state.waiting.pop_first() {
                return Some(id);
            }
            state = self.wake.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        None
    }

    fn rest(&self) {
        let state = lock(&self.state);
        if !state.closed {
            drop(self.wake.wait_timeout(state, REST));
        }
    }
}

/// Rewrites sparse segments until the store is closed.
pub(crate) fn run(shared: &Shared) {
    while let Some(id) = shared.sparse.next() {
        match compact(shared, id) {
            // Where it is not found, its last frame was dropped meanwhile, and it with that.
            Ok(()) | Err(StoreError::Closed | StoreError::NotFound) => {}
            Err(error @ (StoreError::Full | StoreError::Busy | StoreError::Io { .. })) => {
                tracing::warn!(segment = %id, %error, "a segment can't be rewritten now");
                shared.sparse.offer(std::iter::once(id));
                shared.sparse.rest();
            }
            Err(error) => {
                // It keeps its space until somebody has looked at it.
                tracing::error!(segment = %id, %error, "a segment can't be rewritten");
            }
        }
    }
}

/// Moves everything that lives in a segment; with the last frame the committer drops the segment.
pub(crate) fn compact(shared: &Shared, id: SegmentId) -> Result<(), StoreError> {
    let mut range = refs_of_segment(id);
    let mut batch = Batch::new();
    let mut moved = None;
    loop {
        let rows = shared.view(|view| with_letters(view, view.scan(&range, PAGE)?))?;
        let Some((last, ..)) = rows.last() else { break };
        range.skip_to(last.key().as_bytes());
        for (back, found, letter) in rows {
            // The references to one frame are neighbours, and the frame goes once for all of them.
            if moved.replace(back.offset) == Some(back.offset) {
                continue;
            }
            batch.moves.push(read_frame(shared, back, found, letter)?);
            if batch.weight() >= STEP {
                shared.queue.push(std::mem::take(&mut batch)).wait()?;
            }
        }
    }
    if batch.is_empty() { Ok(()) } else { shared.queue.push(batch).wait() }
}

/// Adds the letter that stands in each frame: another than the one that refers to it where that is a copy.
fn with_letters(
    view: &View<'_>,
    rows: Vec<(BackRef, FrameRef)>,
) -> Result<Vec<(BackRef, FrameRef, LetterId)>, StoreError> {
    let letter = |back: BackRef, found| {
        let place = view.get(&keys::body(back.account, back.letter))?;
        Ok((back, found, place.map_or(back.letter, |place| place.written_as(back.letter))))
    };
    rows.into_iter().map(|(back, found)| letter(back, found)).collect()
}

fn read_frame(shared: &Shared, back: BackRef, found: FrameRef, letter: LetterId) -> Result<Move, StoreError> {
    let damaged = |what: &str| {
        StoreError::damaged(format!(
            "segment {}, offset {}, letter {}: {what}",
            back.segment, back.offset, back.letter
        ))
    };
    let file = shared.files.get(back.segment)?;
    let size = file.metadata().map_err(|e| StoreError::io("read a segment", e))?.len();
    let length = usize::try_from(found.frame.min(size)).map_err(|_| damaged("the frame is too long"))?;
    let mut frame = vec![0; length];
    file.read_exact_at(&mut frame, back.offset).map_err(|e| StoreError::io("read a segment", e))?;
    let head = frame.first_chunk::<HEADER>().ok_or_else(|| damaged("the frame is too short"))?;
    let header = Header::decode(head).map_err(damaged)?;
    let body = usize::try_from(header.length).ok().and_then(|length| frame.get(HEADER..HEADER + length));
    if header.letter != letter || body.map(crc32fast::hash) != Some(header.body_crc) {
        return Err(damaged("the body has a wrong checksum"));
    }
    Ok(Move { segment: back.segment, offset: back.offset, frame })
}
