//! Odd letters and what the scanner makes of them.

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::record::Record;

fn scan(letter: &[u8]) -> Facts {
    let mut scanner = Scanner::new();
    scanner.feed(letter);
    scanner.finish()
}

/// A part in short: its type, then its body in quotes with the number of its line feeds, or the parts in it.
fn sketch(letter: &[u8], part: &Part) -> String {
    let (kind, subtype) = part.media_type();
    let name = format!("{}/{}", String::from_utf8_lossy(kind), String::from_utf8_lossy(subtype));
    match &part.content {
        Content::Leaf => {
            let body = &letter[part.body_start as usize..part.body_end as usize];
            format!("{name} \"{}\" {}", body.escape_ascii(), part.lines)
        }
        Content::Multipart(parts) => {
            let parts: Vec<_> = parts.iter().map(|part| sketch(letter, part)).collect();
            format!("{name}({})", parts.join(", "))
        }
        Content::Message(message) => {
            let subject = message.envelope.subject.as_ref().map_or("-".into(), |s| format!("{s:?}"));
            format!("{name}<{subject} {}> {}", sketch(letter, &message.structure), part.lines)
        }
    }
}

/// The sketch of a letter that is written with `|` for CRLF.
fn structure(letter: &str) -> String {
    let letter = letter.replace('|', "\r\n").into_bytes();
    sketch(&letter, &scan(&letter).structure)
}

const MIXED: &str = "Content-Type: multipart/mixed; boundary=x|";

#[test]
fn letters_without_parts() {
    for (letter, wanted) in [
        ("", "text/plain \"\" 0"),
        ("|", "text/plain \"\" 0"),
        ("|a|b", "text/plain \"a\\r\\nb\" 1"),
        ("Subject: s|", "text/plain \"\" 0"),
        ("Subject: s||", "text/plain \"\" 0"),
        ("Subject: s||a|b|", "text/plain \"a\\r\\nb\\r\\n\" 2"),
        ("no header at all", "text/plain \"\" 0"),
        ("Content-Type: Text/HTML||--x|", "Text/HTML \"--x\\r\\n\" 1"),
        ("Content-Type: broken||a", "text/plain \"a\" 0"),
        ("Content-Type: text/a|Content-Type: text/b||", "text/a \"\" 0"),
        ("Subject: s\n\na\n", "text/plain \"a\\n\" 1"),
        ("Subject: s\r\r\na", "text/plain \"\" 0"),
    ] {
        assert_eq!(structure(letter), wanted, "{letter:?}");
    }
}

#[test]
fn multiparts() {
    for (body, wanted) in [
        ("|pre|--x||a||b|--x||c|--x--|post|", "(text/plain \"a\\r\\n\\r\\nb\" 2, text/plain \"c\" 0)"),
        ("|--x|Content-Type: a/b|||--x--", "(a/b \"\" 0)"),
        ("|--x||--x||a|--x--|", "(text/plain \"\" 0, text/plain \"a\" 0)"),
        // The header of a part that a delimiter ends.
        ("|--x|Content-Type: a/b|--x||a|--x--|", "(a/b \"\" 0, text/plain \"a\" 0)"),
        ("|--x|--x--|", "(text/plain \"\" 0)"),
        // White space behind the boundary, and more than the boundary.
        ("|--x \t||a|--x-- |post", "(text/plain \"a\" 0)"),
        ("|--xyz||a|--x--no|post", "(text/plain \"a\" 0)"),
        // The end is missing.
        ("|--x||a|", "(text/plain \"a\\r\\n\" 1)"),
        ("|--x||a|--x", "(text/plain \"a\" 0, text/plain \"\" 0)"),
        ("|--x||a|--x-", "(text/plain \"a\" 0, text/plain \"\" 0)"),
        // What follows the end is epilogue, whatever it looks like.
        ("|--x||a|--x--|--x||b|--x--|", "(text/plain \"a\" 0)"),
        // Delimiters stand at the beginning of a line.
        ("|--x||a --x| --x|-|--|b|--x--|", "(text/plain \"a --x\\r\\n --x\\r\\n-\\r\\n--\\r\\nb\" 4)"),
        // Bare line feeds.
        ("\n--x\n\na\n\nb\n--x--\n", "(text/plain \"a\\n\\nb\" 2)"),
    ] {
        assert_eq!(structure(&format!("{MIXED}{body}")), format!("multipart/mixed{wanted}"), "{body:?}");
    }
}

