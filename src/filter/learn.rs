//! rspamd learns what users take for spam: letters that they move to Junk or out of it go to its controller
//! (`/learnspam`, `/learnham`), one at a time behind the users' backs.
//!
//! A lesson that finds the controller out of reach is tried again a few times; then it is dropped, as are those that come
//! while a thousand wait. Nothing is lost by that but a lesson.

use std::future::Future;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use postern_actors::admin::Secret;
use postern_actors::learn::{Kind, Lesson, Trainer};
use postern_storage::StoreError;
use reqwest::header::HeaderMap;
use tokio::sync::mpsc;

use super::failure::Failure;
use super::place::Url;
use super::rspamd::{broken, http, password};

/// Lessons that may wait.
const WAITING_MOST: usize = 1_000;
/// Before a lesson is tried again.
const AGAIN: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(10)];
/// Between lessons that are told to be dropped in the log.
const TOLD_EVERY: u64 = 1_000;

/// Hands lessons on.
#[derive(Debug)]
pub(super) struct Learner {
    lessons: mpsc::Sender<Lesson>,
    dropped: AtomicU64,
}

/// rspamd's controller.
struct School {
    client: reqwest::Client,
    place: Url,
    fixed: HeaderMap,
    again: [Duration; 2],
}

impl Learner {
    /// A learner, and its work, which ends with it.
    pub(super) fn new(
        place: &Url,
        secret: Option<&Secret>,
        timeout: Duration,
    ) -> Result<(Learner, impl Future<Output = ()> + 'static), String> {
        Learner::patient(place, secret, timeout, AGAIN)
    }

    pub(super) fn patient(
        place: &Url,
        secret: Option<&Secret>,
        timeout: Duration,
        again: [Duration; 2],
    ) -> Result<(Learner, impl Future<Output = ()> + 'static), String> {
        let school = School { client: http(timeout)?, place: place.clone(), fixed: password(secret)?, again };
        let (lessons, waiting) = mpsc::channel(WAITING_MOST);
        Ok((Learner { lessons, dropped: AtomicU64::new(0) }, school.open(waiting)))
    }

    #[cfg(test)]
    pub(super) fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }
}

impl Trainer for Learner {
    fn learn(&self, lesson: Lesson) {
        if self.lessons.try_send(lesson).is_err() {
            let dropped = self.dropped.fetch_add(1, Ordering::Relaxed) + 1;
            if dropped % TOLD_EVERY == 1 {
                tracing::warn!(dropped, "more lessons for the spam filter than it learns");
            }
        }
    }
}

impl School {
    async fn open(self, mut waiting: mpsc::Receiver<Lesson>) {
        while let Some(lesson) = waiting.recv().await {
            self.teach(&lesson).await;
        }
    }

    async fn teach(&self, lesson: &Lesson) {
        let body = match body(lesson).await {
            Ok(body) => body,
            // It was expunged meanwhile, or the server goes down.
            Err(StoreError::NotFound | StoreError::Closed) => return,
            Err(error) => {
                tracing::warn!(account = %lesson.account, letter = %lesson.letter, %error, "a lesson can't be read");
                return;
            }
        };
        let mut pauses = self.again.iter();
        loop {
            let Err(failure) = self.post(lesson.kind, body.clone()).await else { return };
            match pauses.next() {
                Some(pause) if !matches!(failure, Failure::Garbage(_)) => tokio::time::sleep(*pause).await,
                _ => {
                    let kind = lesson.kind;
                    tracing::warn!(letter = %lesson.letter, ?kind, reason = %failure, "a lesson is not learned");
                    return;
                }
            }
        }
    }

    /// Posts a letter. Where it is known already (208), that is as good.
    async fn post(&self, kind: Kind, body: Vec<u8>) -> Result<(), Failure> {
        let path = match kind {
            Kind::Spam => "learnspam",
            Kind::Ham => "learnham",
        };
        let request = self.client.post(self.place.at(path)).headers(self.fixed.clone()).body(body);
        let status = request.send().await.map_err(broken)?.status();
        match status.as_u16() {
            _ if status.is_success() => Ok(()),
            code if status.is_server_error() => {
                Err(std::io::Error::other(format!("HTTP status {code}")).into())
            }
            code => Err(Failure::garbage(format!("HTTP status {code}"))),
        }
    }
}

/// The letter's octets: as many as a letter may have, one letter at a time.
async fn body(lesson: &Lesson) -> Result<Vec<u8>, StoreError> {
    let mut reader = lesson.store.open_body(lesson.account, lesson.letter).await?;
    let mut body = Vec::new();
    while let Some(chunk) = reader.chunk().await? {
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}
