use std::fs;

use serde_json::{Value, json};

use super::read::{Log, read};
use super::report::Report;
use super::*;
use crate::cli::tests::{Outcome as Run, command};

fn replay(record: &str, arguments: &str) -> Run {
    let file = tempfile::NamedTempFile::new().expect("a file");
    fs::write(file.path(), record).expect("written");
    let line = format!("postern policy replay --log {}{arguments}", file.path().display());
    let run = command(&line, "", &[], |_| Ok(Value::Null));
    assert!(run.asked.is_empty(), "no server is asked");
    run
}

fn taken(record: &str) -> Log {
    read(record.as_bytes()).expect("a good record")
}

fn refused(record: &str) -> Vec<String> {
    let bad = read(record.as_bytes()).expect_err("a bad record");
    bad.lines(Path::new("log")).lines().map(str::to_owned).collect()
}

/// Twenty letters, one every two minutes.
fn letters() -> String {
    let lines: String =
        (0..20).map(|n| format!("2026-03-01T10:{:02}:00Z,Alice@Demo.test,smtp,letter\n", 2 * n)).collect();
    format!("time,address,protocol,action\n{lines}\n2026-03-01T10:00:00Z,bob@demo.test,,login\n")
}

#[test]
fn other_figures_stand_beside_todays() {
    let run = replay(&letters(), " --set PLAN_FREE_SENDS_PER_HOUR=10");
    assert_eq!((run.status, run.stderr.as_str()), (0, ""));
    assert_eq!(
        run.stdout,
        "\
alice@demo.test                     TODAY                                                  PROPOSED
  logins let in                     0                                                      0
  letters accepted                  15                                                     10
  letter refused: limit of an hour  5, 2026-03-01 10:30:00 UTC to 2026-03-01 10:38:00 UTC  10, 2026-03-01 10:20:00 UTC to 2026-03-01 10:38:00 UTC

21 events; nothing refused, locked or closed: 1 of 2 accounts
"
    );
}

#[test]
fn json_is_the_same_as_one_document() {
    let run = replay(&letters(), " --set POSTERN_PLAN_FREE_SENDS_PER_HOUR=10 --json");
    let document: Value = serde_json::from_str(&run.stdout).expect("one document");
    assert_eq!((&document["events"], &document["unconcerned"]), (&json!(21), &json!(1)));
    let alice = &document["accounts"][0];
    assert_eq!(alice["address"], "alice@demo.test");
    assert_eq!(
        alice["today"]["refused"],
        json!([{
            "what": "letter", "protocol": null, "reason": "limit of an hour", "count": 5,
            "first": "2026-03-01T10:30:00Z", "last": "2026-03-01T10:38:00Z",
        }])
    );
    assert_eq!(alice["proposed"]["letters"], 10);
    let today = replay(&letters(), " --json");
    let document: Value = serde_json::from_str(&today.stdout).expect("one document");
    assert_eq!(document["accounts"][0]["proposed"], Value::Null, "nothing was proposed");
}

#[test]
fn what_is_closed_and_locked_is_told_with_its_reason() {
    let record = "2026-01-01T10:00:00Z,a@b.test,pop3,on-now
        2026-01-01T11:00:00Z,a@b.test,,fetch
        2026-01-02T11:00:00Z,c@b.test,,report
        2026-01-02T11:01:00Z,c@b.test,,report
        2026-04-01T11:00:00Z,a@b.test,pop3,login";
    let run = replay(record, " --set POP3_IDLE_LIMIT=off --set ABUSE_WEIGHTS=report=0");
    for line in [
        "pop3 login refused: off          1, 2026-04-01 11:00:00 UTC  -",
        "pop3 closed: not used for two months  2026-03-01 11:00:00 UTC  -",
        "sending locked: suspected theft",
    ] {
        let squeezed = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(squeezed(&run.stdout).contains(&squeezed(line)), "{line}\n{}", run.stdout);
    }
}

