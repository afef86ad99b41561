//! What the header of a letter or a part says, kept within bounds.

use super::facts::{Address, Disposition, Envelope, MediaType, Octets, Parameter, Part};
use super::header::{Field, cut, fields, message_ids, unfold};
use super::params::{Pair, disposition, media_type, word, word_list};
use super::{AddressList, MAX_BOUNDARY, MAX_KEPT, MAX_REFERENCES, MAX_TEXT};

/// What each kept item costs beside its octets.
const ITEM: usize = 64;

/// What a letter's facts may still keep ([`MAX_KEPT`]).
pub(super) struct Budget {
    left: usize,
}

impl Budget {
    pub(super) fn new() -> Budget {
        Budget { left: MAX_KEPT }
    }

    fn octets(&mut self, text: &[u8]) -> Option<Octets> {
        self.left = self.left.checked_sub(ITEM)?;
        // What IMAP could not show in one line is dropped here, wherever it came from.
        let text = text.iter().copied().filter(|octet| !matches!(octet, b'\r' | b'\n' | 0));
        let text: Vec<u8> = text.take(MAX_TEXT.min(self.left)).collect();
        self.left -= text.len();
        Some(Octets(text))
    }

    fn many(&mut self, texts: &[Vec<u8>]) -> Vec<Octets> {
        texts.iter().map_while(|text| self.octets(text)).collect()
    }

    fn parameters(&mut self, pairs: &[Pair]) -> Vec<Parameter> {
        let keep =
            |(name, value): &Pair| Some(Parameter { name: self.octets(name)?, value: self.octets(value)? });
        pairs.iter().map_while(keep).collect()
    }

    fn addresses(&mut self, value: &[u8], into: &mut Vec<Address>) {
        let mut in_group = false;
        for address in AddressList::parse(value).addresses {
            let octets = match &address {
                Address::Mailbox(m) => {
                    let length = |text: &Option<Octets>| text.as_ref().map_or(0, |text| text.len());
                    length(&m.name) + length(&m.route) + m.local.len() + m.domain.len()
                }
                Address::Group(name) => name.len(),
                Address::GroupEnd => 0,
            };
            match self.left.checked_sub(ITEM + octets) {
                Some(left) => self.left = left,
                None => break,
            }
            match address {
                Address::Group(_) => in_group = true,
                Address::GroupEnd => in_group = false,
                Address::Mailbox(_) => {}
            }
            into.push(address);
        }
        if in_group {
            into.push(Address::GroupEnd);
        }
    }
}

/// What a part is, as its header says; whether that can be obeyed is the scanner's to decide.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Leaf,
    Multipart { boundary: Vec<u8>, is_digest: bool },
    Message,
}

/// Reads the fields that describe a part (RFC 2045 §3). Its offsets are the scanner's; `in_digest` says that a
/// multipart/digest is around it (RFC 2046 §5.1.5).
pub(super) fn read_part(block: &[u8], in_digest: bool, budget: &mut Budget) -> (Part, Kind) {
    let mut part = Part::default();
    let mut kind = None;
    for field in fields(block) {
        let is_content = field.name.get(..8).is_some_and(|start| start.eq_ignore_ascii_case(b"content-"));
        if !is_content {
            continue;
        }
        if field.is("content-type") {
            kind.get_or_insert_with(|| read_type(&field, &mut part, budget));
        } else {
            read_description(&field, &mut part, budget);
        }
    }
    (part, kind.unwrap_or(if in_digest { Kind::Message } else { Kind::Leaf }))
}

