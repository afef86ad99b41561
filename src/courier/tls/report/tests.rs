use std::net::IpAddr;
use std::sync::{Arc, Mutex};

use postern_actors::courier::Local;
use postern_model::record::{TlsDay, TlsFailureKind, TlsPolicy, TlsPolicyKind};
use postern_model::{Domain, EmailAddress, LetterId, Timestamp};
use postern_policy::Refusal;
use postern_storage::{Batch, EngineKind, Store, StoreOptions, keys};
use rustls::RootCertStore;
use tempfile::TempDir;

use super::document::Document;
use super::{GRACE, Tally, TlsReports, places};
use crate::courier::journal::{TlsEntry, TlsFault, TlsFaultKind, TlsJournal as _};
use crate::courier::route::{Hop, TlsDemand};
use crate::courier::tls::web::Web;
use crate::dns::{Dns, Lack, Zone};
use crate::inbound::Post;
use hickory_resolver::proto::rr::RecordType;

const DAY: u32 = 20_000;
const DURING: Timestamp = Timestamp(20_000 * 86_400_000_000 + 5);

fn later(days: i64) -> Timestamp {
    Timestamp((20_000 + days) * 86_400_000_000).plus(GRACE)
}

#[derive(Debug)]
struct Letters {
    store: Store,
    sent: Mutex<Vec<(String, String)>>,
}

impl Post for Letters {
    fn next_letter_id(&self) -> LetterId {
        LetterId(7)
    }

    fn post<'a>(
        &'a self,
        _: LetterId,
        to: EmailAddress,
        octets: Vec<u8>,
        with: Batch,
    ) -> Local<'a, Result<(), Refusal>> {
        Box::pin(async move {
            self.store.commit(with).await.map_err(|_| Refusal::Unavailable)?;
            let letter = String::from_utf8(octets).expect("a letter");
            self.sent.lock().expect("letters").push((to.to_string(), letter));
            Ok(())
        })
    }
}

struct Office {
    reports: TlsReports,
    letters: Letters,
    _dir: TempDir,
}

impl Office {
    fn new(zone: Zone) -> Office {
        let dir = tempfile::tempdir().expect("a directory");
        let options = StoreOptions { engine: EngineKind::Memory, ..StoreOptions::new(dir.path()) };
        let store = Store::open(options, Timestamp(0)).expect("a store");
        let dns = Dns::of(zone);
        let web = Web::new(dns.clone(), &Arc::new(RootCertStore::empty()), 1).expect("TLS");
        let reports = TlsReports::new(Arc::default(), "mail.home.test", dns, store.clone(), web);
        Office { reports, letters: Letters { store, sent: Mutex::default() }, _dir: dir }
    }

    async fn day(&self) -> Option<TlsDay> {
        self.letters.store.get(keys::tls_day(DAY, &domain())).await.expect("a store")
    }

    fn sent(&self) -> Vec<(String, String)> {
        std::mem::take(&mut self.letters.sent.lock().expect("letters"))
    }
}

fn domain() -> Domain {
    Domain::parse("b.test").expect("a domain")
}

fn connection(tally: &Tally, tls: TlsDemand, outcome: Result<(), TlsFaultKind>) {
    let hop = Hop { tls, ..Hop::mx("mx.b.test", IpAddr::from([198, 51, 100, 1])) };
    let outcome = outcome.map_err(|kind| TlsFault { kind, said: "so it went".to_owned() });
    let local = Some(IpAddr::from([198, 51, 100, 9]));
    tally.note(&TlsEntry { domain: &domain(), hop: &hop, local, at: DURING, outcome });
}

fn sts() -> TlsDemand {
    TlsDemand::Verified { names: vec!["mx.b.test".to_owned()], enforced: true }
}

#[tokio::test]
async fn what_was_counted_is_told_once_when_the_day_is_over() {
    let record = "_smtp._tls.b.test. TXT \"v=TLSRPTv1; rua=mailto:tls@b.test,mailto:more%40c.test\"";
    let office = Office::new(Zone::parse(record, "").expect("records"));
    let tally = &office.reports.tally;
    let text = vec!["version: STSv1".to_owned()];
    let policy = TlsPolicy { kind: TlsPolicyKind::Sts, text, hosts: vec!["*.b.test".to_owned()] };
    tally.applies(&domain(), "mx.b.test", policy);
    connection(tally, sts(), Ok(()));
    connection(tally, sts(), Err(TlsFaultKind::Expired));
    office.reports.due(&office.letters, DURING).await;
    connection(tally, sts(), Err(TlsFaultKind::Expired));
    connection(tally, TlsDemand::Opportunistic, Ok(()));
    connection(tally, TlsDemand::Never, Ok(()));
    office.reports.due(&office.letters, DURING).await;
    assert!(office.sent().is_empty(), "the day is not over");
    let day = office.day().await.expect("a record");
    let json = Document::new("mail.home.test", &domain(), DAY, &day).json(&day);
    assert_eq!(
        json,
        serde_json::json!({
            "organization-name": "mail.home.test",
            "date-range": {
                "start-datetime": "2024-10-04T00:00:00Z",
                "end-datetime": "2024-10-04T23:59:59Z",
            },
            "contact-info": "postmaster@mail.home.test",
            "report-id": "b.test.1728000000@mail.home.test",
            "policies": [
                {
                    "policy": {
                        "policy-type": "sts",
                        "policy-string": ["version: STSv1"],
                        "policy-domain": "b.test",
                        "mx-host": ["*.b.test"],
                    },
                    "summary": { "total-successful-session-count": 1, "total-failure-session-count": 2 },
                    "failure-details": [{
                        "result-type": "certificate-expired",
                        "sending-mta-ip": "198.51.100.9",
                        "receiving-ip": "198.51.100.1",
                        "receiving-mx-hostname": "mx.b.test",
                        "failed-session-count": 2,
                        "failure-reason-code": "so it went",
                    }],
                },
                {
                    "policy": { "policy-type": "no-policy-found", "policy-domain": "b.test" },
                    "summary": { "total-successful-session-count": 1, "total-failure-session-count": 0 },
                    "failure-details": [],
                },
            ],
        })
    );
    office.reports.due(&office.letters, later(1)).await;
    let sent = office.sent();
    let receivers: Vec<_> = sent.iter().map(|(to, _)| to.as_str()).collect();
    assert_eq!(receivers, ["tls@b.test", "more@c.test"]);
    for part in [
        "TLS-Report-Domain: b.test\r\n",
        "TLS-Report-Submitter: mail.home.test\r\n",
        "Content-Type: multipart/report; report-type=\"tlsrpt\";",
        "Content-Type: application/tlsrpt+gzip;",
        "filename=\"mail.home.test!b.test!1728000000!1728086399.json.gz\"",
    ] {
        assert!(sent[0].1.contains(part), "{part}: {}", sent[0].1);
    }
    assert_eq!(office.day().await, None);
    office.reports.due(&office.letters, later(1)).await;
    assert!(office.sent().is_empty());
}

