//! Notices on their way from the outbox to the INBOX: each once, in order, whatever comes between.

use postern_model::record::{Actor as By, NoticeKind, OwedNotice};
use postern_model::{LetterId, MailboxId};
use postern_storage::keys;

use super::*;
use crate::delivery::Notice;

impl House {
    /// What the outbox owes.
    async fn owed(&self) -> Vec<(LetterId, AccountId)> {
        let rows = self.actors.store().read(|view| view.scan(&keys::all_owed_notices(), usize::MAX)).await;
        rows.expect("readable").into_iter().map(|(key, _)| key).collect()
    }

    /// The ids of the letters in the INBOX, in the order of their UIDs.
    async fn inbox(&self, id: AccountId) -> Vec<LetterId> {
        let blocks = self
            .actors
            .store()
            .read(move |view| view.scan(&keys::blocks_of(id, MailboxId::INBOX), usize::MAX));
        let blocks = blocks.await.expect("readable");
        blocks.into_iter().flat_map(|(_, block)| block.entries).map(|entry| entry.letter).collect()
    }

    /// The outbox as a crash right after the batch that owes leaves it: nobody was told.
    async fn owe(&self, id: AccountId) -> (LetterId, OwedNotice) {
        let letter = self.actors.store().next_letter_id();
        let owed = OwedNotice {
            at: self.actors.now(),
            notice: NoticeKind::AccessClosed,
            protocols: vec![Protocol::Pop3],
            by: By::Operator,
            reason: None,
            text: None,
            then: None,
            from: None,
        };
        let mut batch = Batch::new();
        batch.owe(letter, id, &owed);
        self.actors.store().commit(batch).await.expect("room");
        (letter, owed)
    }

    async fn text(&self, id: AccountId, letter: LetterId) -> String {
        let mut body = self.actors.store().open_body(id, letter).await.expect("there");
        let mut text = Vec::new();
        while let Some(chunk) = body.chunk().await.expect("readable") {
            text.extend_from_slice(&chunk);
        }
        String::from_utf8(text).expect("text")
    }
}

#[actix_rt::test]
async fn n1_a_notice_is_a_letter_in_the_inbox_and_an_event() {
    let house = House::new().await;
    let alice = house.account("alice@demo.test").await;
    house.access("alice@demo.test", AccessChange::Block).await;
    house.actors.deliver_notices().await;
    assert_eq!(house.owed().await, []);
    let inbox = house.inbox(alice).await;
    assert_eq!(inbox.len(), 1, "three gates, one reason: one notice");
    let text = house.text(alice, inbox[0]).await;
    assert!(text.starts_with("To: alice@demo.test\r\nSubject: access-blocked\r\n"), "{text}");
    let events =
        house.admin(AdminRequest::AccountEvents { address: "alice@demo.test".into(), since: None }).await;
    let notices: Vec<_> =
        events.as_array().expect("a list").iter().filter(|e| e["kind"] == "notice").collect();
    assert_eq!(notices.len(), 1);
    assert_eq!(notices[0]["detail"]["letter"], inbox[0].to_string());
    house.clean();
}

#[actix_rt::test]
async fn n1_a_notice_comes_although_the_inactive_account_takes_no_mail() {
    let settings = Settings { inactive_refuses_mail: true, ..Settings::for_tests() };
    let house = House::with(settings).await;
    let alice = house.account("alice@demo.test").await;
    let micros = 300 * 24 * 60 * 60 * 1_000_000;
    house.admin(AdminRequest::ClockAdvance { micros }).await;
    // Of POP3: a warning, and that it is closed. Of the account: a warning, and that it is inactive.
    assert_eq!(house.inbox(alice).await.len(), 4);
    house.clean();
}

#[actix_rt::test]
async fn n3_a_notice_that_a_crash_left_owed_comes_once_in_the_next_round() {
    let house = House::new().await;
    let alice = house.account("alice@demo.test").await;
    let mut letters = Vec::new();
    for _ in 0..3 {
        letters.push(house.owe(alice).await.0);
    }
    let house = house.restarted().await;
    house.actors.round(Timestamp::NEVER).await;
    assert_eq!(house.inbox(alice).await, letters, "in the order in which they were owed");
    house.actors.round(Timestamp::NEVER).await;
    house.restarted().await.clean();
}

