//! Stands in for the actors' facade, the store and the scanner until their branches are merged.
#![allow(missing_docs, unreachable_pub, dead_code, clippy::unused_async)]

use std::sync::Arc;

use bytes::Bytes;
use postern_actors::ticker::Ticker;
use postern_model::{AccountId, LetterId, Timestamp};

#[derive(Clone, Debug)]
pub struct Actors {
    ticker: Arc<Ticker>,
    store: Store,
}

impl Actors {
    pub fn new(ticker: Ticker, body: Option<Vec<Bytes>>) -> Actors {
        Actors { ticker: Arc::new(ticker), store: Store(Arc::new(body)) }
    }
    pub fn now(&self) -> Timestamp {
        self.ticker.now()
    }
    pub fn ticker(&self) -> &Ticker {
        &self.ticker
    }
    pub fn store(&self) -> &Store {
        &self.store
    }
}

#[derive(Clone, Debug)]
pub struct Store(Arc<Option<Vec<Bytes>>>);

#[derive(Clone, Debug, thiserror::Error)]
#[error("no such body")]
pub struct StoreError;

impl Store {
    pub fn spool(&self) -> Spool {
        Spool(Vec::new())
    }
    pub async fn open_body(&self, _account: AccountId, _letter: LetterId) -> Result<BodyReader, StoreError> {
        match &*self.0 {
            Some(chunks) => Ok(BodyReader(chunks.clone().into_iter())),
            None => Err(StoreError),
        }
    }
}

#[derive(Debug)]
pub struct BodyReader(std::vec::IntoIter<Bytes>);

impl BodyReader {
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, StoreError> {
        Ok(self.0.next())
    }
}

#[derive(Debug)]
pub struct Spool(pub Vec<u8>);

impl Spool {
    pub async fn write(&mut self, bytes: &[u8]) -> Result<(), StoreError> {
        self.0.extend_from_slice(bytes);
        Ok(())
    }
    pub async fn seal(self) -> Result<postern_storage::SealedBody, StoreError> {
        Ok(postern_storage::SealedBody)
    }
}
