//! What becomes of letters, and what their senders are told.

use postern_model::record::{DeliverBy, Origin, Ret};

use super::*;

#[actix_rt::test]
async fn a_letter_that_can_never_be_taken_is_told_late_once_and_comes_back_after_five_days() {
    let (house, fake) = house().await;
    let alice = house.account("alice@demo.test").await;
    fake.is("a.test", Mood::Defers);
    house.leaves(&["x@a.test"]).await;
    house.passes(4 * HOUR - Duration::from_secs(1)).await;
    assert_eq!(house.texts(alice).await.len(), 0);
    house.passes(Duration::from_secs(1)).await;
    let told = house.texts(alice).await;
    assert!(told.len() == 1 && told[0].contains("x@a.test: Delayed"), "{told:?}");
    house.passes(5 * DAY - 4 * HOUR - Duration::from_secs(1)).await;
    assert_eq!(house.texts(alice).await.len(), 1);
    // 5, 10, 20, 40 minutes, 1 and 2 hours, then every 4 hours and a bit.
    let tries = fake.seen("a.test");
    assert!((32..=38).contains(&tries.len()), "{}", tries.len());
    let gaps: Vec<u64> = tries.windows(2).map(|two| two[1].at.since(two[0].at).as_secs() / 60).collect();
    assert!(gaps.is_sorted_by(|a, b| *a <= *b + 30), "{gaps:?}");
    house.passes(Duration::from_secs(1)).await;
    let told = house.texts(alice).await;
    assert!(told.len() == 2 && told[1].contains("x@a.test: Failed later"), "{told:?}");
    house.is_empty().await;
}

#[actix_rt::test]
async fn a_dead_domain_is_no_different_but_for_one_letter_speaking_for_all() {
    let (house, fake) = house().await;
    let alice = house.account("alice@demo.test").await;
    fake.is("dead.test", Mood::Dead);
    for _ in 0..10 {
        house.leaves(&["x@dead.test"]).await;
    }
    house.passes(DAY).await;
    let tries = fake.seen("dead.test").len();
    assert!((25..=32).contains(&tries), "{tries}");
    assert_eq!(house.texts(alice).await.len(), 10, "each is told late");
    house.passes(4 * DAY).await;
    house.is_empty().await;
    let told = house.texts(alice).await;
    assert_eq!(told.len(), 20);
    assert!(told.iter().all(|text| text.contains("no route")), "{told:?}");
}

#[actix_rt::test]
async fn each_recipient_has_a_fate_of_its_own_and_one_report_tells_of_them() {
    let (house, fake) = house().await;
    let alice = house.account("alice@demo.test").await;
    fake.is("a.test", Mood::Picky);
    let mut acceptance = house.leaving(&["1@a.test", "2@a.test", "3@a.test"]).await;
    acceptance.remotes[0].terms = notify(true, true, true);
    house.actors.accept(acceptance).await.expect("accepted");
    house.rests().await;
    let told = house.texts(alice).await;
    assert_eq!(told.len(), 1);
    for line in ["1@a.test: Relayed ok", "3@a.test: Failed no such user"] {
        assert!(told[0].contains(line), "{told:?}");
    }
    assert!(!told[0].contains("2@a.test"));
    let left = house.consignments().await;
    assert_eq!(left[0].recipients.len(), 1);
    assert_eq!(left[0].recipients[0].address, "2@a.test");
    assert_eq!((left[0].attempts, left[0].last.as_ref().and_then(|last| last.code)), (1, Some(451)));
    house.clean();
}

/// RFC 3461 §5.2: who asked for what, what happened, and whether anybody is told.
#[actix_rt::test]
async fn notify_is_honoured() {
    for (mood, terms, told) in [
        (Mood::Refuses, RcptTerms::default(), true),
        (Mood::Refuses, notify(false, true, false), true),
        (Mood::Refuses, notify(false, false, false), false),
        (Mood::Refuses, notify(true, false, true), false),
        (Mood::Takes, notify(true, true, true), false),
        (Mood::TakesSilently, notify(true, false, false), true),
        (Mood::TakesSilently, RcptTerms::default(), false),
    ] {
        let (house, fake) = house().await;
        let alice = house.account("alice@demo.test").await;
        fake.is("a.test", mood);
        let mut acceptance = house.leaving(&["x@a.test"]).await;
        acceptance.remotes[0].terms = terms.clone();
        house.actors.accept(acceptance).await.expect("accepted");
        house.rests().await;
        assert_eq!(house.texts(alice).await.len(), usize::from(told), "{mood:?} {terms:?}");
        house.is_empty().await;
    }
}

