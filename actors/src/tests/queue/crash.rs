//! What a crash leaves behind, and a large queue.

use super::*;

#[actix_rt::test]
async fn the_queue_is_what_the_store_has_of_it() {
    let (house, fake) = house().await;
    for domain in ["a.test", "b.test"] {
        fake.is(domain, Mood::Defers);
    }
    for _ in 0..300 {
        house.leaves(&["x@a.test", "y@b.test", "z@c.test"]).await;
    }
    house.rests().await;
    assert_eq!(house.consignments().await.len(), 600);
    let seen = fake.seen("c.test").len();
    let house = house.restarted().await;
    house.rests().await;
    for domain in ["a.test", "b.test"] {
        fake.is(domain, Mood::Takes);
    }
    house.passes(HOUR).await;
    assert_eq!(fake.seen("c.test").len(), seen, "what went does not go again");
    house.is_empty().await;
}

#[actix_rt::test]
async fn a_store_that_is_opened_by_a_command_sends_nothing() {
    let fake = Arc::new(Fake::default());
    let house = House::with(Settings { serving: false, ..settings(&fake) }).await;
    house.leaves(&["x@a.test"]).await;
    house.actors.queue_known().await;
    house.rests().await;
    assert_eq!(fake.set_out.load(Ordering::Relaxed), 0);
    assert_eq!(house.consignments().await.len(), 1);
}
