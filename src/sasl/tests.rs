use std::sync::LazyLock;

use hmac::{Hmac, KeyInit as _, Mac as _};
use postern_actors::order::CredentialRef;
use postern_model::AppPasswordId;
use postern_model::record::ScramKeys;
use proptest::prelude::*;
use sha2::{Digest as _, Sha256};

use super::*;

const SERVER_NONCE: &str = "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
const CLIENT_FIRST: &str = "n,,n=user,r=rOprNGfwEbeRWgbNEkqO";
const SERVER_FIRST: &str =
    "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096";
const CLIENT_FINAL: &str = "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=";
const SERVER_FINAL: &str = "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=";

fn hmac(key: &[u8], message: &[u8]) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("any length will do");
    mac.update(message);
    mac.finalize().into_bytes().into()
}

/// Hi(password, salt, 4096) of RFC 7677's example, by PBKDF2's definition (RFC 5802 §2.2).
fn salted(password: &str) -> [u8; 32] {
    let mut block = hmac(password.as_bytes(), &[SALT, &[0, 0, 0, 1]].concat());
    let mut sum = block;
    for _ in 1..4096 {
        block = hmac(password.as_bytes(), &block);
        sum.iter_mut().zip(block).for_each(|(s, b)| *s ^= b);
    }
    sum
}

const SALT: &[u8] =
    &[0x5b, 0x6d, 0x99, 0x68, 0x9d, 0x12, 0x35, 0x8e, 0xec, 0xa0, 0x4b, 0x14, 0x12, 0x36, 0xfa, 0x81];

fn keys_of(password: &str) -> ScramKeys {
    let salted = salted(password);
    ScramKeys {
        stored_key: Sha256::digest(hmac(&salted, b"Client Key")).into(),
        server_key: hmac(&salted, b"Server Key"),
        iterations: 4096,
    }
}

fn candidates(passwords: &[(CredentialRef, &str)]) -> ScramCandidates {
    let keys = passwords.iter().map(|(credential, password)| (*credential, keys_of(password))).collect();
    ScramCandidates { salt: SALT.to_vec(), iterations: 4096, keys }
}

fn pencil() -> ScramCandidates {
    static PENCIL: LazyLock<ScramCandidates> =
        LazyLock::new(|| candidates(&[(CredentialRef::Account, "pencil")]));
    PENCIL.clone()
}

fn tls(exporter: Option<[u8; 32]>) -> TlsInfo {
    TlsInfo { version: "TLSv1.3", cipher: "TLS13_AES_128_GCM_SHA256", exporter, server_name: None }
}

fn scram(plus: bool, exporter: Option<[u8; 32]>) -> Exchange {
    Exchange { state: State::Scram(Box::new(scram::Server::new(plus, exporter, SERVER_NONCE.to_owned()))) }
}

fn challenge(next: Next) -> String {
    match next {
        Next::Challenge(bytes) => String::from_utf8(bytes).expect("SCRAM is text"),
        Next::NeedKeys { .. } => panic!("asked for keys"),
        Next::Done(_) => panic!("done"),
        Next::Malformed(why) => panic!("malformed: {why}"),
    }
}

fn malformed(next: &Next) -> bool {
    matches!(next, Next::Malformed(_))
}

fn matched(next: Next) -> Option<CredentialRef> {
    match next {
        Next::Done(Proof::Scram { matched, .. }) => matched,
        _ => panic!("no SCRAM proof"),
    }
}

fn password(next: Next) -> (String, String) {
    match next {
        Next::Done(Proof::Password { user, password }) => (user, password.to_string()),
        Next::Malformed(why) => panic!("malformed: {why}"),
        _ => panic!("no password"),
    }
}

/// A client-final-message with a right proof for whatever it says.
fn client_final(secret: &str, first_bare: &str, server_first: &str, without_proof: &str) -> String {
    let auth_message = format!("{first_bare},{server_first},{without_proof}");
    let client_key = hmac(&salted(secret), b"Client Key");
    let mut proof = hmac(&Sha256::digest(client_key), auth_message.as_bytes());
    proof.iter_mut().zip(client_key).for_each(|(p, k)| *p ^= k);
    format!("{without_proof},p={}", encode(&proof))
}