#[actix_rt::test]
async fn nobody_is_told_of_a_report() {
    let (house, fake) = house().await;
    house.account("alice@demo.test").await;
    fake.is("a.test", Mood::Refuses);
    fake.is("b.test", Mood::Refuses);
    // From nobody; and a report to somebody who can't be reached.
    let acceptance = Acceptance { mail_from: MailFrom::Null, ..house.leaving(&["x@a.test"]).await };
    house.actors.accept(acceptance).await.expect("accepted");
    let mail_from = MailFrom::Address(address("far@b.test"));
    let acceptance = Acceptance { mail_from, ..house.leaving(&["x@a.test"]).await };
    house.actors.accept(acceptance).await.expect("accepted");
    house.rests().await;
    assert_eq!((fake.seen("a.test").len(), fake.seen("b.test").len()), (2, 1));
    house.is_empty().await;
}

#[actix_rt::test]
async fn a_report_waits_in_the_queue_like_any_letter() {
    let (house, fake) = house().await;
    fake.is("a.test", Mood::Refuses);
    fake.is("b.test", Mood::Defers);
    let mail_from = MailFrom::Address(address("far@b.test"));
    let acceptance = Acceptance { mail_from, ..house.leaving(&["x@a.test"]).await };
    house.actors.accept(acceptance).await.expect("accepted");
    house.rests().await;
    let envelopes = house.envelopes().await;
    assert_eq!((envelopes.len(), envelopes[0].origin, &*envelopes[0].mail_from), (1, Origin::Own, ""));
    house.clean();
    house.passes(6 * DAY).await;
    house.is_empty().await;
}

#[actix_rt::test]
async fn ret_decides_how_much_of_the_letter_comes_back() {
    for (ret, whole) in [(None, false), (Some(Ret::Headers), false), (Some(Ret::Full), true)] {
        let (house, fake) = house().await;
        let alice = house.account("alice@demo.test").await;
        fake.is("a.test", Mood::Refuses);
        let mut acceptance = house.leaving(&["x@a.test"]).await;
        acceptance.terms.ret = ret;
        house.actors.accept(acceptance).await.expect("accepted");
        house.rests().await;
        let told = house.texts(alice).await;
        assert!(told[0].contains("Subject: hello\r\n"), "{told:?}");
        assert_eq!(told[0].contains("the text"), whole, "{ret:?}");
        assert_eq!(told[0].matches("Return-Path").count(), 1, "the original's stays here");
    }
}

#[actix_rt::test]
async fn deliver_by_comes_back_in_time() {
    let (house, fake) = house().await;
    let alice = house.account("alice@demo.test").await;
    fake.is("a.test", Mood::Dead);
    let mut acceptance = house.leaving(&["x@a.test"]).await;
    let at = house.actors.now().plus(Duration::from_secs(90 * 60));
    acceptance.terms.deliver_by = Some(DeliverBy { at, returns: true, trace: false });
    house.actors.accept(acceptance).await.expect("accepted");
    house.passes(Duration::from_secs(89 * 60)).await;
    assert_eq!(house.texts(alice).await.len(), 0);
    house.passes(Duration::from_secs(2 * 60)).await;
    let told = house.texts(alice).await;
    assert!(told.len() == 1 && told[0].contains("Failed"), "{told:?}");
    house.is_empty().await;
}

#[actix_rt::test]
async fn a_courier_that_panics_loses_nothing() {
    let (house, fake) = house().await;
    fake.is("a.test", Mood::Panics);
    house.leaves(&["x@a.test"]).await;
    house.rests().await;
    house.leaves(&["y@b.test"]).await;
    house.rests().await;
    assert_eq!(fake.seen("b.test").len(), 1, "others go on");
    fake.is("a.test", Mood::Takes);
    house.passes(HOUR).await;
    assert_eq!(fake.seen("a.test").len(), 2);
    house.is_empty().await;
}

#[actix_rt::test]
async fn letters_that_come_back_count_against_their_sender() {
    let (house, fake) = house().await;
    let alice = house.account("alice@demo.test").await;
    fake.is("a.test", Mood::Refuses);
    let granted = house.actors.may_send(alice, IpAddr::V4(Ipv4Addr::LOCALHOST)).await.expect("may");
    let sent = crate::order::Sent {
        account: alice,
        from: IpAddr::V4(Ipv4Addr::LOCALHOST),
        reservation: granted.reservation,
        recipients: vec![1, 2],
        body: 3,
    };
    let acceptance = house.leaving(&["x@a.test", "y@a.test"]).await;
    house.actors.accept(Acceptance { sent: Some(sent), ..acceptance }).await.expect("accepted");
    house.rests().await;
    house.caught_up().await;
    let events =
        house.admin(AdminRequest::AccountEvents { address: "alice@demo.test".into(), since: None }).await;
    let refused: Vec<_> =
        events.as_array().expect("a list").iter().filter(|event| event["kind"] == "letter-refused").collect();
    assert_eq!(refused.len(), 1, "{events}");
    assert_eq!(refused[0]["reason"], "came back");
    assert_eq!(refused[0]["detail"]["signals"]["bounce"], 2);
}
