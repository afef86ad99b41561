//! Letters that this server writes for a user to others: the vacation reply (RFC 3834), and the question whether somebody
//! wants the user's letters (SPEC D6).

use postern_actors::rules::{ForwardRequest, VacationReply};
use postern_model::mime::text::decoded_field;

use super::encoding;
use super::letter::{clean, one_line, to};
use super::words::{Phrases, arguments};

/// The longest subject, in characters.
const SUBJECT: usize = 200;
/// The longest message id that is repeated; a line has 998 octets at most (RFC 5322 §2.1.1).
const MESSAGE_ID: usize = 900;

/// RFC 3834 §3.1: it says that a machine wrote it, and what it answers. It names no Precedence (§3.1.8).
pub(super) fn vacation(reply: &VacationReply<'_>, hostname: &str) -> Vec<u8> {
    let subject = match reply.subject {
        Some(subject) => subject.to_owned(),
        None => format!("Auto: {}", decoded_field(reply.answered_subject)),
    };
    let answered = reply.answered.and_then(message_id);
    let ids = reply.references.iter().filter_map(|id| message_id(id));
    let references: Vec<String> = ids.chain(answered.clone()).collect();
    let mut fields = vec![
        ("From", to(&reply.from.to_string())),
        ("To", to(&reply.to.to_string())),
        ("Date", reply.now.rfc5322()),
        ("Message-ID", format!("<vacation-{}@{hostname}>", reply.letter)),
    ];
    fields.extend(answered.map(|id| ("In-Reply-To", id)));
    if !references.is_empty() {
        fields.push(("References", references.join("\r\n ")));
    }
    fields.push(("Subject", encoding::unstructured(&one_line(&subject, SUBJECT), "Subject: ")));
    fields.push(("Auto-Submitted", "auto-replied (vacation)".to_owned()));
    written(&fields, &clean(reply.text))
}

/// In the user's language, for the user chose the address.
pub(super) fn forward_request(
    request: &ForwardRequest<'_>,
    language: &'static str,
    phrases: Phrases<'_>,
) -> Vec<u8> {
    let facts = phrases.facts;
    let (from, asked) = (request.from.to_string(), request.to.to_string());
    let (domain, hostname) = (request.from.domain(), &facts.hostname);
    let values = arguments([
        ("address", from.as_str().into()),
        ("domain", domain.as_str().into()),
        ("web", facts.web.as_str().into()),
        ("support", facts.support.as_str().into()),
        ("to", asked.as_str().into()),
        ("word", request.token.into()),
    ]);
    let subject = one_line(&phrases.text("forward-request-subject", None, Some(&values)), SUBJECT);
    let fields = [
        ("From", format!("<postmaster@{domain}>")),
        ("To", to(&asked)),
        ("Date", request.now.rfc5322()),
        ("Message-ID", format!("<forward-{}@{hostname}>", request.letter)),
        ("Subject", encoding::unstructured(&subject, "Subject: ")),
        ("Auto-Submitted", "auto-generated".to_owned()),
        ("Content-Language", language.to_owned()),
    ];
    written(&fields, &clean(&phrases.text("forward-request", None, Some(&values))))
}

/// A message id in its brackets, where it may stand in a field of ours.
fn message_id(id: &[u8]) -> Option<String> {
    let sound = id.len() <= MESSAGE_ID && id.iter().all(|octet| octet.is_ascii_graphic());
    sound.then(|| format!("<{}>", String::from_utf8_lossy(id)))
}

fn written(fields: &[(&str, String)], text: &str) -> Vec<u8> {
    let (encoding, body) = encoding::body(&format!("{text}\n"));
    let mut letter = String::new();
    let mime = [
        ("MIME-Version", "1.0".to_owned()),
        ("Content-Type", "text/plain; charset=utf-8".to_owned()),
        ("Content-Transfer-Encoding", encoding.to_owned()),
    ];
    for (name, value) in fields.iter().chain(&mime) {
        letter.push_str(&format!("{name}: {value}\r\n"));
    }
    letter.push_str("\r\n");
    letter.push_str(&body);
    letter.into_bytes()
}
