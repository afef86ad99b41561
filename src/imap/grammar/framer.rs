//! Where a command ends: lines, literals within them (RFC 9051 §4.3, RFC 7888), and letters that are not held.

use std::ops::Range;

use postern_model::MailboxName;

use super::{Tag, Tagged};

/// How much a client may say.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Octets of a command with its literals, letters not counted.
    pub command: usize,
    /// Octets of one letter (`POSTERN_MESSAGE_SIZE`).
    pub message: u64,
}

impl Limits {
    /// Before the login: a stranger may keep little.
    pub const STRANGER: Limits = Limits { command: 16 * 1024, message: 0 };
}

/// What a [`Framer`] has found. Bytes of the input up to here are used.
#[derive(Debug, PartialEq, Eq)]
pub enum Frame {
    /// A whole command.
    Command(Box<Tagged>),
    /// A line or command that no grammar has. What belonged to it is used; the next command begins behind it.
    Malformed(Malformed),
    /// A synchronising literal was announced and will be held: say `+`.
    Continue,
    /// A letter is announced; nothing of it has been used yet. [`Framer::accept`] or [`Framer::refuse`] is to be called
    /// before anything else.
    Message(Box<MessageLiteral>),
    /// These octets of the input are the letter's.
    Octets(Range<usize>),
    /// The letter has ended.
    MessageEnd,
    /// A refused letter, and whatever else the client sends for this command without waiting, has gone by.
    Drained,
    /// The client has announced more without waiting than is borne with: nothing behind this can be understood
    /// (RFC 7888 §4); say BYE.
    Hopeless,
}

/// A letter that is about to come.
#[derive(Debug, PartialEq, Eq)]
pub struct MessageLiteral {
    /// The command's tag.
    pub tag: Tag,
    /// Where the letter is to go.
    pub mailbox: MailboxName,
    /// Which letter of the command's it is, from 0.
    pub index: usize,
    /// Its octets, as announced.
    pub octets: u64,
    /// The client waits for `+`.
    pub synchronising: bool,
    /// A `literal8`.
    pub binary: bool,
}

/// Why a command could not be understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Malformed {
    /// Its tag, where it has one.
    pub tag: Option<Tag>,
    /// The octet at which it went wrong, counted from 0 at the command's beginning.
    pub at: usize,
    /// What should stand there: `a space`, `a mailbox name`, `an end of line`.
    pub expected: &'static str,
}

/// Commands out of a stream of bytes. It owns memory only while a command is on its way.
#[derive(Debug, Default)]
pub struct Framer {
    buffer: Vec<u8>,
}

impl Framer {
    /// Takes some of `input` and says what it has found; `None`: all of it is used and more is needed. `utf8` is whether
    /// UTF8=ACCEPT (or IMAP4rev2) is enabled: names of folders are UTF-8 then, and not modified UTF-7.
    pub fn feed(&mut self, input: &[u8], _limits: &Limits, _utf8: bool) -> (usize, Option<Frame>) {
        self.buffer.extend_from_slice(input);
        (input.len(), None)
    }

    /// A bare line, for who waits for one: a response to AUTHENTICATE, or DONE. `Some(None)` is a line that is too long.
    pub fn line(&mut self, input: &[u8], _limit: usize) -> (usize, Option<Option<Vec<u8>>>) {
        (input.len(), None)
    }

    /// The letter that was announced is wanted. The caller says `+` where the client waits for it.
    pub fn accept(&mut self) {}

    /// The letter that was announced is not wanted: the command is answered now. Where the client did not wait, it goes
    /// by, with what else belongs to the command, until [`Frame::Drained`]; else the command is over at once.
    pub fn refuse(&mut self) {}

    /// Throws away what has come in: TLS begins.
    pub fn clear(&mut self) {
        *self = Framer::default();
    }
}
