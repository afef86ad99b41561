//! `postern queue`, on a running server and on a store at rest.

use super::*;
use crate::admin::{AdminError, QueueChange, QueueFilter};

fn by_id(id: &str) -> QueueFilter {
    QueueFilter { id: Some(id.to_owned()), ..QueueFilter::default() }
}

fn to_domain(domain: &str) -> QueueFilter {
    QueueFilter { domain: Some(domain.to_owned()), ..QueueFilter::default() }
}

fn from(sender: &str) -> QueueFilter {
    QueueFilter { sender: Some(sender.to_owned()), ..QueueFilter::default() }
}

impl House {
    async fn listed(&self, filter: QueueFilter) -> Vec<serde_json::Value> {
        let list = self.admin(AdminRequest::QueueList { filter, after: None, limit: None }).await;
        list.as_array().expect("a list").clone()
    }

    async fn changes(&self, filter: QueueFilter, change: QueueChange) -> serde_json::Value {
        let done = self.admin(AdminRequest::QueueChange { filter, change, all: false }).await;
        self.rests().await;
        done
    }
}

/// Three letters that wait: two of alice's, to a.test and to both, and one of nobody's to b.test.
async fn three() -> (House, Arc<Fake>, AccountId) {
    let (house, fake) = house().await;
    let alice = house.account("alice@demo.test").await;
    fake.is("a.test", Mood::Defers);
    fake.is("b.test", Mood::Dead);
    house.leaves(&["x@a.test"]).await;
    house.leaves(&["x@a.test", "y@b.test"]).await;
    let acceptance = Acceptance { mail_from: MailFrom::Null, ..house.leaving(&["z@b.test"]).await };
    house.actors.accept(acceptance).await.expect("accepted");
    house.rests().await;
    (house, fake, alice)
}

#[actix_rt::test]
async fn what_waits_is_listed_and_shown() {
    let (house, _, _) = three().await;
    let all = house.listed(QueueFilter::default()).await;
    assert_eq!(all.len(), 4);
    assert_eq!(house.listed(to_domain("A.test")).await.len(), 2);
    assert_eq!(house.listed(from("Alice@demo.test")).await.len(), 3);
    assert_eq!(house.listed(from("<>")).await.len(), 1);
    let id = all[1]["id"].as_str().expect("an id").to_owned();
    assert_eq!(house.listed(by_id(&id)).await.len(), 2);
    let ask = |after, limit| AdminRequest::QueueList { filter: QueueFilter::default(), after, limit };
    let page = house.admin(ask(None, Some(1))).await;
    assert_eq!(page.as_array().map(Vec::len), Some(1));
    let rest = house.admin(ask(page[0]["id"].as_str().map(str::to_owned), None)).await;
    assert_eq!(rest.as_array().map(Vec::len), Some(3));
    let shown = house.admin(AdminRequest::QueueShow { id }).await;
    assert_eq!(shown["from"], "alice@demo.test");
    assert_eq!(shown["consignments"].as_array().map(Vec::len), Some(2));
    let first = &shown["consignments"][0];
    assert_eq!((&first["domain"], &first["attempts"]), (&"a.test".into(), &1.into()));
    assert_eq!(first["last"]["remote"], "mx.test [192.0.2.1]:25");
    assert_eq!((&first["last"]["code"], &first["last"]["status"]), (&451.into(), &"4.0.0".into()));
    assert_eq!(first["recipients"][0]["address"], "x@a.test");
}

