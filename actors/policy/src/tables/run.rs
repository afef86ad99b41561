//! Plays an account's life as its actor would: what is due is done first, then what is asked; every event is applied.

use std::net::IpAddr;
use std::time::Duration;

use postern_model::record::{
    Activity, Actor, Event, LoginRefusal, Reason, SendingLock, Standing, Status, What,
};
use postern_model::{Protocol, Timestamp};

use super::words;
use crate::access::{self, Asker, Attempt, Change, Closing, Figures};
use crate::{Refusal, standing};

/// Plays a table with SPEC's figures.
pub(super) fn play(table: &str) {
    play_with(Figures::default(), table);
}

/// Plays a table.
pub(super) fn play_with(figures: Figures, table: &str) {
    let mut run: Option<Run> = None;
    let lines = table.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    for line in lines {
        let (deed, expected) = line.split_once("->").unwrap_or_else(|| panic!("no '->': {line}"));
        let mut deed = deed.split_whitespace();
        let (date, time) = (deed.next().unwrap_or_default(), deed.next().unwrap_or_default());
        let at = words::parse_time(date, time);
        let run = run.get_or_insert_with(|| Run::new(figures.clone(), at));
        let got = run.line(at, &deed.collect::<Vec<_>>());
        assert_eq!(got, expected.trim(), "\nin: {line}");
    }
    run.expect("a table has lines").replayed();
}

/// Options of a login, as tables write them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Login {
    pub(super) attempt: Attempt,
    /// What the maildrop says to a POP3 login that was let in.
    pub(super) maildrop: Option<LoginRefusal>,
}

impl Login {
    /// One with nothing unusual about it.
    pub(super) fn plain(protocol: Protocol) -> Login {
        let attempt = Attempt {
            protocol,
            from: IpAddr::from([192, 0, 2, 1]),
            tls: true,
            legacy_plaintext: false,
            needs_client_password: false,
            sessions: 0,
            session_limit: 20,
        };
        Login { attempt, maildrop: None }
    }
}

/// An account, and all that happened to it.
#[derive(Clone, Debug)]
pub(super) struct Run {
    pub(super) figures: Figures,
    /// As it was made.
    pub(super) began: Standing,
    pub(super) standing: Standing,
    pub(super) events: Vec<Event>,
    pub(super) now: Timestamp,
    pub(super) closing: Closing,
}

impl Run {
    /// A new account.
    pub(super) fn new(figures: Figures, now: Timestamp) -> Run {
        let standing = Standing {
            status: Status::Active,
            plan: "free".into(),
            created: now,
            access: access::all_off(now),
            lock: None,
            activity: Activity::default(),
        };
        let began = standing.clone();
        Run { figures, began, standing, events: Vec::new(), now, closing: Closing::Goes }
    }

    /// What follows from the events is what the standing is (SPEC A10).
    pub(super) fn replayed(&self) {
        let mut replayed = self.began.clone();
        self.events.iter().for_each(|event| standing::apply(&mut replayed, event));
        assert_eq!(replayed, self.standing);
    }

    fn happened(&mut self, events: Vec<Event>) -> Vec<Event> {
        events.iter().for_each(|event| standing::apply(&mut self.standing, event));
        self.events.extend(events.iter().cloned());
        events
    }

    /// Does what is due now.
    pub(super) fn settle(&mut self) -> Vec<Event> {
        let events = access::on_deadline(&self.standing, &self.figures, self.closing, self.now);
        self.happened(events)
    }

    /// Does what is due before a time, each thing at its own; the clock then shows that time.
    pub(super) fn pass(&mut self, to: Timestamp) -> Vec<Event> {
        let mut all = Vec::new();
        while let Some(due) = access::deadline(&self.standing, &self.figures).filter(|due| *due < to) {
            self.now = self.now.max(due);
            let events = self.settle();
            if events.is_empty() {
                assert_eq!(self.closing, Closing::Held, "a deadline at {due} with nothing to do");
                break;
            }
            all.extend(events);
        }
        self.now = to;
        all
    }

    pub(super) fn asker(&self, by: Actor) -> Asker {
        Asker { by, from: None, now: self.now }
    }

