//! Searches that may need a letter's octets: BODY, TEXT, HEADER.

use postern_model::mime::text::{Place, decoded_field, fold, texts};
use postern_model::mime::{Facts, fields};
use postern_model::record::Signature;

use super::field::{header, may_lack};
use super::needle::Needle;

/// One such search.
#[derive(Clone, Debug)]
pub(super) enum TextTest {
    Body(Needle),
    Text(Needle),
    Header {
        /// As it was spelled.
        name: String,
        /// `NAME:`, by which a signature tells that the field is not there.
        mark: Needle,
        needle: Needle,
    },
}

impl TextTest {
    pub(super) fn header(name: &str, value: &str) -> TextTest {
        let mark = Needle::new(&format!("{name}:"));
        TextTest::Header { name: name.to_owned(), mark, needle: Needle::new(value) }
    }

    /// Whether facts can help: some fields other than the envelope's own keys are kept as they stood.
    pub(super) fn wants_facts(&self) -> bool {
        matches!(self, TextTest::Header { name, .. } if is_kept(name))
    }

    /// What facts and signature say; `None`: it takes the octets.
    pub(super) fn hint(&self, facts: Option<&Facts>, signature: Option<&Signature>) -> Option<bool> {
        let ruled_out = |needle: &Needle| signature.is_some_and(|signature| !needle.may_be_in(signature));
        match self {
            TextTest::Body(needle) | TextTest::Text(needle) => ruled_out(needle).then_some(false),
            TextTest::Header { name, mark, needle } => {
                let by_facts = facts.and_then(|facts| kept(name, facts, needle));
                by_facts.or_else(|| (ruled_out(mark) || ruled_out(needle)).then_some(false))
            }
        }
    }
}

fn is_kept(name: &str) -> bool {
    ["date", "subject", "in-reply-to", "message-id"].iter().any(|kept| kept.eq_ignore_ascii_case(name))
}

/// What the facts say of a field that they keep. They keep the first of several, so that they can't deny what another
/// one may hold.
fn kept(name: &str, facts: &Facts, needle: &Needle) -> Option<bool> {
    let envelope = &facts.envelope;
    let value = match name.to_ascii_lowercase().as_str() {
        "date" => &envelope.date,
        "subject" => &envelope.subject,
        "in-reply-to" => &envelope.in_reply_to,
        "message-id" => &envelope.message_id,
        _ => return None,
    };
    match value {
        Some(value) => needle.is_in(&decoded_field(value)).then_some(true),
        None => (!may_lack(facts)).then_some(false),
    }
}

/// Runs all tests over a letter's octets at once, and says of each whether the letter passes.
pub(super) fn run(tests: &[TextTest], letter: &[u8], facts: &Facts) -> Vec<bool> {
    let mut passed = vec![false; tests.len()];
    if tests.iter().any(|test| matches!(test, TextTest::Header { .. })) {
        run_headers(tests, header(letter, facts), &mut passed);
    }
    if tests.iter().any(|test| !matches!(test, TextTest::Header { .. })) {
        texts(letter, facts, &mut |place, text| look(tests, place, &fold(text), &mut passed));
    }
    passed
}

fn run_headers(tests: &[TextTest], block: &[u8], passed: &mut [bool]) {
    for field in fields(block) {
        for (test, passed) in tests.iter().zip(&mut *passed) {
            if let TextTest::Header { name, needle, .. } = test
                && !*passed
                && field.is(name)
            {
                *passed = needle.is_in(&decoded_field(field.value));
            }
        }
    }
}

fn look(tests: &[TextTest], place: Place, folded: &str, passed: &mut [bool]) {
    for (test, passed) in tests.iter().zip(passed) {
        *passed = *passed
            || match test {
                TextTest::Body(needle) => place == Place::Body && needle.is_in_folded(folded),
                TextTest::Text(needle) => needle.is_in_folded(folded),
                TextTest::Header { .. } => false,
            };
    }
}
