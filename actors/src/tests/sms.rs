//! SMS alerts: of what the user chose, once, so many an hour, again where the gateway fails (SPEC D7).

use std::collections::VecDeque;
use std::sync::Mutex;

use crate::courier::Local;
use crate::sms::{Texter, TexterError};

use super::*;

const ALICE: &str = "alice@demo.test";
const NUMBER: &str = "+37120000000";

/// A gateway that fails as often as it is told, and remembers what it took.
#[derive(Debug, Default)]
struct Phone {
    taken: Mutex<Vec<String>>,
    failures: Mutex<VecDeque<TexterError>>,
}

impl Phone {
    fn taken(&self) -> usize {
        self.taken.lock().expect("unpoisoned").len()
    }
}

impl Texter for Phone {
    fn send<'a>(&'a self, number: &'a str, text: &'a str) -> Local<'a, Result<(), TexterError>> {
        assert_eq!(number, NUMBER);
        Box::pin(async move {
            if let Some(error) = self.failures.lock().expect("unpoisoned").pop_front() {
                return Err(error);
            }
            self.taken.lock().expect("unpoisoned").push(text.to_owned());
            Ok(())
        })
    }
}

async fn house() -> (House, Arc<Phone>) {
    let phone = Arc::new(Phone::default());
    let texter: Option<Arc<dyn Texter>> = Some(phone.clone());
    (House::with(Settings { texter, ..Settings::for_tests() }).await, phone)
}

impl House {
    async fn wish(&self, name: &str, value: &str) {
        let (address, name, value) = (ALICE.to_owned(), name.to_owned(), value.to_owned());
        self.admin(AdminRequest::Set { address, name, value }).await;
    }

    async fn letter(&self, id: AccountId, subject: &str) {
        self.send(&format!("From: Bob <bob@b.test>\r\nSubject: {subject}\r\n\r\nx\r\n"), &[id])
            .await
            .expect("there is room");
    }

    async fn alerts(&self) {
        self.actors.send_alerts().await.expect("readable");
    }
}

#[actix_rt::test]
async fn d7_letters_are_told_of_once_and_so_many_an_hour() {
    let (house, phone) = house().await;
    let alice = house.account(ALICE).await;
    house.letter(alice, "before").await;
    house.wish("sms", "+371 2000-0000").await;
    house.wish("sms-letters", "on").await;
    house.letter(alice, "Lunch?").await;
    let house = house.restarted().await;
    house.alerts().await;
    house.alerts().await;
    assert_eq!(*phone.taken.lock().expect("unpoisoned"), ["New letter from bob@b.test: Lunch?"]);
    for n in 0..10 {
        house.letter(alice, &n.to_string()).await;
        house.alerts().await;
    }
    assert_eq!(phone.taken(), 5, "five an hour");
    house.clock.advance(Duration::from_secs(3_601));
    house.letter(alice, "later").await;
    house.alerts().await;
    assert_eq!(phone.taken(), 6);
    house.wish("sms", "off").await;
    house.letter(alice, "never").await;
    house.alerts().await;
    assert_eq!(phone.taken(), 6);
}

#[actix_rt::test]
async fn d7_a_gateway_that_fails_is_tried_again_and_one_that_refuses_is_not() {
    let (house, phone) = house().await;
    let alice = house.account(ALICE).await;
    house.wish("sms", NUMBER).await;
    house.wish("sms-letters", "on").await;
    let error = |permanent| TexterError { permanent, retry_after: None, said: "no".to_owned() };
    phone.failures.lock().expect("unpoisoned").push_back(error(false));
    house.letter(alice, "one").await;
    house.alerts().await;
    house.alerts().await;
    assert_eq!(phone.taken(), 0, "it is not yet due again");
    house.clock.advance(Duration::from_secs(60));
    house.alerts().await;
    assert_eq!(phone.taken(), 1);
    phone.failures.lock().expect("unpoisoned").push_back(error(true));
    house.letter(alice, "two").await;
    house.alerts().await;
    house.clock.advance(Duration::from_secs(86_400));
    house.alerts().await;
    assert_eq!(phone.taken(), 1);
}

#[actix_rt::test]
async fn d7_notices_are_told_of_and_a_number_is_checked() {
    let (house, phone) = house().await;
    house.account(ALICE).await;
    for wrong in ["", "20000000", "+12", "+371x0000000", "+1234567890123456"] {
        let (address, name, value) = (ALICE.to_owned(), "sms".to_owned(), wrong.to_owned());
        assert!(house.actors.admin(AdminRequest::Set { address, name, value }).await.is_err(), "{wrong}");
    }
    house.wish("sms", NUMBER).await;
    house.access(ALICE, AccessChange::Block).await;
    house.actors.notices_delivered().await;
    house.alerts().await;
    assert_eq!(phone.taken(), 1, "notices are told of unless the user wants none");
}
