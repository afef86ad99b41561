use std::sync::{Arc, Mutex};

use postern_actors::courier::{Courier as _, Fate, Local};
use postern_model::record::{MailTerms, Queued};
use zeroize::Zeroizing;

use super::super::journal::{TlsEntry, TlsFaultKind, TlsJournal};
use super::super::route::{Hop, TlsDemand};
use super::super::seal::Seal;
use super::super::{Client, Login, Options};
use super::fake::{Certificate, Fake, LETTER, SENT, Sender, carry, clear, domain, options};

#[derive(Debug, Default)]
struct Journal(Mutex<Vec<Result<(), TlsFaultKind>>>);

impl TlsJournal for Journal {
    fn note(&self, entry: &TlsEntry<'_>) {
        let outcome = entry.outcome.clone().map_err(|fault| fault.kind);
        self.0.lock().expect("a journal").push(outcome);
    }
}

const STARTTLS: &str = "S: 220 mx\nC: EHLO us.test\nS: 250-mx\nS: 250 STARTTLS\nC: STARTTLS\n";
const ENCRYPTED: &str = "S: 220 mx\nC: EHLO us.test\nS: 250-mx\nS: 250 STARTTLS\nC: STARTTLS\nS: 220 go\nTLS\n\
                         C: EHLO us.test\n";
const REST: &str = "C: MAIL FROM:<a@us.test>\nS: 250 ok\nC: RCPT TO:<x@b.test>\nS: 250 ok\nC: DATA\n\
                    S: 354 go\nD:\nS: 250 ok\nWANT";

fn verified(names: &[&str], enforced: bool) -> TlsDemand {
    TlsDemand::Verified { names: names.iter().map(|&name| name.to_owned()).collect(), enforced }
}

#[tokio::test]
async fn what_is_demanded_of_tls_holds() {
    use TlsFaultKind::{HostMismatch, NotTrusted, StarttlsNotSupported, Validation};
    let sender = Sender::with(LETTER).await;
    let encrypted = format!("{ENCRYPTED}S: 250 mx\n{REST}");
    let clear = format!("S: 220 mx\nC: EHLO us.test\nS: 250 mx\n{REST}");
    let failing = format!("{STARTTLS}S: 220 go\nRAW: this is no TLS\\r\\nnot at all\\r\\n\nWANT");
    let refusing = format!("{STARTTLS}S: 454 4.7.0 not now\n{REST}");
    let injecting = format!("{STARTTLS}RAW: 220 go\\r\\n250 injected\\r\\n\nWANT");
    let broken = format!("{STARTTLS}S: 220 go\nTLS");
    let (ours, other) = (verified(&["mx.b.test"], true), verified(&["mx.c.test"], true));
    let sent = "relayed 250 2.0.0 ok Good";
    for (n, (demand, trusted, scripts, said, noted)) in [
        (TlsDemand::Opportunistic, false, vec![&encrypted], sent, vec![Ok(())]),
        (TlsDemand::Opportunistic, false, vec![&clear], sent, vec![Err(StarttlsNotSupported)]),
        (TlsDemand::Opportunistic, false, vec![&refusing], sent, vec![Err(StarttlsNotSupported)]),
        (TlsDemand::Opportunistic, false, vec![&failing, &clear], sent, vec![Err(Validation)]),
        (TlsDemand::Opportunistic, false, vec![&injecting, &clear], sent, vec![Err(Validation)]),
        (TlsDemand::Never, false, vec![&clear], sent, vec![]),
        (ours.clone(), true, vec![&encrypted], sent, vec![Ok(())]),
        (verified(&["mx.c.test", "mx.b.test"], true), true, vec![&encrypted], sent, vec![Ok(())]),
        (ours.clone(), false, vec![&broken], "4.7.5", vec![Err(NotTrusted)]),
        (other, true, vec![&broken], "4.7.5", vec![Err(HostMismatch)]),
        (ours.clone(), true, vec![&failing], "4.7.5", vec![Err(Validation)]),
        (ours, true, vec![&clear], "4.7.5", vec![Err(StarttlsNotSupported)]),
        (verified(&["mx.c.test"], false), true, vec![&encrypted], sent, vec![Err(HostMismatch)]),
    ]
    .into_iter()
    .enumerate()
    {
        let certificate = Certificate::new("mx.b.test");
        let scripts: Vec<&str> = scripts.into_iter().map(String::as_str).collect();
        let fake = Fake::with_certificate(&scripts, &certificate).await;
        let journal = Arc::new(Journal::default());
        let mut options = options(vec![Hop { tls: demand, ..fake.hop() }]);
        options.journal = journal.clone();
        if trusted {
            options.roots = certificate.roots();
        }
        let told = carry(options, &sender.parcel(&["x@b.test"], MailTerms::default())).await.join(" ");
        assert!(told == said || told.starts_with(&format!("deferred - {said} TLS: ")), "{n}: {told}");
        assert_eq!(*journal.0.lock().expect("a journal"), noted, "{n}: {told}");
    }
}

