//! The letters of notices (SPEC N1-N3). What an account is owed is a record without words ([`OwedNotice`]); here it
//! becomes a letter in the user's language. The words stand in Fluent files, one per language, that are compiled in
//! (`templates/`); an operator's directory replaces messages of them one by one. `vocabulary` says which messages and
//! variables there are, `check` holds a file against it before anything is served, `words` fills the variables in,
//! `letter` builds the letter around the text.
//!
//! [`OwedNotice`]: postern_model::record::OwedNotice

mod check;
pub(crate) mod encoding;
mod letter;
mod letters;
mod templates;
#[cfg(test)]
mod tests;
mod vocabulary;
mod words;

use std::path::Path;

use jiff::tz::TimeZone;
use postern_actors::notice::{Composer, Told};
use postern_actors::rules::{ForwardRequest, VacationReply};
use postern_policy::access;

use letter::Letter;
use templates::{Bundle, Templates};
use words::Words;

pub use check::{TemplateError, TemplateErrors};

/// What letters tell beside what happened, from the configuration.
#[derive(Clone, Debug)]
pub struct Facts {
    /// The server's name, for Message-IDs (`POSTERN_HOSTNAME`).
    pub hostname: String,
    /// Where users switch access on (`POSTERN_WEB_URL`).
    pub web: String,
    /// Where users find help (`POSTERN_SUPPORT_URL`).
    pub support: String,
    /// In which times are shown (`POSTERN_TIMEZONE`).
    pub zone: TimeZone,
    /// When access opens and closes (SPEC A).
    pub access: access::Figures,
    /// Whether an inactive account's mail is refused (SPEC A9).
    pub inactive_refuses_mail: bool,
}

/// Writes the letters of notices; made once, at the start.
#[derive(Debug)]
pub struct Notices {
    templates: Templates,
    facts: Facts,
}

impl Notices {
    /// The built-in templates, with the messages of the files in the directory `templates` (`POSTERN_TEMPLATES`) in
    /// place of those of the same name (SPEC N2).
    ///
    /// # Errors
    /// All that is wrong with these files, each with its file, line and cure.
    pub fn load(templates: Option<&Path>, facts: Facts) -> Result<Notices, TemplateErrors> {
        Ok(Notices { templates: Templates::load(templates)?, facts })
    }
}

impl Composer for Notices {
    fn compose(&self, told: &Told<'_>) -> Vec<u8> {
        let (language, bundle) = self.templates.of(told.language);
        write(told, language, bundle, &self.facts)
    }

    fn vacation(&self, reply: &VacationReply<'_>) -> Vec<u8> {
        letters::vacation(reply, &self.facts.hostname)
    }

    fn forward_request(&self, request: &ForwardRequest<'_>) -> Vec<u8> {
        let (language, bundle) = self.templates.of(request.language);
        letters::forward_request(request, language, words::Phrases { bundle, facts: &self.facts })
    }
}

fn write(told: &Told<'_>, language: &str, bundle: &Bundle, facts: &Facts) -> Vec<u8> {
    let domain = letter::domain_of(told.address, &facts.hostname);
    let words = Words::new(told, &domain, bundle, facts);
    let letter = Letter {
        told,
        language,
        domain: &domain,
        hostname: &facts.hostname,
        sender: &words.text("sender"),
        subject: &words.part("subject"),
        paragraphs: &[
            words.text("greeting"),
            words.part("what"),
            words.why(),
            words.part("how"),
            words.part("support"),
            words.text("signature"),
        ],
    };
    letter.write()
}
