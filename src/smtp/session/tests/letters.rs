//! Letters: what comes through, what is refused, by DATA and by BDAT alike.

use super::*;
use postern_model::record::Reason;
use proptest::prelude::*;

/// A letter from elsewhere to Alice, with its dots doubled; what comes behind it.
fn by_data(pump: &mut Pump, letter: &[u8]) -> String {
    pump.reply("MAIL FROM:<x@y.test>");
    pump.reply("RCPT TO:<alice@foo.com>");
    pump.expect("DATA", "354 ");
    let mut wire = Vec::new();
    for line in letter.split_inclusive(|&b| b == b'\n') {
        if line.starts_with(b".") {
            wire.push(b'.');
        }
        wire.extend_from_slice(line);
    }
    pump.send(wire);
    if !letter.is_empty() && !letter.ends_with(b"\r\n") {
        pump.send("\r\n");
    }
    pump.send(".\r\n");
    pump.heard()
}

/// The same in chunks of `size`.
fn by_bdat(pump: &mut Pump, letter: &[u8], size: usize) -> String {
    pump.reply("MAIL FROM:<x@y.test>");
    pump.reply("RCPT TO:<alice@foo.com>");
    let mut heard = String::new();
    for piece in letter.chunks(size) {
        pump.send(format!("BDAT {}\r\n", piece.len()));
        pump.send(piece);
        heard = pump.heard();
    }
    match heard.as_str() {
        refused if refused.starts_with('5') => heard,
        _ => pump.reply("BDAT 0 LAST"),
    }
}

#[test]
fn a_letter_is_on_disk_with_our_fields_in_front() {
    let mut pump = Pump::ready(Role::Submission);
    pump.expect("MAIL FROM:<alice@foo.com>", "250 2.1.0");
    pump.expect("RCPT TO:<bob@foo.com>", "250 2.1.5");
    pump.expect("DATA", "354 ");
    pump.send("From: Alice <alice@foo.com>\r\nSubject: x\r\n\r\nBody\r\n.\r\n");
    assert_eq!(pump.heard(), "250 2.0.0 On disk as 11\r\n");
    assert_eq!(pump.asked[1..], ["sender", "recipient", "begin", "authors", "accept"]);
    let letter = &pump.letters[0];
    assert_eq!(
        String::from_utf8_lossy(&letter.text),
        "Return-Path: <alice@foo.com>\r\n\
         Received: from client.example ([192.0.2.7])\r\n\tby foo.com with ESMTPSA id 11\r\n\
         \tfor <bob@foo.com>\r\n\ttls TLS_AES_128_GCM_SHA256 (TLSv1.3);\r\n\
         \tSun, 1 Mar 2026 10:00:00 +0000\r\n\
         Date: Sun, 1 Mar 2026 10:00:00 +0000\r\n\
         Message-ID: <64bf38887c800.11@foo.com>\r\n\
         From: Alice <alice@foo.com>\r\nSubject: x\r\n\r\nBody\r\n"
    );
    let from = MailFrom::Address(EmailAddress::parse("alice@foo.com").expect("an address"));
    let Delivery { letter, locals, digests, sender, mail_from, .. } = &letter.delivery;
    assert_eq!(
        (*letter, locals[0].account, locals.len(), digests.len()),
        (LetterId(0x11), AccountId(2), 1, 1)
    );
    assert_eq!((*sender, mail_from), (Some(AccountId(1)), &from));
    pump.expect("RCPT TO:<bob@foo.com>", "503 5.5.1");
}

