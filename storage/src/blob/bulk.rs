//! Many bodies one after the other, for whoever looks into all of them: SEARCH.
//!
//! The bodies are read on the store's reader threads, a few at a time, so that others who read get their turn between.

use std::sync::Arc;

use postern_model::{AccountId, LetterId};

use super::reader;
use crate::error::StoreError;
use crate::shared::Shared;

/// Octets, and letters, after which a thread is given back.
const TURN: usize = 1 << 20;
const LETTERS_A_TURN: usize = 64;
/// Octets that a buffer keeps between two letters at most.
const KEPT: usize = 1 << 20;

/// What goes from turn to turn.
pub(crate) struct Bulk<T, L> {
    pub(crate) account: AccountId,
    pub(crate) letters: std::vec::IntoIter<LetterId>,
    pub(crate) look: L,
    pub(crate) buffer: Vec<u8>,
    pub(crate) found: Vec<(LetterId, T)>,
}

impl<T, L: FnMut(LetterId, Result<&[u8], StoreError>) -> T> Bulk<T, L> {
    /// Looks at the letters that one turn allows; blocks.
    pub(crate) fn turn(&mut self, shared: &Shared) {
        let mut octets = 0;
        for letter in self.letters.by_ref().take(LETTERS_A_TURN) {
            let read = reader::read_whole(shared, self.account, letter, &mut self.buffer);
            let body = read.map(|place| &self.buffer[place]);
            octets += body.as_ref().map_or(0, |body| body.len());
            self.found.push((letter, (self.look)(letter, body)));
            if self.buffer.capacity() > KEPT {
                self.buffer.truncate(KEPT);
                self.buffer.shrink_to(KEPT);
            }
            if octets >= TURN {
                break;
            }
        }
    }
}

/// Turn after turn, until all letters have been looked at.
pub(crate) async fn run<T, L>(
    shared: &Arc<Shared>,
    mut bulk: Bulk<T, L>,
) -> Result<Vec<(LetterId, T)>, StoreError>
where
    T: Send + 'static,
    L: FnMut(LetterId, Result<&[u8], StoreError>) -> T + Send + 'static,
{
    while !bulk.letters.as_slice().is_empty() {
        let on_thread = shared.clone();
        let turn = move || {
            bulk.turn(&on_thread);
            Ok(bulk)
        };
        bulk = shared.readers.run(turn).await?;
    }
    Ok(bulk.found)
}
