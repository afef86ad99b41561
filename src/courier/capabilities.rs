//! What a server can do, as its answer to EHLO says. What can't be read is taken as not said.

use super::reply::Reply;

/// Mechanisms of AUTH that are kept.
const MOST_MECHANISMS: usize = 32;

/// The extensions that matter to a client.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Capabilities {
    /// RFC 2920
    pub(super) pipelining: bool,
    /// RFC 3030
    pub(super) chunking: bool,
    /// RFC 3030; of use only with `chunking`.
    pub(super) binary: bool,
    /// RFC 6152
    pub(super) eight_bit: bool,
    /// RFC 6531
    pub(super) utf8: bool,
    /// RFC 3461
    pub(super) dsn: bool,
    /// RFC 3207
    pub(super) starttls: bool,
    /// RFC 8689
    pub(super) require_tls: bool,
    /// RFC 6710
    pub(super) priority: bool,
    /// RFC 1870: offered.
    pub(super) size: bool,
    /// RFC 1870: the most that it takes; `None` where it didn't say, or said 0.
    pub(super) max_size: Option<u64>,
    /// RFC 2852: offered, and the shortest time that it takes, in seconds.
    pub(super) deliver_by: Option<u64>,
    /// RFC 4954, in capitals.
    pub(super) auth: Vec<String>,
    /// RFC 9422: letters of a connection.
    pub(super) mail_max: Option<usize>,
    /// RFC 9422: recipients of a letter.
    pub(super) rcpt_max: Option<usize>,
}

impl Capabilities {
    /// Reads the answer to EHLO; its first line is the greeting.
    pub(super) fn read(reply: &Reply) -> Capabilities {
        let mut found = Capabilities::default();
        for line in reply.lines.iter().skip(1) {
            let mut words = line.split_ascii_whitespace();
            if let Some(keyword) = words.next() {
                found.take(&keyword.to_ascii_uppercase(), words);
            }
        }
        found.binary &= found.chunking;
        found
    }

    fn take<'a>(&mut self, keyword: &str, mut words: impl Iterator<Item = &'a str>) {
        match keyword {
            "PIPELINING" => self.pipelining = true,
            "CHUNKING" => self.chunking = true,
            "BINARYMIME" => self.binary = true,
            "8BITMIME" => self.eight_bit = true,
            "SMTPUTF8" => self.utf8 = true,
            "DSN" => self.dsn = true,
            "STARTTLS" => self.starttls = true,
            "REQUIRETLS" => self.require_tls = true,
            "MT-PRIORITY" => self.priority = true,
            "SIZE" => {
                self.size = true;
                self.max_size = words.next().and_then(|most| most.parse().ok()).filter(|most| *most > 0);
            }
            "DELIVERBY" => {
                self.deliver_by = Some(words.next().and_then(|least| least.parse().ok()).unwrap_or(0));
            }
            "AUTH" => {
                let room = MOST_MECHANISMS - self.auth.len();
                self.auth.extend(words.take(room).map(str::to_ascii_uppercase));
            }
            "LIMITS" => words.for_each(|limit| self.limit(limit)),
            _ => {}
        }
    }

    /// RFC 9422 §4: `MAILMAX=20`, one at least.
    fn limit(&mut self, limit: &str) {
        let Some((name, value)) = limit.split_once('=') else { return };
        let value = value.parse().ok().filter(|value| *value > 0);
        match name.to_ascii_uppercase().as_str() {
            "MAILMAX" => self.mail_max = value,
            "RCPTMAX" => self.rcpt_max = value,
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(lines: &[&str]) -> Capabilities {
        let lines = ["mx.b.test"].iter().chain(lines).map(|&line| line.to_owned()).collect();
        Capabilities::read(&Reply { code: 250, lines })
    }

    #[test]
    fn what_is_offered() {
        let found = read(&["pipelining", "SIZE 1000", "AUTH PLAIN login", "LIMITS MAILMAX=3 RCPTMAX=2 X=1"]);
        assert!(found.pipelining && found.size && !found.dsn);
        assert_eq!((found.max_size, found.mail_max, found.rcpt_max), (Some(1_000), Some(3), Some(2)));
        assert_eq!(found.auth, ["PLAIN", "LOGIN"]);
    }

    #[test]
    fn lies_and_nonsense_are_not_said() {
        let found =
            read(&["SIZE -5", "LIMITS MAILMAX=0 RCPTMAX=x RCPTMAX", "BINARYMIME", "", "DELIVERBY soon"]);
        assert_eq!((found.max_size, found.mail_max, found.rcpt_max), (None, None, None));
        assert_eq!((found.binary, found.deliver_by), (false, Some(0)));
        assert_eq!(read(&["SIZE 0"]).max_size, None);
        assert_eq!(read(&["SIZE 99999999999999999999999"]).max_size, None);
        assert_eq!(read(&[&format!("AUTH {}", "X ".repeat(500))]).auth.len(), MOST_MECHANISMS);
        // The greeting is no keyword, whatever it says.
        assert_eq!(
            Capabilities::read(&Reply { code: 250, lines: vec!["PIPELINING".into()] }),
            Capabilities::default()
        );
    }
}
