//! Passwords for one program each, made by Postern (SPEC I3): twenty letters in four groups, for people to type.
//!
//! They are random with 90 bits, so nobody finds one by trying even a fast function, and a salted HMAC-SHA-256 is all
//! the hash they need; an account may try all of its own at every login. A password that people choose gets Argon2id.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use super::scram::hmac;

/// Letters that don't look like one another or like a digit: 23, so 4.5 bits each.
const ALPHABET: &[u8; 23] = b"abcdefghjkmnpqrstuvwxyz";
const LETTERS: usize = 20;
const GROUP: usize = 5;
const PREFIX: &str = "$app-password$";

/// Makes an app password, `abcde-fghjk-mnpqr-stuvw`; `None` where the system has no random numbers.
pub(crate) fn generate() -> Option<Zeroizing<String>> {
    let mut text = Zeroizing::new(String::with_capacity(LETTERS + LETTERS / GROUP));
    let mut letters = 0;
    while letters < LETTERS {
        let mut bytes = Zeroizing::new([0; 32]);
        getrandom::fill(&mut *bytes).ok()?;
        // Bytes beyond the last whole multiple of the alphabet would favour its first letters.
        for byte in bytes.iter().filter(|byte| **byte < 253).take(LETTERS - letters) {
            if letters > 0 && letters % GROUP == 0 {
                text.push('-');
            }
            text.push(char::from(ALPHABET[usize::from(byte % 23)]));
            letters += 1;
        }
    }
    Some(text)
}

/// The hash to keep, with a fresh salt; `None` where the system has no random numbers.
pub(super) fn hash(password: &str) -> Option<String> {
    let mut salt = [0; 16];
    getrandom::fill(&mut salt).ok()?;
    let letters = letters(password)?;
    Some(format!("{PREFIX}{}${}", STANDARD_NO_PAD.encode(salt), STANDARD_NO_PAD.encode(mac(salt, &letters))))
}

/// The twenty letters of what was typed, with or without hyphens, spaces and capitals; `None` where it can't be an app
/// password.
pub(crate) fn letters(typed: &str) -> Option<Zeroizing<String>> {
    let mut letters = Zeroizing::new(String::with_capacity(LETTERS));
    for c in typed.chars().filter(|c| *c != '-' && *c != ' ') {
        let c = c.to_ascii_lowercase();
        let known = u8::try_from(c).is_ok_and(|byte| ALPHABET.contains(&byte));
        if !known || letters.len() == LETTERS {
            return None;
        }
        letters.push(c);
    }
    (letters.len() == LETTERS).then_some(letters)
}

/// Whether `letters` (of [`letters`]) are those of `hash`; compares in constant time.
pub(super) fn verify(hash: &str, letters: &str) -> bool {
    let Some((salt, expected)) = hash.strip_prefix(PREFIX).and_then(|rest| rest.split_once('$')) else {
        return false;
    };
    let salt = STANDARD_NO_PAD.decode(salt).ok().and_then(|salt| <[u8; 16]>::try_from(salt).ok());
    let (Some(salt), Ok(expected)) = (salt, STANDARD_NO_PAD.decode(expected)) else { return false };
    mac(salt, letters).ct_eq(&expected).into()
}

fn mac(salt: [u8; 16], letters: &str) -> [u8; 32] {
    let mut key = [0; 32];
    key[..16].copy_from_slice(&salt);
    hmac(&key, &[letters.as_bytes()])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_app_password_is_four_groups_of_five_letters() {
        let password = generate().expect("random numbers");
        let groups: Vec<&str> = password.split('-').collect();
        assert_eq!(groups.iter().map(|group| group.len()).collect::<Vec<_>>(), [5, 5, 5, 5]);
        assert!(groups.concat().bytes().all(|b| ALPHABET.contains(&b)));
        assert_ne!(password, generate().expect("random numbers"));
    }

    #[test]
    fn it_is_recognised_however_it_is_typed() {
        let hash = hash("abcde-fghjk-mnpqr-stuvw").expect("random numbers");
        for typed in ["abcde-fghjk-mnpqr-stuvw", "abcdefghjkmnpqrstuvw", "ABCDE FGHJK MNPQR STUVW"] {
            let letters = letters(typed).expect(typed);
            assert!(verify(&hash, &letters), "{typed}");
        }
        let other = letters("abcde-fghjk-mnpqr-stuvx").expect("letters");
        assert!(!verify(&hash, &other));
    }

    #[test]
    fn what_is_no_app_password_is_not_looked_at() {
        for typed in [
            "",
            "secret",
            "abcde-fghjk-mnpqr-stuv",
            "abcde-fghjk-mnpqr-stuvww",
            "abcde-fghil-mnpqr-stuvw",
            "ä",
        ] {
            assert!(letters(typed).is_none(), "{typed}");
        }
    }

    #[test]
    fn a_damaged_hash_never_matches() {
        let hash = hash("abcde-fghjk-mnpqr-stuvw").expect("random numbers");
        for end in 0..hash.len() {
            assert!(!verify(&hash[..end], "abcdefghjkmnpqrstuvw"));
        }
    }
}