#[tokio::test]
async fn who_wants_no_report_gets_none() {
    let office = Office::new(Zone::default());
    connection(&office.reports.tally, sts(), Ok(()));
    office.reports.due(&office.letters, later(1)).await;
    assert!(office.sent().is_empty());
    assert_eq!(office.day().await, None);
}

#[tokio::test]
async fn what_can_not_be_told_is_tried_for_some_days() {
    let broken = Zone::default().broken("_smtp._tls.b.test", RecordType::TXT, Lack::Bogus);
    let unreachable = Zone::parse(
        "_smtp._tls.b.test. TXT \"v=TLSRPTv1;rua=https://tls.b.test/,mailto:tls@b.test\"\ntls.b.test. A 127.0.0.1",
        "",
    );
    for (zone, letters) in [(broken, 0), (unreachable.expect("records"), 1)] {
        let office = Office::new(zone);
        let policy = super::nothing_of(TlsPolicyKind::Tlsa);
        office.reports.tally.failed(&domain(), policy, TlsFailureKind::Dnssec, "mx.b.test", "no", DURING);
        for days in 1..=3 {
            office.reports.due(&office.letters, later(days)).await;
            assert!(office.day().await.is_some(), "day {days}");
        }
        assert_eq!(office.sent().len(), letters);
        office.reports.due(&office.letters, later(4)).await;
        assert_eq!(office.day().await, None);
        assert!(office.sent().is_empty());
    }
}

#[test]
fn where_reports_go() {
    for (texts, shown) in [
        (&["v=TLSRPTv1; rua=mailto:r@b.test"][..], "mailto:r@b.test"),
        (&["v=TLSRPTv1;rua=https://b.test/x?y=1,mailto:r@b.test"], "https://b.test/x?y=1 mailto:r@b.test"),
        (&["other", "v=TLSRPTv1; a=b; rua=mailto:r@b.test, mailto:r@b.test;"], "mailto:r@b.test"),
        (&["v=TLSRPTv1; rua=mailto:r@b.test", "v=TLSRPTv1; rua=mailto:r@b.test"], ""),
        (&["v=TLSRPTv2; rua=mailto:r@b.test"], ""),
        (&["v=TLSRPTv1"], ""),
        (&["v=TLSRPTv1; rua=http://b.test/"], ""),
        (&["v=TLSRPTv1; rua=https://b.test:8443/,https://127.0.0.1/,https://[::1]/"], ""),
        (&["v=TLSRPTv1; rua=mailto:nobody,mailto:%4,mailto:%ff@b.test,x"], ""),
        (
            &[
                "v=TLSRPTv1; rua=mailto:a@b.test,mailto:b@b.test,mailto:c@b.test,mailto:d@b.test,mailto:e@b.test",
            ],
            "mailto:a@b.test mailto:b@b.test mailto:c@b.test mailto:d@b.test",
        ),
    ] {
        let texts: Vec<String> = texts.iter().map(|&text| text.to_owned()).collect();
        let found: Vec<String> = places(&texts).iter().map(ToString::to_string).collect();
        assert_eq!(found.join(" "), shown, "{texts:?}");
    }
}

#[test]
fn what_is_counted_is_bounded() {
    let tally = Tally::default();
    for n in 0..300_u32 {
        let policy = super::nothing_of(TlsPolicyKind::Sts);
        tally.failed(&domain(), policy, TlsFailureKind::StsFetch, &format!("mx{n}.b.test"), "no", DURING);
        let text = vec![n.to_string()];
        let policy = TlsPolicy { kind: TlsPolicyKind::Tlsa, text, hosts: Vec::new() };
        tally.failed(&domain(), policy, TlsFailureKind::Dnssec, "", "no", DURING);
    }
    let waiting = tally.waiting();
    let day = waiting.get(&(DAY, domain())).expect("a day");
    assert_eq!((day.policies.len(), day.policies[0].failures.len(), day.policies[0].lost), (8, 100, 200));
}
