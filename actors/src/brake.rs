//! The brake on mass closing (SPEC A16): where one look would close too many accounts at once, or the machine's clock
//! has jumped, nothing closes for want of use until an operator has confirmed it. Everything else goes on.

use std::time::{Duration, Instant};

use postern_model::Timestamp;
use postern_model::record::{Brake, Held};
use postern_policy::access::Closing;
use postern_storage::{Batch, StoreError, keys};

use crate::account::HELD_FOR;
use crate::actors::Actors;
use crate::due::{Lookout, Pages};
use crate::ground::BrakeFigures;

/// A jump of the machine's clock beyond this is not believed.
const JUMP: Duration = Duration::from_secs(24 * 60 * 60);

/// The same moment by the clock that the server goes by and by one that nobody sets.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moment {
    pub(crate) clock: Timestamp,
    pub(crate) machine: Instant,
}

impl Moment {
    /// Whether the clock went a day more or less from `self` to `later` than time did. A machine that slept for so long
    /// seems to have jumped.
    fn jumped(self, later: Moment) -> bool {
        let gone = later.machine.saturating_duration_since(self.machine);
        let expected = self.clock.plus(gone);
        later.clock.since(expected).max(expected.since(later.clock)) > JUMP
    }
}

impl BrakeFigures {
    /// How many accounts of `all` one look may close.
    fn limit(self, all: u64) -> u64 {
        self.accounts.max(all.saturating_mul(self.percent) / 100)
    }
}

impl Actors {
    /// What the brake says to closings at this moment; puts it on where that is called for.
    ///
    /// # Errors
    /// What the store can't do: then nothing may close either.
    pub(crate) async fn brake(&self, lookout: &mut Lookout, moment: Moment) -> Result<Closing, StoreError> {
        let brake = self.brake_of(lookout).await?;
        let manual = self.ticker().clock().manual().is_some();
        let jumped = !manual && lookout.seen.is_some_and(|seen| seen.jumped(moment));
        let accounts = match (&brake.held, jumped) {
            (Some(_), _) => None,
            (None, true) => Some(0),
            (None, false) => self.too_many(&brake, moment.clock).await?,
        };
        if let Some(accounts) = accounts {
            let held = Some(Held { since: moment.clock, accounts });
            self.set_brake(lookout, Brake { held, ..brake.clone() }).await?;
            tracing::warn!(
                accounts,
                clock_jumped = jumped,
                "closing for want of use is held: see that the clock is right, then `postern policy release`"
            );
        }
        lookout.seen = Some(moment);
        Ok(if accounts.is_some() || brake.held.is_some() { Closing::Held } else { Closing::Goes })
    }

    /// Takes the brake off, and does at once what it held. Returns how it is then.
    ///
    /// # Errors
    /// What the store can't do.
    pub(crate) async fn release_brake(&self) -> Result<Brake, StoreError> {
        let mut lookout = self.lookout().await;
        if self.brake_of(&mut lookout).await?.held.is_some() {
            let moment = self.moment();
            self.set_brake(&mut lookout, Brake { held: None, released: Some(moment.clock) }).await?;
            // A jump of the clock until now is what the operator has looked at.
            lookout.seen = Some(moment);
            tracing::info!("closing for want of use goes on");
            // What it held was filed so much later.
            self.look_around(&mut lookout, moment, HELD_FOR).await?;
        }
        self.brake_of(&mut lookout).await
    }

    /// This moment.
    pub(crate) fn moment(&self) -> Moment {
        Moment { clock: self.now(), machine: Instant::now() }
    }

    /// How many accounts would close now, where these are more than may. What was released closes uncounted.
    async fn too_many(&self, brake: &Brake, now: Timestamp) -> Result<Option<u64>, StoreError> {
        let next = self.store().get(keys::next_account()).await?;
        // Removed ones included: a bound that costs nothing.
        let all = next.map_or(0, |next| next.0.0.saturating_sub(1));
        let limit = self.ground().settings.brake.limit(all);
        if !self.more_due_than(limit, now).await? {
            return Ok(None);
        }
        let (mut pages, mut closing) =
            (Pages::until(now, now, brake.released.unwrap_or(Timestamp(0))), 0_u64);
        while let Some(page) = self.next_page(&mut pages).await? {
            closing += page.iter().filter(|entry| entry.closes).count() as u64;
        }
        Ok(Some(closing).filter(|closing| *closing > limit))
    }

    async fn brake_of(&self, lookout: &mut Lookout) -> Result<Brake, StoreError> {
        if let Some(brake) = &lookout.brake {
            return Ok(brake.clone());
        }
        let brake = self.store().get(keys::brake()).await?.unwrap_or_default();
        lookout.brake = Some(brake.clone());
        Ok(brake)
    }

    async fn set_brake(&self, lookout: &mut Lookout, brake: Brake) -> Result<(), StoreError> {
        let mut batch = Batch::new();
        batch.put(&keys::brake(), &brake);
        // Until it is known whether it is on disk, it is read anew.
        lookout.brake = None;
        self.store().commit(batch).await?;
        lookout.brake = Some(brake);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a16_a_share_of_many_accounts_is_more_than_a_few_hundred() {
        let figures = BrakeFigures { accounts: 100, percent: 1 };
        assert_eq!(
            [0, 150, 10_000, 10_100, 1_000_000].map(|all| figures.limit(all)),
            [100, 100, 100, 101, 10_000]
        );
    }

    #[test]
    fn a16_only_what_time_does_not_explain_is_a_jump() {
        let begin = Moment { clock: Timestamp::from_seconds(1_800_000_000), machine: Instant::now() };
        let hours = |clock: i64, machine: u64| Moment {
            clock: Timestamp(begin.clock.0 + clock * 3_600_000_000),
            machine: begin.machine + Duration::from_secs(machine * 3_600),
        };
        assert!(
            !begin.jumped(hours(1, 0)) && !begin.jumped(hours(-1, 0)),
            "daylight saving, a clock set by hand"
        );
        assert!(!begin.jumped(hours(48, 48)), "two days went by");
        assert!(!begin.jumped(hours(24, 0)) && begin.jumped(hours(25, 0)));
        assert!(begin.jumped(hours(-25, 0)) && begin.jumped(hours(0, 25)));
    }
}
