//! What other figures would have done: recorded attempts are played once more through the policy, one account at a
//! time, and what is refused, locked and closed by it is counted.
//!
//! An attempt is what somebody wanted: a login with the right password, a letter, a switch. Whether it succeeded when it
//! was recorded does not matter, since that is what other figures may change; nor does what the timer and the rules
//! did, for they do it here anew. What a log can't tell is taken from the record: that a password came without TLS, that
//! another session had the maildrop, which signs of abuse a letter bore. The brake on mass closing (SPEC A16) is not
//! played: it concerns no single account.

mod start;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};

use postern_model::record::{
    Abuse, Actor, Checks, Event, LetterRefusal, LoginRefusal, Reason, SendingLock, Signal, Standing, Status,
    What,
};
use postern_model::{LetterId, Protocol, Timestamp};

use crate::access::{self, Asker, Attempt, Change, Closing};
use crate::maildrop::{self, Holder};
use crate::send_window::{self, Counted};
use crate::{Refusal, abuse, standing};

pub use start::assumed;

/// Figures to play by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Figures {
    /// When access opens and closes (SPEC A).
    pub access: access::Figures,
    /// When sending is locked (SPEC Q4).
    pub abuse: abuse::Figures,
    /// The plans by name.
    pub plans: BTreeMap<String, Plan>,
    /// The plan of accounts whose own is not among them.
    pub default_plan: String,
}

/// What a plan allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    /// What may be sent (SPEC Q1, Q2).
    pub sends: send_window::Figures,
    /// How often mail may be checked (SPEC C3).
    pub checks: maildrop::Figures,
}

/// Something that somebody did or wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Input {
    /// When.
    pub at: Timestamp,
    /// What.
    pub act: Act,
}

/// What somebody did or wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Act {
    /// A login with the right password.
    Login {
        /// By which protocol; `None`: on the web.
        protocol: Option<Protocol>,
        /// From which address, where it is known.
        from: Option<IpAddr>,
        /// How it was refused when it was recorded, if it was.
        refused: Option<LoginRefusal>,
    },
    /// A letter.
    Letter {
        /// Its recipients.
        recipients: u32,
        /// What of it was a sign of abuse when it was recorded.
        signals: Box<[(Signal, u32)]>,
    },
    /// A recipient that does not exist.
    UnknownRecipient {
        /// What of it was a sign of abuse.
        signals: Box<[(Signal, u32)]>,
    },
    /// A gate was switched.
    Switch {
        /// Which.
        protocol: Protocol,
        /// How.
        change: Change,
        /// By the user or an operator.
        by: Actor,
    },
    /// An operator set the status.
    Status(Status),
    /// The plan was changed.
    Plan(Box<str>),
    /// The password was set (SPEC A14).
    Password,
    /// An operator locked sending (SPEC Q5).
    Lock {
        /// Until when; without it until somebody unlocks.
        until: Option<Timestamp>,
    },
    /// An operator unlocked it.
    Unlock,
    /// An operator passed on a complaint (SPEC Q4).
    Report,
}

/// What was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Wanted {
    /// A login.
    Login(Protocol),
    /// A letter, or recipients of it.
    Letter,
    /// A gate's opening.
    Switch(Protocol),
}

/// How often something was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tally {
    /// So often,
    pub count: u64,
    /// the first time,
    pub first: Timestamp,
    /// and the last.
    pub last: Timestamp,
}

/// What became of an account.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Logins that were let in.
    pub logins: u64,
    /// Letters that were accepted.
    pub letters: u64,
    /// What was refused, and why.
    pub refused: BTreeMap<(Wanted, &'static str), Tally>,
    /// What the timer and the rules did: locks, closings, the status.
    pub turns: Vec<Event>,
}

/// An account's life under some figures.
#[derive(Clone, Debug)]
pub struct Life<'a> {
    figures: &'a Figures,
    standing: Standing,
    sent: Counted,
    /// The sends of the plan that looks back to the most letters: any may be the account's next.
    remembered: send_window::Figures,
    abuse: Abuse,
    checks: Checks,
    /// When something happened last: what is overdue happens no earlier.
    now: Timestamp,
    outcome: Outcome,
}

