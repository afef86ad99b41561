//! Status lines of answers: `+OK` or `-ERR`, a response code, a text in the session's language.

use std::fmt::Display;

use super::language::{Language, Text};

/// Appends `+OK` with a text to `out`.
pub(super) fn ok(out: &mut Vec<u8>, language: Language, text: Text, arguments: &[&dyn Display]) {
    out.extend_from_slice(b"+OK ");
    line(out, language, text, arguments);
}

/// Appends `-ERR` with a text to `out`.
pub(super) fn err(out: &mut Vec<u8>, language: Language, text: Text, arguments: &[&dyn Display]) {
    out.extend_from_slice(b"-ERR ");
    line(out, language, text, arguments);
}

/// Appends `-ERR [SYS/PERM]` (RFC 3206 §4) with a text to `out`.
pub(super) fn err_for_good(out: &mut Vec<u8>, language: Language, text: Text) {
    out.extend_from_slice(b"-ERR [SYS/PERM] ");
    line(out, language, text, &[]);
}

/// Appends a line that is ready but for its end.
pub(super) fn raw(out: &mut Vec<u8>, text: &str) {
    out.extend_from_slice(text.as_bytes());
    out.extend_from_slice(b"\r\n");
}

fn line(out: &mut Vec<u8>, language: Language, text: Text, arguments: &[&dyn Display]) {
    text.write(language, arguments, out);
    out.extend_from_slice(b"\r\n");
}
