//! What is due is found by scanning an index ordered by time, which holds one entry an account, and done by the
//! accounts' actors. What fell due while the server was down is done at the first look, in the order of its due times.

use std::sync::Arc;
use std::time::Duration;

use postern_model::record::{Access, Brake, ClockReading, Due};
use postern_model::{AccountId, Timestamp};
use postern_policy::access::{self, Closing, Figures};
use postern_storage::{Batch, KeyRange, StoreError, View, keys};
use tokio::task::{JoinError, JoinSet};

use crate::account::read_standing;
use crate::actors::Actors;
use crate::brake::Moment;

/// Entries read at once: nothing is committed meanwhile.
const PAGE: usize = 128;

/// Accounts that are settled at once: they share the committer's rounds.
const UNDER_WAY: usize = 64;

/// Due times that one advance of a manual clock stops at, each for itself.
const EXACT_STEPS: u64 = 10_000;

/// Beyond these, what falls due within so long is done together at its end, never early.
const COARSE: Duration = Duration::from_secs(60);

/// Coarse steps that what is left of an advance is divided into at most.
const COARSE_STEPS: u32 = 100_000;

/// What is remembered from one look to the next.
#[derive(Debug, Default)]
pub(crate) struct Lookout {
    /// `None` until it was read.
    pub(crate) brake: Option<Brake>,
    /// When the last look was.
    pub(crate) seen: Option<Moment>,
}

/// An entry of the index.
#[derive(Debug)]
pub(crate) struct Entry {
    at: Timestamp,
    account: AccountId,
    /// Whether it leads nowhere: the account is gone, or its entry is another.
    stale: Stale,
    /// Whether something is due.
    due: bool,
    /// Whether something closes for want of use that was not released (SPEC A16).
    pub(crate) closes: bool,
}

/// Why an entry leads nowhere.
#[derive(Debug)]
enum Stale {
    No,
    /// There is no such account any more.
    Gone,
    /// The account's entry is another, as this record says.
    Elsewhere(Box<Access>),
}

/// Where a walk through the index stands.
pub(crate) struct Pages {
    range: KeyRange<(Timestamp, AccountId), Due>,
    until: Timestamp,
    now: Timestamp,
    released: Timestamp,
}

impl Pages {
    /// A walk through all entries up to `until`, to see what of it is due at `now`. What was due at `released` is not
    /// counted as closing.
    pub(crate) fn until(until: Timestamp, now: Timestamp, released: Timestamp) -> Pages {
        Pages { range: keys::all_due(), until, now, released }
    }
}

impl Actors {
    /// Does what is due. One look at a time; whoever comes meanwhile waits for it and looks again.
    ///
    /// # Errors
    /// What stopped it. What could not be done is still due at the next look.
    pub(crate) async fn look(&self) -> Result<u64, StoreError> {
        let mut lookout = self.lookout().await;
        self.look_around(&mut lookout, self.moment(), Duration::ZERO).await
    }

    /// Does what is due at `moment`, also where its entry stands up to `ahead` later. Returns how many accounts it was.
    pub(crate) async fn look_around(
        &self,
        lookout: &mut Lookout,
        moment: Moment,
        ahead: Duration,
    ) -> Result<u64, StoreError> {
        let closing = self.brake(lookout, moment).await?;
        let now = moment.clock;
        let mut pages = Pages::until(now.plus(ahead), now, now);
        let (mut under_way, mut settled) = (JoinSet::new(), Ok(0));
        while let (Ok(_), Some(page)) = (&settled, self.next_page(&mut pages).await?) {
            for entry in page {
                if under_way.len() >= UNDER_WAY {
                    count(&mut settled, under_way.join_next().await);
                }
                if settled.is_err() {
                    break;
                }
                let actors = self.clone();
                under_way.spawn_local(async move { actors.see_to(entry, now, closing).await });
            }
        }
        while let done @ Some(_) = under_way.join_next().await {
            count(&mut settled, done);
        }
        settled
    }

