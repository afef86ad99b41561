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

#[actix_rt::test]
async fn a_server_that_was_down_for_a_week_tries_letters_before_they_come_back() {
    let (house, fake) = house().await;
    let alice = house.account("alice@demo.test").await;
    for domain in ["a.test", "b.test"] {
        fake.is(domain, Mood::Defers);
    }
    house.leaves(&["x@a.test", "y@b.test"]).await;
    house.rests().await;
    house.actors.rest().await;
    house.advance(7 * DAY);
    fake.is("a.test", Mood::Takes);
    let house = house.restarted().await;
    house.rests().await;
    assert_eq!((fake.seen("a.test").len(), fake.seen("b.test").len()), (2, 2));
    let told = house.texts(alice).await;
    assert!(told.len() == 1 && told[0].contains("y@b.test: Failed"), "{told:?}");
    house.is_empty().await;
}

/// Whatever moment the server dies in, each letter goes; only one that was with the next server and not yet written off
/// goes twice.
#[actix_rt::test]
async fn a_kill_at_any_moment_loses_nothing() {
    let fake = Arc::new(Fake::default());
    let disk = Disk::new();
    let clock = Arc::new(ManualClock::new(Timestamp::from_seconds(1_800_000_000)));
    // Houses whose store is shut: their actors know nothing of that until they ask.
    let (mut accepted, mut dead) = (0_usize, Vec::new());
    for round in 0..6_u32 {
        let options = StoreOptions { disk_reserve: 0, ..StoreOptions::new(disk.0.path()) };
        let store = Store::open(options, clock.now()).expect("a store");
        let dir = tempfile::tempdir().expect("a directory");
        let house = House::on(store, Arc::clone(&clock), settings(&fake), dir).await;
        if round == 0 {
            house.admin(AdminRequest::DomainAdd { domain: "demo.test".into() }).await;
        }
        for n in 0..20 {
            house.leaves(&[&format!("x@d{n}.test")]).await;
            accepted += 1;
            if n == 3 * round {
                // The trips stop where they are: the store takes nothing from them any more.
                break;
            }
        }
        for _ in 0..round {
            tokio::task::yield_now().await;
        }
        let store = house.actors.store().clone();
        dead.push(house);
        actix_rt::task::spawn_blocking(move || store.close()).await.expect("no panic").expect("closed");
    }
    let options = StoreOptions { disk_reserve: 0, ..StoreOptions::new(disk.0.path()) };
    let store = Store::open(options, clock.now()).expect("a store");
    let dir = tempfile::tempdir().expect("a directory");
    let house = House::on(store, clock, settings(&fake), dir).await;
    house.passes(HOUR).await;
    house.is_empty().await;
    let seen = fake.seen.lock().expect("unpoisoned").clone();
    let distinct: std::collections::BTreeSet<QueueId> =
        seen.iter().map(|(_, carrying)| carrying.id).collect();
    assert_eq!(distinct.len(), accepted, "each went");
    let twice = seen.len() - distinct.len();
    println!("{accepted} letters, {twice} of them twice");
    // The store shuts with what was written off before; what was under way then goes again, and nothing else.
    assert!(twice < accepted, "{twice}");
}

#[actix_rt::test]
async fn ten_thousand_letters_to_a_hundred_domains_leave_and_the_dead_ones_wait() {
    let (house, fake) = house().await;
    for n in 0..20 {
        fake.is(&format!("d{n}.test"), Mood::Dead);
    }
    let to: Vec<String> = (0..100).map(|n| format!("x@d{n}.test")).collect();
    let to: Vec<&str> = to.iter().map(String::as_str).collect();
    for _ in 0..100 {
        house.leaves(&to).await;
    }
    house.rests().await;
    assert_eq!(house.consignments().await.len(), 20 * 100);
    let tries: usize = (0..20).map(|n| fake.seen(&format!("d{n}.test")).len()).sum();
    assert!(tries <= 2 * 20, "one letter speaks for all: {tries}");
    for n in 0..20 {
        fake.is(&format!("d{n}.test"), Mood::Takes);
    }
    house.passes(HOUR).await;
    house.is_empty().await;
}
