//! Where commands end, however the stream is cut.

use proptest::prelude::*;

use crate::imap::grammar::{Command, Frame, Framer, Limits, Malformed};

const LIMITS: Limits = Limits { command: 256, message: 1_000 };

/// What was seen of a stream, with letters put together again.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Seen {
    Command(String),
    Malformed(Malformed),
    Continue,
    Message { index: usize, octets: u64, to: String },
    Letter(Vec<u8>),
    Drained,
    Hopeless,
}

/// Feeds a stream in pieces; letters are wanted or not.
fn read<'a>(pieces: impl IntoIterator<Item = &'a [u8]>, wanted: bool) -> Vec<Seen> {
    let (mut framer, mut seen, mut letter) = (Framer::default(), Vec::new(), Vec::new());
    for piece in pieces {
        let mut rest = piece;
        loop {
            let (used, frame) = framer.feed(rest, &LIMITS, false);
            let Some(frame) = frame else {
                assert_eq!(used, rest.len(), "all is used where nothing is found");
                break;
            };
            match frame {
                Frame::Command(tagged) => {
                    let name = format!("{:?}", tagged.command);
                    let name = name.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default();
                    seen.push(Seen::Command(format!("{} {name}", tagged.tag.as_str())));
                }
                Frame::Malformed(failure) => seen.push(Seen::Malformed(failure)),
                Frame::Continue => seen.push(Seen::Continue),
                Frame::Message(message) => {
                    seen.push(Seen::Message {
                        index: message.index,
                        octets: message.octets,
                        to: message.mailbox.to_string(),
                    });
                    if wanted { framer.accept() } else { framer.refuse() }
                }
                Frame::Octets(range) => letter.extend_from_slice(&rest[range]),
                Frame::MessageEnd => seen.push(Seen::Letter(std::mem::take(&mut letter))),
                Frame::Drained => seen.push(Seen::Drained),
                Frame::Hopeless => seen.push(Seen::Hopeless),
            }
            rest = &rest[used..];
        }
    }
    seen
}

fn whole(stream: &[u8], wanted: bool) -> Vec<Seen> {
    read([stream], wanted)
}

fn command(text: &str) -> Seen {
    Seen::Command(text.to_owned())
}

fn message(index: usize, octets: u64) -> Seen {
    Seen::Message { index, octets, to: "Sent".to_owned() }
}

fn malformed(tag: Option<&str>, at: usize, expected: &'static str) -> Seen {
    let tag = tag.map(|tag| {
        let line = format!("{tag} NOOP\r\n");
        crate::imap::grammar::parse(line.as_bytes(), false).expect("a command").tag
    });
    Seen::Malformed(Malformed { tag, at, expected })
}

#[test]
fn lines_and_held_literals_make_commands() {
    let stream = b"a NOOP\r\nb LOGIN {3}\r\nann {2+}\r\n\r\n\r\nc LOGIN {0+}\r\n ~{1}\r\nx\r\nd CHECK\r\n";
    let want = [
        command("a Noop"),
        Seen::Continue,
        command("b Login"),
        Seen::Continue,
        command("c Login"),
        command("d Check"),
    ];
    assert_eq!(whole(stream, true), want);
}

#[test]
fn letters_are_told_from_other_literals_and_are_not_held() {
    let letter = |text: &str| Seen::Letter(text.as_bytes().to_vec());
    for (stream, want) in [
        ("a APPEND Sent {5}\r\nhello\r\n", vec![message(0, 5), letter("hello"), command("a Append")]),
        ("a APPEND {4+}\r\nSent (\\Seen) {0+}\r\n\r\n", vec![message(0, 0), letter(""), command("a Append")]),
        (
            "a append {4}\r\nSent \"01-Jan-2026 00:00:00 +0000\" ~{2}\r\n\r\n {1+}\r\nx\r\n",
            vec![
                Seen::Continue,
                message(0, 2),
                letter("\r\n"),
                message(1, 1),
                letter("x"),
                command("a Append"),
            ],
        ),
        (
            "a APPEND Sent CATENATE (URL {2+}\r\n/a TEXT {2+}\r\nab URL /b TEXT {1}\r\nc)\r\n",
            vec![message(0, 2), letter("ab"), message(1, 1), letter("c"), command("a Append")],
        ),
        ("a APPEND Sent UTF8 (~{2+}\r\nab)\r\n", vec![message(0, 2), letter("ab"), command("a Append")]),
        ("a REPLACE 4 Sent {2+}\r\nab\r\n", vec![message(0, 2), letter("ab"), command("a Replace")]),
        ("a uid replace * Sent {2+}\r\nab\r\n", vec![message(0, 2), letter("ab"), command("a Replace")]),
    ] {
        assert_eq!(whole(stream.as_bytes(), true), want, "{stream}");
    }
}

