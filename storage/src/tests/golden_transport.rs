//! The bytes of what is kept of other domains' demands on TLS and of how it went, as they are on disk for ever; see `golden`.

use std::net::IpAddr;

use postern_model::record::{
    StsMode, StsPolicy, TlsDay, TlsFailure, TlsFailureKind, TlsPolicy, TlsPolicyKind, TlsTally,
};
use postern_model::{Domain, Timestamp};

use super::check::assert_told;
use super::golden::golden;
use crate::keys;

fn policy(mode: StsMode) -> StsPolicy {
    let mx = vec!["mx.a.test".to_owned(), "*.b.test".to_owned()];
    StsPolicy { id: "1a".into(), mode, mx, fetched: Timestamp(5), max_age: 86_400 }
}

#[test]
fn what_a_domain_demands() {
    for (mode, byte) in [(StsMode::Enforce, "00"), (StsMode::Testing, "01"), (StsMode::None, "02")] {
        golden(&policy(mode), &format!("01023161{byte}02096d782e612e74657374082a2e622e746573740afc80510100"));
    }
}

fn day(kind: TlsFailureKind, count: u64) -> TlsDay {
    let failure = TlsFailure {
        kind,
        local: Some(IpAddr::from([192, 0, 2, 1])),
        host: "mx.a.test".into(),
        remote: None,
        said: "no".into(),
        count,
    };
    let policy = |kind| TlsPolicy { kind, text: vec!["3 1 1 ff".into()], hosts: vec!["mx.a.test".into()] };
    let tally = |policy, failures| TlsTally { policy, good: 7, failures, lost: 2 };
    TlsDay {
        policies: vec![
            tally(policy(TlsPolicyKind::Tlsa), vec![failure]),
            tally(policy(TlsPolicyKind::Sts), Vec::new()),
            tally(policy(TlsPolicyKind::None), Vec::new()),
        ],
        told: vec!["mailto:r@a.test".into()],
    }
}

#[test]
fn how_tls_went() {
    let kinds = [
        (TlsFailureKind::StarttlsNotSupported, "00"),
        (TlsFailureKind::HostMismatch, "01"),
        (TlsFailureKind::Expired, "02"),
        (TlsFailureKind::NotTrusted, "03"),
        (TlsFailureKind::Validation, "04"),
        (TlsFailureKind::Dnssec, "05"),
        (TlsFailureKind::StsFetch, "06"),
        (TlsFailureKind::StsInvalid, "07"),
    ];
    for (kind, byte) in kinds {
        golden(
            &day(kind, 3),
            &format!(
                "0103010108332031203120666601096d782e612e746573740701{byte}0100c0000201096d782e612e7465737400026e6f0302\
                 020108332031203120666601096d782e612e74657374070002\
                 000108332031203120666601096d782e612e74657374070002\
                 010f6d61696c746f3a7240612e74657374"
            ),
        );
    }
}

#[test]
fn check_tells_of_policies_that_can_not_be() {
    let domain = Domain::parse("a.test").expect("a domain");
    let sound = domain.clone();
    assert_told(
        move |_, _, batch| {
            batch.put(&keys::sts_policy(&sound), &policy(StsMode::Enforce));
        },
        &[],
    );
    assert_told(
        move |_, _, batch| {
            let empty = StsPolicy { mx: Vec::new(), ..policy(StsMode::Enforce) };
            batch.put(&keys::sts_policy(&domain), &empty);
        },
        &["MTA-STS of a.test: it demands servers and names none"],
    );
    let domain = Domain::parse("a.test").expect("a domain");
    assert_told(
        move |_, _, batch| {
            batch.put(&keys::tls_day(8, &domain), &day(TlsFailureKind::Expired, 1));
            batch.put(&keys::tls_day(9, &domain), &day(TlsFailureKind::Expired, 0));
        },
        &["day 9, a.test: a failure of TLS stands for no connection"],
    );
}