#[test]
fn mail_from_elsewhere_keeps_its_author_and_its_gaps() {
    let mut pump = Pump::ready(Role::Mx);
    pump.reply("MAIL FROM:<>");
    pump.reply("RCPT TO:<alice@foo.com>");
    pump.reply("RCPT TO:<bob@foo.com>");
    pump.reply("RCPT TO:<alice.alias@foo.com>");
    pump.reply("DATA");
    pump.send("From: whoever\r\n\r\n.\r\n");
    assert!(pump.heard().starts_with("250 2.0.0"));
    let letter = &pump.letters[0];
    let accounts: Vec<_> = letter.delivery.locals.iter().map(|local| local.account.0).collect();
    assert_eq!(accounts, [1, 2, 1], "as they were named");
    assert_eq!((letter.delivery.sender, &letter.delivery.mail_from), (None, &MailFrom::Null));
    let front = letter.front();
    assert!(front.starts_with("Return-Path: <>\r\n") && front.contains("with ESMTP id 11;"), "{front}");
    assert!(!front.contains("for <"), "recipients are not told of each other");
    assert_eq!(letter.sent(), b"From: whoever\r\n\r\n");
    assert!(!pump.asked.contains(&"authors") && !pump.asked.contains(&"sender"));
}

#[test]
fn smtputf8_shows_in_received() {
    let mut pump = Pump::ready(Role::Mx);
    pump.reply("MAIL FROM:<x@y.test> SMTPUTF8");
    pump.reply("RCPT TO:<jānis@foo.com>");
    pump.reply("DATA");
    pump.send("Subject: ē\r\n\r\n.\r\n");
    let front = pump.letters[0].front();
    assert!(front.contains("with UTF8SMTP id") && front.contains("for <jānis@foo.com>"), "{front}");
}

#[test]
fn the_envelope_and_the_header_may_name_only_own_addresses() {
    let mut pump = Pump::ready(Role::Submissions);
    pump.expect("MAIL FROM:<bob@foo.com>", "553 5.7.1");
    for (header, code) in [
        ("From: alice.alias@foo.com\r\n", "250 2.0.0"),
        ("Subject: no From at all\r\n", "250 2.0.0"),
        ("From: bob@foo.com\r\n", "550 5.7.1"),
        ("From: alice@foo.com, bob@foo.com\r\n", "550 5.7.1"),
        ("From: alice@foo.com\r\nSender: bob@foo.com\r\n", "550 5.7.1"),
        ("From: alice@foo.com\r\nfrom: bob@foo.com\r\n", "550 5.7.1"),
        ("no field\r\nFrom: bob@foo.com\r\n", "550 5.7.1"),
        ("From: The Bank\r\n", "550 5.7.1"),
    ] {
        for (end, chunked) in [("\r\n", false), ("\r\nbody\r\n", false), ("", false), ("\r\nbody\r\n", true)]
        {
            pump.expect("MAIL FROM:<alice@foo.com>", "250 2.1.0");
            pump.expect("RCPT TO:<bob@foo.com>", "250 2.1.5");
            let letter = format!("{header}{end}");
            if chunked {
                pump.send(format!("BDAT {} LAST\r\n{letter}", letter.len()));
            } else {
                pump.reply("DATA");
                pump.send(format!("{letter}.\r\n"));
            }
            let heard = pump.heard();
            assert!(heard.starts_with(code) && heard.lines().count() == 1, "{letter:?}: {heard}");
            assert!(pump.spool.is_empty(), "something of it is left");
        }
    }
    pump.expect("MAIL FROM:<>", "250 2.1.0");
}

#[test]
fn the_author_is_refused_while_the_letter_still_comes() {
    let mut pump = Pump::ready(Role::Submissions);
    pump.reply("MAIL FROM:<alice@foo.com>");
    pump.reply("RCPT TO:<bob@foo.com>");
    pump.reply("DATA");
    pump.send("From: bob@foo.com\r\n\r\nbody\r\n");
    pump.send("MAIL FROM:<x@y.test>\r\n");
    assert!(pump.heard().is_empty() && pump.spool.is_empty());
    pump.send(".\r\n");
    assert!(pump.heard().starts_with("550 5.7.1"));
    pump.expect("NOOP", "250 2.0.0");
}

#[test]
fn a_letter_in_circles_is_refused() {
    for (hops, code) in [(50, "250 2.0.0"), (51, "554 5.4.6")] {
        let letter = format!("{}\r\nbody\r\n", "Received: from a by b; now\r\n".repeat(hops));
        assert!(by_data(&mut Pump::ready(Role::Mx), letter.as_bytes()).starts_with(code), "{hops}");
        assert!(by_bdat(&mut Pump::ready(Role::Mx), letter.as_bytes(), 64).starts_with(code), "{hops}");
    }
}