#[test]
fn a_multipart_without_parts_is_text() {
    for (header, body, wanted) in [
        ("Content-Type: multipart/mixed|", "--|a", "text/plain \"--\\r\\na\" 1"),
        ("Content-Type: multipart/mixed; boundary=\"\"|", "--|a", "text/plain \"--\\r\\na\" 1"),
        (MIXED, "a|", "text/plain \"a\\r\\n\" 1"),
        (MIXED, "--x--|a", "text/plain \"--x--\\r\\na\" 1"),
    ] {
        assert_eq!(structure(&format!("{header}|{body}")), wanted, "{header:?} {body:?}");
    }
}

#[test]
fn multiparts_in_multiparts() {
    for (inner, body, wanted) in [
        // An outer delimiter ends all that lies inside.
        (
            "y",
            "--y||a|--y||b|--x||c|--x--|",
            "multipart/alternative(text/plain \"a\" 0, text/plain \"b\" 0), text/plain \"c\" 0",
        ),
        ("y", "--y||a|--y--|post|--x--|", "multipart/alternative(text/plain \"a\" 0)"),
        ("y", "--y|Content-Type: a/b|--x||c|--x--|", "multipart/alternative(a/b \"\" 0), text/plain \"c\" 0"),
        // The outer boundary begins the inner one.
        (
            "xy",
            "--xy||a|--xy||b|--xy--|--xy|--x||c|--x--|",
            "multipart/alternative(text/plain \"a\" 0, text/plain \"b\" 0), text/plain \"c\" 0",
        ),
        (
            "x--",
            "--x--||a|--x----|--x||c|--x--|",
            "multipart/alternative(text/plain \"a\" 0), text/plain \"c\" 0",
        ),
        // Both are the same.
        (
            "x",
            "--xyz||a|--x--|--x||c|--x--|",
            "multipart/alternative(text/plain \"a\" 0), text/plain \"c\" 0",
        ),
        ("x", "--x||a|--x--|--x||c|--x--|", "multipart/alternative(text/plain \"a\" 0), text/plain \"c\" 0"),
    ] {
        let letter =
            format!("{MIXED}||--x|Content-Type: multipart/alternative; boundary=\"{inner}\"||{body}");
        assert_eq!(structure(&letter), format!("multipart/mixed({wanted})"), "{inner} {body:?}");
    }
    // The inner boundary begins the outer one.
    let letter = "Content-Type: multipart/mixed; boundary=xy||--xy|Content-Type: multipart/a; boundary=x||\
        --x||a|--x--|--xy||c|--xy--|";
    assert_eq!(structure(letter), "multipart/mixed(multipart/a(text/plain \"a\" 0), text/plain \"c\" 0)");
}

#[test]
fn letters_in_letters() {
    for (letter, wanted) in [
        (
            "Content-Type: message/rfc822||Subject: in||a|b|",
            "message/rfc822<\"in\" text/plain \"a\\r\\nb\\r\\n\" 2> 4",
        ),
        ("Content-Type: message/rfc822|", "message/rfc822<- text/plain \"\" 0> 0"),
        ("Content-Type: message/global||Subject: a|", "message/global<\"a\" text/plain \"\" 0> 1"),
        ("Content-Type: message/partial||Subject: a|", "message/partial \"Subject: a\\r\\n\" 1"),
        // In a digest a part is a letter unless it says otherwise.
        (
            "Content-Type: multipart/digest; boundary=x||--x||Subject: a||1|--x|Content-Type: text/plain||2|--x--|",
            "multipart/digest(message/rfc822<\"a\" text/plain \"1\" 0> 2, text/plain \"2\" 0)",
        ),
        // A delimiter in the header of the inner letter, and one right behind it.
        (
            "Content-Type: multipart/digest; boundary=x||--x||Subject: a|--x||Subject: b||--x--|",
            "multipart/digest(message/rfc822<\"a\" text/plain \"\" 0> 1, message/rfc822<\"b\" text/plain \"\" 0> 2)",
        ),
        // A multipart in a letter in a multipart, ended from outside.
        (
            "Content-Type: multipart/mixed; boundary=x||--x|Content-Type: message/rfc822||\
          Content-Type: multipart/mixed; boundary=y||--y||a|--x||b|--x--|",
            "multipart/mixed(message/rfc822<- multipart/mixed(text/plain \"a\" 0)> 4, text/plain \"b\" 0)",
        ),
    ] {
        assert_eq!(structure(letter), wanted, "{letter:?}");
    }
}

