//! What falls due: found, done in time, held by the brake; by a clock that the test turns or sets.

use std::sync::atomic::AtomicI64;

use postern_model::record::{Event, Status, Warning, What};
use postern_policy::calendar::Span;
use postern_storage::{StoreError, keys};

use super::*;
use crate::actors::StartError;
use crate::admin::events_of;

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(60 * 60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// A machine's clock: it can be set, back too.
#[derive(Debug)]
struct Machine(AtomicI64);

impl Machine {
    fn set(&self, to: Timestamp) {
        self.0.store(to.0, Ordering::SeqCst);
    }
}

impl Clock for Machine {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::SeqCst))
    }
}

impl House {
    /// The same house by a machine's clock instead of one that is advanced.
    async fn by_machine(self) -> (House, Arc<Machine>) {
        let House { actors, settings, clock, dir } = self;
        let machine = Arc::new(Machine(AtomicI64::new(actors.now().0)));
        let (store, ticker) = (actors.store().clone(), Ticker::new(Arc::clone(&machine) as Arc<dyn Clock>));
        drop(actors);
        let actors =
            Actors::start(store, ticker, settings.clone(), &[Arbiter::current()]).await.expect("actors");
        (House { actors, settings, clock, dir }, machine)
    }

    /// An account with everything off.
    async fn shut_account(&self, address: &str) -> AccountId {
        let password = Some(Secret(Zeroizing::new(PASSWORD.to_owned())));
        self.admin(AdminRequest::AccountAdd { address: address.into(), plan: None, password }).await;
        self.id(address).await
    }

    /// An account whose owner has just switched it on.
    async fn asking_account(&self, address: &str) -> AccountId {
        let id = self.shut_account(address).await;
        self.ask_for(address, &Protocol::ALL).await;
        id
    }

    /// The owner switches protocols on.
    async fn ask_for(&self, address: &str, protocols: &[Protocol]) {
        let (address, protocols) = (address.to_owned(), protocols.to_vec());
        let change = AccessChange::On;
        let ask =
            AdminRequest::SetAccess { address, change, protocols, now: false, reason: None, as_user: true };
        self.admin(ask).await;
    }

    async fn id(&self, address: &str) -> AccountId {
        let parsed = postern_model::EmailAddress::parse(address).expect("an address");
        self.actors.find_recipient(&parsed).await.expect("the account is there")
    }

    /// `clock advance`, as an operator does it.
    async fn turn(&self, by: Duration) {
        let micros = u64::try_from(by.as_micros()).expect("not for ever");
        self.admin(AdminRequest::ClockAdvance { micros }).await;
    }

    async fn turn_to(&self, at: &str) {
        let at = Timestamp::parse_rfc3339(at).expect("a time");
        self.turn(at.since(self.actors.now())).await;
    }

    /// A POP3 login that comes to the transaction state and ends.
    async fn fetch(&self, address: &str) -> Result<(), Refusal> {
        let who = Listener::new(self);
        let admitted = self.login(address, &who, Protocol::Pop3).await?;
        self.actors.open_maildrop(&admitted, &who.session).await.map(|_| ())
    }

    async fn all_events(&self, id: AccountId) -> Vec<Event> {
        self.written().await;
        self.actors.store().read(move |view| events_of(view, id)).await.expect("readable")
    }

    /// The account's story without logins: `2027-03-15T08:00:00Z pop3 closed`.
    async fn story(&self, id: AccountId) -> Vec<String> {
        self.all_events(id).await.iter().filter_map(line).collect()
    }

    /// What of the story names one thing.
    async fn times(&self, id: AccountId, what: &str) -> Vec<String> {
        let story = self.story(id).await.into_iter();
        let time = |line: String| {
            line.split_once(' ').filter(|(_, done)| *done == what).map(|(at, _)| at.to_owned())
        };
        story.filter_map(time).collect()
    }

