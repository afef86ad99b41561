use std::time::Duration;

use postern_actors::courier::Courier as _;
use postern_model::record::MailTerms;

use super::super::route::{Hop, TlsDemand};
use super::super::{Client, Options, Patience};
use super::fake::{Fake, LETTER, SENT, Sender, carry, clear, domain, options, told};

const SHORT: Duration = Duration::from_millis(100);

/// Waits for nothing longer than a moment.
fn impatient(options: Options) -> Options {
    let patience = Patience {
        connect: SHORT,
        greeting: SHORT,
        handshake: SHORT,
        command: SHORT,
        data: SHORT,
        block: SHORT,
        end: SHORT,
        leave: SHORT,
        letter: Patience::STANDARD.letter,
    };
    Options { patience, ..options }
}

/// How far a script goes before the trouble.
const READY: &str = "S: 220 mx\nC: EHLO us.test\nS: 250 mx\nC: MAIL FROM:<a@us.test>\n";
const AT_DATA: &str = "S: 220 mx\nC: EHLO us.test\nS: 250 mx\nC: MAIL FROM:<a@us.test>\nS: 250 ok\n\
                       C: RCPT TO:<x@b.test>\nS: 250 ok\nC: DATA\n";

async fn one(sender: &Sender, script: &str, hurried: bool) -> Vec<String> {
    let fake = Fake::start(&[script]).await;
    let parcel = sender.parcel(&["x@b.test"], MailTerms::default());
    let options = options(vec![clear(&fake)]);
    let told = carry(if hurried { impatient(options) } else { options }, &parcel).await;
    fake.letters().await;
    told
}

#[tokio::test]
async fn servers_that_misbehave() {
    let sender = Sender::with(LETTER).await;
    let long = format!("S: 220 {}", "x".repeat(3_000));
    for (script, said) in [
        ("S: 554 5.7.1 not you", ["deferred 554 4.7.1 not you (in its greeting)", "Bad"]),
        ("S: 521 no mail here", ["failed 521 5.0.0 no mail here (in its greeting)", "Bad"]),
        ("S: 421 too busy", ["deferred 421 4.0.0 too busy (in its greeting)", "Bad"]),
        (
            "S: HTTP/1.1 400 Bad Request",
            ["deferred - 4.5.0 the server answered what is no SMTP reply", "Bad"],
        ),
        ("FLOOD", ["deferred - 4.5.0 the server answered without an end", "Bad"]),
        (&long, ["deferred - 4.5.0 the server answered with a line of more than 2,048 octets", "Bad"]),
        ("RAW: 220", ["deferred - 4.4.2 the server closed the connection", "Bad"]),
        ("S: 220 mx\nC: EHLO us.test\nS: 451 later", ["deferred 451 4.0.0 later (to EHLO)", "Bad"]),
        (&format!("{READY}S: 421 4.3.2 going down"), ["deferred 421 4.3.2 going down", "Tired"]),
        (&format!("{READY}S: 451 4.3.0 later\nWANT"), ["deferred 451 4.3.0 later", "Good"]),
        (&format!("{READY}S: 552 5.3.4 too large\nWANT"), ["failed 552 5.3.4 too large", "Good"]),
        (READY, ["deferred - 4.4.2 the server closed the connection", "Tired"]),
        (&format!("{AT_DATA}S: 554 5.7.1 spam\nWANT"), ["failed 554 5.7.1 spam", "Good"]),
        (&format!("{AT_DATA}S: 451 4.7.1 grey\nWANT"), ["deferred 451 4.7.1 grey", "Good"]),
        (
            &format!("{AT_DATA}S: 250 done?"),
            ["deferred - 4.5.0 the server answered DATA with what makes no sense", "Tired"],
        ),
        (
            &format!("{AT_DATA}S: 354 go\nD:\nS: 554 5.6.0 bad letter\nWANT"),
            ["failed 554 5.6.0 bad letter", "Good"],
        ),
        (&format!("{AT_DATA}S: 354 go\nD:\nS: 452 4.3.1 full\nWANT"), ["deferred 452 4.3.1 full", "Good"]),
        (&format!("{AT_DATA}S: 354 go\nD:\nS: 354 more?\nWANT"), ["deferred 354 4.0.0 more?", "Good"]),
        (&format!("{AT_DATA}S: 354 go\nD:"), ["deferred - 4.4.2 the server closed the connection", "Tired"]),
        (&format!("{AT_DATA}S: 354 go\nD:\nS: 421 4.3.2 oh"), ["deferred 421 4.3.2 oh", "Tired"]),
    ] {
        assert_eq!(one(&sender, script, false).await, said, "{script}");
    }
}

#[tokio::test]
async fn servers_that_stall() {
    let sender = Sender::with(LETTER).await;
    for (script, said) in [
        ("STALL", ["deferred - 4.4.2 the server did not answer within 0 s", "Bad"]),
        ("RAW: 220-x\\r\\n\nSTALL", ["deferred - 4.4.2 the server did not answer within 0 s", "Bad"]),
        (&format!("{READY}STALL"), ["deferred - 4.4.2 the server did not answer within 0 s", "Tired"]),
        (
            &format!("{AT_DATA}S: 354 go\nD:\nSTALL"),
            ["deferred - 4.4.2 the server did not answer within 0 s", "Tired"],
        ),
    ] {
        assert_eq!(one(&sender, script, true).await, said, "{script}");
    }
}