impl<'a> Life<'a> {
    /// A life that begins with `standing`.
    pub fn new(figures: &'a Figures, standing: Standing) -> Life<'a> {
        let remembered = figures.plans.values().map(|plan| plan.sends).max_by_key(send_window::Figures::most);
        Life {
            figures,
            standing,
            remembered: remembered.unwrap_or(send_window::Figures::FREE),
            sent: Counted::default(),
            abuse: Abuse::default(),
            checks: Checks::default(),
            now: Timestamp(i64::MIN),
            outcome: Outcome::default(),
        }
    }

    /// Does all that is due until then, each at its own time.
    pub fn settle(&mut self, until: Timestamp) {
        let figures = &self.figures.access;
        while let Some(due) = access::deadline(&self.standing, figures).filter(|due| *due <= until) {
            self.now = self.now.max(due);
            let events = access::on_deadline(&self.standing, figures, Closing::Goes, self.now);
            if events.is_empty() {
                break;
            }
            self.take(events);
        }
        self.now = self.now.max(until);
    }

    /// Plays what comes next; inputs come in the order of their times.
    pub fn play(&mut self, input: &Input) {
        self.settle(input.at);
        let asker = |by, from| Asker { by, from, now: input.at };
        let operator = asker(Actor::Operator, None);
        match &input.act {
            Act::Login { protocol: Some(protocol), from, refused } => {
                self.login(*protocol, from.unwrap_or(UNKNOWN), *refused, input.at);
            }
            Act::Login { protocol: None, from, .. } => {
                let user = asker(Actor::User, *from);
                self.take(access::came_in(&self.standing, None, user, &self.figures.access));
            }
            Act::Letter { recipients, signals } => self.letter(*recipients, signals, input.at),
            Act::UnknownRecipient { signals } => {
                let why = LetterRefusal::UnknownRecipient;
                self.accountable(
                    What::LetterRefused { why, signals: signals.to_vec() },
                    Actor::User,
                    input.at,
                );
            }
            Act::Switch { protocol, change, by } => self.switch(*protocol, change, asker(*by, None)),
            Act::Status(status) => self.take(access::set_status(&self.standing, *status, operator)),
            Act::Plan(plan) => self.take(vec![operator.event(What::Plan { plan: plan.to_string() })]),
            Act::Password => self.take(vec![asker(Actor::User, None).event(What::Password)]),
            Act::Lock { until } => self.lock(*until, operator),
            Act::Unlock => self.take(access::unlock(&self.standing, operator)),
            Act::Report => self.accountable(What::Reported { text: None }, Actor::Operator, input.at),
        }
    }

    /// What became of it.
    pub fn end(self) -> Outcome {
        self.outcome
    }

    fn plan(&self) -> Option<Plan> {
        let plans = &self.figures.plans;
        plans.get(&self.standing.plan).or_else(|| plans.get(&self.figures.default_plan)).copied()
    }

    fn login(&mut self, protocol: Protocol, from: IpAddr, recorded: Option<LoginRefusal>, now: Timestamp) {
        let was = |why| recorded == Some(why);
        let attempt = Attempt {
            protocol,
            from,
            tls: !was(LoginRefusal::Plaintext),
            legacy_plaintext: false,
            needs_client_password: was(LoginRefusal::ClientPassword),
            sessions: usize::from(was(LoginRefusal::TooManySessions)),
            session_limit: 1,
        };
        let decision = access::admit(&self.standing, &attempt, &self.figures.access, now);
        self.take(decision.events);
        if decision.answer.is_ok() && protocol == Protocol::Pop3 {
            self.open_maildrop(from, was(LoginRefusal::InUse), now);
        }
    }

    fn open_maildrop(&mut self, from: IpAddr, in_use: bool, now: Timestamp) {
        let Some(Plan { checks: figures, .. }) = self.plan() else { return };
        let asker = Asker { by: Actor::User, from: Some(from), now };
        let holder = in_use.then_some(Holder { last_byte: now });
        maildrop::settle(&mut self.checks, now);
        let events = match maildrop::try_open(holder, &self.checks, &figures, now) {
            Ok(opening) => {
                maildrop::checked(&mut self.checks, opening, &figures, now);
                access::came_in(&self.standing, Some(Protocol::Pop3), asker, &self.figures.access)
            }
            Err(refusal) => access::turned_away(&self.standing, Protocol::Pop3, &refusal, asker),
        };
        self.take(events);
    }

    fn letter(&mut self, recipients: u32, signals: &[(Signal, u32)], now: Timestamp) {
        let Some(Plan { sends, .. }) = self.plan() else { return };
        if access::stands_open(&self.standing, Protocol::Smtp).is_err() {
            return self.refused(Wanted::Letter, "access closed", now);
        }
        if send_window::locked(self.standing.lock.as_ref(), now).is_err() {
            let locked = What::LetterRefused { why: LetterRefusal::Locked, signals: Vec::new() };
            return self.accountable(locked, Actor::User, now);
        }
        self.is_used(now);
        self.sent.settle(now);
        if let Err(refusal) = send_window::check(&sends, 0, |n| self.sent.last(n), now) {
            let pushing = vec![(Signal::Pushing, 1)];
            let refused = What::LetterRefused { why: limit_of(&refusal), signals: pushing };
            return self.accountable(refused, Actor::User, now);
        }
        if recipients > sends.recipients {
            // The letter goes to the others.
            self.refused(Wanted::Letter, "too many recipients", now);
        }
        self.sent.count(&self.remembered, now);
        let recipients = recipients.min(sends.recipients);
        let letter = What::Letter { letter: LetterId(0), recipients, signals: signals.to_vec() };
        self.accountable(letter, Actor::User, now);
    }

    /// Who sends has logged in, also where the record has the letters alone (SPEC A9).
    fn is_used(&mut self, now: Timestamp) {
        let user = Asker { by: Actor::User, from: None, now };
        let events = access::came_in(&self.standing, Some(Protocol::Smtp), user, &self.figures.access);
        events.iter().for_each(|event| standing::apply(&mut self.standing, event));
    }

    /// Takes an event that the abuse rules look at, and does what they come to.
    fn accountable(&mut self, what: What, by: Actor, now: Timestamp) {
        self.take(vec![Event { at: now, by, from: None, what }]);
        let Some(verdict) = abuse::judge(&self.abuse, &self.figures.abuse, now) else { return };
        let rules = Asker { by: Actor::Abuse, from: None, now };
        let lock = SendingLock {
            since: now,
            by: rules.by,
            until: Some(verdict.until),
            reason: verdict.reason,
            text: None,
            evidence: verdict.evidence,
        };
        self.take(access::lock(&self.standing, lock, rules, &self.figures.access));
    }

    fn lock(&mut self, until: Option<Timestamp>, asker: Asker) {
        let (since, by, reason) = (asker.now, asker.by, Reason::Terms);
        let lock = SendingLock { since, by, until, reason, text: None, evidence: Vec::new() };
        self.take(access::lock(&self.standing, lock, asker, &self.figures.access));
    }

    fn switch(&mut self, protocol: Protocol, change: &Change, asker: Asker) {
        match access::change(&self.standing, change, &[protocol], None, asker, &self.figures.access) {
            Ok(events) => self.take(events),
            Err((protocol, error)) => self.refused(Wanted::Switch(protocol), error.name(), asker.now),
        }
    }

    fn take(&mut self, events: Vec<Event>) {
        for event in events {
            standing::apply(&mut self.standing, &event);
            abuse::apply(&mut self.abuse, &event, &self.figures.abuse);
            match &event.what {
                What::Login { .. } => self.outcome.logins += 1,
                What::Letter { .. } => self.outcome.letters += 1,
                What::LoginRefused { protocol, why } => {
                    self.refused(Wanted::Login(*protocol), why.name(), event.at);
                }
                What::LetterRefused { why, .. } => self.refused(Wanted::Letter, why.name(), event.at),
                _ if is_turn(&event) => self.outcome.turns.push(event),
                _ => {}
            }
        }
    }

    fn refused(&mut self, wanted: Wanted, why: &'static str, at: Timestamp) {
        let once = Tally { count: 0, first: at, last: at };
        let tally = self.outcome.refused.entry((wanted, why)).or_insert(once);
        tally.count += 1;
        tally.last = at;
    }
}

/// Stands for an address that the record does not tell: all of them are one network.
const UNKNOWN: IpAddr = IpAddr::V4(Ipv4Addr::UNSPECIFIED);

/// Whether the timer or the rules closed or locked something.
fn is_turn(event: &Event) -> bool {
    let closes =
        matches!(event.what, What::AccessClosed { .. } | What::SendingLocked { .. } | What::Status { .. });
    closes && matches!(event.by, Actor::Timer | Actor::Abuse)
}

/// Which limit a letter was over (SPEC Q1).
fn limit_of(refusal: &Refusal) -> LetterRefusal {
    match refusal {
        Refusal::SendLimit { window, .. } if window.as_secs() <= 60 => LetterRefusal::PerMinute,
        Refusal::SendLimit { window, .. } if window.as_secs() <= 3600 => LetterRefusal::PerHour,
        _ => LetterRefusal::PerDay,
    }
}