    /// A login of a mail program; the events are the answer's too.
    pub(super) fn login(&mut self, login: Login) -> (Vec<Event>, Result<(), Refusal>) {
        let Login { attempt, maildrop } = login;
        let decision = access::admit(&self.standing, &attempt, &self.figures, self.now);
        let (mut events, mut answer) = (decision.events, decision.answer);
        if answer.is_ok() && attempt.protocol == Protocol::Pop3 {
            assert!(events.is_empty(), "POP3 is not in before it has the maildrop: {events:?}");
            let asker = Asker { from: Some(attempt.from), ..self.asker(Actor::User) };
            let second = Duration::from_secs(1);
            match maildrop {
                None => events = access::came_in(&self.standing, Some(Protocol::Pop3), asker, &self.figures),
                Some(why) => {
                    let too_soon = Refusal::TooSoon { interval: second, retry_after: second };
                    let refusal = if why == LoginRefusal::InUse { Refusal::InUse } else { too_soon };
                    events = access::turned_away(&self.standing, Protocol::Pop3, &refusal, asker);
                    answer = Err(refusal);
                }
            }
        }
        let refusals = events.iter().filter(|event| matches!(event.what, What::LoginRefused { .. })).count();
        let logins = events.iter().filter(|event| matches!(event.what, What::Login { .. })).count();
        assert_eq!((logins, refusals), if answer.is_ok() { (1, 0) } else { (0, 1) }, "{events:?}");
        (self.happened(events), answer)
    }

    /// A login on the web.
    pub(super) fn web(&mut self) -> Vec<Event> {
        self.happened(access::came_in(&self.standing, None, self.asker(Actor::User), &self.figures))
    }

    pub(super) fn change(
        &mut self,
        by: Actor,
        change: &Change,
        protocols: &[Protocol],
        text: Option<String>,
    ) -> Result<Vec<Event>, (Protocol, access::ChangeError)> {
        let asker = self.asker(by);
        let events = access::change(&self.standing, change, protocols, text, asker, &self.figures)?;
        Ok(self.happened(events))
    }

    pub(super) fn set_status(&mut self, status: Status) -> Vec<Event> {
        self.happened(access::set_status(&self.standing, status, self.asker(Actor::Operator)))
    }

    /// Locks sending for so long; without it until somebody unlocks.
    pub(super) fn lock(&mut self, by: Actor, reason: Reason, length: Option<Duration>) -> Vec<Event> {
        let until = length.map(|length| self.now.plus(length));
        let (since, evidence) = (self.now, Vec::new());
        let lock = SendingLock { since, by, until, reason, text: None, evidence };
        self.happened(access::lock(&self.standing, lock, self.asker(by), &self.figures))
    }

    pub(super) fn unlock(&mut self) -> Vec<Event> {
        self.happened(access::unlock(&self.standing, self.asker(Actor::Operator)))
    }

    /// The user or the operator sets the password.
    pub(super) fn password(&mut self) -> Vec<Event> {
        let event = self.asker(Actor::User).event(What::Password);
        self.happened(vec![event])
    }

    /// Does one line of a table at a time, and says what came of it.
    ///
    /// ```text
    /// create | timer                                    nothing but what is due
    /// up                                                the server was down, or the clock jumped, until (or to) here
    /// hold | release                                    the brake (SPEC A16)
    /// repeat N every SECONDS …                          a line N times
    /// login pop3|imap|smtp [from ADDRESS] [plaintext] [legacy] [account-password] [sessions N] [busy|soon]
    /// login web | password | unlock
    /// [operator] on|off|block|unblock GATES [now] ["text"]     GATES: pop3,imap or all
    /// [operator] lock REASON [HOURS]                    by the abuse rules, or by the operator
    /// status active|inactive|suspended                  by the operator
    /// show GATE                                         as `account show` would
    /// ```
    pub(super) fn line(&mut self, at: Timestamp, deed: &[&str]) -> String {
        if let ["repeat", times, "every", seconds, rest @ ..] = deed {
            return self.repeat(at, number(times), number(seconds), rest);
        }
        let due = if deed == ["up"] {
            self.now = at;
            self.settle()
        } else {
            assert!(self.now <= at, "the clock goes back to {at}: only 'up' does that");
            let unlisted = self.pass(at);
            let first = unlisted.first().map(|event| event.at);
            assert!(first.is_none(), "not in the table, from {first:?} on: {}", words::events(&unlisted));
            match deed {
                ["hold"] => self.closing = Closing::Held,
                ["release"] => self.closing = Closing::Goes,
                _ => {}
            }
            self.settle()
        };
        let parts = [words::events(&due), self.deed(deed)];
        let said: Vec<_> = parts.into_iter().filter(|part| !part.is_empty()).collect();
        if said.is_empty() { "nothing".into() } else { said.join("; ") }
    }