#[test]
fn every_malformed_line_is_named_and_nothing_is_played() {
    let record = "2026-03-01T10:00:00Z,a@b.test,smtp,letter
        yesterday,a@b.test,smtp,letter
        2026-03-01T10:00:00Z,nobody,smtp,letter
        2026-03-01T10:00:00Z,a@b.test,nntp,login

        2026-03-01T10:00:00Z,a@b.test,smtp,fly
        2026-03-01T10:00:00Z,a@b.test,pop3,letter
        2026-03-01T10:00:00Z,a@b.test,smtp,password
        2026-03-01T10:00:00Z,a@b.test,letter
        time,address,protocol,action";
    let lines = refused(record);
    for (line, start) in lines.iter().zip([
        "log: line 2: \"yesterday\" is not a time; write one like 2026-03-01T10:00:00Z",
        "log: line 3: \"nobody\" is no address",
        "log: line 4: \"nntp\" is not pop3, imap or smtp",
        "log: line 6: \"fly\" is no action; there are login, fetch, letter,",
        "log: line 7: letter is of smtp, not of pop3",
        "log: line 8: password is of no protocol",
        "log: line 9: 3 fields instead of time,address,protocol,action",
        "log: line 10: \"time\" is not a time",
        "nothing was played",
    ]) {
        assert!(line.starts_with(start), "{line}");
    }
    assert_eq!(lines.len(), 9);
    let run = replay(record, "");
    assert_eq!((run.status, run.stdout.as_str()), (1, ""));
}

#[test]
fn a_wrong_file_is_not_read_to_its_end() {
    let lines = refused(&"nonsense\n".repeat(1000));
    assert_eq!((lines.len(), lines[20].as_str()), (22, "there may be more"));
    assert!(refused(&"x".repeat(10_000))[0].starts_with("log: line 1: it is longer than 4096 octets"));
    let binary = read(&b"\xff\xfe\n"[..]).expect_err("no text").lines(Path::new("log"));
    assert!(binary.starts_with("log: line 1: it is not UTF-8"), "{binary}");
    assert_eq!(replay("", "").stdout, "0 events; nothing refused, locked or closed: 0 of 0 accounts\n");
    let gone = command("postern policy replay --log /nowhere/at/all", "", &[], |_| Ok(Value::Null));
    assert!(gone.status == 1 && gone.stderr.contains("/nowhere/at/all: it can't be read"), "{gone:?}");
}

#[test]
fn figures_to_try_are_read_like_the_environment() {
    for (set, status, said) in [
        (
            "PLAN_FREE_SENDS_PER_HOUR=many",
            1,
            "POSTERN_PLAN_FREE_SENDS_PER_HOUR=many: it is not a whole number",
        ),
        ("PLAN_FREE_SENDS_PER_HUOR=5", 1, "did you mean POSTERN_PLAN_FREE_SENDS_PER_HOUR?"),
        ("WARN_BEFORE=90d", 1, "it is not shorter than POSTERN_POP3_IDLE_LIMIT"),
        ("WARN_BEFORE", 2, "is not NAME=VALUE"),
        ("LOG=debug", 2, "it changes nothing in a replay"),
        ("POSTERN_BRAKE_ACCOUNTS=5", 2, "it changes nothing in a replay"),
    ] {
        let run = replay(&letters(), &format!(" --set {set}"));
        assert_eq!((run.status, run.stdout.as_str()), (status, ""), "{set}");
        assert!(run.stderr.contains(said), "{set}: {}", run.stderr);
    }
}

