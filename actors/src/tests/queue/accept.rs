//! Letters come into the queue: elsewhere, here and there, sent on, held, and this server's own.

use postern_model::record::{MailTerms, Origin, RcptTerms};

use super::*;
use crate::order::{Forward, OwnLetter};

#[actix_rt::test]
async fn a_letter_for_here_and_elsewhere_is_one_letter() {
    let (house, fake) = house().await;
    let bob = house.account("bob@demo.test").await;
    let acceptance = house.leaving(&["x@a.test", "y@a.test", "z@b.test"]).await;
    let acceptance = Acceptance { locals: vec![to(bob)], ..acceptance };
    let id = QueueId { letter: acceptance.letter, envelope: 0 };
    let verdicts = house.actors.accept(acceptance).await.expect("accepted");
    assert_eq!(verdicts, [Ok(())]);
    house.rests().await;
    assert_eq!(house.sizes("bob@demo.test").await, [LETTER.len() as u32]);
    let seen: Vec<_> = fake.seen("a.test").into_iter().map(|carrying| (carrying.id, carrying.to)).collect();
    assert_eq!(seen, [(id, vec!["x@a.test".to_owned(), "y@a.test".to_owned()])]);
    assert_eq!(fake.seen("b.test").len(), 1);
    house.is_empty().await;
}

#[actix_rt::test]
async fn one_trip_carries_all_letters_of_a_destination() {
    let (house, fake) = house().await;
    fake.is("a.test", Mood::Dead);
    for _ in 0..20 {
        house.leaves(&["x@a.test"]).await;
    }
    house.rests().await;
    let before = fake.set_out.load(Ordering::Relaxed);
    assert!(before <= 2, "one speaks for all: {before}");
    fake.is("a.test", Mood::Takes);
    house.passes(HOUR).await;
    assert!(fake.set_out.load(Ordering::Relaxed) <= before + 8, "connections are used again");
    assert!(fake.seen("a.test").len() >= 21);
    house.is_empty().await;
}

#[actix_rt::test]
async fn as_many_wait_as_may() {
    let fake = Arc::new(Fake::default());
    let mut settings = settings(&fake);
    settings.queue.most = 3;
    let house = House::with(settings).await;
    fake.is("a.test", Mood::Defers);
    fake.is("b.test", Mood::Defers);
    house.leaves(&["x@a.test", "y@b.test"]).await;
    let too_many = house.leaving(&["x@a.test", "y@b.test"]).await;
    assert_eq!(house.actors.accept(too_many).await.map(drop), Err(Refusal::QueueFull));
    house.leaves(&["x@a.test"]).await;
    house.rests().await;
    fake.is("a.test", Mood::Takes);
    fake.is("b.test", Mood::Takes);
    house.passes(HOUR).await;
    house.is_empty().await;
    house.leaves(&["x@a.test", "y@b.test"]).await;
}

#[actix_rt::test]
async fn what_is_sent_on_has_an_envelope_of_its_own_and_shares_the_body() {
    let (house, fake) = house().await;
    let (bob, carol) = (house.account("bob@demo.test").await, house.account("carol@demo.test").await);
    fake.is("far.test", Mood::Defers);
    let forward = |to: &[&str]| Forward {
        mail_from: MailFrom::Address(address("srs@demo.test")),
        front: b"X-On: yes\r\n".to_vec(),
        to: to.iter().map(|to| address(to)).collect(),
        terms: RcptTerms::default(),
        sender: Some(bob),
    };
    let mut acceptance = house.acceptance(LETTER, &[bob]).await;
    acceptance.forwards =
        vec![forward(&["b@far.test"]), forward(&["b@far.test", "carol@demo.test"]), forward(&[])];
    house.actors.accept(acceptance).await.expect("accepted");
    house.rests().await;
    let envelopes = house.envelopes().await;
    assert_eq!(envelopes.len(), 2);
    assert!(envelopes.iter().all(|e| (e.origin, e.sender) == (Origin::Forwarded, Some(bob))));
    // To a mailbox here it goes through the queue as well, and comes once.
    assert_eq!(house.sizes("carol@demo.test").await.len(), 1);
    let text = |_, body: Result<&[u8], _>| String::from_utf8_lossy(body.expect("a body")).into_owned();
    let read = house.actors.store().read(move |view| view.scan(&keys::facts_of(carol), 1));
    let letter = read.await.expect("readable")[0].0;
    let found = house.actors.store().with_bodies(carol, vec![letter], text).await.expect("readable");
    assert_eq!(found[0].1, "Return-Path: <srs@demo.test>\r\nX-On: yes\r\nSubject: hello\r\n\r\nthe text\r\n");
    house.clean();
    fake.is("far.test", Mood::Takes);
    house.passes(HOUR).await;
    house.is_empty().await;
}

#[actix_rt::test]
async fn a_letter_that_is_held_waits_for_its_time_here_and_elsewhere() {
    let (house, fake) = house().await;
    let bob = house.account("bob@demo.test").await;
    let mut acceptance = house.leaving(&["x@a.test"]).await;
    acceptance.locals = vec![LocalRcpt::plain(bob, address("bob@demo.test"))];
    acceptance.terms.not_before = Some(house.actors.now().plus(2 * HOUR));
    house.actors.accept(acceptance).await.expect("accepted");
    house.passes(HOUR).await;
    assert_eq!((fake.seen("a.test").len(), house.sizes("bob@demo.test").await.len()), (0, 0));
    house.passes(HOUR).await;
    assert_eq!((fake.seen("a.test").len(), house.sizes("bob@demo.test").await.len()), (1, 1));
    house.is_empty().await;
}

#[actix_rt::test]
async fn an_own_letter_goes_wherever_its_recipient_is_and_is_let_go_where_nobody_is() {
    let (house, fake) = house().await;
    house.account("bob@demo.test").await;
    for to in ["bob@demo.test", "x@a.test", "nobody@demo.test"] {
        let own = OwnLetter {
            letter: house.actors.next_letter_id().expect("room"),
            mail_from: MailFrom::Null,
            to: address(to),
            octets: b"Subject: own\r\n\r\nhello\r\n".to_vec(),
            terms: MailTerms::default(),
            origin: Origin::Own,
        };
        house.actors.post(own).await.expect("on disk");
    }
    house.rests().await;
    assert_eq!(house.sizes("bob@demo.test").await, [40]);
    assert_eq!(fake.seen("a.test").len(), 1);
    house.is_empty().await;
}

#[actix_rt::test]
async fn success_is_reported_where_it_was_asked_for() {
    let (house, _) = house().await;
    let (alice, bob) = (house.account("alice@demo.test").await, house.account("bob@demo.test").await);
    let mut acceptance = house.acceptance(LETTER, &[]).await;
    acceptance.mail_from = MailFrom::Address(address("alice@demo.test"));
    let terms = notify(true, true, false);
    acceptance.locals = vec![LocalRcpt { account: bob, address: address("bob@demo.test"), terms }];
    house.actors.accept(acceptance).await.expect("accepted");
    assert_eq!(house.sizes("bob@demo.test").await.len(), 1);
    let reports = house.texts(alice).await;
    assert_eq!(reports.len(), 1);
    assert!(reports[0].starts_with("Return-Path: <>\r\n"), "{reports:?}");
    assert!(reports[0].contains("bob@demo.test: Delivered"), "{reports:?}");
    assert!(reports[0].contains("Subject: hello") && !reports[0].contains("the text"), "{reports:?}");
    house.clean();
}