    async fn due(&self) -> Vec<(Timestamp, AccountId)> {
        let rows = self.actors.store().read(|view| view.scan(&keys::all_due(), usize::MAX)).await;
        rows.expect("readable").into_iter().map(|(key, _)| key).collect()
    }

    async fn held(&self) -> Option<u64> {
        let brake = self.admin(AdminRequest::PolicyShow).await;
        brake["held"].as_bool().expect("a switch").then(|| brake["accounts"].as_u64().expect("a number"))
    }
}

fn line(event: &Event) -> Option<String> {
    let what = match &event.what {
        What::AccessRequested { protocol, .. } => format!("{protocol} asked for"),
        What::AccessOpened { protocol } => format!("{protocol} opened"),
        What::AccessClosed { protocol, .. } => format!("{protocol} closed"),
        What::Warned { of: Warning::Idle(protocol), .. } => format!("{protocol} warned"),
        What::Warned { of: Warning::Inactive, .. } => "warned".to_owned(),
        What::SendingLocked { .. } => "locked".to_owned(),
        What::SendingUnlocked => "unlocked".to_owned(),
        What::Status { status: Status::Inactive } => "inactive".to_owned(),
        What::Status { status: Status::Active } => "active".to_owned(),
        What::Notice { notice, .. } => format!("notice {}", notice.name()),
        _ => return None,
    };
    Some(format!("{} {what}", event.at.rfc3339()))
}

#[actix_rt::test]
async fn a2_what_was_asked_for_opens_a_quarter_of_an_hour_later_also_after_a_restart() {
    let house = House::new().await;
    let alice = house.asking_account("alice@demo.test").await;
    house.advance(15 * MINUTE - Duration::from_micros(1));
    let refused = house.fetch("alice@demo.test").await;
    assert!(matches!(refused, Err(Refusal::AccessPending { .. })), "{refused:?}");
    let house = house.restarted().await;
    assert!(house.fetch("alice@demo.test").await.is_err());
    house.advance(Duration::from_micros(1));
    // Who comes in at that very moment need not wait for the timer.
    house.fetch("alice@demo.test").await.expect("it is time");
    house.actors.look().await.expect("room");
    assert_eq!(house.times(alice, "pop3 opened").await, ["2027-01-15T08:15:00Z"]);
    house.clean();
}

#[actix_rt::test]
async fn a2_a_clock_that_is_set_back_opens_nothing_early_and_one_set_forth_again_nothing_twice() {
    let (house, machine) = House::new().await.by_machine().await;
    let alice = house.asking_account("alice@demo.test").await;
    let asked = house.actors.now();
    for (offset, open) in
        [(-3600, false), (-3600 + 899, false), (0, false), (899, false), (900, true), (-2700, true)]
    {
        machine.set(Timestamp(asked.0 + offset * 1_000_000));
        house.actors.look().await.expect("room");
        assert_eq!(house.fetch("alice@demo.test").await.is_ok(), open, "{offset} s after it was asked for");
    }
    assert_eq!(house.times(alice, "pop3 opened").await.len(), 1);
    assert_eq!(house.held().await, None, "an hour is no jump");
    house.clean();
}

#[actix_rt::test]
async fn a3_what_fell_due_while_the_server_was_down_is_done_at_start() {
    let house = House::new().await;
    let alice = house.asking_account("alice@demo.test").await;
    house.advance(5 * MINUTE);
    let bob = house.asking_account("bob@demo.test").await;
    let lock =
        AdminRequest::LockSending { address: "bob@demo.test".into(), reason: None, lasts: Some(10 * MINUTE) };
    house.admin(lock).await;
    house.advance(HOUR);
    let house = house.restarted().await;
    // The first round, or another behind it.
    house.actors.round(Timestamp::NEVER).await;
    assert_eq!(house.times(alice, "smtp opened").await, ["2027-01-15T09:05:00Z"]);
    // In the order of their times, each once.
    let mut story = house.story(bob).await;
    story.retain(|line| !line.contains("notice"));
    let done: Vec<&str> =
        story.iter().filter_map(|line| line.strip_prefix("2027-01-15T09:05:00Z ")).collect();
    assert_eq!(done, ["unlocked", "pop3 opened", "imap opened", "smtp opened"]);
    house.clean();
}

