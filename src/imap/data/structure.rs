//! BODY and BODYSTRUCTURE (RFC 9051 §7.5.2).

use postern_model::mime::{Content, Disposition, Octets, Parameter, Part};

use super::envelope::envelope;
use super::parameters::joined;
use super::string::{nstring, number, string};

/// Writes the structure of `part` with its parentheses: BODYSTRUCTURE where `extended`, else BODY. `utf8`: UTF8=ACCEPT
/// or IMAP4rev2 is enabled, so that UTF-8 may be quoted.
///
/// What a letter does not say is shown as MIME would have it: 7bit, and us-ascii for text/plain (RFC 2046 §4.1.2). Other
/// kinds of text have no such default (RFC 6657 §3).
pub fn body_structure(out: &mut Vec<u8>, part: &Part, extended: bool, utf8: bool) {
    Writer { out, extended, utf8 }.part(part);
}

struct Writer<'a> {
    out: &'a mut Vec<u8>,
    extended: bool,
    utf8: bool,
}

impl Writer<'_> {
    /// Goes as deep as [`MAX_DEPTH`](postern_model::mime::MAX_DEPTH).
    fn part(&mut self, part: &Part) {
        self.out.push(b'(');
        match &part.content {
            Content::Multipart(parts) => self.multipart(part, parts),
            _ => self.single(part),
        }
        self.out.push(b')');
    }

    /// body-type-mpart
    fn multipart(&mut self, part: &Part, parts: &[Part]) {
        for inner in parts {
            self.part(inner);
        }
        self.space();
        self.string(part.media_type().1);
        if self.extended {
            self.space();
            self.parameters(part.media_type.as_ref().map_or(&[], |media| &media.parameters), false);
            self.extension(part);
        }
    }

    /// body-type-1part
    fn single(&mut self, part: &Part) {
        let (kind, subtype) = part.media_type();
        self.string(kind);
        self.space();
        self.string(subtype);
        self.space();
        let is_plain = part.is_text() && subtype.eq_ignore_ascii_case(b"plain");
        self.parameters(part.media_type.as_ref().map_or(&[], |media| &media.parameters), is_plain);
        self.space();
        self.nstring(&part.id);
        self.space();
        self.nstring(&part.description);
        self.space();
        self.string(part.encoding.as_deref().unwrap_or(b"7bit"));
        number(self.out, part.octets());
        if let Content::Message(message) = &part.content {
            self.space();
            envelope(self.out, &message.envelope, self.utf8);
            self.space();
            self.part(&message.structure);
            number(self.out, part.lines);
        } else if part.is_text() {
            number(self.out, part.lines);
        }
        if self.extended {
            self.space();
            self.nstring(&part.md5);
            self.extension(part);
        }
    }

    /// What both kinds of extension data end with.
    fn extension(&mut self, part: &Part) {
        self.space();
        self.disposition(part.disposition.as_ref());
        self.space();
        self.languages(&part.language);
        self.space();
        self.nstring(&part.location);
    }

    fn disposition(&mut self, disposition: Option<&Disposition>) {
        let Some(disposition) = disposition else { return self.nil() };
        self.out.push(b'(');
        self.string(&disposition.kind);
        self.space();
        self.parameters(&disposition.parameters, false);
        self.out.push(b')');
    }

    fn languages(&mut self, languages: &[Octets]) {
        let mut separator = b'(';
        for language in languages {
            self.out.push(separator);
            self.string(language);
            separator = b' ';
        }
        if languages.is_empty() { self.nil() } else { self.out.push(b')') }
    }

    fn parameters(&mut self, parameters: &[Parameter], is_plain_text: bool) {
        let mut separator = b'(';
        for (name, value) in joined(parameters) {
            self.out.push(separator);
            self.string(&name);
            self.space();
            self.string(&value);
            separator = b' ';
        }
        let has_charset = parameters.iter().any(|p| p.name.eq_ignore_ascii_case(b"charset"));
        if is_plain_text && !has_charset {
            self.out.push(separator);
            self.out.extend_from_slice(b"\"charset\" \"us-ascii\"");
            separator = b' ';
        }
        if separator == b'(' { self.nil() } else { self.out.push(b')') }
    }

    fn string(&mut self, octets: &[u8]) {
        string(self.out, octets, self.utf8);
    }

    fn nstring(&mut self, octets: &Option<Octets>) {
        nstring(self.out, octets.as_deref(), self.utf8);
    }

    fn nil(&mut self) {
        self.out.extend_from_slice(b"NIL");
    }

    fn space(&mut self) {
        self.out.push(b' ');
    }
}

