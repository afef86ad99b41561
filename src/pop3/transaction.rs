//! The TRANSACTION state (RFC 1939 §5): a snapshot of the INBOX, and what was marked as deleted in it.

use std::io::Write as _;
use std::sync::Arc;

use postern_actors::order::Drop;
use postern_model::{AccountId, LetterId, Uid, UidValidity};

use super::command::{self, MessageNumber};
use super::language::{Language, Text};
use super::reply;
use super::stuffing::{Stuffer, Top};

/// Rows of LIST or UIDL that go out before the socket is waited for.
const ROWS_AT_ONCE: usize = 1024;

/// Octets of a letter that may be read before it is asked for.
const READ_AHEAD: u32 = 32 * 1024;

/// A maildrop that a login has opened.
pub struct Opened<H> {
    /// Whose it is.
    pub account: AccountId,
    /// The account's address, as it is shown.
    pub address: Arc<str>,
    /// The name of its plan.
    pub plan: Arc<str>,
    /// The letters in the order of their message numbers.
    pub letters: Box<[Drop]>,
    /// UIDVALIDITY of the INBOX, for unique-ids.
    pub uid_validity: UidValidity,
    /// Unique-ids that letters brought along, by index into `letters`, ascending.
    pub foreign_uidls: Vec<(u32, Box<str>)>,
    /// The right to be here and to have the maildrop; both end when it is dropped.
    pub held: H,
}

/// An open maildrop in use.
pub(super) struct Transaction<H> {
    maildrop: Opened<H>,
    /// Bit n: letter n (from 0) is marked as deleted. Empty until the first DELE.
    deleted: Box<[u64]>,
    left: usize,
    octets: u64,
    work: Work,
}

/// An answer that is not out yet.
enum Work {
    Nothing,
    Listing(Listing),
    Sending(Sending),
}

#[derive(Clone, Copy)]
struct Listing {
    row: Row,
    next: usize,
}

/// What a row of a listing says behind the message number.
#[derive(Clone, Copy)]
pub(super) enum Row {
    /// LIST: the size.
    Size,
    /// UIDL: the unique-id.
    UniqueId,
}

struct Sending {
    status: Status,
    begun: bool,
    stuffer: Stuffer,
    top: Option<Top>,
}

/// The status line that stands before a letter; it waits for the letter's first bytes to be there.
#[derive(Clone, Copy)]
enum Status {
    Octets(u32),
    Top,
}

/// Why a message number names no letter.
pub(super) enum NoLetter {
    Unknown { letters: usize },
    Deleted(MessageNumber),
}

impl NoLetter {
    pub(super) fn say(&self, language: Language, out: &mut Vec<u8>) {
        match self {
            NoLetter::Unknown { letters } => reply::err(out, language, Text::NoSuchMessage, &[letters]),
            NoLetter::Deleted(n) => reply::err(out, language, Text::DeletedAlready, &[n]),
        }
    }
}

impl<H> Transaction<H> {
    pub(super) fn new(maildrop: Opened<H>) -> Transaction<H> {
        let mut transaction =
            Transaction { maildrop, left: 0, octets: 0, deleted: Box::default(), work: Work::Nothing };
        transaction.reset();
        transaction
    }

    /// The name of the account's plan.
    pub(super) fn plan(&self) -> &str {
        &self.maildrop.plan
    }

    /// Whether an answer is still on its way.
    pub(super) fn is_busy(&self) -> bool {
        !matches!(self.work, Work::Nothing)
    }

    pub(super) fn welcome(&self, language: Language, out: &mut Vec<u8>) {
        reply::ok(out, language, Text::Welcome, &[&self.maildrop.address, &self.left, &self.octets]);
    }

    pub(super) fn stat(&self, out: &mut Vec<u8>) {
        // A drop listing is for machines: no text behind it (RFC 1939 §5).
        let _ = write!(out, "+OK {} {}\r\n", self.left, self.octets);
    }

    /// One row of LIST or UIDL as its own answer.
    pub(super) fn one_row(&self, row: Row, n: MessageNumber, language: Language, out: &mut Vec<u8>) {
        match self.find(n) {
            Ok((index, letter)) => {
                out.extend_from_slice(b"+OK ");
                self.row(row, index, letter, out);
            }
            Err(none) => none.say(language, out),
        }
    }

    /// Begins a LIST or UIDL of everything; [`Transaction::more_rows`] goes on.
    pub(super) fn all_rows(&mut self, row: Row, language: Language, out: &mut Vec<u8>) {
        match row {
            Row::Size => reply::ok(out, language, Text::Listing, &[&self.left, &self.octets]),
            Row::UniqueId => reply::ok(out, language, Text::UniqueIdsFollow, &[]),
        }
        self.work = Work::Listing(Listing { row, next: 0 });
        self.more_rows(out);
    }

    /// Writes the next rows of a listing under way. Whether there are more, behind what was written, says
    /// [`Transaction::is_busy`].
    pub(super) fn more_rows(&mut self, out: &mut Vec<u8>) {
        let Work::Listing(Listing { row, next }) = self.work else { return };
        let end = self.maildrop.letters.len().min(next + ROWS_AT_ONCE);
        for index in next..end {
            if !self.is_deleted(index) {
                self.row(row, index, self.maildrop.letters[index], out);
            }
        }
        if end == self.maildrop.letters.len() {
            out.extend_from_slice(b".\r\n");
            self.work = Work::Nothing;
        } else {
            self.work = Work::Listing(Listing { row, next: end });
        }
    }