#[actix_rt::test]
async fn a6_two_months_without_pop3_close_it_and_a11_a_week_before_there_is_a_warning() {
    let house = House::new().await;
    let alice = house.account("alice@demo.test").await;
    house.turn(61 * DAY).await;
    assert_eq!(house.times(alice, "pop3 warned").await, ["2027-03-08T08:00:00Z"]);
    assert_eq!(house.times(alice, "pop3 closed").await, ["2027-03-15T08:00:00Z"]);
    assert_eq!(house.times(alice, "notice idle-warning").await, ["2027-03-08T08:00:00Z"]);
    assert_eq!(house.times(alice, "notice access-closed").await, ["2027-03-15T08:00:00Z"]);
    assert_eq!(house.actors.now().rfc3339(), "2027-03-17T08:00:00Z");
    let refused = house.fetch("alice@demo.test").await;
    assert!(matches!(refused, Err(Refusal::AccessOff { .. })), "{refused:?}");
    house.clean();
}

#[actix_rt::test]
async fn o6_two_who_advance_the_clock_at_once_both_advance_it() {
    let house = House::new().await;
    let begin = house.actors.now();
    tokio::join!(house.turn(DAY), house.turn(HOUR));
    assert_eq!(house.actors.now(), begin.plus(DAY + HOUR));
    let house = house.restarted().await;
    let stood = house.actors.store().get(keys::clock()).await.expect("readable").expect("written");
    assert_eq!(stood.0, begin.plus(DAY + HOUR));
}

#[actix_rt::test]
async fn a6_a_use_moves_the_deadline_and_the_entry_follows_when_it_is_looked_at() {
    let house = House::new().await;
    let alice = house.account("alice@demo.test").await;
    house.turn_to("2027-02-20T12:00:00Z").await;
    house.fetch("alice@demo.test").await.expect("open");
    house.written().await;
    let filed = Timestamp::parse_rfc3339("2027-03-08T08:00:00Z").expect("a time");
    assert_eq!(house.due().await, [(filed, alice)], "a login costs no entry");
    house.turn_to("2027-03-20T00:00:00Z").await;
    assert_eq!(house.times(alice, "pop3 warned").await, [""; 0]);
    house.turn_to("2027-05-01T00:00:00Z").await;
    assert_eq!(house.times(alice, "pop3 warned").await, ["2027-04-13T12:00:00Z"]);
    assert_eq!(house.times(alice, "pop3 closed").await, ["2027-04-20T12:00:00Z"]);
    house.clean();
}

#[actix_rt::test]
async fn a6_two_months_from_the_last_of_december_end_on_the_last_of_february() {
    let house = House::new().await;
    house.turn_to("2027-12-31T10:00:00Z").await;
    let alice = house.account("alice@demo.test").await;
    house.turn_to("2028-03-01T00:00:00Z").await;
    assert_eq!(house.times(alice, "pop3 closed").await, ["2028-02-29T10:00:00Z"]);
}

#[actix_rt::test]
async fn a6_an_hour_back_and_forth_closes_nothing_early_and_nothing_twice() {
    let (house, machine) = House::new().await.by_machine().await;
    let alice = house.account("alice@demo.test").await;
    let end = Timestamp::parse_rfc3339("2027-03-15T08:00:00Z").expect("a time");
    // No step is longer than a day, or it would be a jump.
    for stop in [end.minus(7 * DAY), end.minus(2 * HOUR)] {
        while house.actors.now() < stop {
            machine.set(house.actors.now().plus(20 * HOUR).min(stop));
            house.actors.look().await.expect("room");
        }
    }
    for (offset, closed) in [(-3601, 0), (-3600, 0), (-7200, 0), (-1, 0), (0, 1), (-3600, 1), (3600, 1)] {
        machine.set(Timestamp(end.0 + offset * 1_000_000));
        house.actors.look().await.expect("room");
        assert_eq!(house.times(alice, "pop3 closed").await.len(), closed, "{offset} s from the end");
    }
    assert_eq!(house.times(alice, "pop3 warned").await.len(), 1);
    house.clean();
}

