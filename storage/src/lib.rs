//! Postern's store: an index of records, and the bodies of letters beside it.
//!
//! [`Store`] is the face that actors see: asynchronous, reading in batches, writing in atomic [`Batch`]es whose
//! preconditions are judged by the one thread that writes (`committer`). Records lie in an engine (`engine`, sled by
//! default) under keys that [`keys`] makes; bodies lie in segment files (`blob`). What was answered with `Ok` survives a
//! power cut (SPEC D1).

mod batch;
mod blob;
mod check;
mod codec;
mod committer;
mod disk;
mod engine;
mod error;
pub mod keys;
mod keyspace;
mod letters;
mod log;
mod open;
mod plan;
mod pool;
mod queue;
mod shared;
mod store;
mod view;

#[cfg(test)]
mod tests;

pub use batch::Batch;
pub use blob::BodyRef;
pub use blob::reader::BodyReader;
pub use blob::spool::{SealedBody, Spool};
pub use check::CheckReport;
pub use engine::EngineKind;
pub use error::{OpenError, StoreError};
pub use keyspace::{Key, KeyRange, RawKey};
pub use log::Ring;
pub use open::StoreOptions;
pub use queue::Commit;
pub use store::{OpenBody, Store};
pub use view::View;
