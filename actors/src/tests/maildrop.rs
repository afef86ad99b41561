//! How often mail is checked over POP3, and what becomes of what it deletes (SPEC C).

use postern_model::record::{Block, Event, LoginRefusal, Status, What};
use postern_model::{LetterId, MailboxId, Uid};
use postern_storage::{Ring, View, keys};

use super::*;
use crate::order::Maildrop;

const ALICE: &str = "alice@demo.test";

fn every(interval: Duration) -> Settings {
    let mut settings = Settings::for_tests();
    settings.plans.values_mut().for_each(|plan| plan.check_interval = interval);
    settings
}

fn too_soon(retry_after: u64) -> Option<Refusal> {
    let interval = Duration::from_secs(300);
    Some(Refusal::TooSoon { interval, retry_after: Duration::from_secs(retry_after) })
}

impl House {
    /// A POP3 session from its login on.
    async fn pop3(&self, who: &Listener) -> Result<(Admitted, Maildrop), Refusal> {
        let admitted = self.login(ALICE, who, Protocol::Pop3).await?;
        let maildrop = self.actors.open_maildrop(&admitted, &who.session).await?;
        Ok((admitted, maildrop))
    }

    /// Checks the mail and leaves at once.
    async fn check(&self) -> Option<Refusal> {
        self.pop3(&Listener::new(self)).await.err()
    }

    fn wait(&self, seconds: u64) {
        self.advance(Duration::from_secs(seconds));
    }

    async fn pop3_delete(&self, what: &str) {
        let (address, name, value) = (ALICE.to_owned(), "pop3-delete".to_owned(), what.to_owned());
        self.admin(AdminRequest::Set { address, name, value }).await;
    }

    /// Deletes these message numbers over POP3.
    async fn delete(&self, numbers: &[usize]) {
        let (_session, maildrop) = self.pop3(&Listener::new(self)).await.expect("admitted");
        let deletions: Vec<Uid> = numbers.iter().map(|n| maildrop.letters[n - 1].uid).collect();
        self.actors.close_maildrop(maildrop.lease, deletions).await.expect("on disk");
    }

    /// The letters of a folder.
    async fn folder(&self, account: AccountId, mailbox: MailboxId) -> Vec<LetterId> {
        let read = move |view: &View<'_>| view.scan(&keys::blocks_of(account, mailbox), 100);
        let blocks: Vec<(u32, Block)> = self.actors.store().read(read).await.expect("readable");
        blocks.into_iter().flat_map(|(_, block)| block.entries).map(|entry| entry.letter).collect()
    }

    async fn three_letters(&self) -> AccountId {
        let alice = self.account(ALICE).await;
        for text in ["a\r\n", "bb\r\n", "ccc\r\n"] {
            self.send(text, &[alice]).await.expect("accepted");
        }
        alice
    }
}

#[actix_rt::test]
async fn c3_mail_is_checked_every_five_minutes_less_the_grace() {
    let house = House::with(every(Duration::from_secs(300))).await;
    house.account(ALICE).await;
    assert_eq!(house.check().await, None);
    house.wait(1);
    assert_eq!(house.check().await, too_soon(289));
    house.wait(288);
    assert_eq!(house.check().await, too_soon(1), "a refused try does not restart the clock");
    house.wait(1);
    assert_eq!(house.check().await, None, "a session that broke off counts from its +OK");
    assert_eq!(house.check().await, too_soon(290));
}

#[actix_rt::test]
async fn c3_holds_across_a_restart_and_a_rest() {
    let house = House::with(every(Duration::from_secs(300))).await;
    house.account(ALICE).await;
    assert_eq!(house.check().await, None);
    house.wait(100);
    house.actors.passivate(Duration::ZERO);
    assert_eq!(house.check().await, too_soon(190));
    let house = house.restarted().await;
    assert_eq!(house.check().await, too_soon(190));
}

#[actix_rt::test]
async fn c3_goes_by_the_plan_of_the_account() {
    let mut settings = every(Duration::from_secs(300));
    settings.plans.get_mut("plus").expect("a plan").check_interval = Duration::ZERO;
    let house = House::with(settings).await;
    house.account(ALICE).await;
    assert_eq!(house.check().await, None);
    house.admin(AdminRequest::SetPlan { address: ALICE.into(), plan: "plus".into() }).await;
    assert_eq!((house.check().await, house.check().await), (None, None));
}

#[actix_rt::test]
async fn c3_a_maildrop_in_use_is_in_use_and_a_silent_one_is_taken_over_once() {
    let house = House::with(every(Duration::from_secs(300))).await;
    house.account(ALICE).await;
    let (first, second) = (Listener::new(&house), Listener::new(&house));
    let _held = house.pop3(&first).await.expect("free");
    assert_eq!(house.check().await, Some(Refusal::InUse)); // C1
    house.wait(60);
    let _taken = house.pop3(&second).await.expect("who lost a connection does not wait"); // C2
    assert_eq!(first.heard().await, [Tell::TakenOver]);
    house.wait(60);
    assert_eq!(house.check().await, too_soon(230), "once an interval");
    assert_eq!(second.heard().await, []);
}

