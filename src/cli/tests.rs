use std::cell::RefCell;

use postern_model::Protocol;

use serde_json::json;

use super::*;
use crate::signing::published::Kind;
use postern_actors::courier::Local;

/// Answers every request with what `answer` says, and remembers it.
struct Fake<F> {
    answer: F,
    asked: RefCell<Vec<Value>>,
}

impl<F: Fn(&AdminRequest) -> Result<Value, AdminError>> House for Fake<F> {
    fn serve(&self, config: Config) -> Result<(), String> {
        Err(format!("serving as {}", config.hostname))
    }

    fn demo(&self, _: Config) -> Result<(), String> {
        Ok(())
    }

    fn offline(&self, _: &Config, request: AdminRequest) -> Result<Value, AdminError> {
        self.asked.borrow_mut().push(serde_json::to_value(&request).expect("JSON"));
        (self.answer)(&request)
    }

    fn lookup(&self, _: &Config) -> Result<Box<dyn Lookup>, String> {
        Ok(Box::new(Nothing))
    }
}

/// A DNS without records.
struct Nothing;

impl Lookup for Nothing {
    fn values<'a>(&'a self, _: &'a str, _: Kind) -> Local<'a, Result<Vec<String>, String>> {
        Box::pin(std::future::ready(Ok(Vec::new())))
    }

    fn may_send<'a>(
        &'a self,
        _: std::net::IpAddr,
        _: &'a str,
        _: &'a postern_model::Domain,
    ) -> Local<'a, Result<bool, String>> {
        Box::pin(std::future::ready(Ok(false)))
    }
}

/// What came of a command.
#[derive(Debug)]
pub(super) struct Outcome {
    pub(super) status: u8,
    pub(super) stdout: String,
    pub(super) stderr: String,
    pub(super) asked: Vec<Value>,
}

pub(super) fn command(
    line: &str,
    stdin: &str,
    variables: &[(&str, &str)],
    answer: impl Fn(&AdminRequest) -> Result<Value, AdminError>,
) -> Outcome {
    let dir = tempfile::TempDir::new().expect("a directory");
    let mut all: Vec<(OsString, OsString)> = vec![("POSTERN_DATA_DIR".into(), dir.path().into())];
    all.extend(variables.iter().map(|(name, value)| ((*name).into(), (*value).into())));
    let house = Fake { answer, asked: RefCell::default() };
    let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
    let mut surroundings = Surroundings {
        variables: all,
        stdin: &mut stdin.as_bytes(),
        stdout: &mut stdout,
        stderr: &mut stderr,
    };
    let status = run_in(&mut surroundings, line.split(' ').map(OsString::from), &house);
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    Outcome { status, stdout: text(stdout), stderr: text(stderr), asked: house.asked.take() }
}

fn done(line: &str) -> Outcome {
    command(line, "", &[], |_| Ok(Value::Null))
}

#[test]
fn the_status_tells_how_it_went() {
    assert_eq!(done("postern domain add a.test").status, 0);
    assert_eq!(done("postern --help").status, 0);
    assert_eq!(done("postern").status, 2);
    assert_eq!(done("postern domain").status, 2);
    let refused = command("postern domain add a.test", "", &[], |_| Err(AdminError("no room".into())));
    assert_eq!((refused.status, refused.stderr.as_str()), (1, "postern: no room\n"));
    assert_eq!(refused.stdout, "");
}

#[test]
fn mistakes_in_the_environment_stop_every_command() {
    let variables = [("POSTERN_SCRAM", "yes"), ("POSTERN_CASHE", "1GiB")];
    for line in ["postern serve", "postern demo", "postern account list", "postern config"] {
        let outcome = command(line, "", &variables, |_| Ok(Value::Null));
        assert_eq!(outcome.status, 1, "{line}");
        assert!(outcome.stderr.contains("POSTERN_SCRAM") && outcome.stderr.contains("POSTERN_CASHE"));
        assert!(outcome.asked.is_empty());
    }
}

#[test]
fn json_is_one_document_and_nothing_else() {
    let answer = |_: &AdminRequest| Ok(json!([{"domain": "a.test"}]));
    let json = command("postern domain list --json", "", &[], answer);
    assert_eq!(json.stdout, "[{\"domain\":\"a.test\"}]\n");
    assert_eq!(json.stderr, "");
    assert_eq!(command("postern domain list", "", &[], answer).stdout, "DOMAIN\na.test\n");
}

#[test]
fn a_password_comes_by_standard_input_and_is_never_printed() {
    let outcome = command("postern account set-password a@b.test --password-stdin", "hunter2\n", &[], |_| {
        Err(AdminError("there is no account a@b.test".into()))
    });
    assert_eq!(outcome.asked[0]["password"], "hunter2");
    assert!(!outcome.stdout.contains("hunter2") && !outcome.stderr.contains("hunter2"));
    let empty = command("postern account add a@b.test --password-stdin", "", &[], |_| Ok(Value::Null));
    assert_eq!(empty.status, 1);
    assert!(empty.asked.is_empty());
    assert_eq!(done("postern account add a@b.test").asked[0]["password"], Value::Null);
}