#[actix_rt::test]
async fn a9_nine_months_without_a_login_make_an_account_inactive_and_a_login_active() {
    let house = House::new().await;
    let alice = house.shut_account("alice@demo.test").await;
    house.turn(300 * DAY).await;
    assert_eq!(house.times(alice, "warned").await, ["2027-10-08T08:00:00Z"]);
    assert_eq!(house.times(alice, "inactive").await, ["2027-10-15T08:00:00Z"]);
    assert_eq!(house.due().await, [], "nothing more falls due");
    house.admin(AdminRequest::AccountSeen { address: "alice@demo.test".into() }).await;
    assert_eq!(house.times(alice, "active").await, ["2027-11-11T08:00:00Z"]);
    assert_eq!(house.due().await.len(), 1);
    house.clean();
}

#[actix_rt::test]
async fn a11_nothing_closes_unwarned_also_where_the_server_was_down_over_both() {
    let house = House::new().await;
    let alice = house.account("alice@demo.test").await;
    house.advance(100 * DAY);
    let house = house.restarted().await;
    house.actors.round(Timestamp::NEVER).await;
    assert_eq!(house.times(alice, "pop3 warned").await, ["2027-04-25T08:00:00Z"]);
    assert_eq!(house.times(alice, "pop3 closed").await, [""; 0]);
    house.turn(30 * DAY).await;
    assert_eq!(house.times(alice, "pop3 closed").await, ["2027-05-02T08:00:00Z"]);
    house.clean();
}

/// Settings whose brake holds beyond so many accounts.
fn braking_at(accounts: u64) -> Settings {
    Settings { brake: crate::BrakeFigures { accounts, percent: 1 }, ..Settings::for_tests() }
}

/// Accounts with everything open that were made at once.
async fn many(house: &House, count: usize) -> Vec<(String, AccountId)> {
    let mut all = Vec::new();
    for n in 0..count {
        let address = format!("user{n}@demo.test");
        let id = house.account(&address).await;
        all.push((address, id));
    }
    all
}

#[actix_rt::test]
async fn a16_more_closings_than_may_be_are_held_until_an_operator_has_confirmed_them() {
    let house = House::new().await;
    let all = many(&house, 150).await;
    house.turn_to("2027-02-01T00:00:00Z").await;
    for (address, _) in &all[..48] {
        house.fetch(address).await.expect("open");
    }
    let late = house.asking_account("late@demo.test").await;
    house.turn_to("2027-03-15T12:00:00Z").await;
    assert_eq!(house.held().await, Some(102));
    for (_, id) in &all[48..] {
        assert_eq!(house.times(*id, "pop3 warned").await.len(), 1, "warnings are not held");
        assert_eq!(house.times(*id, "pop3 closed").await, [""; 0]);
    }
    assert_eq!(house.times(late, "pop3 opened").await, ["2027-02-01T00:15:00Z"]);
    // Neither by a restart, nor by waiting, nor by anybody who knocks.
    let house = house.restarted().await;
    house.ask_for("late@demo.test", &[Protocol::Pop3]).await;
    house.turn(2 * HOUR).await;
    house.fetch(&all[149].0).await.expect("still open");
    assert_eq!(house.held().await, Some(102));
    let since = &house.admin(AdminRequest::PolicyShow).await["since"];
    assert_eq!(since, "2027-03-15T08:00:00Z");
    // When all of them would be looked at again.
    house.advance(HOUR);
    let answer = house.admin(AdminRequest::PolicyRelease).await;
    assert_eq!(answer["held"], false, "what was released does not trip it again");
    for (_, id) in &all[48..149] {
        assert_eq!(house.times(*id, "pop3 closed").await, ["2027-03-15T15:00:00Z"]);
    }
    assert_eq!(house.times(all[149].1, "pop3 closed").await, [""; 0], "it was used meanwhile");
    assert_eq!(house.times(all[0].1, "pop3 closed").await, [""; 0]);
    house.clean();
}

