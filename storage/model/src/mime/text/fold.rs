//! Folding for searches: i;unicode-casemap (RFC 5051), as I18NLEVEL=1 asks (RFC 5255 §4.1).

use unicode_normalization::char::decompose_compatible;

/// `text` as it is compared: each character in upper case, then decomposed, so that `Ā`, `ā` and `A` with a combining
/// macron are the same, and `A` is found in them. What a decomposition yields is put in upper case too (`ﬁ` is `FI`), so
/// folding twice changes nothing.
pub fn fold(text: &str) -> String {
    let mut folded = String::new();
    fold_into(text, &mut folded);
    folded
}

/// Puts `text`, folded, behind `folded`.
pub(in crate::mime) fn fold_into(text: &str, folded: &mut String) {
    folded.reserve(text.len());
    let mut rest = text;
    while !rest.is_empty() {
        let ascii = rest.bytes().position(|octet| !octet.is_ascii()).unwrap_or(rest.len());
        let (plain, tail) = rest.split_at(ascii);
        let start = folded.len();
        folded.push_str(plain);
        folded[start..].make_ascii_uppercase();
        let mut characters = tail.chars();
        if let Some(character) = characters.next() {
            decompose_compatible(upper(character), |piece| folded.push(upper(piece)));
        }
        rest = characters.as_str();
    }
}

/// The character of the simple mapping: one that would become several stays (`ß`).
fn upper(character: char) -> char {
    let mut mapped = character.to_uppercase();
    match (mapped.next(), mapped.next()) {
        (Some(upper), None) => upper,
        _ => character,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn case_and_composition_make_no_difference() {
        for (one, other) in [
            ("Hello, World", "hELLO, wORLD"),
            ("Jānis", "JA\u{304}NIS"),
            ("ΣΊΣΥΦΟΣ", "σίσυφος"),
            ("ﬁn ① ㎏", "FIN 1 kg"),
            ("ǆ", "ǅ"),
            ("Привет", "ПРИВЕТ"),
            ("ᾳ", "ᾼ"),
        ] {
            assert_eq!(fold(one), fold(other), "{one}");
        }
        assert!(fold("ēka").contains(&fold("E")));
        assert_ne!(fold("ß"), fold("ss"));
        assert_eq!(fold("ascii\r\n1"), "ASCII\r\n1");
    }

    proptest! {
        #[test]
        fn folding_twice_changes_nothing(text in any::<String>()) {
            let once = fold(&text);
            prop_assert_eq!(fold(&once), once);
        }

        #[test]
        fn pieces_are_folded_as_the_whole(one in any::<String>(), other in any::<String>()) {
            prop_assert_eq!(fold(&one) + &fold(&other), fold(&(one + &other)));
        }
    }

    #[test]
    fn every_character_is_folded_once_and_for_all() {
        for character in '\0'..=char::MAX {
            let once = fold(character.encode_utf8(&mut [0; 4]));
            assert_eq!(fold(&once), once, "U+{:04X}", u32::from(character));
        }
    }
}
