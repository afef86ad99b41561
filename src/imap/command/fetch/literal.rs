//! Literals of a letter's octets (RFC 9051 §4.3): their length is said first, so it has to be right.

use std::io::Write;
use std::ops::Range;

use memchr::memchr_iter;
use postern_model::LetterId;
use postern_storage::{BodyReader, StoreError};

use super::bodies::Bodies;
use super::source::{Partial, part_of};
use crate::imap::data::Decoder;
use crate::imap::state::State;
use crate::net::outlet::{Cut, Outlet};

/// Octets of a header in which fields are looked for.
const MAX_HEADER: usize = 256 << 10;
/// Octets of a decoded part that are kept between its measuring and its writing; of more it is decoded twice.
const KEPT: usize = 256 << 10;

/// Announces a literal.
pub(super) fn announce(out: &mut Vec<u8>, octets: u64, binary: bool) {
    // Writing to memory can't fail.
    let _ = write!(out, " {}{{{octets}}}\r\n", if binary { "~" } else { "" });
}

/// A literal of octets that are at hand.
pub(super) fn write(out: &mut Vec<u8>, octets: &[u8], binary: bool) {
    announce(out, octets.len() as u64, binary);
    put(out, octets, binary);
}

/// Octets of a literal. A `literal` can't carry NUL (RFC 9051 §4.3), so 0x80 is shown for it, as other servers do; who
/// wants the letter as it is asks for BINARY.
fn put(out: &mut Vec<u8>, octets: &[u8], binary: bool) {
    let from = out.len();
    out.extend_from_slice(octets);
    if !binary {
        for at in memchr_iter(0, octets) {
            out[from + at] = 0x80;
        }
    }
}

/// What is behind a literal's announcement: from here to its end the connection can only be cut.
pub(super) struct Writing<'a, 'o> {
    pub(super) state: &'a mut State,
    pub(super) out: &'a mut Outlet<'o>,
}

impl Writing<'_, '_> {
    /// A body, or the part of it that was opened.
    pub(super) async fn stream(&mut self, body: &mut BodyReader, binary: bool) -> Result<(), Cut> {
        let mut left = body.len();
        announce(self.out.bytes, left, binary);
        while left > 0 {
            let octets = self.chunk(body).await?;
            put(self.out.bytes, &octets, binary);
            left = left.saturating_sub(octets.len() as u64);
            if left > 0 {
                self.relieve().await?;
            }
        }
        Ok(())
    }

    /// `wanted` of what a body is without its transfer encoding.
    pub(super) async fn decode(
        &mut self,
        body: &mut BodyReader,
        mut decoder: Decoder,
        wanted: Range<u64>,
    ) -> Result<(), Cut> {
        announce(self.out.bytes, wanted.end - wanted.start, true);
        let (mut decoded, mut at, mut left) = (Vec::new(), 0, body.len());
        loop {
            if left == 0 {
                decoder.finish(&mut decoded);
            } else {
                let octets = self.chunk(body).await?;
                left = left.saturating_sub(octets.len() as u64);
                decoder.push(&octets, &mut decoded);
            }
            let end = at + decoded.len() as u64;
            let (from, to) = (wanted.start.clamp(at, end), wanted.end.clamp(at, end));
            put(self.out.bytes, &decoded[index(from - at)..index(to - at)], true);
            decoded.clear();
            at = end;
            if at >= wanted.end {
                return Ok(());
            }
            if left == 0 {
                return Err(self.broken("it is shorter than it was"));
            }
            self.relieve().await?;
        }
    }

    async fn chunk(&mut self, body: &mut BodyReader) -> Result<bytes::Bytes, Cut> {
        match body.chunk().await {
            Ok(Some(octets)) => Ok(octets),
            Ok(None) => Err(self.broken("it is shorter than it was")),
            Err(error) => Err(self.broken(&error.to_string())),
        }
    }

    async fn relieve(&mut self) -> Result<(), Cut> {
        self.out.relieve().await.inspect_err(|_| self.state.broken = true)
    }

    fn broken(&mut self, why: &str) -> Cut {
        tracing::error!(why, "the connection is cut: a letter's body could not be read whole");
        self.state.broken = true;
        Cut
    }
}

/// The fields of a header that a filter lets pass.
pub(super) async fn header(body: &mut BodyReader) -> Result<Vec<u8>, StoreError> {
    let mut header = Vec::new();
    while header.len() < MAX_HEADER
        && let Some(octets) = body.chunk().await?
    {
        header.extend_from_slice(&octets);
    }
    header.truncate(MAX_HEADER);
    Ok(header)
}

/// The part of octets at hand that a partial names.
pub(super) fn cut(octets: &[u8], partial: Partial) -> &[u8] {
    let range = part_of(0..octets.len() as u64, partial);
    &octets[index(range.start)..index(range.end)]
}

/// A part without its transfer encoding, measured.
pub(super) struct Measured {
    /// Its octets.
    pub(super) octets: u64,
    /// Themselves, where they are few.
    pub(super) kept: Option<Vec<u8>>,
}

/// Measures what a body is without its transfer encoding.
pub(super) async fn measure(body: &mut BodyReader, mut decoder: Decoder) -> Result<Measured, StoreError> {
    let (mut kept, mut passed) = (Vec::new(), 0);
    while let Some(octets) = body.chunk().await? {
        decoder.push(&octets, &mut kept);
        if passed > 0 || kept.len() > KEPT {
            passed += kept.len() as u64;
            kept.clear();
        }
    }
    decoder.finish(&mut kept);
    let octets = passed + kept.len() as u64;
    Ok(Measured { octets, kept: (passed == 0).then_some(kept) })
}

/// Opens a body once more.
pub(super) async fn reopen(
    bodies: &Bodies,
    letter: LetterId,
    range: Range<u64>,
) -> Result<BodyReader, StoreError> {
    bodies.store.open_body_range(bodies.account, letter, range).await
}

fn index(at: u64) -> usize {
    usize::try_from(at).unwrap_or(usize::MAX)
}