#[actix_rt::test]
async fn a16_as_many_closings_as_may_be_go_on() {
    let house = House::with(braking_at(3)).await;
    let all = many(&house, 3).await;
    house.turn(60 * DAY).await;
    assert_eq!(house.held().await, None);
    for (_, id) in all {
        assert_eq!(house.times(id, "pop3 closed").await.len(), 1);
    }
}

#[actix_rt::test]
async fn a16_what_opens_is_not_late_where_the_same_account_is_held() {
    let house = House::with(braking_at(0)).await;
    let alice = house.account("alice@demo.test").await;
    let off = AdminRequest::SetAccess {
        address: "alice@demo.test".into(),
        change: AccessChange::Off,
        protocols: vec![Protocol::Smtp],
        now: false,
        reason: None,
        as_user: true,
    };
    house.admin(off).await;
    house.turn_to("2027-03-15T08:00:00Z").await;
    assert_eq!(house.held().await, Some(1));
    house.ask_for("alice@demo.test", &[Protocol::Smtp]).await;
    house.turn(2 * HOUR).await;
    assert_eq!(
        house.times(alice, "smtp opened").await.last().map(String::as_str),
        Some("2027-03-15T08:15:00Z")
    );
    assert_eq!(house.times(alice, "pop3 closed").await, [""; 0]);
    house.clean();
}

#[actix_rt::test]
async fn a16_a_jump_of_the_machines_clock_holds_closings_and_nothing_else() {
    let house = House::new().await;
    let alice = house.account("alice@demo.test").await;
    house.turn_to("2027-03-14T12:00:00Z").await;
    assert_eq!(house.held().await, None, "a manual clock is exempt");
    let (house, machine) = house.by_machine().await;
    let bob = house.asking_account("bob@demo.test").await;
    house.actors.look().await.expect("room");
    machine.set(house.actors.now().plus(25 * HOUR));
    house.actors.look().await.expect("room");
    assert_eq!(house.held().await, Some(0));
    assert_eq!(house.times(alice, "pop3 closed").await, [""; 0]);
    assert_eq!(house.times(bob, "pop3 opened").await.len(), 1);
    house.admin(AdminRequest::PolicyRelease).await;
    assert_eq!(house.held().await, None);
    assert_eq!(house.times(alice, "pop3 closed").await, ["2027-03-15T13:00:00Z"]);
    house.actors.look().await.expect("room");
    assert_eq!(house.held().await, None, "the jump is known");
    house.clean();
}

#[actix_rt::test]
async fn a16_an_account_that_was_imported_counts_as_used() {
    let house = House::with(braking_at(0)).await;
    let row = crate::admin::ImportRow {
        line: 1,
        address: "old@demo.test".into(),
        plan: None,
        hash: Secret(Zeroizing::new("{PLAIN}correct horse".into())),
    };
    house.admin(AdminRequest::AccountImport { rows: vec![row], unread: vec![], keep_going: false }).await;
    let id = house.id("old@demo.test").await;
    house.turn(200 * DAY).await;
    assert_eq!(house.story(id).await, [""; 0]);
    assert_eq!(house.due().await.len(), 1);
}

#[actix_rt::test]
async fn a_removed_account_has_no_deadline_and_an_entry_that_leads_nowhere_goes() {
    let house = House::new().await;
    house.asking_account("alice@demo.test").await;
    house.admin(AdminRequest::AccountRemove { address: "alice@demo.test".into() }).await;
    assert_eq!(house.due().await, []);
    let bob = house.shut_account("bob@demo.test").await;
    let filed = house.due().await;
    let mut batch = Batch::new();
    for id in [AccountId(4711), bob] {
        batch.put(&keys::due(house.actors.now(), id), &Default::default());
    }
    house.actors.store().commit(batch).await.expect("room");
    house.actors.look().await.expect("room");
    assert_eq!(house.due().await, filed);
    house.clean();
}

