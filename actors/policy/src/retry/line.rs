//! The letters of one destination that may go now: senders take turns, and so one sender's ten thousand letters don't
//! delay another's one.

use std::collections::{BTreeMap, BTreeSet};

/// A sender, as the queue tells them apart; letters of nobody's account share one.
pub(super) type Sender = u64;

/// Senders in turn, and each one's letters in the order of their keys, the lowest first.
#[derive(Debug, Default)]
pub(super) struct Line {
    senders: BTreeMap<Sender, Letters>,
    /// Each sender once: by turn, then by the key of the first letter. In one round of turns whoever has the most urgent
    /// letter comes first, and nobody comes twice.
    order: BTreeSet<(u64, i64, Sender)>,
    /// The turn that was taken last. Who comes anew joins behind it, also who comes anew each time.
    turn: u64,
}

#[derive(Debug)]
struct Letters {
    turn: u64,
    waiting: BTreeSet<(i64, u32)>,
}

impl Letters {
    fn place(&self, sender: Sender) -> Option<(u64, i64, Sender)> {
        self.waiting.first().map(|(key, _)| (self.turn, *key, sender))
    }
}

impl Line {
    pub(super) fn is_empty(&self) -> bool {
        self.order.is_empty()
    }

    pub(super) fn push(&mut self, sender: Sender, key: i64, slot: u32) {
        self.change(sender, |letters| {
            letters.waiting.insert((key, slot));
        });
    }

    pub(super) fn remove(&mut self, sender: Sender, key: i64, slot: u32) {
        self.change(sender, |letters| {
            letters.waiting.remove(&(key, slot));
        });
    }

    /// The next letter's slot; its sender's next turn comes when all others had theirs.
    pub(super) fn pop(&mut self) -> Option<u32> {
        let (turn, _, sender) = *self.order.first()?;
        self.turn = turn;
        let mut taken = None;
        self.change(sender, |letters| {
            taken = letters.waiting.pop_first().map(|(_, slot)| slot);
            letters.turn = turn + 1;
        });
        taken
    }

    fn change(&mut self, sender: Sender, change: impl FnOnce(&mut Letters)) {
        let turn = self.turn + 1;
        let letters =
            self.senders.entry(sender).or_insert_with(|| Letters { turn, waiting: BTreeSet::new() });
        if let Some(place) = letters.place(sender) {
            self.order.remove(&place);
        }
        change(letters);
        match letters.place(sender) {
            Some(place) => {
                self.order.insert(place);
            }
            None => {
                self.senders.remove(&sender);
            }
        }
    }
}
