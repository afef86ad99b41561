//! What a search looks for in a text.

use memchr::memmem::Finder;
use postern_model::mime::signature::may_hold;
use postern_model::mime::text::fold;
use postern_model::record::Signature;

/// A text that is looked for, folded as i;unicode-casemap has it (RFC 5051, which I18NLEVEL=1 asks for).
#[derive(Clone, Debug)]
pub(super) struct Needle {
    folded: Box<str>,
    finder: Box<Finder<'static>>,
}

impl Needle {
    pub(super) fn new(text: &str) -> Needle {
        let folded = fold(text).into_boxed_str();
        let finder = Box::new(Finder::new(folded.as_bytes()).into_owned());
        Needle { folded, finder }
    }

    /// Whether a text that is not folded yet holds it.
    pub(super) fn is_in(&self, text: &str) -> bool {
        self.folded.is_empty() || self.is_in_folded(&fold(text))
    }

    /// Whether a folded text holds it.
    pub(super) fn is_in_folded(&self, folded: &str) -> bool {
        self.finder.find(folded.as_bytes()).is_some()
    }

    /// Whether a letter with this signature can hold it.
    pub(super) fn may_be_in(&self, signature: &Signature) -> bool {
        may_hold(signature, &self.folded)
    }
}
