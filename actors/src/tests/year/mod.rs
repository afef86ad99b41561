//! A simulated year: accounts with habits of their own log in, send, switch, forget and return, through the real actors
//! and a real store, while a manual clock does what falls due at its own time. At its end each account's events are held
//! against what is stored, and against the rules ([`story`]).
//!
//! The small year is a test like any other. `make rehearsal` runs the large ones and prints what they took.

mod habits;
mod life;
mod story;

use std::cell::RefCell;
use std::collections::HashSet;
use std::rc::Rc;
use std::time::Instant;

use postern_model::LetterId;
use postern_model::mime::Facts;
use tokio::task::JoinSet;

use super::*;
use crate::ground::{BrakeFigures, Plan};
pub(super) use habits::Random;
use life::Life;

/// What is simulated.
struct Scale {
    engine: EngineKind,
    accounts: usize,
    /// Events that each account is to come to.
    events: u32,
    /// Threads for the actors; 0: none but the test's own.
    arbiters: usize,
    seed: u64,
}

/// All that the lives share.
struct Town {
    house: House,
    /// The threads of its actors, where these have their own.
    arbiters: Vec<Arbiter>,
    /// Letters that users wrote: whatever else is in an INBOX is a notice.
    written: RefCell<HashSet<LetterId>>,
    /// Whom to write to.
    ids: Vec<AccountId>,
    text: &'static str,
    facts: Facts,
    inbox: Recipient<Tell>,
}

/// Instants of a day at which something may happen: twice, and after each so many seconds. A minute's window, the
/// interval between checks and the time until access opens lie between them.
const CLUSTERS: [u64; 2] = [8 * 3600, 19 * 3600 + 1817];
const WITHIN: [u64; 5] = [0, 20, 290, 900, 1190];
const DAYS: u64 = 365;
/// Accounts that act side by side: the store says "busy" where thousands wait.
const AT_ONCE: usize = 500;

#[actix_rt::test]
async fn a10_replay_of_the_log_gives_the_stored_state() {
    run(&Scale { engine: EngineKind::Memory, accounts: 20, events: 200, arbiters: 0, seed: 1 }).await;
}

#[actix_rt::test]
#[ignore = "takes minutes: make rehearsal"]
async fn a10_a_year_of_1_000_accounts_on_sled() {
    run(&Scale { engine: EngineKind::Sled, accounts: 1_000, events: 1_000, arbiters: 2, seed: 2 }).await;
}

#[actix_rt::test]
#[ignore = "takes minutes: make rehearsal"]
async fn a10_a_year_of_10_000_accounts_in_memory() {
    run(&Scale { engine: EngineKind::Memory, accounts: 10_000, events: 1_000, arbiters: 2, seed: 3 }).await;
}

/// Somebody has done what was to be done.
fn back(lives: &mut [Option<Life>], done: Option<Result<(usize, Life), tokio::task::JoinError>>) {
    if let Some(done) = done {
        let (index, life) = done.expect("no life ends in a panic");
        lives[index] = Some(life);
    }
}

async fn run(scale: &Scale) {
    let (town, lives) = Town::build(scale).await;
    let town = Rc::new(town);
    let (begun, cpu) = (Instant::now(), cpu());
    let lives = town.live(lives, scale).await;
    let (took, cpu) = (begun.elapsed(), self::cpu() - cpu);
    let events = town.judge(&lives).await;
    let rate = events as f64 / took.as_secs_f64();
    eprintln!(
        "a year of {} accounts on {:?}: {events} events in {:.1} s ({rate:.0}/s), {:.1} s of CPU ({:.1} us each)",
        scale.accounts,
        scale.engine,
        took.as_secs_f64(),
        cpu.as_secs_f64(),
        cpu.as_micros() as f64 / events as f64,
    );
}

impl Town {
    async fn build(scale: &Scale) -> (Town, Vec<Life>) {
        let mut settings = Settings::for_tests();
        settings
            .plans
            .values_mut()
            .for_each(|plan: &mut Plan| plan.check_interval = Duration::from_secs(300));
        // Thousands that were made within one second also fall idle within one; the brake has tests of its own.
        settings.brake = BrakeFigures { accounts: scale.accounts as u64, percent: 100 };
        // Those who act and those who answer share the machine, as they do in a server.
        let arbiters: Vec<Arbiter> = (0..scale.arbiters).map(|_| Arbiter::new()).collect();
        let handles = match &arbiters[..] {
            [] => vec![Arbiter::current()],
            own => own.iter().map(Arbiter::handle).collect(),
        };
        let house = House::on_arbiters(settings, scale.engine, &handles).await;
        let mut lives = Vec::new();
        for number in 0..scale.accounts {
            let address = format!("user{number}@demo.test");
            let plan = Some(if number % 7 == 6 { "plus".to_owned() } else { "free".to_owned() });
            house.admin(AdminRequest::AccountAdd { address: address.clone(), plan, password: None }).await;
            let parsed = postern_model::EmailAddress::parse(&address).expect("an address");
            let id = house.actors.find_recipient(&parsed).await.expect("the account is there");
            lives.push(Life::new(
                id,
                number,
                scale.events,
                Random::new(scale.seed + ((number as u64) << 20)),
            ));
        }
        let text = "From: somebody\r\nSubject: a letter\r\n\r\nof two lines,\r\nand no more\r\n";
        let mut scanner = Scanner::new();
        scanner.feed(text.as_bytes());
        let town = Town {
            house,
            arbiters,
            written: RefCell::default(),
            ids: lives.iter().map(|life| life.id).collect(),
            text,
            facts: scanner.finish(),
            inbox: Deaf.start().recipient(),
        };
        (town, lives)
    }