#[test]
fn names_are_read_in_any_case() {
    assert_eq!(Mechanism::parse("scram-sha-256-plus"), Some(Mechanism::ScramSha256Plus));
    assert_eq!(Mechanism::parse("Plain"), Some(Mechanism::Plain));
    assert_eq!(Mechanism::parse("CRAM-MD5"), None);
}

#[test]
fn what_is_announced_depends_on_the_connection() {
    use Mechanism::{Login, Plain, ScramSha256, ScramSha256Plus};
    let bound = tls(Some([7; 32]));
    let unbound = tls(None);
    assert_eq!(offered(Some(&bound), false, true), [ScramSha256Plus, ScramSha256, Plain, Login]);
    assert_eq!(offered(Some(&unbound), false, true), [ScramSha256, Plain, Login]);
    assert_eq!(offered(Some(&bound), false, false), [Plain, Login]);
    assert_eq!(offered(None, false, true), [], "SPEC P4: no AUTH before TLS");
    assert_eq!(offered(None, true, true), [ScramSha256, Plain, Login]);
}

#[test]
fn plain_is_taken_at_once_or_after_an_empty_challenge() {
    let (_, next) = Exchange::start(Mechanism::Plain, None, Some(b"\0tim@demo.test\0tanstaaftanstaaf"));
    assert_eq!(password(next), ("tim@demo.test".into(), "tanstaaftanstaaf".into()));
    let (mut exchange, next) = Exchange::start(Mechanism::Plain, None, None);
    assert_eq!(challenge(next), "");
    let next = exchange.respond("Tim@demo.test\0tim@demo.test\0pässword".as_bytes());
    assert_eq!(password(next), ("tim@demo.test".into(), "pässword".into()));
}

#[test]
fn plain_that_breaks_rfc_4616_is_malformed() {
    let cases: [&[u8]; 9] = [
        b"",
        b"tim",
        b"\0tim",
        b"\0tim\0",
        b"\0\0secret",
        b"\0tim\0sec\0ret",
        b"\0tim\0\xff\xfe",
        b"ursel\0kurt\0xipj3plmq",
        b"\0tim\0secret\0",
    ];
    for case in cases {
        let (_, next) = Exchange::start(Mechanism::Plain, None, Some(case));
        assert!(malformed(&next), "{case:?}");
    }
}

#[test]
fn login_asks_for_the_name_and_the_password() {
    let (mut exchange, next) = Exchange::start(Mechanism::Login, None, None);
    assert_eq!(challenge(next), "Username:");
    assert_eq!(challenge(exchange.respond(b"tim@demo.test")), "Password:");
    assert_eq!(password(exchange.respond(b"secret")), ("tim@demo.test".into(), "secret".into()));
    assert!(malformed(&exchange.respond(b"again")));
}

#[test]
fn login_takes_the_name_as_initial_response() {
    let (mut exchange, next) = Exchange::start(Mechanism::Login, None, Some(b"tim@demo.test"));
    assert_eq!(challenge(next), "Password:");
    assert!(malformed(&exchange.respond(b"")));
}

/// RFC 7677 §3.
#[test]
fn the_example_of_rfc_7677_runs() {
    let mut exchange = scram(false, None);
    let next = exchange.respond(CLIENT_FIRST.as_bytes());
    assert!(matches!(next, Next::NeedKeys { user } if user == "user"));
    assert_eq!(challenge(exchange.keys(pencil())), SERVER_FIRST);
    assert_eq!(challenge(exchange.respond(CLIENT_FINAL.as_bytes())), SERVER_FINAL);
    assert_eq!(matched(exchange.respond(b"")), Some(CredentialRef::Account));
    assert!(malformed(&exchange.respond(b"")), "the exchange is over");
}

