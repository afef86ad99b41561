//! The words of an HTML text, roughly: tags, comments, styles and scripts are left out.

use super::preview::Words;

/// Tags that stand within words; any other parts them.
const INLINE: [&str; 12] = ["a", "abbr", "b", "em", "font", "i", "s", "small", "span", "strong", "u", "wbr"];
/// Tags whose contents are not shown.
const HIDDEN: [&str; 4] = ["script", "style", "head", "title"];

/// Entities by name; others stay as they are written.
const ENTITIES: [(&str, char); 25] = [
    ("amp", '&'),
    ("lt", '<'),
    ("gt", '>'),
    ("quot", '"'),
    ("apos", '\''),
    ("nbsp", ' '),
    ("ensp", ' '),
    ("emsp", ' '),
    ("thinsp", ' '),
    ("zwnj", '\u{200c}'),
    ("zwj", '\u{200d}'),
    ("shy", '\u{ad}'),
    ("hellip", '…'),
    ("mdash", '—'),
    ("ndash", '–'),
    ("lsquo", '‘'),
    ("rsquo", '’'),
    ("ldquo", '“'),
    ("rdquo", '”'),
    ("laquo", '«'),
    ("raquo", '»'),
    ("bull", '•'),
    ("middot", '·'),
    ("copy", '©'),
    ("euro", '€'),
];

/// Puts the words of `html` into `words`, until those are full. What begins and does not end hides the rest.
pub(super) fn words(html: &str, words: &mut Words) {
    let lower = html.to_ascii_lowercase();
    let mut at = 0;
    while at < html.len() && !words.is_full() {
        let rest = &html[at..];
        let next = rest.find(['<', '&']).unwrap_or(rest.len());
        words.take(&rest[..next]);
        at += next;
        let step = match html.as_bytes().get(at) {
            Some(b'<') => tag(&lower[at..], words),
            Some(_) => Some(entity(&html[at..], words)),
            None => None,
        };
        let Some(step) = step else { return };
        at += step;
    }
}

/// Octets of the tag, comment or hidden element at the beginning of `text`; `None` where it does not end.
fn tag(text: &str, words: &mut Words) -> Option<usize> {
    if text.starts_with("<!--") {
        return text.find("-->").map(|end| end + 3);
    }
    let name = text[1..].trim_start_matches('/');
    let name = &name[..name.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(name.len())];
    if name.is_empty() && !text.starts_with("<!") {
        words.push('<');
        return Some(1);
    }
    if !INLINE.contains(&name) {
        words.push(' ');
    }
    if HIDDEN.contains(&name) && !text.starts_with("</") {
        let end = text.find(&format!("</{name}"))?;
        return text[end..].find('>').map(|close| end + close + 1);
    }
    text.find('>').map(|end| end + 1)
}

/// Takes the entity at the beginning of `text`; returns its octets. What is no entity is an ampersand.
fn entity(text: &str, words: &mut Words) -> usize {
    let name = &text[1..];
    let name = &name[..name.find(|c: char| !c.is_ascii_alphanumeric() && c != '#').unwrap_or(name.len())];
    let number = name.strip_prefix('#').and_then(|digits| match digits.strip_prefix(['x', 'X']) {
        Some(digits) => u32::from_str_radix(digits, 16).ok(),
        None => digits.parse().ok(),
    });
    let named = || ENTITIES.iter().find(|(known, _)| *known == name).map(|(_, character)| *character);
    let Some(character) = number.and_then(char::from_u32).or_else(named) else {
        words.push('&');
        return 1;
    };
    words.push(character);
    let has_end = text[1 + name.len()..].starts_with(';');
    1 + name.len() + usize::from(has_end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_html() {
        for (html, wanted) in [
            ("a<b>b</b> c", "ab c"),
            ("<p>a</p><p>b<br>c</p>", "a b c"),
            ("<STYLE>x</STYLE>a<script type=y>1 < 2</script >b<!-- c > -->d", "a bd"),
            ("<!DOCTYPE html><head><title>t</title></head>a", "a"),
            ("&lt;a&gt; &amp; &#65;&#x42; &nbsp;&hellip; &unknown; & x", "<a> & AB … &unknown; & x"),
            ("1 < 2 <> 3", "1 < 2 <> 3"),
            ("a <img alt='x", "a"),
            ("a <style>x", "a"),
            ("a&zwnj;&#847;\u{200b}b&#0;c", "ab c"),
            ("ā<İ", "ā<İ"),
        ] {
            let mut found = Words::default();
            words(html, &mut found);
            assert_eq!(found.into_text(), wanted, "{html}");
        }
    }
}
