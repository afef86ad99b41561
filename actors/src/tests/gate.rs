//! Gates and locks, and who is told of them.

use postern_model::record::{Actor as By, Reason};
use postern_policy::access::Change;
use postern_storage::Ring;

use super::*;
use crate::account::Deed;

#[actix_rt::test]
async fn closing_access_tells_the_sessions_and_keeps_new_ones_out() {
    let house = House::new().await;
    house.account("alice@demo.test").await;
    let (pop3, smtp) = (Listener::new(&house), Listener::new(&house));
    let _one = house.login("alice@demo.test", &pop3, Protocol::Pop3).await.expect("admitted");
    let _two = house.login("alice@demo.test", &smtp, Protocol::Smtp).await.expect("admitted");
    house.access("alice@demo.test", AccessChange::Off).await;
    let off = |protocol| Refusal::AccessOff { protocol, reason: Some(Reason::Operator), text: None };
    assert_eq!(pop3.heard().await, [Tell::Closed(off(Protocol::Pop3))]); // A2
    assert_eq!(smtp.heard().await, [Tell::Closed(off(Protocol::Smtp))]);
    let again = house.login("alice@demo.test", &pop3, Protocol::Pop3).await;
    assert_eq!(again.map(|_| ()), Err(off(Protocol::Pop3))); // A1
}

#[actix_rt::test]
async fn a_locked_account_does_not_log_in_to_send() {
    let house = House::new().await;
    house.account("alice@demo.test").await;
    let who = Listener::new(&house);
    let address = || "alice@demo.test".to_owned();
    house
        .admin(AdminRequest::LockSending { address: address(), reason: Some("spam".into()), lasts: None })
        .await;
    let refused = house.login("alice@demo.test", &who, Protocol::Smtp).await.map(|_| ());
    assert_eq!(
        refused,
        Err(Refusal::SendingLocked { reason: Reason::Terms, text: Some("spam".into()), until: None })
    ); // Q5
    house.login("alice@demo.test", &who, Protocol::Pop3).await.expect("reading goes on");
    house.admin(AdminRequest::UnlockSending { address: address() }).await;
    house.login("alice@demo.test", &who, Protocol::Smtp).await.expect("unlocked");
}

#[actix_rt::test]
async fn what_never_reached_the_disk_is_not_gone_by() {
    let house = House::new().await;
    let alice = house.account("alice@demo.test").await;
    let who = Listener::new(&house);
    // More than a record may hold: the store takes none of it.
    let text = || Some("x".repeat(5 << 20));
    let lock = Deed::Lock { text: text(), until: None };
    house.actors.perform(alice, By::Operator, None, lock).await.expect_err("too long");
    let shut = Deed::Gates { change: Change::Off, protocols: Protocol::ALL.to_vec(), text: text() };
    house.actors.perform(alice, By::Operator, None, shut).await.expect_err("too long");
    house.login("alice@demo.test", &who, Protocol::Smtp).await.expect("neither locked nor shut");
}

#[actix_rt::test]
async fn what_only_looks_waits_for_no_change() {
    let house = House::new().await;
    house.account("alice@demo.test").await;
    let change = house.actors.administration().await;
    let address = || "alice@demo.test".to_owned();
    house.admin(AdminRequest::Check).await;
    house.admin(AdminRequest::AccountList).await;
    house.admin(AdminRequest::AccountShow { address: address() }).await;
    let off = house.access("alice@demo.test", AccessChange::Off);
    let mut off = std::pin::pin!(off);
    let poll = |cx: &mut std::task::Context<'_>| std::task::Poll::Ready(off.as_mut().poll(cx).is_ready());
    assert!(!std::future::poll_fn(poll).await, "changes come one after the other");
    drop(change);
    off.await;
}

#[actix_rt::test]
async fn a10_logins_wash_no_change_away() {
    let house = House::new().await;
    let alice = house.account("alice@demo.test").await;
    let changes = || async {
        house.caught_up().await;
        house.actors.store().read(move |view| view.logged_ever(alice, Ring::Changes)).await.expect("readable")
    };
    house.actors.deliver_notices().await;
    let before = changes().await;
    let who = Listener::new(&house);
    for _ in 0..600 {
        house.login("alice@demo.test", &who, Protocol::Imap).await.expect("open");
    }
    assert_eq!(changes().await, before, "the evidence of a lock is kept longer than logins");
}

