use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use postern_model::record::ScramKeys;
use postern_model::{Clock as _, ManualClock, SessionId};
use tokio::sync::watch;

use super::*;
use crate::order::{LastByte, Tell};

const HOME: &str = "192.0.2.1";
const AWAY: &str = "198.51.100.7";
const ALICE: &str = "alice@demo.test";
const BAD: Refusal = Refusal::BadCredentials { bare_name: false };
const LOCKED: Refusal = Refusal::TooManyFailures { retry_after: Duration::from_secs(900) };

/// Records in memory.
#[derive(Default)]
struct Records {
    users: Mutex<HashMap<String, Found>>,
    uses: Mutex<Vec<(AppPasswordId, IpAddr)>>,
    counters: Mutex<HashMap<Vec<u8>, FailedLogins>>,
    broken: AtomicBool,
    panics: AtomicBool,
}

impl Records {
    fn user<T>(&self, key: &str, change: impl FnOnce(&mut Found) -> T) -> T {
        change(self.users.lock().expect("no panic").get_mut(key).expect("a user"))
    }
}

impl CredentialSource for Records {
    fn find<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Option<Found>, Refusal>> {
        Box::pin(async move {
            assert!(!self.panics.load(Ordering::Relaxed), "this test wants a panic");
            if self.broken.load(Ordering::Relaxed) {
                return Err(Refusal::Unavailable);
            }
            Ok(self.users.lock().expect("no panic").get(key).cloned())
        })
    }

    fn upgrade(&self, account: AccountId, credentials: Credentials) -> BoxFuture<'_, Result<(), Refusal>> {
        Box::pin(async move {
            let mut users = self.users.lock().expect("no panic");
            for found in users.values_mut().filter(|found| found.account == account) {
                found.credentials = credentials.clone();
            }
            Ok(())
        })
    }

    fn note_use(&self, _: AccountId, password: AppPasswordId, _: Timestamp, from: IpAddr) {
        self.uses.lock().expect("no panic").push((password, from));
    }

    fn load_failed_logins(&self) -> BoxFuture<'_, Result<Vec<(Counter, FailedLogins)>, Refusal>> {
        let counters = self.counters.lock().expect("no panic");
        let saved = counters
            .iter()
            .map(|(key, record)| (Counter::from_bytes(key).expect("a counter"), record.clone()));
        let saved = saved.collect();
        Box::pin(async move { Ok(saved) })
    }

    fn save_failed_logins(
        &self,
        changed: Vec<(Counter, Option<FailedLogins>)>,
    ) -> BoxFuture<'_, Result<(), Refusal>> {
        let mut counters = self.counters.lock().expect("no panic");
        for (counter, record) in changed {
            match record {
                Some(record) => counters.insert(counter.to_bytes(), record),
                None => counters.remove(&counter.to_bytes()),
            };
        }
        Box::pin(async { Ok(()) })
    }
}

/// A clock that stands still until a test moves it on.
struct TestPace {
    clock: ManualClock,
    now: watch::Sender<Timestamp>,
}

impl TestPace {
    fn advance(&self, seconds: u64) {
        self.now.send_replace(self.clock.advance(Duration::from_secs(seconds)));
    }
}

impl Pace for TestPace {
    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    fn sleep_until(&self, at: Timestamp) -> BoxFuture<'_, ()> {
        let mut now = self.now.subscribe();
        Box::pin(async move {
            let _ = now.wait_for(|now| *now >= at).await;
        })
    }
}

struct Inbox;

impl Actor for Inbox {
    type Context = Context<Self>;
}

impl Handler<Tell> for Inbox {
    type Result = ();

    fn handle(&mut self, _: Tell, ctx: &mut Context<Self>) {
        ctx.stop();
    }
}

/// An AuthActor on records in memory, with alice and her password `secret`.
struct Bench {
    records: Arc<Records>,
    pace: Arc<TestPace>,
    hasher: Hasher,
    actor: Addr<AuthActor>,
}

