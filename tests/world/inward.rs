//! What comes from outside is checked (SPEC D4), and comes by LMTP too (SPEC P7); what leaves can be checked by others.

use super::home::Home;
use super::{Authority, HOME, Knot, OpenDkim, Postfix, Relays, Stage, opendkim};
use crate::rig::patiently;

const RECORDS: &str = "postfix.test. MX 10 mx.postfix.test.
mx.postfix.test. A 10.77.0.25
postfix.test. TXT \"v=spf1 ip4:10.77.0.25 -all\"
_dmarc.postfix.test. TXT \"v=DMARC1; p=reject; rua=mailto:reports@postfix.test\"
home.test. MX 10 mail.home.test.
mail.home.test. A 10.77.0.1
";

/// A letter from bob@postfix.test to alice, by way of Postfix.
fn from_bob(stage: &Stage, to: &str) {
    let args = [
        "--server",
        "10.77.0.25",
        "--local-interface",
        "10.77.0.25",
        "--from",
        "bob@postfix.test",
        "--to",
        to,
        "--header",
        "Message-ID: <one@postfix.test>",
    ];
    stage.world("swaks", &args).expect_success("swaks");
}

#[test]
fn what_comes_from_outside_says_who_vouches_for_it() {
    let Some(stage) = Stage::set() else { return };
    let (authority, opendkim) = (Authority::new(stage.dir()), OpenDkim::start(&stage));
    let knot = Knot::start(&stage, &format!("{RECORDS}{}", opendkim.record()), "");
    let _postfix = Postfix::with(&stage, &authority, &Relays::BySmtp, opendkim::MILTER);
    let home = Home::start(&stage, &authority, &knot, &[]);
    from_bob(&stage, "alice@home.test");
    let letter = home.inbox(1).remove(0);
    let results = letter.split("Authentication-Results: mail.home.test").nth(1).expect("our results");
    for expected in ["dkim=pass", "header.d=postfix.test", "spf=pass", "dmarc=pass"] {
        assert!(results.contains(expected), "{expected}: {letter}");
    }
    // Somebody else who says to be bob.
    let spoofed = stage.world(
        "swaks",
        &[
            "--server",
            HOME,
            "--local-interface",
            "10.77.0.80",
            "--from",
            "bob@postfix.test",
            "--to",
            "alice@home.test",
        ],
    );
    assert!(spoofed.stdout.contains("550 5.7.1") && spoofed.stdout.contains("DMARC"), "{}", spoofed.stdout);
    assert_eq!(home.inbox(1).len(), 1);
}

#[test]
fn postfix_in_front_delivers_by_lmtp() {
    let Some(stage) = Stage::set() else { return };
    let authority = Authority::new(stage.dir());
    let knot = Knot::start(&stage, RECORDS, "");
    let postfix = Postfix::start(&stage, &authority, &Relays::ByLmtp(24));
    let home = Home::start(&stage, &authority, &knot, &[("POSTERN_LISTEN_LMTP", "10.77.0.1:24")]);
    from_bob(&stage, "alice@home.test,nobody@home.test");
    let letter = home.inbox(1).remove(0);
    assert!(letter.contains("with LMTP"), "{letter}");
    patiently("Postfix has both answers", || {
        let log = postfix.log();
        let taken = log.contains("to=<alice@home.test>") && log.contains("status=sent (250");
        (taken && log.contains("to=<nobody@home.test>") && log.contains("status=bounced")).then_some(())
    });
}

#[test]
fn others_find_our_signatures_good() {
    let Some(stage) = Stage::set() else { return };
    let authority = Authority::new(stage.dir());
    let mut knot = Knot::start(&stage, RECORDS, "");
    let home = Home::start(&stage, &authority, &knot, &[]);
    let published = home.server.ok(&["dns", "home.test"]);
    knot.publish(&stage, &published);
    let _opendkim = OpenDkim::knowing(&stage, &published);
    let postfix = Postfix::with(&stage, &authority, &Relays::Nowhere, opendkim::MILTER);
    home.send("bob@postfix.test", &["--body", "a line\n\n.dots\n\nend \n"]).expect_success("swaks");
    let letter = postfix.letters(1).remove(0);
    let results = letter.split("Authentication-Results: mx.postfix.test").nth(1).expect("OpenDKIM's results");
    assert!(results.contains("dkim=pass"), "RSA by OpenDKIM: {letter}");
    // dkimpy looks at the first signature by itself, and at each other by its place.
    let file = stage.dir().join("letter");
    let signed = letter.split_once("DKIM-Signature:").map(|(_, rest)| format!("DKIM-Signature:{rest}"));
    std::fs::write(&file, signed.expect("a signature").replace('\n', "\r\n")).expect("a file of one's own");
    for index in ["0", "1"] {
        let checked = stage.world("/usr/bin/python3", &["-c", DKIMPY, &file.to_string_lossy(), index]);
        assert!(checked.stdout.contains("good"), "signature {index} by dkimpy: {checked:?} {letter}");
    }
    // What is published is what the command wants.
    let said = home.server.cli(&["dns", "home.test", "--check"], "");
    assert_eq!(said.code, Some(0), "{}{}", said.stdout, said.stderr);
}

const DKIMPY: &str = "
import dkim, sys
letter = open(sys.argv[1], 'rb').read()
print('good' if dkim.DKIM(letter).verify(idx=int(sys.argv[2])) else 'bad')
";
