//! Milters of all kinds.

use super::servers::{Milter, Says};
use super::*;

const ALL: u32 = 0x33;

async fn judged(actions: u32, protocol: u32, says: Says) -> (Opinion, Milter) {
    let milter = Milter::new(actions, protocol, says).await;
    let opinion = ask(&milter.place, &visit(), LETTER).await;
    (opinion, milter)
}

fn go_on(command: u8, _: &[u8]) -> Vec<(u8, Vec<u8>)> {
    match command {
        b'D' | b'Q' => Vec::new(),
        _ => vec![(b'c', Vec::new())],
    }
}

#[actix_rt::test]
async fn the_whole_dialogue_is_held_in_order() {
    let (opinion, milter) = judged(0, 0, go_on).await;
    assert_eq!(opinion, Opinion::default());
    assert!(
        "OCHMRRTLLLLNBEQ".starts_with(&milter.commands()) && milter.commands().len() >= 14,
        "{}",
        milter.commands()
    );
    assert_eq!(milter.told(b'C'), ["[192.0.2.7]\x004\0\x00192.0.2.7\0"]);
    assert_eq!(milter.told(b'H'), ["mail.example.org\0"]);
    assert_eq!(milter.told(b'M'), [format!("<eve@example.org>\0SIZE={}\0", LETTER.len())]);
    assert_eq!(milter.told(b'R'), ["<alice@demo.test>\0", "<bob@demo.test>\0"]);
    assert_eq!(milter.told(b'L')[1], "Subject\0hello\0");
    assert_eq!(milter.told(b'B'), ["body\r\n"]);
    let macros = milter.told(b'D').concat();
    for known in [
        "j\0mx.demo.test\0",
        "_\0[192.0.2.7]\0",
        "{daemon_name}\0MTA\0",
        "i\0abc\0",
        "{tls_version}\0TLSv1.3\0",
        "{rcpt_addr}\0bob@demo.test\0",
    ] {
        assert!(macros.contains(known), "{known:?} in {macros:?}");
    }
}

#[actix_rt::test]
async fn steps_are_left_out_or_not_answered_as_agreed() {
    let no_envelope = 0x1 | 0x2 | 0x4 | 0x8 | 0x200;
    let says: Says = |command, _| match command {
        b'N' | b'E' => vec![(b'c', Vec::new())],
        _ => Vec::new(),
    };
    // Fields and body are told and not answered; the space behind the colon stays.
    let (opinion, milter) = judged(0, no_envelope | 0x80 | 0x8_0000 | 0x10_0000, says).await;
    assert_eq!(opinion, Opinion::default());
    assert!(milter.commands().starts_with("OLLLLNBE"), "{}", milter.commands());
    assert_eq!(milter.told(b'L')[1], "Subject\0 hello\0");
}

#[actix_rt::test]
async fn who_skips_gets_no_more_of_the_same() {
    let says: Says = |command, data| match command {
        b'L' | b'B' => vec![(b's', Vec::new())],
        command => go_on(command, data),
    };
    let milter = Milter::new(0, 0x400, says).await;
    let letter = [LETTER, &vec![b'x'; 200_000]].concat();
    assert_eq!(ask(&milter.place, &visit(), &letter).await, Opinion::default());
    assert!(milter.commands().contains("TLNBE"), "{}", milter.commands());
    assert_eq!(milter.told(b'B')[0].len(), 65_535);
}

#[actix_rt::test]
async fn every_stage_may_decide() {
    let cases: [(Says, Action); 8] = [
        (|c, d| if c == b'C' { vec![(b'r', vec![])] } else { go_on(c, d) }, refused(true, None)),
        (|c, d| if c == b'H' { vec![(b'a', vec![])] } else { go_on(c, d) }, Action::Accept),
        (|c, d| if c == b'M' { vec![(b't', vec![])] } else { go_on(c, d) }, refused(false, None)),
        (
            |c, d| {
                if c == b'R' && d.starts_with(b"<bob") {
                    vec![(b'y', b"550 5.7.1 Not bob\0".to_vec())]
                } else {
                    go_on(c, d)
                }
            },
            refused(true, Some("Not bob")),
        ),
        (|c, d| if c == b'L' { vec![(b'd', vec![])] } else { go_on(c, d) }, Action::Discard),
        (|c, d| if c == b'N' { vec![(b'4', vec![])] } else { go_on(c, d) }, refused(false, None)),
        (|c, d| if c == b'B' { vec![(b'f', vec![])] } else { go_on(c, d) }, refused(false, None)),
        (
            |c, d| if c == b'E' { vec![(b'p', vec![]), (b'y', b"451 Wait\0".to_vec())] } else { go_on(c, d) },
            refused(false, Some("Wait")),
        ),
    ];
    for (n, (says, verdict)) in cases.into_iter().enumerate() {
        let (opinion, _) = judged(ALL, 0, says).await;
        assert_eq!(opinion, Opinion { action: verdict, edits: Edits::default() }, "case {n}");
    }
}