#[test]
fn a_letter_and_its_header_have_their_limits() {
    let small = |settings: &mut Settings| {
        settings.message_size = 1000;
        settings.header_size = 100;
    };
    let body = |octets: usize| [&b"A: b\r\n\r\n"[..], &vec![b'x'; octets - 10], b"\r\n"].concat();
    let header = |octets: usize| [&vec![b'x'; octets - 4], &b"\r\n\r\nbody\r\n"[..]].concat();
    for (letter, code) in [
        (body(1000), "250 2.0.0"),
        (body(1001), "552 5.3.4"),
        (header(100), "250 2.0.0"),
        (header(101), "552 5.3.4"),
    ] {
        for piece in [1, 50, usize::MAX] {
            let mut pump = Pump::ready_with(Role::Mx, small);
            pump.piece = piece;
            let heard = by_data(&mut pump, &letter);
            assert!(heard.starts_with(code) && heard.lines().count() == 1, "{heard}");
            assert!(pump.spool.is_empty());
            let heard = by_bdat(&mut pump, &letter, 300);
            assert!(heard.starts_with(code), "{heard}");
            assert!(pump.spool.is_empty());
        }
    }
    let mut pump = Pump::ready_with(Role::Mx, small);
    pump.reply("MAIL FROM:<x@y.test>");
    pump.reply("RCPT TO:<alice@foo.com>");
    pump.send([&b"BDAT 5000\r\n"[..], &[b'x'; 5000]].concat());
    assert!(pump.heard().starts_with("552 5.3.4"));
    assert!(pump.spool.is_empty());
}

/// See the decoder's tests for where they come from.
const FALSE_ENDS: [&[u8]; 12] = [
    b"\n.\n",
    b"\n.\r\n",
    b"\r\n.\n",
    b"\r.\r",
    b"\r.\r\n",
    b"\r\n.\r",
    b"\n.\r",
    b"\r.\n",
    b"\r\n.\r\r\n",
    b"\n\n.\r\n",
    b"\r\r.\r\r",
    b"\0\n.\n\0",
];

#[test]
fn no_letter_carries_another_in() {
    let smuggled =
        b"MAIL FROM:<admin@foo.com>\r\nRCPT TO:<bob@foo.com>\r\nDATA\r\nFrom: admin@foo.com\r\n\r\nevil\r\n";
    for false_end in FALSE_ENDS {
        let letter = [b"A: b\r\n\r\nbody", false_end, smuggled].concat();
        for piece in [1, 3, usize::MAX] {
            let mut pump = Pump::ready(Role::Mx);
            pump.piece = piece;
            pump.reply("MAIL FROM:<x@y.test>");
            pump.reply("RCPT TO:<alice@foo.com>");
            pump.reply("DATA");
            // As the attacker's own server sends it: the octets are not stuffed.
            pump.send([&letter[..], b".\r\n"].concat());
            let heard = pump.heard();
            assert!(heard.starts_with("550 5.6.0") && heard.lines().count() == 1, "{false_end:?}: {heard}");
            let heard = by_bdat(&mut pump, &letter, letter.len());
            assert!(heard.starts_with("550 5.6.0") && heard.lines().count() == 1, "{false_end:?}: {heard}");
            assert!(pump.letters.is_empty() && pump.spool.is_empty());
        }
    }
    // A NUL does no harm between proper line ends: it is an octet of the letter.
    for letter in
        [&b"A: b\r\n\r\n\r\n\0.\r\nMAIL FROM:<>\r\n"[..], b"A: b\r\n\r\n\r\n.\0\r\nMAIL FROM:<>\r\n"]
    {
        let mut pump = Pump::ready(Role::Mx);
        assert!(by_data(&mut pump, letter).starts_with("250 2.0.0"));
        assert_eq!(pump.letters[0].sent(), letter);
    }
}

