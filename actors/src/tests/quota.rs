//! What may be sent, what counts, and when sending is locked by itself (SPEC Q).

use postern_model::record::{Abuse, Event, LetterRefusal, NoticeKind, Reason, Signal, What};
use postern_policy::send_window::Figures;
use postern_storage::{Ring, keys};
use serde_json::Value;

use super::*;
use crate::ground::Plan;
use crate::order::{Granted, Sent};

const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);
const SECOND: Duration = Duration::from_secs(1);

impl House {
    async fn mail_from(&self, sender: AccountId) -> Result<Granted, Refusal> {
        self.actors.may_send(sender, HERE).await
    }

    /// A letter of the sender's to itself, from MAIL FROM to its end.
    async fn post(&self, sender: AccountId) -> Result<(), Refusal> {
        let granted = self.mail_from(sender).await?;
        self.finish(sender, granted).await
    }

    async fn finish(&self, sender: AccountId, granted: Granted) -> Result<(), Refusal> {
        self.actors.accept(self.sent(sender, granted, &[sender]).await).await.map(drop)
    }

    async fn sent(&self, sender: AccountId, granted: Granted, recipients: &[AccountId]) -> Acceptance {
        let mut acceptance = self.acceptance("x\r\n", recipients).await;
        acceptance.sent = Some(Sent {
            account: sender,
            from: HERE,
            reservation: granted.reservation,
            recipients: recipients.iter().map(|account| account.0).collect(),
            body: acceptance.letter.0,
        });
        acceptance
    }

    /// Letters, a second apart.
    async fn post_many(&self, sender: AccountId, count: u32) {
        for n in 0..count {
            self.post(sender).await.unwrap_or_else(|refusal| panic!("letter {n}: {refusal:?}"));
            self.advance(SECOND);
        }
    }

    async fn plan(&self, address: &str, plan: &str) {
        let (address, plan) = (address.to_owned(), plan.to_owned());
        self.admin(AdminRequest::SetPlan { address, plan }).await;
    }

    async fn show(&self, address: &str) -> Value {
        self.admin(AdminRequest::AccountShow { address: address.into() }).await
    }

    async fn unlock(&self, address: &str) {
        self.admin(AdminRequest::UnlockSending { address: address.into() }).await;
    }

    async fn events(&self, account: AccountId, ring: Ring) -> Vec<What> {
        self.caught_up().await;
        let read = move |view: &postern_storage::View<'_>| view.log::<Event>(account, ring, 10_000);
        let events = self.actors.store().read(read).await.expect("readable");
        events.into_iter().map(|(_, event)| event.what).collect()
    }
}

fn plan(per_minute: Option<u32>, per_hour: Option<u32>, per_day: Option<u32>) -> Settings {
    let mut settings = Settings::for_tests();
    let sends = Figures { per_minute, per_hour, per_day, recipients: 100 };
    settings.plans.insert("free".to_owned(), Plan { sends, check_interval: Duration::ZERO, storage: None });
    settings
}

fn limit(limit: u32, window: Duration, retry_after: Duration) -> Option<Refusal> {
    Some(Refusal::SendLimit { limit, window, retry_after })
}

#[actix_rt::test]
async fn q1_the_sixth_letter_in_a_minute_goes_when_the_first_is_a_minute_old() {
    let house = House::new().await;
    let alice = house.account("alice@demo.test").await;
    house.post_many(alice, 5).await;
    let refused = house.mail_from(alice).await.err();
    assert_eq!(refused, limit(5, MINUTE, Duration::from_secs(55))); // Q3
    house.advance(Duration::from_secs(54));
    assert_eq!(house.mail_from(alice).await.err(), limit(5, MINUTE, SECOND));
    house.advance(SECOND);
    house.post(alice).await.expect("the first letter is exactly a minute old");
    assert_eq!(house.mail_from(alice).await.err(), limit(5, MINUTE, SECOND));
}

#[actix_rt::test]
async fn q1_the_sixteenth_letter_in_an_hour_goes_when_the_first_is_an_hour_old() {
    let mut house = House::new().await;
    let alice = house.account("alice@demo.test").await;
    for _ in 0..3 {
        house.post_many(alice, 5).await;
        house.advance(MINUTE);
        house = house.restarted().await;
    }
    let waited = 3 * (60 + 5);
    let left = HOUR - Duration::from_secs(waited);
    assert_eq!(house.mail_from(alice).await.err(), limit(15, HOUR, left));
    house.advance(left - SECOND);
    let house = house.restarted().await;
    assert_eq!(house.mail_from(alice).await.err(), limit(15, HOUR, SECOND));
    house.advance(SECOND);
    house.post(alice).await.expect("the first letter is exactly an hour old");
}

