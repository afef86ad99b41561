use postern_model::record::{Notify, RcptTerms, Status};

use super::*;
use crate::order::Forward;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// What of a letter leaves, by the rules alone.
async fn forwards(house: &House, mut letter: Acceptance) -> (Vec<LocalRcpt>, Vec<Forward>) {
    crate::rules::apply(&house.actors, &mut letter).await.expect("readable");
    (letter.locals, letter.forwards)
}

/// A house in which alice's letters go on to alice@out.test. That address was ours when it was confirmed.
async fn forwarding_outside() -> (House, AccountId) {
    let house = open_house().await;
    let alice = house.account("alice@demo.test").await;
    house.admin(AdminRequest::DomainAdd { domain: "out.test".into() }).await;
    let out = house.account("alice@out.test").await;
    house.forward("alice@demo.test", "alice@out.test", out).await;
    house.admin(AdminRequest::AccountRemove { address: "alice@out.test".into() }).await;
    house.admin(AdminRequest::DomainRemove { domain: "out.test".into() }).await;
    house.set("alice@demo.test", "forward-keep", "off").await.expect("a setting");
    (house, alice)
}

#[actix_rt::test]
async fn d6_nothing_goes_on_before_it_is_confirmed_and_then_the_user_is_told() {
    let house = House::new().await;
    let (alice, bob) = (house.account("alice@demo.test").await, house.account("bob@demo.test").await);
    house.set("alice@demo.test", "forward", "bob@demo.test").await.expect("asked");
    house.send("one\r\n", &[alice]).await.expect("accepted");
    let asked = house.letters(bob).await;
    assert_eq!(asked.len(), 1, "who reads there is asked, and gets nothing else");
    assert!(house.set("alice@demo.test", "forward-confirm", "aaaaa-aaaaa-aaaaa-aaaaa").await.is_err());
    assert!(house.set("alice@demo.test", "forward-confirm", "").await.is_err());
    house.set("alice@demo.test", "forward", "bob@demo.test").await.expect("asked already");
    assert_eq!(house.letters(bob).await.len(), 1, "asked once a day");
    let word = asked[0].trim_end().lines().last().expect("a word").to_uppercase().replace('-', " ");
    let answer = house.set("alice@demo.test", "forward-confirm", &word).await.expect("confirmed");
    assert_eq!(answer["forwarding"]["to"][0]["state"], "on");
    house.send("two\r\n", &[alice]).await.expect("accepted");
    assert_eq!(house.letters(bob).await[1..], ["two\r\n"]);
    let inbox = house.letters(alice).await;
    assert_eq!((&inbox[0][..], &inbox[2][..]), ("one\r\n", "two\r\n"), "a copy stays");
    assert!(
        inbox[1].contains("Subject: forwarding-on") && inbox[1].contains("bob@demo.test"),
        "{}",
        inbox[1]
    );
    house.set("alice@demo.test", "forward-keep", "off").await.expect("a setting");
    house.send("three\r\n", &[alice]).await.expect("accepted");
    assert_eq!((house.letters(alice).await.len(), house.letters(bob).await.len()), (3, 3));
    house.set("alice@demo.test", "forward", "off").await.expect("a setting");
    house.send("four\r\n", &[alice]).await.expect("accepted");
    assert_eq!((house.letters(alice).await.len(), house.letters(bob).await.len()), (4, 3));
    house.restarted().await.clean();
}

#[actix_rt::test]
async fn d6_two_who_send_on_to_each_other_lose_nothing() {
    let house = House::new().await;
    let (alice, bob) = (house.account("alice@demo.test").await, house.account("bob@demo.test").await);
    house.forward("alice@demo.test", "bob@demo.test", bob).await;
    house.forward("bob@demo.test", "alice@demo.test", alice).await;
    for user in ["alice@demo.test", "bob@demo.test"] {
        house.set(user, "forward-keep", "off").await.expect("a setting");
    }
    let before = (house.letters(alice).await.len(), house.letters(bob).await.len());
    house.send("to alice\r\n", &[alice]).await.expect("accepted");
    assert_eq!((house.letters(alice).await.len(), house.letters(bob).await.len()), (before.0, before.1 + 1));
    let both = house.acceptance("to both\r\n", &[alice, bob]).await;
    assert_eq!(house.actors.accept(both).await, Ok(vec![Ok(()); 2]), "a verdict for each");
    assert_eq!((house.letters(alice).await.len(), house.letters(bob).await.len()), (before.0, before.1 + 2));
    house.clean();
}

