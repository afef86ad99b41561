//! What the log holds of a connection, and what it does not (SPEC O4).

use std::io::Write;
use std::sync::{Mutex, PoisonError};

use tracing_subscriber::fmt::MakeWriter;

use super::*;

/// A log in memory.
#[derive(Clone, Default)]
struct Paper(Arc<Mutex<Vec<u8>>>);

impl Paper {
    fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap_or_else(PoisonError::into_inner)).into_owned()
    }
}

impl Write for Paper {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Paper {
    type Writer = Paper;

    fn make_writer(&'a self) -> Paper {
        self.clone()
    }
}

/// Runs a test with every level logged; returns the log.
fn logged(test: impl Future<Output = ()>) -> String {
    let paper = Paper::default();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_ansi(false)
        .with_writer(paper.clone())
        .finish();
    tracing::subscriber::with_default(subscriber, || run(test));
    paper.text()
}

#[test]
fn a_connection_is_named_with_account_and_counts_and_never_with_what_it_says() {
    let log = logged(async {
        let world = World::start(Plan::default()).await;
        let mut client = world.greeted().await;
        client.say("login alice@demo.test\r\nbody a letter with hunter2\r\necho hunter2\r\nquit\r\n").await;
        assert_eq!(client.rest().await, "welcome\r\nhunter2\r\nbye\r\n");
        drop(client);
        world.empty().await;
    });
    let line = |word: &str| log.lines().find(|line| line.contains(word)).expect(word);
    let (came, went) = (line(": connected"), line(": disconnected"));
    assert!(
        came.contains("session=1") && came.contains("service=\"toy\"") && came.contains("peer=127.0.0.1"),
        "{came}"
    );
    assert!(went.contains("account=\"alice@demo.test\"") && went.contains("received=71 sent=30"), "{went}");
    assert!(!log.contains("hunter2"), "{log}");
}

#[test]
fn a_panic_is_logged_as_the_end_of_its_connection() {
    let log = logged(async {
        let world = World::start(Plan::default()).await;
        let mut client = world.greeted().await;
        client.say("login alice@demo.test\r\npanic on purpose, in a test, with hunter2\r\n").await;
        client.rest().await;
        world.empty().await;
    });
    let end = log.lines().find(|line| line.contains("ERROR")).expect("an error");
    assert!(end.contains("has panicked") && end.contains("account=\"alice@demo.test\""), "{end}");
    assert!(!log.contains("hunter2"), "{log}");
}