#[tokio::test]
async fn requiretls_goes_to_who_is_verified_and_knows_it() {
    let certificate = Certificate::new("mx.b.test");
    let script = format!(
        "{ENCRYPTED}S: 250-mx\nS: 250 REQUIRETLS\n{}",
        REST.replace("<a@us.test>", "<a@us.test> REQUIRETLS")
    );
    let fake = Fake::with_certificate(&[&script], &certificate).await;
    let mut options = options(vec![Hop { tls: verified(&["mx.b.test"], true), ..fake.hop() }]);
    options.roots = certificate.roots();
    let sender = Sender::with(LETTER).await;
    let terms = MailTerms { require_tls: true, ..MailTerms::default() };
    let parcel = sender.parcel(&["x@b.test"], terms);
    let mut trip = Client::new(options).set_out(&domain());
    let carried = trip.carry(&parcel).await;
    trip.end().await;
    let Fate::Relayed { attempt, .. } = &carried.fates[0] else { panic!("{carried:?}") };
    let tls = attempt.tls.as_deref().expect("TLS");
    assert!(tls.starts_with("TLSv1.3 TLS_"), "{tls}");
    assert_eq!(attempt.remote, Some(format!("mx.b.test [127.0.0.1]:{}", fake.port)));
    assert_eq!(fake.letters().await, [SENT]);
}

fn login() -> Option<Login> {
    Some(Login { user: "user".into(), password: Zeroizing::new("pencil".into()) })
}

async fn log_in(options: Options, fake: Fake) -> String {
    let sender = Sender::with(LETTER).await;
    let parcel = sender.parcel(&["x@b.test"], MailTerms::default());
    let told = carry(Options { login: login(), ..options }, &parcel).await;
    fake.letters().await;
    told.join(" ")
}

#[tokio::test]
async fn a_relay_wants_to_know_who_we_are() {
    let certificate = Certificate::new("relay.test");
    let plain = "S: 250-mx\nS: 250 AUTH LOGIN PLAIN\nC: AUTH PLAIN AHVzZXIAcGVuY2ls\n";
    for (script, said) in [
        (format!("{plain}S: 235 2.7.0 welcome\n{REST}"), "relayed 250 2.0.0 ok Good"),
        (format!("{plain}S: 535 5.7.8 who?"), "deferred 535 4.7.8 who? (to the login) Bad"),
        (
            format!(
                "S: 250-mx\nS: 250 AUTH LOGIN\nC: AUTH LOGIN\nS: 334 VXNlcm5hbWU6\nC: dXNlcg==\n\
                 S: 334 UGFzc3dvcmQ6\nC: cGVuY2ls\nS: 235 ok\n{REST}"
            ),
            "relayed 250 2.0.0 ok Good",
        ),
        (
            "S: 250-mx\nS: 250 AUTH GSSAPI".to_owned(),
            "deferred - 4.7.0 no login: the server offers no login that is known here Bad",
        ),
    ] {
        let script = format!("TLS\nS: 220 mx\nC: EHLO us.test\n{script}");
        let fake = Fake::with_certificate(&[&script], &certificate).await;
        let hop = Hop { implicit_tls: true, tls: verified(&["relay.test"], true), ..fake.hop() };
        let options = Options { roots: certificate.roots(), ..options(vec![hop]) };
        assert_eq!(log_in(options, fake).await, said, "{script}");
    }
}

#[tokio::test]
async fn a_password_is_not_told_to_strangers() {
    let script = format!("{ENCRYPTED}S: 250-mx\nS: 250 AUTH PLAIN\nWANT");
    let fake = Fake::start(&[&script]).await;
    let told = log_in(options(vec![fake.hop()]), fake).await;
    assert_eq!(told, "deferred - 4.7.0 no login: the server is not known for sure Bad");
    let script = format!(
        "S: 220 mx\nC: EHLO us.test\nS: 250-mx\nS: 250 AUTH PLAIN\nC: AUTH PLAIN AHVzZXIAcGVuY2ls\nS: 235 ok\n{REST}"
    );
    let fake = Fake::start(&[&script]).await;
    assert_eq!(log_in(options(vec![clear(&fake)]), fake).await, "relayed 250 2.0.0 ok Good");
}

#[derive(Debug)]
struct Signer;

impl Seal for Signer {
    fn signature<'a>(&'a self, _: &'a Queued, octets: &'a [u8]) -> Local<'a, Vec<u8>> {
        Box::pin(async move { format!("X-Signed: {}\r\n", String::from_utf8_lossy(octets).len()).into() })
    }
}

/// What is signed is what is sent, with its line ends mended and our fields in front.
#[tokio::test]
async fn letters_are_signed_as_they_leave() {
    let fake = Fake::start(&[&format!("S: 220 mx\nC: EHLO us.test\nS: 250 mx\n{REST}")]).await;
    let options = Options { seal: Some(Arc::new(Signer)), ..options(vec![clear(&fake)]) };
    let sender = Sender::with("Return-Path: <>\r\nA: b\r\n\r\nc\nd").await;
    let mut parcel = sender.parcel(&["x@b.test"], MailTerms::default());
    Arc::get_mut(&mut parcel.envelope).expect("ours").front = b"Front: 1\r\n".to_vec();
    assert_eq!(carry(options, &parcel).await, ["relayed 250 2.0.0 ok", "Good"]);
    assert_eq!(fake.letters().await, ["X-Signed: 24\r\nFront: 1\r\nA: b\r\n\r\nc\r\nd\r\n"]);
}
