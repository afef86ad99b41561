//! What an account's folders are called, and how much may be in them.

use postern_policy::names;
use postern_storage::keys;

use super::*;

#[actix_rt::test]
async fn folders_keep_their_names_when_the_account_changes_its_language() {
    let house = House::new().await;
    let id = house.account("alice@demo.test").await;
    let account = house.actors.store().get(keys::account(id)).await.expect("readable").expect("an account");
    let stored = async || house.actors.store().get(keys::folders(id)).await.expect("readable");
    let speak = async |language: &str| {
        let (address, name) = ("alice@demo.test".to_owned(), "language".to_owned());
        house.admin(AdminRequest::Set { address, name, value: language.to_owned() }).await
    };
    speak("en").await;
    assert_eq!(stored().await, None, "it spoke that already");
    speak("lv").await;
    let english = names::on_paper("en", account.created);
    assert_eq!(stored().await, Some(english.clone()));
    speak("ru").await;
    assert_eq!(stored().await, Some(english), "programs know them by these names");
    let account = house.actors.store().get(keys::account(id)).await.expect("readable").expect("an account");
    assert_eq!(account.language, "ru");
}

#[actix_rt::test]
async fn an_account_is_shown_with_what_its_plan_lets_it_store() {
    let mut settings = Settings::for_tests();
    settings.plans.get_mut("plus").expect("a plan").storage = None;
    let house = House::with(settings).await;
    house.account("alice@demo.test").await;
    let address = || "alice@demo.test".to_owned();
    let limit = async || {
        let shown = house.admin(AdminRequest::AccountShow { address: address() }).await;
        shown["storage"]["limit"].clone()
    };
    assert_eq!(limit().await, 1 << 30);
    house.admin(AdminRequest::SetPlan { address: address(), plan: "plus".into() }).await;
    assert_eq!(limit().await, serde_json::Value::Null, "it is without limit");
}