#[actix_rt::test]
async fn letters_are_held_released_and_tried_at_once() {
    let (house, fake, _) = three().await;
    fake.is("a.test", Mood::Takes);
    assert_eq!(house.changes(to_domain("a.test"), QueueChange::Hold).await["changed"], 2);
    house.passes(6 * DAY).await;
    assert_eq!(house.listed(to_domain("a.test")).await[0]["state"], "held", "for ever");
    assert_eq!(house.listed(QueueFilter::default()).await.len(), 2);
    assert_eq!(house.changes(to_domain("a.test"), QueueChange::Retry).await["changed"], 0);
    let house = house.restarted().await;
    house.rests().await;
    assert_eq!(house.listed(to_domain("a.test")).await[0]["state"], "held", "also after a start");
    let before = fake.seen("a.test").len();
    house.changes(to_domain("a.test"), QueueChange::Release).await;
    assert_eq!(house.stored().await, []);
    assert_eq!(fake.seen("a.test").len(), before + 2, "they are tried, although five days are over");
    house.is_empty().await;
}

#[actix_rt::test]
async fn a_dead_domain_is_tried_again_when_the_operator_says_so() {
    let (house, fake, _) = three().await;
    let before = fake.seen("b.test").len();
    house.changes(to_domain("b.test"), QueueChange::Retry).await;
    assert!(fake.seen("b.test").len() > before);
    fake.is("b.test", Mood::Takes);
    fake.is("a.test", Mood::Takes);
    let ask =
        AdminRequest::QueueChange { filter: QueueFilter::default(), change: QueueChange::Retry, all: true };
    house.admin(ask).await;
    house.rests().await;
    house.is_empty().await;
}

#[actix_rt::test]
async fn letters_are_taken_out_with_a_word_or_without() {
    let (house, _, alice) = three().await;
    assert_eq!(house.changes(to_domain("a.test"), QueueChange::Remove).await["changed"], 2);
    assert_eq!(house.texts(alice).await.len(), 0);
    assert_eq!(house.listed(QueueFilter::default()).await.len(), 2);
    house.clean();
    assert_eq!(house.changes(from("alice@demo.test"), QueueChange::Bounce).await["changed"], 1);
    let told = house.texts(alice).await;
    assert!(told.len() == 1 && told[0].contains("y@b.test: Failed"), "{told:?}");
    assert_eq!(house.changes(from("<>"), QueueChange::Bounce).await["changed"], 1);
    house.is_empty().await;
}

#[actix_rt::test]
async fn a_command_that_names_nothing_or_nonsense_changes_nothing() {
    let (house, _, _) = three().await;
    let ask = |filter| AdminRequest::QueueChange { filter, change: QueueChange::Remove, all: false };
    for filter in [QueueFilter::default(), by_id("ffffff"), by_id("x"), to_domain("-"), from("nobody")] {
        let AdminError(text) = house.actors.admin(ask(filter.clone())).await.expect_err("refused");
        assert!(!text.is_empty(), "{filter:?}");
    }
    house.actors.admin(AdminRequest::QueueShow { id: "ffffff".into() }).await.expect_err("none");
    assert_eq!(house.listed(QueueFilter::default()).await.len(), 4);
}

#[actix_rt::test]
async fn on_a_store_at_rest_the_same_is_done_and_nothing_leaves() {
    let (house, fake, _) = three().await;
    let before = fake.set_out.load(Ordering::Relaxed);
    let House { actors, settings, clock, dir } = house;
    let store = actors.store().clone();
    actors.rest().await;
    drop(actors);
    let house = House::on(store, clock, Settings { serving: false, ..settings }, dir).await;
    assert_eq!(house.changes(to_domain("a.test"), QueueChange::Remove).await["changed"], 2);
    house.changes(to_domain("b.test"), QueueChange::Retry).await;
    assert_eq!(fake.set_out.load(Ordering::Relaxed), before);
    assert_eq!(house.consignments().await.len(), 2);
    house.clean();
}

#[actix_rt::test]
async fn an_account_that_goes_leaves_its_letters_in_the_queue() {
    let (house, fake, _) = three().await;
    house.admin(AdminRequest::AccountRemove { address: "alice@demo.test".into() }).await;
    assert_eq!(house.consignments().await.len(), 4);
    house.clean();
    fake.is("a.test", Mood::Takes);
    fake.is("b.test", Mood::Refuses);
    house.passes(DAY).await;
    house.is_empty().await;
}
