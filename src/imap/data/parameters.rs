//! Parameters as IMAP shows them: those that RFC 2231 §3 lets a letter cut into pieces are put together, which §6 asks
//! of IMAP servers. Percent encoding and charset stay, in one parameter whose name ends with `*`.

use std::borrow::Cow;

use postern_model::mime::Parameter;

/// Name and value of a parameter to be shown.
pub(super) type Shown<'a> = (Cow<'a, [u8]>, Cow<'a, [u8]>);

/// The parameters, in the order of their first pieces. A piece that has no piece 0, or lacks one before it, stays as it
/// is.
pub(super) fn joined(parameters: &[Parameter]) -> Vec<Shown<'_>> {
    let pieces: Vec<Option<NumberedName<'_>>> = parameters.iter().map(|p| numbered(&p.name)).collect();
    let mut shown: Vec<Option<Shown<'_>>> = parameters.iter().map(|p| Some(plain(p))).collect();
    for (at, piece) in pieces.iter().enumerate() {
        let Some(first) = piece.filter(|piece| find(&pieces, piece.name, 0) == Some(at)) else { continue };
        let places: Vec<usize> = (0..).map_while(|number| find(&pieces, first.name, number)).collect();
        places.iter().for_each(|place| shown[*place] = None);
        shown[at] = Some(join(parameters, &pieces, first.name, &places));
    }
    shown.into_iter().flatten().collect()
}

/// `filename*1*`, taken apart.
#[derive(Clone, Copy)]
struct NumberedName<'a> {
    name: &'a [u8],
    number: usize,
    encoded: bool,
}

fn numbered(name: &[u8]) -> Option<NumberedName<'_>> {
    let (rest, encoded) = name.strip_suffix(b"*").map_or((name, false), |rest| (rest, true));
    let star = rest.iter().rposition(|octet| *octet == b'*')?;
    let (name, digits) = (&rest[..star], &rest[star + 1..]);
    let digits = std::str::from_utf8(digits).ok().filter(|d| d.bytes().all(|b| b.is_ascii_digit()))?;
    Some(NumberedName { name, number: digits.parse().ok().filter(|_| star > 0)?, encoded })
}

fn plain(parameter: &Parameter) -> Shown<'_> {
    (Cow::Borrowed(&parameter.name), Cow::Borrowed(&parameter.value))
}

/// Where the piece `number` of the parameter `name` stands.
fn find(pieces: &[Option<NumberedName<'_>>], name: &[u8], number: usize) -> Option<usize> {
    pieces.iter().position(|piece| {
        piece.is_some_and(|piece| piece.number == number && piece.name.eq_ignore_ascii_case(name))
    })
}

/// Puts the pieces at `places` together. Where one of them is encoded, all are: then the first one says the charset.
fn join<'a>(
    parameters: &'a [Parameter],
    pieces: &[Option<NumberedName<'a>>],
    name: &[u8],
    places: &[usize],
) -> Shown<'a> {
    let is_encoded = |at: &usize| pieces[*at].is_some_and(|piece| piece.encoded);
    let encoded = places.iter().any(is_encoded);
    let mut name = name.to_vec();
    let mut value = Vec::new();
    if encoded {
        name.push(b'*');
        if !places.first().is_some_and(is_encoded) {
            value.extend_from_slice(b"''");
        }
    }
    for at in places {
        if encoded && !is_encoded(at) {
            percent_encode(&mut value, &parameters[*at].value);
        } else {
            value.extend_from_slice(&parameters[*at].value);
        }
    }
    (Cow::Owned(name), Cow::Owned(value))
}

/// Leaves `attribute-char` of RFC 2231 §7 as it is.
fn percent_encode(out: &mut Vec<u8>, text: &[u8]) {
    for octet in text {
        if octet.is_ascii_graphic() && !b"*'%()<>@,;:\\\"/[]?=".contains(octet) {
            out.push(*octet);
        } else {
            out.extend_from_slice(format!("%{octet:02X}").as_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use postern_model::mime::Octets;

    use super::*;

    fn shown(parameters: &str) -> String {
        let parameters: Vec<Parameter> = parameters
            .split_whitespace()
            .map(|pair| pair.split_once('=').expect("name=value"))
            .map(|(name, value)| Parameter {
                name: Octets::from(name.as_bytes()),
                value: value.as_bytes().into(),
            })
            .collect();
        let text = |octets: &[u8]| String::from_utf8_lossy(octets).into_owned();
        let pairs = joined(&parameters);
        pairs
            .iter()
            .map(|(name, value)| format!("{}={}", text(name), text(value)))
            .collect::<Vec<_>>()
            .join(" ")
    }

    #[test]
    fn pieces_are_put_together() {
        for (parameters, wanted) in [
            ("a=1 b=2", "a=1 b=2"),
            ("a*=utf-8''%20", "a*=utf-8''%20"),
            ("x=1 name*0=a name*1=b y=2", "x=1 name=ab y=2"),
            ("name*1=b name*0=a NAME*2=c", "name=abc"),
            ("name*0*=utf-8''%C4 name*1*=%81 name*2=.x;y", "name*=utf-8''%C4%81.x%3By"),
            ("name*0=a/ name*1*=%81", "name*=''a%2F%81"),
            ("name*1=b", "name*1=b"),
            ("name*0=a name*2=c", "name=a name*2=c"),
            ("name*0=a name*0=z", "name=a name*0=z"),
            ("*0=a a*b=c a*-1=d", "*0=a a*b=c a*-1=d"),
        ] {
            assert_eq!(shown(parameters), wanted, "{parameters}");
        }
    }
}
