//! Letters by those who sign, forge, forward and seal.

use super::*;
use crate::inbound::Edits;
use crate::inbound::filter::Action;
use postern_actors::order::ArcChain;

const ONE_SEAL: &[u8] = include_bytes!("vectors/arc-one.eml");
const TWO_SEALS: &[u8] = include_bytes!("vectors/arc-two.eml");
const SAW_FAIL: &[u8] = include_bytes!("vectors/arc-saw-fail.eml");

fn has<'a>(lines: &'a [String], what: &str) -> Option<&'a String> {
    lines.iter().find(|line| line.starts_with(what))
}

#[actix_rt::test]
async fn a_letter_that_is_its_authors_passes_everything() {
    let world = World::new(usual()).await;
    let examined = world.examine(&visit("192.0.2.1", "anna@signed.test"), SIGNED).await.expect("accepted");
    assert!(!examined.junk && !examined.discard);
    let field = String::from_utf8(examined.edits.front.clone()).expect("text");
    let b = field.split("header.b=").nth(1).and_then(|rest| rest.get(..8)).expect("a signature").to_owned();
    assert_eq!(
        field.replace(&b, "B"),
        "Authentication-Results: mx.demo.test;\r\n\tiprev=pass policy.iprev=192.0.2.1;\r\n\tspf=pass (mx.demo.test: \
         domain of postmaster@mx.signed.test designates 192.0.2.1 as permitted sender) smtp.helo=mx.signed.test;\r\n\t\
         spf=pass (mx.demo.test: domain of anna@signed.test designates 192.0.2.1 as permitted sender) \
         smtp.mailfrom=anna@signed.test;\r\n\tdkim=pass header.i=@signed.test header.s=rsa header.b=B;\r\n\t\
         dmarc=pass header.from=signed.test policy.dmarc=reject\r\n"
    );
    let judged = examined.judged(None);
    assert_eq!(judged.results.as_deref(), field.trim_end().strip_prefix("Authentication-Results: "));
    let letter = examined.edits.apply(&arrived(SIGNED));
    assert!(letter.starts_with(b"Return-Path: <x@y.test>\r\nAuthentication-Results: mx.demo.test;"));
    assert!(letter.ends_with(SIGNED));
}

#[actix_rt::test]
async fn signatures_of_others_hold_and_forbidden_ones_do_not() {
    let world = World::new(Inbound::default()).await;
    for (name, letter, wanted) in [
        ("simple", &include_bytes!("vectors/dkimpy-simple.eml")[..], "dkim=pass"),
        ("ed25519", include_bytes!("vectors/dkimpy-ed25519.eml"), "dkim=pass"),
        ("opendkim", include_bytes!("vectors/opendkim.eml"), "dkim=pass"),
        ("opendkim with SHA-1", include_bytes!("vectors/opendkim-sha1.eml"), "dkim=permerror"),
    ] {
        let found = world.results(&visit("203.0.113.9", "x@signed.test"), letter).await;
        let signatures: Vec<&String> = found.iter().filter(|line| line.starts_with("dkim=")).collect();
        assert_eq!(signatures.len(), 1, "{name}: {found:?}");
        assert!(signatures[0].starts_with(wanted), "{name}: {found:?}");
        // Another body, another subject: nothing holds.
        for (from, to) in [("The  end", "The begin"), ("Subject: One", "Subject: Two")] {
            let changed = String::from_utf8_lossy(letter).replace(from, to);
            let found = world.results(&visit("203.0.113.9", "x@signed.test"), changed.as_bytes()).await;
            assert!(has(&found, "dkim=pass").is_none(), "{name}: {found:?}");
        }
    }
}

#[actix_rt::test]
async fn the_examples_of_rfc_8463_hold() {
    let keys = "brisbane._domainkey.football.example.com TXT v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=
        test._domainkey.football.example.com TXT v=DKIM1; k=rsa; p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDkHlOQoBTzWRiGs5V6NpP3idY6Wk08a5qhdR6wy5bdOKb2jLQiY/J16JYi0Qvx/byYzCNb3W91y3FutACDfzwQ/BC/e/8uBsCR+yz1Lxj+PL6lHvqMKrM3rG4hstT5QjvHO9PzoxZyVYLzBfO2EeC3Ip3G+2kryOTIKT+l/K4w3QIDAQAB";
    let world = World::with(usual(), keys).await;
    let letter = include_bytes!("vectors/rfc8463.eml");
    let found = world.results(&visit("192.0.2.1", "joe@football.example.com"), letter).await;
    let passed: Vec<&String> = found.iter().filter(|line| line.starts_with("dkim=pass")).collect();
    assert_eq!(passed.len(), 2, "{found:?}");
}

