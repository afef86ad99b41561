//! Macros: what a milter may know of a letter beside the letter, by the names that Sendmail gave it.

use super::terms::{Step, Terms};
use crate::inbound::Visit;

/// What is known, by name.
#[derive(Debug)]
pub(super) struct Macros {
    hostname: String,
    client: String,
    letter: String,
    sender: Option<String>,
    mail_from: String,
    tls: Option<(&'static str, &'static str)>,
    /// The recipient that is being told.
    pub(super) recipient: String,
}

/// What a milter gets that does not say what it wants.
fn usual(step: Step) -> &'static [&'static str] {
    match step {
        Step::Connect => &["j", "_", "v", "{daemon_name}", "{client_addr}", "{client_name}"],
        Step::Helo => &["{tls_version}", "{cipher}"],
        Step::Mail => &["i", "{auth_authen}", "{mail_addr}", "{mail_mailer}"],
        Step::Rcpt => &["i", "{rcpt_addr}", "{rcpt_mailer}"],
        Step::Data | Step::EndOfHeader | Step::End => &["i"],
        Step::Header | Step::Body => &[],
    }
}

impl Macros {
    pub(super) fn of(visit: &Visit, hostname: &str) -> Macros {
        Macros {
            hostname: hostname.to_owned(),
            client: visit.peer.to_string(),
            letter: visit.letter.to_string(),
            sender: visit.sender.map(|account| account.to_string()),
            mail_from: visit.mail_from.to_string(),
            tls: visit.tls,
            recipient: String::new(),
        }
    }

    /// The macros of a step, as a packet has them: names and values, each with NUL behind.
    pub(super) fn of_step(&self, step: Step, terms: &Terms) -> Vec<u8> {
        let mut data = Vec::new();
        let mut put = |name: &str| {
            if let Some(value) = self.value(name) {
                for text in [name, &value] {
                    data.extend_from_slice(text.as_bytes());
                    data.push(0);
                }
            }
        };
        match terms.macros.iter().find(|(of, _)| *of == step) {
            Some((_, names)) => names.iter().for_each(|name| put(name)),
            None => usual(step).iter().for_each(|name| put(name)),
        }
        data
    }

    fn value(&self, name: &str) -> Option<String> {
        // A name of one letter may stand in braces.
        let bare = name.strip_prefix('{').and_then(|name| name.strip_suffix('}')).unwrap_or(name);
        let value = match bare {
            "j" => self.hostname.clone(),
            "i" => self.letter.clone(),
            "v" => format!("Postern {}", env!("CARGO_PKG_VERSION")),
            "_" | "client_name" => format!("[{}]", self.client),
            "client_addr" => self.client.clone(),
            // By these names milters tell letters to be signed from letters to be verified.
            "daemon_name" => if self.sender.is_some() { "MSA" } else { "MTA" }.to_owned(),
            "auth_authen" => self.sender.clone()?,
            "tls_version" => self.tls?.0.to_owned(),
            "cipher" => self.tls?.1.to_owned(),
            "mail_addr" => self.mail_from.clone(),
            "rcpt_addr" => Some(&self.recipient).filter(|recipient| !recipient.is_empty())?.clone(),
            "mail_mailer" | "rcpt_mailer" => "smtp".to_owned(),
            _ => return None,
        };
        Some(value)
    }
}
