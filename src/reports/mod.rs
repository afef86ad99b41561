//! Letters that this server writes about other letters: delivery status notifications (RFC 3464).
//!
//! A report has three parts (RFC 6522): what happened in words for people (`words`), the same in fields for programs
//! (`status`), and the original, whole or its header.

mod office;
mod status;
#[cfg(test)]
mod tests;
mod words;

use postern_actors::courier::{Report, Reporter};

use crate::notices::encoding;
pub use office::Office;
use words::Words;

/// Octets of an original that a report shows at most; of a longer one it shows the header.
const LONGEST_ORIGINAL: usize = 256 << 10;
/// Octets of its header.
const LONGEST_HEADER: usize = 64 << 10;

/// Writes reports in this server's name.
#[derive(Clone, Debug)]
pub struct Reports {
    /// `POSTERN_HOSTNAME`
    hostname: String,
}

impl Reports {
    /// Reports of the server of this name.
    pub fn new(hostname: String) -> Reports {
        Reports { hostname }
    }
}

impl Reporter for Reports {
    fn report(&self, report: &Report<'_>) -> Vec<u8> {
        let words = Words::of(report.language);
        let boundary = format!("report-{}-{:x}", report.letter, report.now.0);
        let mut letter = self.header(report, &words, &boundary);
        let (encoding, body) = encoding::body(&words.text(report, &self.hostname));
        letter.push_str(&format!(
            "--{boundary}\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: {encoding}\r\n\
             Content-Description: What happened\r\n\r\n{body}\r\n"
        ));
        let global = status::needs_utf8(report);
        // RFC 6533 §3: addresses beyond ASCII have a type of their own.
        let (kind, encoding) = match global {
            true => ("message/global-delivery-status", "8bit"),
            false => ("message/delivery-status", "7bit"),
        };
        letter.push_str(&format!(
            "--{boundary}\r\nContent-Type: {kind}\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n{}\r\n",
            status::fields(report, &self.hostname, global)
        ));
        let mut letter = letter.into_bytes();
        add_original(&mut letter, report, &boundary);
        letter.extend_from_slice(format!("\r\n--{boundary}--\r\n").as_bytes());
        letter
    }
}

impl Reports {
    fn header(&self, report: &Report<'_>, words: &Words, boundary: &str) -> String {
        let hostname = &self.hostname;
        let subject = encoding::unstructured(words.subject(report), "Subject: ");
        let mut header = format!(
            "Return-Path: <>\r\nFrom: Mail delivery <postmaster@{hostname}>\r\nTo: {}\r\nDate: {}\r\n\
             Message-ID: <report-{}@{hostname}>\r\nSubject: {subject}\r\nAuto-Submitted: auto-replied\r\n",
            crate::notices::recipient(report.to),
            report.now.rfc5322(),
            report.letter,
        );
        if let Some(id) = message_id(report.original) {
            header.push_str(&format!("In-Reply-To: {id}\r\nReferences: {id}\r\n"));
        }
        header.push_str(&format!(
            "MIME-Version: 1.0\r\nContent-Type: multipart/report; report-type=delivery-status;\r\n\
             \tboundary=\"{boundary}\"\r\n\r\n"
        ));
        header
    }
}

/// The original behind its boundary: all of it where that was asked for and is not too long, else its header.
fn add_original(letter: &mut Vec<u8>, report: &Report<'_>, boundary: &str) {
    let original = report.original;
    let whole = report.whole && original.len() <= LONGEST_ORIGINAL;
    let shown = if whole { original } else { header_of(original) };
    let ascii = shown.is_ascii();
    let kind = match (whole, ascii) {
        (true, true) => "message/rfc822",
        (true, false) => "message/global",
        (false, true) => "text/rfc822-headers",
        (false, false) => "message/global-headers",
    };
    let encoding = if ascii { "7bit" } else { "8bit" };
    let head =
        format!("--{boundary}\r\nContent-Type: {kind}\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n");
    letter.extend_from_slice(head.as_bytes());
    letter.extend_from_slice(shown);
}

/// A letter's header with its blank line, cut at a line's end where it is too long.
fn header_of(letter: &[u8]) -> &[u8] {
    let end = memchr::memmem::find(letter, b"\r\n\r\n").map_or(letter.len(), |at| at + 2);
    if end <= LONGEST_HEADER {
        return &letter[..end];
    }
    let cut = memchr::memmem::rfind(&letter[..LONGEST_HEADER], b"\r\n").map_or(0, |at| at + 2);
    &letter[..cut]
}

/// The original's own name, where it can stand in a field of ours.
fn message_id(original: &[u8]) -> Option<String> {
    let header = String::from_utf8_lossy(header_of(original)).into_owned();
    let field = header
        .lines()
        .find(|line| line.get(..11).is_some_and(|name| name.eq_ignore_ascii_case("message-id:")))?;
    let id = field[11..].trim();
    let fits = id.starts_with('<')
        && id.ends_with('>')
        && id.len() < 250
        && id.bytes().all(|b| b.is_ascii_graphic());
    fits.then(|| id.to_owned())
}
