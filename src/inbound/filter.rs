//! What a spam filter is asked, and what it may answer (SPEC D5), whatever protocol it speaks.

use std::fmt;
use std::future::Future;
use std::pin::Pin;

use super::{Edits, Visit};

/// A filter at work; it stays on its arbiter.
pub type Judging<'a> = Pin<Box<dyn Future<Output = Opinion> + 'a>>;

/// A spam filter. One that can't be reached accepts: it says so to the log, never to the letter (SPEC D5).
pub trait Filter: Send + Sync + fmt::Debug {
    /// Judges a letter. `letter` is all of it as [`super::Gatekeeper::examine`] got it: it begins with our own
    /// Return-Path and Received, and the ranges of the opinion's edits are of it. `results` is the body of our
    /// Authentication-Results field, which is not in the letter yet; what strangers say in our name still is
    /// ([`super::forged_results`]).
    fn judge<'a>(&'a self, visit: &'a Visit, letter: &'a [u8], results: &'a str) -> Judging<'a>;
}

/// What a filter thinks of a letter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Opinion {
    /// What is to become of it.
    pub action: Action,
    /// What is changed of it, where it is accepted.
    pub edits: Edits,
}

/// What a filter wants done with a letter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Action {
    /// It goes where it is addressed.
    #[default]
    Accept,
    /// It goes to Junk.
    Junk,
    /// It is refused.
    Reject {
        /// Whether for good.
        permanent: bool,
        /// In the filter's words, where it had any.
        text: Option<String>,
    },
    /// It is to come again later.
    Defer,
    /// The client is told that it was taken, and nobody gets it.
    Discard,
    /// It is kept from the INBOX for somebody to look at: to Junk, since there is no other such place here.
    Quarantine,
}
