//! ENVELOPE (RFC 9051 §7.5.2).

use postern_model::mime::{Address, Envelope, Mailbox};

use super::string::{nstring, string};

/// Writes the envelope with its parentheses. Fields that are missing are NIL, those that say nothing `""`; Sender and
/// Reply-To stand for From where they are missing or empty. `utf8`: UTF8=ACCEPT or IMAP4rev2 is enabled, so that UTF-8
/// may be quoted.
pub fn envelope(out: &mut Vec<u8>, envelope: &Envelope, utf8: bool) {
    let text = |out: &mut Vec<u8>, text: &Option<_>| nstring(out, text.as_deref(), utf8);
    let or_from = |list| if <[Address]>::is_empty(list) { &envelope.from[..] } else { list };
    out.push(b'(');
    text(out, &envelope.date);
    out.push(b' ');
    text(out, &envelope.subject);
    let (sender, reply_to) = (or_from(&envelope.sender), or_from(&envelope.reply_to));
    for list in [&envelope.from, sender, reply_to, &envelope.to, &envelope.cc, &envelope.bcc] {
        out.push(b' ');
        addresses(out, list, utf8);
    }
    out.push(b' ');
    text(out, &envelope.in_reply_to);
    out.push(b' ');
    text(out, &envelope.message_id);
    out.push(b')');
}

fn addresses(out: &mut Vec<u8>, list: &[Address], utf8: bool) {
    if list.is_empty() {
        return out.extend_from_slice(b"NIL");
    }
    out.push(b'(');
    for element in list {
        match element {
            Address::Mailbox(of) => mailbox(out, of, utf8),
            // A host that is NIL marks a group: its beginning has a name, its end has none.
            Address::Group(name) => {
                out.extend_from_slice(b"(NIL NIL ");
                string(out, name, utf8);
                out.extend_from_slice(b" NIL)");
            }
            Address::GroupEnd => out.extend_from_slice(b"(NIL NIL NIL NIL)"),
        }
    }
    out.push(b')');
}

/// A missing local part or domain is `""`, since NIL would make a group of it.
fn mailbox(out: &mut Vec<u8>, mailbox: &Mailbox, utf8: bool) {
    out.push(b'(');
    nstring(out, mailbox.name.as_deref(), utf8);
    out.push(b' ');
    nstring(out, mailbox.route.as_deref(), utf8);
    out.push(b' ');
    string(out, &mailbox.local, utf8);
    out.push(b' ');
    string(out, &mailbox.domain, utf8);
    out.push(b')');
}

#[cfg(test)]
mod tests {
    use postern_model::mime::Scanner;

    use super::*;

    /// The envelope of a header that is written with `|` for CRLF.
    fn shown(header: &str, utf8: bool) -> String {
        let mut scanner = Scanner::new();
        scanner.feed(header.replace('|', "\r\n").as_bytes());
        let mut out = Vec::new();
        envelope(&mut out, &scanner.finish().envelope, utf8);
        String::from_utf8(out).expect("the headers are UTF-8")
    }

    #[test]
    fn what_is_missing_is_nil_and_what_is_empty_is_not() {
        assert_eq!(shown("||", false), "(NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL)");
        assert_eq!(
            shown("Date:|Subject: |To:|Message-ID:|In-Reply-To:||", false),
            "(\"\" \"\" NIL NIL NIL NIL NIL NIL \"\" \"\")"
        );
    }

    #[test]
    fn sender_and_reply_to_stand_for_from() {
        let a = "((\"A\" NIL \"a\" \"x.test\"))";
        let b = "((NIL NIL \"b\" \"x.test\"))";
        assert_eq!(
            shown("From: A <a@x.test>||", false),
            format!("(NIL NIL {a} {a} {a} NIL NIL NIL NIL NIL)")
        );
        assert_eq!(
            shown("From: A <a@x.test>|Sender: |Reply-To: b@x.test||", false),
            format!("(NIL NIL {a} {a} {b} NIL NIL NIL NIL NIL)")
        );
        assert_eq!(shown("Sender: b@x.test||", false), format!("(NIL NIL NIL {b} NIL NIL NIL NIL NIL NIL)"));
    }

    #[test]
    fn groups_routes_and_what_is_broken() {
        assert_eq!(
            shown("To: G: a@x.test;, <@r.test:c@x.test>|Cc: none:;|Bcc: alice||", false),
            "(NIL NIL NIL NIL NIL ((NIL NIL \"G\" NIL)(NIL NIL \"a\" \"x.test\")(NIL NIL NIL NIL)\
             (NIL \"@r.test\" \"c\" \"x.test\")) ((NIL NIL \"none\" NIL)(NIL NIL NIL NIL)) \
             ((NIL NIL \"alice\" \"\")) NIL NIL)"
        );
    }

    #[test]
    fn all_fields_in_their_order() {
        assert_eq!(
            shown("Date: d|Subject: \"s\" \\|In-Reply-To: <i>|Message-ID: <m>|Cc: c@x||", false),
            "(\"d\" \"\\\"s\\\" \\\\\" NIL NIL NIL NIL ((NIL NIL \"c\" \"x\")) NIL \"<i>\" \"<m>\")"
        );
    }

    #[test]
    fn utf_8_is_quoted_only_for_who_asked_for_it() {
        assert_eq!(shown("Subject: ā||", false), "(NIL {2}\r\nā NIL NIL NIL NIL NIL NIL NIL NIL)");
        assert_eq!(shown("Subject: ā||", true), "(NIL \"ā\" NIL NIL NIL NIL NIL NIL NIL NIL)");
    }
}
