//! Programs with a command line.

use std::collections::BTreeSet;
use std::fs;

use super::{Tls, Visit};
use crate::rig::{BOB, Outcome, with_lf};

/// A program that puts the letter on its standard input into the inbox.
fn deliverer(visit: &Visit<'_>) -> String {
    let inbox = visit.inbox().join("new");
    visit.write("deliver", &format!("#!/bin/sh\nexec cat > \"$(mktemp '{}/XXXXXXXX')\"\n", inbox.display()))
}

/// fetchmail, which notes seen UIDs in a file, and hands each letter to a program.
pub(crate) fn fetchmail(visit: &Visit<'_>) -> Outcome {
    let deliver = deliverer(visit);
    let tls = if visit.tls == Tls::Implicit { "ssl" } else { "sslproto tls1.2+" };
    let keep = if visit.keep { "keep" } else { "nokeep fetchall" };
    let rc = format!(
        "set no bouncemail\nset invisible\npoll localhost protocol pop3 service {} uidl auth password timeout 60\n\
         user \"{}\" password \"{}\" {tls} sslcertck sslcertfile \"{}\" {keep} no rewrite pass8bits mda \"{deliver}\"\n",
        visit.port, visit.user, visit.password, visit.authority,
    );
    let rc = visit.write("fetchmailrc", &rc);
    let ids = visit.home.join("fetchids");
    visit.run("fetchmail", &["-f", &rc, "-i", &ids.to_string_lossy()])
}

/// mpop, into a Maildir.
pub(crate) fn mpop(visit: &Visit<'_>) -> Outcome {
    let config = format!(
        "account default\nhost localhost\nport {}\nuser {}\npassword \"{}\"\nauth on\ntls on\ntls_starttls {}\n\
         tls_trust_file {}\nreceived_header off\nkeep {}\nuidls_file {}\ndelivery maildir {}\n",
        visit.port,
        visit.user,
        visit.password,
        if visit.tls == Tls::Implicit { "off" } else { "on" },
        visit.authority,
        if visit.keep { "on" } else { "off" },
        visit.home.join("uidls").display(),
        visit.inbox().display(),
    );
    let config = visit.write("mpoprc", &config);
    let mut args = vec!["-C", &config];
    if !visit.keep {
        args.push("--only-new=off");
    }
    visit.run("mpop", &args)
}

/// getmail 6, which hands each letter to a program, since it refuses to write to root's Maildir itself.
pub(crate) fn getmail(visit: &Visit<'_>) -> Outcome {
    let config = format!(
        "[retriever]\ntype = SimplePOP3SSLRetriever\nserver = localhost\nport = {}\nusername = {}\npassword = {}\n\
         ca_certs = {}\n[destination]\ntype = MDA_external\npath = {}\nallow_root_commands = true\n\
         [options]\nread_all = {}\ndelete = {}\ndelivered_to = false\nreceived = false\n",
        visit.port,
        visit.user,
        visit.password,
        visit.authority,
        deliverer(visit),
        !visit.keep,
        !visit.keep,
    );
    let config = visit.write("getmailrc", &config);
    visit.run("getmail", &["--getmaildir", &visit.home.to_string_lossy(), "--rcfile", &config])
}

pub(crate) fn curl(visit: &Visit<'_>, scheme: &str, path: &str, args: &[&str]) -> Outcome {
    let secure = if visit.tls == Tls::Implicit { "s" } else { "" };
    let url = format!("{scheme}{secure}://localhost:{}/{path}", visit.port);
    let user = format!("{}:{}", visit.user, visit.password);
    let fixed =
        ["--silent", "--show-error", "--fail", "--ssl-reqd", "--cacert", &visit.authority, "--user", &user];
    visit.run("curl", &[&fixed, args, &[&url]].concat())
}

