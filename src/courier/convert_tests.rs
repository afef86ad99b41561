use proptest::prelude::*;

use super::super::stuffing::with_line_ends;
use super::*;

/// The decoded leaves of a letter, in their order.
fn leaves(letter: &[u8]) -> Vec<Vec<u8>> {
    fn walk(letter: &[u8], part: &Part, found: &mut Vec<Vec<u8>>) {
        match &part.content {
            Content::Multipart(parts) => parts.iter().for_each(|part| walk(letter, part, found)),
            Content::Message(message) => walk(letter, &message.structure, found),
            Content::Leaf => {
                let mut decoder = Decoder::new(part.encoding.as_deref()).expect("a known encoding");
                let body = &letter[part.body_start as usize..part.body_end as usize];
                let mut decoded = Vec::new();
                decoder.push(body, &mut decoded);
                decoder.finish(&mut decoded);
                found.push(decoded);
            }
        }
    }
    let mut scanner = Scanner::new();
    scanner.feed(letter);
    let mut found = Vec::new();
    walk(letter, &scanner.finish().structure, &mut found);
    found
}

fn converted(letter: &str, fit: Fit) -> String {
    String::from_utf8(convert(letter.as_bytes(), fit).expect("convertible")).expect("UTF-8")
}

#[test]
fn text_stays_readable() {
    let letter = "Subject: x\r\nContent-type: text/plain; charset=utf-8\r\ncontent-transfer-encoding:\r\n 8bit\r\n\
                  \r\nPaldies, Jāni! \r\n-- \r\na=b\r\n";
    assert_eq!(
        converted(letter, Fit::Seven),
        "Subject: x\r\nContent-type: text/plain; charset=utf-8\r\nMIME-Version: 1.0\r\n\
         Content-Transfer-Encoding: quoted-printable\r\n\r\nPaldies, J=C4=81ni!=20\r\n=2D-=20\r\na=3Db\r\n"
    );
    assert_eq!(converted(letter, Fit::Eight), letter);
}

#[test]
fn what_fits_stays() {
    for letter in
        ["Subject: x\r\n\r\nplain\r\n", "", "\r\n", "Subject: x", "Content-Type: multipart/mixed\r\n\r\nx"]
    {
        assert_eq!(converted(letter, Fit::Seven), letter);
    }
    let promising = "Content-Transfer-Encoding: 8bit\r\nMIME-Version: 1.0\r\n\r\nplain\r\n";
    assert_eq!(
        converted(promising, Fit::Seven),
        "MIME-Version: 1.0\r\nContent-Transfer-Encoding: 7bit\r\n\r\nplain\r\n"
    );
}

#[test]
fn parts_are_encoded_each_for_itself() {
    let letter = "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\
        Content-Transfer-Encoding: binary\r\n\r\npreāmble\r\n--b\r\n\r\nplain\r\n--b\r\n\
        Content-Type: message/rfc822\r\nContent-Transfer-Encoding: 8bit\r\n\r\nSubject: in\r\n\r\nžž žž\r\n--b\r\n\
        Content-Type: application/x\r\nContent-Transfer-Encoding: binary\r\n\r\n\n\r\0ž\r\n--b--\r\nend\r\n";
    let sent = converted(letter, Fit::Seven);
    assert!(sent.is_ascii(), "{sent}");
    assert_eq!(leaves(sent.as_bytes()), leaves(letter.as_bytes()));
    assert!(sent.starts_with(
        "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\nContent-Transfer-Encoding: 7bit\r\n"
    ));
    assert!(sent.contains("\r\n--b\r\n\r\nplain\r\n--b\r\n"), "{sent}");
    let eight = converted(letter, Fit::Eight);
    assert!(eight.contains("žž žž") && !eight.contains("binary"), "{eight}");
    assert_eq!(leaves(eight.as_bytes()), leaves(letter.as_bytes()));
}

