//! Searches in fields that the facts keep: Subject and the address fields (RFC 9051 §6.4.4: "the envelope structure's").

use postern_model::mime::text::decoded_field;
use postern_model::mime::{
    Address, AddressList, Envelope, Facts, MAX_ADDRESSES, MAX_FIELD, MAX_KEPT, MAX_TEXT, Octets, fields,
    unfold,
};

use super::date::{Sent, sent};
use super::needle::Needle;

/// A field whose text the facts keep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum EnvelopeField {
    Subject,
    From,
    To,
    Cc,
    Bcc,
}

impl EnvelopeField {
    fn name(self) -> &'static str {
        match self {
            EnvelopeField::Subject => "Subject",
            EnvelopeField::From => "From",
            EnvelopeField::To => "To",
            EnvelopeField::Cc => "Cc",
            EnvelopeField::Bcc => "Bcc",
        }
    }

    /// The field's addresses; none for the subject.
    fn addresses(self, envelope: &Envelope) -> &[Address] {
        match self {
            EnvelopeField::Subject => &[],
            EnvelopeField::From => &envelope.from,
            EnvelopeField::To => &envelope.to,
            EnvelopeField::Cc => &envelope.cc,
            EnvelopeField::Bcc => &envelope.bcc,
        }
    }

    /// Whether the field holds `needle`; a field that is not there holds nothing. `None`: the facts keep only a part of
    /// it, and the letter's octets have to tell.
    pub(super) fn holds(self, needle: &Needle, facts: &Facts, letter: Option<&[u8]>) -> Option<bool> {
        let addresses = self.addresses(&facts.envelope);
        let subject = facts.envelope.subject.as_deref().filter(|_| self == EnvelopeField::Subject);
        let found = match subject {
            Some(value) => needle.is_in(&decoded_field(value)),
            None => !addresses.is_empty() && needle.is_in(&written(addresses)),
        };
        let is_cut = addresses.len() >= MAX_ADDRESSES || subject.is_some_and(|value| value.len() >= MAX_TEXT);
        if found || !(is_cut || may_lack(facts)) {
            return Some(found);
        }
        let block = header(letter?, facts);
        let mut values = fields(block).filter(|field| field.is(self.name())).map(|field| field.value);
        Some(values.any(|value| {
            let parsed = || {
                self != EnvelopeField::Subject && needle.is_in(&written(&AddressList::parse(value).addresses))
            };
            needle.is_in(&decoded_field(value)) || parsed()
        }))
    }
}

/// What the Date field says. `None` as for [`EnvelopeField::holds`]; `Some(None)`: there is none, or none that names a day.
pub(super) fn date(facts: &Facts, letter: Option<&[u8]>) -> Option<Option<Sent>> {
    match &facts.envelope.date {
        Some(value) => Some(sent(value)),
        None if !may_lack(facts) => Some(None),
        None => {
            let field = fields(header(letter?, facts)).find(|field| field.is("Date"));
            Some(field.and_then(|field| sent(&unfold(field.value))))
        }
    }
}

/// The letter's header block.
pub(super) fn header<'a>(letter: &'a [u8], facts: &Facts) -> &'a [u8] {
    let end = usize::try_from(facts.header_size()).unwrap_or(usize::MAX).min(letter.len());
    &letter[..end]
}

/// Whether some field of the envelope can be missing or shortened because the header was larger than what is kept. It
/// can't where the header fits into what is read of one field, and what the envelope cost leaves room for one more
/// field of that size: then nothing was ever left out.
pub(super) fn may_lack(facts: &Facts) -> bool {
    facts.header_size() > MAX_FIELD as u64 || cost(&facts.envelope) + MAX_FIELD + ITEM > MAX_KEPT
}

/// What each kept item costs beside its octets.
const ITEM: usize = 64;

fn cost(envelope: &Envelope) -> usize {
    let e = envelope;
    let texts = [&e.date, &e.subject, &e.in_reply_to, &e.message_id];
    let texts = texts.into_iter().flatten().map(|text| ITEM + text.len());
    let lists = [&e.from, &e.sender, &e.reply_to, &e.to, &e.cc, &e.bcc];
    let addresses = lists.into_iter().flatten().map(|address| ITEM + octets(address));
    texts.chain(addresses).sum()
}

fn octets(address: &Address) -> usize {
    let length = |text: &Option<Octets>| text.as_ref().map_or(0, |text| text.len());
    match address {
        Address::Mailbox(m) => length(&m.name) + length(&m.route) + m.local.len() + m.domain.len(),
        Address::Group(name) => name.len(),
        Address::GroupEnd => 0,
    }
}

/// Addresses as a person would write them: `Anna <anna@x.test>, Team: <b@x.test>;`.
fn written(addresses: &[Address]) -> String {
    let mut text = String::new();
    for address in addresses {
        if !text.is_empty() {
            text.push_str(", ");
        }
        match address {
            Address::Mailbox(mailbox) => {
                if let Some(name) = &mailbox.name {
                    text.push_str(&decoded_field(name));
                    text.push(' ');
                }
                text.push('<');
                text.push_str(&String::from_utf8_lossy(&mailbox.local));
                if !mailbox.domain.is_empty() {
                    text.push('@');
                    text.push_str(&String::from_utf8_lossy(&mailbox.domain));
                }
                text.push('>');
            }
            Address::Group(name) => {
                text.push_str(&decoded_field(name));
                text.push(':');
            }
            Address::GroupEnd => text.push(';'),
        }
    }
    text
}