#[test]
fn an_envelope_is_kept_as_the_header_has_it() {
    let letter = b"Date: Sun, 1 Mar 2026 10:00:00 +0000\r\nSubject: =?utf-8?q?a?=\r\n\t b\r\n\
        From: Alice <a@x.test>\r\nTo: b@x.test\r\nTo: G: c@x.test;\r\nCc:\r\nsubject: second\r\nFrom: c@x.test\r\n\
        In-Reply-To: Yours of <1@x.test>\r\nMessage-ID:\r\n <2@x.test>\r\n\
        References: <0@x.test>\r\n <1@x.test>\r\n\r\n";
    let facts = scan(letter);
    let envelope = &facts.envelope;
    assert_eq!(envelope.date.as_deref(), Some(&b"Sun, 1 Mar 2026 10:00:00 +0000"[..]));
    assert_eq!(envelope.subject.as_deref(), Some(&b"=?utf-8?q?a?=\t b"[..]));
    assert_eq!(envelope.from, AddressList::parse(b"Alice <a@x.test>").addresses);
    assert_eq!(envelope.to, AddressList::parse(b"b@x.test, G: c@x.test;").addresses);
    assert!(envelope.sender.is_empty() && envelope.reply_to.is_empty() && envelope.cc.is_empty());
    assert_eq!(facts.message_id(), Some(&b"2@x.test"[..]));
    assert_eq!(facts.parents().collect::<Vec<_>>(), [b"0@x.test", b"1@x.test"]);
    assert_eq!(facts.base_subject().text, "a b");
    assert_eq!((facts.size(), facts.header_size()), (letter.len() as u64, letter.len() as u64));
}

#[test]
fn without_references_the_letter_answered_is_the_parent() {
    let facts = scan(b"In-Reply-To: <1@x.test> <2@x.test>\r\nReferences: none\r\nMessage-ID: lost\r\n\r\n");
    assert_eq!(facts.parents().collect::<Vec<_>>(), [b"1@x.test"]);
    assert_eq!(facts.message_id(), None);
}

#[test]
fn the_fields_that_describe_a_part_are_kept() {
    let facts = scan(
        b"Content-Type: application/pdf; name*0*=utf-8''%C4%81; name*1=.pdf\r\nContent-ID: <i@x>\r\n\
          Content-Description: a\r\n b\r\nContent-Transfer-Encoding: BASE64 (x)\r\nContent-MD5: Q2hlY2s=\r\n\
          Content-Disposition: attachment; filename=\"a \\\"b\\\".pdf\"\r\nContent-Language: en, lv\r\n\
          Content-Location: http://x.test/\r\n\r\n",
    );
    let part = &facts.structure;
    let octets = |text: &str| Octets::from(text.as_bytes());
    let parameter = |name: &str, value: &str| Parameter { name: octets(name), value: octets(value) };
    let media_type = part.media_type.as_ref().expect("a type");
    assert_eq!(media_type.parameters, [parameter("name*0*", "utf-8''%C4%81"), parameter("name*1", ".pdf")]);
    let parameters = vec![parameter("filename", "a \"b\".pdf")];
    assert_eq!(part.disposition, Some(Disposition { kind: octets("attachment"), parameters }));
    assert_eq!(part.id, Some(octets("<i@x>")));
    assert_eq!(part.description, Some(octets("a b")));
    assert_eq!(part.encoding, Some(octets("BASE64")));
    assert_eq!(part.md5, Some(octets("Q2hlY2s=")));
    assert_eq!(part.language, [octets("en"), octets("lv")]);
    assert_eq!(part.location, Some(octets("http://x.test/")));
}

