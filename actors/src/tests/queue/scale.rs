//! 100,000 letters' worth of queue. Figures, to be read: `cargo test --release -p postern-actors
//! a_hundred_thousand -- --ignored --nocapture`.

use std::time::Instant;

use super::*;

/// Octets of memory that the process has in use.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).expect("VmRSS");
    let kib: String = line.chars().filter(char::is_ascii_digit).collect();
    kib.parse::<u64>().expect("a number") << 10
}

#[actix_rt::test]
#[ignore = "takes a minute"]
async fn a_hundred_thousand_consignments_to_a_thousand_domains() {
    let disk = Disk::new();
    let clock = Arc::new(ManualClock::new(Timestamp::from_seconds(1_800_000_000)));
    let open = || {
        let options = StoreOptions { disk_reserve: 0, ..StoreOptions::new(disk.0.path()) };
        Store::open(options, clock.now()).expect("a store")
    };
    let fake = Arc::new(Fake::default());
    for n in (0..1_000).step_by(5) {
        fake.is(&format!("d{n}.test"), Mood::Dead);
    }
    // Taken in by a house that sends nothing.
    let idle = Settings { serving: false, ..settings(&fake) };
    let dir = tempfile::tempdir().expect("a directory");
    let house = House::on(open(), Arc::clone(&clock), idle, dir).await;
    house.admin(AdminRequest::DomainAdd { domain: "demo.test".into() }).await;
    let began = Instant::now();
    for letter in 0..10_000_u32 {
        let to: Vec<String> = (0..10).map(|n| format!("x@d{}.test", (letter * 10 + n) % 1_000)).collect();
        house.leaves(&to.iter().map(String::as_str).collect::<Vec<_>>()).await;
    }
    println!("taken in: {:?}", began.elapsed());
    let before = resident();
    house.actors.queue_known().await;
    let each = resident().saturating_sub(before) / 100_000;
    println!("known from the store with {each} octets for each consignment, the reading included");
    disk.shut(house).await;
    let (began, dir) = (Instant::now(), tempfile::tempdir().expect("a directory"));
    let house = House::on(open(), Arc::clone(&clock), settings(&fake), dir).await;
    house.actors.queue_known().await;
    println!("begun: {:?}", began.elapsed());
    let mut live = 80_000;
    while live > 0 {
        tokio::time::sleep(Duration::from_millis(200)).await;
        let seen = fake.seen.lock().expect("unpoisoned");
        live = 80_000 - seen.iter().filter(|(to, _)| fake.mood(to) == Mood::Takes).count().min(80_000);
    }
    println!("the living domains have theirs: {:?}", began.elapsed());
    house.rests().await;
    assert_eq!(house.consignments().await.len(), 20_000);
    disk.shut(house).await;
}
