//! Attempts under way, and the rest of AuthActor's state.

use std::cell::{Cell, RefCell};
use std::collections::{HashMap, VecDeque};
use std::future::Future;
use std::rc::Rc;
use std::time::Duration;

use postern_model::record::{FailedLogins, ScramKeys};
use postern_model::{AccountId, SessionId, Timestamp};
use postern_policy::Refusal;
use postern_policy::lockout::{Attempt, Begin, Counter, Lockout, NameDigest, Outcome, Source};
use tokio::sync::Notify;

use super::remembered::Remembered;
use super::requests::Shared;
use super::{Found, SCRAM_TIME, Settings, scram};
use crate::order::SessionRef;

/// SCRAM exchanges under way at most: more than connections are ever logging in at once.
const MAX_EXCHANGES: usize = 20_000;

/// An attempt under way. Whatever becomes of the request that made it, it ends: dropped, it counts as a failure.
pub(super) struct UnderWay {
    shared: Rc<Shared>,
    attempt: Option<Attempt>,
}

impl UnderWay {
    pub(super) fn new(shared: Rc<Shared>, attempt: Attempt) -> UnderWay {
        UnderWay { shared, attempt: Some(attempt) }
    }

    pub(super) fn finish(mut self, outcome: Outcome) {
        self.end(outcome);
    }

    fn end(&mut self, outcome: Outcome) {
        if let Some(attempt) = self.attempt.take() {
            self.shared.state.finish(attempt, outcome, self.shared.pace.now());
            if outcome != Outcome::Untried {
                self.shared.save_soon();
            }
        }
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.end(Outcome::Wrong);
    }
}

/// A SCRAM exchange between its keys and its end. It counts as an attempt, or proofs could race the lock.
pub(super) struct Exchange {
    pub(super) under_way: UnderWay,
    /// The account and its generation, where there is one.
    pub(super) owner: Option<(AccountId, u64)>,
    pub(super) session: SessionRef,
}

/// AuthActor's state; every method is one step, and none keeps a borrow.
pub(super) struct State {
    lockout: RefCell<Lockout>,
    remembered: RefCell<Remembered>,
    exchanges: RefCell<Exchanges>,
    ended: Notify,
    saving: Cell<bool>,
    nobody: ScramKeys,
}

#[derive(Default)]
struct Exchanges {
    by_session: HashMap<SessionId, (u64, Exchange)>,
    /// When they run out, soonest first; holds ended ones too until then.
    by_time: VecDeque<(Timestamp, SessionId, u64)>,
    next: u64,
}

impl Exchanges {
    /// Returns what it replaces.
    fn add(&mut self, exchange: Exchange, until: Timestamp) -> Option<(u64, Exchange)> {
        // Ended ones are swept out when they are the most.
        if self.by_time.len() > 2 * self.by_session.len() + 1024 {
            let by_session = &self.by_session;
            self.by_time
                .retain(|(_, session, number)| by_session.get(session).is_some_and(|(n, _)| n == number));
        }
        let session = exchange.session.id;
        let number = self.next;
        self.next += 1;
        self.by_time.push_back((until, session, number));
        self.by_session.insert(session, (number, exchange))
    }
}

impl State {
    pub(super) fn new(settings: &Settings) -> State {
        // No random numbers: then no key can be made up, and what the secret gives will do.
        let mut random = [0; 32];
        let process_key = match getrandom::fill(&mut random) {
            Ok(()) => random,
            Err(_) => scram::hmac(&settings.secret, &[b"process"]),
        };
        let nobody = |what: &[u8]| scram::hmac(&process_key, &[b"nobody's ", what]);
        State {
            lockout: RefCell::new(Lockout::new(settings.figures.clone())),
            remembered: RefCell::new(Remembered::new(process_key, settings.remembered)),
            exchanges: RefCell::default(),
            ended: Notify::new(),
            saving: Cell::new(false),
            nobody: ScramKeys {
                stored_key: nobody(b"stored key"),
                server_key: nobody(b"server key"),
                iterations: scram::ITERATIONS,
            },
        }
    }

    /// Keys that no password has.
    pub(super) fn nobody(&self) -> ScramKeys {
        self.nobody.clone()
    }