/// As `account events --json` prints it.
fn events() -> Value {
    let gate = |state| {
        json!({"state": state, "since": "2026-01-01T00:00:00Z", "opens_at": null, "closes_at": null,
            "reason": null, "text": null, "by": "user"})
    };
    let event = |at: &str, kind, protocol: Value, by, reason: Value, detail: Value| {
        json!({"at": at, "kind": kind, "protocol": protocol, "by": by, "reason": reason, "from": "192.0.2.1",
            "detail": detail})
    };
    let none = || Value::Null;
    let checkpoint = json!({"status": "active", "plan": "plus", "created": "2026-01-01T00:00:00Z",
        "access": {"pop3": gate("on"), "imap": gate("off"), "smtp": gate("blocked")},
        "sending": {"locked": true, "since": "2026-03-01T00:00:00Z", "by": "abuse", "reason": "suspected theft",
            "until": "2026-03-02T00:00:00Z", "text": null, "evidence": []},
        "last": {"login": "2026-02-28T00:00:00Z", "pop3": "2026-02-28T00:00:00Z", "web": null}});
    json!([
        event("2026-03-01T10:00:00Z", "checkpoint", none(), "timer", none(), checkpoint),
        event("2026-03-01T10:00:00Z", "login", json!("pop3"), "user", none(), none()),
        event("2026-03-01T10:01:00Z", "login-refused", json!("pop3"), "user", json!("too soon"), none()),
        event(
            "2026-03-01T10:02:00Z",
            "letter",
            json!("smtp"),
            "user",
            none(),
            json!({"letter": "1", "recipients": 2, "signals": {"new-recipient": 2}})
        ),
        event(
            "2026-03-01T10:03:00Z",
            "letter-refused",
            json!("smtp"),
            "user",
            json!("limit of an hour"),
            json!({"signals": {"pushing": 1}})
        ),
        event(
            "2026-03-01T10:04:00Z",
            "letter-refused",
            json!("smtp"),
            "user",
            json!("unknown recipient"),
            json!({"signals": {"unknown-recipient": 3}})
        ),
        event(
            "2026-03-01T10:05:00Z",
            "access-requested",
            json!("imap"),
            "user",
            none(),
            json!({"opens_at": "2026-03-01T10:20:00Z"})
        ),
        event("2026-03-01T10:20:00Z", "access-opened", json!("imap"), "timer", none(), none()),
        event(
            "2026-03-01T10:21:00Z",
            "access-closed",
            json!("imap"),
            "abuse",
            json!("suspected theft"),
            none()
        ),
        event(
            "2026-03-01T10:22:00Z",
            "sending-locked",
            json!("smtp"),
            "operator",
            json!("violation of terms"),
            json!({"until": "2026-03-05T00:00:00Z", "text": "spam", "evidence": []})
        ),
        event("2026-03-01T10:23:00Z", "status", none(), "operator", none(), json!({"status": "suspended"})),
        event("2026-03-01T10:24:00Z", "plan", none(), "operator", none(), json!({"plan": "free"})),
        event(
            "2026-03-01T10:25:00Z",
            "notice",
            none(),
            "timer",
            none(),
            json!({"notice": "inactive", "letter": "2"})
        ),
        event("2026-03-01T10:26:00Z", "checkpoint", none(), "timer", none(), json!({"scores": []})),
    ])
}

#[test]
fn a_record_is_what_account_events_prints() {
    use postern_model::Protocol;
    use postern_model::record::{GateState, LoginRefusal, Reason, Signal, Status};
    use postern_policy::access::Change;
    use postern_policy::replay::Act;

    let log = taken(&events().to_string());
    assert_eq!((log.events, log.accounts.len()), (14, 1));
    let account = &log.accounts[""];
    let start = account.start.as_deref().expect("a checkpoint");
    assert_eq!((start.plan.as_str(), start.access.smtp.state), ("plus", GateState::Blocked));
    assert_eq!(start.lock.as_ref().map(|lock| lock.reason), Some(Reason::Theft));
    assert!(start.activity.pop3.is_some() && start.activity.web.is_none());
    let from = "192.0.2.1".parse().ok();
    let pop3 = |refused| Act::Login { protocol: Some(Protocol::Pop3), from, refused };
    let by = postern_model::record::Actor::User;
    let expected = [
        pop3(None),
        pop3(Some(LoginRefusal::TooSoon)),
        Act::Letter { recipients: 2, signals: [(Signal::NewRecipient, 2)].into() },
        Act::Letter { recipients: 1, signals: Box::default() },
        Act::UnknownRecipient { signals: [(Signal::UnknownRecipient, 3)].into() },
        Act::Switch { protocol: Protocol::Imap, change: Change::On { now: false }, by },
        Act::Lock { until: Timestamp::parse_rfc3339("2026-03-05T00:00:00Z") },
        Act::Status(Status::Suspended),
        Act::Plan("free".into()),
    ];
    assert_eq!(account.inputs.iter().map(|input| input.act.clone()).collect::<Vec<_>>(), expected);

    let named = json!({"address": "Alice@demo.test", "more": [1], "events": events()});
    let log = taken(&format!("\u{feff} {named}"));
    assert_eq!(log.accounts.keys().collect::<Vec<_>>(), ["alice@demo.test"]);
}