#[test]
fn octets_that_not_every_program_bears_are_marked() {
    let marks = |letter: &[u8]| {
        let facts = scan(letter);
        (facts.has_8bit, facts.needs_utf8, facts.has_nul)
    };
    assert_eq!(marks(b"A: b\r\n\r\nc"), (false, false, false));
    assert_eq!(marks(b"A: b\r\n\r\n\xE9"), (true, false, false));
    assert_eq!(marks("A: ā\r\n\r\nc".as_bytes()), (true, true, false));
    assert_eq!(marks(b"A: b\r\n\r\n\0"), (false, false, true));
    let in_part = format!("{MIXED}||--x|A: ā||b|--x--").replace('|', "\r\n");
    assert_eq!(marks(in_part.as_bytes()), (true, true, false));
    let facts = scan("Subject: ā\0\r\r\n\r\n".as_bytes());
    assert_eq!(facts.envelope.subject.as_deref(), Some("ā".as_bytes()));
}

#[test]
fn parts_are_found_by_their_numbers() {
    let letter = format!(
        "{MIXED}||--x||1|--x|Content-Type: message/rfc822||Content-Type: multipart/a; boundary=y||--y||2.1|\
         --y||2.2|--y--|--x|Content-Type: message/rfc822||Subject: s||3|--x|\
         Content-Type: multipart/b; boundary=z||--z||4.1|--z--|--x--|"
    );
    let letter = letter.replace('|', "\r\n").into_bytes();
    let structure = scan(&letter).structure;
    let body = |numbers: &[u32]| {
        let part = structure.at(numbers)?;
        Some(String::from_utf8_lossy(&letter[part.body_start as usize..part.body_end as usize]).into_owned())
    };
    assert_eq!(body(&[1]).as_deref(), Some("1"));
    assert_eq!(body(&[2, 1]).as_deref(), Some("2.1"));
    assert_eq!(body(&[2, 2]).as_deref(), Some("2.2"));
    assert_eq!(body(&[3]).as_deref(), Some("Subject: s\r\n\r\n3"));
    assert_eq!(body(&[3, 1]).as_deref(), Some("3"));
    assert_eq!(body(&[4, 1]).as_deref(), Some("4.1"));
    for wrong in [&[0][..], &[5], &[1, 1], &[3, 2], &[3, 1, 1], &[u32::MAX]] {
        assert_eq!(body(wrong), None, "{wrong:?}");
    }
    assert_eq!(structure.at(&[]), Some(&structure));
    assert_eq!(scan(b"\r\na").structure.at(&[1]).map(Part::octets), Some(1));
}

#[test]
fn depth_is_bounded() {
    let nested = "Content-Type: message/rfc822\r\n\r\n".repeat(MAX_DEPTH + 5);
    let facts = scan(nested.as_bytes());
    let mut part = &facts.structure;
    let mut depth = 1;
    while let Content::Message(message) = &part.content {
        part = &message.structure;
        depth += 1;
    }
    assert_eq!(depth, MAX_DEPTH);
    assert_eq!(part.media_type(), (&b"text"[..], &b"plain"[..]));
    assert_eq!(part.body_end, nested.len() as u64);
}

#[test]
fn the_number_of_parts_is_bounded() {
    let letter = format!("{MIXED}|{}", "--x||a|".repeat(MAX_PARTS + 5)).replace('|', "\r\n");
    let Content::Multipart(parts) = scan(letter.as_bytes()).structure.content else { panic!("a multipart") };
    // The letter itself is one.
    assert_eq!(parts.len(), MAX_PARTS - 1);
    assert!(parts.iter().all(|part| part.octets() == 1));
}