    fn row(&self, row: Row, index: usize, letter: Drop, out: &mut Vec<u8>) {
        // Writing to memory can't fail.
        let _ = match row {
            Row::Size => write!(out, "{} {}\r\n", index + 1, letter.size),
            Row::UniqueId => match self.foreign_uidl(index) {
                Some(uidl) => write!(out, "{} {uidl}\r\n", index + 1),
                None => {
                    let uidl = command::uidl(self.maildrop.uid_validity, letter.uid);
                    write!(out, "{} {uidl}\r\n", index + 1)
                }
            },
        };
    }

    /// The unique-id that the letter brought along, where it may stand on a line (RFC 1939 §7).
    fn foreign_uidl(&self, index: usize) -> Option<&str> {
        let foreign = &self.maildrop.foreign_uidls;
        let found = foreign.binary_search_by_key(&index, |(at, _)| *at as usize).ok()?;
        let uidl: &str = &foreign.get(found)?.1;
        let fits = (1..=70).contains(&uidl.len()) && uidl.bytes().all(|b| b.is_ascii_graphic());
        fits.then_some(uidl)
    }

    /// Begins RETR (`lines` is `None`) or TOP; names the body to be streamed.
    pub(super) fn send(
        &mut self,
        n: MessageNumber,
        lines: Option<u32>,
    ) -> Result<(AccountId, LetterId), NoLetter> {
        let (_, letter) = self.find(n)?;
        self.work = Work::Sending(Sending {
            status: lines.map_or(Status::Octets(letter.size), |_| Status::Top),
            begun: false,
            stuffer: Stuffer::default(),
            top: lines.map(Top::new),
        });
        Ok((self.maildrop.account, letter.letter))
    }

    /// The letter behind the one that RETR (not TOP) asks for, where it is small enough to be read ahead.
    pub(super) fn behind(&self, n: MessageNumber, lines: Option<u32>) -> Option<LetterId> {
        let next = self.find(MessageNumber(n.0.checked_add(1)?)).ok().filter(|_| lines.is_none());
        next.filter(|(_, letter)| letter.size <= READ_AHEAD).map(|(_, letter)| letter.letter)
    }

    /// A piece of the body; whether more is wanted.
    pub(super) fn chunk(&mut self, bytes: &[u8], language: Language, out: &mut Vec<u8>) -> bool {
        let Work::Sending(sending) = &mut self.work else { return false };
        sending.begin(language, out);
        let (taken, more) = sending.top.as_mut().map_or((bytes.len(), true), |top| top.cut(bytes));
        sending.stuffer.push(&bytes[..taken], out);
        more
    }

    /// The body has ended. Returns whether the answer is whole, or `None` where it has not even begun, so that there
    /// is still a way to say "no".
    pub(super) fn sent(&mut self, whole: bool, language: Language, out: &mut Vec<u8>) -> Option<bool> {
        let Work::Sending(mut sending) = std::mem::replace(&mut self.work, Work::Nothing) else {
            return Some(true);
        };
        if whole {
            sending.begin(language, out);
            sending.stuffer.finish(out);
            return Some(true);
        }
        sending.begun.then_some(false)
    }

    pub(super) fn delete(&mut self, n: MessageNumber, language: Language, out: &mut Vec<u8>) {
        match self.find(n) {
            Ok((index, letter)) => {
                if self.deleted.is_empty() {
                    self.deleted = vec![0; self.maildrop.letters.len().div_ceil(64)].into();
                }
                self.deleted[index / 64] |= 1 << (index % 64);
                self.left -= 1;
                self.octets -= u64::from(letter.size);
                reply::ok(out, language, Text::Deleted, &[&n]);
            }
            Err(none) => none.say(language, out),
        }
    }

    /// Takes all marks away (RSET).
    pub(super) fn reset(&mut self) {
        self.deleted = Box::default();
        self.left = self.maildrop.letters.len();
        self.octets = self.maildrop.letters.iter().map(|l| u64::from(l.size)).sum();
    }

    pub(super) fn listing(&self, language: Language, out: &mut Vec<u8>) {
        reply::ok(out, language, Text::Listing, &[&self.left, &self.octets]);
    }

    /// Letters that are not marked.
    pub(super) fn left(&self) -> usize {
        self.left
    }

    /// What QUIT has to make durable, and the right to do it.
    pub(super) fn update(self) -> (H, Vec<Uid>) {
        let marked = |(index, letter): (usize, &Drop)| self.is_deleted(index).then_some(letter.uid);
        let deletions = self.maildrop.letters.iter().enumerate().filter_map(marked).collect();
        (self.maildrop.held, deletions)
    }

    fn is_deleted(&self, index: usize) -> bool {
        self.deleted.get(index / 64).is_some_and(|bits| bits & (1 << (index % 64)) != 0)
    }

    fn find(&self, n: MessageNumber) -> Result<(usize, Drop), NoLetter> {
        let letters = &self.maildrop.letters;
        let index = n.0 as usize - 1;
        match letters.get(index) {
            None => Err(NoLetter::Unknown { letters: letters.len() }),
            Some(_) if self.is_deleted(index) => Err(NoLetter::Deleted(n)),
            Some(letter) => Ok((index, *letter)),
        }
    }
}

impl Sending {
    fn begin(&mut self, language: Language, out: &mut Vec<u8>) {
        if self.begun {
            return;
        }
        self.begun = true;
        match self.status {
            Status::Octets(size) => reply::ok(out, language, Text::Octets, &[&size]),
            Status::Top => reply::ok(out, language, Text::TopFollows, &[]),
        }
    }
}
