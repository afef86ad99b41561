//! One batch per change: the state that events make, the events, the notices they owe, and the next deadline.

use std::time::Duration;

use postern_model::record::{Account, Actor as By, AppPassword, Due, Event, Standing, What};
use postern_model::{AccountId, AppPasswordId, LetterId, Timestamp};
use postern_policy::access::{self, Closing};
use postern_policy::{notice, standing};
use postern_storage::{Batch, Commit, Key, Ring, keys};

use super::AccountActor;
use crate::ground::EVENTS_KEPT;

/// Events between two checkpoints. Far fewer than a ring keeps, so that there is always one to begin a replay at.
const CHECKPOINT_EVERY: u32 = 250;

/// A closing that the brake holds is looked at again so much later (SPEC A16).
const HELD_FOR: Duration = Duration::from_secs(60 * 60);

/// The password that is demanded of mail programs has this number (SPEC A12).
pub(crate) const CLIENT_PASSWORD: AppPasswordId = AppPasswordId(0);

/// A change on its way to the disk.
#[derive(Debug)]
pub(crate) struct Enacted {
    pub(crate) commits: Vec<Commit>,
    /// Whether a gate, a lock or the status changed: sessions and the QuotaActor are to be told.
    pub(crate) changed: bool,
    /// Notices that are owed with it.
    pub(crate) notices: Vec<(LetterId, AccountId)>,
}

impl Enacted {
    /// Two changes as one.
    pub(crate) fn both(one: Option<Enacted>, other: Option<Enacted>) -> Option<Enacted> {
        match (one, other) {
            (Some(mut one), Some(other)) => {
                one.commits.extend(other.commits);
                one.changed |= other.changed;
                one.notices.extend(other.notices);
                Some(one)
            }
            (one, other) => one.or(other),
        }
    }
}

impl AccountActor {
    /// Applies events and hands the batch in. Logins alone are lazy: nobody waits for them.
    pub(super) fn enact(&mut self, events: Vec<Event>) -> Option<Enacted> {
        if events.is_empty() {
            return None;
        }
        let before = self.state.as_ref().map(|state| (state.account.clone(), state.standing.clone()));
        let (Some((account, old)), Some(state)) = (before, self.state.as_mut()) else { return None };
        for event in &events {
            standing::apply(&mut state.standing, event);
        }
        state.account.status = state.standing.status;
        state.account.plan.clone_from(&state.standing.plan);
        let changed = events.iter().any(changes_something);
        let mut batch = Batch::new();
        let id = self.account;
        batch.expect(&keys::account(id), &account);
        if changed {
            batch.expect(&keys::access(id), &old.access);
        } else {
            batch.lazy();
        }
        let notices = self.owe(&events, &old, &mut batch);
        self.log(&events, &old, &mut batch);
        self.write(&account, &old, changed, &mut batch);
        let commit = self.ground.store.commit(batch);
        // A login's own batch is not waited for.
        let commits = if changed || !notices.is_empty() { vec![commit] } else { drop(commit); Vec::new() };
        Some(Enacted { commits, changed, notices })
    }

    /// Puts what has changed of the account's records, and moves its place in the index of what falls due.
    fn write(&mut self, account: &Account, old: &Standing, changed: bool, batch: &mut Batch) {
        let (id, voided) = (self.account, self.client_password_is_void(old));
        let figures = &self.ground.settings.access;
        let Some(state) = self.state.as_mut() else { return };
        if changed {
            let due = access::deadline(&state.standing, figures);
            refile(id, &mut state.standing, due, batch);
        }
        if state.account != *account {
            batch.put(&keys::account(id), &state.account);
        }
        if state.standing.access != old.access {
            batch.put(&keys::access(id), &state.standing.access);
        }
        if state.standing.activity != old.activity {
            batch.put(&keys::activity(id), &state.standing.activity);
        }
        match &state.standing.lock {
            lock if *lock == old.lock => {}
            Some(lock) => drop(batch.put(&keys::sending_lock(id), lock)),
            None => drop(batch.delete(&keys::sending_lock(id))),
        }
        if voided {
            let client: Key<AppPassword> = keys::app_password(id, CLIENT_PASSWORD);
            batch.delete(&client);
        }
    }

    /// SPEC A12: void when access is switched off by anyone, that is when the last gate closes.
    fn client_password_is_void(&self, old: &Standing) -> bool {
        let Some(state) = self.state.as_ref().filter(|_| self.ground.settings.client_password) else { return false };
        !access::all_shut(&old.access) && access::all_shut(&state.standing.access)
    }

    fn owe(&self, events: &[Event], old: &Standing, batch: &mut Batch) -> Vec<(LetterId, AccountId)> {
        let mut owed = notice::owed(events);
        owed.retain(|notice| !notice::is_repeated(notice, old));
        let mut letters = Vec::new();
        for notice in owed {
            let letter = self.ground.store.next_letter_id();
            batch.owe(letter, self.account, &notice);
            letters.push((letter, self.account));
        }
        letters
    }

    /// Logs the events, and before the first of every so many what they begin from.
    fn log(&self, events: &[Event], old: &Standing, batch: &mut Batch) {
        let Some(state) = self.state.as_ref() else { return };
        let (before, after) = (old.activity.events, state.standing.activity.events);
        let due = before == 0 || before / CHECKPOINT_EVERY != after / CHECKPOINT_EVERY;
        if let (true, Some(first)) = (due, events.first()) {
            let what = What::Standing(Box::new(old.clone()));
            let mark = Event { at: first.at, by: By::Timer, from: None, what };
            batch.log(self.account, Ring::Changes, EVENTS_KEPT, &mark);
        }
        for event in events {
            batch.log(self.account, ring(event), EVENTS_KEPT, event);
        }
    }

    /// Nothing was due although the index said so: logins move deadlines without moving the entry. So does the brake.
    pub(super) fn file_anew(&mut self, closing: Closing) -> Option<Enacted> {
        let (id, now) = (self.account, self.now());
        let figures = &self.ground.settings.access;
        let state = self.state.as_mut()?;
        let filed = state.standing.access.due.filter(|due| *due <= now)?;
        let due = access::deadline(&state.standing, figures).map(|due| match closing {
            Closing::Held => due.max(now.plus(HELD_FOR)),
            Closing::Goes => due,
        });
        if due == Some(filed) {
            return None;
        }
        let mut batch = Batch::new();
        batch.expect(&keys::access(id), &state.standing.access);
        refile(id, &mut state.standing, due, &mut batch);
        batch.put(&keys::access(id), &state.standing.access);
        let commits = vec![self.ground.store.commit(batch)];
        Some(Enacted { commits, changed: false, notices: Vec::new() })
    }
}

/// Moves an account's entry in the index of what falls due.
fn refile(id: AccountId, standing: &mut Standing, due: Option<Timestamp>, batch: &mut Batch) {
    let filed = &mut standing.access.due;
    if *filed == due {
        return;
    }
    if let Some(at) = filed.take() {
        batch.delete(&keys::due(at, id));
    }
    if let Some(at) = due {
        batch.put(&keys::due(at, id), &Due {});
    }
    *filed = due;
}

/// Whether more than the account's last use is changed by an event: then it is waited for.
fn changes_something(event: &Event) -> bool {
    !matches!(event.what, What::Login { .. } | What::LoginRefused { .. })
}

/// The list that an event of the account's stands in.
fn ring(event: &Event) -> Ring {
    match event.what {
        What::Login { .. } => Ring::Logins,
        What::LoginRefused { .. } => Ring::LoginRefusals,
        _ => Ring::Changes,
    }
}
