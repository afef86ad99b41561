//! A POP3 client (RFC 1939) that says what it is told to.

use std::io;

use super::{Server, Service, Wire, refused};

/// A connection on port 995.
pub(crate) struct Pop3(pub(crate) Wire);

impl Pop3 {
    /// Connects and takes the greeting.
    pub(crate) fn connect(server: &Server) -> io::Result<Pop3> {
        let mut wire = Wire::tls(server.address(Service::Pop3s), &server.certificate())?;
        wire.line()?;
        Ok(Pop3(wire))
    }

    /// Connects and logs in with USER and PASS.
    pub(crate) fn login(server: &Server, (user, password): (&str, &str)) -> io::Result<Pop3> {
        let mut pop3 = Pop3::connect(server)?;
        pop3.command(&format!("USER {user}"))?;
        pop3.command(&format!("PASS {password}"))?;
        Ok(pop3)
    }

    /// Says a line and takes the answer's line, whichever it is.
    pub(crate) fn say(&mut self, line: &str) -> io::Result<String> {
        self.0.send_line(line)?;
        self.0.line()
    }

    /// Says a line that is to be answered `+OK`; `-ERR` is an error of the kind that [`refused`] makes.
    pub(crate) fn command(&mut self, line: &str) -> io::Result<String> {
        let answer = self.say(line)?;
        if answer.starts_with("+OK") { Ok(answer) } else { Err(refused(answer)) }
    }

    /// A command whose answer has many lines, without the dots that were added on the way.
    pub(crate) fn long_command(&mut self, line: &str) -> io::Result<Vec<u8>> {
        self.command(line)?;
        let mut text = Vec::new();
        loop {
            let line = self.0.raw_line()?;
            match line.strip_prefix(b".") {
                Some(b"\r\n") => return Ok(text),
                Some(stuffed) => text.extend_from_slice(stuffed),
                None => text.extend_from_slice(&line),
            }
        }
    }

    /// How many letters STAT counts.
    pub(crate) fn count(&mut self) -> io::Result<u32> {
        let answer = self.command("STAT")?;
        answer.split(' ').nth(1).and_then(|n| n.parse().ok()).ok_or_else(|| refused(answer))
    }

    /// A letter.
    pub(crate) fn retr(&mut self, number: u32) -> io::Result<Vec<u8>> {
        self.long_command(&format!("RETR {number}"))
    }

    /// All letters, in order.
    pub(crate) fn all(&mut self) -> io::Result<Vec<Vec<u8>>> {
        (1..=self.count()?).map(|number| self.retr(number)).collect()
    }

    /// Deletes what DELE marked.
    pub(crate) fn quit(mut self) -> io::Result<String> {
        self.command("QUIT")
    }
}
