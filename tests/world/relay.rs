//! Everything leaves through a relay (SPEC D3), which asks for TLS and a login.

use super::home::Home;
use super::{Authority, Exim, HOME, Knot, Postfix, Relays, Stage, exim, postfix};

const RECORDS: &str = "mx.postfix.test. A 10.77.0.25\nmx.exim.test. A 10.77.0.26\n";

#[test]
fn letters_leave_through_a_relay_that_asks_who_we_are() {
    let Some(stage) = Stage::set() else { return };
    let authority = Authority::new(stage.dir());
    let knot = Knot::start(&stage, RECORDS, "");
    let (postfix, exim) =
        (Postfix::start(&stage, &authority, &Relays::Nowhere), Exim::start(&stage, &authority));
    let percent = |user: &str| user.replace('@', "%40");
    let (user, password) = postfix::USER;
    let by_postfix = format!("smtp://{}:{password}@mx.postfix.test:25?tls=starttls", percent(user));
    let (user, password) = exim::USER;
    let by_exim = format!("smtp://{}:{password}@mx.exim.test:25?tls=starttls", percent(user));
    for (relay, to) in [(by_postfix, "bob@postfix.test"), (by_exim, "carol@exim.test")] {
        let home = Home::start(&stage, &authority, &knot, &[("POSTERN_RELAY", &relay)]);
        home.send(to, &[]).expect_success("swaks");
        let letter = if to.contains("postfix") { postfix.letters(1) } else { exim.letters(1) }.remove(0);
        assert!(letter.contains(HOME) && letter.contains("TLS"), "{letter}");
        assert!(home.queue().is_empty());
        assert!(!home.server.log().contains(password), "the relay's password is in the log");
    }
    assert!(postfix.log().contains("sasl_username=relayuser@postfix.test"), "{}", postfix.log());
    assert!(exim.log().contains("A=plain:relayuser"), "{}", exim.log());
}

#[test]
fn a_relay_that_can_not_be_trusted_gets_neither_password_nor_letter() {
    let Some(stage) = Stage::set() else { return };
    let (authority, stranger) = (Authority::new(stage.dir()), Authority::new(&stage.dir().join("stranger")));
    let knot = Knot::start(&stage, RECORDS, "");
    let postfix = Postfix::start(&stage, &authority, &Relays::Nowhere);
    let good = format!("smtp://relayuser%40postfix.test:{}@mx.postfix.test:25?tls=starttls", postfix::USER.1);
    let wrong = good.replace(postfix::USER.1, "wrong");
    for (authority, relay, said) in [(&stranger, &good, "certificate"), (&authority, &wrong, "535")] {
        let home = Home::start(&stage, authority, &knot, &[("POSTERN_RELAY", relay)]);
        home.send("bob@postfix.test", &[]).expect_success("swaks");
        let tried = home.only_try();
        assert!(tried.contains(said), "{said}: {tried}");
    }
    assert!(!postfix.log().contains("sasl_method="), "{}", postfix.log());
}
