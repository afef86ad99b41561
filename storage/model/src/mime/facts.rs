//! What is kept of a letter beside its body: the [`Facts`] record and its pieces.

use std::fmt;
use std::ops::{Deref, Range};

use bincode::{Decode, Encode};

use super::header::message_ids;
use super::subject::{BaseSubject, base_subject};
use crate::envelope::EmailAddress;
use crate::record::Record;

/// Octets of a field as they stood in the letter: unfolded, without CR, LF and NUL, not decoded.
#[derive(Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Encode, Decode)]
pub struct Octets(pub Vec<u8>);

impl fmt::Debug for Octets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.0.escape_ascii())
    }
}

impl Deref for Octets {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl From<&[u8]> for Octets {
    fn from(octets: &[u8]) -> Octets {
        Octets(octets.to_vec())
    }
}

/// The write-once record of a letter, found by a [`Scanner`](super::Scanner).
///
/// An EMAILID (RFC 8474 §5.1) is not among them: the letter's [`LetterId`](crate::LetterId) serves, since a copy
/// within an account keeps it and a letter never changes. Nor is what follows from the fields kept here: the base
/// subject and the parents in a thread are computed when they are asked for.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Facts {
    /// Its envelope (RFC 9051 §7.5.2).
    pub envelope: Envelope,
    /// The letter as a part: its header, its body and the parts in it.
    pub structure: Part,
    /// Ids of the References field without angle brackets, oldest first, at most
    /// [`MAX_REFERENCES`](super::MAX_REFERENCES).
    pub references: Vec<Octets>,
    /// Some octet is above 127 (RFC 6152).
    pub has_8bit: bool,
    /// Some octet of a header block, the letter's or a part's, is above 127 (RFC 6532): only a program that said
    /// UTF8 may see the letter as it is (RFC 6855, RFC 6856).
    pub needs_utf8: bool,
    /// Some octet is NUL, which an IMAP literal can't carry (RFC 9051 §4.3).
    pub has_nul: bool,
}

impl Record for Facts {
    const VERSION: u8 = 1;
    const NAME: &'static str = "Facts";
}

impl Facts {
    /// Octets of the letter (RFC822.SIZE).
    pub fn size(&self) -> u64 {
        self.structure.body_end
    }

    /// Octets of its header, with the blank line.
    pub fn header_size(&self) -> u64 {
        self.structure.body_start
    }

    /// The letter's own id without angle brackets (RFC 5256 §3, REFERENCES).
    pub fn message_id(&self) -> Option<&[u8]> {
        message_ids(self.envelope.message_id.as_deref()?).next()
    }

    /// Ids of the letters that this one answers, oldest first: those of References, else the first one of
    /// In-Reply-To (RFC 5256 §3, REFERENCES).
    pub fn parents(&self) -> impl Iterator<Item = &[u8]> {
        let answered = self.envelope.in_reply_to.as_deref().filter(|_| self.references.is_empty());
        let answered = answered.and_then(|value| message_ids(value).next());
        self.references.iter().map(|id| &id[..]).chain(answered)
    }

    /// The subject without `Re:` and the like (RFC 5256 §2.1); empty where there is none.
    pub fn base_subject(&self) -> BaseSubject {
        base_subject(self.envelope.subject.as_deref().unwrap_or_default())
    }
}

/// The envelope of a letter (RFC 9051 §7.5.2), as its header has it: that Sender and Reply-To stand for From where
/// they are missing is for whoever shows it.
///
/// Of a field that stands twice the first one counts, but for To, Cc and Bcc, which are read as one list.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct Envelope {
    /// Date
    pub date: Option<Octets>,
    /// Subject
    pub subject: Option<Octets>,
    /// From
    pub from: Vec<Address>,
    /// Sender
    pub sender: Vec<Address>,
    /// Reply-To
    pub reply_to: Vec<Address>,
    /// To
    pub to: Vec<Address>,
    /// Cc
    pub cc: Vec<Address>,
    /// Bcc
    pub bcc: Vec<Address>,
    /// In-Reply-To
    pub in_reply_to: Option<Octets>,
    /// Message-ID
    pub message_id: Option<Octets>,
}

/// One element of an address list; a group is written out flat, as IMAP shows it (RFC 9051 §7.5.2).
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub enum Address {
    /// An address.
    Mailbox(Mailbox),
    /// A group of this name begins (RFC 5322 §3.4).
    Group(Octets),
    /// The group ends; every group that begins does.
    GroupEnd,
}

/// An address with the name of its owner (RFC 5322 §3.4).
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct Mailbox {
    /// Display name without quotes, else the comment behind the address; encoded words (RFC 2047) are left alone.
    pub name: Option<Octets>,
    /// Source route, `@a,@b` (RFC 5322 §4.4).
    pub route: Option<Octets>,
    /// The part before the `@` without quotes; empty where it is missing.
    pub local: Octets,
    /// The part behind the `@`; empty where it is missing.
    pub domain: Octets,
}

