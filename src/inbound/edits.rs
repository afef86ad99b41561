//! What is changed of a letter when it comes in: fields in front, fields taken out or put elsewhere, another body.

use std::ops::Range;

use postern_model::mime::{fields, header_end};

/// Changes to a letter's octets; ranges and places are of the letter as [`super::Gatekeeper::examine`] got it.
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

    /// Both, where both are of the same letter: what `self` puts in front or at a place stands before what `other` puts
    /// there, and `other` has the last word on the body.
    #[must_use]
    pub fn and(mut self, other: Edits) -> Edits {
        self.front.extend(other.front);
        self.removed.extend(other.removed);
        self.removed.sort_by_key(|range| range.start);
        let mut whole: Vec<Range<usize>> = Vec::with_capacity(self.removed.len());
        for range in self.removed.drain(..) {
            match whole.last_mut() {
                Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
                _ => whole.push(range),
            }
        }
        self.removed = whole;
        self.inserted.extend(other.inserted);
        self.inserted.sort_by_key(|(place, _)| *place);
        self.body = other.body.or(self.body);
        self
    }

    /// The letter as it is to be. What lies outside of the header goes to its end.
    pub fn apply(&self, letter: &[u8]) -> Vec<u8> {
        let header = header_end(letter).unwrap_or(letter.len());
        let blank = blank_line(&letter[..header]);
        let mut changed = Vec::with_capacity(letter.len() + self.grows_by());
        let mut from = 0;
        let mut places = self.places(letter, blank);
        places.sort_by_key(|(place, _)| *place);
        for (place, lines) in places {
            self.keep(letter, from..place, &mut changed);
            changed.extend_from_slice(lines);
            from = place;
        }
        self.keep(letter, from..blank, &mut changed);
        changed.extend_from_slice(&letter[blank..header]);
        match &self.body {
            None => changed.extend_from_slice(&letter[header..]),
            Some(body) => {
                if blank == header {
                    changed.extend_from_slice(b"\r\n");
                }
                changed.extend_from_slice(body);
            }
        }
        changed
    }

    /// What goes in where, none of it behind `end`; the sort that follows keeps what goes to one place in its order.
    fn places(&self, letter: &[u8], end: usize) -> Vec<(usize, &[u8])> {
        let front = fields(letter).next().filter(|field| field.is("return-path"));
        let front = front.map_or(0, |field| field.raw.len()).min(end);
        let inserted = self.inserted.iter().map(|(place, lines)| ((*place).min(end), lines.as_slice()));
        std::iter::once((front, self.front.as_slice())).chain(inserted).collect()
    }

    /// Copies what is not taken out of a part of the header.
    fn keep(&self, letter: &[u8], part: Range<usize>, changed: &mut Vec<u8>) {
        let mut from = part.start;
        let first = self.removed.partition_point(|range| range.end <= part.start);
        for range in self.removed[first..].iter().take_while(|range| range.start < part.end) {
            let start = range.start.max(from);
            changed.extend_from_slice(&letter[from..start]);
            from = range.end.clamp(start, part.end);
        }
        changed.extend_from_slice(&letter[from..part.end]);
    }

    fn grows_by(&self) -> usize {
        let inserted: usize = self.inserted.iter().map(|(_, lines)| lines.len()).sum();
        self.front.len() + inserted + self.body.as_ref().map_or(0, Vec::len) + 2
    }
}

