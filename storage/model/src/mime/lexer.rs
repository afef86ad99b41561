//! Words, comments and quoted strings of structured fields (RFC 5322 §3.2), read with patience.

/// A place in a structured field.
#[derive(Clone)]
pub(super) struct Cursor<'a> {
    rest: &'a [u8],
    /// Text of the last comment that was passed over.
    pub(super) comment: Option<Vec<u8>>,
    /// Something did not follow the grammar.
    pub(super) broken: bool,
}

/// What stands at a place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Token {
    /// Octets up to white space or a special; dots belong to it.
    Atom(Vec<u8>),
    /// A quoted string, without quotes.
    Quoted(Vec<u8>),
    /// A domain literal, with its brackets.
    Literal(Vec<u8>),
    /// One of `<>@,;:`.
    Special(u8),
    /// The end of the field.
    End,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(value: &'a [u8]) -> Cursor<'a> {
        Cursor { rest: value, comment: None, broken: false }
    }

    /// Takes the next token.
    pub(super) fn next(&mut self) -> Token {
        self.skip_blanks();
        match self.rest.first() {
            None => Token::End,
            Some(b'"') => Token::Quoted(self.quoted()),
            Some(b'[') => Token::Literal(self.literal()),
            Some(special @ (b'<' | b'>' | b'@' | b',' | b';' | b':')) => {
                self.rest = &self.rest[1..];
                Token::Special(*special)
            }
            Some(_) => Token::Atom(self.atom()),
        }
    }

    /// The octet at which the next token begins.
    pub(super) fn peek(&mut self) -> Option<u8> {
        self.skip_blanks();
        self.rest.first().copied()
    }

    /// Takes octets up to one of `stops`, which is left standing.
    pub(super) fn until(&mut self, stops: &[u8]) -> &'a [u8] {
        let end = self.rest.iter().position(|octet| stops.contains(octet)).unwrap_or(self.rest.len());
        let (taken, rest) = self.rest.split_at(end);
        self.rest = rest;
        taken
    }

    /// Takes one octet.
    pub(super) fn step(&mut self) {
        self.rest = self.rest.get(1..).unwrap_or_default();
    }

    /// Passes over white space and comments (RFC 5322 §3.2.2).
    pub(super) fn skip_blanks(&mut self) {
        loop {
            match self.rest.first() {
                Some(b' ' | b'\t' | b'\r' | b'\n') => self.step(),
                Some(b'(') => {
                    let comment = self.take_comment();
                    self.comment = Some(comment);
                }
                _ => return,
            }
        }
    }

    /// Takes a quoted string; the opening quote stands first.
    pub(super) fn quoted(&mut self) -> Vec<u8> {
        self.step();
        let mut text = Vec::new();
        while let Some(octet) = self.take() {
            match octet {
                b'"' => return text,
                b'\\' => text.extend(self.take()),
                b'\r' | b'\n' => {}
                0 => self.broken = true,
                octet => text.push(octet),
            }
        }
        self.broken = true;
        text
    }

    fn take_comment(&mut self) -> Vec<u8> {
        self.step();
        let mut text = Vec::new();
        let mut depth = 1;
        while let Some(octet) = self.take() {
            match octet {
                b'(' => depth += 1,
                b')' => depth -= 1,
                b'\\' => {
                    text.extend(self.take());
                    continue;
                }
                b'\r' | b'\n' | 0 => continue,
                _ => {}
            }
            if depth == 0 {
                return text;
            }
            text.push(octet);
        }
        self.broken = true;
        text
    }

    fn literal(&mut self) -> Vec<u8> {
        let text = self.until(b"],;<>").iter().copied().filter(|octet| !matches!(octet, b'\r' | b'\n' | 0));
        let text: Vec<u8> = text.collect();
        self.broken |= self.rest.first() != Some(&b']');
        if self.rest.first() == Some(&b']') {
            self.step();
        }
        [&text, &b"]"[..]].concat()
    }

    fn atom(&mut self) -> Vec<u8> {
        let text = self.until(b" \t\r\n()<>@,;:\"[");
        self.broken |= text.iter().any(|octet| octet.is_ascii_control() || matches!(octet, b']' | b'\\'));
        if text.is_empty() {
            // A closing parenthesis that nothing opened.
            self.broken = true;
            self.step();
        }
        text.iter().copied().filter(|octet| *octet != 0).collect()
    }

    fn take(&mut self) -> Option<u8> {
        let (first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(*first)
    }
}