impl Bench {
    async fn new() -> Bench {
        Bench::with(|settings| settings.figures.delay = Duration::ZERO).await
    }

    async fn with(change: impl FnOnce(&mut Settings)) -> Bench {
        let clock = ManualClock::new(Timestamp::from_seconds(1_772_000_000));
        let now = watch::Sender::new(clock.now());
        let pace = Arc::new(TestPace { clock, now });
        let cost = password::Cost { memory: 8, passes: 1, lanes: 1 };
        let hasher = Hasher::new(cost, true, 2, 100).expect("a cost that Argon2 knows");
        let records = Arc::new(Records::default());
        let actor = start(&records, &pace, &hasher, change);
        let bench = Bench { records, pace, hasher, actor };
        bench.add(1, ALICE, "secret").await;
        bench
    }

    /// The same store, another process.
    async fn restarted(self) -> Bench {
        self.actor.send(SaveFailedLogins).await.expect("alive");
        let actor = start(&self.records, &self.pace, &self.hasher, |_| ());
        Bench { actor, ..self }
    }

    async fn add(&self, account: u64, address: &str, password: &str) {
        let password = Zeroizing::new(password.to_owned());
        let credentials = self.hasher.credentials(password, None, 1, self.pace.now()).await;
        self.put(account, address, credentials.expect("room in the queue"));
    }

    fn put(&self, account: u64, address: &str, credentials: Credentials) {
        let found = Found { account: AccountId(account), credentials, app_passwords: Vec::new() };
        self.records.users.lock().expect("no panic").insert(address.to_owned(), found);
    }

    async fn add_app_password(&self, id: u32, protocols: &[Protocol]) -> Zeroizing<String> {
        let salt = self.records.user(ALICE, |found| found.credentials.scram_salt.clone());
        let made = self.hasher.app_password(salt).await.expect("room in the queue");
        let record = AppPassword {
            name: "phone".to_owned(),
            protocols: protocols.to_vec(),
            hash: made.hash,
            scram: made.scram,
            created: self.pace.now(),
            expires: Some(self.pace.now().plus(Duration::from_secs(3600))),
            last_used: None,
            last_from: None,
        };
        self.records.user(ALICE, |found| found.app_passwords.push((AppPasswordId(id), record)));
        made.text
    }

    fn verify(
        &self,
        proof: Proof,
        session: &SessionRef,
    ) -> impl Future<Output = Result<Verified, Refusal>> + use<> {
        let ask = Verify { proof, protocol: Protocol::Pop3, session: session.clone() };
        let answer = self.actor.send(ask);
        async move { answer.await.expect("alive") }
    }

    fn login(
        &self,
        from: &str,
        user: &str,
        password: &str,
    ) -> impl Future<Output = Result<Verified, Refusal>> + use<> {
        let password = Zeroizing::new(password.to_owned());
        self.verify(Proof::Password { user: user.to_owned(), password }, &session(from))
    }

    async fn scram_keys(&self, user: &str, session: &SessionRef) -> Result<ScramCandidates, Refusal> {
        let (user, session) = (user.to_owned(), session.clone());
        let ask = ScramKeysOf { user, protocol: Protocol::Pop3, session };
        self.actor.send(ask).await.expect("alive")
    }

    async fn end_scram(
        &self,
        user: &str,
        matched: Option<CredentialRef>,
        session: &SessionRef,
    ) -> Result<Verified, Refusal> {
        self.verify(Proof::Scram { user: user.to_owned(), matched }, session).await
    }
}

fn start(
    records: &Arc<Records>,
    pace: &Arc<TestPace>,
    hasher: &Hasher,
    change: impl FnOnce(&mut Settings),
) -> Addr<AuthActor> {
    let mut settings = Settings::new([7; 32]);
    settings.failure_floor = Duration::ZERO;
    change(&mut settings);
    let source: Arc<dyn CredentialSource> = Arc::clone(records) as _;
    let pace: Arc<dyn Pace> = Arc::clone(pace) as _;
    AuthActor::new(source, pace, hasher.clone(), settings).start()
}