#[actix_rt::test]
async fn n3_a_notice_that_was_delivered_is_not_delivered_again() {
    let house = House::new().await;
    let alice = house.account("alice@demo.test").await;
    let (letter, owed) = house.owe(alice).await;
    for _ in 0..2 {
        // The second time is that of somebody who read the outbox before it was emptied.
        let acceptance = house.acceptance("a notice\r\n", &[alice]).await;
        let (body, facts, owed) = (acceptance.body, acceptance.facts, owed.clone());
        let notice = Notice { letter, body, facts, owed };
        house.actors.deliver_notice(alice, notice).await.expect("delivered now or before");
    }
    assert_eq!(house.inbox(alice).await, [letter]);
    house.send("the mailbox goes on\r\n", &[alice]).await.expect("accepted");
    assert_eq!(house.inbox(alice).await.len(), 2);
    house.clean();
}

#[actix_rt::test]
async fn n3_notices_to_many_and_to_one_all_come_each_once() {
    let house = House::new().await;
    let mut expected = Vec::new();
    for n in 0..20 {
        let id = house.account(&format!("user{n}@demo.test")).await;
        expected.push((id, Vec::new()));
    }
    // More than are read at once, those of one account far apart.
    for _ in 0..10 {
        for (id, letters) in &mut expected {
            letters.push(house.owe(*id).await.0);
        }
    }
    let (one, other) = (house.actors.clone(), house.actors.clone());
    tokio::join!(one.deliver_notices(), other.deliver_notices());
    for (id, letters) in expected {
        assert_eq!(house.inbox(id).await, letters);
    }
    house.clean();
}

#[actix_rt::test]
async fn n3_a_notice_to_an_account_that_is_gone_is_owed_no_more() {
    let house = House::new().await;
    let alice = house.account("alice@demo.test").await;
    house.owe(alice).await;
    house.admin(AdminRequest::AccountRemove { address: "alice@demo.test".into() }).await;
    house.actors.deliver_notices().await;
    assert_eq!(house.owed().await, []);
    house.clean();
}

#[actix_rt::test]
async fn n3_a_notice_that_can_not_be_delivered_stays_owed_and_stands_before_nobody_elses() {
    let house = House::new().await;
    let (alice, bob) = (house.account("alice@demo.test").await, house.account("bob@demo.test").await);
    // Two notices under the id of a letter that alice has: her mailbox takes neither.
    house.send("one\r\n", &[alice]).await.expect("accepted");
    let taken = house.inbox(alice).await[0];
    let (later, owed) = house.owe(alice).await;
    let mut batch = Batch::new();
    batch.owe(taken, alice, &owed);
    house.actors.store().commit(batch).await.expect("room");
    let (his, _) = house.owe(bob).await;
    house.actors.deliver_notices().await;
    assert_eq!(house.inbox(bob).await, [his]);
    assert_eq!(house.owed().await, [(taken, alice), (later, alice)], "the later one waits for the earlier");
    // Mail goes on.
    house.send("two\r\n", &[alice]).await.expect("accepted");
    assert_eq!(house.inbox(alice).await.len(), 2);
}

#[actix_rt::test]
async fn n3_a_notice_waits_for_room_on_the_disk() {
    let (disk, clock) = (Disk::new(), Arc::new(ManualClock::new(Timestamp::from_seconds(1_800_000_000))));
    let house = disk.house(0, &clock).await;
    house.admin(AdminRequest::DomainAdd { domain: "demo.test".into() }).await;
    let alice = house.account("alice@demo.test").await;
    let (letter, _) = house.owe(alice).await;
    disk.shut(house).await;
    let house = disk.house(u64::MAX, &clock).await;
    house.actors.round(Timestamp::NEVER).await;
    assert_eq!(house.owed().await, [(letter, alice)]);
    disk.shut(house).await;
    let house = disk.house(0, &clock).await;
    house.actors.round(Timestamp::NEVER).await;
    assert_eq!(house.inbox(alice).await, [letter]);
    house.clean();
}