#[actix_rt::test]
async fn q1_mail_plus_has_no_limit_of_an_hour() {
    let house = House::new().await;
    let alice = house.account("alice@demo.test").await;
    house.post_many(alice, 5).await;
    house.plan("alice@demo.test", "plus").await;
    assert!(house.mail_from(alice).await.is_err(), "the minute is Mail+'s, too");
    for _ in 0..5 {
        house.advance(MINUTE);
        house.post_many(alice, 5).await;
    }
    house.plan("alice@demo.test", "free").await;
    house.advance(MINUTE);
    assert!(matches!(house.mail_from(alice).await, Err(Refusal::SendLimit { limit: 15, .. })));
}

#[actix_rt::test]
async fn q1_a_limit_beyond_what_memory_holds_is_as_exact() {
    let house = House::with(plan(None, None, Some(100))).await;
    let alice = house.account("alice@demo.test").await;
    let day = 24 * HOUR;
    house.post_many(alice, 100).await;
    let left = day - Duration::from_secs(100);
    assert_eq!(house.mail_from(alice).await.err(), limit(100, day, left));
    let house = house.restarted().await;
    assert_eq!(house.mail_from(alice).await.err(), limit(100, day, left));
    house.advance(left);
    let granted = house.mail_from(alice).await.expect("the first letter is a day old");
    assert_eq!(house.mail_from(alice).await.err(), limit(100, day, SECOND), "what is reserved counts");
    house.advance(SECOND);
    house.post(alice).await.expect("the second is");
    house.finish(alice, granted).await.expect("the place was kept");
    assert_eq!(house.mail_from(alice).await.err(), limit(100, day, SECOND));
}

#[actix_rt::test]
async fn q2_letters_that_race_never_exceed_the_limit() {
    let house = House::new().await;
    let alice = house.account("alice@demo.test").await;
    let mut under_way = tokio::task::JoinSet::new();
    for _ in 0..30 {
        let (actors, acceptance) = (house.actors.clone(), house.acceptance("x\r\n", &[alice]).await);
        under_way.spawn_local(async move {
            let granted = actors.may_send(alice, HERE).await?;
            let reservation = granted.reservation;
            let (from, recipients, body) = (HERE, vec![1], acceptance.letter.0);
            let sent = Some(Sent { account: alice, from, reservation, recipients, body });
            actors.accept(Acceptance { sent, ..acceptance }).await
        });
    }
    let done = under_way.join_all().await;
    assert_eq!(done.iter().filter(|sent| sent.is_ok()).count(), 5);
    assert_eq!(house.events(alice, Ring::Letters).await.len(), 5);
    assert_eq!(house.sizes("alice@demo.test").await.len(), 5);
    house.clean();
}

#[actix_rt::test]
async fn q2_a_letter_under_way_counts_until_it_is_given_up() {
    let house = House::new().await;
    let (alice, bob) = (house.account("alice@demo.test").await, house.account("bob@demo.test").await);
    let mut granted = Vec::new();
    for _ in 0..5 {
        granted.push(house.mail_from(alice).await.expect("under the limit"));
    }
    assert_eq!(house.mail_from(alice).await.err(), limit(5, MINUTE, MINUTE));
    // A change of the account's makes its actor read anew; what is under way stays.
    house.plan("alice@demo.test", "plus").await;
    assert!(house.mail_from(alice).await.is_err());
    drop(granted.pop());
    let last = house.mail_from(alice).await.expect("RSET gave a place back");
    // Bob goes while a letter to him is on its way.
    let lost = house.sent(alice, last, &[bob]).await;
    house.admin(AdminRequest::AccountRemove { address: "bob@demo.test".into() }).await;
    assert_eq!(house.actors.accept(lost).await, Err(Refusal::NoSuchMailbox));
    assert_eq!(house.events(alice, Ring::Letters).await, []);
    house.post(alice).await.expect("what failed is given back");
    granted.clear();
    for _ in 0..4 {
        house.post(alice).await.expect("one counts, and nothing is under way");
    }
    assert!(house.mail_from(alice).await.is_err());
}

#[actix_rt::test]
async fn q2_a_letter_to_many_counts_once_and_in_the_batch_that_takes_it_in() {
    let house = House::new().await;
    let (alice, bob) = (house.account("alice@demo.test").await, house.account("bob@demo.test").await);
    let granted = house.mail_from(alice).await.expect("the first");
    let both = house.sent(alice, granted, &[alice, bob]).await;
    let letter = both.letter;
    house.actors.accept(both).await.expect("accepted");
    let events = house.events(alice, Ring::Letters).await;
    assert!(matches!(events[..], [What::Letter { letter: l, recipients: 2, .. }] if l == letter));
    assert_eq!(house.events(bob, Ring::Letters).await, []);
    assert_eq!(house.show("alice@demo.test").await["sending"]["minute"]["used"], 1);
    house.clean();
}

