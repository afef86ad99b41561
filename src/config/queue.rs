//! The queue: how long letters for other servers are tried, and how many go at once (SPEC D3).

use std::time::Duration;

use super::Config;
use super::field::Field;
use super::kinds::{self, Problem};
use super::table::{MINUTE, Variable};

const HOUR: Duration = Duration::from_secs(60 * 60);
const MONTH: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// Its variables.
pub(super) static ROWS: &[Variable] = &[
    Variable::new(
        "QUEUE_LIFETIME",
        "5d",
        Field::Duration { from: HOUR, to: MONTH, slot: |c| &mut c.queue.lifetime },
        "How long a letter for another server is tried before it comes back (D3).",
    ),
    Variable::new(
        "QUEUE_WARN_AFTER",
        "4h",
        Field::Other { kind: "a duration from 1m to 30d, or `off`", set: warn_after },
        "After how long the sender is told that a letter is late (D3).",
    ),
    Variable::new(
        "QUEUE_PER_DOMAIN",
        "20",
        Field::Count { from: 1, to: 1_000, slot: |c| &mut c.queue.per_domain },
        "Connections to the servers of one domain at once (D3); begins with 2 and grows as they answer well.",
    ),
    Variable::new(
        "QUEUE_CONNECTIONS",
        "200",
        Field::Count { from: 1, to: 10_000, slot: |c| &mut c.queue.connections },
        "Connections to other servers at once (D3).",
    ),
    Variable::new(
        "QUEUE_SIZE",
        "1000000",
        Field::Count { from: 1, to: 100_000_000, slot: |c| &mut c.queue.most },
        "How much may wait to leave (D3): a letter counts once for each domain that it goes to. Beyond, senders are told to try again later.",
    ),
];

fn warn_after(config: &mut Config, text: &str) -> Result<(), Problem> {
    let after = if text == "off" { None } else { Some(kinds::duration(text)?) };
    if after.is_some_and(|after| !(MINUTE..=MONTH).contains(&after)) {
        return Err(Problem::new("is out of range", "write a duration from 1m to 30d, or off"));
    }
    config.queue.warn_after = after;
    Ok(())
}
