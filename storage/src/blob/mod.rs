//! Bodies of letters: append-only segment files beside the index.
//!
//! A body on its way in is a [`Spool`](spool::Spool): up to 256 KiB in memory, beyond that a file. Sealed, it goes to the committer,
//! which writes it as one *frame* into the active segment, or makes the spool's file a segment of its own by renaming.
//! The index then holds a reference per account ([`BodyRef`]) and one back, from the frame to the account; a frame lives
//! as long as one reference back is left. A full segment with less than half of it alive is rewritten, and one with
//! nothing alive is unlinked. An account may refer to one frame under several letters' ids ([`crate::Batch::copy_body`]):
//! the frame bears the id of the one that was first.

pub(crate) mod bulk;
pub(crate) mod compaction;
pub(crate) mod files;
pub(crate) mod frame;
pub(crate) mod reader;
pub(crate) mod segment;
pub(crate) mod spool;

use std::fmt;

use bincode::{Decode, Encode};
use postern_model::record::{CODING, Record};
use postern_model::{AccountId, LetterId};

use crate::keyspace::{Key, KeyRange, Parts, Writer, space};

/// A segment file; later ones have higher numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
pub(crate) struct SegmentId(pub(crate) u64);

impl fmt::Display for SegmentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

/// Where the body of one account's letter lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct BodyRef {
    pub(crate) segment: SegmentId,
    /// Where the frame begins.
    pub(crate) offset: u64,
    /// Octets of the body.
    pub(crate) length: u64,
    /// Octets of the whole frame.
    pub(crate) frame: u64,
    /// Of a copy: the letter that stands in the frame.
    pub(crate) first: Option<LetterId>,
}

impl BodyRef {
    /// The letter that stands in the frame, where this is what `letter` refers to it by.
    pub(crate) fn written_as(&self, letter: LetterId) -> LetterId {
        self.first.unwrap_or(letter)
    }

    /// Octets of the body.
    pub fn len(&self) -> u64 {
        self.length
    }

    /// Whether the body has no octet at all.
    pub fn is_empty(&self) -> bool {
        self.length == 0
    }
}

/// The reference back from a frame to one account's letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub(crate) struct FrameRef {
    /// Octets of the body.
    pub(crate) length: u64,
    /// Octets of the whole frame.
    pub(crate) frame: u64,
}

/// What is known of a segment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub(crate) struct SegmentInfo {
    /// Octets that are valid; what lies behind them was never acknowledged.
    pub(crate) length: u64,
    /// Octets of frames that somebody refers to.
    pub(crate) live: u64,
    /// Nothing is appended any more.
    pub(crate) closed: bool,
}

impl SegmentInfo {
    /// Nobody needs the file any more.
    pub(crate) fn is_dead(&self) -> bool {
        self.closed && self.live == 0
    }

    /// Rewriting what lives frees more than it costs.
    pub(crate) fn is_sparse(&self) -> bool {
        self.closed && self.live > 0 && self.live < self.length / 2
    }
}

impl Record for BodyRef {
    const VERSION: u8 = 2;
    const NAME: &'static str = "BodyRef";

    fn decode_old(version: u8, bytes: &[u8]) -> Option<BodyRef> {
        type Old = (SegmentId, u64, u64, u64);
        let old = (version == 1).then(|| bincode::decode_from_slice::<Old, _>(bytes, CODING).ok()).flatten();
        let ((segment, offset, length, frame), _) = old.filter(|(_, read)| *read == bytes.len())?;
        // There were no copies then.
        Some(BodyRef { segment, offset, length, frame, first: None })
    }
}

impl Record for FrameRef {
    const VERSION: u8 = 1;
    const NAME: &'static str = "FrameRef";
}

impl Record for SegmentInfo {
    const VERSION: u8 = 1;
    const NAME: &'static str = "SegmentInfo";
}

/// A frame and the account's letter that refers to it, as the key of a [`FrameRef`] says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BackRef {
    pub(crate) segment: SegmentId,
    pub(crate) offset: u64,
    pub(crate) account: AccountId,
    pub(crate) letter: LetterId,
}

impl BackRef {
    pub(crate) fn key(self) -> Key<FrameRef> {
        frame_prefix(self.segment, self.offset).u64(self.account.0).u64(self.letter.0).key()
    }

    fn parse(key: &[u8]) -> Option<BackRef> {
        let mut parts = Parts(key).skip(1)?;
        let back = BackRef {
            segment: SegmentId(parts.u64()?),
            offset: parts.u64()?,
            account: AccountId(parts.u64()?),
            letter: LetterId(parts.u64()?),
        };
        parts.end().map(|()| back)
    }
}

fn frame_prefix(segment: SegmentId, offset: u64) -> Writer {
    Writer::space(space::FRAME_REFS).u64(segment.0).u64(offset)
}

/// Everybody who refers to one frame.
pub(crate) fn refs_of_frame(segment: SegmentId, offset: u64) -> KeyRange<BackRef, FrameRef> {
    frame_prefix(segment, offset).range(BackRef::parse)
}

/// Everybody who refers to anything in one segment, in the order of the frames.
pub(crate) fn refs_of_segment(segment: SegmentId) -> KeyRange<BackRef, FrameRef> {
    Writer::space(space::FRAME_REFS).u64(segment.0).range(BackRef::parse)
}

/// All references back.
pub(crate) fn all_refs() -> KeyRange<BackRef, FrameRef> {
    Writer::space(space::FRAME_REFS).range(BackRef::parse)
}

/// What is known of a segment.
pub(crate) fn segment_key(segment: SegmentId) -> Key<SegmentInfo> {
    Writer::space(space::SEGMENT).u64(segment.0).key()
}

/// All segments.
pub(crate) fn all_segments() -> KeyRange<SegmentId, SegmentInfo> {
    Writer::space(space::SEGMENT).range(|key| Parts(key).skip(1)?.u64().map(SegmentId))
}
