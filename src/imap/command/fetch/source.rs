//! Where the octets of an item are, and what is made of them on their way.

use std::num::NonZeroU32;
use std::ops::Range;

use postern_model::mime::Facts;

use super::Trouble;
use super::plan::Fields;
use crate::imap::data::{Decoder, Piece, binary, section};
use crate::imap::grammar::{FetchItem, SectionFetch, SectionText};

/// `<origin.count>`
pub(super) type Partial = Option<(u64, NonZeroU32)>;

/// Where an item's octets come from.
#[derive(Debug)]
pub(super) enum Source {
    /// The letter has no such part.
    Nil,
    /// How many there are is all that is asked for.
    Size(u64),
    /// They can't be told.
    Trouble(Trouble),
    /// These of the letter.
    Octets { range: Range<u64>, shown: Shown },
}

/// What is made of the octets.
#[derive(Debug)]
pub(super) enum Shown {
    /// They are shown as they stand; as `literal8` where `binary`.
    Plain { binary: bool },
    /// Some fields of a header.
    Fields { partial: Partial },
    /// Without their transfer encoding.
    Decoded { decoder: Decoder, partial: Partial },
    /// How many they are without it.
    DecodedSize { decoder: Decoder },
}

/// The source of an item that is told from a letter's octets; `fields` where it names some of a header.
pub(super) fn source(item: &FetchItem, fields: Option<&Fields>, facts: Option<&Facts>) -> Source {
    match (item, facts) {
        (FetchItem::Section(fetch), _) if is_whole(fetch) => plain(0..u64::MAX, fetch.partial, false),
        (_, None) => Source::Trouble(Trouble::Unreadable),
        (FetchItem::Section(fetch), Some(facts)) => {
            let wanted = fields.map_or(&fetch.section, |fields| &fields.header);
            match (section(facts, wanted), fields) {
                (Some(Piece::Range(range) | Piece::Header { range, .. }), Some(_)) => {
                    Source::Octets { range, shown: Shown::Fields { partial: fetch.partial } }
                }
                (Some(Piece::Range(range)), None) => plain(range, fetch.partial, false),
                _ => Source::Nil,
            }
        }
        (FetchItem::Binary { part, partial, .. }, Some(facts)) => match binary(facts, part) {
            None => Source::Nil,
            Some(Err(_)) => Source::Trouble(Trouble::UnknownCte),
            Some(Ok((range, decoder))) if decoder.is_identity() => plain(range, *partial, true),
            Some(Ok((range, decoder))) => {
                Source::Octets { range, shown: Shown::Decoded { decoder, partial: *partial } }
            }
        },
        (FetchItem::BinarySize { part }, Some(facts)) => match binary(facts, part) {
            None => Source::Size(0),
            Some(Err(_)) => Source::Trouble(Trouble::UnknownCte),
            Some(Ok((range, decoder))) if decoder.is_identity() => Source::Size(range.end - range.start),
            Some(Ok((range, decoder))) => Source::Octets { range, shown: Shown::DecodedSize { decoder } },
        },
        _ => Source::Nil,
    }
}

fn is_whole(fetch: &SectionFetch) -> bool {
    fetch.section.part.is_empty() && fetch.section.text == SectionText::All
}

fn plain(range: Range<u64>, partial: Partial, binary: bool) -> Source {
    Source::Octets { range: part_of(range, partial), shown: Shown::Plain { binary } }
}

/// What a partial leaves of a range; nothing where it begins behind its end (RFC 9051 §6.4.5).
pub(super) fn part_of(range: Range<u64>, partial: Partial) -> Range<u64> {
    let Some((origin, count)) = partial else { return range };
    let start = range.start.saturating_add(origin).min(range.end);
    start..start.saturating_add(u64::from(count.get())).min(range.end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_partial_is_cut_to_what_is_there() {
        for (range, partial, wanted) in [
            (10..20, None, 10..20),
            (10..20, Some((0, 5)), 10..15),
            (10..20, Some((5, 50)), 15..20),
            (10..20, Some((9, 1)), 19..20),
            (10..20, Some((10, 1)), 20..20),
            (10..20, Some((u64::MAX, 1)), 20..20),
            (0..u64::MAX, Some((7, 3)), 7..10),
        ] {
            let partial = partial.and_then(|(origin, count)| Some((origin, NonZeroU32::new(count)?)));
            assert_eq!(part_of(range.clone(), partial), wanted, "{range:?} {partial:?}");
        }
    }
}
