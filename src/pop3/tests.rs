//! The session against a made-up world: whatever can't be met by a transcript, and every step that may fail.

use std::sync::{Arc, Weak};
use std::time::Duration;

use postern_actors::order::{Drop, Proof, Tell};
use postern_model::{AccountId, LetterId, Protocol, Timestamp, Uid, UidValidity};
use postern_policy::Refusal;

use super::{Answer, Ask, Opened, Pop3, Settings};
use crate::net::session::{Output, Session, Step, TlsInfo};
use crate::wording::Places;

/// Stands for the right to the maildrop.
type Right = Arc<()>;

fn settings() -> Settings {
    let places = Places {
        web: "https://demo.test/".into(),
        support: "https://demo.test/help".into(),
        zone: jiff::tz::TimeZone::UTC,
    };
    Settings { legacy_plaintext: true, ..Settings::new("mail.demo.test".into(), places) }
}

fn tls() -> TlsInfo {
    TlsInfo {
        version: "TLSv1.3",
        cipher: "TLS13_AES_256_GCM_SHA384",
        exporter: Some([7; 32]),
        server_name: None,
    }
}

/// A client, the driver between it and the session, and a server that knows one password.
struct World {
    session: Pop3<Right>,
    letters: Vec<Vec<u8>>,
    foreign_uidls: Vec<(u32, Box<str>)>,
    /// What QUIT gets.
    update: Result<(), Refusal>,
    /// The octet at which a letter's body breaks off.
    breaks_at: Option<usize>,
    deleted: Vec<Uid>,
    lease: Weak<()>,
    most_unsent: usize,
    closed: bool,
    told_while_asked: Option<Tell>,
    /// What each RETR and TOP named as the letter behind.
    behind: Vec<Option<LetterId>>,
}

const START: Timestamp = Timestamp(1_000_000_000);

impl World {
    fn new(settings: Settings, letters: &[&[u8]]) -> World {
        World {
            session: Pop3::new(Arc::new(settings)),
            letters: letters.iter().map(|l| l.to_vec()).collect(),
            foreign_uidls: Vec::new(),
            update: Ok(()),
            breaks_at: None,
            deleted: Vec::new(),
            lease: Weak::new(),
            most_unsent: 0,
            closed: false,
            told_while_asked: None,
            behind: Vec::new(),
        }
    }

    /// A world whose client has logged in.
    fn logged_in(letters: &[&[u8]]) -> World {
        let mut world = World::new(settings(), letters);
        world.open();
        let said = world.say("USER alice@demo.test\r\nPASS secret\r\n");
        assert!(said.ends_with("octets)\r\n"), "{said}");
        world
    }

    fn open(&mut self) -> String {
        let mut out = Output::default();
        self.session.open(START, &mut out);
        String::from_utf8(out.bytes).expect("the greeting is text")
    }

    /// Sends bytes in one piece; what came back.
    fn say(&mut self, input: impl AsRef<[u8]>) -> String {
        let mut rest = input.as_ref();
        let mut said = Vec::new();
        while !rest.is_empty() && !self.closed {
            let mut out = Output::default();
            let used = self.session.input(START, rest, &mut out);
            rest = &rest[used..];
            let tls = self.drive(out, &mut said);
            if tls {
                rest = &[];
            }
        }
        String::from_utf8_lossy(&said).into_owned()
    }

    fn tell(&mut self, tell: Tell) -> String {
        let mut said = Vec::new();
        let mut out = Output::default();
        self.session.told(START, tell, &mut out);
        self.drive(out, &mut said);
        String::from_utf8_lossy(&said).into_owned()
    }

    /// Does what the session wants; whether that was TLS, behind which everything is thrown away.
    fn drive(&mut self, mut out: Output<Ask<Right>>, said: &mut Vec<u8>) -> bool {
        loop {
            self.most_unsent = self.most_unsent.max(out.bytes.len());
            said.append(&mut out.bytes);
            match out.step.take() {
                None => return false,
                Some(Step::Close) => {
                    self.closed = true;
                    return false;
                }
                Some(Step::Compress) => panic!("POP3 compresses nothing"),
                Some(Step::StartTls) => {
                    self.session.secured(START, tls(), &mut out);
                    return true;
                }
                Some(Step::Ask(ask)) => {
                    if let Some(tell) = self.told_while_asked.take() {
                        self.session.told(START, tell, &mut out);
                        assert!(out.step.is_none() && out.bytes.is_empty(), "nothing in between");
                    }
                    let answer = self.answer(ask);
                    self.session.answer(START, answer, &mut out);
                }
                Some(Step::Send { letter, next, .. }) => {
                    self.behind.push(next);
                    self.stream(letter, &mut out, said);
                }
            }
        }
    }