fn session(from: &str) -> SessionRef {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    SessionRef {
        id: SessionId(NEXT.fetch_add(1, Ordering::Relaxed)),
        peer: from.parse().expect("an address"),
        activity: Arc::new(LastByte::new(Timestamp(0))),
        inbox: Inbox.start().recipient(),
    }
}

fn by(credential: CredentialRef) -> Result<Verified, Refusal> {
    Ok(Verified { account: AccountId(1), credential, generation: 1 })
}

/// Lets everything run that can, on this thread.
async fn settle() {
    for _ in 0..1000 {
        tokio::task::yield_now().await;
    }
}

#[actix::test]
async fn the_user_name_is_the_address_in_any_spelling() {
    let bench = Bench::new().await;
    for user in [ALICE, "Alice@Demo.Test", "\"alice\"@demo.test"] {
        assert_eq!(bench.login(HOME, user, "secret").await, by(CredentialRef::Account), "{user}");
    }
}

#[actix::test]
async fn a_panic_ends_one_login_and_not_all() {
    let bench = Bench::new().await;
    bench.records.panics.store(true, Ordering::Relaxed);
    assert_eq!(bench.login(HOME, ALICE, "secret").await, Err(Refusal::Unavailable));
    let keys = bench.scram_keys(ALICE, &session(HOME)).await;
    assert_eq!(keys.map(|_| ()), Err(Refusal::Unavailable));
    bench.records.panics.store(false, Ordering::Relaxed);
    assert_eq!(bench.login(HOME, ALICE, "secret").await, by(CredentialRef::Account));
}

/// SPEC I1, I2.
#[actix::test]
async fn an_unknown_user_is_refused_like_a_wrong_password() {
    let bench = Bench::new().await;
    assert_eq!(bench.login(HOME, ALICE, "wrong").await, Err(BAD));
    assert_eq!(bench.login(HOME, "nobody@demo.test", "secret").await, Err(BAD));
    assert_eq!(bench.login(HOME, "no address@", "secret").await, Err(BAD));
    let bare = Err(Refusal::BadCredentials { bare_name: true });
    assert_eq!(bench.login(HOME, "alice", "secret").await, bare);
    assert_eq!(bench.login(HOME, "nobody", "secret").await, bare);
}

/// SPEC I2: also in how failures count.
#[actix::test]
async fn an_unknown_user_is_locked_out_like_a_known_one() {
    let bench = Bench::new().await;
    for user in [ALICE, "nobody@demo.test"] {
        for _ in 0..10 {
            assert_eq!(bench.login(HOME, user, "wrong").await, Err(BAD));
        }
        assert_eq!(bench.login(HOME, user, "secret").await, Err(LOCKED), "{user}");
    }
    assert!(bench.login(AWAY, ALICE, "secret").await.is_ok(), "the lock is the pair's");
}

/// SPEC I4: an alias of the same account gives no more tries.
#[actix::test]
async fn failures_are_counted_by_account() {
    let bench = Bench::new().await;
    let found = bench.records.user(ALICE, |found| found.clone());
    bench.records.users.lock().expect("no panic").insert("alias@demo.test".to_owned(), found);
    for n in 0..10 {
        let user = if n % 2 == 0 { ALICE } else { "alias@demo.test" };
        assert_eq!(bench.login(HOME, user, "wrong").await, Err(BAD));
    }
    assert_eq!(bench.login(HOME, ALICE, "secret").await, Err(LOCKED));
}

/// SPEC I6.
#[actix::test]
async fn a_foreign_hash_is_replaced_at_the_first_login() {
    let bench = Bench::new().await;
    let ssha = "{SSHA}Ul1VsWJ53n2fHhgrJ9UxbdSFlBNzYWx0".to_owned();
    let credentials = bench.hasher.foreign_credentials(ssha, bench.pace.now()).expect("random numbers");
    bench.put(1, ALICE, credentials);
    assert_eq!(bench.login(HOME, ALICE, "wrong").await, Err(BAD));
    assert_eq!(bench.login(HOME, ALICE, "pässword 1").await, by(CredentialRef::Account));
    settle().await;
    let (hash, keys) =
        bench.records.user(ALICE, |f| (f.credentials.hash.clone(), f.credentials.scram.clone()));
    assert!(hash.starts_with("$argon2id$"), "{hash}");
    assert!(keys.is_some());
    assert_eq!(bench.login(HOME, ALICE, "pässword 1").await, by(CredentialRef::Account));
}