#[test]
fn headers_texts_and_facts_are_bounded() {
    let long = "x".repeat(MAX_HEADER);
    let facts = scan(format!("Subject: {long}\r\nFrom: a@x.test\r\n\r\nb").as_bytes());
    assert_eq!(facts.envelope.subject.map(|subject| subject.len()), Some(MAX_TEXT));
    assert!(facts.envelope.from.is_empty());
    assert_eq!(
        (facts.structure.body_start, facts.structure.body_end),
        (MAX_HEADER as u64 + 29, MAX_HEADER as u64 + 30)
    );

    let ids: String = (0..MAX_REFERENCES + 5).map(|n| format!(" <{n}@x>")).collect();
    let references = scan(format!("References:{ids}\r\n\r\n").as_bytes()).references;
    assert_eq!(references.len(), MAX_REFERENCES);
    assert_eq!((&references[0][..], &references[1][..]), (&b"0@x"[..], &b"6@x"[..]));

    let group = format!("To: G: {};\r\n", "a@x,".repeat(MAX_ADDRESSES - 10));
    let to = scan(group.repeat(6).as_bytes()).envelope.to;
    assert!(to.len() > MAX_ADDRESSES && to.len() < 6 * (MAX_ADDRESSES - 10));
    assert_eq!(to.last(), Some(&Address::GroupEnd));

    let part = format!("--x|Content-Description: {}||a|", &long[..MAX_TEXT]);
    let letter = format!("{MIXED}|{}", part.repeat(MAX_PARTS)).replace('|', "\r\n");
    assert!(encoded(&scan(letter.as_bytes())).len() < MAX_KEPT + 64 * MAX_PARTS);
}

fn encoded(facts: &Facts) -> Vec<u8> {
    bincode::encode_to_vec(facts, bincode::config::standard()).expect("facts can be encoded")
}

#[test]
fn the_encoding_does_not_change() {
    let letter =
        "Date: d|Subject: s|From: A <a@x>|Sender: <@r:b@y>|To: G: c@z;|Message-ID: <m@x>|References: <r@x>|\
        Content-Type: multipart/mixed; boundary=x||--x|Content-Disposition: inline|Content-Language: lv||\
        ā|--x|Content-Type: message/rfc822|Content-Transfer-Encoding: 8bit||Subject: t||b|--x--|"
            .replace('|', "\r\n");
    let facts = scan(letter.as_bytes());
    let hex: String = encoded(&facts).iter().map(|octet| format!("{octet:02x}")).collect();
    assert_eq!(
        hex,
        "01016401017301000101410001610178010000010240720162017900030101470000000163017a0200000001053c6d40\
         783e0096fb32010d01096d756c746970617274056d697865640108626f756e6461727901780000000000000001029bd0\
         d20000000000000106696e6c696e650001026c760000d9fb1a01fb29010201076d657373616765067266633832320001\
         043862697400000000000002000101740000000000000000fb1a01fb2801fb2901000000000000000000000103724078\
         010000"
    );
    let (decoded, _) = bincode::decode_from_slice::<Facts, _>(&encoded(&facts), bincode::config::standard())
        .expect("facts can be decoded");
    assert_eq!(decoded, facts);
    assert_eq!((Facts::VERSION, Facts::NAME), (1, "Facts"));
}

#[test]
fn facts_of_a_small_letter_are_small() {
    assert_eq!(encoded(&scan(b"\r\n")).len(), 27);
}

/// Every part lies within the one around it, behind the one before it.
fn check_offsets(part: &Part, size: u64) {
    assert!(
        part.header_start <= part.body_start && part.body_start <= part.body_end && part.body_end <= size
    );
    let parts = match &part.content {
        Content::Leaf => &[],
        Content::Multipart(parts) => &parts[..],
        Content::Message(message) => std::slice::from_ref(&message.structure),
    };
    let mut at = part.body_start;
    for inner in parts {
        assert!(at <= inner.header_start && inner.body_end <= part.body_end);
        check_offsets(inner, size);
        at = inner.body_end;
    }
}