    /// Moves a manual clock on, and does what falls due on the way, each thing at its own time: so what warns and what
    /// follows seven days later are both seen. Returns when all is done.
    ///
    /// # Errors
    /// What stopped it; the clock stands where it came to.
    pub(crate) async fn advance(&self, by: Duration) -> Result<(), StoreError> {
        let mut lookout = self.lookout().await;
        let target = self.now().plus(by);
        // What is still due from before.
        self.step_to(&mut lookout, self.now(), false).await?;
        let mut stride = Stride::default();
        let mut leaves = self.queue_rests().await;
        while let Some(due) = self.next_step(leaves).await?.filter(|due| *due < target) {
            self.step_to(&mut lookout, stride.over(due, target), false).await?;
            leaves = self.queue_rests().await;
        }
        self.step_to(&mut lookout, target, true).await?;
        self.queue_rests().await;
        Ok(())
    }

    /// Where the clock stands is written before anybody sees it, so a restart never goes back behind that. On the way
    /// the next durable batch takes it along.
    async fn step_to(&self, lookout: &mut Lookout, to: Timestamp, durable: bool) -> Result<(), StoreError> {
        let mut batch = Batch::new();
        batch.put(&keys::clock(), &ClockReading(to));
        if !durable {
            batch.lazy();
        }
        self.store().commit(batch).await?;
        if let Some(clock) = self.ticker().clock().manual() {
            clock.advance(to.since(self.now()));
        }
        self.look_around(lookout, self.moment(), Duration::ZERO).await?;
        self.deliver_notices().await;
        Ok(())
    }

    /// The first time from now on at which something is filed, or a letter leaves.
    async fn next_step(&self, leaves: Timestamp) -> Result<Option<Timestamp>, StoreError> {
        let now = self.now();
        let filed = self.next_due(now).await?;
        let leaves = Some(leaves).filter(|leaves| *leaves != Timestamp::NEVER && *leaves > now);
        Ok(filed.into_iter().chain(leaves).min())
    }

    /// The first time behind `now` at which something is filed.
    async fn next_due(&self, now: Timestamp) -> Result<Option<Timestamp>, StoreError> {
        let behind = keys::all_due().after(&keys::due(now, AccountId(u64::MAX)));
        let first = self.store().read(move |view| view.scan(&behind, 1)).await?;
        Ok(first.first().map(|((at, _), _)| *at))
    }

    /// Whether more than so many entries stand up to `now`.
    pub(crate) async fn more_due_than(&self, limit: u64, now: Timestamp) -> Result<bool, StoreError> {
        let (mut range, mut count) = (keys::all_due(), 0);
        loop {
            let page = range.clone();
            let found = self.store().read(move |view| view.scan(&page, PAGE)).await?;
            let due = found.iter().take_while(|((at, _), _)| *at <= now).count();
            count += due as u64;
            match found.last() {
                _ if count > limit => return Ok(true),
                Some(((at, account), _)) if due == PAGE => range = range.after(&keys::due(*at, *account)),
                _ => return Ok(false),
            }
        }
    }

    /// The next entries of a walk, and what they lead to; `None` at its end.
    pub(crate) async fn next_page(&self, pages: &mut Pages) -> Result<Option<Vec<Entry>>, StoreError> {
        let (range, until, now, released) = (pages.range.clone(), pages.until, pages.now, pages.released);
        let ground = Arc::clone(self.ground());
        let read = self.store().read(move |view| {
            let found = view.scan(&range, PAGE)?;
            let due = found.into_iter().map(|(key, _)| key).take_while(|(at, _)| *at <= until);
            due.map(|key| entry(view, key, &ground.settings.access, now, released)).collect()
        });
        let page: Vec<Entry> = read.await?;
        let Some(last) = page.last() else { return Ok(None) };
        pages.range = pages.range.clone().after(&keys::due(last.at, last.account));
        Ok(Some(page))
    }

