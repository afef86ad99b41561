//! A letter as text: what a search looks at, and what is shown of it in a list.
//!
//! [`texts`] shows each header field and each text part decoded: encoded words, transfer encodings, charsets. A search
//! folds what it looks for and what it looks at with [`fold`], so that case makes no difference. The work is bounded by
//! [`MAX_SEARCHED`] however a letter is made.

mod charset;
mod fold;
mod html;
mod preview;
mod words;

use std::borrow::Cow;
use std::ops::Range;

use super::facts::{Content, Facts, Part};
use super::header::fields;
use super::transfer::Decoder;

pub use fold::fold;
pub(super) use fold::fold_into;
pub use preview::{MAX_PREVIEW, preview};
pub use words::decoded_field;

/// Octets of decoded text that are looked at in one letter; what follows them is not found by searches.
pub const MAX_SEARCHED: usize = 10 * 1024 * 1024;

/// Octets that are decoded at once.
const CHUNK: usize = 64 * 1024;

/// Where a text stands (RFC 9051 §6.4.4: TEXT looks at both, BODY at one).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// In the letter's header.
    Header,
    /// In its body: text parts, the headers of parts and of letters within it.
    Body,
}

/// Shows the texts of a letter to `visit`, in their order: fields of headers, each as `Name: value` in one line and
/// decoded, and every part of type text without its transfer encoding and charset. Of other parts only the headers are
/// shown. Each text is whole, so what a search looks for can't be cut in two; the last one may be cut at
/// [`MAX_SEARCHED`].
///
/// `facts` are those of `letter`. What is broken is shown as well as it can be: an unknown transfer encoding as it
/// stands, an unknown charset as UTF-8 or else Latin-1.
pub fn texts(letter: &[u8], facts: &Facts, visit: &mut dyn FnMut(Place, &str)) {
    let mut walk = Walk { letter, visit, left: MAX_SEARCHED };
    walk.header(&facts.structure, Place::Header);
    walk.body(&facts.structure);
}

struct Walk<'a> {
    letter: &'a [u8],
    visit: &'a mut dyn FnMut(Place, &str),
    left: usize,
}

impl Walk<'_> {
    fn header(&mut self, part: &Part, place: Place) {
        for field in fields(octets(self.letter, part.header())) {
            if self.left == 0 {
                return;
            }
            let value = &field.value[..field.value.len().min(self.left)];
            let text = [&String::from_utf8_lossy(field.name), ": ", &decoded_field(value)].concat();
            self.show(place, &text);
        }
    }

    /// Goes as deep as [`MAX_DEPTH`](super::MAX_DEPTH).
    fn body(&mut self, part: &Part) {
        match &part.content {
            Content::Leaf if part.is_text() && self.left > 0 => {
                let octets = decoded(self.letter, part, self.left);
                self.show(Place::Body, &charset::decode(charset_of(part), &octets));
            }
            Content::Leaf => {}
            Content::Multipart(parts) => {
                for part in parts {
                    self.header(part, Place::Body);
                    self.body(part);
                }
            }
            Content::Message(message) => {
                self.header(&message.structure, Place::Body);
                self.body(&message.structure);
            }
        }
    }

    fn show(&mut self, place: Place, text: &str) {
        self.left = self.left.saturating_sub(text.len());
        (self.visit)(place, text);
    }
}

/// Octets of a letter; none where facts and letter do not belong together.
fn octets(letter: &[u8], range: Range<u64>) -> &[u8] {
    let place = |offset: u64| usize::try_from(offset).unwrap_or(usize::MAX);
    letter.get(place(range.start)..place(range.end)).unwrap_or_default()
}

