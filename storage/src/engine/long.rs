//! Long values in pieces, for an engine that is only safe with short ones.
//!
//! sled writes a page above 128 KiB into a file of its own and never syncs that, so after a power cut the index could
//! not be opened. A page holds about 16 values; kept to 4 KiB each they stay below. A longer value (the facts of a
//! letter made to annoy, the log of a great clean-up) is kept as pieces in a space of its own, and under its key stands
//! how long it is.

use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering};

use super::{Engine, Visitor, Writes};
use crate::error::StoreError;
use crate::keyspace::{hex, space};

/// Octets of the longest value that is kept whole, and of a piece.
pub(super) const PIECE: usize = 4096;
/// First octet of what stands for a long value. A record begins with its version and never gets that far; any other
/// value that begins so is kept in pieces as well, however short.
const LONG: u8 = 0xff;

/// An engine that keeps long values in pieces within another one.
pub(super) struct LongValues<E> {
    engine: E,
    /// Whether there may be any; else a deletion need not look.
    any: AtomicBool,
}

impl<E: Engine> LongValues<E> {
    pub(super) fn new(engine: E) -> Result<LongValues<E>, StoreError> {
        let mut any = false;
        engine.scan(&[space::PIECES], &[space::PIECES + 1], &mut |_, _| {
            any = true;
            ControlFlow::Break(())
        })?;
        Ok(LongValues { engine, any: AtomicBool::new(any) })
    }

    /// The value that `stored` under `key` stands for, where it stands for one.
    fn join(&self, key: &[u8], stored: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        let Some(length) = long_len(stored) else { return Ok(None) };
        let mut value = Vec::with_capacity(length);
        for n in 0..pieces(length) {
            match self.engine.get(&piece_key(key, n))? {
                Some(piece) => value.extend_from_slice(&piece),
                None => break,
            }
        }
        if value.len() == length {
            return Ok(Some(value));
        }
        Err(StoreError::damaged(format!("a long record has lost a part (key {})", hex(key))))
    }

    /// The pieces of what is about to be deleted go with it.
    fn drop_pieces(&self, key: &[u8], out: &mut Writes) -> Result<(), StoreError> {
        if self.any.load(Ordering::Relaxed)
            && let Some(length) = self.engine.get(key)?.as_deref().and_then(long_len)
        {
            out.extend((0..pieces(length)).map(|n| (piece_key(key, n), None)));
        }
        Ok(())
    }

    fn split(&self, key: &[u8], value: &[u8], out: &mut Writes) {
        self.any.store(true, Ordering::Relaxed);
        let parts = value.chunks(PIECE).zip(0..);
        out.extend(parts.map(|(part, n)| (piece_key(key, n), Some(part.to_vec()))));
        // No value comes near 4 GiB: records end at 4 MiB.
        let length = u32::try_from(value.len()).unwrap_or(u32::MAX);
        out.insert(key.to_vec(), Some([&[LONG][..], &length.to_be_bytes()].concat()));
    }
}

impl<E: Engine> Engine for LongValues<E> {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        let Some(stored) = self.engine.get(key)? else { return Ok(None) };
        let joined = self.join(key, &stored)?;
        Ok(Some(joined.unwrap_or(stored)))
    }

    fn scan(&self, start: &[u8], end: &[u8], visit: &mut Visitor<'_>) -> Result<(), StoreError> {
        let mut outcome = Ok(());
        self.engine.scan(start, end, &mut |key, stored| match self.join(key, stored) {
            Ok(None) => visit(key, stored),
            Ok(Some(value)) => visit(key, &value),
            Err(error) => {
                outcome = Err(error);
                ControlFlow::Break(())
            }
        })?;
        outcome
    }

    /// A long value that is overwritten by a shorter one leaves pieces behind until its key is deleted with a long
    /// value again: what is long is written once (facts, what vanished), and looking before each write would cost all.
    fn apply(&self, writes: &Writes) -> Result<(), StoreError> {
        let mut changed = Writes::new();
        for (key, value) in writes {
            match value {
                None => self.drop_pieces(key, &mut changed)?,
                Some(value) if value.len() > PIECE || value.first() == Some(&LONG) => {
                    self.split(key, value, &mut changed);
                }
                Some(_) => {}
            }
        }
        if changed.is_empty() {
            return self.engine.apply(writes);
        }
        let unchanged = writes.iter().filter(|(key, _)| !changed.contains_key(*key));
        let unchanged: Vec<_> = unchanged.map(|(key, value)| (key.clone(), value.clone())).collect();
        changed.extend(unchanged);
        self.engine.apply(&changed)
    }

    fn flush(&self) -> Result<(), StoreError> {
        self.engine.flush()
    }
}

