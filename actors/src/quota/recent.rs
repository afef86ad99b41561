//! When the account's last letters were counted (SPEC Q1, Q2): the last few in memory, older ones asked of the store one
//! by one, so that a window of any size costs the same.

use std::collections::VecDeque;

use postern_model::record::{Event, What};
use postern_model::{AccountId, LetterId, Timestamp};
use postern_policy::send_window::{Figures, Window};
use postern_storage::{Ring, StoreError, View};

/// Letters whose times are kept in memory: more than a minute or an hour sees of most users.
const KEPT: usize = 64;

/// Refused letters that are looked at where the clock was put back.
const REFUSALS: usize = 1_000;

/// The letters that were counted last.
#[derive(Clone, Debug, Default)]
pub(super) struct Recent {
    /// The latest last, in the order of their times.
    letters: VecDeque<(LetterId, Timestamp)>,
    /// Letters that were ever counted.
    ever: u64,
    /// Times of older letters, each with which it is: 1 is the last.
    older: Vec<(u32, Timestamp)>,
}

impl Recent {
    /// Reads the last few.
    pub(super) fn load(view: &View<'_>, account: AccountId, now: Timestamp) -> Result<Recent, StoreError> {
        let mut events = view.log::<Event>(account, Ring::Letters, KEPT)?;
        if events.iter().any(|(_, event)| event.at > now) {
            set_right(&mut events, &view.log(account, Ring::LetterRefusals, REFUSALS)?, now);
        }
        // Letters that come in at the same time are logged in any order.
        events.sort_by_key(|(_, event)| event.at);
        let letter = |event: Event| match event.what {
            What::Letter { letter, .. } => Some((letter, event.at)),
            _ => None,
        };
        let letters = events.into_iter().filter_map(|(_, event)| letter(event)).collect();
        let ever = view.logged_ever(account, Ring::Letters)?;
        Ok(Recent { letters, ever, older: Vec::new() })
    }

    /// Times in the future are now from now on (SPEC Q2), so that a clock that was put back keeps nobody waiting for
    /// longer than a window.
    pub(super) fn settle(&mut self, now: Timestamp) {
        for (_, time) in self.letters.iter_mut().rev().take_while(|(_, time)| *time > now) {
            *time = now;
        }
    }

    /// A letter was accepted. One that is known already (it was read from the store meanwhile) counts once.
    pub(super) fn count(&mut self, letter: LetterId, at: Timestamp) {
        if self.letters.iter().any(|(known, _)| *known == letter) {
            return;
        }
        // Another that came in at the same time may have been counted before.
        let place = self.letters.partition_point(|(_, time)| *time <= at);
        self.letters.insert(place, (letter, at));
        self.ever += 1;
        self.older.clear();
        let surplus = self.letters.len().saturating_sub(KEPT);
        self.letters.drain(..surplus);
    }

    /// Which older letters' times have to be [learned](Recent::learn) before the windows can be looked at: one of each
    /// window whose limit is beyond what is in memory, unless what is there tells that it has room.
    pub(super) fn unknown(&self, figures: &Figures, reserved: u32, now: Timestamp) -> Vec<u32> {
        let oldest = self.letters.front().map(|(_, time)| *time);
        let is_open = |window: &Window| oldest.is_none_or(|time| now.since(time) >= window.span);
        figures
            .windows()
            .filter(|window| !is_open(window))
            .filter_map(|window| window.limit.checked_sub(reserved))
            .filter(|n| *n as usize > self.letters.len() && u64::from(*n) <= self.ever)
            .collect()
    }

    /// Reads the times of older letters, each named by which it is from the last that is counted here.
    pub(super) fn learn(
        &mut self,
        view: &View<'_>,
        account: AccountId,
        which: &[u32],
        now: Timestamp,
    ) -> Result<(), StoreError> {
        // Letters that are on disk and not yet counted here are reserved still, and must not count twice.
        let uncounted = view.logged_ever(account, Ring::Letters)?.saturating_sub(self.ever);
        let following = self.letters.front().map_or(Timestamp::NEVER, |(_, time)| *time);
        self.older.clear();
        for n in which {
            let event = view.logged::<Event>(account, Ring::Letters, u64::from(*n) + uncounted)?;
            let at = |event: Event| if event.at > now { event.at.min(following) } else { event.at };
            self.older.extend(event.map(|event| (*n, at(event))));
        }
        Ok(())
    }

    /// The time of the `n`-th last letter (1: the last); `None` where there were fewer, or where it is so old that
    /// nobody asked for it.
    pub(super) fn last(&self, n: u32) -> Option<Timestamp> {
        match self.letters.len().checked_sub(n as usize) {
            Some(index) => self.letters.get(index).map(|(_, time)| *time),
            None => self.older.iter().find(|(which, _)| *which == n).map(|(_, time)| *time),
        }
    }
}

/// Letters whose times lie in the future were counted before the clock was put back. They can't have been counted after
/// what was logged behind them: so they keep nobody waiting for longer than a window, also where the account's actor has
/// rested between two tries.
fn set_right(letters: &mut [(u64, Event)], refusals: &[(u64, Event)], now: Timestamp) {
    let mut refusals = refusals.iter().rev().peekable();
    let mut following = Timestamp::NEVER;
    for (number, event) in letters.iter_mut().rev() {
        while let Some((_, refusal)) = refusals.next_if(|(refused, _)| refused > number) {
            following = following.min(refusal.at);
        }
        if event.at > now {
            event.at = event.at.min(following);
        }
        following = following.min(event.at);
    }
}
