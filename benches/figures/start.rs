//! How long a server with a million accounts takes to start, and what memory it takes, beside what a process that opens
//! its store and does nothing else takes. Whatever else grows with the number of accounts would show here.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use postern_model::record::{
    Account, Activity, AddressEntry, AddressKind, Credentials, Due, NextAccount, Pop3Delete, Standing, Status,
};
use postern_model::{AccountId, Clock as _, EmailAddress, SystemClock, Timestamp};
use postern_policy::access::{self, all_off, deadline};
use postern_storage::{Batch, Store, StoreOptions, keys};

use crate::client::DOMAIN;
use crate::server::Server;
use crate::table::{Figure, Goal, Mark, median};
use crate::{Bench, Outcome};

/// The argument by which this program opens a store and says what that took.
pub(crate) const ARGUMENT: &str = "--open-store";

/// The bound of the index's cache, small, so that memory that grows with the accounts stands out.
const CACHE: (&str, &str) = ("POSTERN_CACHE", "64MiB");
/// Accounts that are written at once.
const PIECE: u64 = 1_000;
/// A look at what is due comes right after the start, and the next one 10 seconds later.
const SETTLE: Duration = Duration::from_secs(12);

/// All rows of the start.
pub(crate) fn measure(bench: &mut Bench) -> Outcome<()> {
    let accounts = if bench.quick { 2_000 } else { 1_000_000 };
    let server = Server::start(&bench.certificate, &[CACHE])?;
    server.add_domain()?;
    std::thread::sleep(if bench.quick { Duration::ZERO } else { SETTLE });
    let empty_memory = server.pss()? / 1024.0;
    let mut dir = server.stop()?;
    started(bench, &mut dir)?;
    let empty = started(bench, &mut dir)?;
    let (nothing, _) = opened(&dir.path().join("data"))?;
    bench.runtime.block_on(fill(&dir.path().join("data"), accounts))?;

    let (mut openings, mut memory, mut starts) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..bench.rounds.count {
        let (took, pss) = opened(&dir.path().join("data"))?;
        openings.push(took - nothing);
        memory.push(pss);
        starts.push(started(bench, &mut dir)?);
    }
    let (longer, memory) = (median(openings), median(memory));
    let name = |what: &str| format!("{what}, {accounts} accounts");
    let aim = Mark { aim: Some(Goal::Is(longer + empty)), ..Mark::default() };
    bench.add(Figure::new("start of a server without accounts", empty, "ms"));
    bench.add(Figure::new(name("what opening the store alone takes longer"), longer, "ms"));
    bench.add(Figure::new(name("start of the server"), median(starts), "ms").against(aim));

    let server = Server::start_in(dir, &bench.certificate, &[CACHE])?;
    std::thread::sleep(if bench.quick { Duration::ZERO } else { SETTLE });
    let grown = server.pss()? / 1024.0 - empty_memory;
    bench.add(Figure::new(name("memory of a process that opens the store, cache 64 MiB"), memory, "MiB"));
    let aim = Mark { aim: Some(Goal::Is(memory + 64.0)), ..Mark::default() };
    bench.add(
        Figure::new(name("memory of the server beyond one without accounts"), grown, "MiB").against(aim),
    );
    server.stop()?;
    Ok(())
}

/// Starts the server on a directory and stops it again; returns how long it took until it listened, in milliseconds.
fn started(bench: &Bench, dir: &mut tempfile::TempDir) -> Outcome<f64> {
    let emptied = crate::server::scratch()?;
    let begun = Instant::now();
    let server = Server::start_in(std::mem::replace(dir, emptied), &bench.certificate, &[CACHE])?;
    let took = crate::load::millis(begun);
    *dir = server.stop()?;
    Ok(took)
}

fn options(data: &Path) -> StoreOptions {
    StoreOptions { cache: 64 << 20, ..StoreOptions::new(data) }
}

/// What a process of its own takes to open the store, in milliseconds, and its memory then, in MiB.
fn opened(data: &Path) -> Outcome<(f64, f64)> {
    let child = Command::new(std::env::current_exe()?).arg(ARGUMENT).arg(data).output()?;
    let said = String::from_utf8(child.stdout)?;
    let [opened, memory] = said.split_whitespace().map(str::parse).collect::<Result<Vec<f64>, _>>()?[..]
    else {
        return Err(format!("{said}{}", String::from_utf8_lossy(&child.stderr)).into());
    };
    Ok((opened, memory))
}

/// Opens a store, as the child of [`opened`].
pub(crate) fn open(data: &Path) -> Outcome<()> {
    let begun = Instant::now();
    let store = Store::open(options(data), SystemClock.now())?;
    println!("{} {}", crate::load::millis(begun), crate::process::pss(std::process::id())? / 1024.0);
    store.close()?;
    Ok(())
}

/// Writes accounts as an import does, without hashing a password for each.
async fn fill(data: &Path, count: u64) -> Outcome<()> {
    let store = Store::open(options(data), SystemClock.now())?;
    let now = SystemClock.now();
    let next = store.get(keys::next_account()).await?.ok_or("no next account")?;
    let mut id = next.0.0;
    let end = id + count;
    while id < end {
        let piece = id..end.min(id + PIECE);
        id = piece.end;
        let mut batch = Batch::new();
        batch.put(&keys::next_account(), &NextAccount(AccountId(id)));
        for number in piece {
            // A year of accounts: each day has its own that will be looked at.
            let created = now.minus(Duration::from_secs(number % 250 * 86_400));
            put(&mut batch, AccountId(number), created)?;
        }
        store.commit(batch).await?;
    }
    store.close()?;
    Ok(())
}

fn put(batch: &mut Batch, id: AccountId, created: Timestamp) -> Outcome<()> {
    let address = EmailAddress::parse(&format!("user{}@{DOMAIN}", id.0))?;
    let account = Account {
        address: address.to_string(),
        plan: "free".to_owned(),
        status: Status::Active,
        language: "en".to_owned(),
        created,
        legacy_plaintext: false,
        pop3_delete: Pop3Delete::default(),
    };
    let standing = Standing {
        status: account.status,
        plan: account.plan.clone(),
        created,
        access: all_off(created),
        lock: None,
        activity: Activity::default(),
    };
    let due = deadline(&standing, &access::Figures::default());
    let mut access = standing.access;
    access.due = due;
    let credentials = Credentials {
        hash: "$6$rounds=5000$anything$".to_owned() + &"h".repeat(86),
        scram_salt: id.0.to_be_bytes().to_vec(),
        scram: None,
        changed: created,
        generation: 1,
    };
    batch.put(&keys::account(id), &account).put(&keys::access(id), &access);
    batch.put(&keys::credentials(id), &credentials);
    let key = address.key().ok_or("no key")?;
    batch.put(&keys::address(&key), &AddressEntry { account: id, kind: AddressKind::Primary });
    if let Some(due) = due {
        batch.put(&keys::due(due, id), &Due {});
    }
    Ok(())
}
