use postern_policy::Unwanted;

use super::*;

#[actix_rt::test]
async fn d6_a_blocked_sender_is_refused_and_a_blocked_author_goes_to_junk() {
    let house = House::new().await;
    let (alice, bob) = (house.account("alice@demo.test").await, house.account("bob@demo.test").await);
    house.set("alice@demo.test", "block", "eve@x.test,@spam.test").await.expect("a setting");
    let takes = async |from: &str| house.actors.takes_from(alice, &MailFrom::Address(address(from))).await;
    let blocked = Err(Refusal::Unwanted { why: Unwanted::Blocked, permanent: true, text: None });
    assert_eq!(takes("Eve@X.test").await, blocked);
    assert_eq!(takes("any@mail.spam.test").await, blocked);
    assert_eq!(takes("bob@x.test").await, Ok(()));
    assert_eq!(house.actors.takes_from(alice, &MailFrom::Null).await, Ok(()));
    assert_eq!(house.actors.takes_from(bob, &MailFrom::Address(address("eve@x.test"))).await, Ok(()));
    house.send("From: Eve <eve@x.test>\r\n\r\nx\r\n", &[alice, bob]).await.expect("accepted");
    assert_eq!((house.letters(alice).await.len(), house.letters(bob).await.len()), (0, 1));
    let junk = keys::blocks_of(alice, MailboxId::JUNK);
    let junk = house.actors.store().read(move |view| view.scan(&junk, 2)).await.expect("readable");
    assert_eq!(junk[0].1.entries.len(), 1);
    house.set("alice@demo.test", "unblock", "eve@x.test").await.expect("a setting");
    assert_eq!(takes("eve@x.test").await, Ok(()));
    let shown = house.admin(AdminRequest::AccountShow { address: "alice@demo.test".into() }).await;
    assert_eq!(shown["blocked"], serde_json::json!(["@spam.test"]));
    house.clean();
}
