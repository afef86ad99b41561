//! Items that are told from what is known of a letter, without its octets.

use std::io::Write;

use postern_model::Timestamp;
use postern_model::mime::Facts;
use postern_model::record::{Entry, MailboxHeader};

use crate::imap::data::{body_structure, envelope, nstring};
use crate::imap::grammar::FetchItem;
use crate::imap::state::Selected;
use crate::imap::sync;

/// A letter, and what was read of it.
pub(super) struct Letter<'a> {
    /// As it stands in its folder.
    pub(super) entry: &'a Entry,
    /// The folder's counters and keywords.
    pub(super) header: &'a MailboxHeader,
    /// `None` where they were not needed, or could not be read.
    pub(super) facts: Option<&'a Facts>,
    /// Its first words.
    pub(super) preview: Option<&'a str>,
}

/// Writes an item; `false` where it can't be told.
pub(super) fn write(
    out: &mut Vec<u8>,
    item: &FetchItem,
    letter: &Letter<'_>,
    selected: &Selected,
    utf8: bool,
) -> bool {
    let entry = letter.entry;
    // Writing to memory can't fail.
    let _ = match item {
        FetchItem::Uid => write!(out, "UID {}", entry.uid.0),
        FetchItem::Flags => {
            sync::flags(out, selected, letter.header, entry);
            Ok(())
        }
        FetchItem::InternalDate => write!(out, "INTERNALDATE \"{}\"", date(entry.internal_date)),
        FetchItem::SaveDate => write!(out, "SAVEDATE \"{}\"", date(entry.save_date())),
        FetchItem::Rfc822Size => write!(out, "RFC822.SIZE {}", entry.size),
        FetchItem::ModSeq => write!(out, "MODSEQ ({})", entry.mod_seq.0),
        FetchItem::EmailId => write!(out, "EMAILID (M{})", entry.email_id()),
        // RFC 8474 §5.2: threads are not numbered here.
        FetchItem::ThreadId => write!(out, "THREADID NIL"),
        FetchItem::Envelope | FetchItem::BodyStructure | FetchItem::Body => {
            let Some(facts) = letter.facts else { return false };
            told_of_facts(out, item, facts, utf8);
            Ok(())
        }
        FetchItem::Preview { .. } => {
            out.extend_from_slice(b"PREVIEW ");
            nstring(out, letter.preview.map(str::as_bytes), utf8);
            Ok(())
        }
        FetchItem::Section(_) | FetchItem::Binary { .. } | FetchItem::BinarySize { .. } => return false,
    };
    true
}

fn told_of_facts(out: &mut Vec<u8>, item: &FetchItem, facts: &Facts, utf8: bool) {
    match item {
        FetchItem::Envelope => {
            out.extend_from_slice(b"ENVELOPE ");
            envelope(out, &facts.envelope, utf8);
        }
        FetchItem::BodyStructure => {
            out.extend_from_slice(b"BODYSTRUCTURE ");
            body_structure(out, &facts.structure, true, utf8);
        }
        _ => {
            out.extend_from_slice(b"BODY ");
            body_structure(out, &facts.structure, false, utf8);
        }
    }
}

fn date(seconds: i64) -> String {
    Timestamp::from_seconds(seconds).rfc9051()
}
