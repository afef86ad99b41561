//! Several filters as one: each sees what those before it have changed.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::breaker::Breaker;
use super::draft::Draft;
use super::failure::Failure;
use super::milter::Milter;
use super::place::Place;
use super::rspamd::Rspamd;
use crate::config::Screen;
use crate::inbound::filter::{Action, Judging};
use crate::inbound::{Filter, Opinion, Visit};

/// All configured filters.
#[derive(Debug)]
pub(super) struct Chain {
    links: Vec<Link>,
    /// A letter that one does not answer for is put off.
    fail_defers: bool,
}

/// One filter, and whether it is well.
#[derive(Debug)]
struct Link {
    place: Place,
    engine: Engine,
    breaker: Mutex<Breaker>,
}

/// What speaks with a filter.
#[derive(Debug)]
enum Engine {
    Rspamd(Rspamd),
    Milter(Milter),
}

impl Chain {
    pub(super) fn new(screen: &Screen, hostname: &str, message_size: u64) -> Result<Chain, String> {
        let links = screen.filters.iter().map(|place| Link::new(place, screen, hostname, message_size));
        Ok(Chain { links: links.collect::<Result<_, String>>()?, fail_defers: screen.fail_defers })
    }

    async fn opinion(&self, visit: &Visit, letter: &[u8]) -> Opinion {
        let (mut draft, mut action) = (Draft::new(letter), Action::Accept);
        for link in &self.links {
            let Some((verdict, changed)) = link.judge(visit, &draft).await else {
                if self.fail_defers {
                    return Opinion { action: Action::Defer, ..Opinion::default() };
                }
                continue;
            };
            match verdict {
                Action::Accept => {}
                // What is kept for somebody to look at stays that, whatever the others say.
                Action::Junk if action == Action::Quarantine => {}
                Action::Junk | Action::Quarantine => action = verdict,
                Action::Reject { .. } | Action::Defer | Action::Discard => {
                    tracing::info!(filter = %link.place, letter = %visit.letter, ?verdict, "a filter does not want a letter");
                    return Opinion { action: verdict, ..Opinion::default() };
                }
            }
            draft = changed;
        }
        if visit.sender.is_some() && matches!(action, Action::Junk) {
            // There is no Junk for what a user sends: it goes, or is refused.
            action = Action::Accept;
        }
        Opinion { action, edits: draft.into_edits() }
    }
}

impl Filter for Chain {
    fn judge<'a>(&'a self, visit: &'a Visit, letter: &'a [u8], _: &'a str) -> Judging<'a> {
        Box::pin(self.opinion(visit, letter))
    }
}

impl Link {
    fn new(place: &Place, screen: &Screen, hostname: &str, message_size: u64) -> Result<Link, String> {
        let engine = match place {
            Place::Rspamd(url) => Engine::Rspamd(Rspamd::new(url, screen, hostname)?),
            Place::Milter(socket) => {
                let body_most = usize::try_from(message_size).unwrap_or(usize::MAX);
                Engine::Milter(Milter::new(socket.clone(), hostname, screen.timeout, body_most))
            }
        };
        Ok(Link { place: place.clone(), engine, breaker: Mutex::default() })
    }

    /// Its verdict and the letter as it is then; `None` where it gave none.
    async fn judge<'a>(&self, visit: &Visit, draft: &Draft<'a>) -> Option<(Action, Draft<'a>)> {
        let mut changed = draft.clone();
        let judged = match self.with_breaker(|breaker| breaker.lets(Instant::now())) {
            true => match &self.engine {
                Engine::Rspamd(rspamd) => rspamd.judge(visit, &mut changed).await,
                Engine::Milter(milter) => milter.judge(visit, &mut changed).await,
            },
            false => Err(Failure::Resting),
        };
        match judged {
            Ok(action) => {
                if let Some(letters) = self.with_breaker(Breaker::answered) {
                    tracing::info!(filter = %self.place, letters, "a filter answers again");
                }
                Some((action, changed))
            }
            Err(failure) => {
                self.missed(&failure);
                None
            }
        }
    }

    fn missed(&self, failure: &Failure) {
        let now = Instant::now();
        let letters = self.with_breaker(|breaker| {
            if !matches!(failure, Failure::Resting) {
                breaker.failed(now);
            }
            breaker.passed(now)
        });
        if let Some(letters) = letters {
            tracing::warn!(filter = %self.place, letters, reason = %failure, "a filter gave no verdict on letters");
        }
    }

    fn with_breaker<T>(&self, act: impl FnOnce(&mut Breaker) -> T) -> T {
        act(&mut self.breaker.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// How long a filter that goes on and on may take for one letter: clients wait 10 minutes (RFC 5321 §4.5.3.2.6).
pub(super) const LONGEST: Duration = Duration::from_secs(5 * 60);