/// curl fetches single letters; what is new, and whether a letter is whole, is decided here by UIDL and LIST, as a
/// script around curl does: curl takes a connection that breaks for the letter's end.
pub(crate) fn curl_fetch(visit: &Visit<'_>) -> Outcome {
    let inbox = visit.inbox().join("new");
    let state = visit.home.join("seen");
    let mut seen: BTreeSet<String> =
        fs::read_to_string(&state).unwrap_or_default().lines().map(str::to_owned).collect();
    let ids = curl(visit, "pop3", "", &["--request", "UIDL"]);
    let sizes = curl(visit, "pop3", "", &["--request", "LIST"]);
    if sizes.code != Some(0) {
        return sizes;
    }
    for (id, size) in ids.stdout.lines().zip(sizes.stdout.lines()) {
        let (number, id) = id.split_once(' ').expect("a UIDL line");
        let size = size.split_once(' ').and_then(|(_, size)| size.parse().ok());
        if visit.keep && seen.contains(id) {
            continue;
        }
        let file = inbox.join(number);
        let mut letter = curl(visit, "pop3", number, &["--output", &file.to_string_lossy()]);
        if fs::metadata(&file).ok().map(|file| file.len()) != size {
            letter.code = Some(18);
        }
        if letter.code != Some(0) {
            return letter;
        }
        seen.insert(id.to_owned());
        fs::write(&state, seen.iter().map(|id| format!("{id}\n")).collect::<String>()).expect("a file");
    }
    if visit.keep {
        return sizes;
    }
    // Numbers move up when the first letter goes.
    for _ in sizes.stdout.lines() {
        let gone = curl(visit, "pop3", "1", &["--request", "DELE", "--list-only"]);
        if gone.code != Some(0) {
            return gone;
        }
    }
    sizes
}

/// curl takes a letter as it is to travel, so with CRLF.
pub(crate) fn curl_send(visit: &Visit<'_>, letter: &str) -> Outcome {
    let text = fs::read_to_string(letter).expect("the letter");
    let travelling = visit.write("letter.crlf", &text.replace('\n', "\r\n"));
    debug_assert_eq!(with_lf(&fs::read(&travelling).expect("the letter")), text.as_bytes());
    let (from, to) = (format!("<{}>", visit.user), format!("<{}>", BOB.0));
    curl(visit, "smtp", "rig.test", &["--mail-from", &from, "--mail-rcpt", &to, "--upload-file", &travelling])
}

/// msmtp, as a sendmail.
pub(crate) fn msmtp(visit: &Visit<'_>, letter: &str) -> Outcome {
    msmtp_to(visit, letter, BOB.0)
}

/// msmtp with another recipient.
pub(crate) fn msmtp_to(visit: &Visit<'_>, letter: &str, to: &str) -> Outcome {
    let config = format!(
        "account default\nhost localhost\nport {}\nfrom {}\nuser {}\npassword \"{}\"\nauth on\ntls on\n\
         tls_starttls {}\ntls_trust_file {}\n",
        visit.port,
        visit.user,
        visit.user,
        visit.password,
        if visit.tls == Tls::Implicit { "off" } else { "on" },
        visit.authority,
    );
    let config = visit.write("msmtprc", &config);
    let text = fs::read(letter).expect("the letter");
    crate::rig::run("msmtp", &["-C", &config, "--", to], visit.home, &text)
}

/// swaks, which puts a line end behind whatever it is given.
pub(crate) fn swaks(visit: &Visit<'_>, letter: &str) -> Outcome {
    let server = format!("localhost:{}", visit.port);
    let tls = if visit.tls == Tls::Implicit { "--tls-on-connect" } else { "--tls" };
    let text = fs::read_to_string(letter).expect("the letter");
    let data = format!("@{}", visit.write("letter.swaks", text.trim_end_matches('\n')));
    visit.run(
        "swaks",
        &[
            "--server",
            &server,
            tls,
            "--tls-ca-path",
            &visit.authority,
            "--tls-verify",
            "--from",
            visit.user,
            "--to",
            BOB.0,
            "--auth",
            "PLAIN",
            "--auth-user",
            visit.user,
            "--auth-password",
            visit.password,
            "--data",
            &data,
            "--suppress-data",
        ],
    )
}
