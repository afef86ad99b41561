//! What a start costs where there are very many accounts. Figures, to be read: `cargo test --release -p postern-actors
//! start_of_a_million -- --ignored --nocapture`.

use std::time::Instant;

use postern_model::record::{Access, Account, AddressEntry, AddressKind, NextAccount, Pop3Delete, Status};
use postern_policy::access::all_off;
use postern_storage::keys;

use super::*;

/// Accounts, unless `POSTERN_ACCOUNTS` says how many.
const ACCOUNTS: u64 = 1_000_000;

/// Accounts that were made a second apart, as an earlier version left them: no deadline of theirs is filed.
async fn import(store: &Store, accounts: u64, begin: Timestamp) {
    const PAGE: u64 = 1_000;
    for first in (1..=accounts).step_by(PAGE as usize) {
        let mut batch = Batch::new();
        for id in first..(first + PAGE).min(accounts + 1) {
            let created = begin.plus(Duration::from_secs(id));
            let address = format!("user{id}@demo.test");
            let account = Account {
                address: address.clone(),
                plan: "free".into(),
                status: Status::Active,
                language: "en".into(),
                created,
                legacy_plaintext: false,
                pop3_delete: Pop3Delete::default(),
            };
            let access: Access = all_off(created);
            let id = AccountId(id);
            batch.put(&keys::account(id), &account).put(&keys::access(id), &access);
            batch.put(&keys::address(&address), &AddressEntry { account: id, kind: AddressKind::Primary });
        }
        batch.put(&keys::next_account(), &NextAccount(AccountId(accounts + 1)));
        store.commit(batch).await.expect("room");
    }
}

/// What the process keeps in memory, in MiB.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok()).unwrap_or(0) / 1024
}

#[actix_rt::test]
#[ignore = "takes minutes"]
async fn start_of_a_million_accounts() {
    let accounts = std::env::var("POSTERN_ACCOUNTS").ok().and_then(|n| n.parse().ok()).unwrap_or(ACCOUNTS);
    let begin = Timestamp::from_seconds(1_800_000_000);
    let (disk, clock) = (Disk::new(), Arc::new(ManualClock::new(begin)));
    let house = disk.house(0, &clock).await;
    house.admin(AdminRequest::DomainAdd { domain: "demo.test".into() }).await;
    import(house.actors.store(), accounts, begin).await;
    let mut batch = Batch::new();
    batch.delete(&keys::filed());
    house.actors.store().commit(batch).await.expect("room");
    disk.shut(house).await;
    let warned_after = Duration::from_secs(266 * 24 * 60 * 60);
    let waits = [Duration::ZERO, warned_after + Duration::from_secs(1_000), Duration::ZERO];
    for (what, wait) in ["all deadlines filed", "a thousand warned", "nothing due"].into_iter().zip(waits) {
        clock.advance(wait);
        let (memory, opening) = (resident(), Instant::now());
        let store = Store::open(StoreOptions { disk_reserve: 0, ..StoreOptions::new(disk.0.path()) }, begin);
        let (store, opened) = (store.expect("a store"), opening.elapsed());
        let starting = Instant::now();
        let house = House::on(store, Arc::clone(&clock), Settings::for_tests(), Disk::new().0).await;
        let started = starting.elapsed();
        house.actors.round(Timestamp::NEVER).await;
        let (round, more) = (starting.elapsed() - started, resident().saturating_sub(memory));
        println!(
            "{what}: store {opened:.1?}, actors {started:.1?}, first round {round:.1?}, {more} MiB more"
        );
        disk.shut(house).await;
    }
}
