//! One batch per change: the state that events make, the events, the notices they owe, and the next deadline.

use std::sync::Arc;
use std::time::Duration;

use postern_model::record::{
    Access, Account, Activity, Actor as By, AppPassword, Due, Event, Rules, Standing, What,
};
use postern_model::{AccountId, AppPasswordId, Timestamp};
use postern_policy::access::{self, Closing};
use postern_policy::{notice, standing};
use postern_storage::{Batch, Commit, Key, Ring, keys};

use super::AccountActor;
use crate::ground::EVENTS_KEPT;

/// Events between two checkpoints. Far fewer than a ring keeps, so that there is always one to begin a replay at.
const CHECKPOINT_EVERY: u32 = 250;

/// A closing that the brake holds is looked at again so much later (SPEC A16).
pub(crate) const HELD_FOR: Duration = Duration::from_secs(60 * 60);

/// The password that is demanded of mail programs has this number (SPEC A12).
pub(crate) const CLIENT_PASSWORD: AppPasswordId = AppPasswordId(0);

/// A change on its way to the disk.
#[derive(Debug, Default)]
pub(crate) struct Enacted {
    /// Waited for before anybody is answered.
    pub(crate) commits: Vec<Commit>,
    /// Not waited for; where one comes to nothing, the actor is to know it.
    pub(crate) unawaited: Vec<Commit>,
    /// Whether a gate, a lock or the status changed: sessions and the QuotaActor are to be told.
    pub(crate) changed: bool,
    /// Whether notices are owed with it.
    pub(crate) owing: bool,
    /// Says that it is not yet on disk.
    pub(super) in_flight: Option<Arc<()>>,
}

impl Enacted {
    /// Two changes as one.
    pub(crate) fn both(one: Option<Enacted>, other: Option<Enacted>) -> Option<Enacted> {
        match (one, other) {
            (Some(mut one), Some(other)) => {
                one.commits.extend(other.commits);
                one.unawaited.extend(other.unawaited);
                one.changed |= other.changed;
                one.owing |= other.owing;
                one.in_flight = one.in_flight.or(other.in_flight);
                Some(one)
            }
            (one, other) => one.or(other),
        }
    }
}

impl AccountActor {
    /// Applies events and hands the batch in. Logins alone are lazy: nobody waits for them.
    pub(super) fn enact(&mut self, events: Vec<Event>) -> Option<Enacted> {
        if events.is_empty() { None } else { self.enact_with(events, None) }
    }

    /// As [`AccountActor::enact`], with new rules in the same batch.
    pub(super) fn enact_with(&mut self, events: Vec<Event>, rules: Option<Rules>) -> Option<Enacted> {
        let state = self.state.as_mut()?;
        let old =
            Before { account: state.account.clone(), standing: state.standing.clone(), used: state.used };
        for event in &events {
            standing::apply(&mut state.standing, event);
        }
        state.account.status = state.standing.status;
        state.account.plan.clone_from(&state.standing.plan);
        let changed = rules.is_some() || events.iter().any(changes_something);
        let due = access::deadline(&state.standing, &self.ground.settings.access);
        let filed = &mut state.standing.access.due;
        // A use moves the deadline to later, as a rule: whoever looks too early files it anew.
        if changed || due.is_some_and(|due| filed.is_none_or(|filed| due < filed)) {
            *filed = due;
        }
        let mut batch = Batch::new();
        if !changed {
            batch.lazy();
        }
        let owing = self.owe(&events, &old.standing, &mut batch);
        self.log(&events, &old.standing, &mut batch);
        self.write(&old, &mut batch);
        if let Some(rules) = rules {
            self.put_rules(rules, &mut batch);
        }
        let commit = self.ground.store.commit(batch);
        let in_flight = changed.then(|| Arc::clone(&self.in_flight));
        let mut enacted = Enacted { changed, owing, in_flight, ..Enacted::default() };
        // A login's own batch is not waited for.
        let list = if changed || owing { &mut enacted.commits } else { &mut enacted.unawaited };
        list.push(commit);
        Some(enacted)
    }

    /// Puts what has changed of the account's records, on condition that they are as this actor left them: a batch that
    /// came to nothing takes those with it that were made on top of it. Moves the account's place in the index of what
    /// falls due.
    fn write(&mut self, old: &Before, batch: &mut Batch) {
        let (id, voided) = (self.account, self.client_password_is_void(&old.standing));
        let Some(state) = self.state.as_mut() else { return };
        let (was, is) = (&old.standing, &state.standing);
        // Whose removal has begun changes no more.
        batch.expect_absent(&keys::removal(id));
        batch.expect(&keys::account(id), &old.account);
        if state.account != old.account {
            batch.put(&keys::account(id), &state.account);
        }
        if is.access != was.access {
            put_access(id, &was.access, &is.access, batch);
        }
        if is.activity != was.activity {
            expect_activity(id, old.used, &was.activity, batch);
            batch.put(&keys::activity(id), &is.activity);
        }
        match &is.lock {
            lock if *lock == was.lock => {}
            Some(lock) => drop(batch.put(&keys::sending_lock(id), lock)),
            None => drop(batch.delete(&keys::sending_lock(id))),
        }
        state.used |= is.activity != was.activity;
        if voided {
            let client: Key<AppPassword> = keys::app_password(id, CLIENT_PASSWORD);
            batch.delete(&client);
        }
    }