#[actix_rt::test]
async fn q2_a_clock_put_back_keeps_nobody_waiting_for_longer_than_a_window() {
    let house = House::new().await;
    let alice = house.account("alice@demo.test").await;
    house.post_many(alice, 5).await;
    let House { actors, settings, dir, .. } = house;
    let store = actors.store().clone();
    drop(actors);
    let put_back = Timestamp::from_seconds(1_800_000_000 - 3600);
    let clock = Arc::new(ManualClock::new(put_back));
    let mut house = House::on(store, clock, settings, dir).await;
    assert_eq!(house.mail_from(alice).await.err(), limit(5, MINUTE, MINUTE), "they count as now");
    for waited in [40, 59] {
        house.advance(put_back.plus(Duration::from_secs(waited)).since(house.actors.now()));
        // The actor rests between two tries, and reads everything anew.
        house = house.restarted().await;
        let left = MINUTE - Duration::from_secs(waited);
        assert_eq!(house.mail_from(alice).await.err(), limit(5, MINUTE, left));
    }
    house.advance(SECOND);
    house.post(alice).await.expect("a minute after the first try");
}

#[actix_rt::test]
async fn q3_each_refusal_is_an_event_and_no_letter() {
    let house = House::with(plan(Some(1), Some(2), Some(3))).await;
    let alice = house.account("alice@demo.test").await;
    for wait in [MINUTE, HOUR] {
        house.post(alice).await.expect("room");
        assert!(house.mail_from(alice).await.is_err());
        house.advance(wait);
    }
    house.post(alice).await.expect("room");
    house.advance(HOUR);
    assert!(house.mail_from(alice).await.is_err());
    let why = |what: &What| match what {
        What::LetterRefused { why, signals } => {
            assert_eq!(signals, &[(Signal::Pushing, 1)]);
            Some(*why)
        }
        _ => None,
    };
    let refused: Vec<LetterRefusal> =
        house.events(alice, Ring::LetterRefusals).await.iter().filter_map(why).collect();
    assert_eq!(refused, [LetterRefusal::PerMinute, LetterRefusal::PerHour, LetterRefusal::PerDay]);
    assert_eq!(house.events(alice, Ring::Letters).await.len(), 3);
}

#[actix_rt::test]
async fn q4_who_pushes_on_is_locked_until_the_lock_ends() {
    let house = House::new().await;
    let alice = house.account("alice@demo.test").await;
    house.post_many(alice, 5).await;
    for _ in 0..34 {
        assert!(matches!(house.mail_from(alice).await, Err(Refusal::SendLimit { .. })));
    }
    let locked = house.mail_from(alice).await.expect_err("a hundred points are full");
    let until = house.actors.now().plus(24 * HOUR);
    assert_eq!(locked, Refusal::SendingLocked { reason: Reason::Pushing, text: None, until: Some(until) });
    let shown = &house.show("alice@demo.test").await["sending"];
    assert_eq!((&shown["locked"], &shown["by"]), (&Value::Bool(true), &Value::from("abuse")));
    let evidence = shown["evidence"].as_array().expect("evidence");
    assert_eq!((&evidence[0]["signal"], &evidence[0]["count"]), (&Value::from("pushing"), &Value::from(34)));
    let owed = house.actors.store().read(|view| view.scan(&keys::all_owed_notices(), 10)).await;
    let kinds: Vec<NoticeKind> = owed.expect("readable").into_iter().map(|(_, owed)| owed.notice).collect();
    let told = house.events(alice, Ring::Changes).await.into_iter().filter_map(|what| match what {
        What::Notice { notice, .. } => Some(notice),
        _ => None,
    });
    assert!(kinds.into_iter().chain(told).any(|kind| kind == NoticeKind::SendingLocked));
    house.advance(24 * HOUR);
    house.post(alice).await.expect("the lock has ended");
}

#[actix_rt::test]
async fn q4_what_led_to_a_lock_is_spent_with_it() {
    let house = House::new().await;
    let alice = house.account("alice@demo.test").await;
    house.post_many(alice, 5).await;
    for _ in 0..34 {
        house.mail_from(alice).await.expect_err("the minute is full");
    }
    assert!(matches!(house.mail_from(alice).await, Err(Refusal::SendingLocked { .. })));
    house.unlock("alice@demo.test").await;
    for _ in 0..2 {
        assert!(matches!(house.mail_from(alice).await, Err(Refusal::SendLimit { .. })), "not locked at once");
    }
    let house = house.restarted().await;
    assert!(matches!(house.mail_from(alice).await, Err(Refusal::SendLimit { .. })), "nor after a restart");
}