#[actix_rt::test]
async fn at_the_end_the_letter_is_changed() {
    let says: Says = |command, data| match command {
        b'E' => vec![
            (b'h', b"X-Added\0last\0".to_vec()),
            (b'i', b"\0\0\0\x01X-First\0one\n two\0".to_vec()),
            (b'm', b"\0\0\0\x01Subject\0changed\0".to_vec()),
            (b'm', b"\0\0\0\x01X-Spam-Status\0\0".to_vec()),
            (b'b', b"new ".to_vec()),
            (b'p', Vec::new()),
            (b'b', b"body\r\n".to_vec()),
            (b'q', b"odd\0".to_vec()),
            (b'c', Vec::new()),
        ],
        command => go_on(command, data),
    };
    let (opinion, _) = judged(ALL, 0, says).await;
    assert_eq!(opinion.action, Action::Quarantine);
    assert_eq!(
        edited(LETTER, &opinion.edits),
        "X-First: one\r\n two\r\nFrom: eve@example.org\r\nSubject: changed\r\nTo: alice@demo.test\r\nX-Added: last\r\n\r\nnew body\r\n"
    );
}

#[actix_rt::test]
async fn who_breaks_the_rules_changes_nothing() {
    let cases: [(u32, Says); 11] = [
        // Nothing was agreed upon.
        (0, |c, d| if c == b'E' { vec![(b'h', b"X\0y\0".to_vec()), (b'c', vec![])] } else { go_on(c, d) }),
        (0, |c, d| if c == b'E' { vec![(b'b', b"x".to_vec()), (b'c', vec![])] } else { go_on(c, d) }),
        (0, |c, d| if c == b'E' { vec![(b'q', b"x\0".to_vec()), (b'c', vec![])] } else { go_on(c, d) }),
        // Recipients stay.
        (ALL, |c, d| if c == b'E' { vec![(b'+', b"<x@y>\0".to_vec()), (b'c', vec![])] } else { go_on(c, d) }),
        // Changes come at the end.
        (ALL, |c, d| if c == b'M' { vec![(b'h', b"X\0y\0".to_vec())] } else { go_on(c, d) }),
        (ALL, |c, d| if c == b'E' { vec![(b'i', b"\0\0".to_vec()), (b'c', vec![])] } else { go_on(c, d) }),
        (
            ALL,
            |c, d| {
                if c == b'E' { vec![(b'm', b"\0\0\0\x01X".to_vec()), (b'c', vec![])] } else { go_on(c, d) }
            },
        ),
        (
            ALL,
            |c, d| if c == b'E' { vec![(b'h', b"a b\0y\0".to_vec()), (b'c', vec![])] } else { go_on(c, d) },
        ),
        // A body without end, and changes without end.
        (ALL, |c, d| if c == b'E' { vec![(b'b', vec![b'x'; 65_535]); 17] } else { go_on(c, d) }),
        (ALL, |c, d| if c == b'E' { vec![(b'p', vec![]); 10_001] } else { go_on(c, d) }),
        (ALL, |c, d| if c == b'M' { vec![(b'c', vec![0; 1 << 20])] } else { go_on(c, d) }),
    ];
    for (n, (actions, says)) in cases.into_iter().enumerate() {
        let (opinion, _) = judged(actions, 0, says).await;
        assert_eq!(opinion, Opinion::default(), "case {n}");
    }
    for (actions, protocol) in [(0x4, 0), (0x40, 0), (0, 0x800), (0, 0x1000_0000)] {
        let (opinion, milter) = judged(actions, protocol, go_on).await;
        assert_eq!(
            (opinion, milter.commands()),
            (Opinion::default(), "O".to_owned()),
            "{actions:#x} {protocol:#x}"
        );
    }
}

#[actix_rt::test]
async fn a_milter_that_is_at_work_and_falls_silent_is_left() {
    let says: Says = |command, data| match command {
        b'E' => vec![(b'p', Vec::new())],
        command => go_on(command, data),
    };
    let milter = Milter::new(0, 0, says).await;
    let screen = Screen { timeout: Duration::from_millis(50), ..screen(&[milter.place.clone()]) };
    assert_eq!(chain(&screen).judge(&visit(), LETTER, "").await, Opinion::default());
}

#[actix_rt::test]
async fn a_unix_socket_is_as_good() {
    let dir = tempfile::tempdir().expect("a directory");
    let place = format!("milter:unix:{}", dir.path().join("gone.sock").display());
    assert_eq!(ask(&place, &visit(), LETTER).await, Opinion::default(), "nobody listens");
}