#[cfg(test)]
mod tests {
    use postern_model::mime::Scanner;

    use super::*;

    /// The structure of a letter that is written with `|` for CRLF.
    fn shown(letter: &str, extended: bool) -> String {
        let mut scanner = Scanner::new();
        scanner.feed(letter.replace('|', "\r\n").as_bytes());
        let mut out = Vec::new();
        body_structure(&mut out, &scanner.finish().structure, extended, true);
        String::from_utf8(out).expect("the letters are UTF-8")
    }

    const US_ASCII: &str = "(\"charset\" \"us-ascii\")";

    #[test]
    fn a_letter_that_says_nothing_is_plain_text() {
        assert_eq!(shown("|a|b|", false), format!("(\"text\" \"plain\" {US_ASCII} NIL NIL \"7bit\" 6 2)"));
        assert_eq!(
            shown("", true),
            format!("(\"text\" \"plain\" {US_ASCII} NIL NIL \"7bit\" 0 0 NIL NIL NIL NIL)")
        );
    }

    #[test]
    fn a_leaf_with_all_that_can_be_said() {
        let header = "Content-Type: Text/HTML; Charset=\"u\"|Content-ID: <i>|Content-Description: d|\
            Content-Transfer-Encoding: BASE64|Content-MD5: m|Content-Disposition: inline; filename=f|\
            Content-Language: lv, en|Content-Location: l||a";
        let body = "\"Text\" \"HTML\" (\"Charset\" \"u\") \"<i>\" \"d\" \"BASE64\" 1 0";
        assert_eq!(shown(header, false), format!("({body})"));
        assert_eq!(
            shown(header, true),
            format!("({body} \"m\" (\"inline\" (\"filename\" \"f\")) (\"lv\" \"en\") \"l\")")
        );
    }

    #[test]
    fn only_text_and_letters_have_lines() {
        assert_eq!(shown("Content-Type: image/png||a|", false), "(\"image\" \"png\" NIL NIL NIL \"7bit\" 3)");
        assert_eq!(shown("Content-Type: text/x||a|", false), "(\"text\" \"x\" NIL NIL NIL \"7bit\" 3 1)");
    }

    #[test]
    fn a_multipart_shows_its_parts_and_one_without_any_is_text() {
        let letter = "Content-Type: multipart/mixed; boundary=x|Content-Disposition: inline||--x||a|--x|\
            Content-Type: image/png||--x--|";
        let parts = format!("(\"text\" \"plain\" {US_ASCII} NIL NIL \"7bit\" 1 0)");
        assert_eq!(
            shown(letter, false),
            format!("({parts}(\"image\" \"png\" NIL NIL NIL \"7bit\" 0) \"mixed\")")
        );
        assert!(
            shown(letter, true)
                .ends_with("NIL NIL NIL NIL) \"mixed\" (\"boundary\" \"x\") (\"inline\" NIL) NIL NIL)")
        );
        assert_eq!(
            shown("Content-Type: multipart/mixed; boundary=x||a|", false),
            format!("(\"text\" \"plain\" {US_ASCII} NIL NIL \"7bit\" 3 1)")
        );
    }

    #[test]
    fn a_letter_in_a_letter_shows_its_envelope_and_structure() {
        for kind in ["rfc822", "global"] {
            assert_eq!(
                shown(&format!("Content-Type: message/{kind}||Subject: s||a|"), true),
                format!(
                    "(\"message\" \"{kind}\" NIL NIL NIL \"7bit\" 17 \
                     (NIL \"s\" NIL NIL NIL NIL NIL NIL NIL NIL) \
                     (\"text\" \"plain\" {US_ASCII} NIL NIL \"7bit\" 3 1 NIL NIL NIL NIL) 3 NIL NIL NIL NIL)"
                )
            );
        }
        let digest = shown("Content-Type: multipart/digest; boundary=x||--x|||--x--", false);
        assert!(digest.starts_with("((\"message\" \"rfc822\" NIL NIL NIL \"7bit\""), "{digest}");
    }

    #[test]
    fn other_parameters_do_not_hide_the_charset_that_is_meant() {
        assert_eq!(
            shown("Content-Type: text/plain; format=flowed||", false),
            "(\"text\" \"plain\" (\"format\" \"flowed\" \"charset\" \"us-ascii\") NIL NIL \"7bit\" 0 0)"
        );
    }
}
