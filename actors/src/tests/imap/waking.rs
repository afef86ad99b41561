//! Who is told that something has happened.

use super::*;

#[actix_rt::test]
async fn an_idle_session_is_woken_once_until_it_looks() {
    let house = House::new().await;
    let alice = house.account(ALICE).await;
    let imap = house.imap().await;
    let opened = imap.open(INBOX).await;
    imap.wants(Wants::Selected);
    assert_eq!(imap.who.heard().await, []);
    for _ in 0..3 {
        house.send("x\r\n", &[alice]).await.expect("accepted");
    }
    assert_eq!(imap.who.heard().await, [Tell::News]);
    assert!(imap.highest_mod_seq() > opened.header().highest_mod_seq);
    assert_eq!(imap.uids(INBOX).await, "1:3");
    house.send("x\r\n", &[alice]).await.expect("accepted");
    assert_eq!(imap.who.heard().await, [Tell::News]);
}

#[actix_rt::test]
async fn what_happened_before_idle_wakes_at_once_and_nothing_else_does() {
    let house = House::new().await;
    let alice = house.account(ALICE).await;
    let imap = house.imap().await;
    imap.open(MailboxId::SENT).await;
    house.send("x\r\n", &[alice]).await.expect("accepted");
    imap.wants(Wants::Selected);
    assert_eq!(imap.who.heard().await, [], "it came to another folder");
    imap.wants(Wants::Anything);
    assert_eq!(imap.who.heard().await, [Tell::News]);
    imap.wants(Wants::Nothing);
    let other = house.imap().await;
    other.put(&house, MailboxId::SENT, "y\r\n").await;
    assert_eq!(imap.who.heard().await, []);
    assert_eq!(imap.uids(MailboxId::SENT).await, "1");
    imap.standings(vec![INBOX]).await.expect("readable");
    imap.wants(Wants::Anything);
    assert_eq!(imap.who.heard().await, [], "it has looked");
    other.create(name("new"), Vec::new()).await.expect("made");
    assert_eq!(imap.who.heard().await, [Tell::News]);
}

#[actix_rt::test]
async fn a_deleted_folder_wakes_who_has_it_selected() {
    let house = House::new().await;
    house.account(ALICE).await;
    let (imap, other) = (house.imap().await, house.imap().await);
    let folder = other.create(name("new"), Vec::new()).await.expect("made");
    imap.open(folder).await;
    imap.wants(Wants::Selected);
    other.delete(name("new")).await.expect("deleted");
    assert_eq!(imap.who.heard().await, [Tell::News]);
    assert_eq!(imap.look(folder).await.map(|_| ()), Err(Refusal::NoSuchFolder));
}