    /// Does what an entry calls for.
    async fn see_to(&self, entry: Entry, now: Timestamp, closing: Closing) -> Result<u64, StoreError> {
        let Entry { at, account, stale, due, .. } = entry;
        let mut batch = Batch::new();
        match stale {
            // Before its time only because the brake is off.
            Stale::No if at > now && !due => return Ok(0),
            Stale::No => return self.settle(account, closing).await.map(|()| 1),
            Stale::Gone => {}
            Stale::Elsewhere(access) => drop(batch.expect(&keys::access(account), &access)),
        }
        batch.delete(&keys::due(at, account));
        self.store().commit(batch).await.map(|()| 0)
    }
}

/// How far the steps of one advance go.
#[derive(Debug, Default)]
struct Stride {
    taken: u64,
    coarse: Duration,
}

impl Stride {
    /// Where the step ends that does what falls due at `due`.
    fn over(&mut self, due: Timestamp, target: Timestamp) -> Timestamp {
        if self.taken == EXACT_STEPS {
            self.coarse = COARSE.max(target.since(due) / COARSE_STEPS);
        }
        self.taken += 1;
        due.plus(self.coarse).min(target)
    }
}

/// What an entry leads to. An account that can't be read must not stand before the others: it is asked itself, and says
/// why not.
fn entry(
    view: &View<'_>,
    (at, account): (Timestamp, AccountId),
    figures: &Figures,
    now: Timestamp,
    released: Timestamp,
) -> Result<Entry, StoreError> {
    let blank = || Entry { at, account, stale: Stale::No, due: false, closes: false };
    let gone = Entry { stale: Stale::Gone, ..blank() };
    if view.contains(&keys::removal(account))? {
        return Ok(gone);
    }
    let standing = match view.get(&keys::account(account)) {
        Ok(None) => return Ok(gone),
        Ok(Some(found)) => read_standing(view, account, &found),
        Err(error) => Err(error),
    };
    let standing = match standing {
        Ok(standing) => standing,
        Err(StoreError::Damaged { .. } | StoreError::NotFound) => return Ok(blank()),
        Err(error) => return Err(error),
    };
    if standing.access.due != Some(at) {
        return Ok(Entry { stale: Stale::Elsewhere(Box::new(standing.access)), ..blank() });
    }
    let closes = |at| access::closes(&access::on_deadline(&standing, figures, Closing::Goes, at));
    let due = access::deadline(&standing, figures).is_some_and(|due| due <= now);
    // A time of release in the future says nothing: the clock was wrong then.
    let counts = || closes(now) && !(released <= now && closes(released));
    Ok(Entry { due, closes: due && counts(), ..blank() })
}

/// Counts what was done. What one account alone stands against is logged; what stands against all ends the look.
fn count(settled: &mut Result<u64, StoreError>, done: Option<Result<Result<u64, StoreError>, JoinError>>) {
    match (settled.as_mut(), done) {
        (_, None | Some(Ok(Err(StoreError::NotFound)))) | (Err(_), _) => {}
        (Ok(count), Some(Ok(Ok(more)))) => *count += more,
        (
            Ok(_),
            Some(Ok(Err(
                error @ (StoreError::Conflict | StoreError::Damaged { .. } | StoreError::TooLarge { .. }),
            ))),
        ) => {
            tracing::warn!(%error, "what is due for an account waits for the next round");
        }
        (Ok(_), Some(Err(error))) => {
            tracing::error!(%error, "what is due for an account waits for the next round")
        }
        (Ok(_), Some(Ok(Err(error)))) => *settled = Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn o6_an_advance_stops_at_each_due_time_and_never_at_too_many() {
        let (begin, mut stride) = (Timestamp::from_seconds(0), Stride::default());
        let year = begin.plus(Duration::from_secs(366 * 24 * 60 * 60));
        for n in 0..EXACT_STEPS {
            let due = Timestamp(i64::try_from(n).expect("small"));
            assert_eq!(stride.over(due, year), due);
        }
        let due = Timestamp::from_seconds(1);
        let step = stride.over(due, year).since(due);
        assert!(step >= COARSE && step * COARSE_STEPS >= year.since(due), "{step:?}");
        assert_eq!(stride.over(year.minus(COARSE / 2), year), year, "never beyond the target");
    }
}
