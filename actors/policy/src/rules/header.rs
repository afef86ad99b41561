//! What the rules look at in a letter's header.

use postern_model::EmailAddress;
use postern_model::mime::{AddressList, Field, fields, unfold};

/// Addresses of one kind that are looked at; a letter to more is one to many, and nobody's own.
const MOST: usize = 100;

/// A letter's header, as far as rules look at it; bounded whatever a stranger sends.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Header {
    /// From.
    pub from: Vec<EmailAddress>,
    /// To, Cc, Bcc, and those of who sent it on (RFC 3834 §2).
    pub addressed: Vec<EmailAddress>,
    /// Delivered-To: through which mailboxes it has come.
    pub passed: Vec<EmailAddress>,
    /// Received fields (RFC 5321 §6.3).
    pub hops: usize,
    /// Why a reply by a machine would be out of place, where it would be.
    pub automatic: Option<&'static str>,
}

impl Header {
    /// Reads a header block.
    pub fn of(block: &[u8]) -> Header {
        let mut header = Header::default();
        for field in fields(block) {
            header.read(&field);
        }
        header
    }

    fn read(&mut self, field: &Field<'_>) {
        let name = field.name.to_ascii_lowercase();
        match &name[..] {
            b"received" => self.hops += 1,
            b"from" => add(&mut self.from, field),
            b"delivered-to" => add(&mut self.passed, field),
            b"to" | b"cc" | b"bcc" | b"resent-to" | b"resent-cc" | b"resent-bcc" => {
                add(&mut self.addressed, field);
            }
            name => self.automatic = self.automatic.or_else(|| automatic(name, field)),
        }
    }
}

fn add(list: &mut Vec<EmailAddress>, field: &Field<'_>) {
    let room = MOST - list.len();
    let found = AddressList::parse(field.value);
    list.extend(found.mailboxes().filter_map(|mailbox| mailbox.email()).take(room));
}

/// Whether a field says that a machine wrote the letter, or that it went to many (RFC 3834 §2).
fn automatic(name: &[u8], field: &Field<'_>) -> Option<&'static str> {
    let word = first_word(field);
    match name {
        // RFC 3834 §5
        b"auto-submitted" if word != b"no" => Some("auto-submitted"),
        // Older than any RFC, and what most programs still write.
        b"precedence" if [&b"bulk"[..], b"junk", b"list"].contains(&&word[..]) => Some("precedence"),
        // RFC 2369, RFC 2919
        name if name.starts_with(b"list-") => Some("list"),
        b"mailing-list" | b"x-mailing-list" | b"x-loop" | b"x-been-there" | b"x-beenthere" => Some("list"),
        b"x-auto-response-suppress" if word != b"none" => Some("suppressed"),
        b"x-autoreply" | b"x-autorespond" | b"x-autorespond-by" => Some("auto-submitted"),
        // Reports on letters (RFC 6522).
        b"content-type" if word == b"multipart/report" => Some("report"),
        _ => None,
    }
}

/// A field's first word in small letters, without comments before it.
fn first_word(field: &Field<'_>) -> Vec<u8> {
    let unfolded = unfold(field.value);
    let mut value = &unfolded[..];
    while value.first() == Some(&b'(') {
        let end = value.iter().position(|octet| *octet == b')').map_or(value.len(), |end| end + 1);
        value = value[end..].trim_ascii_start();
    }
    let end = value.iter().position(|octet| b" \t;,(".contains(octet)).unwrap_or(value.len());
    value[..end].to_ascii_lowercase()
}