#[test]
fn access_is_asked_for_as_it_was_said() {
    let asked = |line: &str| done(&format!("postern account access a@b.test {line}")).asked.remove(0);
    let on = asked("on");
    assert_eq!((&on["now"], &on["as_user"]), (&json!(false), &json!(false)));
    assert_eq!(on["protocols"], json!(Protocol::ALL));
    assert_eq!(asked("on --now --protocol pop3")["protocols"], json!([Protocol::Pop3]));
    assert_eq!(asked("on --as-user")["as_user"], true);
    assert_eq!(asked("block --reason spam")["reason"], "spam");
    let outcome = done("postern account access a@b.test off --now");
    assert_eq!((outcome.status, outcome.asked.len()), (2, 0));
}

#[test]
fn the_gates_commands_become_requests() {
    let asked = |line: &str| done(line).asked.remove(0);
    assert_eq!(
        asked("postern account lock-sending a@b.test --for 2h"),
        json!({"ask": "lock-sending", "address": "a@b.test", "reason": null, "lasts": {"secs": 7200, "nanos": 0}})
    );
    let seen = json!({"ask": "account-seen", "address": "a@b.test"});
    assert_eq!(asked("postern account seen a@b.test"), seen);
    let report = json!({"ask": "account-report", "address": "a@b.test", "reason": "spam"});
    assert_eq!(asked("postern account report a@b.test --reason spam"), report);
    assert_eq!(asked("postern policy show"), json!({"ask": "policy-show"}));
    assert_eq!(asked("postern policy release"), json!({"ask": "policy-release"}));
}

#[test]
fn events_are_asked_for_from_a_time_on() {
    let since =
        |text: &str| done(&format!("postern account events a@b.test{text}")).asked[0]["since"].clone();
    assert_eq!(since(""), Value::Null);
    assert_eq!(since(" --since 2026-03-01"), "2026-03-01T00:00:00Z");
    assert_eq!(since(" --since 2026-03-01T10:00:00+02:00"), "2026-03-01T08:00:00Z");
    let wrong = done("postern account events a@b.test --since yesterday");
    assert_eq!((wrong.status, wrong.asked.len()), (2, 0));
    assert!(wrong.stderr.contains("is not a time; write one like 2026-03-01"), "{}", wrong.stderr);
}

#[test]
fn checkpoints_are_for_machines() {
    let answer = |_: &AdminRequest| Ok(json!([{"kind": "checkpoint"}, {"kind": "login"}]));
    let line = "postern account events a@b.test";
    assert_eq!(command(line, "", &[], answer).stdout, "KIND\nlogin\n");
    let json = command(&format!("{line} --json"), "", &[], answer);
    assert_eq!(json.stdout, "[{\"kind\":\"checkpoint\"},{\"kind\":\"login\"}]\n");
}

#[test]
fn months_are_counted_from_the_servers_time() {
    let answer = |request: &AdminRequest| {
        Ok(match request {
            AdminRequest::ClockShow => json!({"now": "2026-01-31T00:00:00Z"}),
            _ => Value::Null,
        })
    };
    let outcome = command("postern clock advance 1month", "", &[], answer);
    assert_eq!(outcome.asked[1], json!({"ask": "clock-advance", "micros": 28 * 86_400_000_000_u64}));
    let outcome = command("postern clock advance 90s", "", &[], answer);
    assert_eq!(outcome.asked, [json!({"ask": "clock-advance", "micros": 90_000_000})]);
}

#[test]
fn an_import_reports_each_bad_line() {
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), "a@b.test,free,{PLAIN}x\nnonsense\nc@b.test,gold,{PLAIN}x\n")
        .expect("written");
    let line = format!("postern account import {}", file.path().display());
    let refused = |_: &AdminRequest| Err(AdminError("line 2: …\nnothing was imported".into()));
    let stopped = command(&line, "", &[], refused);
    assert_eq!(stopped.status, 1);
    assert!(stopped.stderr.contains("line 2: ") && stopped.stdout.is_empty(), "{stopped:?}");
    // What can't be read goes along, so that one answer names all that is bad.
    assert_eq!(stopped.asked[0]["rows"].as_array().map(Vec::len), Some(2));
    assert!(stopped.asked[0]["unread"][0].as_str().is_some_and(|line| line.starts_with("line 2: ")));
    assert_eq!(stopped.asked[0]["keep_going"], false);

    let answer = |_: &AdminRequest| Ok(json!({"imported": 1, "failed": 2, "problems": ["line 2", "line 3"]}));
    let partly = command(&format!("{line} --keep-going --json"), "", &[], answer);
    assert_eq!(partly.status, 1);
    let document: Value = serde_json::from_str(&partly.stdout).expect("one document");
    assert_eq!(document["problems"].as_array().map(Vec::len), Some(2));
    assert_eq!(partly.asked[0]["keep_going"], true);
    assert_eq!(done("postern account import /nowhere/at/all").status, 1);
}

