//! Any bytes sent as a letter come back the same over POP3, behind the fields that Postern puts in front (SPEC M5).

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::mpsc;
use std::thread::{self, JoinHandle};

use postern::runtime;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use crate::support::script::{DoorKind, Setup};
use crate::support::world::World;

const ALICE: &str = "alice@demo.test";
const PASSWORD: &str = "secret";

/// A server on a thread of its own; ends when dropped.
struct Running {
    smtp: SocketAddr,
    pop3: SocketAddr,
    end: Option<tokio::sync::oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Running {
    fn start() -> Running {
        let setup = Setup::with_account(ALICE, PASSWORD);
        let (addresses, told) = mpsc::channel();
        let (end, ended) = tokio::sync::oneshot::channel();
        let thread = thread::spawn(move || {
            runtime::run(async move {
                let world = World::start(&setup).await;
                let both = (world.address(DoorKind::Smtp), world.address(DoorKind::Pop3));
                addresses.send(both).expect("the test waits");
                // Dropped without a word is an end as well.
                let _ = ended.await;
                world.stop().await;
            });
        });
        let (smtp, pop3) = told.recv().expect("the server starts");
        Running { smtp, pop3, end: Some(end), thread: Some(thread) }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.end.take());
        if let Some(thread) = self.thread.take() {
            thread.join().expect("the server ends well");
        }
    }
}

/// How a letter is sent.
#[derive(Clone, Debug)]
enum By {
    Data,
    /// In chunks of at most so many octets.
    Bdat(usize),
}

/// Lines without a bare CR or LF, which no letter may hold (RFC 5321 §2.3.8).
fn letter() -> impl Strategy<Value = Vec<u8>> {
    let octet = any::<u8>().prop_map(|b| if b == b'\r' || b == b'\n' { b'.' } else { b });
    let line = prop_oneof![
        8 => vec(octet.clone(), 0..80),
        2 => Just(b".".to_vec()),
        2 => Just(b"..".to_vec()),
        1 => Just(Vec::new()),
        1 => vec(octet, 900..5_000),
    ];
    vec(line, 0..40)
        .prop_map(|lines| lines.into_iter().flat_map(|l| [l, b"\r\n".to_vec()].concat()).collect())
}

fn by() -> impl Strategy<Value = By> {
    prop_oneof![Just(By::Data), (1usize..20_000).prop_map(By::Bdat)]
}

#[test]
fn a_letter_comes_back_byte_for_byte_whatever_is_in_it_and_however_it_came() {
    let server = Running::start();
    let mut runner = TestRunner::new(Config { cases: 48, failure_persistence: None, ..Config::default() });
    let outcome = runner.run(&(letter(), by()), |(letter, by)| {
        send(server.smtp, &letter, &by);
        let received = fetch_and_delete(server.pop3);
        let front = received.len().saturating_sub(letter.len());
        prop_assert_eq!(&received[front..], &letter[..], "sent by {:?}", by);
        prop_assert!(is_trace(&received[..front]), "{:?}", String::from_utf8_lossy(&received[..front]));
        Ok(())
    });
    outcome.expect("every letter comes back");
}

/// Nothing but Return-Path and Received stands in front.
fn is_trace(front: &[u8]) -> bool {
    let text = String::from_utf8_lossy(front);
    let names = text.lines().filter(|line| !line.starts_with('\t')).map(|line| line.split(':').next());
    let names: Vec<_> = names.flatten().filter(|name| *name != "Authentication-Results").collect();
    names == ["Return-Path", "Received"]
}

/// A dialogue of lines.
struct Talk(BufReader<TcpStream>);

impl Talk {
    fn with(address: SocketAddr) -> Talk {
        let mut talk = Talk(BufReader::new(TcpStream::connect(address).expect("a door")));
        talk.line();
        talk
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.0.read_line(&mut line).expect("an answer");
        line
    }

    fn say(&mut self, bytes: &[u8]) {
        self.0.get_mut().write_all(bytes).expect("the server listens");
    }

    /// Says a line and expects an answer that begins so; `250-` lines are read to their end.
    fn ask(&mut self, command: &str, expected: &str) -> String {
        self.say(format!("{command}\r\n").as_bytes());
        self.expect(expected)
    }

    fn expect(&mut self, expected: &str) -> String {
        loop {
            let line = self.line();
            assert!(line.starts_with(expected), "{line}");
            if line.as_bytes().get(3) != Some(&b'-') || expected.starts_with('+') {
                return line;
            }
        }
    }
}

fn send(smtp: SocketAddr, letter: &[u8], by: &By) {
    let mut talk = Talk::with(smtp);
    talk.ask("EHLO client.test", "250");
    talk.ask("MAIL FROM:<bob@else.test> BODY=8BITMIME", "250");
    talk.ask(&format!("RCPT TO:<{ALICE}>"), "250");
    match by {
        By::Data => {
            talk.ask("DATA", "354");
            for line in letter.split_inclusive(|b| *b == b'\n') {
                if line.starts_with(b".") {
                    talk.say(b".");
                }
                talk.say(line);
            }
            talk.ask(".", "250");
        }
        By::Bdat(size) => {
            for chunk in letter.chunks(*size) {
                talk.say(format!("BDAT {}\r\n", chunk.len()).as_bytes());
                talk.say(chunk);
                talk.expect("250");
            }
            talk.ask("BDAT 0 LAST", "250");
        }
    }
    talk.ask("QUIT", "221");
}

fn fetch_and_delete(pop3: SocketAddr) -> Vec<u8> {
    let mut talk = Talk::with(pop3);
    talk.ask(&format!("USER {ALICE}"), "+OK");
    talk.ask(&format!("PASS {PASSWORD}"), "+OK");
    let listed = talk.ask("LIST 1", "+OK 1 ");
    let octets: usize = listed.trim().rsplit(' ').next().and_then(|n| n.parse().ok()).expect("a size");
    talk.ask("RETR 1", "+OK");
    let mut letter = Vec::new();
    loop {
        let mut line = Vec::new();
        talk.0.read_until(b'\n', &mut line).expect("a line");
        match &line[..] {
            b".\r\n" => break,
            [b'.', rest @ ..] => letter.extend_from_slice(rest),
            line => letter.extend_from_slice(line),
        }
    }
    assert_eq!(letter.len(), octets, "LIST tells the exact size");
    talk.ask("DELE 1", "+OK");
    talk.ask("QUIT", "+OK");
    let mut rest = Vec::new();
    talk.0.read_to_end(&mut rest).expect("the server closes");
    letter
}