#[test]
fn a_refused_letter_goes_by_where_the_client_does_not_wait() {
    let next = "b NOOP\r\n";
    let over = [message(0, 5), command("b Noop")];
    let drained = [message(0, 5), Seen::Drained, command("b Noop")];
    for (stream, want) in [
        // Who waits has sent nothing behind the announcement.
        ("a APPEND Sent {5}\r\n", &over[..]),
        ("a APPEND Sent {5+}\r\nhello\r\n", &drained),
        ("a APPEND Sent {5+}\r\na {9}\r\n", &drained),
        ("a APPEND Sent {5+}\r\nhello {4+}\r\n\r\n\r\n\r\n", &drained),
        // The second waits for `+`, and is answered by the NO.
        ("a APPEND Sent {5+}\r\nhello {300}\r\n", &drained),
    ] {
        assert_eq!(whole(format!("{stream}{next}").as_bytes(), false), want, "{stream}");
    }
}

#[test]
fn what_is_malformed_before_a_letter_is_said_at_once_or_goes_by() {
    let failure = malformed(Some("a"), 9, "a folder's name without an empty level");
    assert_eq!(whole(b"a APPEND x//y {5}\r\nb NOOP\r\n", true), [failure.clone(), command("b Noop")]);
    assert_eq!(whole(b"a APPEND x//y {5+}\r\nb NO\r\r\nb NOOP\r\n", true), [failure, command("b Noop")]);
}

#[test]
fn a_bare_lf_spoils_a_command_and_the_next_begins_behind_it() {
    let failure = |at| malformed(Some("a"), at, "CRLF at the end of the line, not a bare LF");
    assert_eq!(whole(b"a NOOP\nb NOOP\r\n", true), [failure(6), command("b Noop")]);
    // The CR is the literal's.
    assert_eq!(whole(b"a LOGIN x {1+}\r\n\r\nb NOOP\r\n", true), [failure(17), command("b Noop")]);
}

#[test]
fn commands_are_bounded_and_the_next_one_is_understood() {
    let long = malformed(Some("a"), 256, "an end of the command: it is too long");
    let literal = malformed(Some("a"), 14, "a shorter literal");
    let fits = format!("a LOGIN x \"{}\"\r\n", "y".repeat(256 - 14));
    assert_eq!(fits.len(), 256);
    for (stream, want) in [
        (fits.clone(), vec![command("a Login")]),
        (fits.replace('x', "xx"), vec![long.clone()]),
        (format!("a LOGIN x {}\r\n", "y".repeat(9_000)), vec![long.clone()]),
        // Its literal goes by too.
        (format!("a LOGIN x {}{{400+}}\r\n{}\r\n", "y".repeat(300), "b NOOP\r\n".repeat(50)), vec![long]),
        ("a LOGIN {257}\r\n".to_owned(), vec![malformed(Some("a"), 15, "a shorter literal")]),
        (
            format!("a LOGIN {{257+}}\r\n{} {{4+}}\r\n\r\n\r\n\r\n", "z".repeat(257)),
            vec![malformed(Some("a"), 16, "a shorter literal")],
        ),
        ("a CHECK {999}\r\n".to_owned(), vec![malformed(Some("a"), 15, "a shorter literal")]),
        ("a LOGI {300}\r\n".to_owned(), vec![literal]),
    ] {
        let mut want = want;
        want.push(command("b Noop"));
        assert_eq!(whole(format!("{stream}b NOOP\r\n").as_bytes(), true), want, "{stream}");
    }
}

#[test]
fn more_than_is_borne_with_is_hopeless() {
    for stream in [
        "a LOGIN {67108865+}\r\n",
        "a LOGIN {18446744073709551615+}\r\n",
        "a LOGIN {99999999999999999999+}\r\n",
        "a APPEND x//y {67108865+}\r\n",
    ] {
        assert_eq!(whole(format!("{stream}b NOOP\r\n").as_bytes(), true), [Seen::Hopeless], "{stream}");
    }
    let refused = whole(b"a APPEND Sent {67108865+}\r\nb NOOP\r\n", false);
    assert_eq!(refused, [message(0, 67_108_865), Seen::Hopeless]);
    // The sum counts.
    let mut two = b"a APPEND Sent {67108864+}\r\n".to_vec();
    two.resize(two.len() + 67_108_864, b'x');
    two.extend_from_slice(b" {1+}\r\nx\r\nb NOOP\r\n");
    assert_eq!(whole(&two, false), [message(0, 67_108_864), Seen::Hopeless]);
}

#[test]
fn many_literals_are_too_many() {
    let limits = Limits { command: 1 << 20, message: 0 };
    let stream = format!("a SEARCH {}", "{0+}\r\n ".repeat(1_001));
    let (used, frame) = Framer::default().feed(format!("{stream}\r\n").as_bytes(), &limits, false);
    assert_eq!(used, stream.len() + 2);
    let Some(Frame::Malformed(failure)) = frame else { panic!("{frame:?}") };
    assert_eq!(failure.expected, "a command with fewer literals");
}