#[actix_rt::test]
async fn d6_a_letter_leaves_under_a_path_that_leads_back_to_its_sender() {
    let (house, alice) = forwarding_outside().await;
    let letter = house.from("bob@b.test", "To: alice@demo.test\r\n\r\nx\r\n", alice).await;
    let (locals, mut leaving) = forwards(&house, letter).await;
    assert_eq!((locals.len(), leaving.len()), (0, 1));
    let forward = leaving.pop().expect("one");
    assert_eq!(forward.to, [address("alice@out.test")]);
    assert_eq!(forward.sender, Some(alice));
    assert_eq!(forward.front, b"Delivered-To: alice@demo.test\r\n");
    let MailFrom::Address(path) = forward.mail_from else { panic!("a path") };
    assert_eq!(path.domain().as_str(), "demo.test");
    assert_eq!(house.actors.forwarded_from(&path), Some(address("bob@b.test")));
    let (_, leaving) = forwards(&house, house.from("", "x\r\n", alice).await).await;
    assert_eq!(leaving[0].mail_from, MailFrom::Null, "a report stays one");
}

#[actix_rt::test]
async fn d6_what_comes_back_junk_and_what_has_no_way_stays() {
    let (house, alice) = forwarding_outside().await;
    let back = house.from("bob@b.test", "Delivered-To: alice@demo.test\r\n\r\nx\r\n", alice).await;
    assert_eq!(forwards(&house, back).await, (vec![to(alice)], vec![]));
    let mut junk = house.from("bob@b.test", "\r\nx\r\n", alice).await;
    junk.judged.junk = true;
    assert_eq!(forwards(&house, junk).await, (vec![to(alice)], vec![]));
    let House { actors, settings, clock, dir } = house;
    let store = actors.store().clone();
    drop(actors);
    let house = House::on(store, clock, Settings { courier: None, ..settings }, dir).await;
    let letter = house.from("bob@b.test", "\r\nx\r\n", alice).await;
    assert_eq!(forwards(&house, letter).await, (vec![to(alice)], vec![]));
    let oneself = house.set("alice@demo.test", "forward", "alice+x@demo.test").await;
    assert!(oneself.expect_err("a loop").contains("own address"));
}

#[actix_rt::test]
async fn rfc_3461_6_2_7_what_was_asked_goes_on_to_one_address_alone() {
    let (house, alice) = forwarding_outside().await;
    let notify = Notify { success: true, failure: false, delay: false };
    let terms = RcptTerms { notify: Some(notify), orcpt: Some("rfc822;x@y.test".into()) };
    let asked = async || {
        let mut letter = house.from("bob@b.test", "\r\nx\r\n", alice).await;
        letter.locals[0].terms = terms.clone();
        forwards(&house, letter).await
    };
    assert_eq!(asked().await.1[0].terms, terms);
    house.set("alice@demo.test", "forward-keep", "on").await.expect("a setting");
    let (locals, leaving) = asked().await;
    assert_eq!(locals[0].terms, terms, "the copy here is reported");
    let quiet = Notify { success: false, ..notify };
    assert_eq!(leaving[0].terms, RcptTerms { notify: Some(quiet), ..terms.clone() });
}

#[actix_rt::test]
async fn a9_an_account_that_is_not_in_use_sends_nothing_on() {
    let (house, alice) = forwarding_outside().await;
    let goes = async || forwards(&house, house.from("bob@b.test", "\r\nx\r\n", alice).await).await.1.len();
    assert_eq!(goes().await, 1);
    for (status, expected) in [(Status::Inactive, 0), (Status::Suspended, 0), (Status::Active, 1)] {
        house.admin(AdminRequest::SetStatus { address: "alice@demo.test".into(), status }).await;
        assert_eq!(goes().await, expected, "{status:?}");
    }
}

