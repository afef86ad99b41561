//! No password, token or body is in any log at any level (SPEC O4): sessions of every kind against a server that logs
//! all it can, and then a search for what must not be there.

mod forms;
mod scram;

use std::fs;
use std::io;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::Value;

use crate::rig::{How, Pop3, Server, Service, Smtp, Wire};

const USER: &str = "alice@demo.test";
const PASSWORD: &str = "Verborgen-Wachtwoord-31";
const WRONG: &str = "Onjuist-Geheim-Woord-47";
const IMPORTED: &str = "Ingevoerd-Geheim-Deel-59";
const UNKNOWN: &str = "Onbekend-Commando-Geheim-61";
const BODY: &str = "Tekst-Van-De-Brief-Die-Niemand-Leest-73";

#[test]
fn text_logs_hold_no_secret() {
    let log = everything_logged("text");
    assert!(log.contains("DEBUG") || log.contains("TRACE"), "the log has no details: {log}");
    let about = |line: &&str| line.contains("session=") && line.contains(USER) && line.contains("pop3s");
    assert!(log.lines().any(|line| about(&line)), "no line names session, protocol and account: {log}");
}

#[test]
fn json_logs_hold_no_secret() {
    let log = everything_logged("json");
    let lines: Vec<Value> =
        log.lines().map(|line| serde_json::from_str(line).expect("each line is JSON")).collect();
    let about = |line: &&Value| {
        let span = &line["span"];
        !span["session"].is_null() && span["service"] == "pop3s" && span["account"] == USER
    };
    assert!(lines.iter().any(|line| about(&line)), "no line names session, protocol and account: {log}");
}

/// The log of a server that had all these sessions; searched before it is given back.
fn everything_logged(format: &str) -> String {
    let mut server = Server::start(&[
        ("POSTERN_LOG", "trace"),
        ("POSTERN_LOG_FORMAT", format),
        ("POSTERN_LEGACY_PLAINTEXT", "on"),
    ]);
    server.ok(&["domain", "add", "demo.test"]);
    server.add_account((USER, PASSWORD));
    let app_password = operate(&server);
    for password in [PASSWORD, WRONG, &app_password] {
        pop3(&server, password).expect("a POP3 server");
        smtp(&server, password).expect("an SMTP server");
    }
    plain_text(&server).expect("a server without TLS");
    letters(&server).expect("letters are taken");
    server.sigkill();

    let log = server.log();
    for secret in [PASSWORD, WRONG, IMPORTED, UNKNOWN, BODY, &app_password] {
        for form in forms::of(secret) {
            let found = log.lines().find(|line| line.contains(&form));
            assert!(found.is_none(), "{secret} is in the log, as {form}: {found:?}");
        }
    }
    log
}

/// The operator's secrets travel through the control socket.
fn operate(server: &Server) -> String {
    let made = server.ok(&["account", "app-password", "add", USER, "phone", "--json"]);
    let made: Value = serde_json::from_str(&made).expect("JSON");
    let file = server.scratch("import").join("accounts.csv");
    fs::write(&file, format!("carol@demo.test,free,{{PLAIN}}{IMPORTED}\n")).expect("a file");
    server.ok(&["account", "import", &file.to_string_lossy()]);
    let refused = server.cli(&["account", "set-password", "nobody@demo.test", "--password-stdin"], WRONG);
    assert_eq!(refused.code, Some(1), "{}", refused.stderr);
    let set = server.cli(&["account", "set-password", "carol@demo.test", "--password-stdin"], UNKNOWN);
    set.expect_success("account set-password");
    made["password"].as_str().expect("the app password").to_owned()
}

fn plain_proof(password: &str) -> String {
    BASE64_STANDARD.encode(format!("\0{USER}\0{password}"))
}

