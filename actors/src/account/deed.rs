//! What can be done to an account, and why it may not be done.

use postern_model::record::{Actor as By, Event, Pop3Delete, Reason, SendingLock, Status, What};
use postern_model::{Protocol, Timestamp};
use postern_policy::abuse::Verdict;
use postern_policy::access::{self, Asker, Change, ChangeError, Closing};
use postern_policy::rules;
use postern_storage::{Batch, StoreError, keys};

use super::{AccountActor, Answer, Do, Enacted};

/// What can be done to an account.
pub(crate) enum Deed {
    /// Its gates are changed (SPEC A).
    Gates { change: Change, protocols: Vec<Protocol>, text: Option<String> },
    /// Its plan is changed.
    Plan(String),
    /// Its status is changed (SPEC A5).
    Status(Status),
    /// Its language is changed.
    Language(String),
    /// The user says that their program cannot do SSL (SPEC P5).
    LegacyPlaintext(bool),
    /// What becomes of what POP3 deletes (SPEC C4).
    Pop3Delete(Pop3Delete),
    /// Sending is locked for a violation of terms (SPEC Q5).
    Lock { text: Option<String>, until: Option<Timestamp> },
    /// The abuse rules have come to a verdict (SPEC Q4).
    Accused(Verdict),
    /// Sending is unlocked.
    Unlock,
    /// The user logged in on the web (SPEC A9).
    SeenOnTheWeb,
    /// The password was set (SPEC A14).
    Password,
    /// An operator passed on a complaint (SPEC Q4).
    Reported(Option<String>),
    /// What the user has arranged for their mail is changed (SPEC D6).
    Rules(rules::Change),
}

/// Why a change was not made.
#[derive(Debug)]
pub(crate) enum ChangeRefused {
    /// The gate of this protocol is not where the change begins.
    Gate(Protocol, ChangeError),
    /// The user's rules can't be so.
    Rules(rules::ChangeError),
    /// The store could not be read.
    Store(StoreError),
}

impl AccountActor {
    pub(super) fn perform(&mut self, ask: Do) -> Answer<Result<(), ChangeRefused>> {
        let settled = self.settle(Closing::Held);
        let asker = Asker { by: ask.by, from: ask.from, now: self.now() };
        if let Deed::Rules(wish) = &ask.deed {
            return match self.arrange(wish, asker) {
                Ok(done) => Answer { answer: Ok(()), enacted: Enacted::both(settled, done) },
                Err(refused) => Answer { answer: Err(refused), enacted: settled },
            };
        }
        let done = match self.events(&ask.deed, asker) {
            // What is so already may be so in memory alone.
            Ok(Some(events)) => self.enact(events).or_else(|| self.confirm()),
            Ok(None) => self.set(ask.deed),
            // What was due is done although the deed is not.
            Err(refused) => return Answer { answer: Err(refused), enacted: settled },
        };
        Answer { answer: Ok(()), enacted: Enacted::both(settled, done) }
    }

    /// What a deed comes to; `None` where it is a setting that has no story.
    fn events(&self, deed: &Deed, asker: Asker) -> Result<Option<Vec<Event>>, ChangeRefused> {
        let Some(standing) = self.state.as_ref().map(|state| &state.standing) else {
            return Err(ChangeRefused::Store(StoreError::NotFound));
        };
        let figures = &self.ground.settings.access;
        let one = |what| vec![Event { at: asker.now, by: asker.by, from: asker.from, what }];
        Ok(Some(match deed {
            Deed::Gates { change, protocols, text } => {
                access::change(standing, change, protocols, text.clone(), asker, figures)
                    .map_err(|(protocol, error)| ChangeRefused::Gate(protocol, error))?
            }
            Deed::Plan(plan) if *plan == standing.plan => Vec::new(),
            Deed::Plan(plan) => one(What::Plan { plan: plan.clone() }),
            Deed::Status(status) => access::set_status(standing, *status, asker),
            Deed::Lock { text, until } => {
                let (text, reason) = (text.clone(), Reason::Terms);
                access::lock(standing, lock(asker, reason, text, *until), asker, figures)
            }
            Deed::Accused(verdict) => {
                let mut lock = lock(asker, verdict.reason, None, Some(verdict.until));
                lock.evidence.clone_from(&verdict.evidence);
                access::lock(standing, lock, asker, figures)
            }
            Deed::Unlock => access::unlock(standing, asker),
            Deed::SeenOnTheWeb => access::came_in(standing, None, asker, figures),
            Deed::Password => one(What::Password),
            Deed::Reported(text) => one(What::Reported { text: text.clone() }),
            Deed::Language(_) | Deed::LegacyPlaintext(_) | Deed::Pop3Delete(_) | Deed::Rules(_) => {
                return Ok(None);
            }
        }))
    }

    /// Changes what the user has arranged for their mail (SPEC D6).
    fn arrange(&mut self, wish: &rules::Change, asker: Asker) -> Result<Option<Enacted>, ChangeRefused> {
        let Some(state) = &self.state else { return Err(ChangeRefused::Store(StoreError::NotFound)) };
        let old = state.rules.clone().unwrap_or_default();
        let changed = rules::change(&old, wish, asker.now).map_err(ChangeRefused::Rules)?;
        if changed.rules == old {
            // What is so already may be so in memory alone.
            return Ok(self.confirm());
        }
        let event = changed.event.map(|(setting, text)| {
            let what = What::Setting { setting, text };
            Event { at: asker.now, by: asker.by, from: asker.from, what }
        });
        Ok(self.enact_with(event.into_iter().collect(), Some(changed.rules)))
    }

    fn set(&mut self, deed: Deed) -> Option<Enacted> {
        let state = self.state.as_mut()?;
        let old = state.account.clone();
        match deed {
            Deed::Language(language) => state.account.language = language,
            Deed::LegacyPlaintext(on) => state.account.legacy_plaintext = on,
            Deed::Pop3Delete(what) => state.account.pop3_delete = what,
            _ => {}
        }
        let id = self.account;
        let mut batch = Batch::new();
        batch.expect_absent(&keys::removal(id));
        batch.expect(&keys::account(id), &old);
        batch.put(&keys::account(id), &state.account);
        let commits = vec![self.ground.store.commit(batch)];
        Some(Enacted { commits, changed: true, ..Enacted::default() })
    }
}

fn lock(asker: Asker, reason: Reason, text: Option<String>, until: Option<Timestamp>) -> SendingLock {
    let (since, by) = (asker.now, asker.by);
    SendingLock { since, by, until, reason, text, evidence: Vec::new() }
}

/// The gate's sentence for the operator: `pop3 is blocked: take the block away first`.
pub(crate) fn word(protocol: Protocol, error: ChangeError) -> String {
    match error {
        ChangeError::Blocked => format!("{protocol} is blocked: take the block away first (unblock)"),
        ChangeError::NotBlocked => format!("{protocol} is not blocked: there is nothing to take away"),
        ChangeError::Theft => {
            "the account's password may have been stolen: set another one first (account set-password)"
                .to_owned()
        }
        ChangeError::Locked => {
            "the abuse rules have closed this account: unlock sending first (account unlock-sending)"
                .to_owned()
        }
        ChangeError::Suspended => {
            "the account is not active: set its status first (account set-status ADDRESS active)".to_owned()
        }
    }
}

/// Who an operator acts for.
pub(crate) fn actor(as_user: bool) -> By {
    if as_user { By::User } else { By::Operator }
}
