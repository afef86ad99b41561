//! What a search is answered with: `* SEARCH`, `* SORT` and `* ESEARCH`, and what SAVE saves.

use std::io::Write;

use postern_model::{ModSeq, UidSet, UidValidity};

use super::Found;
use crate::imap::grammar::{Numbering, PartialRange, SearchReturn};

/// What an ESEARCH response says of itself.
#[derive(Clone, Copy, Debug)]
pub struct Head<'a> {
    /// The command's tag.
    pub tag: &'a str,
    /// The folder's name as it is to be written, and its UIDVALIDITY, where the command is ESEARCH (RFC 7377 §2.1).
    pub mailbox: Option<(&'a [u8], UidValidity)>,
    /// What its numbers are. UIDONLY (RFC 9586) and ESEARCH want UIDs.
    pub numbering: Numbering,
    /// MODSEQ was among the keys (RFC 7162 §3.1.10).
    pub mod_seq: bool,
}

/// `* SEARCH` (RFC 3501 §7.2.5), with the highest modification sequence where `mod_seq` asks for it (RFC 7162 §3.1.5).
pub fn search(out: &mut Vec<u8>, found: &[Found], numbering: Numbering, mod_seq: bool) {
    list(out, "SEARCH", found, numbering);
    if let Some(highest) = highest(found).filter(|_| mod_seq) {
        say(out, format_args!(" (MODSEQ {})", highest.0));
    }
    out.extend_from_slice(b"\r\n");
}

/// `* SORT` (RFC 5256 §4), with the highest modification sequence where `mod_seq` asks for it (RFC 7162 §3.1.6).
pub fn sort(out: &mut Vec<u8>, sorted: &[Found], numbering: Numbering, mod_seq: bool) {
    list(out, "SORT", sorted, numbering);
    if let Some(highest) = highest(sorted).filter(|_| mod_seq) {
        say(out, format_args!(" (MODSEQ {})", highest.0));
    }
    out.extend_from_slice(b"\r\n");
}

/// `* ESEARCH` (RFC 4731 §3.1; for SORT RFC 5267 §3: first and last, and all, in the order of the sort).
pub fn esearch(out: &mut Vec<u8>, head: &Head<'_>, found: &[Found], returns: &SearchReturn) {
    say(out, format_args!("* ESEARCH (TAG \"{}\"", head.tag));
    if let Some((name, uid_validity)) = head.mailbox {
        out.extend_from_slice(b" MAILBOX ");
        out.extend_from_slice(name);
        say(out, format_args!(" UIDVALIDITY {}", uid_validity.0));
    }
    out.extend_from_slice(if head.numbering == Numbering::Uid { b") UID" } else { b")" });
    let named = |found: &Found| found.named(head.numbering);
    if let Some(first) = found.first().filter(|_| returns.min) {
        say(out, format_args!(" MIN {}", named(first)));
    }
    if let Some(last) = found.last().filter(|_| returns.max) {
        say(out, format_args!(" MAX {}", named(last)));
    }
    if returns.all && !found.is_empty() {
        out.extend_from_slice(b" ALL ");
        set(out, found.iter().map(named));
    }
    if returns.count {
        say(out, format_args!(" COUNT {}", found.len()));
    }
    if let Some(range) = returns.partial {
        partial(out, range, found, head.numbering);
    }
    if let Some(highest) = told_mod_seq(found, returns).filter(|_| head.mod_seq) {
        say(out, format_args!(" MODSEQ {}", highest.0));
    }
    out.extend_from_slice(b"\r\n");
}

/// What `$` stands for after a search with SAVE (RFC 5182 §2.4, RFC 9394 §3.2).
pub fn saved(found: &[Found], returns: &SearchReturn) -> UidSet {
    let narrowed = returns.min || returns.max || returns.partial.is_some();
    if returns.all || returns.count || !narrowed {
        return found.iter().map(|found| found.uid).collect();
    }
    let page = returns.partial.map_or(&[][..], |range| stretch(found, range));
    let ends = ends(found, returns);
    page.iter().chain(ends).map(|found| found.uid).collect()
}

/// The part of a result that PARTIAL names (RFC 9394 §3.1).
pub fn stretch<T>(found: &[T], range: PartialRange) -> &[T] {
    let place = |number: std::num::NonZeroU32| usize::try_from(number.get()).unwrap_or(usize::MAX);
    let (low, high) = (place(range.low), place(range.high));
    let (low, high) = (low.min(high) - 1, low.max(high).min(found.len()));
    if low >= high {
        return &[];
    }
    match range.from_end {
        false => &found[low..high],
        true => &found[found.len() - high..found.len() - low],
    }
}

fn partial(out: &mut Vec<u8>, range: PartialRange, found: &[Found], numbering: Numbering) {
    let sign = if range.from_end { "-" } else { "" };
    say(out, format_args!(" PARTIAL ({sign}{}:{sign}{} ", range.low, range.high));
    match stretch(found, range) {
        [] => out.extend_from_slice(b"NIL"),
        page => set(out, page.iter().map(|found| found.named(numbering))),
    }
    out.push(b')');
}

/// RFC 7162 §3.1.10: of MIN and MAX alone, theirs; else the highest of all that was found.
fn told_mod_seq(found: &[Found], returns: &SearchReturn) -> Option<ModSeq> {
    let only_ends =
        (returns.min || returns.max) && !returns.all && !returns.count && returns.partial.is_none();
    match only_ends {
        true => ends(found, returns).map(|found| found.mod_seq).max(),
        false => highest(found),
    }
}

/// The letters that MIN and MAX name.
fn ends<'a>(found: &'a [Found], returns: &SearchReturn) -> impl Iterator<Item = &'a Found> {
    let first = found.first().filter(|_| returns.min);
    first.into_iter().chain(found.last().filter(|_| returns.max))
}

fn highest(found: &[Found]) -> Option<ModSeq> {
    found.iter().map(|found| found.mod_seq).max()
}

fn list(out: &mut Vec<u8>, word: &str, found: &[Found], numbering: Numbering) {
    say(out, format_args!("* {word}"));
    found.iter().for_each(|found| say(out, format_args!(" {}", found.named(numbering))));
}

/// Numbers in their order, those that follow one another as a range. Sorted numbers are written shortest.
fn set(out: &mut Vec<u8>, numbers: impl Iterator<Item = u32>) {
    let mut numbers = numbers.peekable();
    let mut comma = "";
    while let Some(first) = numbers.next() {
        let mut last = first;
        while let Some(next) = numbers.next_if(|next| last.checked_add(1) == Some(*next)) {
            last = next;
        }
        match first == last {
            true => say(out, format_args!("{comma}{first}")),
            false => say(out, format_args!("{comma}{first}:{last}")),
        }
        comma = ",";
    }
}

/// Writing to memory can't fail.
fn say(out: &mut Vec<u8>, text: std::fmt::Arguments<'_>) {
    let _ = out.write_fmt(text);
}