#[tokio::test]
async fn a_letter_has_its_time() {
    let fake = Fake::start(&[&format!("{READY}STALL")]).await;
    let sender = Sender::with(LETTER).await;
    let parcel = sender.parcel(&["x@b.test"], MailTerms::default());
    let mut options = options(vec![clear(&fake)]);
    options.patience.letter = SHORT;
    assert_eq!(carry(options, &parcel).await, ["deferred - 4.4.1 it took more than 0 s", "Tired"]);
}

/// A server for whom a letter stands in doubt is the only one that may get it.
#[tokio::test]
async fn the_next_server_is_tried_only_while_that_is_safe() {
    let sender = Sender::with(LETTER).await;
    let taking = &format!("{AT_DATA}S: 354 go\nD:\nS: 250 second\nWANT");
    for (first, told_of, letters) in [
        ("S: 554 no".to_owned(), ["relayed 250 2.0.0 second", "Good"], 1),
        ("STALL".to_owned(), ["relayed 250 2.0.0 second", "Good"], 1),
        (READY.to_owned(), ["relayed 250 2.0.0 second", "Good"], 1),
        (format!("{READY}S: 451 later\nWANT"), ["relayed 250 2.0.0 second", "Good"], 1),
        (format!("{AT_DATA}S: 354 go\nD:\nS: 451 later\nWANT"), ["relayed 250 2.0.0 second", "Good"], 1),
        (format!("{READY}S: 550 5.1.8 who?\nWANT"), ["failed 550 5.1.8 who?", "Good"], 0),
        (
            format!("{AT_DATA}S: 354 go\nD:"),
            ["deferred - 4.4.2 the server closed the connection", "Tired"],
            0,
        ),
    ] {
        let (one, other) = (Fake::start(&[&first]).await, Fake::start(&[taking]).await);
        let parcel = sender.parcel(&["x@b.test"], MailTerms::default());
        let mut options = options(vec![clear(&one), clear(&other)]);
        options.patience.greeting = SHORT;
        assert_eq!(carry(options, &parcel).await, told_of, "{first}");
        one.letters().await;
        if letters > 0 {
            assert_eq!(other.letters().await, [SENT]);
        }
    }
}

#[tokio::test]
async fn nobody_is_there() {
    let port = {
        let socket = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        socket.local_addr().expect("an address").port()
    };
    let hop = Hop { port, tls: TlsDemand::Never, ..Hop::mx("mx.b.test", [127, 0, 0, 1].into()) };
    let sender = Sender::with(LETTER).await;
    let parcel = sender.parcel(&["x@b.test", "y@b.test"], MailTerms::default());
    let told = carry(options(vec![hop.clone(), hop]), &parcel).await;
    assert!(told[0].starts_with("deferred - 4.4.1 no connection: "), "{told:?}");
    assert_eq!((told.len(), told[2].as_str()), (3, "Bad"));
    let told = carry(options(Vec::new()), &parcel).await;
    assert_eq!(told, ["deferred - 4.4.4 no server is set", "deferred - 4.4.4 no server is set", "Bad"]);
}

/// A connection that was closed while it was idle costs nothing but another one.
#[tokio::test]
async fn a_stale_connection_is_made_anew() {
    let script = format!("{AT_DATA}S: 354 go\nD:\nS: 250 ok");
    let fake = Fake::start(&[&script, &script]).await;
    let sender = Sender::with(LETTER).await;
    let parcel = sender.parcel(&["x@b.test"], MailTerms::default());
    let mut trip = Client::new(options(vec![clear(&fake)])).set_out(&domain());
    for _ in 0..2 {
        assert_eq!(told(&trip.carry(&parcel).await), ["relayed 250 2.0.0 ok", "Good"]);
    }
    trip.end().await;
    assert_eq!(fake.letters().await, [SENT, SENT]);
}

/// Addresses that would end a command are never said.
#[tokio::test]
async fn nothing_is_injected() {
    let fake = Fake::start(&["S: 220 mx\nC: EHLO us.test\nS: 250 mx\nC: QUIT\nS: 221 bye"]).await;
    let sender = Sender::with(LETTER).await;
    let parcel = sender.parcel(&["x@b.test>\r\nDATA", ""], MailTerms::default());
    let told = carry(options(vec![clear(&fake)]), &parcel).await;
    let said = "failed - 5.1.3 the address can't be said in SMTP";
    assert_eq!(told, [said, said, "Good"]);
    fake.letters().await;
}

#[tokio::test]
async fn a_letter_that_is_gone_waits() {
    let fake = Fake::start(&["S: 220 mx\nC: EHLO us.test\nS: 250 mx\nC: QUIT\nS: 221 bye"]).await;
    let sender = Sender::with(LETTER).await;
    let mut parcel = sender.parcel(&["x@b.test"], MailTerms::default());
    parcel.id.letter = postern_model::LetterId(8);
    let told = carry(options(vec![clear(&fake)]), &parcel).await;
    assert!(told[0].starts_with("deferred - 4.3.0 the letter can't be read: "), "{told:?}");
    fake.letters().await;
}