impl Mailbox {
    /// The address, where it is one that mail could go to.
    pub fn email(&self) -> Option<EmailAddress> {
        let local = std::str::from_utf8(&self.local).ok()?;
        let domain = std::str::from_utf8(&self.domain).ok()?;
        let local = local.replace('\\', "\\\\").replace('"', "\\\"");
        EmailAddress::parse(&format!("\"{local}\"@{domain}")).ok()
    }
}

/// A letter, or a part of one, with what its header says about it (RFC 2045).
///
/// Offsets count octets from the beginning of the letter. A part's header stands at [`Part::header`], its body at
/// [`Part::body`], still encoded; the parts in it lie within its body, one behind the other.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct Part {
    /// Where its header begins.
    pub header_start: u64,
    /// Where its body begins: behind the blank line.
    pub body_start: u64,
    /// Where its body ends: before the line break that belongs to the boundary (RFC 2046 §5.1.1).
    pub body_end: u64,
    /// Line feeds in its body.
    pub lines: u64,
    /// Content-Type; `None` where it is missing or can't be obeyed, see [`Part::media_type`].
    pub media_type: Option<MediaType>,
    /// Content-Transfer-Encoding; `None` means 7bit (RFC 2045 §6.1).
    pub encoding: Option<Octets>,
    /// Content-ID
    pub id: Option<Octets>,
    /// Content-Description
    pub description: Option<Octets>,
    /// Content-MD5
    pub md5: Option<Octets>,
    /// Content-Disposition
    pub disposition: Option<Disposition>,
    /// Content-Language
    pub language: Vec<Octets>,
    /// Content-Location
    pub location: Option<Octets>,
    /// What lies in it.
    pub content: Content,
}

/// What lies in a part.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub enum Content {
    /// No parts.
    #[default]
    Leaf,
    /// The parts of a multipart, one at least.
    Multipart(Vec<Part>),
    /// The letter in a message/rfc822 or message/global.
    Message(Box<Message>),
}

/// A letter inside a letter.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Message {
    /// Its envelope.
    pub envelope: Envelope,
    /// The letter as a part.
    pub structure: Part,
}

/// A Content-Type (RFC 2045 §5.1), in the spelling of the letter.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct MediaType {
    /// `text`, `multipart` …
    pub kind: Octets,
    /// `plain`, `mixed` …
    pub subtype: Octets,
    /// Its parameters.
    pub parameters: Vec<Parameter>,
}

/// A Content-Disposition (RFC 2183), in the spelling of the letter.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Disposition {
    /// `inline`, `attachment` …
    pub kind: Octets,
    /// Its parameters.
    pub parameters: Vec<Parameter>,
}

/// A parameter; RFC 2231's extensions are left as they are (`filename*0*`).
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Parameter {
    /// Its name.
    pub name: Octets,
    /// Its value without quotes.
    pub value: Octets,
}

impl Part {
    /// Octets of its body, as it is encoded.
    pub fn octets(&self) -> u64 {
        self.body_end - self.body_start
    }

    /// Where its header stands, with the blank line.
    pub fn header(&self) -> Range<u64> {
        self.header_start..self.body_start
    }

    /// Where its body stands.
    pub fn body(&self) -> Range<u64> {
        self.body_start..self.body_end
    }

    /// Its type and subtype. Where the letter gives none, or one that could not be obeyed (a multipart without
    /// boundary or parts), it is text/plain, and for a letter in a digest message/rfc822
    /// (RFC 2045 §5.2, RFC 2046 §5.1.5).
    pub fn media_type(&self) -> (&[u8], &[u8]) {
        match (&self.media_type, &self.content) {
            (Some(media), _) => (&media.kind, &media.subtype),
            (None, Content::Message(_)) => (b"message", b"rfc822"),
            (None, _) => (b"text", b"plain"),
        }
    }

    /// Whether it is of type text, so that IMAP shows its [`Part::lines`].
    pub fn is_text(&self) -> bool {
        self.media_type().0.eq_ignore_ascii_case(b"text")
    }

    /// The part that IMAP numbers `numbers` (RFC 9051 §6.4.5.1), where `self` is a whole letter; no numbers name
    /// the letter itself, and part 1 of a letter without parts is the letter.
    pub fn at(&self, numbers: &[u32]) -> Option<&Part> {
        let Some((number, deeper)) = numbers.split_first() else { return Some(self) };
        let part = match &self.content {
            Content::Multipart(parts) => parts.get(usize::try_from(*number).ok()?.checked_sub(1)?)?,
            _ if *number == 1 => self,
            _ => return None,
        };
        match &part.content {
            _ if deeper.is_empty() => Some(part),
            Content::Multipart(_) => part.at(deeper),
            Content::Message(message) => message.structure.at(deeper),
            Content::Leaf => None,
        }
    }
}
