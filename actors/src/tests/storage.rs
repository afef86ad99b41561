//! What an account may store (SPEC D8): kept to the octet, told in time, never lost count of.

use postern_model::record::{NoticeKind, Usage};
use postern_storage::keys;

use super::*;

/// Octets that the plan of these tests lets an account store.
const ROOM: u64 = 10_000;

impl House {
    async fn usage(&self, id: AccountId) -> Usage {
        self.actors.store().get(keys::usage(id)).await.expect("readable").unwrap_or_default()
    }

    /// Notices owed or told, the oldest first.
    async fn warned(&self, id: AccountId) -> Vec<NoticeKind> {
        self.actors.notices_delivered().await;
        let events =
            self.actors.store().read(move |view| crate::admin::events_of(view, id)).await.expect("readable");
        let notices = events.into_iter().filter_map(|event| match event.what {
            postern_model::record::What::Notice { notice, .. } => Some(notice),
            _ => None,
        });
        notices.collect()
    }
}

async fn narrow() -> House {
    let mut settings = Settings::for_tests();
    for plan in settings.plans.values_mut() {
        plan.storage = Some(ROOM);
    }
    settings.plans.entry("plus".to_owned()).and_modify(|plan| plan.storage = None);
    House::with(settings).await
}

#[actix_rt::test]
async fn d8_a_letter_that_does_not_fit_is_refused_and_what_was_accepted_comes_in() {
    let house = narrow().await;
    let alice = house.account("alice@demo.test").await;
    let bob = house.account("bob@demo.test").await;
    let (half, more) = ("x".repeat(6_000), "x".repeat(4_001));
    house.send(&half, &[alice]).await.expect("there is room");
    assert_eq!(house.send(&more, &[alice]).await, Err(Refusal::MailboxFull { ever: false }));
    assert_eq!(house.actors.has_room(alice, 4_001).await, Err(Refusal::MailboxFull { ever: false }));
    assert_eq!(house.actors.has_room(alice, 4_000).await, Ok(()));
    let huge = "x".repeat(10_001);
    assert_eq!(house.send(&huge, &[alice]).await, Err(Refusal::MailboxFull { ever: true }));
    assert_eq!(house.usage(alice).await.octets, 6_000);
    house.send(&more, &[bob]).await.expect("bob has room of his own");
    // Another plan counts at once.
    let (address, plan) = ("alice@demo.test".to_owned(), "plus".to_owned());
    house.admin(AdminRequest::SetPlan { address, plan }).await;
    house.send(&more, &[alice]).await.expect("there is no limit any more");
}

#[actix_rt::test]
async fn d8_the_user_is_told_at_80_and_at_95_percent_once_each() {
    let house = narrow().await;
    let alice = house.account("alice@demo.test").await;
    house.send(&"x".repeat(7_000), &[alice]).await.expect("there is room");
    assert!(house.warned(alice).await.is_empty());
    house.send(&"x".repeat(1_000), &[alice]).await.expect("there is room");
    assert_eq!(house.warned(alice).await, [NoticeKind::StorageLow]);
    let used = house.usage(alice).await.octets;
    house.send(&"x".repeat((9_500 - used) as usize), &[alice]).await.expect("there is room");
    assert_eq!(house.warned(alice).await, [NoticeKind::StorageLow, NoticeKind::StorageOut]);
    let used = house.usage(alice).await;
    let house = house.restarted().await;
    assert_eq!(house.usage(alice).await, used);
    assert_eq!(house.warned(alice).await.len(), 2, "nothing is told twice");
}