/// Where the blank line at the end of a header begins; at its end where it has none.
fn blank_line(header: &[u8]) -> usize {
    let rest = match header.strip_suffix(b"\n") {
        Some(rest) => rest.strip_suffix(b"\r").unwrap_or(rest),
        None => return header.len(),
    };
    if rest.is_empty() || rest.ends_with(b"\n") { rest.len() } else { header.len() }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A header line that stays or goes, and what goes in before it.
    #[derive(Clone, Debug)]
    struct Line {
        text: String,
        removed: bool,
        before: Vec<String>,
    }

    fn line() -> impl Strategy<Value = String> {
        "[A-Z]{1,3}: [a-z ]{0,6}(\r\n [a-z]{1,3})?\r\n"
    }

    fn lines() -> impl Strategy<Value = Vec<Line>> {
        let one = (line(), any::<bool>(), prop::collection::vec(line(), 0..3))
            .prop_map(|(text, removed, before)| Line { text, removed, before });
        prop::collection::vec(one, 0..8)
    }

    fn edits(lines: &[Line], start: usize, front: &str, body: Option<&str>) -> Edits {
        let (mut edits, mut at) = (Edits::default(), start);
        for line in lines {
            let end = at + line.text.len();
            edits.inserted.extend(line.before.iter().map(|text| (at, text.clone().into_bytes())));
            if line.removed {
                edits.removed.push(at..end);
            }
            at = end;
        }
        edits.front = front.into();
        edits.body = body.map(Into::into);
        edits
    }

    proptest! {
        #[test]
        fn what_is_said_of_each_line_happens_and_nothing_else(
            lines in lines(), front in line(), body in prop::option::of("[a-z\r\n]{0,9}"), ours in any::<bool>(),
        ) {
            let return_path = if ours { "Return-Path: <a@b.test>\r\n" } else { "" };
            let header: String = lines.iter().map(|line| line.text.as_str()).collect();
            let letter = format!("{return_path}{header}\r\nold\r\n");
            let kept: String = lines.iter().map(|line| {
                line.before.concat() + if line.removed { "" } else { &line.text }
            }).collect();
            let wanted = format!("{return_path}{front}{kept}\r\n{}", body.as_deref().unwrap_or("old\r\n"));
            let edits = edits(&lines, return_path.len(), &front, body.as_deref());
            let changed = edits.apply(letter.as_bytes());
            prop_assert_eq!(String::from_utf8_lossy(&changed), wanted);
        }

        #[test]
        fn two_that_are_put_together_do_what_both_do(
            texts in prop::collection::vec(line(), 1..8),
            one in prop::collection::vec((any::<bool>(), prop::option::of(line())), 8),
            two in prop::collection::vec((any::<bool>(), prop::option::of(line())), 8),
        ) {
            let of = |which: &[(bool, Option<String>)]| -> Vec<Line> {
                texts.iter().zip(which).map(|(text, (removed, before))| Line {
                    text: text.clone(), removed: *removed, before: before.iter().cloned().collect(),
                }).collect()
            };
            let (first, second) = (of(&one), of(&two));
            let both: Vec<Line> = first.iter().zip(&second).map(|(a, b)| Line {
                text: a.text.clone(),
                removed: a.removed || b.removed,
                before: a.before.iter().chain(&b.before).cloned().collect(),
            }).collect();
            let letter = texts.concat() + "\r\nbody";
            let joined = edits(&first, 0, "A: 1\r\n", Some("x")).and(edits(&second, 0, "B: 2\r\n", None));
            let wanted = edits(&both, 0, "A: 1\r\nB: 2\r\n", Some("x"));
            prop_assert_eq!(joined.apply(letter.as_bytes()), wanted.apply(letter.as_bytes()));
        }

        #[test]
        fn nothing_that_a_filter_says_makes_it_panic(
            letter in prop::collection::vec(prop::sample::select(b"A: \r\nb".to_vec()), 0..40),
            removed in prop::collection::vec((0usize..60, 0usize..60), 0..4),
            inserted in prop::collection::vec((0usize..60, "[a-z]{0,3}"), 0..4),
        ) {
            let removed = removed.into_iter().map(|(a, b)| a.min(b)..a.max(b)).collect();
            let inserted = inserted.into_iter().map(|(at, text)| (at, text.into_bytes())).collect();
            let wild = Edits { removed, inserted, ..Edits::default() };
            let _ = Edits::default().and(wild).apply(&letter);
        }
    }

    #[test]
    fn a_letter_without_a_blank_line_gets_one_before_its_new_body() {
        let edits = Edits { body: Some(b"new".to_vec()), ..Edits::default() };
        assert_eq!(edits.apply(b"A: b\r\n"), b"A: b\r\n\r\nnew");
        assert_eq!(edits.apply(b"A: b\r\n\r\nold"), b"A: b\r\n\r\nnew");
        assert_eq!(Edits::default().apply(b"\r\nbody"), b"\r\nbody");
    }

    #[test]
    fn the_body_is_never_taken_for_header() {
        let inserted = vec![(99, b"X: y\r\n".to_vec())];
        let edits = Edits { removed: Vec::from([0..3, 3..99]), inserted, ..Edits::default() };
        assert_eq!(edits.apply(b"A: b\r\n\r\nA: c\r\n"), b"X: y\r\n\r\nA: c\r\n");
    }
}
