//! Patterns of LIST: `*` stands for anything, `%` for anything within one level (RFC 9051 §6.3.9).
//!
//! All places in the pattern that the name read so far can have come to are kept at once, as bits: so no pattern makes
//! work grow faster than its length times the name's.

use postern_model::MailboxName;

/// A pattern as sets of places: bit n stands before the pattern's nth octet.
#[derive(Debug)]
pub(super) struct Pattern {
    /// Octets, each with the places where it goes on.
    octets: Vec<(u8, Bits)>,
    /// Places before `*`, and before any wildcard.
    stars: Bits,
    wild: Bits,
    /// Octets and wildcards.
    length: usize,
}

#[derive(Clone, Debug)]
struct Bits(Vec<u64>);

impl Bits {
    fn new(places: usize) -> Bits {
        Bits(vec![0; places / 64 + 1])
    }

    fn set(&mut self, place: usize) {
        self.0[place / 64] |= 1 << (place % 64);
    }

    fn has(&self, place: usize) -> bool {
        self.0[place / 64] >> (place % 64) & 1 == 1
    }

    fn is_empty(&self) -> bool {
        self.0.iter().all(|word| *word == 0)
    }

    /// Those of `self` that are in `of` too, or none.
    fn and(&self, of: Option<&Bits>) -> Bits {
        let of = |n: usize| of.map_or(0, |of| of.0[n]);
        Bits(self.0.iter().enumerate().map(|(n, word)| word & of(n)).collect())
    }

    fn or(&mut self, other: &Bits) {
        self.0.iter_mut().zip(&other.0).for_each(|(word, other)| *word |= other);
    }

    /// Each place's next.
    fn next(&self) -> Bits {
        let mut carry = 0;
        let shift = |word: &u64| {
            let shifted = word << 1 | carry;
            carry = word >> 63;
            shifted
        };
        Bits(self.0.iter().map(shift).collect())
    }
}

impl Pattern {
    pub(super) fn new(text: &str) -> Pattern {
        // Wildcards in a row are one: `*` where there is one among them.
        let mut tokens: Vec<u8> = Vec::new();
        for octet in text.bytes() {
            match (tokens.last(), octet) {
                (Some(b'*'), b'*' | b'%') | (Some(b'%'), b'%') => {}
                (Some(b'%'), b'*') => drop(tokens.splice(tokens.len() - 1.., *b"*")),
                _ => tokens.push(octet),
            }
        }
        let length = tokens.len();
        let none = Bits::new(length);
        let mut pattern = Pattern { octets: Vec::new(), stars: none.clone(), wild: none.clone(), length };
        for (place, token) in tokens.into_iter().enumerate() {
            match token {
                b'*' | b'%' => {
                    pattern.wild.set(place);
                    if token == b'*' {
                        pattern.stars.set(place);
                    }
                }
                octet => match pattern.octets.iter_mut().find(|(known, _)| *known == octet) {
                    Some((_, places)) => places.set(place),
                    None => {
                        let mut places = none.clone();
                        places.set(place);
                        pattern.octets.push((octet, places));
                    }
                },
            }
        }
        pattern
    }

    /// Whether the whole name matches; `INBOX` at its beginning does in any case (RFC 9051 §5.1).
    pub(super) fn matches(&self, name: &MailboxName) -> bool {
        let any_case = if name.is_inbox() || name.below(&MailboxName::inbox()).is_some() { 5 } else { 0 };
        let mut at = Bits::new(self.length);
        at.set(0);
        self.skip_wild(&mut at);
        for (n, octet) in name.as_str().bytes().enumerate() {
            let mut next = at.and(self.places(octet)).next();
            if n < any_case {
                next.or(&at.and(self.places(octet.to_ascii_lowercase())).next());
            }
            let stays = if octet == b'/' { &self.stars } else { &self.wild };
            next.or(&at.and(Some(stays)));
            self.skip_wild(&mut next);
            at = next;
            if at.is_empty() {
                return false;
            }
        }
        at.has(self.length)
    }

    fn places(&self, octet: u8) -> Option<&Bits> {
        self.octets.iter().find(|(known, _)| *known == octet).map(|(_, places)| places)
    }

    /// A wildcard may stand for nothing; two never follow each other.
    fn skip_wild(&self, at: &mut Bits) {
        let skipped = at.and(Some(&self.wild)).next();
        at.or(&skipped);
    }
}