/// Line feeds counted anew.
fn check_lines(letter: &[u8], part: &Part) {
    let body = &letter[part.body_start as usize..part.body_end as usize];
    assert_eq!(part.lines, body.iter().filter(|octet| **octet == b'\n').count() as u64);
    match &part.content {
        Content::Leaf => {}
        Content::Multipart(parts) => parts.iter().for_each(|part| check_lines(letter, part)),
        Content::Message(message) => check_lines(letter, &message.structure),
    }
}

/// Pieces that letters are made of, so that random ones come near to what is difficult.
fn odd_letter() -> impl Strategy<Value = Vec<u8>> {
    let fragment = prop_oneof![
        4 => proptest::sample::select(vec![
            "\r\n", "\n", "\r", "\r\n\r\n", "--", "--x", "--x--", "--xy", "--xy--", "\r\n--x\r\n", "\r\n--x--\r\n",
            "\r\n--xy\r\n", "\r\n--xy--\r\n", "Content-Type: multipart/mixed; boundary=x\r\n\r\n",
            "Content-Type: multipart/digest; boundary=\"xy\"\r\n\r\n", "Content-Type: message/rfc822\r\n\r\n",
            "Subject: a\r\n b\r\n", "From: A <a@x.test>, G: \"b\"@y, (c", "References: <a@b> <", " ", "a", ":", "ā", "To: [\0", "Content-Type: a\0/b; c=\0",
        ]).prop_map(|text| text.as_bytes().to_vec()),
        1 => vec(any::<u8>(), 0..20),
    ];
    vec(fragment, 0..60).prop_map(|fragments| fragments.concat())
}

proptest! {
    #[test]
    fn any_letter_has_a_sound_structure(letter in odd_letter()) {
        let facts = scan(&letter);
        prop_assert_eq!(facts.size(), letter.len() as u64);
        prop_assert_eq!(facts.header_size(), header_end(&letter).unwrap_or(letter.len()) as u64);
        check_offsets(&facts.structure, letter.len() as u64);
        check_lines(&letter, &facts.structure);
        let shown = format!("{facts:?}").replace("\\\\", "");
        prop_assert!(!["\\r", "\\n", "\\x00"].iter().any(|octet| shown.contains(octet)), "{}", shown);
        let (decoded, _) = bincode::decode_from_slice::<Facts, _>(&encoded(&facts), bincode::config::standard())
            .expect("facts can be decoded");
        prop_assert_eq!(decoded, facts);
    }

    #[test]
    fn where_the_pieces_are_cut_makes_no_difference(letter in odd_letter(), cuts in vec(1_usize..40, 1..20)) {
        let mut scanner = Scanner::new();
        let mut rest = &letter[..];
        for length in cuts.iter().cycle() {
            if rest.is_empty() {
                break;
            }
            let (piece, tail) = rest.split_at((*length).min(rest.len()));
            scanner.feed(piece);
            rest = tail;
        }
        prop_assert_eq!(scanner.finish(), scan(&letter));
    }

    #[test]
    fn random_octets_do_no_harm(octets in vec(any::<u8>(), 0..2_000)) {
        check_offsets(&scan(&octets).structure, octets.len() as u64);
        AddressList::parse(&octets);
        HeaderSummary::of(&octets);
        base_subject(&octets);
        let read: usize = fields(&octets).map(|field| field.raw.len()).sum();
        prop_assert!(read <= octets.len());
    }
}

#[test]
fn long_lines_are_cut_alike() {
    for fill in [240, 253, 254, 255, 256, 257, 300] {
        let letter =
            format!("{MIXED}||--x{}||a|--x--{}b|c", " ".repeat(fill), " ".repeat(fill)).replace('|', "\r\n");
        let mut scanner = Scanner::new();
        letter.as_bytes().chunks(1).for_each(|octet| scanner.feed(octet));
        assert_eq!(scanner.finish(), scan(letter.as_bytes()), "{fill}");
    }
}
