//! What domains are told of letters in their name.

use std::io::Read;
use std::time::Duration;

use flate2::read::GzDecoder;
use mail_auth::report::{ActionDisposition, Disposition, DmarcResult, Report, SpfResult};
use postern_storage::keys;

use super::*;

const HOUR: Duration = Duration::from_secs(60 * 60);
/// 2026-03-02T01:00:00Z, when the first of March is over.
const NEXT: Timestamp = Timestamp(NOON.0 + 13 * 3_600_000_000);

/// The XML of a report, taken out of its letter.
fn xml(letter: &[u8]) -> String {
    let text = String::from_utf8(letter.to_vec()).expect("ASCII");
    let encoded = text.split("Content-Transfer-Encoding: base64\r\n\r\n").nth(1).expect("a file");
    let encoded: String = encoded.split("--=_").next().expect("its end").split("\r\n").collect();
    let bytes = base64::Engine::decode(&base64::engine::general_purpose::STANDARD, encoded).expect("base64");
    let mut xml = String::new();
    GzDecoder::new(&bytes[..]).read_to_string(&mut xml).expect("gzip");
    xml
}

impl World {
    fn sent(&self) -> Vec<(String, Vec<u8>)> {
        let sent = self.mail.sent.lock().expect("whole");
        sent.iter().map(|(to, letter)| (to.to_string(), letter.clone())).collect()
    }

    async fn stored(&self) -> usize {
        self.store.read(|view| view.scan(&keys::all_dmarc_days(), 100)).await.expect("readable").len()
    }

    /// Two good letters and a forged one.
    async fn traffic(&self) {
        for _ in 0..2 {
            self.examine(&visit("192.0.2.1", "anna@signed.test"), SIGNED).await.expect("accepted");
        }
        let forged = b"From: anna@signed.test\r\n\r\n";
        assert!(self.examine(&visit("203.0.113.9", "x@list.test"), forged).await.is_err());
    }
}

#[actix_rt::test]
async fn a_domain_is_told_of_a_day_when_it_is_over_and_only_once() {
    let world = World::new(usual()).await;
    world.traffic().await;
    world.gatekeeper.due(NOON).await;
    world.traffic().await;
    world.gatekeeper.due(NEXT.minus(HOUR)).await;
    assert_eq!((world.sent().len(), world.stored().await), (0, 1));
    world.gatekeeper.due(NEXT).await;
    world.gatekeeper.due(NEXT.plus(HOUR)).await;
    let sent = world.sent();
    assert_eq!((sent.len(), world.stored().await), (1, 0));
    assert_eq!(sent[0].0, "reports@signed.test");
    let report = Report::parse_rfc5322(&sent[0].1, 1 << 20).expect("mail-auth reads it");
    assert_eq!((report.domain(), report.org_name(), report.p()), ("signed.test", HOST, Disposition::Reject));
    assert_eq!((report.date_range_begin(), report.date_range_end()), (1_772_323_200, 1_772_409_599));
    let rows: Vec<_> = report
        .records()
        .iter()
        .map(|row| (row.count(), row.action_disposition(), row.dmarc_dkim_result(), row.dmarc_spf_result()))
        .collect();
    assert_eq!(
        rows,
        [
            (4, ActionDisposition::Pass, DmarcResult::Pass, DmarcResult::Pass),
            (2, ActionDisposition::Reject, DmarcResult::Fail, DmarcResult::Fail),
        ]
    );
    assert_eq!(report.records()[1].spf_auth_result()[0].result(), SpfResult::Fail);
}

#[actix_rt::test]
async fn python_reads_the_report_too() {
    let world = World::new(usual()).await;
    world.traffic().await;
    world.gatekeeper.due(NEXT).await;
    let letter = &world.sent()[0].1;
    let path = world.dir.path().join("report.eml");
    std::fs::write(&path, letter).expect("room");
    let script = "
import email, email.policy, gzip, sys, xml.etree.ElementTree as tree
letter = email.message_from_binary_file(open(sys.argv[1], 'rb'), policy=email.policy.default)
[file] = letter.iter_attachments()
xml = tree.fromstring(gzip.decompress(file.get_content()))
n = '{urn:ietf:params:xml:ns:dmarc-2.0}'
counts = [int(count.text) for count in xml.iter(n + 'count')]
print(file.get_content_type(), file.get_filename(), letter['subject'], counts, not letter.defects)
";
    let Ok(output) = std::process::Command::new("python3").arg("-c").arg(script).arg(&path).output() else {
        eprintln!("skipped: there is no python3 here");
        return;
    };
    assert_eq!(
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr)),
        (
            "application/gzip mx.demo.test!signed.test!1772323200!1772409599.xml.gz Report Domain: signed.test \
             Submitter: mx.demo.test Report-ID: <signed.test.1772323200@mx.demo.test> [2, 1] True\n"
                .into(),
            "".into()
        )
    );
    assert!(xml(letter).contains("<report_id>signed.test.1772323200@mx.demo.test</report_id>"));
}