#[actix_rt::test]
async fn a10_checkpoints_tell_whether_an_event_between_them_is_missing() {
    let house = House::new().await;
    house.account("alice@demo.test").await;
    let who = Listener::new(&house);
    for n in 0..600 {
        let protocol = if n % 3 == 0 { Protocol::Pop3 } else { Protocol::Imap };
        let admitted = house.login("alice@demo.test", &who, protocol).await.expect("open");
        if protocol == Protocol::Pop3 {
            house.actors.open_maildrop(&admitted, &who.session).await.expect("free");
        }
    }
    house.caught_up().await;
    let ask = AdminRequest::AccountEvents { address: "alice@demo.test".into(), since: None };
    let answer = house.admin(ask).await;
    let (mut told, mut counted) = (Vec::new(), 0);
    for event in answer.as_array().expect("a list") {
        match event["kind"].as_str().expect("a kind") {
            "checkpoint" => told.push((event["detail"]["events"].as_u64(), Some(counted))),
            "letter" | "letter-refused" | "notice" => {}
            _ => counted += 1,
        }
    }
    assert!(told.len() >= 3 && told.iter().all(|(events, counted)| events == counted), "{told:?}");
}

#[actix_rt::test]
async fn a10_what_another_has_done_already_is_answered_when_it_is_on_disk() {
    let house = House::new().await;
    let alice = house.account("alice@demo.test").await;
    let shut = |text| Deed::Gates { change: Change::Off, protocols: Protocol::ALL.to_vec(), text };
    // More than a record may hold: the store takes none of it.
    let lost = house.actors.perform(alice, By::Operator, None, shut(Some("x".repeat(5 << 20))));
    let same = house.actors.perform(alice, By::Operator, None, shut(None));
    let (lost, same) = tokio::join!(lost, same);
    assert!(lost.is_err() && same.is_err(), "{lost:?} {same:?}: neither has shut it");
    let who = Listener::new(&house);
    house.login("alice@demo.test", &who, Protocol::Smtp).await.expect("open still");
}

#[actix_rt::test]
async fn a14_another_password_is_the_cure_and_takes_the_programs_passwords_with_it() {
    let house = House::new().await;
    let alice = house.account("alice@demo.test").await;
    let address = || "alice@demo.test".to_owned();
    let app = AdminRequest::AppPasswordAdd {
        address: address(),
        name: "phone".into(),
        protocols: vec![Protocol::Pop3],
        expires_in: None,
    };
    house.admin(app).await;
    for _ in 0..2 {
        house.admin(AdminRequest::AccountReport { address: address(), reason: None }).await;
    }
    let on = |now| AdminRequest::SetAccess {
        address: address(),
        change: AccessChange::On,
        protocols: vec![Protocol::Pop3],
        now,
        reason: None,
        as_user: false,
    };
    house.admin(AdminRequest::UnlockSending { address: address() }).await;
    let refused = house.actors.admin(on(true)).await.expect_err("the password may be known to a thief");
    assert!(refused.0.contains("set-password"), "{refused}");
    let password = Secret(Zeroizing::new("another horse".to_owned()));
    let set = house.admin(AdminRequest::SetPassword { address: address(), password }).await;
    assert_eq!(set["app_passwords_revoked"], 1);
    let opened = house.admin(on(true)).await;
    assert_eq!(opened["access"]["pop3"]["state"], "on");
    let left = house.admin(AdminRequest::AppPasswordList { address: address() }).await;
    assert_eq!(left, serde_json::json!([]), "{alice}");
}

#[actix_rt::test]
async fn a12_a_password_for_mail_programs_is_told_once_and_goes_with_the_last_gate() {
    let mut settings = Settings::for_tests();
    settings.client_password = true;
    let house = House::with(settings).await;
    let password = Some(Secret(Zeroizing::new(PASSWORD.to_owned())));
    let address = || "alice@demo.test".to_owned();
    house.admin(AdminRequest::AccountAdd { address: address(), plan: None, password }).await;
    let change = |change| AdminRequest::SetAccess {
        address: address(),
        change,
        protocols: Protocol::ALL.to_vec(),
        now: change == AccessChange::On,
        reason: None,
        as_user: false,
    };
    let told = house.admin(change(AccessChange::On)).await["client_password"].clone();
    let told = told.as_str().expect("it is told").to_owned();
    assert!(house.admin(change(AccessChange::On)).await["client_password"].is_null(), "once");
    let who = Listener::new(&house);
    let login = async |password: &str| {
        let password = Zeroizing::new(password.to_owned());
        let proof = Proof::Password { user: address(), password };
        let session = who.session.clone();
        house.actors.login(Login { proof, protocol: Protocol::Smtp, tls: true, session }).await.map(drop)
    };
    assert_eq!(login(PASSWORD).await, Err(Refusal::ClientPasswordNeeded));
    assert_eq!(login(&told).await, Ok(()));
    house.admin(change(AccessChange::Off)).await;
    house.admin(change(AccessChange::On)).await;
    assert_eq!(
        login(&told).await,
        Err(Refusal::BadCredentials { bare_name: false }),
        "void since it was off"
    );
}