    fn stream(&mut self, letter: LetterId, out: &mut Output<Ask<Right>>, said: &mut Vec<u8>) {
        let body = self.letters[usize::try_from(letter.0).expect("a small number")].clone();
        let end = self.breaks_at.unwrap_or(body.len());
        for piece in body[..end].chunks(50) {
            let more = self.session.chunk(piece, out);
            said.append(&mut out.bytes);
            if !more {
                break;
            }
        }
        self.session.sent(START, self.breaks_at.is_none(), out);
    }

    fn answer(&mut self, ask: Ask<Right>) -> Answer<Right> {
        match ask {
            Ask::Drain => Answer::Drained,
            Ask::Keys { .. } => Answer::Keys(Err(Refusal::Unavailable)),
            Ask::Update { deletions, .. } => {
                if self.update.is_ok() {
                    self.deleted = deletions;
                }
                Answer::Updated(self.update.clone())
            }
            Ask::Login(Proof::Password { user, password }) if password.as_str() == "secret" => {
                Answer::Login(Ok(Box::new(self.admit(&user))))
            }
            Ask::Login(_) => Answer::Login(Err(Refusal::BadCredentials { bare_name: false })),
        }
    }

    fn admit(&mut self, user: &str) -> Opened<Right> {
        let held = Right::default();
        self.lease = Arc::downgrade(&held);
        let drop = |(index, letter): (usize, &Vec<u8>)| Drop {
            uid: Uid(u32::try_from(index).expect("few letters") + 1),
            size: u32::try_from(letter.len()).expect("short letters"),
            letter: LetterId(index as u64),
        };
        Opened {
            account: AccountId(1),
            address: user.into(),
            plan: "free".into(),
            letters: self.letters.iter().enumerate().map(drop).collect(),
            uid_validity: UidValidity(0x10),
            foreign_uidls: self.foreign_uidls.clone(),
            held,
        }
    }

    fn expire(&mut self) -> String {
        let mut said = Vec::new();
        let mut out = Output::default();
        self.session.expired(START, &mut out);
        self.drive(out, &mut said);
        String::from_utf8_lossy(&said).into_owned()
    }
}

#[test]
fn a_session_is_the_same_in_any_pieces() {
    let dialogue = "CAPA\r\nuser alice@demo.test\r\nPASS secret\r\nSTAT\r\nLIST\r\nUIDL 1\r\nTOP 1 1\r\nRETR 1\r\nDELE 1\r\nRETR 1\r\nSTAT\r\nRSET\r\nDELE 2\r\nNOOP\r\nQUIT\r\n";
    let letters: [&[u8]; 2] = [b"a: b\r\n\r\n.1\r\n2\r\n", b"c"];
    let mut whole = World::new(settings(), &letters);
    let expected = whole.say(dialogue);
    assert!(expected.contains("+OK 15 octets\r\na: b\r\n\r\n..1\r\n2\r\n.\r\n"), "{expected}");
    assert!(expected.ends_with("signing off (1 messages left)\r\n"), "{expected}");
    for step in 1..20 {
        let mut world = World::new(settings(), &letters);
        let said: String = dialogue.as_bytes().chunks(step).map(|piece| world.say(piece)).collect();
        assert_eq!(said, expected, "in pieces of {step}");
        assert_eq!(world.deleted, [Uid(2)]);
        assert!(world.closed);
    }
}

#[test]
fn deletions_that_are_not_durable_are_no_success() {
    for (refusal, code) in [
        (Refusal::Unavailable, "-ERR [SYS/TEMP]"),
        (Refusal::StoreFull, "-ERR [SYS/TEMP]"),
        (Refusal::InUse, "-ERR [IN-USE]"),
    ] {
        let mut world = World::logged_in(&[b"a\r\n"]);
        world.update = Err(refusal);
        let said = world.say("DELE 1\r\nQUIT\r\n");
        assert!(said.contains(&format!("deleted\r\n{code}")), "{said}");
        assert!(world.closed);
    }
}