/// A checkpoint of an account that may use POP3, after so many events.
fn stood(at: &str, events: u32) -> Value {
    let gate = json!({"state": "on", "since": "2026-01-01T00:00:00Z", "by": "operator"});
    let detail = json!({"status": "active", "plan": "free", "created": "2026-01-01T00:00:00Z", "events": events,
        "access": {"pop3": gate, "imap": gate, "smtp": gate}, "sending": {"locked": false},
        "last": {"login": at, "pop3": at}});
    json!({"at": at, "kind": "checkpoint", "by": "timer", "detail": detail})
}

#[test]
fn a10_logins_that_are_kept_no_more_close_nothing_in_a_replay() {
    let row = |at: &str, kind| json!({"at": at, "kind": kind, "protocol": "pop3", "by": "user"});
    let record = json!([
        stood("2026-01-01T00:00:00Z", 0),
        row("2026-01-01T00:00:01Z", "access-opened"),
        // Its logins of two months are gone, some of them from behind this.
        stood("2026-03-20T00:00:00Z", 250),
        row("2026-06-01T00:00:00Z", "login"),
        stood("2026-06-01T00:05:00Z", 500),
        row("2026-06-01T00:05:00Z", "login"),
        row("2026-06-01T00:05:01Z", "notice"),
        stood("2026-06-01T00:10:00Z", 501),
        row("2026-06-01T00:10:00Z", "login"),
    ]);
    let log = taken(&record.to_string());
    let account = &log.accounts[""];
    assert_eq!(account.start.as_deref().map(|start| start.activity.events), Some(500));
    assert_eq!(account.inputs.len(), 2, "from the first checkpoint on behind which nothing is missing");
    let run = replay(&record.to_string(), "");
    assert_eq!(run.stdout, "9 events; nothing refused, locked or closed: 1 of 1 accounts\n");
}

#[test]
fn a_malformed_element_is_named_by_its_number() {
    let with = |element: Value| {
        let mut events = events();
        events.as_array_mut().expect("a list").insert(2, element);
        refused(&events.to_string()).remove(0)
    };
    let base = json!({"at": "2026-03-01T10:00:00Z", "kind": "login", "protocol": "pop3", "by": "user"});
    let changed = |name: &str, value: Value| {
        let mut element = base.clone();
        element[name] = value;
        with(element)
    };
    assert!(changed("at", json!("today")).starts_with("log: element 3: \"today\" is not a time"));
    assert!(changed("kind", json!("flight")).starts_with("log: element 3: \"flight\" is no kind of event"));
    assert!(changed("protocol", json!("nntp")).starts_with("log: element 3: unknown variant `nntp`"));
    assert!(
        changed("kind", json!("login-refused")).starts_with("log: element 3: login-refused has the unknown")
    );
    let status = json!({"at": "2026-03-01T10:00:00Z", "kind": "status", "by": "operator"});
    assert!(with(status).starts_with("log: element 3: its detail has no good \"status\""));
    assert!(with(json!(7)).starts_with("log: element 3: invalid type"));
    let cut = events().to_string();
    assert!(refused(&cut[..cut.len() / 2])[0].starts_with("log: element "));
    assert!(refused("{\"address\": \"a@b.test\"}")[0].contains("missing field `events`"));
    assert!(refused("[] []")[0].contains("trailing characters"));
}

#[test]
fn a_report_is_quiet_about_who_is_not_concerned() {
    let mut report = Report::new(1, true);
    report.add("a@b.test".into(), Outcome { logins: 1, ..Outcome::default() }, Some(Outcome::default()));
    assert_eq!(report.to_json()["accounts"], json!([]));
    assert!(
        report
            .to_text(&jiff::tz::TimeZone::UTC)
            .starts_with("1 events; nothing refused, locked or closed: 1 of 1")
    );
}
