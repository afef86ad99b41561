//! A filter's words, made fit for a reply line (RFC 5321 §4.2).

/// The longest that a reply repeats.
const LONGEST: usize = 400;

/// The text as printable ASCII in one line; `None` where nothing is left of it.
pub(super) fn plain(text: &[u8]) -> Option<String> {
    let shown = String::from_utf8_lossy(text);
    let plain: String = shown
        .chars()
        .map(|c| {
            if c.is_ascii_graphic() {
                c
            } else if c.is_whitespace() || c.is_control() {
                ' '
            } else {
                '?'
            }
        })
        .take(LONGEST)
        .collect();
    let plain = plain.split_ascii_whitespace().collect::<Vec<_>>().join(" ");
    (!plain.is_empty()).then_some(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_filters_words_can_end_a_line() {
        assert_eq!(plain("no\r\n250 ok, ēst".as_bytes()).as_deref(), Some("no 250 ok, ?st"));
        assert_eq!(plain(b"\x00 \xff\r\n").as_deref(), Some("?"));
        assert_eq!(plain(b" \r\n\0"), None);
        assert_eq!(plain(&[b'x'; 10_000]).map(|text| text.len()), Some(LONGEST));
    }
}