/// Runs the example with `client_final` in the place of its own.
fn example_with(client_final: &str, candidates: ScramCandidates) -> Next {
    let mut exchange = scram(false, None);
    exchange.respond(CLIENT_FIRST.as_bytes());
    exchange.keys(candidates);
    exchange.respond(client_final.as_bytes())
}

#[test]
fn a_wrong_password_ends_in_a_proof_that_matches_nothing() {
    let wrong = candidates(&[(CredentialRef::Account, "crayon")]);
    assert_eq!(matched(example_with(CLIENT_FINAL, wrong)), None);
    let nobody = ScramCandidates { salt: SALT.to_vec(), iterations: 4096, keys: Vec::new() };
    assert_eq!(matched(example_with(CLIENT_FINAL, nobody)), None);
}

#[test]
fn a_proof_is_tried_against_every_password() {
    let app = CredentialRef::App(AppPasswordId(4));
    let several = candidates(&[(CredentialRef::Account, "crayon"), (app, "pencil")]);
    let mut exchange = scram(false, None);
    exchange.respond(CLIENT_FIRST.as_bytes());
    exchange.keys(several);
    assert_eq!(challenge(exchange.respond(CLIENT_FINAL.as_bytes())), SERVER_FINAL);
    assert_eq!(matched(exchange.respond(b"")), Some(app));
}

#[test]
fn keys_of_another_iteration_count_never_match() {
    let mut candidates = pencil();
    candidates.keys[0].1.iterations = 5000;
    assert_eq!(matched(example_with(CLIENT_FINAL, candidates)), None);
}

#[test]
fn a_tampered_final_message_matches_nothing() {
    let bare = "n=user,r=rOprNGfwEbeRWgbNEkqO";
    let nonce = "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
    let signed = |without: &str| client_final("pencil", bare, SERVER_FIRST, without);
    assert_eq!(signed(&format!("c=biws,{nonce}")), CLIENT_FINAL, "the helper makes the RFC's own proof");
    let cases = [
        ("another flag in c=", signed(&format!("c=eSws,{nonce}"))),
        ("a binding that is not there", signed(&format!("c=biwsAAAA,{nonce}"))),
        ("c= is no base64", signed(&format!("c=?,{nonce}"))),
        ("a nonce with more behind it", signed(&format!("c=biws,{nonce}x"))),
        ("a nonce cut short", signed(&format!("c=biws,{}", &nonce[..nonce.len() - 1]))),
        ("the client's nonce alone", signed("c=biws,r=rOprNGfwEbeRWgbNEkqO")),
        ("the proof of another message", CLIENT_FINAL.replacen("p=dH", "p=eH", 1)),
    ];
    for (what, message) in cases {
        assert_eq!(matched(example_with(&message, pencil())), None, "{what}");
    }
}

#[test]
fn an_extension_in_the_final_message_is_signed_and_ignored() {
    let without = "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,x=1";
    let message = client_final("pencil", "n=user,r=rOprNGfwEbeRWgbNEkqO", SERVER_FIRST, without);
    assert!(challenge(example_with(&message, pencil())).starts_with("v="));
}

#[test]
fn a_malformed_final_message_is_named() {
    for message in [
        "",
        "c=biws",
        "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0",
        "r=x,c=biws,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
        "c=biws,r=x,p=short",
        "c=biws,r=x,p=AAAA",
        ",p=",
    ] {
        assert!(malformed(&example_with(message, pencil())), "{message}");
    }
}

#[test]
fn a_malformed_first_message_is_named() {
    for message in [
        "",
        "n",
        "n,,",
        "n,,n=user",
        "n,,n=,r=abc",
        "n,,r=abc,n=user",
        "n,,n=user,r=",
        "n,,n=user,r=a b",
        "n,,n=us=er,r=abc",
        "n,,n=user=2,r=abc",
        "n,,m=ext,n=user,r=abc",
        "n,a=other,n=user,r=abc",
        "n,b=user,n=user,r=abc",
        "x,,n=user,r=abc",
        "p=tls-exporter,,n=user,r=abc",
    ] {
        assert!(malformed(&scram(false, None).respond(message.as_bytes())), "{message}");
    }
    assert!(malformed(&scram(false, None).respond(b"n,,n=us\xffer,r=abc")));
    let endless = format!("n,,n=user,r={}", "a".repeat(5000));
    assert!(malformed(&scram(false, None).respond(endless.as_bytes())));
}

