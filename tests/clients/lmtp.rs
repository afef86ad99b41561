//! LMTP through a socket file, as a mail server on the same machine uses it (SPEC P7), by Python's smtplib.

use crate::rig::{ALICE, BOB, Pop3, Server, have, run};

const DELIVERING: &str = "
import smtplib, sys
server = smtplib.LMTP(sys.argv[1])
server.ehlo('front.test')
letter = 'From: eve@other.test\\r\\nSubject: by lmtp\\r\\n\\r\\nx\\r\\n'
try:
    refused = server.sendmail('eve@other.test', sys.argv[2:], letter)
except smtplib.SMTPRecipientsRefused as error:
    refused = error.recipients
for address in sys.argv[2:]:
    print(address, refused[address][0] if address in refused else 250)
server.quit()
";

#[test]
fn each_recipient_has_an_answer_and_the_file_goes_with_the_server() {
    if !have(&["python3"]) {
        return;
    }
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("lmtp.sock");
    // As a server leaves it that was killed.
    drop(std::os::unix::net::UnixListener::bind(&path).expect("a socket file"));
    let listen = format!("unix:{}", path.display());
    let mut server = Server::with_accounts(&[("POSTERN_LISTEN_LMTP", &listen)]);
    let socket = path.to_string_lossy().into_owned();
    let args = ["-c", DELIVERING, &socket, ALICE.0, "nobody@demo.test", BOB.0];
    let told = run("python3", &args, dir.path(), b"").expect_success("smtplib");
    assert_eq!(told, "alice@demo.test 250\nnobody@demo.test 550\nbob@demo.test 250\n");
    for account in [ALICE, BOB] {
        let letters = Pop3::login(&server, account).and_then(|mut pop3| pop3.all()).expect("letters");
        assert!(String::from_utf8_lossy(&letters[0]).contains("with LMTP id"), "{letters:?}");
    }
    // One that is served is not taken away from whoever serves it.
    let mut second = Server::stopped(&[("POSTERN_LISTEN_LMTP", &listen)]);
    second.spawn();
    assert!(!second.ended().success());
    assert!(second.log().contains("POSTERN_LISTEN_LMTP: can't listen on unix:"), "{}", second.log());
    server.signal(rustix::process::Signal::TERM);
    assert!(server.ended().success() && !path.exists());
}
