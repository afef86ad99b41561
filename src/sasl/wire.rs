//! Base64 as it stands in lines of POP3 and SMTP (RFC 5034 §4, RFC 4954 §4).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

/// Longest encoded challenge or response, in octets without the line's end (RFC 4954 §4).
pub const MAX_ENCODED: usize = 12_288;

/// A line that answers a challenge.
#[derive(Debug, PartialEq, Eq)]
pub enum Line {
    /// `*`: the client gives up.
    Cancel,
    /// The decoded response; may be a password, so it is wiped when dropped.
    Response(Zeroizing<Vec<u8>>),
}

/// Decodes the initial response behind the mechanism's name; `=` is an empty one.
///
/// # Errors
/// What is wrong with it, in words.
pub fn decode_initial(argument: &[u8]) -> Result<Zeroizing<Vec<u8>>, &'static str> {
    match argument {
        b"" => Err("the initial response is missing"),
        b"=" => Ok(Zeroizing::default()),
        _ => decode(argument),
    }
}

/// Decodes a line (without its CRLF) that answers a challenge; an empty line is an empty response.
///
/// # Errors
/// What is wrong with it, in words.
pub fn decode_line(line: &[u8]) -> Result<Line, &'static str> {
    match line {
        b"*" => Ok(Line::Cancel),
        // Strictly `=` stands for nothing in an initial response alone; some programs send it here too.
        b"=" => Ok(Line::Response(Zeroizing::default())),
        _ => decode(line).map(Line::Response),
    }
}

fn decode(encoded: &[u8]) -> Result<Zeroizing<Vec<u8>>, &'static str> {
    if encoded.len() > MAX_ENCODED {
        return Err("the response is longer than 12288 octets");
    }
    let mut decoded = Zeroizing::new(vec![0; encoded.len() / 4 * 3 + 3]);
    let length = STANDARD.decode_slice(encoded, &mut decoded).map_err(|_| "the response is not base64")?;
    decoded.truncate(length);
    Ok(decoded)
}

/// Encodes a challenge for the line that carries it.
pub fn encode(challenge: &[u8]) -> String {
    STANDARD.encode(challenge)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_initial_response_may_be_empty_but_not_missing() {
        assert_eq!(decode_initial(b"=").as_deref(), Ok(&Vec::new()));
        assert!(decode_initial(b"").is_err());
        assert_eq!(decode_initial(b"AGEAYg==").as_deref().map(Vec::as_slice), Ok(&b"\0a\0b"[..]));
    }

    #[test]
    fn a_star_cancels_and_an_empty_line_is_an_empty_response() {
        assert_eq!(decode_line(b"*"), Ok(Line::Cancel));
        assert_eq!(decode_line(b""), Ok(Line::Response(Zeroizing::default())));
        assert_eq!(decode_line(b"YQ=="), Ok(Line::Response(Zeroizing::new(b"a".to_vec()))));
    }

    #[test]
    fn what_is_no_base64_or_too_long_is_refused() {
        for line in [&b"YQ"[..], b"YQ=", b"Y Q==", b"YQ==YQ==", b"\xff\xff\xff\xff", b"**"] {
            assert!(decode_line(line).is_err(), "{line:?}");
        }
        assert!(decode_line(&vec![b'A'; MAX_ENCODED]).is_ok());
        assert!(decode_line(&vec![b'A'; MAX_ENCODED + 4]).is_err());
    }

    #[test]
    fn what_is_encoded_comes_back() {
        assert_eq!(encode(b"Username:"), "VXNlcm5hbWU6");
        assert_eq!(encode(b""), "");
    }
}