/// SPEC I3: a repeated correct login does not pay Argon2 again.
#[actix::test]
async fn a_correct_password_is_remembered_until_it_changes() {
    let bench = Bench::new().await;
    assert!(bench.login(HOME, ALICE, "secret").await.is_ok());
    // Were the hash looked at, it would fit nothing now.
    bench.records.user(ALICE, |found| found.credentials.hash = String::new());
    assert!(bench.login(HOME, ALICE, "secret").await.is_ok());
    assert_eq!(bench.login(HOME, ALICE, "wrong").await, Err(BAD));
    bench.records.user(ALICE, |found| found.credentials.generation = 2);
    assert_eq!(bench.login(HOME, ALICE, "secret").await, Err(BAD));
    bench.records.user(ALICE, |found| found.credentials.generation = 1);
    bench.pace.advance(599);
    assert!(bench.login(HOME, ALICE, "secret").await.is_ok());
    bench.pace.advance(1);
    assert_eq!(bench.login(HOME, ALICE, "secret").await, Err(BAD), "ten minutes are over");
}

#[actix::test]
async fn an_app_password_opens_its_protocols_until_it_expires() {
    let bench = Bench::new().await;
    let pop3 = bench.add_app_password(1, &[Protocol::Pop3]).await;
    let smtp = bench.add_app_password(2, &[Protocol::Smtp]).await;
    let first = CredentialRef::App(AppPasswordId(1));
    assert_eq!(bench.login(HOME, ALICE, &pop3).await, by(first));
    assert_eq!(bench.login(HOME, ALICE, &pop3.replace('-', " ")).await, by(first));
    assert_eq!(bench.login(HOME, ALICE, &smtp).await, Err(BAD));
    assert_eq!(bench.login(HOME, ALICE, "secret").await, by(CredentialRef::Account));
    let from: IpAddr = HOME.parse().expect("an address");
    assert_eq!(*bench.records.uses.lock().expect("no panic"), [(AppPasswordId(1), from); 2]);
    bench.pace.advance(3600);
    assert_eq!(bench.login(HOME, ALICE, &pop3).await, Err(BAD), "expired");
}

/// SPEC I4: failed logins slow down; the right password waits as well, or hanging up early would tell.
#[actix::test]
async fn an_answer_is_held_back_after_failures() {
    let bench = Bench::with(|_| ()).await;
    for _ in 0..3 {
        let answer = actix_rt::spawn(bench.login(HOME, ALICE, "wrong"));
        settle().await;
        bench.pace.advance(5);
        assert_eq!(answer.await.expect("no panic"), Err(BAD));
    }
    let answer = actix_rt::spawn(bench.login(HOME, ALICE, "secret"));
    settle().await;
    bench.login(AWAY, ALICE, "secret").await.expect("elsewhere nothing failed");
    bench.pace.advance(3);
    settle().await;
    assert!(!answer.is_finished(), "four seconds after three failures");
    bench.pace.advance(1);
    assert!(answer.await.expect("no panic").is_ok());
}

#[actix::test]
async fn a_wrong_password_is_never_answered_before_the_floor() {
    let bench = Bench::with(|settings| settings.failure_floor = Duration::from_secs(3600)).await;
    let wrong = actix_rt::spawn(bench.login(HOME, ALICE, "wrong"));
    for _ in 0..10 {
        bench.login(AWAY, ALICE, "secret").await.expect("a right one is answered at once");
        bench.records.user(ALICE, |found| found.credentials.generation += 1);
        settle().await;
    }
    assert!(!wrong.is_finished());
    wrong.abort();
}