fn read_type(field: &Field<'_>, part: &mut Part, budget: &mut Budget) -> Kind {
    // RFC 2045 §5.2: a Content-Type that can't be read means text/plain.
    let Some((kind, subtype, pairs)) = media_type(cut(field.value)) else { return Kind::Leaf };
    let is = |word: &[u8], wanted: &str| word.eq_ignore_ascii_case(wanted.as_bytes());
    let found = if is(&kind, "multipart") {
        let boundary = pairs.iter().find(|(name, _)| is(name, "boundary"));
        let boundary = boundary.map_or(&b""[..], |(_, value)| value.trim_ascii_end());
        if boundary.is_empty() || boundary.len() > MAX_BOUNDARY {
            return Kind::Leaf;
        }
        Kind::Multipart { boundary: boundary.to_vec(), is_digest: is(&subtype, "digest") }
    } else if is(&kind, "message") && (is(&subtype, "rfc822") || is(&subtype, "global")) {
        Kind::Message
    } else {
        Kind::Leaf
    };
    if let (Some(kind), Some(subtype)) = (budget.octets(&kind), budget.octets(&subtype)) {
        part.media_type = Some(MediaType { kind, subtype, parameters: budget.parameters(&pairs) });
        return found;
    }
    Kind::Leaf
}

fn read_description(field: &Field<'_>, part: &mut Part, budget: &mut Budget) {
    if field.is("content-transfer-encoding") && part.encoding.is_none() {
        let encoding = word(cut(field.value));
        part.encoding = if encoding.is_empty() { None } else { budget.octets(&encoding) };
    } else if field.is("content-id") {
        keep_text(&mut part.id, field, budget);
    } else if field.is("content-description") {
        keep_text(&mut part.description, field, budget);
    } else if field.is("content-md5") {
        keep_text(&mut part.md5, field, budget);
    } else if field.is("content-location") {
        keep_text(&mut part.location, field, budget);
    } else if field.is("content-language") && part.language.is_empty() {
        part.language = budget.many(&word_list(cut(field.value)));
    } else if field.is("content-disposition") && part.disposition.is_none() {
        part.disposition = disposition(cut(field.value)).and_then(|(kind, pairs)| {
            Some(Disposition { kind: budget.octets(&kind)?, parameters: budget.parameters(&pairs) })
        });
    }
}

/// Reads the envelope from the header of a letter (RFC 9051 §7.5.2).
pub(super) fn read_envelope(block: &[u8], budget: &mut Budget) -> Envelope {
    let mut envelope = Envelope::default();
    for field in fields(block) {
        read_envelope_field(&field, &mut envelope, budget);
    }
    envelope
}

fn read_envelope_field(field: &Field<'_>, envelope: &mut Envelope, budget: &mut Budget) {
    let text = match field.name.to_ascii_lowercase().as_slice() {
        b"date" => &mut envelope.date,
        b"subject" => &mut envelope.subject,
        b"in-reply-to" => &mut envelope.in_reply_to,
        b"message-id" => &mut envelope.message_id,
        b"from" if envelope.from.is_empty() => return budget.addresses(field.value, &mut envelope.from),
        b"sender" if envelope.sender.is_empty() => {
            return budget.addresses(field.value, &mut envelope.sender);
        }
        b"reply-to" if envelope.reply_to.is_empty() => {
            return budget.addresses(field.value, &mut envelope.reply_to);
        }
        b"to" => return budget.addresses(field.value, &mut envelope.to),
        b"cc" => return budget.addresses(field.value, &mut envelope.cc),
        b"bcc" => return budget.addresses(field.value, &mut envelope.bcc),
        _ => return,
    };
    keep_text(text, field, budget);
}

fn keep_text(into: &mut Option<Octets>, field: &Field<'_>, budget: &mut Budget) {
    if into.is_none() {
        *into = budget.octets(&unfold(cut(field.value)));
    }
}

/// The ids of the References field (RFC 5322 §3.6.4); of too many the first and the last ones.
pub(super) fn read_references(block: &[u8], budget: &mut Budget) -> Vec<Octets> {
    let Some(field) = fields(block).find(|field| field.is("references")) else { return Vec::new() };
    let value = unfold(cut(field.value));
    let mut ids: Vec<Vec<u8>> = message_ids(&value).map(<[u8]>::to_vec).collect();
    let surplus = ids.len().saturating_sub(MAX_REFERENCES);
    ids.drain(1.min(ids.len())..1.min(ids.len()) + surplus);
    budget.many(&ids)
}