#[actix_rt::test]
async fn deadlines_are_filed_in_a_store_that_never_had_them_and_anew_for_other_figures() {
    let house = House::new().await;
    let alice = house.account("alice@demo.test").await;
    let filed = house.due().await;
    let access = house.actors.store().get(keys::access(alice)).await.expect("readable").expect("there");
    let mut batch = Batch::new();
    batch.delete(&keys::due(filed[0].0, alice)).delete(&keys::filed());
    batch.put(&keys::access(alice), &postern_model::record::Access { due: None, ..access });
    house.actors.store().commit(batch).await.expect("room");
    let mut house = house.restarted().await;
    assert_eq!(house.due().await, filed);
    house.clean();
    house.settings.access.pop3_idle = Some(Span::Months(1));
    let house = house.restarted().await;
    assert_eq!(house.due().await[0].0.rfc3339(), "2027-02-08T08:00:00Z");
    house.clean();
}

#[actix_rt::test]
async fn a_plan_that_an_account_has_cannot_be_dropped() {
    let house = House::new().await;
    house.shut_account("alice@demo.test").await;
    house.admin(AdminRequest::SetPlan { address: "alice@demo.test".into(), plan: "plus".into() }).await;
    let House { actors, mut settings, clock, dir } = house;
    let store = actors.store().clone();
    drop(actors);
    let plus = settings.plans.remove("plus").expect("a plan");
    let ticker = || Ticker::new(Arc::clone(&clock) as Arc<dyn Clock>);
    let refused =
        Actors::start(store.clone(), ticker(), settings.clone(), &[Arbiter::current()]).await.map(|_| ());
    let said = refused.expect_err("it is in use");
    assert!(matches!(said, StartError::Plan { accounts: 1, .. }), "{said}");
    assert!(said.to_string().contains("\"plus\"") && said.to_string().contains("alice@demo.test"), "{said}");
    settings.plans.insert("plus".into(), plus);
    let mut house = House::on(store, clock, settings, dir).await;
    house.admin(AdminRequest::SetPlan { address: "alice@demo.test".into(), plan: "free".into() }).await;
    house.settings.plans.remove("plus");
    house.restarted().await;
}

#[actix_rt::test]
async fn what_is_due_waits_where_the_disk_is_full_and_is_done_when_there_is_room() {
    let (disk, clock) = (Disk::new(), Arc::new(ManualClock::new(Timestamp::from_seconds(1_800_000_000))));
    let house = disk.house(0, &clock).await;
    house.admin(AdminRequest::DomainAdd { domain: "demo.test".into() }).await;
    let alice = house.asking_account("alice@demo.test").await;
    disk.shut(house).await;
    clock.advance(HOUR);
    let house = disk.house(u64::MAX, &clock).await;
    let looked = house.actors.look().await;
    assert!(matches!(looked, Err(StoreError::Full)), "{looked:?}");
    assert!(house.fetch("alice@demo.test").await.is_err());
    disk.shut(house).await;
    let house = disk.house(0, &clock).await;
    house.actors.look().await.expect("room");
    assert_eq!(house.times(alice, "pop3 opened").await, ["2027-01-15T09:00:00Z"]);
    house.clean();
}

#[actix_rt::test]
async fn an_account_whose_gates_are_lost_keeps_nobody_else_from_a_start_with_other_figures() {
    let mut house = House::new().await;
    let alice = house.account("alice@demo.test").await;
    let bob = house.account("bob@demo.test").await;
    let mut batch = Batch::new();
    batch.delete(&keys::access(alice));
    house.actors.store().commit(batch).await.expect("room");
    house.settings.access.pop3_idle = Some(Span::Months(1));
    let house = house.restarted().await;
    let moved = Timestamp::parse_rfc3339("2027-02-08T08:00:00Z").expect("a time");
    assert!(house.due().await.contains(&(moved, bob)));
}