#[test]
fn the_lease_goes_with_the_session() {
    for end in ["QUIT\r\n", ""] {
        let mut world = World::logged_in(&[b"a\r\n"]);
        assert!(world.lease.upgrade().is_some());
        world.say(end);
        if end.is_empty() {
            assert_eq!(world.expire(), "", "autologout says nothing");
        }
        assert!(world.closed && world.lease.upgrade().is_none());
    }
}

#[test]
fn half_a_letter_never_looks_whole() {
    let mut world = World::logged_in(&[b"subject: x\r\n\r\nbody\r\n"]);
    world.breaks_at = Some(12);
    let said = world.say("RETR 1\r\nNOOP\r\n");
    assert_eq!(said, "+OK 20 octets\r\nsubject: x\r\n");
    assert!(world.closed);

    let mut world = World::logged_in(&[b"subject: x\r\n\r\nbody\r\n"]);
    world.breaks_at = Some(0);
    let said = world.say("RETR 1\r\nNOOP\r\n");
    assert!(said.starts_with("-ERR [SYS/TEMP] ") && said.ends_with("\r\n+OK\r\n"), "{said}");
}

#[test]
fn what_was_told_is_the_answer_to_the_next_command() {
    let off = Refusal::AccessOff { protocol: Protocol::Pop3, reason: None, text: None };
    for (tell, code) in [(Tell::Closed(off), "-ERR [SYS/PERM]"), (Tell::TakenOver, "-ERR [IN-USE]")] {
        for command in ["NOOP\r\n", "QUIT\r\n", "no command\r\n"] {
            let mut world = World::logged_in(&[b"a\r\n"]);
            world.say("DELE 1\r\n");
            assert_eq!(world.tell(tell.clone()), "");
            assert!(world.lease.upgrade().is_none(), "the mailbox is free at once");
            let said = world.say(command);
            assert!(said.starts_with(code), "{command:?}: {said}");
            assert!(world.closed && world.deleted.is_empty());
        }
    }
    let mut world = World::logged_in(&[b"a\r\n"]);
    assert!(world.tell(Tell::Stopping).starts_with("-ERR [SYS/TEMP]"));
    assert!(world.closed);
}

#[test]
fn what_is_told_in_the_middle_waits_for_the_answer() {
    let mut world = World::new(settings(), &[b"a\r\n"]);
    world.told_while_asked = Some(Tell::Stopping);
    let said = world.say("USER a@demo.test\r\nPASS secret\r\n");
    assert!(said.contains("+OK a@demo.test's maildrop") && said.contains("-ERR [SYS/TEMP]"), "{said}");
    assert!(world.closed);

    let mut world = World::logged_in(&[b"a\r\n"]);
    world.told_while_asked = Some(Tell::TakenOver);
    world.say("DELE 1\r\nQUIT\r\n");
    assert_eq!(world.deleted, [Uid(1)], "what the mailbox has confirmed is done");
}

#[test]
fn a_flood_of_listings_never_piles_up() {
    let letters: Vec<&[u8]> = vec![b"a\r\n"; 5000];
    let mut world = World::logged_in(&letters);
    let said = world.say("UIDL\r\n".repeat(20));
    assert_eq!(said.matches("\r\n5000 0000001000001388\r\n.\r\n").count(), 20);
    assert!(world.most_unsent < 64 * 1024, "{}", world.most_unsent);
    world.say("CAPA\r\n".repeat(2000));
    assert!(world.most_unsent < 64 * 1024, "{}", world.most_unsent);
}

#[test]
fn errors_and_failed_logins_have_an_end() {
    let mut world = World::logged_in(&[b"a\r\n"]);
    let said = world.say("XYZZY\r\n".repeat(20));
    assert_eq!(said.matches("-ERR").count(), 10);
    assert!(said.ends_with("-ERR too many errors, the limit is 10: closing\r\n") && world.closed);

    let mut world = World::new(settings(), &[]);
    let said = world.say("USER a@demo.test\r\nPASS wrong\r\n".repeat(5));
    assert_eq!(said.matches("-ERR [AUTH]").count(), 3);
    assert!(world.closed);
}

#[test]
fn a_line_is_bounded() {
    let mut world = World::logged_in(&[]);
    let said = world.say(format!("NOOP {}\r\nNOOP\r\n", "x".repeat(5000)));
    assert_eq!(said, "-ERR line too long: the limit is 255 octets with CRLF\r\n+OK\r\n");
    let said = world.say("x".repeat(100_000));
    assert!(said.starts_with("-ERR line too long") && world.closed);
}