#[actix_rt::test]
async fn a_long_letter_is_hashed_as_a_short_one() {
    let world = World::new(usual()).await;
    let mut letter = SIGNED.to_vec();
    letter.extend(b"more\r\n".repeat(20_000));
    let found = world.results(&visit("192.0.2.1", "anna@signed.test"), &letter).await;
    assert!(has(&found, "dkim=neutral").is_some_and(|line| line.contains("body hash")), "{found:?}");
    // Blank lines at its end are no part of a body (RFC 6376 §3.4.3).
    let mut letter = SIGNED.to_vec();
    letter.extend(b"\r\n".repeat(50_000));
    let found = world.results(&visit("192.0.2.1", "anna@signed.test"), &letter).await;
    assert!(has(&found, "dkim=pass").is_some(), "{found:?}");
}

#[actix_rt::test]
async fn what_a_domain_asks_for_is_done() {
    let world = World::new(usual()).await;
    let lax = World::new(Inbound { dmarc_enforced: false, ..usual() }).await;
    for (from, path, junk, refusal, status) in [
        // signed.test: p=reject
        ("anna@signed.test", "x@list.test", false, Some((Unwanted::Dmarc, true)), "dmarc=fail"),
        ("anna@deep.signed.test", "x@list.test", false, Some((Unwanted::Dmarc, true)), "dmarc=fail"),
        // Null: SPF goes by the client's name, which is of the same organisation.
        ("anna@deep.signed.test", "", false, None, "dmarc=pass"),
        ("anna@signed.test", "x@signed.test", false, None, "dmarc=pass"),
        ("anna@signed.test", "x@else.signed.test", false, Some((Unwanted::Dmarc, true)), "dmarc=fail"),
        // quiet.test: p=quarantine, sp=none
        ("x@quiet.test", "x@list.test", true, None, "dmarc=fail"),
        ("x@sub.quiet.test", "x@sub.quiet.test", false, None, "dmarc=fail"),
        // trial.test: p=reject; t=y, which is one step less
        ("x@trial.test", "x@list.test", true, None, "dmarc=fail"),
        ("x@nothing.test", "x@list.test", false, None, "dmarc=none"),
    ] {
        let letter = format!("From: <{from}>\r\nSubject: x\r\n\r\nbody\r\n");
        let visit = visit("192.0.2.1", path);
        let examined = world.examine(&visit, letter.as_bytes()).await;
        assert_eq!(examined.as_ref().is_ok_and(|examined| examined.junk), junk, "{from} {path}");
        assert_eq!(refused(examined), refusal, "{from} {path}");
        let found = lax.results(&visit, letter.as_bytes()).await;
        assert!(has(&found, status).is_some(), "{from} {path}: {found:?}");
    }
}

#[actix_rt::test]
async fn spf_alone_refuses_where_it_is_told_to() {
    let strict = World::new(Inbound { spf_rejects: true, ..usual() }).await;
    let usual = World::new(usual()).await;
    let letter = b"From: x@nothing.test\r\n\r\n";
    let forged = visit("203.0.113.9", "x@list.test");
    assert_eq!(refused(usual.examine(&forged, letter).await), None);
    assert_eq!(refused(strict.examine(&forged, letter).await), Some((Unwanted::Spf, true)));
    // A letter that was sent on, and whose signature holds.
    assert_eq!(refused(strict.examine(&visit("203.0.113.9", "x@signed.test"), SIGNED).await), None);
}

#[actix_rt::test]
async fn seals_vouch_where_all_who_sealed_are_trusted_and_the_first_saw_it_pass() {
    let (none, list, both) =
        (vec![], vec![domain("list.test")], vec![domain("other.test"), domain("list.test")]);
    for (name, letter, trusted, seals, accepted) in [
        ("one, trusted", ONE_SEAL, &list, 1, true),
        ("one, not trusted", ONE_SEAL, &none, 1, false),
        ("two, one trusted", TWO_SEALS, &list, 2, false),
        ("two, both trusted", TWO_SEALS, &both, 2, true),
        ("it had failed before", SAW_FAIL, &both, 1, false),
    ] {
        let world = World::new(Inbound { arc_trusted: trusted.clone(), ..usual() }).await;
        let from_list = visit("198.51.100.7", "bounce@list.test");
        let examined = world.examine(&from_list, letter).await;
        match examined {
            Ok(examined) => {
                assert!(accepted, "{name}");
                assert_eq!(examined.arc, ArcChain::Pass(seals), "{name}");
                let found = lines(examined.results.as_deref().expect("checked"));
                assert!(
                    has(&found, "arc=pass").is_some() && has(&found, "dmarc=fail").is_some(),
                    "{found:?}"
                );
            }
            refusal => {
                assert!(!accepted, "{name}: {refusal:?}");
                assert_eq!(refused(refusal), Some((Unwanted::Dmarc, true)), "{name}");
            }
        }
        // Changed once more, and not sealed again.
        let changed = String::from_utf8_lossy(letter).replace("The  end", "The begin");
        let examined = world.examine(&from_list, changed.as_bytes()).await;
        assert_eq!(refused(examined), Some((Unwanted::Dmarc, true)), "{name}, changed");
    }
}