    fn put_rules(&mut self, rules: Rules, batch: &mut Batch) {
        let key = keys::rules(self.account);
        let Some(state) = self.state.as_mut() else { return };
        match &state.rules {
            Some(old) => batch.expect(&key, old),
            None => batch.expect_absent(&key),
        };
        batch.put(&key, &rules);
        state.rules = Some(rules);
    }

    /// SPEC A12: void when access is switched off by anyone, that is when the last gate closes.
    fn client_password_is_void(&self, old: &Standing) -> bool {
        let Some(state) = self.state.as_ref().filter(|_| self.ground.settings.client_password) else {
            return false;
        };
        !access::all_shut(&old.access) && access::all_shut(&state.standing.access)
    }

    /// Owes the user the notices that the events call for; returns whether there are any.
    fn owe(&self, events: &[Event], old: &Standing, batch: &mut Batch) -> bool {
        let mut owed = notice::owed(events);
        owed.retain(|notice| !notice::is_repeated(notice, old));
        for notice in &owed {
            batch.owe(self.ground.store.next_letter_id(), self.account, notice);
        }
        !owed.is_empty()
    }

    /// Logs the events, and before the first of every so many what they begin from: in the list that this one stands in,
    /// so that many logins wash logins away and never the evidence of a lock (SPEC A10).
    fn log(&self, events: &[Event], old: &Standing, batch: &mut Batch) {
        let Some(state) = self.state.as_ref() else { return };
        let (before, after) = (old.activity.events, state.standing.activity.events);
        let due = before == 0 || before / CHECKPOINT_EVERY != after / CHECKPOINT_EVERY;
        if let (true, Some(first)) = (due, events.first()) {
            let what = What::Standing(Box::new(old.clone()));
            let mark = Event { at: first.at, by: By::Timer, from: None, what };
            batch.log(self.account, ring(first), EVENTS_KEPT, &mark);
        }
        for event in events {
            batch.log(self.account, ring(event), EVENTS_KEPT, event);
        }
    }

    /// Where changes are on their way, who is let in by them, or asks for the same, waits until they are on disk, and is
    /// refused where they come to nothing.
    pub(super) fn confirm(&self) -> Option<Enacted> {
        let state = self.state.as_ref().filter(|_| Arc::strong_count(&self.in_flight) > 1)?;
        let mut batch = Batch::new();
        expect_activity(self.account, state.used, &state.standing.activity, &mut batch);
        Some(Enacted { commits: vec![self.ground.store.commit(batch)], ..Enacted::default() })
    }

    /// Nothing was due although the index said so: logins move deadlines without moving the entry. So does the brake.
    pub(super) fn file_anew(&mut self, closing: Closing) -> Option<Enacted> {
        let (id, now) = (self.account, self.now());
        let figures = &self.ground.settings.access;
        let state = self.state.as_mut()?;
        let filed = state.standing.access.due.filter(|due| *due <= now)?;
        let due = match closing {
            Closing::Goes => access::deadline(&state.standing, figures),
            Closing::Held => held_until(&state.standing, figures, now),
        };
        if due == Some(filed) {
            return None;
        }
        let old = state.standing.access.clone();
        state.standing.access.due = due;
        let mut batch = Batch::new();
        batch.expect_absent(&keys::removal(id));
        put_access(id, &old, &state.standing.access, &mut batch);
        let commits = vec![self.ground.store.commit(batch)];
        Some(Enacted { commits, ..Enacted::default() })
    }
}

/// An account as it was before a change.
struct Before {
    account: Account,
    standing: Standing,
    /// Whether the store had its activity.
    used: bool,
}

/// Every event counts in the activity: where that is on disk, so is all that came before.
fn expect_activity(id: AccountId, used: bool, activity: &Activity, batch: &mut Batch) {
    match used {
        true => batch.expect(&keys::activity(id), activity),
        false => batch.expect_absent(&keys::activity(id)),
    };
}

/// When to look again at an account of which the brake may hold something: what it does not hold comes in time.
fn held_until(standing: &Standing, figures: &access::Figures, now: Timestamp) -> Option<Timestamp> {
    let closes = access::deadline(standing, figures).map(|due| due.max(now.plus(HELD_FOR)));
    let else_due = access::deadline_while_held(standing, figures);
    [closes, else_due].into_iter().flatten().min()
}

/// Puts an account's access and, where that says so, its entry in the index of what falls due elsewhere.
pub(crate) fn put_access(id: AccountId, old: &Access, new: &Access, batch: &mut Batch) {
    batch.expect(&keys::access(id), old);
    batch.put(&keys::access(id), new);
    if old.due == new.due {
        return;
    }
    if let Some(at) = old.due {
        batch.delete(&keys::due(at, id));
    }
    if let Some(at) = new.due {
        batch.put(&keys::due(at, id), &Due {});
    }
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
