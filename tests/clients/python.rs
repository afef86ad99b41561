//! Python's own libraries.

use super::{Tls, Visit};
use crate::rig::{BOB, Outcome};

const FETCH: &str = r#"
import os, poplib, ssl, sys
port, tls, authority, user, password, keep, inbox, state = sys.argv[1:]
trust = ssl.create_default_context(cafile=authority)
if tls == "implicit":
    pop3 = poplib.POP3_SSL("localhost", int(port), context=trust, timeout=60)
else:
    pop3 = poplib.POP3("localhost", int(port), timeout=60)
    pop3.stls(context=trust)
assert "UIDL" in pop3.capa()
pop3.user(user)
pop3.pass_(password)
seen = set(open(state).read().split()) if os.path.exists(state) else set()
for line in pop3.uidl()[1]:
    number, uid = line.decode().split()
    if keep == "keep" and uid in seen:
        continue
    lines = pop3.retr(int(number))[1]
    with open(os.path.join(inbox, uid), "wb") as letter:
        letter.write(b"".join(line + b"\n" for line in lines))
    with open(state, "a") as note:
        note.write(uid + "\n")
    if keep != "keep":
        pop3.dele(int(number))
pop3.quit()
"#;

const SEND: &str = r#"
import smtplib, ssl, sys
port, tls, authority, user, password, sender, recipient, letter = sys.argv[1:]
trust = ssl.create_default_context(cafile=authority)
if tls == "implicit":
    smtp = smtplib.SMTP_SSL("localhost", int(port), context=trust, timeout=60)
else:
    smtp = smtplib.SMTP("localhost", int(port), timeout=60)
    smtp.starttls(context=trust)
smtp.login(user, password)
text = open(letter, "rb").read().replace(b"\n", b"\r\n")
smtp.sendmail(sender, [recipient], text, mail_options=["BODY=8BITMIME"])
smtp.quit()
"#;

fn way(visit: &Visit<'_>) -> &'static str {
    if visit.tls == Tls::Implicit { "implicit" } else { "upgraded" }
}

/// poplib.
pub(crate) fn poplib(visit: &Visit<'_>) -> Outcome {
    let script = visit.write("fetch.py", FETCH);
    let port = visit.port.to_string();
    let keep = if visit.keep { "keep" } else { "delete" };
    let inbox = visit.inbox().join("new");
    let args = [
        &script,
        &port,
        way(visit),
        &visit.authority,
        visit.user,
        visit.password,
        keep,
        &inbox.to_string_lossy(),
        "seen",
    ];
    visit.run("python3", &args)
}

/// smtplib.
pub(crate) fn smtplib(visit: &Visit<'_>, letter: &str) -> Outcome {
    let script = visit.write("send.py", SEND);
    let port = visit.port.to_string();
    let args =
        [&script, &port, way(visit), &visit.authority, visit.user, visit.password, visit.user, BOB.0, letter];
    visit.run("python3", &args)
}