#[actix_rt::test]
async fn what_strangers_say_in_our_name_goes() {
    let world = World::new(usual()).await;
    let forged = [b"Authentication-Results: MX.demo.test (x);\r\n dmarc=pass\r\n", SIGNED].concat();
    let theirs = [b"Authentication-Results: mx.else.test; dmarc=pass\r\n", &forged[..]].concat();
    let mut sent = visit("192.0.2.1", "anna@signed.test");
    let examined = world.examine(&sent, &theirs).await.expect("accepted");
    let letter = String::from_utf8(examined.edits.apply(&arrived(&theirs))).expect("text");
    assert_eq!(letter.matches("mx.else.test").count(), 1);
    assert!(
        letter.contains(
            "mx.demo.test; now\r\nAuthentication-Results: mx.else.test; dmarc=pass\r\nDKIM-Signature"
        )
    );
    // A user's own letter says nothing of who it is from.
    sent.sender = Some(postern_model::AccountId(1));
    let examined = world.examine(&sent, &forged).await.expect("accepted");
    assert_eq!(examined.edits.apply(&arrived(&forged)), arrived(SIGNED));
    assert!(examined.results.is_none());
}

#[actix_rt::test]
async fn nothing_is_asked_for_letters_that_are_not_checked() {
    let world =
        World::new(Inbound { trusted: vec!["192.0.2.0/24".parse().expect("a network")], ..usual() }).await;
    let forged = b"From: anna@signed.test\r\n\r\n";
    let examined = world.examine(&visit("192.0.2.1", "x@list.test"), forged).await.expect("accepted");
    assert_eq!(examined.edits.front, b"Authentication-Results: mx.demo.test; none\r\n");
    assert!(world.zone.asked.lock().expect("whole").is_empty());
}

/// A filter that says the same of every letter.
#[derive(Debug)]
struct Says(Action, Mutex<String>);

impl Filter for Says {
    fn judge<'a>(&'a self, _: &'a Visit, letter: &'a [u8], results: &'a str) -> Judging<'a> {
        *self.1.lock().expect("whole") = results.to_owned();
        let edits =
            Edits { front: b"X-Spam: yes\r\n".to_vec(), body: Some(b"new".to_vec()), ..Edits::default() };
        assert!(letter.starts_with(b"Return-Path:"));
        Box::pin(async move { Opinion { action: self.0.clone(), edits } })
    }
}

#[actix_rt::test]
async fn a_filter_has_its_say_when_all_else_is_said() {
    let reject = |permanent| Action::Reject { permanent, text: Some("spam".into()) };
    for (action, junk, discard, refusal) in [
        (Action::Accept, false, false, None),
        (Action::Junk, true, false, None),
        (Action::Quarantine, true, false, None),
        (Action::Discard, false, true, None),
        (Action::Defer, false, false, Some((Unwanted::Filter, false))),
        (reject(true), false, false, Some((Unwanted::Filter, true))),
        (reject(false), false, false, Some((Unwanted::Filter, false))),
    ] {
        let mut world = World::new(usual()).await;
        let filter = Arc::new(Says(action.clone(), Mutex::default()));
        world.gatekeeper.filter = Some(Arc::clone(&filter) as Arc<dyn Filter>);
        let examined = world.examine(&visit("192.0.2.1", "anna@signed.test"), SIGNED).await;
        assert!(filter.1.lock().expect("whole").contains("dmarc=pass"), "{action:?}");
        if let Ok(examined) = &examined {
            assert_eq!((examined.junk, examined.discard), (junk, discard), "{action:?}");
            let letter = String::from_utf8(examined.edits.apply(&arrived(SIGNED))).expect("text");
            assert!(letter.contains("policy.dmarc=reject\r\nX-Spam: yes\r\nReceived:"), "{letter}");
            assert!(letter.ends_with("\r\n\r\nnew"), "{letter}");
        }
        assert_eq!(refused(examined), refusal, "{action:?}");
    }
}