#[actix_rt::test]
async fn d6_an_address_that_fails_for_days_gets_nothing_more_and_the_user_is_told() {
    let (house, alice) = forwarding_outside().await;
    let count = house.letters(alice).await.len();
    for day in 1..=5 {
        let goes = forwards(&house, house.from("bob@b.test", "\r\nx\r\n", alice).await).await.1.len();
        assert_eq!(goes, 1, "day {day}");
        house.actors.forward_failed(alice, &address("Alice@OUT.test")).await;
        house.advance(DAY);
    }
    let (locals, leaving) = forwards(&house, house.from("bob@b.test", "\r\nx\r\n", alice).await).await;
    assert_eq!((locals.len(), leaving.len()), (1, 0));
    house.actors.deliver_notices().await;
    let told = house.letters(alice).await;
    assert_eq!(told.len(), count + 1);
    assert!(told[count].contains("Subject: forwarding-stopped"), "{}", told[count]);
    house.clean();
}

/// What waits to leave: from whom, to whom, and what stands in front of it.
async fn queued(house: &House) -> Vec<(String, String, String)> {
    let read = |view: &postern_storage::View<'_>| {
        let mut found = Vec::new();
        for key in view.keys(&keys::whole_queue(), usize::MAX)? {
            let Some((id, Some(domain))) = keys::parse_queue(&key) else { continue };
            let (envelope, part) = (view.get(&keys::queued(id))?, view.get(&keys::consignment(id, &domain))?);
            found.extend(envelope.zip(part));
        }
        Ok(found)
    };
    let found = house.actors.store().read(read).await.expect("readable");
    let shown = |(envelope, part): (postern_model::record::Queued, postern_model::record::Consignment)| {
        let front = String::from_utf8(envelope.front).expect("text");
        (envelope.mail_from, part.recipients[0].address.clone(), front)
    };
    found.into_iter().map(shown).collect()
}

#[actix_rt::test]
async fn d6_a_letter_that_goes_on_is_in_the_queue_and_a_report_on_it_finds_its_sender() {
    let (house, alice) = forwarding_outside().await;
    let letter = house.from("bob@b.test", "\r\nx\r\n", alice).await;
    assert_eq!(house.actors.accept(letter).await, Ok(vec![Ok(())]), "a verdict on who it was for");
    let waiting = queued(&house).await;
    let [(path, to, front)] = &waiting[..] else { panic!("{waiting:?}") };
    assert_eq!((&to[..], &front[..]), ("alice@out.test", "Delivered-To: alice@demo.test\r\n"));
    // Whoever has it there sends a report to that path.
    let path = address(path);
    assert_eq!(house.actors.route(&path, false).await, Ok(crate::order::Route::Elsewhere));
    let mut report = house.from("", "report\r\n", alice).await;
    report.locals.clear();
    report.remotes.push(crate::order::RemoteRcpt { address: path.clone(), terms: RcptTerms::default() });
    house.actors.accept(report).await.expect("accepted");
    let waiting = queued(&house).await;
    assert_eq!(waiting[1], (String::new(), "bob@b.test".to_owned(), String::new()));
    // Who has not been written to under that path can't be.
    let forged = address(&path.to_string().replace("=bob@", "=eve@"));
    assert_eq!(house.actors.route(&forged, false).await, Err(Refusal::NoSuchMailbox));
    house.clean();
}

#[actix_rt::test]
async fn rfc_3461_6_2_7_3_who_sends_on_to_several_is_reported_as_expanded() {
    let (house, alice) = forwarding_outside().await;
    let (bob, carol) = (house.account("bob@demo.test").await, house.account("carol@demo.test").await);
    let both = "alice@out.test,bob@demo.test";
    house.set("alice@demo.test", "forward", both).await.expect("asked");
    let request = house.letters(bob).await.pop().expect("bob was asked");
    let word = request.trim_end().lines().last().expect("a word");
    house.set("alice@demo.test", "forward-confirm", word).await.expect("confirmed");
    let mut letter = house.from("carol@demo.test", "\r\nx\r\n", alice).await;
    letter.locals[0].terms.notify = Some(Notify { success: true, failure: true, delay: false });
    house.actors.accept(letter).await.expect("accepted");
    let told = house.letters(carol).await;
    assert!(told.len() == 1 && told[0].contains("Expanded"), "{told:?}");
    assert_eq!(house.letters(bob).await.len(), 2);
    house.clean();
}
