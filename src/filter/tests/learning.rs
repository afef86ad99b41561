//! Lessons on their way to rspamd's controller.

use std::sync::Arc;

use postern_actors::learn::{Kind, Lesson, Trainer};
use postern_model::MailboxId;
use postern_storage::{Batch, EngineKind, SealedBody, Store, StoreOptions};

use super::servers::{Http, json, status};
use super::*;
use crate::filter::learn::Learner;

fn store(dir: &tempfile::TempDir) -> Store {
    let options = StoreOptions { engine: EngineKind::Memory, ..StoreOptions::new(dir.path()) };
    Store::open(options, visit().at).expect("a store")
}

async fn lesson(store: &Store, text: &str, kind: Kind) -> Lesson {
    let (account, letter) = (AccountId(1), store.next_letter_id());
    let mut batch = Batch::new();
    let body = SealedBody::from_vec(text.as_bytes().to_vec());
    batch.append_body(&[account], letter, MailboxId::INBOX, visit().at, body);
    store.commit(batch).await.expect("room");
    Lesson { account, letter, store: store.clone(), kind }
}

/// Has a controller of these answers taught these lessons; returns what it heard.
async fn taught(answers: Vec<Vec<u8>>, lessons: Vec<Lesson>) -> Vec<(String, String)> {
    let http = Http::new(answers).await;
    let place = http.url.parse().expect("a place");
    let (learner, work) =
        Learner::patient(&place, None, PATIENT, [Duration::ZERO; 2]).expect("it can be asked");
    lessons.into_iter().for_each(|lesson| learner.learn(lesson));
    drop(learner);
    work.await;
    let line = |head: &str| head.lines().next().unwrap_or_default().to_owned();
    http.heard()
        .into_iter()
        .map(|(head, body)| (line(&head), String::from_utf8(body).expect("text")))
        .collect()
}

fn heard(path: &str, body: &str) -> (String, String) {
    (format!("POST /{path} HTTP/1.1"), body.to_owned())
}

#[actix_rt::test]
async fn letters_are_learned_in_their_order_and_what_is_gone_is_passed_over() {
    let dir = tempfile::tempdir().expect("a directory");
    let store = store(&dir);
    let gone = Lesson { letter: LetterId(0xdead), ..lesson(&store, "gone\r\n", Kind::Ham).await };
    let lessons =
        vec![lesson(&store, "bad\r\n", Kind::Spam).await, gone, lesson(&store, "good\r\n", Kind::Ham).await];
    let known = status(208, r#"{"error":"known already"}"#);
    let learned = taught(vec![json("{}"), known], lessons).await;
    assert_eq!(learned, [heard("learnspam", "bad\r\n"), heard("learnham", "good\r\n")]);
}

#[actix_rt::test]
async fn a_lesson_is_tried_again_where_that_may_help() {
    let dir = tempfile::tempdir().expect("a directory");
    let store = store(&dir);
    let lessons = || async { vec![lesson(&store, "bad\r\n", Kind::Spam).await] };
    let once = heard("learnspam", "bad\r\n");
    let failing = taught(vec![status(500, ""), Vec::new(), json("{}")], lessons().await).await;
    assert_eq!(failing, [once.clone(), once.clone(), once.clone()]);
    assert_eq!(taught(vec![status(503, "")], lessons().await).await.len(), 3, "not for ever");
    assert_eq!(taught(vec![status(403, "")], lessons().await).await, [once], "a wrong password stays wrong");
}

#[actix_rt::test]
async fn more_lessons_than_may_wait_are_dropped_and_counted() {
    let dir = tempfile::tempdir().expect("a directory");
    let store = store(&dir);
    let one = lesson(&store, "bad\r\n", Kind::Spam).await;
    let place = "http://127.0.0.1:1".parse().expect("a place");
    let (learner, work) = Learner::new(&place, None, PATIENT).expect("it can be asked");
    let learner: Arc<Learner> = Arc::new(learner);
    (0..1_010).for_each(|_| learner.learn(one.clone()));
    assert_eq!(learner.dropped(), 10);
    drop(work);
}
