//! The server on a manual clock, what a test asks of it, and the programs' homes.

use std::fs;
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use postern_model::Timestamp;
use postern_model::record::ClockReading;
use postern_storage::{Batch, Store, StoreOptions, keys};
use rustix::process::Signal;
use serde_json::{Value, json};

use super::Account;
use crate::clients::Visit;
use crate::rig::{BOB, Letter, Outcome, Random, Server, Service, patiently, with_lf};

/// A server whose clock the test turns.
pub(super) struct Stage {
    pub(super) server: Server,
    /// Where the clock stands, to the microsecond.
    now: Timestamp,
}

impl Stage {
    /// A server with SPEC's figures, the domain demo.test and bob, at `start`.
    pub(super) fn at(start: &str) -> Stage {
        let now = time(start);
        let mut server = Server::stopped(&[("POSTERN_CLOCK", "manual")]).with_policy();
        set_clock(&server, now);
        server.restart();
        server.ok(&["domain", "add", "demo.test"]);
        let stage = Stage { server, now };
        stage.add(BOB, "free");
        stage
    }

    /// Makes an account. Everything of it is off (SPEC A1).
    pub(super) fn add(&self, (address, password): Account, plan: &str) {
        let args = ["account", "add", address, "--plan", plan, "--password-stdin"];
        self.server.cli(&args, password).expect_success("account add");
    }

    /// Makes an account that may do everything, as if it had always been there.
    pub(super) fn add_open(&self, account: Account, plan: &str) {
        self.add(account, plan);
        self.server.ok(&["account", "access", account.0, "on", "--now"]);
    }

    /// The user switches access on, on the settings page.
    pub(super) fn switch_on(&self, account: Account) {
        self.server.ok(&["account", "access", account.0, "on", "--as-user"]);
    }

    /// The time.
    pub(super) fn now(&self) -> Timestamp {
        self.now
    }

    /// Turns the clock.
    pub(super) fn advance(&mut self, by: Duration) {
        self.now = self.now.plus(by);
        match by.subsec_micros() {
            0 => drop(self.server.ok(&["clock", "advance", &format!("{}s", by.as_secs())])),
            // Finer than the command line has it.
            _ => drop(self.ask(&advance_by(by))),
        }
        let shown = self.json(&["clock", "show"]);
        assert_eq!(shown["now"], self.now.rfc3339(), "the clock stands where it was turned to");
    }

    /// Turns the clock, and kills the server while it does what falls due; what it had not done is done later, each
    /// thing at its own time (SPEC A3).
    pub(super) fn advance_and_kill(&mut self, by: Duration, random: &mut Random) {
        let end = self.now.plus(by);
        let wait = Duration::from_micros(random.next() % 20_000);
        let socket = self.socket();
        thread::scope(|scope| {
            // Answered or not: the clock tells how far it came.
            scope.spawn(move || converse(&socket, &advance_by(by)));
            thread::sleep(wait);
            self.server.sigkill();
        });
        self.server.ok(&["check"]);
        self.now = stored_clock(&self.server);
        self.server.restart();
        self.advance(end.since(self.now));
    }

    /// Ends the server in order, or kills it, and starts it again.
    pub(super) fn restart(&mut self, account: Account, kill: bool) {
        if kill {
            self.settle(account);
            self.server.sigkill();
            self.server.ok(&["check"]);
        } else {
            self.server.signal(Signal::TERM);
            assert!(self.server.ended().success(), "{}", self.server.log());
        }
        self.server.restart();
    }

    /// Sees that all that has happened is on disk: when an account was used last is written within a second and not
    /// waited for, but what is written behind it is.
    pub(super) fn settle(&self, account: Account) {
        self.server.ok(&["account", "set", account.0, "language", "en"]);
    }

    /// `account show`
    pub(super) fn show(&self, account: Account) -> Value {
        self.json(&["account", "show", account.0])
    }

    /// `account events`
    pub(super) fn events(&self, account: Account) -> Vec<Value> {
        let events = self.json(&["account", "events", account.0]);
        events.as_array().expect("a list").clone()
    }

