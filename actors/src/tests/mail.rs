//! Letters come in, are read over POP3 and go.

use postern_model::record::{Pending, Usage};
use postern_model::{LetterId, MailboxId, Uid, UidValidity};
use postern_policy::folder::{Arrival, Folder};
use postern_storage::keys;

use super::*;

#[actix_rt::test]
async fn a_letter_for_one_and_a_letter_for_many_arrive_once_each() {
    let house = House::new().await;
    let (alice, bob) = (house.account("alice@demo.test").await, house.account("bob@demo.test").await);
    house.send("one\r\n", &[alice]).await.expect("accepted");
    house.send("for both\r\n", &[alice, bob]).await.expect("accepted");
    assert_eq!(house.sizes("alice@demo.test").await, [5, 10]);
    assert_eq!(house.sizes("bob@demo.test").await, [10]);
    house.clean();
}

#[actix_rt::test]
async fn letters_that_come_at_once_get_their_numbers_one_by_one() {
    let house = House::new().await;
    let alice = house.account("alice@demo.test").await;
    let mut under_way = tokio::task::JoinSet::new();
    for _ in 0..200 {
        let (actors, acceptance) = (house.actors.clone(), house.acceptance("x\r\n", &[alice]).await);
        under_way.spawn_local(async move { actors.accept(acceptance).await });
    }
    while let Some(done) = under_way.join_next().await {
        done.expect("no panic").expect("accepted");
    }
    let who = Listener::new(&house);
    let admitted = house.login("alice@demo.test", &who, Protocol::Pop3).await.expect("admitted");
    let maildrop = house.actors.open_maildrop(&admitted, &who.session).await.expect("free");
    let uids: Vec<u32> = maildrop.letters.iter().map(|letter| letter.uid.0).collect();
    assert_eq!(uids, (1..=200).collect::<Vec<u32>>());
    house.clean();
}

#[actix_rt::test]
async fn what_a_crash_left_owed_is_paid_at_the_next_round_and_only_once() {
    let house = House::new().await;
    let alice = house.account("alice@demo.test").await;
    let letter = owe(&house, alice).await;
    assert_eq!(house.actors.pay_what_is_owed(Timestamp::NEVER).await.expect("readable"), 1);
    assert_eq!(house.actors.pay_what_is_owed(Timestamp::NEVER).await.expect("readable"), 0);
    assert_eq!(house.sizes("alice@demo.test").await, [6], "{letter}");
    house.clean();
}

#[actix_rt::test]
async fn all_that_is_owed_is_paid_in_one_round_however_much_it_is() {
    let house = House::new().await;
    let alice = house.account("alice@demo.test").await;
    for _ in 0..1_001 {
        owe(&house, alice).await;
    }
    assert_eq!(house.actors.pay_what_is_owed(Timestamp::NEVER).await.expect("readable"), 1_001);
    assert_eq!(house.sizes("alice@demo.test").await.len(), 1_001);
}

/// A letter that is accepted and on disk, and not in its folder.
async fn owe(house: &House, account: AccountId) -> LetterId {
    let acceptance = house.acceptance("owed\r\n", &[account]).await;
    let (letter, now) = (acceptance.letter, house.actors.now());
    let mut batch = Batch::new();
    batch.append_body(&[account], letter, MailboxId::INBOX, now, acceptance.body);
    batch.put(&keys::facts(account, letter), &acceptance.facts);
    let pending = Pending { mailbox: MailboxId::INBOX, accepted: now, size: 6 };
    batch.put(&keys::pending(letter, account), &pending);
    house.actors.store().commit(batch).await.expect("room");
    letter
}

#[actix_rt::test]
async fn one_session_has_the_maildrop_and_a_silent_one_loses_it() {
    let house = House::new().await;
    house.account("alice@demo.test").await;
    let (first, second) = (Listener::new(&house), Listener::new(&house));
    let one = house.login("alice@demo.test", &first, Protocol::Pop3).await.expect("admitted");
    let two = house.login("alice@demo.test", &second, Protocol::Pop3).await.expect("admitted");
    let held = house.actors.open_maildrop(&one, &first.session).await.expect("free");
    let refused = house.actors.open_maildrop(&two, &second.session).await;
    assert_eq!(refused.map(|_| ()), Err(Refusal::InUse)); // C1
    house.advance(Duration::from_secs(60));
    let taken = house.actors.open_maildrop(&two, &second.session).await.expect("taken over"); // C2
    assert_eq!(first.heard().await, [Tell::TakenOver]);
    let late = house.actors.close_maildrop(held.lease, vec![Uid(1)]).await;
    assert_eq!(late, Err(Refusal::InUse), "the old session deletes nothing");
    drop(taken);
    house.actors.open_maildrop(&one, &first.session).await.expect("a dropped lease is free at once");
}