#[actix_rt::test]
async fn q4_scores_outlast_a_restart() {
    let house = House::new().await;
    let alice = house.account("alice@demo.test").await;
    for _ in 0..19 {
        house.actors.note_unknown_recipient(alice, HERE).await;
    }
    let house = house.restarted().await;
    let abuse: Abuse = house.actors.store().get(keys::abuse(alice)).await.expect("readable").expect("saved");
    assert_eq!(abuse.scores.iter().map(|score| score.count).collect::<Vec<_>>(), [19]);
    house.mail_from(alice).await.expect("not yet");
    house.actors.note_unknown_recipient(alice, HERE).await;
    let refused = house.mail_from(alice).await.err();
    assert!(matches!(refused, Some(Refusal::SendingLocked { reason: Reason::Theft, .. })));
}

#[actix_rt::test]
async fn q4_a_suspected_theft_closes_access_and_ends_the_sessions() {
    let house = House::new().await;
    let alice = house.account("alice@demo.test").await;
    let who = Listener::new(&house);
    let _session = house.login("alice@demo.test", &who, Protocol::Smtp).await.expect("admitted");
    let report = || AdminRequest::AccountReport { address: "alice@demo.test".into(), reason: None };
    house.admin(report()).await;
    house.mail_from(alice).await.expect("one complaint may be a mistake");
    house.admin(report()).await;
    assert!(matches!(house.mail_from(alice).await, Err(Refusal::SendingLocked { .. })));
    let heard = who.heard().await;
    let off =
        |tell: &Tell| matches!(tell, Tell::Closed(Refusal::AccessOff { reason: Some(Reason::Theft), .. }));
    assert!(heard.iter().any(off), "{heard:?}"); // A14
}

#[actix_rt::test]
async fn q4_a_letter_to_hundreds_of_strangers_is_taken_and_the_next_is_not() {
    let house = House::new().await;
    let alice = house.account("alice@demo.test").await;
    for n in 0..3 {
        let granted = house.mail_from(alice).await.expect("not yet");
        let mut acceptance = house.sent(alice, granted, &[alice]).await;
        let sent = acceptance.sent.as_mut().expect("a sender");
        // The same text each time.
        (sent.body, sent.recipients) = (7, (0..100).map(|r| r * 1_009 + n).collect());
        house.actors.accept(acceptance).await.expect("taken");
    }
    assert_eq!(house.events(alice, Ring::Letters).await.len(), 3);
    assert!(matches!(house.mail_from(alice).await, Err(Refusal::SendingLocked { .. })));
}

#[actix_rt::test]
async fn q5_a_lock_that_falls_while_a_letter_comes_in_holds_for_it() {
    let house = House::new().await;
    let alice = house.account("alice@demo.test").await;
    let granted = house.mail_from(alice).await.expect("not locked");
    let address = || "alice@demo.test".to_owned();
    house.admin(AdminRequest::LockSending { address: address(), reason: None, lasts: None }).await;
    let refused = house.finish(alice, granted).await;
    assert!(matches!(refused, Err(Refusal::SendingLocked { reason: Reason::Terms, .. })));
    assert_eq!(house.events(alice, Ring::Letters).await, []);
    house.unlock("alice@demo.test").await;
    house.post(alice).await.expect("unlocked");
}

#[actix_rt::test]
async fn q4_marks_stand_in_the_log_for_a_replay_to_begin_at() {
    let mut settings = plan(None, None, None);
    settings.abuse.threshold = 1_000_000;
    let mut house = House::with(settings).await;
    let alice = house.account("alice@demo.test").await;
    for n in 0..600 {
        if n % 2 == 0 {
            house.post(alice).await.expect("no limit");
        } else {
            house.actors.note_unknown_recipient(alice, HERE).await;
        }
        if n % 150 == 0 {
            house = house.restarted().await;
        }
    }
    let figures = house.settings.abuse.clone();
    house.actors.rest().await;
    house.caught_up().await;
    let stored: Abuse = house.actors.store().get(keys::abuse(alice)).await.expect("readable").expect("saved");
    let mut events = Vec::new();
    for ring in [Ring::Letters, Ring::LetterRefusals] {
        let read = move |view: &postern_storage::View<'_>| view.log::<Event>(alice, ring, 10_000);
        events.extend(house.actors.store().read(read).await.expect("readable"));
    }
    events.sort_by_key(|(number, _)| *number);
    let marks: Vec<usize> = events
        .iter()
        .enumerate()
        .filter(|(_, (_, e))| matches!(e.what, What::Scores(_)))
        .map(|(n, _)| n)
        .collect();
    assert_eq!(marks, [0, 250, 500]);
    for mark in marks {
        let mut replayed = Abuse::default();
        for (_, event) in &events[mark..] {
            postern_policy::abuse::apply(&mut replayed, event, &figures);
        }
        assert_eq!(replayed.scores, stored.scores, "from {mark} on");
    }
}
