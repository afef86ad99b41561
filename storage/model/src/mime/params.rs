//! Content-Type, Content-Disposition and their like: a word and its parameters (RFC 2045 §5.1, RFC 2183).

use super::MAX_PARAMETERS;
use super::lexer::Cursor;

/// Name and value of a parameter.
pub(super) type Pair = (Vec<u8>, Vec<u8>);

/// `type/subtype; name=value …`; `None` where there is no type or no subtype (RFC 2045 §5.2).
pub(super) fn media_type(value: &[u8]) -> Option<(Vec<u8>, Vec<u8>, Vec<Pair>)> {
    let mut cursor = Cursor::new(value);
    let kind = token(&mut cursor, b" \t\r\n/;(");
    if cursor.peek() != Some(b'/') {
        return None;
    }
    cursor.step();
    let subtype = token(&mut cursor, b" \t\r\n;(");
    if kind.is_empty() || subtype.is_empty() {
        return None;
    }
    Some((kind, subtype, parameters(&mut cursor)))
}

/// `attachment; name=value …`; `None` where the first word is missing.
pub(super) fn disposition(value: &[u8]) -> Option<(Vec<u8>, Vec<Pair>)> {
    let mut cursor = Cursor::new(value);
    let kind = token(&mut cursor, b" \t\r\n;(");
    if kind.is_empty() { None } else { Some((kind, parameters(&mut cursor))) }
}

/// The first word of a field: `base64`.
pub(super) fn word(value: &[u8]) -> Vec<u8> {
    token(&mut Cursor::new(value), b" \t\r\n;(")
}

/// Words with commas between them: Content-Language (RFC 3282).
pub(super) fn word_list(value: &[u8]) -> Vec<Vec<u8>> {
    let mut cursor = Cursor::new(value);
    let mut words = Vec::new();
    while cursor.peek().is_some() && words.len() < MAX_PARAMETERS {
        let word = token(&mut cursor, b" \t\r\n,(");
        if word.is_empty() {
            cursor.step();
        } else {
            words.push(word);
        }
    }
    words
}

fn token(cursor: &mut Cursor<'_>, stops: &[u8]) -> Vec<u8> {
    cursor.skip_blanks();
    cursor.until(stops).to_vec()
}

fn parameters(cursor: &mut Cursor<'_>) -> Vec<Pair> {
    let mut parameters = Vec::new();
    while parameters.len() < MAX_PARAMETERS {
        cursor.skip_blanks();
        cursor.until(b";");
        cursor.step();
        if cursor.peek().is_none() {
            break;
        }
        let name = cursor.until(b"=;").trim_ascii();
        if cursor.peek() != Some(b'=') || name.is_empty() {
            continue;
        }
        cursor.step();
        let name = name.to_vec();
        let value = match cursor.peek() {
            Some(b'"') => cursor.quoted(),
            // White space in a value is a mistake, but a common one in file names.
            _ => cursor.until(b";(\r\n").trim_ascii().to_vec(),
        };
        parameters.push((name, value));
    }
    parameters
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(value: &str) -> String {
        let text = |octets: &[u8]| String::from_utf8_lossy(octets).into_owned();
        let Some((kind, subtype, parameters)) = media_type(value.as_bytes()) else { return "-".to_owned() };
        let parameters = parameters.iter().map(|(name, value)| format!(" {}={}", text(name), text(value)));
        format!("{}/{}{}", text(&kind), text(&subtype), parameters.collect::<String>())
    }

    #[test]
    fn types_and_parameters() {
        for (value, wanted) in [
            ("text/plain", "text/plain"),
            ("Text / HTML ; Charset = \"utf-8\"", "Text/HTML Charset=utf-8"),
            ("text/plain; charset=us-ascii (Plain text)", "text/plain charset=us-ascii"),
            ("text/plain (x;z=1); (y) a=1 ; b=\"2;3\\\"\";;c=", "text/plain a=1 b=2;3\" c="),
            ("a/b; name*0*=utf-8''x%20; name*1=y.txt", "a/b name*0*=utf-8''x%20 name*1=y.txt"),
            ("a/b; name=my file.pdf; x=1", "a/b name=my file.pdf x=1"),
            ("a/b; novalue; x=1", "a/b x=1"),
            ("a/b; x=\"open", "a/b x=open"),
            ("a/b;\r\n boundary=\"x\"\r\n\t;y=z", "a/b boundary=x y=z"),
            ("text", "-"),
            ("text/", "-"),
            ("/plain", "-"),
            ("", "-"),
        ] {
            assert_eq!(shown(value), wanted, "{value}");
        }
    }

    #[test]
    fn words_and_lists_of_words() {
        assert_eq!(word(b" base64 (x); y"), b"base64");
        assert_eq!(word_list(b"en, lv ,,ru (Russian)"), [b"en", b"lv", b"ru"]);
        assert_eq!(disposition(b"; filename=x"), None);
    }

    #[test]
    fn parameters_are_bounded() {
        let many = format!("a/b{}", ";x=1".repeat(MAX_PARAMETERS + 5));
        assert_eq!(media_type(many.as_bytes()).expect("a type").2.len(), MAX_PARAMETERS);
    }
}
