//! Seals on forwarded letters: ours verified by dkimpy, dkimpy's by us, and chains that both made.

use mail_auth::{AuthenticatedMessage, AuthenticationResults, DkimResult};
use postern::signing::end_of_text;
use postern_model::Domain;

use super::{World, letters, run, tools};

/// The letter with our next ARC set on top, where we seal it.
async fn sealed(world: &World, domain: &str, letter: &[u8]) -> Option<Vec<u8>> {
    let name = Domain::parse(domain).expect("a domain");
    let seal = world.signer.arc_seal(&name).await.expect("keys").expect("a key");
    let parsed = AuthenticatedMessage::parse(&letter[..end_of_text(letter)]).expect("a letter");
    let (found, chain) = (world.records.dkim(&parsed).await, world.records.arc(&parsed).await);
    let results = AuthenticationResults::new(domain).with_dkim_results(&found, "alice@ours.test");
    let mut set = seal.seal(&parsed, &results, &chain).expect("sealed");
    if set.is_empty() {
        return None;
    }
    set.extend_from_slice(letter);
    Some(set)
}

async fn chain(world: &World, letter: &[u8]) -> DkimResult {
    let parsed = AuthenticatedMessage::parse(&letter[..end_of_text(letter)]).expect("a letter");
    world.records.arc(&parsed).await.result().clone()
}

#[test]
fn our_seals_are_verified_by_dkimpy() {
    let home = tempfile::tempdir().expect("a directory");
    if !tools::have_dkimpy(home.path()) {
        return;
    }
    run(async {
        let world = World::new(&["ours.test", "next.test"]).await;
        let mut chains = Vec::new();
        for (name, letter) in letters() {
            let once = sealed(&world, "ours.test", &world.signed("ours.test", &letter).await).await;
            let once = once.unwrap_or_else(|| panic!("{name}: the first set"));
            let twice =
                sealed(&world, "next.test", &once).await.unwrap_or_else(|| panic!("{name}: the second"));
            chains.push((format!("{name}, once"), once));
            chains.push((format!("{name}, twice"), twice));
        }
        chains.sort();
        let told = tools::dkimpy_arc(home.path(), &world.records, &chains);
        let wrong: Vec<&String> = told.iter().filter(|line| !line.ends_with(": pass")).collect();
        assert!(wrong.is_empty() && told.len() == chains.len(), "not verified: {wrong:#?}");
    });
}

#[test]
fn a_chain_that_dkimpy_began_goes_on() {
    let home = tempfile::tempdir().expect("a directory");
    if !tools::have_dkimpy(home.path()) {
        return;
    }
    run(async {
        let mut world = World::new(&["ours.test"]).await;
        world.records.put("s._domainkey.theirs.test", tools::key_for_dkimpy(home.path()));
        let letter = b"Authentication-Results: theirs.test; spf=pass smtp.mailfrom=a@a.test\r\n\
                       From: a@a.test\r\nTo: b@b.test\r\nSubject: x\r\nDate: Sun, 1 Mar 2026 12:00:00 +0000\r\n\r\nx\r\n";
        let theirs = tools::sealed_by_dkimpy(home.path(), "s", "theirs.test", letter);
        assert_eq!(chain(&world, &theirs).await, DkimResult::Pass, "{}", theirs.escape_ascii());
        let ours = sealed(&world, "ours.test", &theirs).await.expect("the second set");
        assert_eq!(chain(&world, &ours).await, DkimResult::Pass);
        // A third set by dkimpy vouches for what it read of ours.
        let again = [b"Authentication-Results: theirs.test; arc=pass\r\n", &ours[..]].concat();
        let third = tools::sealed_by_dkimpy(home.path(), "s", "theirs.test", &again);
        assert_eq!(chain(&world, &third).await, DkimResult::Pass);
        let told = tools::dkimpy_arc(home.path(), &world.records, &[("x".to_owned(), third)]);
        assert_eq!(told, ["x: pass"]);
    });
}

#[test]
fn a_broken_chain_is_ended_once_and_never_mended() {
    run(async {
        let world = World::new(&["ours.test", "next.test"]).await;
        let once = sealed(&world, "ours.test", &letters()[0].1).await.expect("the first set");
        assert!(String::from_utf8_lossy(&once).contains("cv=none"));
        let text = String::from_utf8(once).expect("ASCII").replace("Four", "Five");
        assert_ne!(chain(&world, text.as_bytes()).await, DkimResult::Pass);
        let ended = sealed(&world, "next.test", text.as_bytes()).await.expect("the end");
        assert!(String::from_utf8_lossy(&ended).contains("cv=fail"));
        assert_eq!(sealed(&world, "ours.test", &ended).await, None, "nobody would believe more");
        // Half a set is no chain to go on with, and none to begin anew on.
        let torn = text.replacen("ARC-Seal:", "X-Seal:", 1);
        assert_eq!(sealed(&world, "next.test", torn.as_bytes()).await, None);
    });
}
