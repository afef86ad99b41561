//! Odd letters, name servers that fail, lists of bad addresses.

use std::time::Duration;

use super::*;
use crate::inbound::checks::Times;
use crate::inbound::dnsbl::{self, Listing};

const SOON: Duration = Duration::from_millis(150);

#[actix_rt::test]
async fn letters_whose_author_is_in_doubt_do_not_pass_for_anybodys() {
    let world = World::new(usual()).await;
    let lax = World::new(Inbound { dmarc_enforced: false, ..usual() }).await;
    for (letter, junk, refusal) in [
        ("Subject: x\r\n\r\n", false, true),
        ("\r\nbody", false, true),
        ("From: a@list.test\r\nFrom: anna@signed.test\r\n\r\n", false, true),
        ("From: a@list.test, anna@signed.test\r\n\r\n", false, true),
        ("From: group:;\r\n\r\n", true, false),
        ("From: \0anna@signed.test\r\n\r\n", true, false),
        ("From: group: a@list.test;\r\n\r\n", false, false),
        ("From: \u{101}@\u{113}ka.test\r\n\r\n", false, false),
    ] {
        let visit = visit("198.51.100.1", "x@list.test");
        let examined = world.examine(&visit, letter.as_bytes()).await;
        assert_eq!(examined.as_ref().is_ok_and(|examined| examined.junk), junk, "{letter:?}");
        assert_eq!(refused(examined), refusal.then_some((Unwanted::Dmarc, true)), "{letter:?}");
        let examined = lax.examine(&visit, letter.as_bytes()).await.expect("only told");
        let front = String::from_utf8(examined.edits.front).expect("text");
        assert_eq!(front.contains("dmarc=permerror"), junk || refusal, "{front}");
        assert!(front.lines().all(|line| line.len() < 998), "{front}");
    }
}

#[actix_rt::test]
async fn no_name_that_a_stranger_chooses_says_anything_in_ours() {
    let world = World::new(Inbound { dmarc_enforced: false, ..usual() }).await;
    let signature = "DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=list.test; s=a\"b (c; h=from; \
        i=\"x) (@list.test; bh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=; b=AAAA\r\n";
    for (path, client) in [
        ("\"x); dmarc=pass (y\"@evil.test", "mx.evil.test"),
        ("\"x; dmarc=pass\"@evil.test", "a.b); dmarc=pass ("),
        ("\"x\\\"; dmarc=pass; y=\\\"\"@evil.test", "a.b;dmarc=pass"),
        ("x@evil.test", "[192.0.2.1]; dmarc=pass"),
    ] {
        let mut visit = visit("203.0.113.9", path);
        visit.client_name = client.into();
        let letter = format!("{signature}From: \"; dmarc=pass\" <a@list.test>\r\n\r\n");
        let examined = world.examine(&visit, letter.as_bytes()).await.expect("accepted");
        let results = examined.results.expect("checked");
        assert!(!crate::inbound::results::says_dmarc_passed(results.as_bytes()), "{results}");
        assert!(results.lines().skip(1).all(|line| line.starts_with('\t')), "{results}");
    }
}

#[actix_rt::test]
async fn a_header_made_to_cost_time_is_looked_at_no_longer_than_another() {
    let world = World::new(usual()).await;
    // As many names as fields: finding them all would take their product.
    let names: Vec<String> = (0..20_000).map(|n| format!("x{n}")).collect();
    let fields: String = names.iter().map(|name| format!("{name}: y\r\n")).collect();
    let signature = format!(
        "DKIM-Signature: v=1; a=rsa-sha256; d=list.test; s=arc; h={}; bh=AAAA; b=AAAA\r\n",
        names.join(":")
    );
    let letter = signature.repeat(3) + "From: a@list.test\r\n" + &fields + "\r\n";
    let found = world.results(&visit("198.51.100.1", "x@list.test"), letter.as_bytes()).await;
    assert!(found.iter().any(|line| line == "dkim=none"), "{found:?}");
    // Not more than ten signatures are looked at, the author's before others'.
    let bad =
        "DKIM-Signature: v=1; a=rsa-sha256; d=other.test; s=arc; h=from; bh=AAAA; b=AAAA\r\n".repeat(40);
    let letter = [bad.as_bytes(), SIGNED].concat();
    let found = world.results(&visit("198.51.100.1", "x@list.test"), &letter).await;
    let count = |what: &str| found.iter().filter(|line| line.starts_with(what)).count();
    assert_eq!((count("dkim="), count("dkim=pass")), (10, 1), "{found:?}");
}

