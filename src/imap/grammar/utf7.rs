//! Modified UTF-7 (RFC 3501 §5.1.3): how names of folders were spelled before UTF8=ACCEPT. `&` begins base64 of UTF-16
//! with `,` for `/` and without padding, `-` ends it, `&-` is `&`.

use base64::Engine as _;
use base64::alphabet::IMAP_MUTF7;
use base64::engine::general_purpose::{GeneralPurpose, NO_PAD};

const BASE64: GeneralPurpose = GeneralPurpose::new(&IMAP_MUTF7, NO_PAD);

/// Reads a name; `None`: it is not spelled so. Printable ASCII in base64 is refused (RFC 3501 §5.1.3: a MUST NOT), so that
/// a separator can't hide there.
pub(super) fn decode(text: &[u8]) -> Option<String> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((&first, behind)) = rest.split_first() {
        if first != b'&' {
            out.push(char::from(first).is_ascii().then_some(char::from(first))?);
            rest = behind;
            continue;
        }
        let end = memchr::memchr(b'-', behind)?;
        if end == 0 {
            out.push('&');
        } else {
            shifted(&behind[..end], &mut out)?;
        }
        rest = &behind[end + 1..];
    }
    Some(out)
}

/// Reads what stands between `&` and `-`.
fn shifted(base64: &[u8], out: &mut String) -> Option<()> {
    let octets = BASE64.decode(base64).ok()?;
    let (pairs, odd) = octets.as_chunks::<2>();
    if !odd.is_empty() {
        return None;
    }
    for unit in char::decode_utf16(pairs.iter().map(|pair| u16::from_be_bytes(*pair))) {
        let c = unit.ok().filter(|c| !matches!(c, ' '..='~'))?;
        out.push(c);
    }
    Some(())
}

/// Spells a name.
pub(super) fn encode(name: &str) -> String {
    let mut out = String::with_capacity(name.len() + 8);
    let mut wide = Vec::new();
    for c in name.chars() {
        if matches!(c, ' '..='~') {
            flush(&mut wide, &mut out);
            out.push(c);
            if c == '&' {
                out.push('-');
            }
        } else {
            let mut units = [0; 2];
            wide.extend(c.encode_utf16(&mut units).iter().flat_map(|unit| unit.to_be_bytes()));
        }
    }
    flush(&mut wide, &mut out);
    out
}

fn flush(wide: &mut Vec<u8>, out: &mut String) {
    if !wide.is_empty() {
        out.push('&');
        BASE64.encode_string(&*wide, out);
        out.push('-');
        wide.clear();
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_are_read_and_spelled() {
        for (spelled, name) in [
            ("~peter/mail/&U,BTFw-/&ZeVnLIqe-", "~peter/mail/台北/日本語"),
            ("Gel&APY-scht", "Gelöscht"),
            ("R&-D", "R&D"),
            ("&2D3cSA-", "👈"),
            ("", ""),
        ] {
            assert_eq!(decode(spelled.as_bytes()).as_deref(), Some(name));
            assert_eq!(encode(name), spelled);
        }
    }

    #[test]
    fn what_is_not_modified_utf7_is_refused() {
        // No end; ASCII in base64; half a surrogate; an odd octet; bits behind the end; not base64; eight bits.
        for bad in ["R&D", "&AC8-", "&2D0-", "&APYA-", "&APZ-", "&A/-", "Gel\u{f6}scht", "&"] {
            assert_eq!(decode(bad.as_bytes()), None, "{bad}");
        }
    }

    proptest! {
        #[test]
        fn what_is_spelled_is_read_again(name in "\\PC*") {
            let spelled = encode(&name);
            prop_assert!(spelled.is_ascii());
            prop_assert_eq!(decode(spelled.as_bytes()), Some(name));
        }
    }
}