#[test]
fn chunks_by_the_book() {
    // RFC 3030 §4.2, with a letter for ours.
    let mut pump = Pump::ready(Role::Mx);
    pump.reply("MAIL FROM:<x@y.test>");
    pump.reply("RCPT TO:<alice@foo.com>");
    pump.send("BDAT 10\r\nA: b\r\n\r\nCDBDAT 4 LAST\r\n\r\n.\r");
    let heard = pump.heard();
    let lines: Vec<_> = heard.lines().collect();
    assert_eq!(lines[0], "250 2.0.0 10 octets taken");
    assert!(lines[1].starts_with("550 5.6.0"), "a CR at the very end stands alone: {heard}");
    pump.reply("MAIL FROM:<x@y.test>");
    pump.reply("RCPT TO:<alice@foo.com>");
    pump.send("BDAT 11\r\nA: b\r\n\r\nCD\rBDAT 5\r\n\n.\r\nEBDAT 0 LAST\r\nQUIT\r\n");
    let heard = pump.heard();
    assert_eq!(
        heard.lines().map(|line| &line[..3]).collect::<Vec<_>>(),
        ["250", "250", "250", "221"],
        "{heard}"
    );
    assert_eq!(pump.letters[0].sent(), b"A: b\r\n\r\nCD\r\n.\r\nE");
}

#[test]
fn chunks_out_of_place_are_read_and_refused() {
    let mut pump = Pump::ready(Role::Mx);
    pump.send("BDAT 6\r\nQUIT\r\nNOOP\r\n");
    let heard = pump.heard();
    assert_eq!(heard.lines().map(|line| &line[..9]).collect::<Vec<_>>(), ["503 5.5.1", "250 2.0.0"]);
    pump.reply("MAIL FROM:<x@y.test>");
    pump.send("BDAT 6 LAST\r\nQUIT\r\n");
    assert!(pump.heard().starts_with("554 5.5.1"));
    pump.reply("MAIL FROM:<x@y.test>");
    pump.reply("RCPT TO:<alice@foo.com>");
    pump.send("BDAT 2\r\nAB");
    pump.heard();
    pump.expect("DATA", "503 5.5.1");
    pump.expect("RCPT TO:<bob@foo.com>", "503 5.5.1");
    pump.expect("RSET", "250 2.0.0");
    assert_eq!(pump.reply("BDAT x").matches("\r\n").count(), 2);
    assert!(pump.closed, "nobody knows where the next command is");
}

#[test]
fn behind_a_refused_chunk_all_are_refused_until_rset() {
    let mut pump = Pump::ready(Role::Mx);
    pump.reply("MAIL FROM:<x@y.test>");
    pump.reply("RCPT TO:<alice@foo.com>");
    pump.send("BDAT 10\r\n\r\nbody.\r\n.");
    assert!(pump.heard().starts_with("250"));
    pump.send("BDAT 3\r\na\nb");
    assert!(pump.heard().starts_with("550 5.6.0"));
    assert!(pump.spool.is_empty() && pump.asked.last() == Some(&"discard"));
    pump.send("BDAT 3\r\nabc");
    assert!(pump.heard().starts_with("503 5.5.1"));
    pump.expect("MAIL FROM:<x@y.test>", "503 5.5.1");
    pump.expect("RSET", "250 2.0.0");
    assert!(by_bdat(&mut pump, b"A: b\r\n\r\nbody\r\n", 4).starts_with("250 2.0.0 On disk"));
    assert_eq!(pump.letters.len(), 1);
}

#[test]
fn a_letter_that_may_not_begin_does_not_begin_with_its_second_chunk() {
    let mut pump = Pump::ready(Role::Mx);
    pump.refuse.insert("begin", Refusal::StoreFull);
    pump.reply("MAIL FROM:<x@y.test>");
    pump.reply("RCPT TO:<alice@foo.com>");
    pump.send("BDAT 2\r\n\r\n");
    assert!(pump.heard().starts_with("452 4.3.1"));
    pump.refuse.clear();
    pump.send("BDAT 6 LAST\r\nbody\r\n");
    assert!(pump.heard().starts_with("503 5.5.1") && pump.letters.is_empty());
    assert!(by_data(&mut pump, b"\r\nbody\r\n").starts_with("250 2.0.0"), "LAST ended it");
}

