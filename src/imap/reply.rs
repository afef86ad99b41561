//! How a command ends, and lines of answers.

use postern_policy::Refusal;

use crate::wording::{self, Places};

/// A command's last line, without its tag (RFC 9051 §7.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Done {
    status: &'static str,
    /// Response code without brackets.
    code: Option<String>,
    text: String,
}

impl Done {
    /// `OK`: done.
    pub fn ok(text: &str) -> Done {
        Done { status: "OK", code: None, text: text.to_owned() }
    }

    /// `OK` with a response code.
    pub fn ok_with(code: impl Into<String>, text: &str) -> Done {
        Done { code: Some(code.into()), ..Done::ok(text) }
    }

    /// `NO`: not done.
    pub fn no(text: impl Into<String>) -> Done {
        Done { status: "NO", code: None, text: text.into() }
    }

    /// `NO` with a response code.
    pub fn no_with(code: impl Into<String>, text: impl Into<String>) -> Done {
        Done { code: Some(code.into()), ..Done::no(text) }
    }

    /// `BAD`: not understood, or not here.
    pub fn bad(text: impl Into<String>) -> Done {
        Done { status: "BAD", code: None, text: text.into() }
    }

    /// `BAD` with a response code.
    pub fn bad_with(code: impl Into<String>, text: impl Into<String>) -> Done {
        Done { code: Some(code.into()), ..Done::bad(text) }
    }

    /// `NO` as the refusal is worded.
    pub fn refused(refusal: &Refusal, places: &Places) -> Done {
        let (code, text) = wording::imap(refusal, places);
        Done { status: "NO", code, text }
    }

    /// As [`Done::refused`] for the folder that APPEND, COPY and MOVE go to: the client may make one (RFC 9051 §6.3.12).
    pub fn refused_destination(refusal: &Refusal, places: &Places) -> Done {
        let mut done = Done::refused(refusal, places);
        if *refusal == Refusal::NoSuchFolder {
            done.code = Some("TRYCREATE".to_owned());
        }
        done
    }

    /// Whether it is `OK`.
    pub fn is_ok(&self) -> bool {
        self.status == "OK"
    }

    /// Whether it is `BAD`.
    pub fn is_bad(&self) -> bool {
        self.status == "BAD"
    }

    /// Writes the line; `tag` is `*` for an untagged one.
    pub fn write(&self, tag: &str, out: &mut Vec<u8>) {
        let code = self.code.as_ref().map_or_else(String::new, |code| format!("[{code}] "));
        line(out, format_args!("{tag} {} {code}{}", self.status, self.text));
    }
}

/// Writes a line.
pub(super) fn line(out: &mut Vec<u8>, text: std::fmt::Arguments<'_>) {
    use std::io::Write;
    // Writing to memory can't fail.
    let _ = write!(out, "{text}\r\n");
}
