//! Deeds at random, with restarts between them: the records, the events and the index of what falls due stay one story.

use postern_model::record::{Standing, Status, What};
use postern_policy::standing;
use postern_storage::{StoreError, View, keys};

use super::*;
use crate::account::read_standing;
use crate::admin::events_of;

/// Random numbers that are the same each time (Knuth's MMIX generator).
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }
}

const SPANS: [Duration; 5] = [
    Duration::from_secs(20),
    Duration::from_secs(7 * 60),
    Duration::from_secs(3 * 60 * 60),
    Duration::from_secs(26 * 60 * 60),
    Duration::from_secs(40 * 24 * 60 * 60),
];

impl House {
    /// Does something to an account, whether it may be done or not.
    async fn deed(&self, address: &str, dice: &mut Dice) {
        let name = || address.to_owned();
        let request = match dice.below(10) {
            0..=2 => AdminRequest::SetAccess {
                address: name(),
                change: [AccessChange::On, AccessChange::Off, AccessChange::Block, AccessChange::Unblock]
                    [dice.below(4) as usize],
                protocols: vec![Protocol::ALL[dice.below(3) as usize]],
                now: dice.below(2) == 0,
                reason: None,
                as_user: dice.below(2) == 0,
            },
            3 => AdminRequest::SetStatus {
                address: name(),
                status: [Status::Active, Status::Inactive, Status::Suspended][dice.below(3) as usize],
            },
            4 => {
                let lasts = Some(SPANS[dice.below(5) as usize]).filter(|_| dice.below(2) == 0);
                AdminRequest::LockSending { address: name(), reason: None, lasts }
            }
            5 => AdminRequest::UnlockSending { address: name() },
            6 => AdminRequest::AccountSeen { address: name() },
            7 => AdminRequest::Set { address: name(), name: "language".into(), value: "lv".into() },
            _ => {
                let who = Listener::new(self);
                let protocol = Protocol::ALL[dice.below(3) as usize];
                if let Ok(admitted) = self.login(address, &who, protocol).await
                    && protocol == Protocol::Pop3
                {
                    // In use or too soon is a story, too.
                    let _ = self.actors.open_maildrop(&admitted, &who.session).await;
                }
                return;
            }
        };
        // What may not be done leaves no trace, which is what is looked at.
        let _ = self.actors.admin(request).await;
    }
}

/// The standing as the store has it, and as the events make it from the first checkpoint on.
fn both(view: &View<'_>, id: AccountId) -> Result<(Standing, Standing), StoreError> {
    let account = view.get(&keys::account(id))?.ok_or(StoreError::NotFound)?;
    let stored = read_standing(view, id, &account)?;
    let mut events = events_of(view, id)?.into_iter();
    let mut replayed = stored.clone();
    let begin = events.find(|event| matches!(event.what, What::Standing(_))).expect("a checkpoint");
    standing::apply(&mut replayed, &begin);
    events.for_each(|event| standing::apply(&mut replayed, &event));
    Ok((stored, replayed))
}

#[actix_rt::test]
async fn a10_the_events_make_what_is_stored_and_the_index_agrees_whatever_happens() {
    let mut house = House::new().await;
    let mut dice = Dice(4711);
    let addresses: Vec<String> = (0..4).map(|n| format!("user{n}@demo.test")).collect();
    let mut ids = Vec::new();
    for address in &addresses {
        ids.push(house.account(address).await);
    }
    for round in 0..150 {
        for _ in 0..4 {
            house.deed(&addresses[dice.below(4) as usize], &mut dice).await;
        }
        match dice.below(5) {
            0 => house = house.restarted().await,
            1 => house.advance(SPANS[dice.below(4) as usize]),
            _ => {
                let micros = u64::try_from(SPANS[dice.below(5) as usize].as_micros()).expect("short");
                house.admin(AdminRequest::ClockAdvance { micros }).await;
            }
        }
        house.written().await;
        house.clean();
        for id in &ids {
            let id = *id;
            let (stored, replayed) =
                house.actors.store().read(move |view| both(view, id)).await.expect("readable");
            assert_eq!(stored, replayed, "account {id} after round {round}");
        }
    }
}