/// SPEC I4: racing gives no more tries.
#[actix::test]
async fn logins_that_race_each_other_get_as_many_tries_as_in_a_row() {
    let bench = Bench::new().await;
    let racing: Vec<_> = (0..40).map(|_| actix_rt::spawn(bench.login(HOME, ALICE, "wrong"))).collect();
    let (mut bad, mut locked) = (0, 0);
    for answer in racing {
        match answer.await.expect("no panic") {
            Err(BAD) => bad += 1,
            Err(LOCKED) => locked += 1,
            other => panic!("{other:?}"),
        }
    }
    assert_eq!((bad, locked), (10, 30));
}

/// A program that opens many connections at once has to wait for room, and is not refused.
#[actix::test]
async fn right_logins_that_race_each_other_all_get_in() {
    let bench = Bench::new().await;
    let racing: Vec<_> = (0..40).map(|_| actix_rt::spawn(bench.login(HOME, ALICE, "secret"))).collect();
    for answer in racing {
        assert_eq!(answer.await.expect("no panic"), by(CredentialRef::Account));
    }
}

#[actix::test]
async fn trouble_in_the_store_is_no_failed_login() {
    let bench = Bench::new().await;
    bench.records.broken.store(true, Ordering::Relaxed);
    for _ in 0..20 {
        assert_eq!(bench.login(HOME, ALICE, "secret").await, Err(Refusal::Unavailable));
    }
    bench.records.broken.store(false, Ordering::Relaxed);
    assert!(bench.login(HOME, ALICE, "secret").await.is_ok());
}

/// SPEC I4: counters survive a restart.
#[actix::test]
async fn a_lock_survives_a_restart() {
    let bench = Bench::new().await;
    for _ in 0..10 {
        assert_eq!(bench.login(HOME, ALICE, "wrong").await, Err(BAD));
    }
    let bench = bench.restarted().await;
    assert_eq!(bench.login(HOME, ALICE, "secret").await, Err(LOCKED));
    bench.pace.advance(900);
    assert!(bench.login(HOME, ALICE, "secret").await.is_ok());
}

#[actix::test]
async fn scram_keys_are_those_of_the_passwords_that_open_the_protocol() {
    let bench = Bench::new().await;
    bench.add_app_password(1, &[Protocol::Pop3]).await;
    bench.add_app_password(2, &[Protocol::Smtp]).await;
    let found = bench.records.user(ALICE, |found| found.clone());
    let given = bench.scram_keys(ALICE, &session(HOME)).await.expect("keys");
    assert_eq!((given.salt, given.iterations), (found.credentials.scram_salt, ITERATIONS));
    assert_eq!(given.keys.len(), MAX_PASSWORDS, "the number of passwords is nobody's business");
    let of = |n: usize| -> (CredentialRef, Option<ScramKeys>) {
        let (credential, keys) = given.keys[n].clone();
        (credential, Some(keys))
    };
    assert!(of(0) == (CredentialRef::Account, found.credentials.scram));
    assert!(of(1) == (CredentialRef::App(AppPasswordId(1)), found.app_passwords[0].1.scram.clone()));
    assert!(given.keys[2..].iter().all(|(_, keys)| Some(keys) != found.app_passwords[1].1.scram.as_ref()));
}

/// SPEC I2.
#[actix::test]
async fn an_unknown_user_has_a_salt_of_its_own_for_ever() {
    let bench = Bench::new().await;
    let known = bench.scram_keys(ALICE, &session(HOME)).await.expect("keys");
    let one = bench.scram_keys("nobody@demo.test", &session(HOME)).await.expect("keys");
    let other = bench.scram_keys("noone@demo.test", &session(HOME)).await.expect("keys");
    let bench = bench.restarted().await;
    let again = bench.scram_keys("Nobody@Demo.test", &session(HOME)).await.expect("keys");
    assert_eq!(one.salt, again.salt);
    assert_ne!(one.salt, other.salt);
    assert_eq!((one.salt.len(), one.keys.len()), (known.salt.len(), known.keys.len()));
}

