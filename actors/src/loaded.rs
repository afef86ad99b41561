//! State that an actor reads from the store when it first needs it.

use std::sync::Arc;

use actix::prelude::*;
use postern_model::AccountId;
use postern_storage::{StoreError, View};

use crate::ground::Ground;
use crate::registry::PerAccount;

/// An actor whose state comes from the store.
pub(crate) trait Loaded: PerAccount {
    /// What is kept in memory.
    type State: Send + 'static;

    /// Reads it.
    fn load(view: &View<'_>, account: AccountId) -> Result<Self::State, StoreError>;

    /// Where it is kept; `None` until it was read.
    fn slot(&mut self) -> &mut Option<Self::State>;

    /// What the actor stands on, and whose it is.
    fn place(&self) -> (&Arc<Ground>, AccountId);
}

/// Runs `f` once the state is there, or the reason why it could not be read. The actor looks at nothing else meanwhile,
/// so what `f` reads, decides and writes is one step.
pub(crate) fn with_state<A: Loaded, T: 'static>(
    actor: &mut A,
    f: impl FnOnce(&mut A, Result<(), StoreError>) -> T + 'static,
) -> AtomicResponse<A, T> {
    if actor.slot().is_some() {
        let answer = f(actor, Ok(()));
        return AtomicResponse::new(Box::pin(actix::fut::ready(answer)));
    }
    let (ground, account) = actor.place();
    let store = ground.store.clone();
    let read = async move { store.read(move |view| A::load(view, account)).await };
    AtomicResponse::new(Box::pin(read.into_actor(actor).map(move |state, actor: &mut A, _| {
        let read = state.map(|state| *actor.slot() = Some(state));
        f(actor, read)
    })))
}
