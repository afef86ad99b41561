use postern_actors::courier::Courier as _;
use postern_model::Timestamp;
use postern_model::record::{BodyKind, DeliverBy, MailTerms, Notify};

use super::super::Client;
use super::fake::{Fake, LETTER, SENT, Sender, carry, clear, domain, options, told};

fn eight_bit() -> MailTerms {
    MailTerms { body: BodyKind::EightBit, ..MailTerms::default() }
}

/// All commands come before the first answer: with the letter, two round trips.
#[tokio::test]
async fn a_letter_costs_two_round_trips() {
    let fake = Fake::start(&["
        S: 220 mx.b.test
        C: EHLO us.test
        S: 250-mx.b.test
        S: 250-PIPELINING
        S: 250-SIZE 1000
        S: 250 DSN
        C: MAIL FROM:<a@us.test> SIZE=20
        C: RCPT TO:<x@b.test>
        C: RCPT TO:<y@b.test>
        C: DATA
        S: 250 ok
        S: 250 2.1.5 fine
        S: 550-5.1.1 nobody
        S: 550 5.1.1 here
        S: 354 go on
        D:
        S: 250 2.0.0 queued as 1
        C: QUIT
        S: 221 bye
    "])
    .await;
    let sender = Sender::with(LETTER).await;
    let parcel = sender.parcel(&["x@b.test", "y@b.test"], MailTerms::default());
    let told = carry(options(vec![clear(&fake)]), &parcel).await;
    assert_eq!(told, ["reports 250 2.0.0 queued as 1", "failed 550 5.1.1 nobody here", "Good"]);
    assert_eq!(fake.letters().await, [SENT]);
}

#[tokio::test]
async fn one_step_at_a_time_where_the_server_wants_it() {
    let fake = Fake::start(&["
        S: 220 mx.b.test
        C: EHLO us.test
        S: 502 what?
        C: HELO us.test
        S: 250 mx.b.test
        C: MAIL FROM:<a@us.test>
        S: 250 ok
        C: RCPT TO:<x@b.test>
        S: 450 4.2.1 busy
        C: RCPT TO:<y@b.test>
        S: 251 will forward
        C: DATA
        S: 354 go on
        D:
        S: 250 ok
        WANT
    "])
    .await;
    let sender = Sender::with(LETTER).await;
    let parcel = sender.parcel(&["x@b.test", "y@b.test"], MailTerms::default());
    let told = carry(options(vec![clear(&fake)]), &parcel).await;
    assert_eq!(told, ["deferred 450 4.2.1 busy", "relayed 250 2.0.0 ok", "Good"]);
    assert_eq!(fake.letters().await, [SENT]);
}

#[tokio::test]
async fn letters_share_a_connection() {
    let fake = Fake::start(&[
        "
        S: 220 mx
        C: EHLO us.test
        S: 250-mx
        S: 250-PIPELINING
        S: 250 LIMITS MAILMAX=3 RCPTMAX=1
        C: MAIL FROM:<a@us.test>
        C: RCPT TO:<x@b.test>
        C: DATA
        S: 250 ok
        S: 250 ok
        S: 354 go on
        D:
        S: 250 first
        C: MAIL FROM:<a@us.test>
        C: RCPT TO:<y@b.test>
        C: DATA
        S: 250 ok
        S: 550 no
        S: 354 go on all the same
        C: .
        S: 554 no recipients
        C: MAIL FROM:<a@us.test>
        C: RCPT TO:<x@b.test>
        C: DATA
        S: 250 ok
        S: 550 no
        S: 503 no recipients
        C: QUIT
        S: 221 bye
        ",
        "
        S: 220 mx
        C: EHLO us.test
        S: 250 mx
        C: MAIL FROM:<a@us.test>
        S: 250 ok
        C: RCPT TO:<x@b.test>
        S: 550 no
        C: RSET
        S: 250 ok
        C: MAIL FROM:<a@us.test>
        S: 550 5.7.1 go away
        C: QUIT
        S: 221 bye
        ",
    ])
    .await;
    let sender = Sender::with(LETTER).await;
    let mut trip = Client::new(options(vec![clear(&fake)])).set_out(&domain());
    let both = sender.parcel(&["x@b.test", "y@b.test"], MailTerms::default());
    assert_eq!(told(&trip.carry(&both).await), ["relayed 250 2.0.0 first", "failed 550 5.0.0 no", "Good"]);
    let one = sender.parcel(&["x@b.test"], MailTerms::default());
    assert_eq!(told(&trip.carry(&one).await), ["failed 550 5.0.0 no", "Good"]);
    // The server takes three over one connection; the next one has to be made.
    assert_eq!(told(&trip.carry(&one).await), ["failed 550 5.0.0 no", "Good"]);
    assert_eq!(told(&trip.carry(&one).await), ["failed 550 5.7.1 go away", "Good"]);
    trip.end().await;
    assert_eq!(fake.letters().await, [SENT]);
}

/// RFC 5321 §4.5.3.1.10
#[tokio::test]
async fn too_many_recipients_go_in_two_transactions() {
    let fake = Fake::start(&["
        S: 220 mx
        C: EHLO us.test
        S: 250 mx
        C: MAIL FROM:<a@us.test>
        S: 250 ok
        C: RCPT TO:<x@b.test>
        S: 250 ok
        C: RCPT TO:<y@b.test>
        S: 452 4.5.3 too many
        C: RCPT TO:<z@b.test>
        S: 552 5.2.2 full
        C: DATA
        S: 354 go on
        D:
        S: 250 first
        C: MAIL FROM:<a@us.test>
        S: 250 ok
        C: RCPT TO:<y@b.test>
        S: 250 ok
        C: DATA
        S: 354 go on
        D:
        S: 250 second
        C: QUIT
        S: 221 bye
    "])
    .await;
    let sender = Sender::with(LETTER).await;
    let parcel = sender.parcel(&["x@b.test", "y@b.test", "z@b.test"], MailTerms::default());
    let told = carry(options(vec![clear(&fake)]), &parcel).await;
    assert_eq!(
        told,
        ["relayed 250 2.0.0 first", "relayed 250 2.0.0 second", "failed 552 5.2.2 full", "Good"]
    );
    assert_eq!(fake.letters().await, [SENT, SENT]);
}

#[tokio::test]
async fn octets_go_in_one_chunk_where_they_may_be_any() {
    let fake = Fake::start(&["
        S: 220 mx
        C: EHLO us.test
        S: 250-mx
        S: 250-CHUNKING
        S: 250-8BITMIME
        S: 250 BINARYMIME
        C: MAIL FROM:<a@us.test> BODY=BINARYMIME
        S: 250 ok
        C: RCPT TO:<x@b.test>
        S: 250 ok
        C: BDAT 12 LAST
        B: 12
        S: 250 ok
        WANT
    "])
    .await;
    let sender = Sender::with("Return-Path: <>\r\nX: y\r\n\r\n.\n\0\r").await;
    let terms = MailTerms { body: BodyKind::Binary, ..MailTerms::default() };
    let told = carry(options(vec![clear(&fake)]), &sender.parcel(&["x@b.test"], terms)).await;
    assert_eq!(told, ["relayed 250 2.0.0 ok", "Good"]);
    assert_eq!(fake.letters().await, ["X: y\r\n\r\n.\n\0\r"]);
}

#[tokio::test]
async fn a_letter_is_made_to_fit() {
    let fake = Fake::start(&["
        S: 220 mx
        C: EHLO us.test
        S: 250 mx
        C: MAIL FROM:<a@us.test>
        S: 250 ok
        C: RCPT TO:<x@b.test>
        S: 250 ok
        C: DATA
        S: 354 go on
        D:
        S: 250 ok
        WANT
    "])
    .await;
    let sender = Sender::with("MIME-Version: 1.0\r\n\r\nplain text with an ž\r\n").await;
    let told = carry(options(vec![clear(&fake)]), &sender.parcel(&["x@b.test"], eight_bit())).await;
    assert_eq!(told, ["relayed 250 2.0.0 ok", "Good"]);
    assert_eq!(
        fake.letters().await,
        [
            "MIME-Version: 1.0\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nplain text with an =C5=BE\r\n"
        ]
    );
}

#[tokio::test]
async fn what_was_asked_is_passed_on() {
    let fake = Fake::start(&["
        S: 220 mx
        C: EHLO us.test
        S: 250-mx
        S: 250-DSN
        S: 250-8BITMIME
        S: 250-SMTPUTF8
        S: 250-DELIVERBY 30
        S: 250 MT-PRIORITY MIXER
        C: MAIL FROM:<a@us.test> BODY=8BITMIME SMTPUTF8 ENVID=e+2B1 BY=60;R MT-PRIORITY=4
        S: 250 ok
        C: RCPT TO:<ž@b.test> NOTIFY=SUCCESS ORCPT=rfc822;o@c.test
        S: 250 ok
        C: DATA
        S: 354 go on
        D:
        S: 250 ok
        WANT
    "])
    .await;
    let sender = Sender::with("Subject: ž\r\n\r\n").await;
    let terms = MailTerms {
        utf8: true,
        envid: Some("e+1".into()),
        deliver_by: Some(DeliverBy { at: Timestamp::from_seconds(1_060), returns: true, trace: false }),
        priority: 4,
        ..eight_bit()
    };
    let mut parcel = sender.parcel(&["ž@b.test"], terms);
    parcel.recipients[0].terms.notify = Some(Notify { success: true, failure: false, delay: false });
    parcel.recipients[0].terms.orcpt = Some("rfc822;o@c.test".into());
    let told = carry(options(vec![clear(&fake)]), &parcel).await;
    assert_eq!(told, ["reports 250 2.0.0 ok", "Good"]);
    assert_eq!(fake.letters().await, ["Subject: ž\r\n\r\n"]);
}

/// What can't be done at a server is known without asking it.
#[tokio::test]
async fn what_a_server_cannot_take() {
    let by = |at, returns| MailTerms {
        deliver_by: Some(DeliverBy { at: Timestamp::from_seconds(at), returns, trace: false }),
        ..MailTerms::default()
    };
    let signed = "Content-Type: multipart/signed; boundary=b\r\n\r\n--b\r\n\r\nž\r\n--b--\r\n";
    for (letter, offers, terms, said) in [
        (
            "x\r\n",
            "SIZE 2",
            MailTerms::default(),
            "failed - 5.3.4 the letter has 3 octets, and the next server takes 2 at most",
        ),
        (
            "Subject: ž\r\n\r\n",
            "X",
            MailTerms { utf8: true, ..eight_bit() },
            "failed - 5.6.7 the letter's header is not ASCII, and the next server doesn't know SMTPUTF8",
        ),
        (
            signed,
            "X",
            eight_bit(),
            "failed - 5.6.2 the next server takes less than the letter holds, and a signed part of it would have to be changed, which would break the signature",
        ),
        (
            "x\r\n",
            "X",
            by(2_000, true),
            "failed - 5.3.3 the next server can't promise delivery by a given time",
        ),
        (
            "x\r\n",
            "DELIVERBY 100",
            by(1_050, true),
            "failed - 5.4.7 the next server wants 100 s for it, and 50 s are left",
        ),
        ("x\r\n", "DELIVERBY", by(999, true), "failed - 5.4.7 the time by which it had to be there is over"),
        (
            "x\r\n",
            "REQUIRETLS",
            MailTerms { require_tls: true, ..MailTerms::default() },
            "failed - 5.7.30 REQUIRETLS was asked, and the server was not verified or doesn't know it",
        ),
    ] {
        let script = format!("S: 220 mx\nC: EHLO us.test\nS: 250-mx\nS: 250 {offers}\nC: QUIT\nS: 221 bye");
        let fake = Fake::start(&[&script]).await;
        let sender = Sender::with(letter).await;
        let told = carry(options(vec![clear(&fake)]), &sender.parcel(&["x@b.test"], terms)).await;
        assert_eq!(told, [said, "Good"]);
        fake.letters().await;
    }
}

/// Only the recipient that can't be named is left out.
#[tokio::test]
async fn an_address_beyond_ascii_needs_smtputf8() {
    let fake = Fake::start(&["
        S: 220 mx
        C: EHLO us.test
        S: 250 mx
        C: MAIL FROM:<a@us.test>
        S: 250 ok
        C: RCPT TO:<y@b.test>
        S: 250 ok
        C: DATA
        S: 354 go on
        D:
        S: 250 ok
        WANT
    "])
    .await;
    let sender = Sender::with(LETTER).await;
    let terms = MailTerms { utf8: true, ..MailTerms::default() };
    let told = carry(options(vec![clear(&fake)]), &sender.parcel(&["ž@b.test", "y@b.test"], terms)).await;
    let refused = "failed - 5.6.7 the address is not ASCII, and the next server doesn't know SMTPUTF8";
    assert_eq!(told, [refused, "relayed 250 2.0.0 ok", "Good"]);
    fake.letters().await;
}

/// 3 MB at the server's pace, without being signed or converted.
#[tokio::test]
async fn a_large_letter_streams() {
    let fake = Fake::start(&["
        S: 220 mx
        C: EHLO us.test
        S: 250 mx
        C: MAIL FROM:<a@us.test>
        S: 250 ok
        C: RCPT TO:<x@b.test>
        S: 250 ok
        C: DATA
        S: 354 go on
        D:
        S: 250 ok
        WANT
    "])
    .await;
    let body = format!("Subject: x\r\n\r\n{}", ".a line\r\n".repeat(300_000));
    let sender = Sender::with(body.clone()).await;
    let mut parcel = sender.parcel(&["x@b.test"], MailTerms::default());
    std::sync::Arc::get_mut(&mut parcel.envelope).expect("ours").front = b"DKIM-Signature: x\r\n".to_vec();
    let told = carry(options(vec![clear(&fake)]), &parcel).await;
    assert_eq!(told, ["relayed 250 2.0.0 ok", "Good"]);
    let heard = fake.letters().await.concat();
    assert!(heard == format!("DKIM-Signature: x\r\n{}", body.replace("\r\n.", "\r\n..")));
}