#[test]
fn what_cannot_be_converted() {
    let signed = |text: &str| {
        format!(
            "Content-Type: multipart/signed; boundary=b\r\n\r\n--b\r\n\r\n{text}\r\n--b\r\n\
             Content-Type: application/pgp-signature\r\n\r\nx\r\n--b--\r\n"
        )
    };
    assert_eq!(converted(&signed("plain"), Fit::Seven), signed("plain"));
    for (letter, why) in [
        (signed("ž"), Unconvertible::Signed),
        ("Content-Type: multipart/mixed\r\n\r\nž".into(), Unconvertible::Composite),
        ("Content-Type: message/partial\r\n\r\nž".into(), Unconvertible::Composite),
        ("Content-Transfer-Encoding: x-uuencode\r\n\r\nž".into(), Unconvertible::UnknownEncoding),
        (
            "Content-Type: multipart/mixed; boundary=\"ž\"\r\n\r\n--ž\r\n\r\nž\r\n--ž--".into(),
            Unconvertible::Composite,
        ),
    ] {
        assert_eq!(convert(letter.as_bytes(), Fit::Seven), Err(why), "{letter}");
    }
}

#[test]
fn an_encoding_with_raw_octets_is_done_again() {
    let letter = "Content-Type: text/plain\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n\
                  a=20=\r\nž and so much more that it stays readable\r\n";
    let sent = converted(letter, Fit::Seven);
    assert!(sent.is_ascii());
    assert_eq!(leaves(sent.as_bytes()), leaves(letter.as_bytes()));
}

/// A body of any octets, or of lines.
fn body() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        proptest::collection::vec(any::<u8>(), 0..400),
        "([ -~ž\t=.-]{0,120}\r\n){0,6}[ -~ž \t]{0,20}".prop_map(String::into_bytes),
        "[ -~ž]{0,40}[\r\n -]{0,10}".prop_map(String::into_bytes),
    ]
}

fn letter_of(kinds: &[(bool, Vec<u8>)], multipart: bool) -> Vec<u8> {
    let part = |(text, body): &(bool, Vec<u8>)| {
        let kind = if *text { "text/plain; charset=utf-8" } else { "application/octet-stream" };
        let mut part =
            format!("Content-Type: {kind}\r\nContent-Transfer-Encoding: binary\r\n\r\n").into_bytes();
        part.extend_from_slice(body);
        part
    };
    let mut letter = b"Subject: x\r\nMIME-Version: 1.0\r\n".to_vec();
    if !multipart {
        letter.extend(part(&kinds[0]));
        return letter;
    }
    letter.extend_from_slice(b"Content-Type: multipart/mixed; boundary=\"=_q_=\"\r\n\r\n");
    for kind in kinds {
        letter.extend_from_slice(b"--=_q_=\r\n");
        letter.extend(part(kind));
        letter.extend_from_slice(b"\r\n");
    }
    letter.extend_from_slice(b"--=_q_=--\r\n");
    letter
}

proptest! {
    #[test]
    fn nothing_is_lost(
        kinds in proptest::collection::vec((any::<bool>(), body()), 1..4),
        multipart in any::<bool>(),
    ) {
        let letter = letter_of(&kinds, multipart);
        let before = leaves(&letter);
        for fit in [Fit::Seven, Fit::Eight] {
            let converted = convert(&letter, fit).expect("convertible");
            // As it is sent.
            let sent = with_line_ends(&converted);
            prop_assert!(fit.holds(&sent), "{}", sent.escape_ascii());
            let mut after = leaves(&sent);
            if !multipart && fit.holds(&before[0]) && !before[0].ends_with(b"\r\n") && !before[0].is_empty() {
                // A line that lacks its end gets one.
                let length = after[0].len() - 2;
                after[0].truncate(length);
            }
            prop_assert_eq!(&after, &before, "{}", sent.escape_ascii());
            let other = mail_parser::MessageParser::default().parse(&sent).expect("a letter");
            let by_other: Vec<_> = other.parts.iter().filter(|part| !part.is_multipart()).collect();
            prop_assert_eq!(by_other.len(), before.len());
        }
    }
}
