//! Spam filters (SPEC D5): what rspamd or milters say of a letter, and what they learn from users.
//!
//! A letter passes all filters of `POSTERN_FILTER` in their order, each of which sees what those before it have changed; the
//! first that refuses it has the last word. They are asked when the letter is whole. A filter that fails changes nothing:
//! the letter goes on without it (`POSTERN_FILTER_FAIL`), which is counted and logged once a minute.

mod breaker;
mod chain;
mod draft;
mod failure;
mod learn;
mod milter;
mod place;
mod rspamd;
#[cfg(test)]
mod tests;
mod words;

use std::sync::Arc;

use postern_actors::learn::Trainer;

use crate::config::Config;
use crate::inbound::Filter;
use chain::Chain;
use learn::Learner;
pub use place::{Place, PlaceError, Socket, Url};

/// The configured filters; `None` where there are none.
///
/// # Errors
/// Why no connection could ever be made, in a line for the operator.
pub fn filter(config: &Config) -> Result<Option<Arc<dyn Filter>>, String> {
    if config.screen.filters.is_empty() {
        return Ok(None);
    }
    let chain = Chain::new(&config.screen, &config.hostname, config.message_size)?;
    Ok(Some(Arc::new(chain)))
}

/// Who learns what users take for spam; `None` where nobody does. Its work is done on this thread, until it is dropped.
///
/// # Errors
/// As [`filter`].
pub fn trainer(config: &Config) -> Result<Option<Arc<dyn Trainer>>, String> {
    let Some(place) = &config.screen.learn else { return Ok(None) };
    let (learner, work) = Learner::new(place, config.screen.password.as_ref(), config.screen.timeout)?;
    actix_rt::spawn(work);
    Ok(Some(Arc::new(learner)))
}