#[test]
fn between_commands_nothing_is_owned() {
    let mut framer = Framer::default();
    let empty = format!("{framer:?}");
    for stream in ["a NOOP\r\n", "a LOGIN {1+}\r\nx y\r\n", "a NOOP\n", "a APPEND x//y {1}\r\n", "x\r\n"] {
        let (used, frame) = framer.feed(stream.as_bytes(), &LIMITS, false);
        assert_eq!((used, frame.is_some()), (stream.len(), true), "{stream}");
        assert_eq!(format!("{framer:?}"), empty, "{stream}");
        assert_eq!(framer.owned(), 0, "{stream}");
    }
}

#[test]
fn bare_lines_are_read_for_who_waits_for_them() {
    for cut in [1, 2, 3, 100] {
        let (mut framer, mut lines) = (Framer::default(), Vec::new());
        for mut piece in b"DONE\r\n*\r\n\r\n12345\r\n1234567\r\nbare\nDONE\r\n".chunks(cut) {
            while !piece.is_empty() {
                let (used, line) = framer.line(piece, 5);
                lines.extend(line);
                piece = &piece[used..];
            }
        }
        let line = |text: &str| Some(text.as_bytes().to_vec());
        let want = [line("DONE"), line("*"), line(""), line("12345"), None, None, line("DONE")];
        assert_eq!(lines, want, "in pieces of {cut}");
        let (used, frame) = framer.feed(b"a NOOP\r\n", &LIMITS, false);
        let Some(Frame::Command(tagged)) = frame else { panic!("{frame:?}") };
        assert_eq!((used, tagged.command), (8, Command::Noop));
    }
}

#[test]
fn who_forgets_to_decide_has_refused() {
    let mut framer = Framer::default();
    let (_, frame) = framer.feed(b"a APPEND Sent {5}\r\n", &LIMITS, false);
    assert!(matches!(frame, Some(Frame::Message(_))));
    let (_, frame) = framer.feed(b"b NOOP\r\n", &LIMITS, false);
    assert!(matches!(frame, Some(Frame::Command(tagged)) if tagged.command == Command::Noop));
}

/// Pieces of commands that hostile and honest clients send.
fn fragment() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        prop::sample::select(vec![
            "a ",
            "b NOOP",
            "\r\n",
            "\r\n",
            "\n",
            "\r",
            " ",
            "a APPEND Sent ",
            "c APPEND {4+}\r\nSent ",
            "{3}\r\n",
            "{3+}\r\n",
            "~{5+}\r\n",
            "{0+}\r\n",
            "{300+}\r\n",
            "{300}\r\n",
            "{99999999+}\r\n",
            "abc",
            "(",
            ")",
            "(\\Seen) ",
            "CATENATE (",
            "TEXT ",
            "URL /x ",
            "UTF8 (",
            "d LOGIN ",
            "e UID REPLACE * Sent ",
            "\"",
            "\"x\"",
            "{",
            "+}\r\n",
            "SEARCH TEXT ",
            "\0",
            "\u{e9}",
        ])
        .prop_map(|text| text.as_bytes().to_vec()),
        prop::collection::vec(any::<u8>(), 0..8),
        (0..400_usize).prop_map(|n| vec![b'x'; n]),
    ]
}

proptest! {
    #[test]
    fn frames_do_not_depend_on_how_the_stream_is_cut(
        fragments in prop::collection::vec(fragment(), 0..24),
        cuts in prop::collection::vec(1..40_usize, 1..16),
        wanted: bool,
    ) {
        let mut stream = fragments.concat();
        stream.extend_from_slice(b"\r\n");
        let mut pieces = Vec::new();
        let (mut rest, mut cuts) = (&stream[..], cuts.iter().cycle());
        while !rest.is_empty() {
            let (piece, left) = rest.split_at(rest.len().min(*cuts.next().expect("a cycle does not end")));
            pieces.push(piece);
            rest = left;
        }
        let at_once = whole(&stream, wanted);
        prop_assert_eq!(&read(pieces, wanted), &at_once);
        prop_assert_eq!(&read(stream.chunks(1), wanted), &at_once);
    }

    #[test]
    fn what_is_owned_is_bounded(fragments in prop::collection::vec(fragment(), 0..64)) {
        let mut framer = Framer::default();
        for piece in &fragments {
            let mut rest = &piece[..];
            loop {
                let (used, frame) = framer.feed(rest, &LIMITS, false);
                prop_assert!(framer.owned() <= 2 * LIMITS.command);
                rest = &rest[used..];
                match frame {
                    Some(Frame::Message(_)) => framer.accept(),
                    Some(_) => {}
                    None => break,
                }
            }
        }
    }
}