#[test]
fn without_tls_no_password_is_read() {
    let mut world = World::new(Settings { legacy_plaintext: false, ..settings() }, &[]);
    let said = world.say("CAPA\r\n");
    assert!(!said.contains("USER\r\nSASL") && said.contains("STLS\r\n"), "{said}");
    for command in ["USER a@demo.test", "PASS secret", "AUTH PLAIN AGEAYg==", "AUTH SCRAM-SHA-256", "AUTH"] {
        let said = world.say(format!("{command}\r\n"));
        assert!(said.starts_with("-ERR [SYS/PERM] passwords are taken over TLS"), "{command}: {said}");
    }
    // What is pipelined behind STLS is thrown away, what was said before it forgotten.
    assert_eq!(
        world.say("LANG lv\r\nSTLS\r\nUSER a@demo.test\r\n"),
        "+OK lv tagad es runāju latviski\r\n+OK sāciet TLS\r\n"
    );
    assert!(world.say("PASS secret\r\n").starts_with("-ERR USER comes first"));
    let said = world.say("CAPA\r\n");
    assert!(said.contains("\r\nUSER\r\nSASL SCRAM-SHA-256-PLUS SCRAM-SHA-256 PLAIN LOGIN\r\n"), "{said}");
    assert!(!said.contains("STLS"), "{said}");
    assert!(world.say("STLS\r\n").starts_with("-ERR TLS is on already"));
}

#[test]
fn the_login_delay_says_for_whom_it_is() {
    let delays = |free, plus| {
        let delay = |(plan, seconds): (&str, u64)| (plan.to_owned(), Duration::from_secs(seconds));
        let login_delays = [("free", free), ("plus", plus)].map(delay).into();
        World::new(Settings { login_delays, ..settings() }, &[])
    };
    // SPEC C3, RFC 2449 §6.5: before the login the largest over all plans, then the account's own.
    let mut world = delays(300, 600);
    assert!(world.say("CAPA\r\n").contains("\r\nLOGIN-DELAY 600 USER\r\n"));
    world.say("USER a@demo.test\r\nPASS secret\r\n");
    assert!(world.say("CAPA\r\n").contains("\r\nLOGIN-DELAY 300\r\n"));
    let mut world = delays(0, 600);
    world.say("USER a@demo.test\r\nPASS secret\r\n");
    assert!(!world.say("CAPA\r\n").contains("LOGIN-DELAY"));
    assert!(!delays(0, 0).say("CAPA\r\n").contains("LOGIN-DELAY"));
}

#[test]
fn letters_keep_the_unique_ids_they_brought() {
    let mut world = World::new(settings(), &[b"a", b"b", b"c", b"d"]);
    world.foreign_uidls = vec![(1, "old-1".into()), (2, "two words".into()), (3, "".into())];
    world.say("USER a@demo.test\r\nPASS secret\r\n");
    let said = world.say("UIDL\r\n");
    assert_eq!(
        said,
        "+OK unique-ids follow\r\n1 0000001000000001\r\n2 old-1\r\n3 0000001000000003\r\n4 0000001000000004\r\n.\r\n"
    );
}

#[test]
fn who_does_not_log_in_is_parted_from() {
    let mut world = World::new(settings(), &[]);
    world.open();
    assert_eq!(world.session.deadline(START), START.plus(Duration::from_secs(60)));
    assert!(world.expire().starts_with("-ERR no login within 60 seconds") && world.closed);
    let mut world = World::logged_in(&[]);
    let later = START.plus(Duration::from_secs(5));
    assert_eq!(world.session.deadline(later), later.plus(Duration::from_secs(600)));
    assert_eq!(world.expire(), "");
}

#[test]
fn an_idle_session_is_small() {
    assert!(size_of::<Pop3>() <= 160, "{}", size_of::<Pop3>());
}

#[test]
fn the_letter_behind_is_named_where_it_may_be_read_ahead() {
    let large = vec![b'x'; 40_000];
    let mut world = World::logged_in(&[b"a\r\n", b"b\r\n", b"c\r\n", &large]);
    world.say("RETR 1\r\nTOP 1 0\r\nRETR 3\r\nRETR 4\r\nDELE 2\r\nRETR 1\r\n");
    // 3 is followed by a large letter, 4 by none, and what is deleted is not asked for.
    assert_eq!(world.behind, [Some(LetterId(1)), None, None, None, None]);
}