#[actix::test]
async fn a_scram_exchange_ends_in_a_login() {
    let bench = Bench::new().await;
    let session = session(HOME);
    bench.scram_keys(ALICE, &session).await.expect("keys");
    let matched = Some(CredentialRef::Account);
    assert_eq!(bench.end_scram(ALICE, matched, &session).await, by(CredentialRef::Account));
    assert_eq!(bench.end_scram(ALICE, matched, &session).await, Err(Refusal::Unavailable), "once");
}

#[actix::test]
async fn a_scram_proof_holds_for_its_own_exchange_alone() {
    let bench = Bench::new().await;
    bench.add(2, "bob@demo.test", "other").await;
    let matched = Some(CredentialRef::Account);
    let one = session(HOME);
    bench.scram_keys("bob@demo.test", &one).await.expect("keys");
    assert_eq!(bench.end_scram(ALICE, matched, &one).await, Err(BAD), "another user");
    bench.scram_keys(ALICE, &one).await.expect("keys");
    bench.records.user(ALICE, |found| found.credentials.generation = 2);
    assert_eq!(bench.end_scram(ALICE, matched, &one).await, Err(BAD), "the password changed meanwhile");
    bench.scram_keys("nobody@demo.test", &one).await.expect("keys");
    assert_eq!(bench.end_scram("nobody@demo.test", matched, &one).await, Err(BAD), "nobody has a password");
    bench.scram_keys(ALICE, &one).await.expect("keys");
    bench.pace.advance(60);
    assert_eq!(bench.end_scram(ALICE, matched, &one).await, Err(Refusal::Unavailable), "too late");
}

#[actix::test]
async fn wrong_scram_proofs_lock_out_like_wrong_passwords() {
    let bench = Bench::new().await;
    let session = session(HOME);
    for _ in 0..10 {
        bench.scram_keys(ALICE, &session).await.expect("keys");
        assert_eq!(bench.end_scram(ALICE, None, &session).await, Err(BAD));
    }
    assert_eq!(bench.scram_keys(ALICE, &session).await.err(), Some(LOCKED));
    assert_eq!(bench.login(HOME, ALICE, "secret").await, Err(LOCKED));
}

/// Else a thousand exchanges could be begun before the first wrong proof is counted.
#[actix::test]
async fn exchanges_under_way_count_until_they_run_out() {
    let bench = Bench::new().await;
    let sessions: Vec<SessionRef> = (0..10).map(|_| session(HOME)).collect();
    for session in &sessions {
        bench.scram_keys(ALICE, session).await.expect("keys");
    }
    let waiting = actix_rt::spawn(bench.login(HOME, ALICE, "secret"));
    settle().await;
    assert!(!waiting.is_finished());
    assert!(bench.end_scram(ALICE, Some(CredentialRef::Account), &sessions[0]).await.is_ok());
    assert!(waiting.await.expect("no panic").is_ok(), "one has ended: there is room");
    bench.scram_keys(ALICE, &sessions[0]).await.expect("keys");
    let waiting = actix_rt::spawn(bench.login(HOME, ALICE, "secret"));
    settle().await;
    bench.pace.advance(60);
    assert_eq!(waiting.await.expect("no panic"), Err(LOCKED), "ten that nobody ended are ten failures");
}

/// A program that hung up ten times is not kept waiting for a minute, but it has used up its tries.
#[actix::test]
async fn an_exchange_ends_with_its_connection() {
    let bench = Bench::new().await;
    for _ in 0..10 {
        let gone = session(HOME);
        bench.scram_keys(ALICE, &gone).await.expect("keys");
        gone.inbox.send(Tell::Stopping).await.expect("alive");
    }
    settle().await;
    let answer = actix_rt::spawn(bench.login(HOME, ALICE, "secret"));
    settle().await;
    assert!(answer.is_finished(), "the clock has not moved");
    assert_eq!(answer.await.expect("no panic"), Err(LOCKED));
}
