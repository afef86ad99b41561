//! How texts are decoded and folded, in the plainest way.

use postern_model::mime::{Facts, fields, unfold};
use postern_model::record::Signature;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Header,
    Body,
}
pub(super) fn decoded_field(value: &[u8]) -> String {
    String::from_utf8_lossy(&unfold(value)).into_owned()
}
pub(super) fn fold(text: &str) -> String {
    text.to_uppercase()
}
pub(super) fn texts(letter: &[u8], facts: &Facts, visit: &mut dyn FnMut(Place, &str)) {
    let at = usize::try_from(facts.header_size()).unwrap_or(letter.len()).min(letter.len());
    for field in fields(&letter[..at]) {
        visit(
            Place::Header,
            &format!("{}: {}", String::from_utf8_lossy(field.name), decoded_field(field.value)),
        );
    }
    visit(Place::Body, &String::from_utf8_lossy(&letter[at..]));
}
pub(super) fn may_hold(signature: &Signature, folded: &str) -> bool {
    signature.bits.is_empty() || String::from_utf8_lossy(&signature.bits).contains(folded)
}