    /// Waits until no notice is on its way any more: so many are in the INBOX.
    pub(super) fn has_notices(&self, account: Account, count: usize) {
        patiently(&format!("{count} notices for {}", account.0), || {
            let events = self.events(account);
            let notices = events.iter().filter(|event| event["kind"] == "notice").count();
            assert!(notices <= count, "{notices} notices instead of {count}: {events:#?}");
            (notices == count).then_some(())
        });
    }

    fn json(&self, args: &[&str]) -> Value {
        let printed = self.server.ok(&[args, &["--json"]].concat());
        serde_json::from_str(&printed).expect("--json prints JSON")
    }

    fn socket(&self) -> PathBuf {
        self.server.data().join("control.sock")
    }

    fn ask(&self, request: &Value) -> Value {
        let answer = converse(&self.socket(), request).expect("an answer");
        answer.get("ok").unwrap_or_else(|| panic!("{request}: {answer}")).clone()
    }

    /// Runs a program, whose home is there from one run to the next.
    pub(super) fn run(
        &self,
        name: &str,
        account: Account,
        service: Service,
        program: impl Fn(&Visit<'_>) -> Outcome,
    ) -> Outcome {
        let home = self.server.scratch(&format!("{name}-{}", account.0));
        let port = self.server.address(service).port();
        program(&Visit { port, ..Visit::new(&self.server, account, &home) })
    }

    /// A file with a letter from an account.
    pub(super) fn letter(&self, account: Account) -> String {
        let file = self.server.scratch("letters").join(account.0);
        fs::write(&file, with_lf(&Letter::new(account.0, 1, 600).bytes))
            .expect("a file in a temporary directory");
        file.to_string_lossy().into_owned()
    }

    /// Takes the letters that a program has fetched since it was last asked.
    pub(super) fn fetched(&self, program: &str, account: Account) -> Vec<String> {
        let inbox = self.server.scratch(&format!("{program}-{}/inbox/new", account.0));
        let take = |entry: io::Result<fs::DirEntry>| {
            let path = entry.expect("an entry").path();
            let letter = fs::read_to_string(&path).expect("a letter");
            fs::remove_file(path).expect("one's own file");
            letter
        };
        fs::read_dir(inbox).expect("the inbox").map(take).collect()
    }
}

/// A time, as SPEC K writes it.
pub(super) fn time(text: &str) -> Timestamp {
    Timestamp::parse_rfc3339(text).expect("a time")
}

fn advance_by(by: Duration) -> Value {
    json!({ "ask": "clock-advance", "micros": by.as_micros() })
}

/// Says one request on the control socket.
fn converse(socket: &Path, request: &Value) -> io::Result<Value> {
    let mut stream = UnixStream::connect(socket)?;
    stream.write_all(format!("{request}\n").as_bytes())?;
    let mut answer = String::new();
    BufReader::new(stream).read_line(&mut answer)?;
    Ok(serde_json::from_str(&answer)?)
}

/// Where the clock of a server that does not run will go on.
fn stored_clock(server: &Server) -> Timestamp {
    on_store(server, async |store| {
        let stood = store.get(keys::clock()).await.expect("the store is readable");
        stood.expect("the clock was set").0
    })
}

fn set_clock(server: &Server, at: Timestamp) {
    on_store(server, async |store| {
        let mut batch = Batch::new();
        batch.put(&keys::clock(), &ClockReading(at));
        store.commit(batch).await.expect("room for a record");
    });
}

/// Does something with the store of a server that does not run.
fn on_store<T>(server: &Server, work: impl AsyncFnOnce(&Store) -> T) -> T {
    let runtime = actix_rt::Runtime::new().expect("a runtime");
    let store =
        Store::open(StoreOptions::new(server.data()), Timestamp::from_seconds(0)).expect("the store opens");
    let done = runtime.block_on(work(&store));
    store.close().expect("the store closes");
    done
}
