use super::*;

#[actix_rt::test]
async fn d6_an_address_is_found_as_it_is_then_without_its_detail_then_by_catch_all() {
    let house = House::new().await;
    let (alice, bob) = (house.account("alice@demo.test").await, house.account("bob@demo.test").await);
    let found = async |text: &str| house.actors.find_recipient(&address(text)).await;
    assert_eq!(found("alice+news@demo.test").await, Ok(alice));
    assert_eq!(found("ALICE+a+b@demo.test").await, Ok(alice));
    assert_eq!(found("carol+news@demo.test").await, Err(Refusal::NoSuchMailbox));
    let catch_all = async |value: &str| {
        let (domain, name, value) = ("demo.test".to_owned(), "catch-all".to_owned(), value.to_owned());
        house.actors.admin(AdminRequest::DomainSet { domain, name, value }).await
    };
    catch_all("bob@demo.test").await.expect("an account");
    assert_eq!(found("carol+news@demo.test").await, Ok(bob));
    assert_eq!(found("alice+news@demo.test").await, Ok(alice));
    let (address, alias) = ("bob@demo.test".to_owned(), "alice+news@demo.test".to_owned());
    house.admin(AdminRequest::AliasAdd { address, alias }).await;
    assert_eq!(found("alice+news@demo.test").await, Ok(bob), "as it is");
    assert_eq!(found("alice+other@demo.test").await, Ok(alice));
    house.set("alice@demo.test", "detail", "off").await.expect("a setting");
    assert_eq!(found("alice+other@demo.test").await, Ok(bob));
    catch_all("off").await.expect("a setting");
    assert_eq!(found("alice+other@demo.test").await, Err(Refusal::NoSuchMailbox));
    assert!(catch_all("nobody@demo.test").await.is_err());
    house.clean();
}

#[actix_rt::test]
async fn d6_a_catch_all_is_known_after_a_restart_and_goes_with_its_account() {
    let house = House::new().await;
    let bob = house.account("bob@demo.test").await;
    let (domain, name, value) = ("demo.test".into(), "catch-all".into(), "bob@demo.test".into());
    house.admin(AdminRequest::DomainSet { domain, name, value }).await;
    let house = house.restarted().await;
    assert_eq!(house.actors.find_recipient(&address("x@demo.test")).await, Ok(bob));
    house.admin(AdminRequest::AccountRemove { address: "bob@demo.test".into() }).await;
    assert_eq!(house.actors.find_recipient(&address("x@demo.test")).await, Err(Refusal::NoSuchMailbox));
    house.clean();
}

#[actix_rt::test]
async fn i5_a_user_may_send_from_an_address_with_a_detail_and_not_from_what_they_catch() {
    let house = House::new().await;
    let bob = house.account("bob@demo.test").await;
    let (domain, name, value) = ("demo.test".into(), "catch-all".into(), "bob@demo.test".into());
    house.admin(AdminRequest::DomainSet { domain, name, value }).await;
    assert_eq!(house.actors.owns(bob, &address("bob+news@demo.test")).await, Ok(true));
    assert_eq!(house.actors.owns(bob, &address("anybody@demo.test")).await, Ok(false));
}

#[actix_rt::test]
async fn a_detail_is_behind_the_sign_that_is_set_or_behind_none() {
    for (sign, text, is_found) in [
        (Some('-'), "alice-news@demo.test", true),
        (Some('-'), "alice+news@demo.test", false),
        (None, "alice+news@demo.test", false),
    ] {
        let house = House::with(Settings { detail_separator: sign, ..Settings::for_tests() }).await;
        house.account("alice@demo.test").await;
        assert_eq!(house.actors.find_recipient(&address(text)).await.is_ok(), is_found, "{sign:?} {text}");
    }
}