/// The body of a part without its transfer encoding, at most `limit` octets.
fn decoded<'a>(letter: &'a [u8], part: &Part, limit: usize) -> Cow<'a, [u8]> {
    let body = octets(letter, part.body());
    let decoder = Decoder::new(part.encoding.as_deref()).ok().filter(|decoder| !decoder.is_identity());
    let Some(mut decoder) = decoder else {
        return Cow::Borrowed(&body[..body.len().min(limit)]);
    };
    let mut out = Vec::new();
    for chunk in body.chunks(CHUNK) {
        decoder.push(chunk, &mut out);
        if out.len() >= limit {
            break;
        }
    }
    decoder.finish(&mut out);
    out.truncate(limit);
    Cow::Owned(out)
}

fn charset_of(part: &Part) -> Option<&[u8]> {
    let mut parameters = part.media_type.iter().flat_map(|media| &media.parameters);
    parameters.find(|parameter| parameter.name.eq_ignore_ascii_case(b"charset")).map(|found| &found.value[..])
}

#[cfg(test)]
mod tests {
    use super::super::Scanner;
    use super::*;

    /// The texts of a letter: `H` or `B`, then the text with `|` for CRLF.
    fn shown(letter: &[u8]) -> Vec<String> {
        let mut scanner = Scanner::new();
        scanner.feed(letter);
        let mut shown = Vec::new();
        texts(letter, &scanner.finish(), &mut |place, text| {
            let place = if place == Place::Header { 'H' } else { 'B' };
            shown.push(format!("{place} {}", text.replace("\r\n", "|")));
        });
        shown
    }

    fn of(letter: &str) -> Vec<String> {
        shown(letter.replace('|', "\r\n").as_bytes())
    }

    #[test]
    fn fields_are_unfolded_and_decoded() {
        assert_eq!(
            of("Subject: a|\t=?utf-8?q?=C4=81?=|X-Empty:|no field|FROM :  b ||text|"),
            ["H Subject: a\tā", "H X-Empty: ", "H FROM: b", "B text|"]
        );
    }

    #[test]
    fn text_parts_are_decoded_and_of_others_only_the_header_is_seen() {
        let letter = "Content-Type: multipart/mixed; boundary=x||preamble|\
            --x|Content-Transfer-Encoding: base64|Content-Type: text/html; charset=iso-8859-2||PGI+8Q==|\
            --x|Content-Transfer-Encoding: quoted-printable||=C4=|=81|\
            --x|Content-Transfer-Encoding: x-odd||as it stands|\
            --x|Content-Type: image/png; name=n||secret|\
            --x|Content-Type: message/rfc822||Subject: within||inner|--x--|epilogue";
        let found = of(letter);
        assert_eq!(
            found[1..],
            [
                "B Content-Transfer-Encoding: base64",
                "B Content-Type: text/html; charset=iso-8859-2",
                "B <b>ń",
                "B Content-Transfer-Encoding: quoted-printable",
                "B ā",
                "B Content-Transfer-Encoding: x-odd",
                "B as it stands",
                "B Content-Type: image/png; name=n",
                "B Content-Type: message/rfc822",
                "B Subject: within",
                "B inner",
            ]
        );
    }

    #[test]
    fn the_work_is_bounded() {
        let letter = format!("Subject: s\r\n\r\n{}", "a".repeat(MAX_SEARCHED + 10));
        let found = shown(letter.as_bytes());
        assert_eq!(found.len(), 2);
        assert_eq!(found[1].len() - 2, MAX_SEARCHED - "Subject: s".len());
        let long_header = format!("A: {}\r\nB: b\r\n\r\nbody", "a".repeat(MAX_SEARCHED + 10));
        assert_eq!(shown(long_header.as_bytes()).len(), 1);
    }

    #[test]
    fn facts_of_another_letter_do_no_harm() {
        let mut scanner = Scanner::new();
        scanner.feed(b"Content-Transfer-Encoding: base64\r\n\r\nYWJj");
        let facts = scanner.finish();
        texts(b"short", &facts, &mut |_, _| {});
        assert_eq!(preview(b"", &facts), "");
    }
}
