//! What the door must know of a letter's header before it takes the letter: how far it has come, who says to have written
//! it, and which fields are missing (SPEC I5, M5; RFC 5321 §6.3).

use std::collections::BTreeSet;

use memchr::{memchr, memmem};
use postern_model::EmailAddress;
use postern_model::mime::HeaderSummary;

/// Where the header of a letter ends that has come in as far as `letter`: behind its blank line. `looked_at` octets
/// were searched before.
pub(super) fn end(letter: &[u8], looked_at: usize) -> Option<usize> {
    if letter.starts_with(b"\r\n") {
        return Some(2);
    }
    let from = looked_at.saturating_sub(3);
    memmem::find(&letter[from..], b"\r\n\r\n").map(|at| from + at + 4)
}

/// What was found in a header.
pub(super) struct Header {
    /// Servers it came through.
    pub(super) hops: usize,
    /// It has a Date.
    pub(super) date: bool,
    /// It has a Message-ID.
    pub(super) message_id: bool,
    /// Whom From and Sender name.
    pub(super) authors: Authors,
}

/// Whom the From and Sender fields name, all of them, however often they stand there.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Authors {
    /// These and nobody else, without repetition; nobody where there is no such field.
    Are(Vec<EmailAddress>),
    /// Programs may read different things into it, so none of it can be checked.
    Unclear,
}

impl Header {
    /// Reads the header block.
    pub(super) fn of(block: &[u8]) -> Header {
        let summary = HeaderSummary::of(block);
        Header {
            hops: summary.received,
            date: summary.date > 0,
            message_id: summary.message_id > 0,
            // Some programs read over a NUL, and see a From where others see none.
            authors: if memchr(0, block).is_some() { Authors::Unclear } else { authors(&summary) },
        }
    }
}

fn authors(summary: &HeaderSummary) -> Authors {
    let mut authors = BTreeSet::new();
    let fields = [(summary.from, &summary.from_addresses), (summary.sender, &summary.sender_addresses)];
    for (count, list) in fields {
        let mut empty = true;
        for mailbox in list.mailboxes() {
            let Some(address) = mailbox.email() else { return Authors::Unclear };
            authors.insert(address);
            empty = false;
        }
        if !list.well_formed || (empty && count > 0) {
            return Authors::Unclear;
        }
    }
    Authors::Are(authors.into_iter().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn authors_of(block: &str) -> Authors {
        Header::of(block.as_bytes()).authors
    }

    fn are(addresses: &[&str]) -> Authors {
        Authors::Are(addresses.iter().map(|a| EmailAddress::parse(a).expect("an address")).collect())
    }

    #[test]
    fn the_end_is_the_first_blank_line_wherever_the_pieces_were_cut() {
        let letter = b"A: b\r\nC: d\r\n\r\nbody\r\n\r\n";
        for cut in 0..letter.len() {
            let first = end(&letter[..cut], 0);
            let second = first.or_else(|| end(letter, cut));
            assert_eq!(second, Some(14), "cut at {cut}");
        }
        assert_eq!(end(b"\r\nbody", 0), Some(2));
        assert_eq!(end(b"A: b\r\n", 0), None);
    }

    #[test]
    fn authors_are_everybody_in_from_and_sender() {
        assert_eq!(
            authors_of("From: A <a@x.test>, b@x.test\r\nSender: c@x.test\r\n\r\n"),
            are(&["a@x.test", "b@x.test", "c@x.test"])
        );
        assert_eq!(authors_of("from: a@x.test\r\nFROM : b@x.test\r\n\r\n"), are(&["a@x.test", "b@x.test"]));
        assert_eq!(authors_of("From:\r\n a@x.test\r\nTo: z@x.test\r\n\r\n"), are(&["a@x.test"]));
        assert_eq!(authors_of("Subject: x\r\n\r\n"), are(&[]));
    }

    #[test]
    fn what_can_be_read_in_two_ways_is_unclear() {
        for from in ["", "alice", "a@x.test b@x.test", "undisclosed:;", "<a@x.test", "a@-x", "\"a@x.test"] {
            assert_eq!(authors_of(&format!("From: {from}\r\n\r\n")), Authors::Unclear, "{from}");
        }
        assert_eq!(authors_of("From: a@x.test\r\nFr\0om: b@x.test\r\n\r\n"), Authors::Unclear);
    }

    #[test]
    fn fields_are_counted_and_missed() {
        let header = Header::of(b"Received: a\r\nreceived: b\r\nDate: x\r\n\r\n");
        assert_eq!((header.hops, header.date, header.message_id), (2, true, false));
        let header = Header::of(b"Message-Id: <a@b>\r\nX-Date: x\r\n\r\n");
        assert_eq!((header.hops, header.date, header.message_id), (0, false, true));
    }
}
