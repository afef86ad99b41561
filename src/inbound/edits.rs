//! What is changed of a letter when it comes in: fields in front, fields taken out or put elsewhere, another body.

use std::ops::Range;

/// Changes to a letter's octets; ranges and places are of the letter as it came.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Edits {
    /// Whole header lines that go behind our Return-Path and in front of everything else.
    pub front: Vec<u8>,
    /// What is taken out of the header, ascending, without overlap.
    pub removed: Vec<Range<usize>>,
    /// Whole header lines that go in at a place of the header, ascending.
    pub inserted: Vec<(usize, Vec<u8>)>,
    /// What stands behind the blank line now, where that changes.
    pub body: Option<Vec<u8>>,
}

impl Edits {
    /// Whether nothing changes.
    pub fn is_empty(&self) -> bool {
        *self == Edits::default()
    }
}
