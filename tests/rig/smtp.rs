//! An SMTP client (RFC 5321) that says what it is told to.

use std::io;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

use super::{Server, Service, Wire, refused};

/// A server's reply.
#[derive(Debug)]
pub(crate) struct Reply {
    /// Its three digits.
    pub(crate) code: u16,
    /// The text of each of its lines.
    pub(crate) lines: Vec<String>,
}

impl Reply {
    /// Whether what was asked for is done, or may go on.
    pub(crate) fn is_ok(&self) -> bool {
        self.code < 400
    }

    /// All lines as one.
    pub(crate) fn text(&self) -> String {
        format!("{} {}", self.code, self.lines.join(" | "))
    }
}

/// How a letter's bytes travel.
#[derive(Clone, Copy, Debug)]
pub(crate) enum How {
    /// DATA
    Data,
    /// BDAT with chunks of so many octets (RFC 3030)
    Bdat(usize),
}

/// A connection.
pub(crate) struct Smtp(pub(crate) Wire);

impl Smtp {
    /// Connects and takes the greeting; with TLS where the port begins with it.
    pub(crate) fn connect(server: &Server, service: Service) -> io::Result<Smtp> {
        let address = server.address(service);
        let wire = match service {
            Service::Submissions => Wire::tls(address, &server.certificate())?,
            _ => Wire::plain(address)?,
        };
        let mut smtp = Smtp(wire);
        smtp.reply()?;
        Ok(smtp)
    }

    /// On port 465, ready for MAIL.
    pub(crate) fn login(server: &Server, (user, password): (&str, &str)) -> io::Result<Smtp> {
        let mut smtp = Smtp::connect(server, Service::Submissions)?;
        smtp.command("EHLO rig.test")?;
        let proof = BASE64_STANDARD.encode(format!("\0{user}\0{password}"));
        smtp.command(&format!("AUTH PLAIN {proof}"))?;
        Ok(smtp)
    }

    /// The next reply.
    pub(crate) fn reply(&mut self) -> io::Result<Reply> {
        let mut lines = Vec::new();
        loop {
            let line = self.0.line()?;
            let (code, rest) = line.split_at_checked(3).ok_or_else(|| refused(line.clone()))?;
            let code = code.parse().map_err(|_| refused(line.clone()))?;
            lines.push(rest.get(1..).unwrap_or("").to_owned());
            if !rest.starts_with('-') {
                return Ok(Reply { code, lines });
            }
        }
    }

    /// Says a line and takes the reply, whichever it is.
    pub(crate) fn say(&mut self, line: &str) -> io::Result<Reply> {
        self.0.send_line(line)?;
        self.reply()
    }

    /// Says a line that is to be done; 4xx and 5xx are errors of the kind that [`refused`] makes.
    pub(crate) fn command(&mut self, line: &str) -> io::Result<Reply> {
        let reply = self.say(line)?;
        if reply.is_ok() { Ok(reply) } else { Err(refused(reply.text())) }
    }

    /// Sends a letter. The reply is the final one, or the first that refused; the session is ready for another then.
    pub(crate) fn send(&mut self, from: &str, to: &[&str], letter: &[u8], how: How) -> io::Result<Reply> {
        let mail = format!("MAIL FROM:<{from}> BODY=8BITMIME SIZE={}", letter.len());
        let rcpts = to.iter().map(|address| format!("RCPT TO:<{address}>"));
        for line in std::iter::once(mail).chain(rcpts) {
            let reply = self.say(&line)?;
            if !reply.is_ok() {
                return self.give_up(reply);
            }
        }
        match how {
            How::Data => self.data(letter),
            How::Bdat(size) => self.bdat(letter, size),
        }
    }

    fn give_up(&mut self, reply: Reply) -> io::Result<Reply> {
        if reply.code != 421 {
            self.command("RSET")?;
        }
        Ok(reply)
    }

    fn data(&mut self, letter: &[u8]) -> io::Result<Reply> {
        let reply = self.say("DATA")?;
        if reply.code != 354 {
            return self.give_up(reply);
        }
        let mut stuffed = Vec::with_capacity(letter.len() + 1024);
        for line in letter.split_inclusive(|byte| *byte == b'\n') {
            if line.starts_with(b".") {
                stuffed.push(b'.');
            }
            stuffed.extend_from_slice(line);
        }
        stuffed.extend_from_slice(b".\r\n");
        self.0.send(&stuffed)?;
        self.reply()
    }

    fn bdat(&mut self, letter: &[u8], size: usize) -> io::Result<Reply> {
        let mut chunks = letter.chunks(size).peekable();
        while let Some(chunk) = chunks.next() {
            let last = if chunks.peek().is_none() { " LAST" } else { "" };
            let mut bytes = format!("BDAT {}{last}\r\n", chunk.len()).into_bytes();
            bytes.extend_from_slice(chunk);
            self.0.send(&bytes)?;
            let reply = self.reply()?;
            if !reply.is_ok() {
                return self.give_up(reply);
            }
            if !last.is_empty() {
                return Ok(reply);
            }
        }
        Err(refused("an empty letter"))
    }
}
