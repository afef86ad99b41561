//! Data of IMAP's answers, read just well enough to be compared.

/// A string, a number, a list (RFC 9051 §4). How a string is written makes no difference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Value {
    Nil,
    Atom(Vec<u8>),
    Text(Vec<u8>),
    List(Vec<Value>),
    /// The server said NO or BAD.
    Refused,
}

impl Value {
    /// `""`
    pub(super) fn empty() -> Value {
        Value::Text(Vec::new())
    }

    /// The value at the beginning of `input`, which then begins behind it.
    pub(super) fn read(input: &mut &[u8]) -> Value {
        match input.first().expect("a value") {
            b'(' => Value::list(input),
            b'"' => Value::quoted(input),
            b'{' => Value::literal(input),
            b'~' if input.get(1) == Some(&b'{') => {
                *input = &input[1..];
                Value::literal(input)
            }
            _ => Value::atom(input),
        }
    }

    fn list(input: &mut &[u8]) -> Value {
        let mut values = Vec::new();
        *input = &input[1..];
        loop {
            match input.first().expect("a list ends") {
                b')' => {
                    *input = &input[1..];
                    return Value::List(values);
                }
                b' ' => *input = &input[1..],
                _ => values.push(Value::read(input)),
            }
        }
    }

    fn quoted(input: &mut &[u8]) -> Value {
        let mut text = Vec::new();
        let mut at = 1;
        loop {
            match input[at] {
                b'"' => break,
                b'\\' => {
                    text.push(input[at + 1]);
                    at += 2;
                }
                b'\r' | b'\n' | 0 => panic!("not in a quoted string: {}", input.escape_ascii()),
                octet => {
                    text.push(octet);
                    at += 1;
                }
            }
        }
        *input = &input[at + 1..];
        Value::Text(text)
    }

    fn literal(input: &mut &[u8]) -> Value {
        let end = input.iter().position(|octet| *octet == b'}').expect("a literal's length ends");
        let length: usize = String::from_utf8_lossy(&input[1..end]).parse().expect("a literal's length");
        let rest = input[end + 1..].strip_prefix(b"\r\n").expect("a line break behind a literal's length");
        let (text, rest) = rest.split_at(length);
        *input = rest;
        Value::Text(text.to_vec())
    }

    /// Up to a space or a parenthesis that stands in no brackets.
    fn atom(input: &mut &[u8]) -> Value {
        let mut depth = 0;
        let end = input.iter().position(|octet| {
            match octet {
                b'[' => depth += 1,
                b']' => depth -= 1,
                _ => {}
            }
            depth == 0 && b" ()\r\n".contains(octet)
        });
        let (atom, rest) = input.split_at(end.unwrap_or(input.len()));
        assert!(!atom.is_empty(), "a value: {}", input.escape_ascii());
        *input = rest;
        if atom.eq_ignore_ascii_case(b"NIL") { Value::Nil } else { Value::Atom(atom.to_vec()) }
    }

    /// Puts where this differs from `other`, which stands at `place`, behind `found`, with both.
    pub(super) fn compare(&self, other: &Value, place: &str, found: &mut Vec<(String, String, String)>) {
        match (self, other) {
            (Value::List(ours), Value::List(theirs)) if ours.len() == theirs.len() => {
                for (at, (ours, theirs)) in ours.iter().zip(theirs).enumerate() {
                    ours.compare(theirs, &format!("{place}/{at}"), found);
                }
            }
            _ if self == other => {}
            _ => found.push((place.to_owned(), self.shown(), other.shown())),
        }
    }

    fn shown(&self) -> String {
        match self {
            Value::Nil => "NIL".to_owned(),
            Value::Atom(atom) => atom.escape_ascii().to_string(),
            Value::Text(text) => shortened(text),
            Value::List(values) => {
                let values: Vec<String> = values.iter().map(Value::shown).collect();
                format!("({})", values.join(" "))
            }
            Value::Refused => "refused".to_owned(),
        }
    }
}

/// A text in quotes; of a long one both ends, and how long it is.
fn shortened(text: &[u8]) -> String {
    const END: usize = 35;
    if text.len() <= 2 * END {
        return format!("\"{}\"", text.escape_ascii());
    }
    let (first, last) = (&text[..END], &text[text.len() - END..]);
    format!("\"{}\" … \"{}\" ({} octets)", first.escape_ascii(), last.escape_ascii(), text.len())
}