    fn repeat(&mut self, at: Timestamp, times: u64, seconds: u64, deed: &[&str]) -> String {
        let mut answers: Vec<(u64, String)> = Vec::new();
        for time in 0..times {
            let answer = self.line(at.plus(Duration::from_secs(time * seconds)), deed);
            match answers.last_mut() {
                Some((count, last)) if *last == answer => *count += 1,
                _ => answers.push((1, answer)),
            }
        }
        let told: Vec<_> = answers.iter().map(|(count, answer)| format!("{count} x {answer}")).collect();
        told.join(" | ")
    }

    fn deed(&mut self, deed: &[&str]) -> String {
        match deed {
            ["create" | "timer" | "up" | "hold" | "release"] => String::new(),
            ["show", protocol] => {
                let protocol = self::protocol(protocol);
                let closes_at = access::closes_at(&self.standing, protocol, &self.figures);
                words::gate(access::gate(&self.standing.access, protocol), closes_at)
            }
            ["login", "web"] => told("in", &self.web()),
            ["login", protocol, options @ ..] => {
                let (events, answer) = self.login(login(protocol, options));
                told(&answer.map_or_else(|refusal| words::refusal(&refusal), |()| "in".into()), &events)
            }
            ["password"] => words::events(&self.password()),
            ["unlock"] => words::events(&self.unlock()),
            ["status", status] => {
                let all = [Status::Active, Status::Inactive, Status::Suspended];
                let status = all.into_iter().find(|one| words::status(*one) == *status);
                words::events(&self.set_status(status.expect("a status")))
            }
            ["lock", rest @ ..] => self.lock_line(Actor::Abuse, rest),
            ["operator", "lock", rest @ ..] => self.lock_line(Actor::Operator, rest),
            ["operator", rest @ ..] => self.change_line(Actor::Operator, rest),
            rest => self.change_line(Actor::User, rest),
        }
    }

    fn lock_line(&mut self, by: Actor, words: &[&str]) -> String {
        let (reason, length) = match words {
            [reason] => (reason, None),
            [reason, hours] => (reason, Some(Duration::from_secs(number(hours) * 3600))),
            other => panic!("lock {other:?}"),
        };
        let reason = Reason::ALL.into_iter().find(|one| words::reason(*one) == *reason);
        words::events(&self.lock(by, reason.expect("a reason"), length))
    }

    fn change_line(&mut self, by: Actor, words: &[&str]) -> String {
        let (verb, gates, rest) = match words {
            [verb, gates, rest @ ..] => (*verb, *gates, rest),
            other => panic!("no such line: {other:?}"),
        };
        let protocols = match gates {
            "all" => Protocol::ALL.to_vec(),
            some => some.split(',').map(protocol).collect(),
        };
        let now = rest == ["now"];
        let text = rest.join(" ");
        let text = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).map(String::from);
        let change = match verb {
            "on" => Change::On { now },
            "off" => Change::Off,
            "block" => Change::Block,
            "unblock" => Change::Unblock,
            other => panic!("no such line: {other}"),
        };
        match self.change(by, &change, &protocols, text) {
            Ok(events) => words::events(&events),
            Err((protocol, error)) => format!("{protocol} refused: {error:?}"),
        }
    }
}

/// An answer, and what happened beside it.
fn told(answer: &str, events: &[Event]) -> String {
    match words::events(events) {
        none if none.is_empty() => answer.into(),
        some => format!("{answer}; {some}"),
    }
}

fn number(text: &str) -> u64 {
    text.parse().unwrap_or_else(|_| panic!("a number: {text}"))
}

fn protocol(name: &str) -> Protocol {
    let all = Protocol::ALL.into_iter();
    all.clone().find(|one| one.name() == name).unwrap_or_else(|| panic!("a protocol: {name}"))
}

fn login(name: &str, options: &[&str]) -> Login {
    let mut login = Login::plain(protocol(name));
    let mut options = options.iter();
    let value = |options: &mut std::slice::Iter<'_, &str>| -> String {
        options.next().map(|text| text.to_string()).expect("a value")
    };
    while let Some(option) = options.next() {
        match *option {
            "from" => login.attempt.from = value(&mut options).parse().expect("an address"),
            "plaintext" => login.attempt.tls = false,
            "legacy" => login.attempt.legacy_plaintext = true,
            "account-password" => login.attempt.needs_client_password = true,
            "sessions" => login.attempt.sessions = value(&mut options).parse().expect("a number"),
            "busy" => login.maildrop = Some(LoginRefusal::InUse),
            "soon" => login.maildrop = Some(LoginRefusal::TooSoon),
            other => panic!("no such option: {other}"),
        }
    }
    login
}
