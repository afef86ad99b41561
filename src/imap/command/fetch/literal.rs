//! Literals of a letter's octets (RFC 9051 §4.3): their length is said first, so it has to be right.

use std::io::Write;
use std::ops::Range;

use memchr::memchr_iter;
use postern_model::LetterId;
use postern_storage::{BodyReader, StoreError};

use super::bodies::Bodies;
use super::source::{Partial, part_of};
use crate::imap::data::{Decoder, FieldFilter};
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
    /// Set where the literal could not be ended.
    pub(super) broken: &'a mut bool,
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
        self.out.relieve().await.inspect_err(|_| *self.broken = true)
    }

    fn broken(&mut self, why: &str) -> Cut {
        tracing::error!(why, "the connection is cut: a letter's body could not be read whole");
        *self.broken = true;
        Cut
    }
}

/// The fields of a header that a filter lets pass.
pub(in crate::imap::command) async fn filtered_header(
    body: &mut BodyReader,
    filter: &FieldFilter,
) -> Result<Vec<u8>, StoreError> {
    let mut header = Vec::new();
    while header.len() < MAX_HEADER
        && let Some(octets) = body.chunk().await?
    {
        header.extend_from_slice(&octets);
    }
    header.truncate(MAX_HEADER);
    let mut fields = Vec::new();
    filter.apply(&header, &mut fields);
    Ok(fields)
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

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use postern_model::{AccountId, MailboxId, Timestamp};
    use postern_storage::{Batch, EngineKind, SealedBody, Store, StoreOptions};

    use super::super::source::{Source, source};
    use super::*;
    use crate::imap::grammar::FetchItem;
    use crate::net::outlet::Hold;

    const LETTER: LetterId = LetterId(1);
    const OWNER: AccountId = AccountId(1);

    async fn stored(dir: &std::path::Path, letter: &[u8]) -> Bodies {
        let options = StoreOptions { engine: EngineKind::Memory, ..StoreOptions::new(dir) };
        let store = Store::open(options, Timestamp::default()).expect("a new store");
        let (mut batch, body) = (Batch::new(), SealedBody::from_vec(letter.to_vec()));
        batch.append_body(&[OWNER], LETTER, MailboxId::INBOX, Timestamp::default(), body);
        store.commit(batch).await.expect("stored");
        Bodies::new(store, OWNER, vec![(LETTER, 0..u64::MAX)])
    }

    fn literal(prefix: &str, octets: &[u8]) -> Vec<u8> {
        [format!(" {prefix}{{{}}}\r\n", octets.len()).as_bytes(), octets].concat()
    }

    #[actix_rt::test]
    async fn a_literal_has_the_octets_that_it_announces() {
        let dir = tempfile::tempdir().expect("a directory");
        let letter: Vec<u8> = (0..200_000_u32).map(|n| (n % 251) as u8).collect();
        let shown: Vec<u8> = letter.iter().map(|octet| if *octet == 0 { 0x80 } else { *octet }).collect();
        let mut bodies = stored(dir.path(), &letter).await;
        let mut body = bodies.next().await.expect("a body");
        let (mut bytes, mut hold, mut broken) = (Vec::new(), Hold, false);
        let mut out = Outlet::new(&mut bytes, &mut hold);
        let mut writing = Writing { broken: &mut broken, out: &mut out };
        writing.stream(&mut body, false).await.expect("written");
        assert_eq!(bytes, literal("", &shown));
        assert!(bodies.next().await.is_err(), "no more were wanted");

        let mut body = reopen(&bodies, LETTER, 250..253).await.expect("a body");
        bytes.clear();
        let mut out = Outlet::new(&mut bytes, &mut hold);
        let mut writing = Writing { broken: &mut broken, out: &mut out };
        writing.stream(&mut body, true).await.expect("written");
        assert_eq!(bytes, literal("~", &letter[250..253]));
        assert!(!broken);
    }

    #[actix_rt::test]
    async fn a_decoded_part_is_measured_and_then_written() {
        let dir = tempfile::tempdir().expect("a directory");
        let octets: Vec<u8> = (0..600_000_u32).map(|n| (n % 253) as u8).collect();

        let encoded = base64::engine::general_purpose::STANDARD.encode(&octets);
        let bodies = stored(dir.path(), encoded.as_bytes()).await;
        let decoder = Decoder::new(Some(b"base64")).expect("known");
        let open = || reopen(&bodies, LETTER, 0..u64::MAX);
        let measured = measure(&mut open().await.expect("a body"), decoder.clone()).await.expect("read");
        assert_eq!((measured.octets, measured.kept), (600_000, None));
        let few = reopen(&bodies, LETTER, 0..8).await;
        let measured = measure(&mut few.expect("a body"), decoder.clone()).await.expect("read");
        assert_eq!(measured.kept.as_deref(), Some(&octets[..6]));
        for wanted in [0..600_000, 0..1, 599_999..600_000, 12_345..300_001] {
            let (mut bytes, mut hold, mut broken) = (Vec::new(), Hold, false);
            let mut out = Outlet::new(&mut bytes, &mut hold);
            let mut writing = Writing { broken: &mut broken, out: &mut out };
            let mut body = open().await.expect("a body");
            writing.decode(&mut body, decoder.clone(), wanted.clone()).await.expect("written");
            let (from, to) = (index(wanted.start), index(wanted.end));
            assert_eq!(bytes, literal("~", &octets[from..to]), "{wanted:?}");
        }
        let (mut bytes, mut hold, mut broken) = (Vec::new(), Hold, false);
        let mut out = Outlet::new(&mut bytes, &mut hold);
        let mut writing = Writing { broken: &mut broken, out: &mut out };
        let cut = writing.decode(&mut open().await.expect("a body"), decoder, 0..600_001).await;
        assert_eq!((cut, broken), (Err(Cut), true), "a literal that can't be ended");
    }

    #[actix_rt::test]
    async fn some_fields_of_a_header_are_cut_as_asked() {
        let dir = tempfile::tempdir().expect("a directory");
        let letter = b"From: a\r\nTo: b\r\nSubject: c\r\n d\r\n\r\ntext";
        let mut bodies = stored(dir.path(), letter).await;
        let filter = FieldFilter::new(&[b"subject".to_vec(), b"from".to_vec()], false);
        let mut body = bodies.next().await.expect("a body");
        let fields = filtered_header(&mut body, &filter).await.expect("read");
        assert_eq!(fields, b"From: a\r\nSubject: c\r\n d\r\n\r\n");
        let part = std::num::NonZeroU32::new(4).map(|count| (3, count));
        assert_eq!(cut(&fields, part), b"m: a");
        assert_eq!(cut(&fields, std::num::NonZeroU32::new(4).map(|count| (300, count))), b"");
        let size = source(&FetchItem::BinarySize { part: vec![1] }, None, None);
        assert!(matches!(size, Source::Trouble(_)), "without facts nothing is known of a part");
    }
}
