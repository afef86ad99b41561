//! The forms in which a secret could show.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD_NO_PAD;

/// As it is, in base64 at whatever place of a longer text, in hexadecimal, as a list of octets.
pub(super) fn of(secret: &str) -> Vec<String> {
    let bytes = secret.as_bytes();
    let mut forms = vec![secret.to_owned()];
    forms.push(bytes.iter().map(|byte| format!("{byte:02x}")).collect());
    forms.push(bytes.iter().map(|byte| byte.to_string()).collect::<Vec<_>>().join(", "));
    for before in 0..3 {
        // Only the characters that nothing but the secret decides.
        let encoded = BASE64_STANDARD_NO_PAD.encode([&vec![0; before], bytes].concat());
        let decided = (before * 8).div_ceil(6)..(before + bytes.len()) * 8 / 6;
        forms.push(encoded[decided].to_owned());
    }
    // Without what is put between the groups of a generated password.
    forms.push(secret.replace('-', ""));
    forms
}

#[test]
fn base64_is_found_at_any_place() {
    for before in ["", "a", "ab", "abc", "\0alice\0"] {
        let text = BASE64_STANDARD_NO_PAD.encode(format!("{before}a secret of some length, and more"));
        assert!(of("a secret of some length").iter().any(|form| text.contains(form)), "{text}");
    }
}