#[test]
fn a_name_is_decoded_and_may_be_repeated_as_authzid() {
    let next = scram(false, None).respond(b"n,a=a=2Cb=3Dc@demo.test,n=a=2Cb=3Dc@demo.test,r=abc");
    assert!(matches!(next, Next::NeedKeys { user } if user == "a,b=c@demo.test"));
}

/// RFC 5802 §6: a `y` where PLUS was announced means that somebody took it out of the list.
#[test]
fn a_downgrade_is_noticed() {
    assert!(malformed(&scram(false, Some([7; 32])).respond(b"y,,n=user,r=abc")));
    assert!(matches!(scram(false, None).respond(b"y,,n=user,r=abc"), Next::NeedKeys { .. }));
    assert!(matches!(scram(false, Some([7; 32])).respond(b"n,,n=user,r=abc"), Next::NeedKeys { .. }));
}

/// Runs SCRAM-SHA-256-PLUS on a connection bound to `server`, for a client that sees `client`.
fn plus(server: [u8; 32], client: [u8; 32]) -> Next {
    let mut exchange = scram(true, Some(server));
    exchange.respond(b"p=tls-exporter,,n=user,r=rOprNGfwEbeRWgbNEkqO");
    let server_first = challenge(exchange.keys(pencil()));
    let binding = encode(&[&b"p=tls-exporter,,"[..], &client].concat());
    let without = format!("c={binding},r=rOprNGfwEbeRWgbNEkqO{SERVER_NONCE}");
    let message = client_final("pencil", "n=user,r=rOprNGfwEbeRWgbNEkqO", &server_first, &without);
    exchange.respond(message.as_bytes())
}

#[test]
fn plus_holds_on_the_same_connection_alone() {
    assert!(challenge(plus([7; 32], [7; 32])).starts_with("v="));
    assert_eq!(matched(plus([7; 32], [8; 32])), None, "somebody sits in between");
}

#[test]
fn plus_insists_on_tls_exporter() {
    for flag in ["n", "y", "p=tls-unique", "p=tls-server-end-point", "p="] {
        let message = format!("{flag},,n=user,r=abc");
        assert!(malformed(&scram(true, Some([7; 32])).respond(message.as_bytes())), "{flag}");
    }
    assert!(malformed(&scram(true, None).respond(b"p=tls-exporter,,n=user,r=abc")));
}

#[test]
fn nonces_differ() {
    let first = |exchange: &mut Exchange| {
        exchange.respond(CLIENT_FIRST.as_bytes());
        challenge(exchange.keys(pencil()))
    };
    let (mut one, _) = Exchange::start(Mechanism::ScramSha256, None, None);
    let (mut other, _) = Exchange::start(Mechanism::ScramSha256, None, None);
    assert_ne!(first(&mut one), first(&mut other));
}

proptest! {
    /// No bytes make an exchange panic or succeed.
    #[test]
    fn any_bytes_are_answered(messages in proptest::collection::vec(any::<Vec<u8>>(), 0..4)) {
        for mechanism in [Mechanism::Plain, Mechanism::Login, Mechanism::ScramSha256, Mechanism::ScramSha256Plus] {
            let (mut exchange, _) = Exchange::start(mechanism, Some(&tls(Some([1; 32]))), None);
            for message in &messages {
                if let Next::NeedKeys { .. } = exchange.respond(message) {
                    exchange.keys(pencil());
                }
            }
        }
        for message in &messages {
            for prefix in ["c=biws,r=", "c=biws,r=a,p=", ""] {
                let text = [prefix.as_bytes(), message].concat();
                let mut exchange = scram(false, None);
                exchange.respond(CLIENT_FIRST.as_bytes());
                exchange.keys(pencil());
                prop_assert!(!matches!(exchange.respond(&text), Next::Challenge(_)));
            }
        }
    }
}
