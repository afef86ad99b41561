//! IMAP for the mail program of the benches: it counts what is answered and keeps none of it. One command is under way at
//! a time, so that one tag is enough.

use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress};
use memchr::memmem;

use super::{PASSWORD, Target, Wire, verb};
use crate::Outcome;

/// What a command was answered with.
#[derive(Clone, Copy, Default)]
pub(crate) struct Answered {
    /// Untagged responses.
    pub(crate) responses: usize,
    /// Octets of their literals.
    pub(crate) literals: usize,
}

/// What a line says of itself.
enum Line {
    /// It begins an untagged response, or goes on with one behind a literal; a literal of so many octets may follow.
    Untagged { begins: bool, literal: Option<usize> },
    /// The command is done.
    Tagged,
}

impl Target {
    /// An IMAP session that is logged in.
    pub(crate) async fn imap(&self, number: usize, user: &str) -> Outcome<Wire> {
        let mut wire = self.greeted(number).await?;
        wire.command(&format!("LOGIN {user} {PASSWORD}")).await?;
        Ok(wire)
    }
}

impl Wire {
    /// A command without literals, which has to be answered `OK`.
    pub(crate) async fn command(&mut self, command: &str) -> Outcome<Answered> {
        self.send(format!("a {command}\r\n").as_bytes()).await?;
        self.answered().await.map_err(|error| format!("{}: {error}", verb(command)).into())
    }

    /// Reads the answer of a command that was sent with the tag `a`, up to its `OK`.
    pub(crate) async fn answered(&mut self) -> Outcome<Answered> {
        let mut answered = Answered::default();
        loop {
            match Line::of(self.octets_of_line().await?)? {
                Line::Tagged => return Ok(answered),
                Line::Untagged { begins, literal } => {
                    answered.responses += usize::from(begins);
                    if let Some(octets) = literal {
                        self.skip(octets).await?;
                        answered.literals += octets;
                    }
                }
            }
        }
    }

    /// SEARCH, and how many letters it found.
    pub(crate) async fn search(&mut self, keys: &str) -> Outcome<usize> {
        self.send(format!("a SEARCH {keys}\r\n").as_bytes()).await?;
        let line = self.line().await?;
        let Some(found) = line.strip_prefix("* SEARCH") else { return Err(format!("SEARCH: {line}").into()) };
        let found = found.split_whitespace().count();
        self.answered().await?;
        Ok(found)
    }

    /// One letter, or several in one command (RFC 3502), into a folder, without waiting before a literal (RFC 7888).
    pub(crate) async fn append(&mut self, folder: &str, letters: &[impl AsRef<[u8]>]) -> Outcome<()> {
        let mut command = format!("a APPEND {folder}").into_bytes();
        for letter in letters.iter().map(AsRef::as_ref) {
            command.extend_from_slice(format!(" {{{}+}}\r\n", letter.len()).as_bytes());
            command.extend_from_slice(letter);
        }
        command.extend_from_slice(b"\r\n");
        self.send(&command).await?;
        self.answered().await.map_err(|error| format!("APPEND: {error}"))?;
        Ok(())
    }

    /// IDLE (RFC 2177), up to the server's word that it has begun.
    pub(crate) async fn idle(&mut self) -> Outcome<()> {
        self.send(b"a IDLE\r\n").await?;
        while !self.line().await?.starts_with('+') {}
        Ok(())
    }

    /// The end of IDLE.
    pub(crate) async fn done(&mut self) -> Outcome<()> {
        self.send(b"DONE\r\n").await?;
        self.answered().await?;
        Ok(())
    }

    /// Selects a folder and idles there, all of it compressed (RFC 4978). The client's own windows are given back at once:
    /// nothing can be said on this connection any more.
    pub(crate) async fn idle_compressed(&mut self, folder: &str) -> Outcome<()> {
        self.command("COMPRESS DEFLATE").await?;
        let mut sent = Vec::with_capacity(256);
        let text = format!("a SELECT {folder}\r\na IDLE\r\n");
        Compress::new(Compression::fast(), false).compress_vec(
            text.as_bytes(),
            &mut sent,
            FlushCompress::Sync,
        )?;
        self.send(&sent).await?;
        let mut inflate = Decompress::new(false);
        let mut answer = Vec::with_capacity(16 << 10);
        while memmem::find(&answer, b"\n+").is_none() {
            if self.buffer.len() == self.start {
                self.fill().await?;
            }
            let before = inflate.total_in();
            inflate.decompress_vec(&self.buffer[self.start..], &mut answer, FlushDecompress::Sync)?;
            self.start += usize::try_from(inflate.total_in() - before)?;
        }
        Ok(())
    }

    /// Leaves out so many octets of what comes.
    async fn skip(&mut self, mut octets: usize) -> Outcome<()> {
        loop {
            let have = self.buffer.len() - self.start;
            if have >= octets {
                self.start += octets;
                return Ok(());
            }
            octets -= have;
            self.start = self.buffer.len();
            self.fill().await?;
        }
    }
}

impl Line {
    fn of(line: &[u8]) -> Outcome<Line> {
        if let Some(result) = line.strip_prefix(b"a ") {
            return match result.starts_with(b"OK") {
                true => Ok(Line::Tagged),
                false => Err(String::from_utf8_lossy(result).into()),
            };
        }
        let literal =
            match line.strip_suffix(b"}").and_then(|rest| rest.rsplit(|octet| *octet == b'{').next()) {
                Some(digits) => std::str::from_utf8(digits)?.parse().ok(),
                None => None,
            };
        Ok(Line::Untagged { begins: line.starts_with(b"* "), literal })
    }
}
