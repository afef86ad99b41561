//! An IMAP client (RFC 9051) that says what it is told to.

use std::io;

use super::{Server, Service, Wire, refused};

/// A connection.
pub(crate) struct Imap {
    wire: Wire,
    tag: u32,
}

impl Imap {
    /// On port 993, logged in.
    pub(crate) fn login(server: &Server, (user, password): (&str, &str)) -> io::Result<Imap> {
        let mut wire = Wire::tls(server.address(Service::Imaps), &server.certificate())?;
        wire.raw_line()?;
        let mut imap = Imap { wire, tag: 0 };
        imap.command(&format!("LOGIN {user} \"{password}\""))?;
        Ok(imap)
    }

    /// Says a command; returns the literals of what is told. NO and BAD are errors of the kind that [`refused`] makes.
    pub(crate) fn command(&mut self, line: &str) -> io::Result<Vec<Vec<u8>>> {
        self.say(&[line.as_bytes()])
    }

    /// Puts a letter into a folder.
    pub(crate) fn append(&mut self, folder: &str, letter: &[u8]) -> io::Result<()> {
        let begin = format!("APPEND {folder} {{{}+}}\r\n", letter.len());
        self.say(&[begin.as_bytes(), letter]).map(drop)
    }

    fn say(&mut self, parts: &[&[u8]]) -> io::Result<Vec<Vec<u8>>> {
        self.tag += 1;
        let tag = format!("t{} ", self.tag);
        self.wire.send(&[&[tag.as_bytes()], parts, &[b"\r\n"]].concat().concat())?;
        let mut literals = Vec::new();
        loop {
            let line = self.wire.raw_line()?;
            if let Some(end) = line.strip_prefix(tag.as_bytes()) {
                let text = String::from_utf8_lossy(end).into_owned();
                return if text.starts_with("OK") { Ok(literals) } else { Err(refused(text)) };
            }
            if let Some(many) = literal(&line) {
                literals.push(self.wire.octets(many)?);
            }
        }
    }
}

/// The octets that follow on a line.
fn literal(line: &[u8]) -> Option<usize> {
    let line = std::str::from_utf8(line).ok()?.strip_suffix("}\r\n")?;
    line.rsplit_once('{')?.1.parse().ok()
}