#[actix_rt::test]
async fn c3_who_comes_too_soon_is_an_event_and_not_a_use() {
    let house = House::with(every(Duration::from_secs(300))).await;
    let alice = house.account(ALICE).await;
    assert_eq!(house.check().await, None);
    house.wait(10);
    assert_eq!(house.check().await, too_soon(280));
    house.caught_up().await;
    let read = move |view: &View<'_>| {
        let refused = view.log::<Event>(alice, Ring::LoginRefusals, 10)?;
        Ok((refused, view.get(&keys::activity(alice))?))
    };
    let (refused, activity) = house.actors.store().read(read).await.expect("readable");
    let why: Vec<What> = refused.into_iter().map(|(_, event)| event.what).collect();
    assert_eq!(why, [What::LoginRefused { protocol: Protocol::Pop3, why: LoginRefusal::TooSoon }]);
    let used = activity.and_then(|activity| activity.pop3);
    assert_eq!(used, Some(house.actors.now().minus(Duration::from_secs(10))));
}

#[actix_rt::test]
async fn c3_a_clock_put_back_keeps_nobody_out_for_longer_than_the_interval() {
    let house = House::with(every(Duration::from_secs(300))).await;
    house.account(ALICE).await;
    assert_eq!(house.check().await, None);
    house.caught_up().await;
    let House { actors, settings, dir, clock } = house;
    let (store, put_back) = (actors.store().clone(), clock.now().minus(Duration::from_secs(3600)));
    drop(actors);
    let house = House::on(store, Arc::new(ManualClock::new(put_back)), settings, dir).await;
    assert_eq!(house.check().await, too_soon(290));
    house.wait(200);
    let house = house.restarted().await;
    assert_eq!(house.check().await, too_soon(90));
}

#[actix_rt::test]
async fn c4_delete_is_the_standard() {
    let house = House::new().await;
    let alice = house.three_letters().await;
    house.delete(&[1, 3]).await;
    assert_eq!(house.sizes(ALICE).await, [4]);
    assert_eq!(house.folder(alice, MailboxId::INBOX).await.len(), 1);
    house.clean();
}

#[actix_rt::test]
async fn c4_what_is_kept_stays_in_the_inbox_and_is_not_offered_again() {
    let house = House::new().await;
    let alice = house.three_letters().await;
    let before = house.folder(alice, MailboxId::INBOX).await;
    house.pop3_delete("keep").await;
    house.delete(&[1, 3]).await;
    assert_eq!(house.sizes(ALICE).await, [4]);
    house.clean();
    let house = house.restarted().await;
    house.send("dddd\r\n", &[alice]).await.expect("accepted");
    assert_eq!(house.sizes(ALICE).await, [4, 6], "C5: what is new is offered");
    assert_eq!(house.folder(alice, MailboxId::INBOX).await[..3], before);
    house.actors.store().open_body(alice, before[0]).await.expect("its body is there");
    // What is hidden stays hidden, whatever the choice is later.
    house.pop3_delete("delete").await;
    house.delete(&[1]).await;
    assert_eq!(house.folder(alice, MailboxId::INBOX).await.len(), 3);
    house.clean();
}

#[actix_rt::test]
async fn c4_what_goes_to_the_trash_or_the_archive_is_there() {
    for (choice, mailbox) in [("trash", MailboxId::TRASH), ("archive", MailboxId::ARCHIVE)] {
        let house = House::new().await;
        let alice = house.three_letters().await;
        let before = house.folder(alice, MailboxId::INBOX).await;
        house.pop3_delete(choice).await;
        house.delete(&[1]).await;
        let house = house.restarted().await;
        house.delete(&[2]).await;
        assert_eq!(house.sizes(ALICE).await, [4]);
        assert_eq!(house.folder(alice, MailboxId::INBOX).await, [before[1]]);
        assert_eq!(house.folder(alice, mailbox).await, [before[0], before[2]]);
        house.actors.store().open_body(alice, before[0]).await.expect("its body is there");
        let read = move |view: &View<'_>| {
            Ok((view.get(&keys::usage(alice))?, view.scan(&keys::vanished_of(alice, MailboxId::INBOX), 10)?))
        };
        let (usage, vanished) = house.actors.store().read(read).await.expect("readable");
        assert_eq!(
            usage.map(|usage| (usage.letters, usage.octets)),
            Some((3, 12)),
            "it takes room as before"
        );
        assert_eq!(vanished.len(), 2, "the INBOX lost it");
        house.clean();
    }
}

#[actix_rt::test]
async fn a9_an_inactive_account_takes_mail_or_not_as_the_operator_says() {
    for refuses in [false, true] {
        let mut settings = Settings::for_tests();
        settings.inactive_refuses_mail = refuses;
        let house = House::with(settings).await;
        let alice = house.account(ALICE).await;
        let address = postern_model::EmailAddress::parse(ALICE).expect("an address");
        let status = |status| AdminRequest::SetStatus { address: ALICE.into(), status };
        house.admin(status(Status::Inactive)).await;
        let expected = if refuses { Err(Refusal::InactiveMailbox) } else { Ok(alice) };
        assert_eq!(house.actors.find_recipient(&address).await, expected);
        assert_eq!(house.actors.owns(alice, &address).await, Ok(true));
        house.admin(status(Status::Active)).await;
        assert_eq!(house.actors.find_recipient(&address).await, Ok(alice));
    }
}