    /// Done at the next end of an attempt after this call.
    pub(super) fn an_end(&self) -> impl Future<Output = ()> + '_ {
        self.ended.notified()
    }

    /// Begins an attempt; `None` where attempts under way leave no room.
    pub(super) fn begin(
        &self,
        source: Source,
        name: NameDigest,
        now: Timestamp,
    ) -> Result<Option<(Attempt, Duration)>, Refusal> {
        self.expire_exchanges(now);
        let mut begin = self.lockout.borrow_mut().begin(source, name, now);
        if begin == Begin::Full && self.drop_dead_exchanges() {
            begin = self.lockout.borrow_mut().begin(source, name, now);
        }
        match begin {
            Begin::Go { attempt, delay } => Ok(Some((attempt, delay))),
            Begin::Full => Ok(None),
            Begin::Locked { retry_after } => Err(Refusal::TooManyFailures { retry_after }),
        }
    }

    fn finish(&self, attempt: Attempt, outcome: Outcome, now: Timestamp) {
        self.lockout.borrow_mut().finish(attempt, outcome, now);
        self.ended.notify_waiters();
    }

    /// Keeps an exchange until its session ends it, begins another, or its time is over.
    pub(super) fn keep_exchange(&self, exchange: Exchange, now: Timestamp) -> Result<(), Refusal> {
        if self.exchanges.borrow().by_session.len() >= MAX_EXCHANGES {
            exchange.under_way.finish(Outcome::Untried);
            return Err(Refusal::Unavailable);
        }
        let replaced = self.exchanges.borrow_mut().add(exchange, now.plus(SCRAM_TIME));
        // Only here, where nothing is borrowed: an exchange counts as it is dropped.
        drop(replaced);
        Ok(())
    }

    /// The exchange that a session ends, unless its time is over.
    pub(super) fn take_exchange(&self, session: SessionId, now: Timestamp) -> Option<Exchange> {
        self.expire_exchanges(now);
        self.exchanges.borrow_mut().by_session.remove(&session).map(|(_, exchange)| exchange)
    }

    /// When the next exchange runs out.
    pub(super) fn next_expiry(&self) -> Timestamp {
        self.exchanges.borrow().by_time.front().map_or(Timestamp::NEVER, |(at, ..)| *at)
    }

    fn expire_exchanges(&self, now: Timestamp) {
        let mut expired = Vec::new();
        {
            let mut exchanges = self.exchanges.borrow_mut();
            while let Some(&(at, session, number)) = exchanges.by_time.front()
                && at <= now
            {
                exchanges.by_time.pop_front();
                if exchanges.by_session.get(&session).is_some_and(|(kept, _)| *kept == number) {
                    expired.extend(exchanges.by_session.remove(&session));
                }
            }
        }
        drop(expired);
    }

    /// Ends the exchanges whose connection is gone; whether there were any.
    fn drop_dead_exchanges(&self) -> bool {
        let dead: Vec<_> = {
            let mut exchanges = self.exchanges.borrow_mut();
            exchanges.by_session.extract_if(|_, (_, exchange)| !exchange.session.inbox.connected()).collect()
        };
        !dead.is_empty()
    }

    pub(super) fn remembers(&self, found: &Found, password: &str, now: Timestamp) -> bool {
        self.remembered.borrow_mut().has(found, password, now)
    }

    pub(super) fn remember(&self, found: &Found, password: &str, until: Timestamp) {
        self.remembered.borrow_mut().add(found, password, until);
    }

    pub(super) fn restore(&self, saved: Vec<(Counter, FailedLogins)>) {
        let mut lockout = self.lockout.borrow_mut();
        for (counter, record) in saved {
            lockout.restore(counter, record);
        }
    }

    /// Whether a save is to be begun: `false` where one is already on its way.
    pub(super) fn begin_saving(&self) -> bool {
        !self.saving.replace(true)
    }

    /// What a save is to write.
    pub(super) fn take_changed(&self) -> Vec<(Counter, Option<FailedLogins>)> {
        self.saving.set(false);
        self.lockout.borrow_mut().take_changed()
    }
}