fn pop3(server: &Server, password: &str) -> io::Result<()> {
    let mut pop3 = Pop3::connect(server)?;
    pop3.say(&format!("PASSWORD {UNKNOWN}"))?;
    pop3.say(&format!("USER {USER}"))?;
    let answer = pop3.say(&format!("PASS {password}"))?;
    assert_eq!(answer.starts_with("+OK"), password != WRONG, "{answer}");
    pop3.say("QUIT")?;

    let mut pop3 = Pop3::connect(server)?;
    pop3.say(&format!("AUTH PLAIN {}", plain_proof(password)))?;
    pop3.say("QUIT")?;

    let mut pop3 = Pop3::connect(server)?;
    pop3.say("AUTH LOGIN")?;
    pop3.say(&BASE64_STANDARD.encode(USER))?;
    pop3.say(&BASE64_STANDARD.encode(password))?;
    pop3.say("QUIT")?;

    let mut pop3 = Pop3::connect(server)?;
    pop3.say(&format!("AUTH SCRAM-SHA-256 {}", BASE64_STANDARD.encode(scram::first(USER))))?;
    Ok(())
}

fn smtp(server: &Server, password: &str) -> io::Result<()> {
    let mut smtp = Smtp::connect(server, Service::Submissions)?;
    smtp.command("EHLO rig.test")?;
    smtp.say(&format!("PASS {UNKNOWN}"))?;
    let reply = smtp.say(&format!("AUTH PLAIN {}", plain_proof(password)))?;
    assert_eq!(reply.is_ok(), password != WRONG, "{}", reply.text());

    let mut smtp = Smtp::connect(server, Service::Submissions)?;
    smtp.command("EHLO rig.test")?;
    smtp.say("AUTH LOGIN")?;
    smtp.say(&BASE64_STANDARD.encode(USER))?;
    smtp.say(&BASE64_STANDARD.encode(password))?;

    let mut smtp = Smtp::connect(server, Service::Submissions)?;
    smtp.command("EHLO rig.test")?;
    let first = scram::first(USER);
    let challenge = smtp.say(&format!("AUTH SCRAM-SHA-256 {}", BASE64_STANDARD.encode(&first)))?;
    assert_eq!(challenge.code, 334, "{}", challenge.text());
    let challenge = BASE64_STANDARD.decode(&challenge.lines[0]).map_err(io::Error::other)?;
    let proof = scram::last(&first, &String::from_utf8_lossy(&challenge), password);
    let reply = smtp.say(&BASE64_STANDARD.encode(proof))?;
    // The server's own proof, to be answered with nothing.
    assert_eq!(reply.code == 334, password != WRONG, "{}", reply.text());
    if reply.code == 334 {
        smtp.command("")?;
    }
    Ok(())
}

/// Without TLS, which this user may not: refused, after the password has come.
fn plain_text(server: &Server) -> io::Result<()> {
    let mut wire = Wire::plain(server.address(Service::Pop3))?;
    wire.line()?;
    for line in [format!("USER {USER}"), format!("PASS {PASSWORD}")] {
        wire.send_line(&line)?;
        let answer = wire.line()?;
        assert!(line.starts_with("USER") || answer.starts_with("-ERR"), "{answer}");
    }
    Ok(())
}

fn letters(server: &Server) -> io::Result<()> {
    let mut smtp = Smtp::login(server, (USER, PASSWORD))?;
    let good = format!("From: <{USER}>\r\nSubject: {BODY}\r\n\r\n{BODY}\r\n");
    let stranger = format!("From: <stranger@demo.test>\r\nSubject: {BODY}\r\n\r\n{BODY}\r\n");
    for how in [How::Data, How::Bdat(20)] {
        let reply = smtp.send(USER, &[USER], good.as_bytes(), how)?;
        assert_eq!(reply.code, 250, "{}", reply.text());
        let reply = smtp.send(USER, &[USER], stranger.as_bytes(), how)?;
        assert_eq!(reply.code, 550, "{}", reply.text());
    }
    let mut pop3 = Pop3::login(server, (USER, PASSWORD))?;
    // Both; the notice of a password without encryption may be there by now, too.
    let own = |letter: &Vec<u8>| String::from_utf8_lossy(letter).contains(BODY);
    assert_eq!(pop3.all()?.iter().filter(|letter| own(letter)).count(), 2);
    pop3.long_command("TOP 1 1")?;
    pop3.quit()?;
    Ok(())
}
