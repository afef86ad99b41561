//! The first words of a letter (RFC 8970).

use super::super::facts::{Content, Facts, Part};
use super::{charset, charset_of, decoded, html};

/// Characters that a preview has at most (RFC 8970 §3.1).
pub const MAX_PREVIEW: usize = 256;
/// Octets of a part that a preview is looked for in.
const MAX_READ: usize = 128 * 1024;
/// Parts that are looked at.
const MAX_TRIED: usize = 8;

/// The first [`MAX_PREVIEW`] characters of a letter's text, with one space for any run of white space; empty where it has
/// no text. That is the first text/plain that says anything and is no attachment, else the first text/html without its
/// tags.
pub fn preview(letter: &[u8], facts: &Facts) -> String {
    for subtype in ["plain", "html"] {
        let mut parts = Vec::new();
        candidates(&facts.structure, subtype, &mut parts);
        let texts = parts.iter().map(|part| {
            let octets = decoded(letter, part, MAX_READ);
            let mut words = Words::default();
            let text = charset::decode(charset_of(part), &octets);
            if subtype == "html" {
                html::words(&text, &mut words)
            } else {
                words.take(&text)
            }
            words.into_text()
        });
        if let Some(text) = texts.into_iter().find(|text| !text.is_empty()) {
            return text;
        }
    }
    String::new()
}

fn candidates<'a>(part: &'a Part, subtype: &str, into: &mut Vec<&'a Part>) {
    match &part.content {
        Content::Multipart(parts) => parts.iter().for_each(|part| candidates(part, subtype, into)),
        Content::Message(_) => {}
        Content::Leaf => {
            let kind = part.disposition.as_ref().map(|disposition| &disposition.kind[..]);
            let is_attachment = kind.is_some_and(|kind| kind.eq_ignore_ascii_case(b"attachment"));
            let is_wanted = part.is_text() && part.media_type().1.eq_ignore_ascii_case(subtype.as_bytes());
            if is_wanted && !is_attachment && into.len() < MAX_TRIED {
                into.push(part);
            }
        }
    }
}

/// Text with its white space squeezed, until it is long enough.
#[derive(Default)]
pub(super) struct Words {
    text: String,
    characters: usize,
    space: bool,
}

impl Words {
    pub(super) fn take(&mut self, text: &str) {
        for character in text.chars() {
            if self.is_full() {
                return;
            }
            self.push(character);
        }
    }

    pub(super) fn push(&mut self, character: char) {
        if character.is_whitespace() || character.is_control() {
            self.space = self.characters > 0;
        } else if !is_filler(character) && !self.is_full() {
            if std::mem::take(&mut self.space) {
                if self.characters + 2 > MAX_PREVIEW {
                    // Room for the space alone: the text ends here.
                    self.characters = MAX_PREVIEW;
                    return;
                }
                self.text.push(' ');
                self.characters += 1;
            }
            self.text.push(character);
            self.characters += 1;
        }
    }

    pub(super) fn is_full(&self) -> bool {
        self.characters >= MAX_PREVIEW
    }

    pub(super) fn into_text(self) -> String {
        self.text
    }
}

/// What newsletters hide behind their first words so that nothing else is shown: it has no width.
fn is_filler(character: char) -> bool {
    matches!(character, '\u{ad}' | '\u{34f}' | '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::super::super::Scanner;
    use super::*;

    fn of(letter: &str) -> String {
        let letter = letter.replace('|', "\r\n");
        let mut scanner = Scanner::new();
        scanner.feed(letter.as_bytes());
        preview(letter.as_bytes(), &scanner.finish())
    }

    #[test]
    fn the_first_text_is_shown() {
        assert_eq!(of("Subject: s||  Hello,| \tworld.||"), "Hello, world.");
        assert_eq!(of("Subject: s||"), "");
        assert_eq!(of("Content-Type: image/png||abc"), "");
        assert_eq!(
            of("Content-Type: text/html||<html><head><title>t</title></head><body><p>a<b>b</b></p><p>c"),
            "ab c"
        );
        assert_eq!(
            of("Content-Type: text/plain; charset=koi8-r|Content-Transfer-Encoding: base64||wcI="),
            "аб"
        );
    }

    #[test]
    fn plain_text_is_preferred_and_attachments_are_left_alone() {
        let letter = |plain: &str, how: &str| {
            of(&format!(
                "Content-Type: multipart/mixed; boundary=x||--x|Content-Type: text/html||<p>html|\
                 --x|Content-Disposition: {how}||{plain}|--x--|"
            ))
        };
        assert_eq!(letter("plain", "inline"), "plain");
        assert_eq!(letter("plain", "Attachment"), "html");
        assert_eq!(letter(" ", "inline"), "html");
    }

    #[test]
    fn a_preview_is_short() {
        assert_eq!(of(&format!("A: b||{}", "ā ".repeat(1_000))).chars().count(), MAX_PREVIEW - 1);
        assert_eq!(of(&format!("A: b||{}", "ā".repeat(1_000))).chars().count(), MAX_PREVIEW);
        assert_eq!(of(&format!("A: b||{} cd", "ā".repeat(254))), format!("{} c", "ā".repeat(254)));
        assert_eq!(of(&format!("A: b||{} c", "ā".repeat(255))), "ā".repeat(255));
    }
}
