//! Letters for IMAP, and folders full of them. Their text consists of words drawn from a few thousand, so that an index of
//! them has work to do; two words are rare, one in texts and one in subjects.

use std::fmt::Write as _;

use crate::Outcome;
use crate::client::{DOMAIN, Target, Wire};

/// Octets of a letter.
pub(crate) const SIZE: usize = 10 << 10;
/// Octets of a letter where there are very many.
pub(crate) const SMALL: usize = 500;
/// A word in the text of each letter whose number leaves 7 when it is divided by [`SPARSE`].
pub(crate) const IN_TEXT: &str = "quincunx";
/// A word in the subject of each letter whose number leaves 13.
pub(crate) const IN_SUBJECT: &str = "zugzwang";
/// How rare those words are: once in so many letters.
pub(crate) const SPARSE: usize = 500;
/// Letters in one APPEND.
const BATCH: usize = 100;
/// Different words.
const WORDS: u64 = 5_000;

/// Writes letters, the same ones each time.
pub(crate) struct Writer {
    state: u64,
}

impl Writer {
    /// One that begins at the beginning.
    pub(crate) fn new() -> Writer {
        Writer { state: 0x9e37_79b9_7f4a_7c15 }
    }

    /// The letter with this number; it has `size` octets, unless its header alone has more.
    pub(crate) fn letter(&mut self, number: usize, size: usize) -> Vec<u8> {
        let mut text = String::with_capacity(size + 80);
        let subject = if number % SPARSE == 13 { IN_SUBJECT } else { "figures" };
        // Writing to a string can't fail.
        let _ = write!(
            text,
            "From: Sender {number} <sender{number}@{DOMAIN}>\r\nTo: You <you@{DOMAIN}>, <others@{DOMAIN}>\r\n\
             Subject: About {subject} {number}\r\nDate: Mon, 23 Nov 2026 12:00:00 +0000\r\nMIME-Version: 1.0\r\n\
             Content-Type: text/plain; charset=us-ascii\r\nMessage-ID: <{number:016}@{DOMAIN}>\r\n\r\n"
        );
        if number % SPARSE == 7 {
            let _ = write!(text, "{IN_TEXT}\r\n");
        }
        let mut column = 0;
        while text.len() + 2 < size {
            let begun = text.len();
            self.word(&mut text);
            column += text.len() - begun;
            if column > 66 {
                text.push_str("\r\n");
                column = 0;
            } else {
                text.push(' ');
            }
        }
        text.truncate(size.saturating_sub(2).max(text.find("\r\n\r\n").unwrap_or(0) + 4));
        if text.ends_with('\r') {
            // Half of a line's end: servers mend that each in its own way.
            text.pop();
            text.push('.');
        }
        text.push_str("\r\n");
        text.into_bytes()
    }

    /// Appends one of [`WORDS`] words: three syllables, made of its number.
    fn word(&mut self, text: &mut String) {
        const SYLLABLES: [&str; 20] = [
            "ba", "re", "mi", "so", "tu", "le", "na", "do", "ki", "va", "per", "ton", "sul", "mar", "gen",
            "dor", "lis", "cam", "fen", "hol",
        ];
        // Knuth's MMIX generator; its high bits are the good ones.
        self.state =
            self.state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let mut number = (self.state >> 33) % WORDS;
        for _ in 0..3 {
            let syllable = SYLLABLES[usize::try_from(number % 20).unwrap_or_default()];
            text.push_str(syllable);
            number /= 20;
        }
    }
}

/// Brings so many letters into the INBOX of an account.
pub(crate) async fn fill(target: &Target, user: &str, count: usize, size: usize) -> Outcome<()> {
    let mut wire = target.imap(0, user).await?;
    append(&mut wire, count, size).await
}

/// Brings `count` small letters into the INBOX of an account: the first ones by APPEND, the others as copies of them.
pub(crate) async fn fill_by_copies(target: &Target, user: &str, count: usize) -> Outcome<()> {
    const FIRST: usize = 1_000;
    let mut wire = target.imap(0, user).await?;
    let mut have = FIRST.min(count);
    append(&mut wire, have, SMALL).await?;
    wire.command("SELECT INBOX").await?;
    while have < count {
        let more = have.min(count - have);
        wire.command(&format!("COPY 1:{more} INBOX")).await?;
        wire.command("NOOP").await?;
        have += more;
    }
    Ok(())
}

async fn append(wire: &mut Wire, count: usize, size: usize) -> Outcome<()> {
    let mut writer = Writer::new();
    for first in (0..count).step_by(BATCH) {
        let numbers = first..(first + BATCH).min(count);
        let letters: Vec<_> = numbers.map(|number| writer.letter(number, size)).collect();
        wire.append("INBOX", &letters).await?;
    }
    Ok(())
}
