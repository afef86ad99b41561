//! A protocol of a few words that uses everything a session can ask for.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use actix::Recipient;
use postern_actors::order::Tell;
use postern_model::{AccountId, LetterId, Timestamp};
use tokio::sync::Notify;

use super::super::arrival::Visitor;
use super::super::door::{Door, Link};
use super::super::outlet::Outlet;
use super::super::session::{Output, Session, Step, TlsInfo};

/// What a test can see and touch of all sessions.
#[derive(Clone, Default)]
pub(super) struct Traces {
    /// Sessions alive.
    pub(super) alive: Arc<AtomicUsize>,
    /// Inbox of the session that said `inbox` last.
    pub(super) inbox: Arc<Mutex<Option<Recipient<Tell>>>>,
    /// Sessions that have said `linger`.
    pub(super) lingering: Arc<AtomicUsize>,
    /// Commands that were heard and not answered.
    pub(super) heard: Arc<AtomicUsize>,
    /// Lets a session go on that said `linger`.
    pub(super) release: Arc<Notify>,
}

pub(super) struct Toy {
    visitor: Visitor,
    traces: Traces,
    line: Vec<u8>,
    tls: Option<TlsInfo>,
    opened: Timestamp,
    /// A letter's first piece is enough.
    peek: bool,
}

pub(super) enum Ask {
    Echo(String),
    Login(String),
    Inbox(Traces),
    Linger(Traces),
    Encrypted,
    Seal,
}

impl Toy {
    pub(super) fn new(visitor: Visitor, traces: Traces) -> Toy {
        traces.alive.fetch_add(1, Ordering::SeqCst);
        Toy { visitor, traces, line: Vec::new(), tls: None, opened: Timestamp::default(), peek: false }
    }

    fn command(&mut self, line: &str, out: &mut Output<Ask>) {
        let (verb, argument) = line.split_once(' ').unwrap_or((line, ""));
        match verb {
            "echo" => say(out, argument),
            "ask" => out.step = Some(Step::Ask(Ask::Echo(argument.to_owned()))),
            "login" => out.step = Some(Step::Ask(Ask::Login(argument.to_owned()))),
            "inbox" => out.step = Some(Step::Ask(Ask::Inbox(self.traces.clone()))),
            "linger" => out.step = Some(Step::Ask(Ask::Linger(self.traces.clone()))),
            "encrypted" => out.step = Some(Step::Ask(Ask::Encrypted)),
            "who" => say(out, &format!("{} {}", self.visitor.client.ip(), self.visitor.server.port())),
            "tls" => say(out, &format!("{:?}", self.tls)),
            "body" => out.body.extend_from_slice(argument.as_bytes()),
            "seal" => out.step = Some(Step::Ask(Ask::Seal)),
            "hush" => {
                self.traces.heard.fetch_add(1, Ordering::SeqCst);
            }
            "peek" => {
                self.peek = true;
                out.step = Some(Step::Send { account: AccountId(1), letter: LetterId(1), next: None });
            }
            "send" => out.step = Some(Step::Send { account: AccountId(1), letter: LetterId(1), next: None }),
            "flood" => out.bytes.resize(out.bytes.len() + argument.parse().unwrap_or(0), b'.'),
            "starttls" => {
                say(out, "go");
                out.step = Some(Step::StartTls);
            }
            "compress" => {
                say(out, "go");
                out.step = Some(Step::Compress);
            }
            "panic" => panic!("{argument}"),
            "quit" => {
                say(out, "bye");
                out.step = Some(Step::Close);
            }
            _ => say(out, "what?"),
        }
    }
}

fn say(out: &mut Output<Ask>, text: &str) {
    out.bytes.extend_from_slice(text.as_bytes());
    out.bytes.extend_from_slice(b"\r\n");
}

impl Drop for Toy {
    fn drop(&mut self) {
        self.traces.alive.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Session for Toy {
    type Ask = Ask;
    type Answer = String;

    fn open(&mut self, now: Timestamp, out: &mut Output<Ask>) {
        self.opened = now;
        say(out, "hello");
    }

    fn input(&mut self, _: Timestamp, bytes: &[u8], out: &mut Output<Ask>) -> usize {
        let mut used = 0;
        // Stops for a step, and also where many answers wait to be written.
        while out.step.is_none() && out.bytes.len() < 1_000_000 && used < bytes.len() {
            let Some(end) = memchr::memchr(b'\n', &bytes[used..]) else {
                self.line.extend_from_slice(&bytes[used..]);
                return bytes.len();
            };
            self.line.extend_from_slice(&bytes[used..used + end]);
            used += end + 1;
            let line = String::from_utf8_lossy(&std::mem::take(&mut self.line)).trim_end().to_owned();
            self.command(&line, out);
        }
        used
    }

    fn answer(&mut self, _: Timestamp, answer: String, out: &mut Output<Ask>) {
        say(out, &answer);
    }

    fn chunk(&mut self, bytes: &[u8], out: &mut Output<Ask>) -> bool {
        out.bytes.extend_from_slice(bytes);
        !self.peek
    }

    fn sent(&mut self, _: Timestamp, whole: bool, out: &mut Output<Ask>) {
        say(out, if whole { "sent" } else { "failed" });
    }

    fn secured(&mut self, _: Timestamp, tls: TlsInfo, _: &mut Output<Ask>) {
        self.line.clear();
        self.tls = Some(tls);
    }

    fn told(&mut self, _: Timestamp, tell: Tell, out: &mut Output<Ask>) {
        say(out, &format!("told {tell:?}"));
        if tell == Tell::Stopping {
            out.step = Some(Step::Close);
        }
    }

    fn expired(&mut self, now: Timestamp, out: &mut Output<Ask>) {
        say(out, &format!("expired after {}", now.since(self.opened).as_secs()));
        out.step = Some(Step::Close);
    }

    fn deadline(&self, last_byte: Timestamp) -> Timestamp {
        last_byte.plus(Duration::from_secs(600)).min(self.opened.plus(Duration::from_secs(3_600)))
    }
}

impl Door for Toy {
    async fn perform(ask: Ask, link: &mut Link, _: &mut Outlet<'_>) -> String {
        match ask {
            Ask::Echo(text) => text,
            Ask::Login(address) => {
                link.logged_in(&address);
                "welcome".to_owned()
            }
            Ask::Inbox(traces) => {
                *traces.inbox.lock().expect("unpoisoned") = Some(link.session.inbox.clone());
                "noted".to_owned()
            }
            Ask::Linger(traces) => {
                traces.lingering.fetch_add(1, Ordering::SeqCst);
                traces.release.notified().await;
                "released".to_owned()
            }
            Ask::Encrypted => link.tls.to_string(),
            Ask::Seal => match link.inbound.take() {
                Some(inbound) => match inbound.seal().await {
                    Ok(_) => "sealed".to_owned(),
                    Err(error) => error.to_string(),
                },
                None => "nothing".to_owned(),
            },
        }
    }
}