#[test]
fn a_letter_forgotten_leaves_nothing_in_the_spool() {
    for command in ["RSET", "EHLO client.example"] {
        let mut pump = Pump::ready(Role::Mx);
        pump.reply("MAIL FROM:<x@y.test>");
        pump.reply("RCPT TO:<alice@foo.com>");
        pump.send("BDAT 6\r\n\r\nbody");
        assert!(!pump.spool.is_empty());
        pump.reply(command);
        assert!(pump.spool.is_empty(), "{command}");
    }
}

#[test]
fn what_the_store_refuses_is_said() {
    for (question, refusal, code) in [
        ("begin", Refusal::StoreFull, "452 4.3.1"),
        ("accept", Refusal::StoreFull, "452 4.3.1"),
        ("accept", Refusal::Unavailable, "451 4.3.0"),
        ("accept", Refusal::Stopping, "421 4.3.2"),
    ] {
        for chunked in [false, true] {
            let mut pump = Pump::ready(Role::Mx);
            pump.refuse.insert(question, refusal.clone());
            pump.reply("MAIL FROM:<x@y.test>");
            pump.reply("RCPT TO:<alice@foo.com>");
            pump.send(if chunked { "BDAT 2 LAST\r\n\r\n" } else { "DATA\r\n" });
            if !chunked && question == "accept" {
                assert!(pump.heard().starts_with("354"));
                pump.send("\r\n.\r\n");
            }
            let heard = pump.heard();
            assert!(heard.starts_with(code) && heard.lines().count() == 1, "{question}: {heard}");
            assert_eq!(pump.closed, code.starts_with("421"));
            assert!(pump.letters.is_empty());
        }
    }
    let mut pump = Pump::ready(Role::Submissions);
    let locked = Refusal::SendingLocked { reason: Reason::Terms, text: None, until: None };
    pump.refuse.insert("sender", locked);
    pump.expect("MAIL FROM:<alice@foo.com>", "550 5.7.1");
}

proptest! {
    #[test]
    fn any_letter_comes_back_the_same(
        lines in prop::collection::vec(
            prop::collection::vec(any::<u8>().prop_filter("no line ends", |b| !b"\r\n".contains(b)), 0..30), 0..12),
        dots in any::<bool>(),
        piece in 1usize..40,
        chunk in 1usize..60,
    ) {
        let dot: &[u8] = if dots { b"." } else { b"" };
        let letter: Vec<u8> = lines.iter().flat_map(|line| [dot, line, b"\r\n"].concat()).collect();
        let mut pump = Pump::ready_with(Role::Mx, |settings| settings.hops = usize::MAX);
        pump.piece = piece;
        prop_assert!(by_data(&mut pump, &letter).starts_with("250"));
        prop_assert!(by_bdat(&mut pump, &letter, chunk).starts_with("250"));
        prop_assert_eq!(pump.letters[0].sent(), &letter);
        prop_assert_eq!(pump.letters[1].sent(), &letter);
    }

    #[test]
    fn no_input_makes_the_session_panic(
        pieces in prop::collection::vec(prop_oneof![
            prop::sample::select(vec![
                "EHLO a\r\n", "MAIL FROM:<alice@foo.com>\r\n", "RCPT TO:<bob@foo.com>\r\n", "DATA\r\n", "BDAT 5\r\n",
                "BDAT 0 LAST\r\n", "RSET\r\n", ".\r\n", "\r\n", "AUTH PLAIN\r\n", "*\r\n", "From: bob@foo.com\r\n",
                "BDAT 18446744073709551615\r\n",
            ]).prop_map(|text| text.as_bytes().to_vec()),
            prop::collection::vec(any::<u8>(), 0..20),
        ], 0..40),
        size in 1usize..30,
    ) {
        let mut pump = Pump::ready_with(Role::Submissions, |settings| settings.errors = 1000);
        pump.piece = size;
        pump.send(pieces.concat());
    }
}
