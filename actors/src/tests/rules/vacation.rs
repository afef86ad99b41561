use super::*;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const TO_ALICE: &str = "From: bob@demo.test\r\nTo: alice@demo.test\r\nMessage-ID: <1@b>\r\n\r\nx\r\n";

async fn away(house: &House, user: &str) {
    house.set(user, "vacation-text", "I am away.").await.expect("a setting");
    house.set(user, "vacation", "on").await.expect("a setting");
}

#[actix_rt::test]
async fn rfc_3834_a_correspondent_has_one_reply_in_seven_days_from_the_null_sender() {
    let house = House::new().await;
    let (alice, bob) = (house.account("alice@demo.test").await, house.account("bob@demo.test").await);
    away(&house, "alice@demo.test").await;
    let write = async || {
        let letter = house.from("bob@demo.test", TO_ALICE, alice).await;
        house.actors.accept(letter).await.expect("accepted");
        house.letters(bob).await.len()
    };
    assert_eq!(write().await, 1);
    let reply = &house.letters(bob).await[0];
    let expected =
        "Return-Path: <>\r\nFrom: alice@demo.test\r\nTo: bob@demo.test\r\nAuto-Submitted: auto-replied\r\n";
    assert!(reply.starts_with(expected) && reply.ends_with("\r\n\r\nI am away.\r\n"), "{reply}");
    assert_eq!(write().await, 1);
    house.advance(DAY * 7);
    assert_eq!(write().await, 2);
    assert_eq!(house.letters(alice).await.len(), 3, "and all letters are there");
    house.restarted().await.clean();
}

#[actix_rt::test]
async fn rfc_3834_of_two_letters_at_once_one_is_answered() {
    let house = House::new().await;
    let (alice, bob) = (house.account("alice@demo.test").await, house.account("bob@demo.test").await);
    away(&house, "alice@demo.test").await;
    let (one, other) = (
        house.from("bob@demo.test", TO_ALICE, alice).await,
        house.from("bob@demo.test", TO_ALICE, alice).await,
    );
    let (one, other) = tokio::join!(house.actors.accept(one), house.actors.accept(other));
    assert!(one.is_ok() && other.is_ok());
    assert_eq!(house.letters(bob).await.len(), 1);
}

#[actix_rt::test]
async fn rfc_3834_two_who_are_away_do_not_answer_each_other_for_ever() {
    let house = House::new().await;
    let (alice, bob) = (house.account("alice@demo.test").await, house.account("bob@demo.test").await);
    away(&house, "alice@demo.test").await;
    away(&house, "bob@demo.test").await;
    let letter = house.from("bob@demo.test", TO_ALICE, alice).await;
    house.actors.accept(letter).await.expect("accepted");
    assert_eq!((house.letters(alice).await.len(), house.letters(bob).await.len()), (1, 1));
}

#[actix_rt::test]
async fn who_is_not_named_a_machine_or_in_junk_has_no_reply() {
    let house = House::new().await;
    let (alice, bob) = (house.account("alice@demo.test").await, house.account("bob@demo.test").await);
    away(&house, "alice@demo.test").await;
    for text in
        ["To: all@x.test\r\n\r\nx\r\n", "To: alice@demo.test\r\nList-Id: <x>\r\n\r\nx\r\n", "\r\nx\r\n"]
    {
        let letter = house.from("bob@demo.test", text, alice).await;
        house.actors.accept(letter).await.expect("accepted");
    }
    let mut junk = house.from("bob@demo.test", TO_ALICE, alice).await;
    junk.judged.junk = true;
    house.actors.accept(junk).await.expect("accepted");
    assert_eq!(house.letters(bob).await.len(), 0);
    // By a detail of their own they are named.
    let letter = house.from("bob@demo.test", "To: alice+x@demo.test\r\n\r\nx\r\n", alice).await;
    house.actors.accept(letter).await.expect("accepted");
    assert_eq!(house.letters(bob).await.len(), 1);
}

#[actix_rt::test]
async fn a_vacation_is_set_by_command_shown_and_told_among_the_events() {
    let house = House::new().await;
    house.account("alice@demo.test").await;
    let set = async |name: &str, value: &str| house.set("alice@demo.test", name, value).await;
    assert!(set("vacation", "on").await.expect_err("no text").contains("vacation-text"));
    assert!(set("vacation-days", "0").await.is_err() && set("vacation-from", "soon").await.is_err());
    away(&house, "alice@demo.test").await;
    for (name, value) in [
        ("vacation-subject", "Away"),
        ("vacation-from", "2027-01-20"),
        ("vacation-until", "2027-01-31"),
        ("vacation-days", "3"),
        ("vacation-addresses", "alice@old.test"),
    ] {
        set(name, value).await.expect(name);
    }
    let house = house.restarted().await;
    let shown = house.admin(AdminRequest::AccountShow { address: "alice@demo.test".into() }).await;
    let expected = serde_json::json!({
        "on": true, "subject": "Away", "text": "I am away.", "from": "2027-01-20T00:00:00Z",
        "until": "2027-02-01T00:00:00Z", "days": 3, "addresses": ["alice@old.test"],
    });
    assert_eq!(shown["vacation"], expected);
    let events =
        house.admin(AdminRequest::AccountEvents { address: "alice@demo.test".into(), since: None }).await;
    let settings: Vec<_> =
        events.as_array().expect("a list").iter().filter(|event| event["kind"] == "setting").collect();
    assert_eq!(settings.len(), 7);
    assert_eq!(settings[1]["detail"], serde_json::json!({ "setting": "vacation", "text": "on" }));
    house.clean();
}
