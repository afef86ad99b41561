//! Reply codes and the protocols they are said in.

use std::fmt;

use bincode::{Decode, Encode};
use serde::{Deserialize, Serialize};

/// A way for mail programs to reach an account.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Encode, Decode, Serialize, Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum Protocol {
    /// RFC 1939
    Pop3,
    /// RFC 9051
    Imap,
    /// RFC 6409
    Smtp,
}

impl Protocol {
    /// All of them, in the order in which they are shown.
    pub const ALL: [Protocol; 3] = [Protocol::Pop3, Protocol::Imap, Protocol::Smtp];

    /// The name that the command line and the JSON documents use.
    pub fn name(self) -> &'static str {
        match self {
            Protocol::Pop3 => "pop3",
            Protocol::Imap => "imap",
            Protocol::Smtp => "smtp",
        }
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The first digit of a reply (RFC 5321 §4.2.1) and the class of its enhanced code (RFC 3463 §2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// 2yz: done
    Success,
    /// 4yz: may work later
    Transient,
    /// 5yz: will not work
    Permanent,
}

/// An SMTP reply code (RFC 5321 §4.2), 200 to 599.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ReplyCode(u16);

impl ReplyCode {
    /// A reply code; outside 200..=599 it does not compile where it is a constant.
    pub const fn new(code: u16) -> ReplyCode {
        assert!(code >= 200 && code < 600, "RFC 5321 §4.2");
        ReplyCode(code)
    }

    /// The three digits as a number.
    pub const fn value(self) -> u16 {
        self.0
    }

    /// What the first digit says; 3yz replies (go on) count as success and carry no enhanced code.
    pub const fn severity(self) -> Severity {
        match self.0 / 100 {
            4 => Severity::Transient,
            5 => Severity::Permanent,
            _ => Severity::Success,
        }
    }
}

/// Subject and detail of an enhanced status code (RFC 3463); its class comes from the [`ReplyCode`]
/// that it stands behind, so the two can never disagree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EnhancedStatusCode {
    /// RFC 3463 §3: 1 addressing, 2 mailbox, 3 mail system, 4 network, 5 protocol, 6 media, 7 policy
    pub subject: u8,
    /// the detail within the subject
    pub detail: u16,
}

impl EnhancedStatusCode {
    /// The code `x.subject.detail`.
    pub const fn new(subject: u8, detail: u16) -> EnhancedStatusCode {
        EnhancedStatusCode { subject, detail }
    }

    /// The whole code as it stands in a reply of `severity`.
    pub fn of(self, severity: Severity) -> String {
        let class = match severity {
            Severity::Success => 2,
            Severity::Transient => 4,
            Severity::Permanent => 5,
        };
        format!("{class}.{}.{}", self.subject, self.detail)
    }
}
