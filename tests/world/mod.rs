//! The world outside: other people's servers in a network namespace of their own, and Postern in another.
//!
//! [`Stage`] makes both namespaces and the wire between them; `dns` serves a signed root zone there, `postfix` and `exim`
//! are remote servers and relays, `authority` signs their certificates. All of it needs root, and goes when it is dropped.

mod authority;
mod dns;
mod exim;
mod home;
mod inward;
mod many;
mod opendkim;
mod out;
mod postfix;
mod relay;
mod stage;
mod web;

pub(crate) use authority::Authority;
pub(crate) use dns::Knot;
pub(crate) use exim::Exim;
pub(crate) use opendkim::OpenDkim;
pub(crate) use postfix::{Postfix, Relays};
pub(crate) use stage::{Daemon, HOME, Stage};
pub(crate) use web::Web;

#[test]
fn the_stage_stands_and_goes_again() {
    let Some(stage) = Stage::set() else { return };
    let authority = Authority::new(stage.dir());
    let knot =
        Knot::start(&stage, "postfix.test. MX 10 mx.postfix.test.\nmx.postfix.test. A 10.77.0.25\n", "");
    let postfix = Postfix::start(&stage, &authority, &Relays::Nowhere);
    let exim = Exim::start(&stage, &authority);
    let answer = stage.home("kdig", &["+short", &format!("@{}", dns::ADDRESS), "MX", "postfix.test"]);
    assert_eq!(answer.expect_success("kdig").trim(), "10 mx.postfix.test.");
    for (server, to) in [(postfix::ADDRESS, "bob@postfix.test"), (exim::ADDRESS, "carol@exim.test")] {
        let sent = stage.home("swaks", &["--server", server, "--to", to, "--from", "a@home.test", "--tls"]);
        sent.expect_success("swaks");
    }
    assert!(postfix.letters(1)[0].contains("\nReceived: from"));
    assert!(exim.letters(1)[0].contains("This is a test mailing"));
    drop(knot);
}
