//! rspamd's actions, and filters that give none.

use super::servers::{Http, json, status};
use super::*;

async fn rspamd(answer: &str) -> (Http, String) {
    let http = Http::new(vec![json(answer)]).await;
    let place = format!("rspamd:{}", http.url);
    (http, place)
}

async fn action(answer: &str, visit: &Visit) -> Action {
    ask(&rspamd(answer).await.1, visit, LETTER).await.action
}

#[actix_rt::test]
async fn each_action_has_its_verdict() {
    let words = r#","messages":{"smtp_message":"Spam\r\n250 found"}}"#;
    for (name, outside, own) in [
        ("no action", Action::Accept, Action::Accept),
        ("greylist", refused(false, Some("Spam 250 found")), Action::Accept),
        ("add header", Action::Junk, Action::Accept),
        ("rewrite subject", Action::Junk, Action::Accept),
        ("soft reject", refused(false, Some("Spam 250 found")), refused(false, Some("Spam 250 found"))),
        ("reject", refused(true, Some("Spam 250 found")), refused(true, Some("Spam 250 found"))),
        ("quarantine", Action::Quarantine, Action::Quarantine),
        ("discard", Action::Discard, Action::Discard),
        ("an action of the operator's", Action::Accept, Action::Accept),
    ] {
        let answer = format!(r#"{{"action":"{name}"{words}"#);
        assert_eq!(action(&answer, &visit()).await, outside, "{name}");
        assert_eq!(action(&answer, &own_visit()).await, own, "{name} for an own user");
    }
    let with_block = r#"{"action":"reject","milter":{"reject":"discard"}}"#;
    assert_eq!(action(with_block, &visit()).await, Action::Discard);
}

#[actix_rt::test]
async fn rspamd_is_told_who_and_what() {
    let (http, place) = rspamd(r#"{"action":"no action"}"#).await;
    let mut screen = screen(&[place]);
    screen.password = Some(postern_actors::admin::Secret(zeroize::Zeroizing::new("q1".to_owned())));
    chain(&screen).judge(&own_visit(), LETTER, "").await;
    let (head, body) = http.heard().remove(0);
    assert!(head.starts_with("POST /checkv2 HTTP/1.1\r\n"), "{head}");
    for field in [
        "ip: 192.0.2.7",
        "helo: mail.example.org",
        "from: <eve@example.org>",
        "rcpt: <alice@demo.test>",
        "rcpt: <bob@demo.test>",
        "user: 2a",
        "queue-id: abc",
        "tls-version: TLSv1.3",
        "tls-cipher: TLS_AES_128_GCM_SHA256",
        "mta-name: mx.demo.test",
        "password: q1",
    ] {
        assert!(head.lines().any(|line| line == field), "{field} in {head}");
    }
    assert_eq!(body, LETTER);
    assert!(!format!("{screen:?}").contains("q1"), "a password is never shown");
}

#[actix_rt::test]
async fn what_is_no_answer_lets_the_letter_pass_unchanged() {
    let large = format!(r#"{{"action":"reject","x":"{}"}}"#, "x".repeat(1 << 20));
    for answer in [
        json(""),
        json("reject"),
        json("[]"),
        json(r#"{"action":7}"#),
        json(&large),
        json(r#"{"action":"no action","milter":{"add_headers":{"a b":"c"}}}"#),
        status(500, r#"{"action":"reject"}"#),
        status(403, r#"{"action":"reject"}"#),
        b"HTTP/1.1 302 X\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n".to_vec(),
        b"HTTP/1.1 200 X\r\nContent-Length: 100\r\n\r\n{\"action\"".to_vec(),
        b"220 not http at all\r\n".to_vec(),
        Vec::new(),
    ] {
        let http = Http::new(vec![answer.clone()]).await;
        let shown = String::from_utf8_lossy(&answer[..answer.len().min(80)]).into_owned();
        let mut screen = screen(&[format!("rspamd:{}", http.url)]);
        assert_eq!(chain(&screen).judge(&visit(), LETTER, "").await, Opinion::default(), "{shown}");
        screen.fail_defers = true;
        assert_eq!(chain(&screen).judge(&visit(), LETTER, "").await.action, Action::Defer, "{shown}");
    }
}

#[actix_rt::test]
async fn a_filter_that_hangs_is_left_after_its_time() {
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = silent.local_addr().expect("it has one");
    for place in [format!("rspamd:http://{address}"), format!("milter:inet:{address}")] {
        let screen = Screen { timeout: Duration::from_millis(20), ..screen(&[place]) };
        assert_eq!(chain(&screen).judge(&visit(), LETTER, "").await, Opinion::default());
    }
}

#[actix_rt::test]
async fn a_filter_that_fails_again_and_again_is_not_asked_for_a_while() {
    let http = Http::new(vec![status(500, "")]).await;
    let chain = chain(&screen(&[format!("rspamd:{}", http.url)]));
    for _ in 0..10 {
        chain.judge(&visit(), LETTER, "").await;
    }
    assert_eq!(http.heard().len(), 3);
}

#[actix_rt::test]
async fn filters_see_what_those_before_them_changed_and_the_first_refusal_stands() {
    let first = r#"{"action":"add header","milter":{"add_headers":{"X-One":"1"}}}"#;
    let (_first, one) = rspamd(first).await;
    let (second, two) = rspamd(r#"{"action":"no action","milter":{"remove_headers":{"X-One":0}}}"#).await;
    let opinion = chain(&screen(&[one.clone(), two])).judge(&visit(), LETTER, "").await;
    let seen = String::from_utf8(second.heard().remove(0).1).expect("text");
    assert!(seen.contains("X-One: 1\r\n") && !seen.contains("X-Spam-Status"), "{seen}");
    assert_eq!(opinion.action, Action::Junk);
    assert!(!edited(LETTER, &opinion.edits).contains("X-One"));

    let (_second, two) = rspamd(r#"{"action":"reject"}"#).await;
    let (third, three) = rspamd(r#"{"action":"no action"}"#).await;
    let opinion = chain(&screen(&[one.clone(), two, three])).judge(&visit(), LETTER, "").await;
    assert_eq!(opinion, Opinion { action: refused(true, None), edits: Edits::default() });
    assert!(third.heard().is_empty());

    let gone = Http::new(Vec::new()).await;
    let opinion = chain(&screen(&[one, format!("rspamd:{}", gone.url)])).judge(&visit(), LETTER, "").await;
    assert_eq!(opinion.action, Action::Junk, "what one says holds where another fails");
}