#[test]
fn a_damaged_store_is_a_failure() {
    let damaged =
        command("postern check --json", "", &[], |_| Ok(json!({"problems": ["letter 1 has no body"]})));
    assert_eq!(damaged.status, 1);
    assert!(damaged.stdout.starts_with("{\"problems\""));
    let sound = command("postern check", "", &[], |_| Ok(json!({"ok": true, "problems": []})));
    assert_eq!(sound.status, 0, "{sound:?}");
}

#[test]
fn config_prints_what_holds_and_notes_what_a_server_lacks() {
    let outcome = command("postern config", "", &[("POSTERN_SCRAM", "off")], |_| Ok(Value::Null));
    assert_eq!(outcome.status, 0);
    assert!(outcome.stdout.contains("POSTERN_SCRAM=off\n"));
    assert!(outcome.stderr.contains("POSTERN_TLS_CERT"), "{}", outcome.stderr);
    let json = command("postern config --json", "", &[("POSTERN_TLS", "self-signed")], |_| Ok(Value::Null));
    let document: Value = serde_json::from_str(&json.stdout).expect("one document");
    let tls = document.as_array().and_then(|all| all.iter().find(|v| v["name"] == "POSTERN_TLS"));
    assert_eq!(tls.map(|v| &v["origin"]), Some(&json!("environment")));
    assert_eq!(json.stderr, "");
    assert_eq!(done("postern config --markdown").stdout, markdown());
}

#[test]
fn a_memory_store_has_nothing_to_open() {
    let outcome = command("postern domain list", "", &[("POSTERN_STORE", "memory")], |_| Ok(Value::Null));
    assert_eq!(outcome.status, 1);
    assert!(outcome.asked.is_empty() && outcome.stderr.contains("POSTERN_STORE=memory"));
}

/// Keys as the administration answers them.
fn two_keys() -> Value {
    let key = |selector: &str, algorithm: &str, state: &str| {
        json!({
            "domain": "a.test", "selector": selector, "algorithm": algorithm, "state": state,
            "since": "2026-03-01T12:00:00Z", "public": "AAAA",
        })
    };
    json!([key("p202603e", "ed25519", "active"), key("p202603r", "rsa", "next")])
}

#[test]
fn keys_are_listed_and_rotated_without_what_they_are() {
    let listed = command("postern domain keys a.test", "", &[], |_| Ok(two_keys()));
    assert_eq!(listed.asked, [json!({"ask": "domain-keys", "domain": "a.test"})]);
    assert!(listed.stdout.contains("p202603e") && !listed.stdout.contains("AAAA"), "{}", listed.stdout);
    let as_json = command("postern domain keys a.test --json", "", &[], |_| Ok(two_keys()));
    assert_eq!(serde_json::from_str::<Value>(&as_json.stdout).expect("JSON"), two_keys());
    for (flag, step) in [("", "begin"), (" --activate", "activate"), (" --drop", "drop")] {
        let line = format!("postern domain rotate a.test{flag}");
        let rotated = command(&line, "", &[], |_| Ok(two_keys()));
        assert_eq!(rotated.asked, [json!({"ask": "domain-rotate", "domain": "a.test", "step": step})]);
    }
    assert_eq!(done("postern domain rotate a.test --activate --drop").status, 2);
}

#[test]
fn dns_prints_a_zone_and_tells_what_is_missing() {
    let variables = [("POSTERN_HOSTNAME", "mx.a.test"), ("POSTERN_LISTEN_POP3", "off")];
    let zone = command("postern dns a.test", "", &variables, |_| Ok(two_keys()));
    assert_eq!(zone.status, 0, "{}", zone.stderr);
    for line in [
        "a.test. IN MX 10 mx.a.test.",
        "p202603e._domainkey.a.test. IN TXT \"v=DKIM1; k=ed25519; p=AAAA\"",
        "_imaps._tcp.a.test. IN SRV 0 1 993 mx.a.test.",
        "_pop3._tcp.a.test. IN SRV 0 0 0 .",
        ";   version: STSv1",
    ] {
        assert!(zone.stdout.lines().any(|printed| printed == line), "{line}: {}", zone.stdout);
    }
    let checked = command("postern dns a.test --check", "", &variables, |_| Ok(two_keys()));
    assert_eq!(
        (checked.status, checked.stderr.as_str()),
        (1, "postern: 4 required records are not as they have to be\n")
    );
    assert!(checked.stdout.contains("missing  required  MX     a.test\n         publish   10 mx.a.test."));
    let as_json = command("postern dns a.test --check --json", "", &variables, |_| Ok(two_keys()));
    let told: Value = serde_json::from_str(&as_json.stdout).expect("JSON");
    assert!(told.as_array().expect("a list").iter().all(|record| record["found"] == "missing"));
    let refused = command("postern dns b.test", "", &variables, |_| Err(AdminError("not ours".into())));
    assert_eq!((refused.status, refused.stderr.as_str()), (1, "postern: not ours\n"));
}