#[actix_rt::test]
async fn c5_quit_removes_what_was_deleted_and_nothing_else() {
    let house = House::new().await;
    let alice = house.account("alice@demo.test").await;
    for text in ["a\r\n", "bb\r\n", "ccc\r\n"] {
        house.send(text, &[alice]).await.expect("accepted");
    }
    let who = Listener::new(&house);
    let admitted = house.login("alice@demo.test", &who, Protocol::Pop3).await.expect("admitted");
    let maildrop = house.actors.open_maildrop(&admitted, &who.session).await.expect("free");
    // One more comes while the session lasts: it is not in the snapshot and must stay.
    house.send("dddd\r\n", &[alice]).await.expect("accepted");
    assert_eq!(maildrop.letters.len(), 3);
    let gone = vec![maildrop.letters[0].uid, maildrop.letters[2].uid];
    house.actors.close_maildrop(maildrop.lease, gone).await.expect("on disk");
    drop(admitted);
    assert_eq!(house.sizes("alice@demo.test").await, [4, 6]);
    house.clean();
}

#[actix_rt::test]
async fn a_large_folder_is_read_whole_and_loses_only_what_was_deleted() {
    let house = House::new().await;
    let alice = house.account("alice@demo.test").await;
    let count = 20_000;
    fill(&house, alice, count).await;
    let who = Listener::new(&house);
    let admitted = house.login("alice@demo.test", &who, Protocol::Pop3).await.expect("admitted");
    let maildrop = house.actors.open_maildrop(&admitted, &who.session).await.expect("free");
    assert!(maildrop.letters.iter().map(|letter| letter.uid).eq((1..=count).map(Uid)));
    let gone = vec![Uid(1), Uid(count / 2), Uid(count)];
    house.actors.close_maildrop(maildrop.lease, gone.clone()).await.expect("on disk");
    let maildrop = house.actors.open_maildrop(&admitted, &who.session).await.expect("free");
    let left = (1..=count).map(Uid).filter(|uid| !gone.contains(uid));
    assert!(maildrop.letters.iter().map(|letter| letter.uid).eq(left));
}

/// Gives an account an INBOX of so many letters, without their bodies.
pub(super) async fn fill(house: &House, account: AccountId, count: u32) {
    let (mut folder, mut usage) = (Folder::new(UidValidity(1)), Usage::default());
    let at = house.actors.now();
    let arrival = |n| Arrival {
        letter: LetterId(u64::from(n)),
        size: 1,
        at,
        saved: at,
        flags: Default::default(),
        keywords: Vec::new(),
        pop3_uidl: None,
    };
    let put = folder.append((1..=count).map(arrival).collect(), &mut usage).expect("room");
    let mut batch = Batch::new();
    for number in put.touched.numbers() {
        let block = folder.block(number).expect("it was touched");
        batch.put(&keys::block(account, MailboxId::INBOX, number), block);
    }
    batch.put(&keys::mailbox(account, MailboxId::INBOX), folder.header());
    batch.put(&keys::usage(account), &usage);
    house.actors.store().commit(batch).await.expect("room");
}

#[actix_rt::test]
async fn a_removed_account_leaves_nothing_behind() {
    let house = House::new().await;
    let (alice, bob) = (house.account("alice@demo.test").await, house.account("bob@demo.test").await);
    house.send("for both\r\n", &[alice, bob]).await.expect("accepted");
    house.admin(AdminRequest::AccountRemove { address: "alice@demo.test".into() }).await;
    let left = house.actors.store().read(move |view| view.keys(&keys::everything_of(alice), 10)).await;
    assert_eq!(left.expect("readable"), []);
    assert_eq!(house.sizes("bob@demo.test").await, [10]);
    house.clean();
}