    /// Lets a year go by.
    async fn live(self: &Rc<Town>, lives: Vec<Life>, scale: &Scale) -> Vec<Life> {
        let mut lives: Vec<Option<Life>> = lives.into_iter().map(Some).collect();
        let mut random = Random::new(scale.seed);
        let (begin, begun) = (self.house.actors.now(), Instant::now());
        for day in 0..DAYS {
            if scale.accounts > 100 && day % 60 == 0 {
                eprintln!("day {day}: {:.1} s", begun.elapsed().as_secs_f64());
            }
            let instants = CLUSTERS.len() * WITHIN.len();
            let mut plan = vec![Vec::new(); instants];
            for (index, life) in lives.iter_mut().enumerate() {
                let life = life.as_mut().expect("everybody is back");
                life.plan_day(day, instants).for_each(|(instant, act)| plan[instant].push((index, act)));
            }
            for (instant, acts) in plan.into_iter().enumerate() {
                let (cluster, within) = (instant / WITHIN.len(), instant % WITHIN.len());
                let second = day * 86_400 + CLUSTERS[cluster] + WITHIN[within];
                let at =
                    begin.plus(Duration::from_secs(second) + Duration::from_micros(random.below(1_000_000)));
                self.house.actors.advance(at.since(self.house.actors.now())).await.expect("room");
                self.act(&mut lives, acts).await;
            }
        }
        lives.into_iter().map(|life| life.expect("everybody is back")).collect()
    }

    /// What is to be done at one instant: side by side, an account's own acts one after the other.
    async fn act(self: &Rc<Town>, lives: &mut [Option<Life>], acts: Vec<(usize, habits::Act)>) {
        let mut under_way = JoinSet::new();
        let mut acts = acts.into_iter().peekable();
        while let Some((index, act)) = acts.next() {
            let mut own = vec![act];
            while let Some((_, act)) = acts.next_if(|(next, _)| *next == index) {
                own.push(act);
            }
            let mut life = lives[index].take().expect("nobody is in two places");
            let town = Rc::clone(self);
            if under_way.len() >= AT_ONCE {
                back(lives, under_way.join_next().await);
            }
            under_way.spawn_local(async move {
                for act in own {
                    life.act(&town, act).await;
                }
                (index, life)
            });
        }
        while !under_way.is_empty() {
            back(lives, under_way.join_next().await);
        }
    }

    /// Holds everything against the rules; returns how many events there were.
    async fn judge(&self, lives: &[Life]) -> u64 {
        let actors = &self.house.actors;
        actors.deliver_notices().await;
        actors.rest().await;
        self.house.caught_up().await;
        let brake = actors.store().get(postern_storage::keys::brake()).await.expect("readable");
        assert!(brake.is_none_or(|brake| brake.held.is_none()), "the brake was set so that it holds nobody");
        let mut seen = story::Seen::default();
        for life in lives {
            story::judge(self, life, &mut seen).await;
        }
        seen.covers(lives.len());
        self.house.clean();
        self.arbiters.iter().for_each(|arbiter| {
            arbiter.stop();
        });
        eprintln!("{seen:?}");
        seen.events
    }

    fn session(&self, from: IpAddr) -> SessionRef {
        static NEXT: AtomicU64 = AtomicU64::new(1 << 32);
        SessionRef {
            id: SessionId(NEXT.fetch_add(1, Ordering::Relaxed)),
            peer: from,
            activity: Arc::new(LastByte::new(self.house.actors.now())),
            inbox: self.inbox.clone(),
        }
    }
}

/// Hears nothing.
struct Deaf;

impl Actor for Deaf {
    type Context = Context<Self>;
}

impl Handler<Tell> for Deaf {
    type Result = ();

    fn handle(&mut self, _: Tell, _: &mut Context<Self>) {}
}

/// CPU time that this process has used, in user and kernel.
fn cpu() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // Behind the name in parentheses comes field 3; utime and stime are fields 14 and 15, in hundredths of a second.
    let fields = stat.rsplit_once(") ").map_or("", |(_, rest)| rest).split(' ').skip(11).take(2);
    Duration::from_millis(fields.filter_map(|field| field.parse::<u64>().ok()).sum::<u64>() * 10)
}