#[actix_rt::test]
async fn only_those_are_told_who_want_to_be() {
    let more = "
        _dmarc.many.test TXT v=DMARC1; p=none; rua=mailto:a@many.test,mailto:b@willing.test,mailto:c@stranger.test,mailto:d@many.test!1k
        many.test._report._dmarc.willing.test TXT v=DMARC1
        _dmarc.asks.test TXT v=DMARC1; p=none; rua=mailto:a@failing.test
        asks.test._report._dmarc.failing.test FAIL
        _dmarc.silent.test TXT v=DMARC1; p=none
    ";
    let world = World::with(usual(), more).await;
    for from in ["x@sub.many.test", "x@asks.test", "x@silent.test", "x@nothing.test"] {
        let letter = format!("From: {from}\r\n\r\n");
        world.examine(&visit("203.0.113.9", "x@list.test"), letter.as_bytes()).await.expect("accepted");
    }
    world.gatekeeper.due(NEXT).await;
    let mut told: Vec<String> = world.sent().into_iter().map(|(to, _)| to).collect();
    told.sort();
    assert_eq!(told, ["a@many.test", "b@willing.test"]);
    let report = Report::parse_rfc5322(&world.sent()[0].1, 1 << 20).expect("readable");
    assert_eq!((report.domain(), report.records()[0].header_from()), ("many.test", "sub.many.test"));
    // Whether failing.test wants it is asked for three days more, then nobody is told.
    assert_eq!(world.stored().await, 1);
    world.gatekeeper.due(NEXT.plus(3 * 24 * HOUR)).await;
    assert_eq!((world.sent().len(), world.stored().await), (2, 0));
}

#[actix_rt::test]
async fn what_could_not_be_posted_is_posted_later_and_nothing_twice() {
    let more =
        "_dmarc.many.test TXT v=DMARC1; p=none; rua=mailto:a@many.test,mailto:b@many.test,mailto:c@many.test";
    let world = World::with(usual(), more).await;
    world
        .examine(&visit("203.0.113.9", "x@list.test"), b"From: x@many.test\r\n\r\n")
        .await
        .expect("accepted");
    *world.mail.takes.lock().expect("whole") = 1;
    world.gatekeeper.due(NEXT).await;
    assert_eq!((world.sent().len(), world.stored().await), (1, 1));
    // Another server goes on where this one ended.
    *world.mail.takes.lock().expect("whole") = usize::MAX;
    let next = Gatekeeper::new(Setup {
        hostname: HOST.into(),
        rules: usual(),
        dns: Some(world.zone.authenticator()),
        filter: None,
        store: world.store.clone(),
        post: Some(Arc::clone(&world.mail) as Arc<dyn Post>),
    });
    next.due(NEXT.plus(HOUR)).await;
    next.due(NEXT.plus(2 * HOUR)).await;
    let mut told: Vec<String> = world.sent().into_iter().map(|(to, _)| to).collect();
    told.sort();
    assert_eq!((told.join(" ").as_str(), world.stored().await), ("a@many.test b@many.test c@many.test", 0));
}

#[actix_rt::test]
async fn kinds_of_letters_beyond_the_bound_are_counted_together() {
    let world = World::new(usual()).await;
    for n in 0..250u8 {
        let letter = b"From: x@signed.test\r\n\r\n";
        let examined = world.examine(&visit(&format!("203.0.113.{n}"), "x@list.test"), letter).await;
        assert!(examined.is_err());
    }
    world.gatekeeper.due(NEXT).await;
    let sent = world.sent();
    assert_eq!(Report::parse_rfc5322(&sent[0].1, 1 << 20).expect("readable").records().len(), 200);
    assert!(xml(&sent[0].1).contains("<error>50 more letters found no place here</error>"));
}

#[actix_rt::test]
async fn nothing_is_kept_where_nobody_is_to_be_told() {
    let world = World::new(Inbound { dmarc_reports: false, ..usual() }).await;
    world.traffic().await;
    world.gatekeeper.due(NEXT).await;
    world.gatekeeper.rest().await;
    assert_eq!((world.sent().len(), world.stored().await), (0, 0));
}
