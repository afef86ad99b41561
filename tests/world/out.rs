//! Letters leave for any domain (SPEC D3).

use std::time::Duration;

use super::home::Home;
use super::{Authority, Exim, Knot, Postfix, Relays, Stage, Web};

const HOUR: Duration = Duration::from_secs(60 * 60);

/// What the DNS says of the world outside.
fn records(authority: &Authority, certificate: &str) -> String {
    let tlsa = authority.tlsa(certificate);
    let wrong = "3 1 1 00000000000000000000000000000000000000000000000000000000000000ff";
    format!(
        "postfix.test. MX 10 mx.postfix.test.
mx.postfix.test. A 10.77.0.25
_25._tcp.mx.postfix.test. TLSA {tlsa}
exim.test. MX 20 mx.dead.test.
exim.test. MX 30 mx.exim.test.
mx.exim.test. A 10.77.0.26
sts.test. MX 10 mx.sts.test.
mx.sts.test. A 10.77.0.25
_mta-sts.sts.test. TXT \"v=STSv1; id=1\"
mta-sts.sts.test. A 10.77.0.80
badsts.test. MX 10 mx.exim.test.
_mta-sts.badsts.test. TXT \"v=STSv1; id=1\"
mta-sts.badsts.test. A 10.77.0.80
baddane.test. MX 10 mx.baddane.test.
mx.baddane.test. A 10.77.0.25
_25._tcp.mx.baddane.test. TLSA {wrong}
null.test. MX 0 .
dead.test. MX 10 mx.dead.test.
mx.dead.test. A 10.77.0.99
self.test. MX 10 mail.home.test.
mail.home.test. A 10.77.0.1
home.test. MX 10 mail.home.test.
"
    )
}

const PLAIN: &str = "plain.test. MX 10 mx.plain.test.\nmx.plain.test. A 10.77.0.26\n";

struct World {
    stage: Stage,
    authority: Authority,
    knot: Knot,
    postfix: Postfix,
    exim: Exim,
    _web: Web,
}

impl World {
    fn make() -> Option<World> {
        let stage = Stage::set()?;
        let authority = Authority::new(stage.dir());
        let postfix = Postfix::start(&stage, &authority, &Relays::Nowhere);
        let knot = Knot::start(&stage, &records(&authority, &postfix.certificate), PLAIN);
        let exim = Exim::start(&stage, &authority);
        let policy = |mx: &str| format!("version: STSv1\r\nmode: enforce\r\nmx: {mx}\r\nmax_age: 86400\r\n");
        let web = Web::start(
            &stage,
            &authority,
            &[
                ("mta-sts.sts.test", policy("mx.sts.test")),
                ("mta-sts.badsts.test", policy("mx.elsewhere.test")),
            ],
        );
        Some(World { stage, authority, knot, postfix, exim, _web: web })
    }

    fn home(&self, extra: &[(&str, &str)]) -> Home<'_> {
        Home::start(&self.stage, &self.authority, &self.knot, extra)
    }
}

#[test]
fn letters_reach_other_servers_as_safely_as_these_ask_for() {
    let Some(world) = World::make() else { return };
    let home = world.home(&[]);
    // DANE, MTA-STS; opportunistic behind a dead first MX; a zone without signatures.
    for to in ["bob@postfix.test", "bob@sts.test", "carol@exim.test", "carol@plain.test"] {
        home.send(to, &["--header", &format!("Subject: for {to}")]).expect_success("swaks");
    }
    for letter in world.postfix.letters(2).iter().chain(&world.exim.letters(2)) {
        assert!(letter.contains("TLS1") || letter.contains("TLSv1"), "not encrypted: {letter}");
        assert!(letter.contains("DKIM-Signature:"), "{letter}");
        assert!(
            letter.contains("Return-Path: <alice@home.test>") || letter.contains("Return-path:"),
            "{letter}"
        );
        assert_eq!(letter.matches("eturn-").count(), 1, "our own Return-Path stays at home: {letter}");
    }
    assert!(home.queue().is_empty());
}

#[test]
fn what_asks_for_more_safety_than_there_is_waits() {
    let Some(world) = World::make() else { return };
    for (to, reason) in [("bob@baddane.test", "DANE"), ("carol@badsts.test", "MTA-STS")] {
        let home = world.home(&[]);
        home.send(to, &[]).expect_success("swaks");
        let tried = home.only_try();
        assert!(tried.contains(reason), "{tried}");
    }
}

#[test]
fn what_can_not_be_delivered_comes_back_and_says_why() {
    let Some(world) = World::make() else { return };
    let home = world.home(&[]);
    let table = [
        ("bob@null.test", "5.1.10"),
        ("bob@nowhere.test", "5.1.2"),
        ("unknown@postfix.test", "5.1.1"),
        ("unknown@exim.test", "5."),
        ("bob@self.test", "5.4.6"),
    ];
    for (count, (to, status)) in (1..).zip(table) {
        home.send(to, &[]).expect_success("swaks");
        let report = home.inbox(count).pop().expect("a report");
        assert!(report.contains("multipart/report"), "{report}");
        assert!(report.contains(&format!("Status: {status}")), "{to}: {report}");
        assert!(
            report.contains(&format!("Final-Recipient: rfc822;{to}"))
                || report.contains(&format!("Final-Recipient: rfc822; {to}")),
            "{report}"
        );
    }
    assert!(home.queue().is_empty());
}

#[test]
fn what_is_late_is_told_after_four_hours_and_given_up_in_the_end() {
    let Some(world) = World::make() else { return };
    // Each try waits for a server that is not there; five days of them are the policy's own tests.
    let home = world.home(&[("POSTERN_CLOCK", "manual"), ("POSTERN_QUEUE_LIFETIME", "5h")]);
    home.send("bob@dead.test", &[]).expect_success("swaks");
    home.send("later@postfix.test", &[]).expect_success("swaks");
    home.advance(4 * HOUR + HOUR / 60);
    let delays = home.inbox(2);
    assert!(delays.iter().all(|letter| letter.contains("Action: delayed")), "{delays:?}");
    assert_eq!(home.queue().len(), 2);
    home.advance(HOUR);
    let all = home.inbox(4);
    assert!(all[2..].iter().all(|letter| letter.contains("Action: failed")), "{all:?}");
    assert!(home.queue().is_empty());
}

#[test]
fn success_is_reported_by_whoever_can() {
    let Some(world) = World::make() else { return };
    let home = world.home(&[]);
    for (count, (to, action)) in
        (1..).zip([("bob@postfix.test", "delivered"), ("alice@home.test", "delivered")])
    {
        home.send_asking(to, &["ENVID=q1"], &["NOTIFY=SUCCESS,FAILURE", "ORCPT=rfc822;orig@home.test"]);
        let inbox = home.inbox(count);
        let report =
            inbox.iter().find(|letter| letter.contains(&format!("Action: {action}"))).expect("a report");
        assert!(report.contains("orig@home.test"), "{report}");
    }
}
