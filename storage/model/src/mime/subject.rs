//! The base subject, by which letters are sorted and threaded (RFC 5256 §2.1).

use super::text::decoded_field;

/// A subject without what replies and forwards add to it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BaseSubject {
    /// What is left; may be empty. Compared by i;unicode-casemap.
    pub text: String,
    /// `Re:`, `Fwd:`, `(fwd)` or `[fwd: …]` was taken away.
    pub is_reply_or_forward: bool,
}

/// Takes `Re:`, `Fwd:`, `[list]`, `(fwd)` from the value of a Subject field, its encoded words decoded (RFC 5256 §2.1).
pub fn base_subject(value: &[u8]) -> BaseSubject {
    let decoded = decoded_field(value);
    let text = decoded.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut base = &text[..];
    let mut is_reply_or_forward = false;
    loop {
        while let Some(rest) = strip_end(base, "(fwd)") {
            is_reply_or_forward = true;
            base = rest.trim_end();
        }
        while let Some(rest) = strip_reply(base) {
            is_reply_or_forward = true;
            base = rest;
        }
        // No reply stands behind these blobs, or it would be gone with them.
        while let Some(rest) = strip_blob(base).filter(|rest| !rest.is_empty()) {
            base = rest;
        }
        let Some(inner) = strip_start(base, "[fwd:").and_then(|rest| rest.strip_suffix(']')) else { break };
        is_reply_or_forward = true;
        base = inner.trim();
    }
    BaseSubject { text: base.to_owned(), is_reply_or_forward }
}

/// subj-leader: `*subj-blob ("re" / "fw" / "fwd") *WSP [subj-blob] ":"`
fn strip_reply(text: &str) -> Option<&str> {
    let mut rest = text;
    while let Some(behind) = strip_blob(rest) {
        rest = behind;
    }
    let rest = ["fwd", "re", "fw"].iter().find_map(|word| strip_start(rest, word))?.trim_start();
    let rest = strip_blob(rest).unwrap_or(rest);
    Some(rest.strip_prefix(':')?.trim_start())
}

/// subj-blob: `"[" *BLOBCHAR "]" *WSP`
fn strip_blob(text: &str) -> Option<&str> {
    let inside = text.strip_prefix('[')?;
    let end = inside.find(['[', ']'])?;
    Some(inside[end..].strip_prefix(']')?.trim_start())
}

fn strip_start<'a>(text: &'a str, word: &str) -> Option<&'a str> {
    let (start, rest) = text.split_at_checked(word.len())?;
    start.eq_ignore_ascii_case(word).then_some(rest)
}

fn strip_end<'a>(text: &'a str, word: &str) -> Option<&'a str> {
    let (rest, end) = text.split_at_checked(text.len().checked_sub(word.len())?)?;
    end.eq_ignore_ascii_case(word).then_some(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_replies_and_forwards_add_is_taken_away() {
        for (subject, wanted, reply) in [
            ("", "", false),
            ("Hello", "Hello", false),
            ("Re: Hello", "Hello", true),
            ("RE:re: fw:FWD : Hello", "Hello", true),
            ("[list] Re: [list] Hello", "Hello", true),
            ("Re[2]: Hello", "Hello", true),
            ("Re: Hello (fwd) (FWD) ", "Hello", true),
            ("[Fwd: Re: Hello (fwd)]", "Hello", true),
            ("[list] Hello  \t world", "Hello world", false),
            ("[only a blob]", "[only a blob]", false),
            ("Re: [only a blob]", "[only a blob]", true),
            ("Re:", "", true),
            ("[a] [b] Re: [c] [d] Fwd: [e] x", "x", true),
            ("Regards: x", "Regards: x", false),
            ("Hello [fwd: x]", "Hello [fwd: x]", false),
            ("[[a]] x", "[[a]] x", false),
            ("=?utf-8?B?UmU6IEhlbGxv?=", "Hello", true),
            ("Re: =?UTF-8?q?J=C4=81?= =?utf-8*lv?Q?nis_x?=", "Jānis x", true),
            ("=?iso-8859-1?q?R=E9?= of =?x?", "Ré of =?x?", false),
            ("=?utf-8?x?a?= =?utf-8?q?a b?=", "=?utf-8?x?a?= =?utf-8?q?a b?=", false),
            ("=?utf-8?q?=4", "=?utf-8?q?=4", false),
            ("=?utf-8?q?=4x=?=", "=4x=", false),
        ] {
            let found = base_subject(subject.as_bytes());
            assert_eq!((&found.text[..], found.is_reply_or_forward), (wanted, reply), "{subject}");
        }
    }
}