/// How long the value is that `stored` stands for.
fn long_len(stored: &[u8]) -> Option<usize> {
    let (&LONG, length) = stored.split_first()? else { return None };
    usize::try_from(u32::from_be_bytes(length.try_into().ok()?)).ok()
}

fn pieces(length: usize) -> u32 {
    u32::try_from(length.div_ceil(PIECE)).unwrap_or(u32::MAX)
}

/// Two keys never have a piece in common: where the pieces' keys are equally long, so are the keys.
fn piece_key(key: &[u8], n: u32) -> Vec<u8> {
    [&[space::PIECES][..], key, &n.to_be_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use super::super::memory::MemoryEngine;
    use super::*;

    fn rows(engine: &dyn Engine, start: &[u8], end: &[u8]) -> Vec<(Vec<u8>, Vec<u8>)> {
        let mut found = Vec::new();
        let visit = &mut |key: &[u8], value: &[u8]| {
            found.push((key.to_vec(), value.to_vec()));
            ControlFlow::Continue(())
        };
        engine.scan(start, end, visit).expect("a scan");
        found
    }

    #[test]
    fn a_value_of_any_length_comes_back_and_goes_whole() {
        let engine = LongValues::new(MemoryEngine::default()).expect("empty");
        for length in [0, 1, PIECE - 1, PIECE, PIECE + 1, 3 * PIECE, 100_000] {
            for first in [1, LONG] {
                let mut value = vec![7; length];
                value.iter_mut().take(1).for_each(|octet| *octet = first);
                let neighbour = (b"k\0".to_vec(), b"n".to_vec());
                let put = |(key, value): (Vec<u8>, Vec<u8>)| (key, Some(value));
                let row = (b"k".to_vec(), value.clone());
                engine.apply(&Writes::from([put(row.clone()), put(neighbour.clone())])).expect("written");
                assert_eq!(engine.get(b"k").expect("readable"), Some(value), "{length}");
                assert_eq!(rows(&engine, b"a", b"z"), [row, neighbour.clone()]);
                let longest =
                    rows(&engine.engine, &[], &[0xff]).into_iter().map(|(_, value)| value.len()).max();
                assert!(longest <= Some(PIECE), "{longest:?}");
                engine.apply(&Writes::from([(b"k".to_vec(), None)])).expect("deleted");
                assert_eq!(rows(&engine.engine, &[], &[0xff]), [neighbour], "nothing is left of {length}");
            }
        }
    }

    #[test]
    fn a_piece_that_is_missing_is_damage() {
        let engine = LongValues::new(MemoryEngine::default()).expect("empty");
        engine.apply(&Writes::from([(b"k".to_vec(), Some(vec![1; 9_000]))])).expect("written");
        engine.engine.apply(&Writes::from([(piece_key(b"k", 1), None)])).expect("lost");
        assert!(matches!(engine.get(b"k"), Err(StoreError::Damaged { .. })));
        let scanned = engine.scan(b"a", b"z", &mut |_, _| ControlFlow::Continue(()));
        assert!(matches!(scanned, Err(StoreError::Damaged { .. })));
    }
}