#[actix_rt::test]
async fn a_letter_on_its_way_to_an_account_that_goes_leaves_nothing_behind() {
    let house = House::new().await;
    let (alice, bob) = (house.account("alice@demo.test").await, house.account("bob@demo.test").await);
    let one = house.acceptance("one\r\n", &[alice]).await;
    let both = house.acceptance("both\r\n", &[alice, bob]).await;
    // The mailbox's actor lives and knows the folder.
    assert_eq!(house.sizes("alice@demo.test").await, [0; 0]);
    house.send("zero\r\n", &[alice]).await.expect("accepted");
    house.admin(AdminRequest::AccountRemove { address: "alice@demo.test".into() }).await;
    assert_eq!(house.actors.accept(one).await, Err(Refusal::NoSuchMailbox));
    assert_eq!(house.actors.accept(both).await, Ok(vec![Ok(()); 2]));
    assert_eq!(house.sizes("bob@demo.test").await, [6]);
    let left = house.actors.store().read(move |view| view.keys(&keys::everything_of(alice), 10)).await;
    assert_eq!(left.expect("readable"), []);
    assert_eq!(house.actors.pay_what_is_owed(Timestamp::NEVER).await.expect("readable"), 0);
    house.clean();
}

#[actix_rt::test]
async fn an_alias_receives_and_may_be_a_sender() {
    let house = House::new().await;
    let alice = house.account("alice@demo.test").await;
    let alias = postern_model::EmailAddress::parse("sales@demo.test").expect("an address");
    assert_eq!(house.actors.find_recipient(&alias).await, Err(Refusal::NoSuchMailbox));
    let (address, name) = ("alice@demo.test".to_owned(), "sales@demo.test".to_owned());
    house.admin(AdminRequest::AliasAdd { address, alias: name.clone() }).await;
    assert_eq!(house.actors.find_recipient(&alias).await, Ok(alice));
    assert_eq!(house.actors.owns(alice, &alias).await, Ok(true)); // I5
    // Who names an alias does not mean the account and all its mail.
    let removed = house.actors.admin(AdminRequest::AccountRemove { address: name.clone() }).await;
    assert!(removed.is_err_and(|error| error.0.contains("is an alias")));
    house.admin(AdminRequest::AliasRemove { alias: name }).await;
    assert_eq!(house.actors.owns(alice, &alias).await, Ok(false));
}

#[actix_rt::test]
async fn the_servers_own_postmaster_is_the_one_of_its_domain() {
    let house = House::new().await;
    let at = |text: &str| postern_model::EmailAddress::parse(text).expect("an address");
    let (own, other) = (at("Postmaster@mail.demo.test"), at("postmaster@else.demo.test"));
    assert_eq!(house.actors.find_recipient(&own).await, Err(Refusal::NoSuchMailbox));
    let postmaster = house.account("postmaster@demo.test").await;
    assert_eq!(house.actors.find_recipient(&own).await, Ok(postmaster)); // RFC 5321 §4.5.1
    assert_eq!(house.actors.find_recipient(&other).await, Err(Refusal::NoRoute));
}

#[actix_rt::test]
async fn mail_for_elsewhere_has_no_route() {
    let house = House::new().await;
    let other = postern_model::EmailAddress::parse("a@elsewhere.test").expect("an address");
    assert_eq!(house.actors.find_recipient(&other).await, Err(Refusal::NoRoute));
}

#[actix_rt::test]
async fn actors_rest_when_nobody_asks_and_come_back_with_what_they_knew() {
    let house = House::new().await;
    let alice = house.account("alice@demo.test").await;
    house.send("one\r\n", &[alice]).await.expect("accepted");
    let who = Listener::new(&house);
    let admitted = house.login("alice@demo.test", &who, Protocol::Pop3).await.expect("admitted");
    let maildrop = house.actors.open_maildrop(&admitted, &who.session).await.expect("free");
    house.written().await;
    let living = house.actors.passivate(Duration::ZERO);
    assert_eq!(living, 1, "the lease holds its mailbox, and only that");
    let refused = house.actors.open_maildrop(&admitted, &who.session).await.map(|_| ());
    assert_eq!(refused, Err(Refusal::InUse));
    drop(maildrop);
    house.written().await;
    assert_eq!(house.actors.passivate(Duration::ZERO), 0);
    house.send("two!\r\n", &[alice]).await.expect("accepted");
    assert_eq!(house.sizes("alice@demo.test").await, [5, 6]);
    house.access("alice@demo.test", AccessChange::Off).await;
    assert_eq!(who.heard().await.len(), 1, "who is present is known although the actor rested");
}
