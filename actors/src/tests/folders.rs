//! What an account's folders are called.

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