#[actix_rt::test]
async fn who_does_not_answer_keeps_nobody_waiting_and_opens_no_door() {
    let more = "
        mute.test MUTE
        spf.failing.test FAIL
        _dmarc.failing.test FAIL
    ";
    let mut world = World::with(usual(), more).await;
    world.gatekeeper.times = Times { first: SOON, then: SOON };
    // Nothing can be known of this one, not even what its domain wants.
    let mut from_mute = visit("203.0.113.9", "x@mute.test");
    from_mute.client_name = "mx.mute.test".into();
    let letter = b"DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=mute.test; s=x; h=from; bh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=; b=AAAA\r\nFrom: x@mute.test\r\n\r\n";
    let found = world.results(&from_mute, letter).await;
    for what in ["spf=temperror", "dkim=temperror", "dmarc=temperror"] {
        assert!(found.iter().any(|line| line.starts_with(what)), "{what}: {found:?}");
    }
    let found = world.results(&visit("203.0.113.9", "x@list.test"), b"From: x@failing.test\r\n\r\n").await;
    assert!(found.iter().any(|line| line.starts_with("dmarc=temperror")), "{found:?}");
    // A stranger's slow server does not hide that this is not its author's.
    let forged = b"From: anna@signed.test\r\n\r\n";
    assert_eq!(refused(world.examine(&from_mute, forged).await), Some((Unwanted::Dmarc, true)));
    // Nor does a slow signature hide a good one.
    let slow = b"DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=mute.test; s=x; h=from; bh=vlx7TvqKjhx5BAG49D/OEm+TL+IUedfwKE93eqTeEo0=; b=AAAA\r\n";
    let found = world.results(&from_mute, &[slow, SIGNED].concat()).await;
    assert!(found.iter().any(|line| line.starts_with("dmarc=pass")), "{found:?}");
}

#[actix_rt::test]
async fn a_letter_that_may_yet_turn_out_to_be_its_authors_has_to_come_again() {
    let more = "
        _dmarc.strict.test TXT v=DMARC1; p=reject
        strict.test TXT v=spf1 include:spf.failing.test -all
        spf.failing.test FAIL
    ";
    let world = World::with(usual(), more).await;
    let letter = b"From: x@strict.test\r\n\r\n";
    let examined = world.examine(&visit("203.0.113.9", "x@strict.test"), letter).await;
    assert_eq!(refused(examined), Some((Unwanted::Dmarc, false)));
}

#[actix_rt::test]
async fn lists_of_bad_addresses_are_heard_and_not_waited_for() {
    let more = "
        9.113.0.203.bad.test A 127.0.0.2
        7.113.0.203.bad.test A 127.255.255.254
        8.113.0.203.odd.test A 198.51.100.1
        2.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.bad.test A 127.0.0.4
        mute.test MUTE
        failing.test FAIL
    ";
    let lists = vec![domain("mute.test"), domain("odd.test"), domain("bad.test")];
    let trusted = vec!["203.0.113.99".parse().expect("a network")];
    let mut world = World::with(Inbound { dnsbl: lists.clone(), trusted, ..usual() }, more).await;
    world.gatekeeper.lists_time = SOON;
    let door = |peer: &'static str| world.gatekeeper.at_the_door(peer.parse().expect("an address"), NOON);
    for (peer, listed) in [
        ("203.0.113.9", true),
        ("::ffff:203.0.113.9", true),
        ("2001:db8::2", true),
        ("2001:db8::3", false),
        ("203.0.113.7", false),
        ("203.0.113.8", false),
        ("203.0.113.99", false),
    ] {
        let refusal = door(peer).await.err();
        assert_eq!(refusal.is_some(), listed, "{peer}: {refusal:?}");
        if let Some(Refusal::Unwanted { why, permanent, text }) = refusal {
            assert_eq!((why, permanent), (Unwanted::Listed, true));
            assert!(text.is_some_and(|text| text.ends_with("is named by bad.test")));
        }
    }
    let dns = world.zone.authenticator();
    let peer = "203.0.113.7".parse().expect("an address");
    let listing = dnsbl::look_up(dns.resolver(), &lists, peer, SOON).await;
    assert_eq!(listing, Listing { by: None, unanswered: 1 });
}
