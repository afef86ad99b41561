//! Junk: what is judged to be it comes there, and what users put there or take out is told to the trainer (SPEC D5).

use std::sync::Mutex;

use postern_model::imap::SpecialUse;
use postern_model::{MailboxId, MailboxName, Uid, UidSet};

use super::*;
use crate::learn::{Kind, Lesson, Trainer};
use crate::mail::Mail;

const ALICE: &str = "alice@demo.test";
const INBOX: MailboxId = MailboxId::INBOX;
const JUNK: MailboxId = MailboxId::JUNK;

/// Lessons on their way to being looked at.
#[derive(Default)]
struct Lessons(Mutex<Vec<Lesson>>);

impl std::fmt::Debug for Lessons {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Lessons")
    }
}

impl Trainer for Lessons {
    fn learn(&self, lesson: Lesson) {
        self.0.lock().expect("unpoisoned").push(lesson);
    }
}

impl Lessons {
    /// Kinds of all lessons by now, each with its letter's octets.
    async fn taken(&self) -> Vec<(Kind, u64)> {
        let lessons = std::mem::take(&mut *self.0.lock().expect("unpoisoned"));
        let mut taken = Vec::new();
        for Lesson { account, letter, store, kind } in lessons {
            taken.push((kind, store.open_body(account, letter).await.expect("it is there").len()));
        }
        taken
    }
}

async fn house(lessons: &Arc<Lessons>) -> House {
    let trainer = Some(Arc::clone(lessons) as Arc<dyn Trainer>);
    House::with(Settings { trainer, ..Settings::for_tests() }).await
}

impl House {
    async fn send_junk(&self, text: &str, recipients: &[AccountId]) {
        let judged = Judged { junk: true, ..Judged::default() };
        let acceptance = Acceptance { judged, ..self.acceptance(text, recipients).await };
        self.actors.accept(acceptance).await.expect("accepted");
    }

    /// Letters of a folder of Alice's.
    async fn letters_in(&self, mailbox: MailboxId) -> u64 {
        let (_who, _admitted, mail) = self.reader().await;
        u64::from(mail.look(mailbox).await.expect("there").header().letters)
    }

    async fn reader(&self) -> (Listener, Admitted, Mail) {
        let who = Listener::new(self);
        let admitted = self.login(ALICE, &who, Protocol::Imap).await.expect("admitted");
        let mail = self.actors.mail(&admitted, &who.session).await.expect("there");
        (who, admitted, mail)
    }
}

fn set(uids: &[u32]) -> UidSet {
    uids.iter().copied().map(Uid).collect()
}

#[actix_rt::test]
async fn junk_comes_to_junk_and_pop3_does_not_see_it() {
    let house = House::new().await;
    let (alice, bob) = (house.account(ALICE).await, house.account("bob@demo.test").await);
    house.send_junk("junk\r\n", &[alice]).await;
    house.send_junk("for both\r\n", &[alice, bob]).await;
    house.send("good\r\n\r\n", &[alice, bob]).await.expect("accepted");
    assert_eq!((house.letters_in(JUNK).await, house.letters_in(INBOX).await), (2, 1));
    assert_eq!(house.sizes(ALICE).await, [8]);
    assert_eq!(house.sizes("bob@demo.test").await, [8]);
    house.clean();
    let house = house.restarted().await;
    assert_eq!((house.letters_in(JUNK).await, house.letters_in(INBOX).await), (2, 1));
    house.clean();
}

#[actix_rt::test]
async fn junk_follows_its_use_and_comes_to_the_inbox_where_there_is_none() {
    let house = House::new().await;
    let alice = house.account(ALICE).await;
    let name = |text| MailboxName::parse(text).expect("a name");
    let (_who, _admitted, mail) = house.reader().await;
    mail.delete(name("Junk")).await.expect("it may go");
    house.send_junk("one\r\n", &[alice]).await;
    assert_eq!(house.letters_in(INBOX).await, 1);
    let other = mail.create(name("Unwanted"), vec![SpecialUse::Junk]).await.expect("room");
    house.send_junk("two\r\n", &[alice]).await;
    assert_eq!((house.letters_in(INBOX).await, house.letters_in(other).await), (1, 1));
    house.clean();
}

#[actix_rt::test]
async fn what_comes_to_junk_is_spam_and_what_leaves_it_is_not() {
    let lessons = Arc::new(Lessons::default());
    let house = house(&lessons).await;
    let alice = house.account(ALICE).await;
    for text in ["a\r\n", "bb\r\n", "ccc\r\n"] {
        house.send(text, &[alice]).await.expect("accepted");
    }
    house.send_junk("junk\r\n", &[alice]).await;
    let (_who, _admitted, mail) = house.reader().await;
    assert_eq!(lessons.taken().await, [], "what the filter knew teaches it nothing");
    mail.move_to(INBOX, set(&[1]), JUNK).await.expect("there");
    mail.copy(INBOX, set(&[2, 3]), JUNK).await.expect("there");
    assert_eq!(lessons.taken().await, [(Kind::Spam, 3), (Kind::Spam, 4), (Kind::Spam, 5)]);
    mail.move_to(JUNK, set(&[1]), INBOX).await.expect("there");
    mail.copy(JUNK, set(&[2]), MailboxId::ARCHIVE).await.expect("there");
    assert_eq!(lessons.taken().await, [(Kind::Ham, 6), (Kind::Ham, 3)]);
    mail.move_to(JUNK, set(&[2]), MailboxId::TRASH).await.expect("there");
    mail.move_to(JUNK, set(&[3]), JUNK).await.expect("there");
    mail.move_to(INBOX, set(&[2]), MailboxId::ARCHIVE).await.expect("there");
    mail.move_to(INBOX, set(&[99]), JUNK).await.expect("nothing to do");
    assert_eq!(lessons.taken().await, []);
    house.clean();
}

#[actix_rt::test]
async fn one_command_teaches_no_more_than_others_leave_room_for() {
    let lessons = Arc::new(Lessons::default());
    let house = house(&lessons).await;
    let alice = house.account(ALICE).await;
    for _ in 0..210 {
        house.send("x\r\n", &[alice]).await.expect("accepted");
    }
    let (_who, _admitted, mail) = house.reader().await;
    mail.move_to(INBOX, (1..=210).map(Uid).collect(), JUNK).await.expect("there");
    assert_eq!(lessons.taken().await.len(), 200);
}
