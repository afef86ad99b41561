//! Letters with an id of their own, made from it: what was sent can be made again to be compared.

use super::Random;

/// A letter as a program sends it, with CRLF.
pub(crate) struct Letter {
    /// In its `X-Rig` field.
    pub(crate) id: u64,
    /// All of it.
    pub(crate) bytes: Vec<u8>,
}

impl Letter {
    /// A letter of about `size` octets whose lines are of the kinds that servers get wrong: leading dots, a lone dot,
    /// empty ones, trailing blanks, 900 octets, UTF-8.
    pub(crate) fn new(from: &str, id: u64, size: usize) -> Letter {
        let mut random = Random::new(id ^ (size as u64) << 32);
        let mut text = format!(
            "From: <{from}>\r\nTo: those-concerned: ;\r\nSubject: letter {id}\r\nX-Rig: {id}\r\n\
             Date: Mon, 23 Nov 2026 10:00:00 +0200\r\nMessage-ID: <{id}.rig@demo.test>\r\nMIME-Version: 1.0\r\n\
             Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n\
             .\r\n..\r\n.dot first\r\n\r\n{}\r\nrūķītis ķēra ēzeli\r\n",
            "long ".repeat(180)
        );
        while text.len() < size {
            match random.below(8) {
                0 => text.push_str(".hidden"),
                1 => text.push_str("\t trailing blanks  "),
                2 => {}
                n => (0..n * 4).for_each(|_| text.push_str(&format!("{:x} ", random.next()))),
            }
            text.push_str("\r\n");
        }
        text.push_str("the end of it\r\n");
        Letter { id, bytes: text.into_bytes() }
    }
}

/// The id in a letter's `X-Rig` field.
pub(crate) fn rig_id(letter: &[u8]) -> Option<u64> {
    let text = String::from_utf8_lossy(&letter[..letter.len().min(4096)]);
    text.lines().find_map(|line| line.strip_prefix("X-Rig: ")).and_then(|id| id.trim().parse().ok())
}

/// The letter as programs keep it in a file.
pub(crate) fn with_lf(bytes: &[u8]) -> Vec<u8> {
    String::from_utf8(bytes.to_vec()).expect("rig letters are UTF-8").replace("\r\n", "\n").into_bytes()
}

/// Whether `fetched` is `sent` behind fields that are the server's own (SPEC M5).
///
/// # Errors
/// What differs, in a line.
pub(crate) fn behind_own_fields(fetched: &[u8], sent: &[u8]) -> Result<(), String> {
    let Some(in_front) = fetched.strip_suffix(sent) else {
        let differs = fetched.iter().rev().zip(sent.iter().rev()).position(|(a, b)| a != b);
        return Err(format!(
            "{} octets fetched, {} sent; they differ {differs:?} octets from the end; fetched begins {:?}",
            fetched.len(),
            sent.len(),
            String::from_utf8_lossy(&fetched[..fetched.len().min(300)]),
        ));
    };
    let text = std::str::from_utf8(in_front).map_err(|error| error.to_string())?;
    let mut received = false;
    for line in text.split_terminator('\n') {
        received |= line.starts_with("Received:");
        let own = line.starts_with([' ', '\t'])
            || ["Return-Path:", "Received:", "DKIM-Signature:", "Authentication-Results:"]
                .iter()
                .any(|name| line.starts_with(name));
        if !own {
            return Err(format!("a line in front that is not the server's own: {line:?}"));
        }
    }
    if received { Ok(()) } else { Err(format!("no Received field in front: {text:?}")) }
}
