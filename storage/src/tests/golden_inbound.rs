//! The bytes of what is kept of letters from elsewhere, as they are on disk for ever; see `golden`.

use std::net::IpAddr;

use postern_model::record::{
    AuthResult, DmarcAction, DmarcAddress, DmarcDay, DmarcPolicy, DmarcRequest, DmarcRow, Greylisted,
};
use postern_model::{Domain, Timestamp};

use super::check::assert_told;
use super::golden::golden;
use crate::keys;

fn row(action: DmarcAction, signature: AuthResult, path: AuthResult) -> DmarcRow {
    DmarcRow {
        count: 3,
        source: IpAddr::from([192, 0, 2, 1]),
        action,
        dkim: true,
        spf: false,
        instead: Some("x".into()),
        header_from: "a.test".into(),
        envelope_from: "b.test".into(),
        signatures: vec![("c.test".into(), "s".into(), signature)],
        path: ("d.test".into(), path),
    }
}

fn day() -> DmarcDay {
    DmarcDay {
        policy: DmarcPolicy {
            domain: DmarcRequest::Reject,
            subdomains: DmarcRequest::Quarantine,
            missing: DmarcRequest::Unspecified,
            strict_dkim: true,
            strict_spf: false,
            testing: true,
        },
        addresses: vec![DmarcAddress { address: "r@a.test".into(), limit: 7 }],
        verified: true,
        rows: vec![
            row(DmarcAction::Pass, AuthResult::None, AuthResult::Pass),
            row(DmarcAction::None, AuthResult::Fail, AuthResult::SoftFail),
            row(DmarcAction::Quarantine, AuthResult::Neutral, AuthResult::TempError),
            row(DmarcAction::Reject, AuthResult::PermError, AuthResult::None),
        ],
        lost: 2,
    }
}

#[test]
fn what_came_from_a_domain() {
    golden(
        &day(),
        "0103020001000101087240612e74657374070104\
         0300c000020100010001017806612e7465737406622e746573740106632e7465737401730006642e7465737401\
         0300c000020101010001017806612e7465737406622e746573740106632e7465737401730206642e7465737403\
         0300c000020102010001017806612e7465737406622e746573740106632e7465737401730406642e7465737405\
         0300c000020103010001017806612e7465737406622e746573740106632e7465737401730606642e746573740002",
    );
}

#[test]
fn who_was_told_to_come_back() {
    golden(&Greylisted { since: Timestamp(1), until: Timestamp(2) }, "010204");
}

#[test]
fn check_tells_of_rows_and_clients_that_can_not_be() {
    let domain = Domain::parse("a.test").expect("a domain");
    let sound = domain.clone();
    assert_told(
        move |_, _, batch| {
            batch.put(&keys::dmarc_day(9, &sound), &day());
            batch.put(&keys::greylisted(&[7; 16]), &Greylisted { since: Timestamp(1), until: Timestamp(2) });
        },
        &[],
    );
    assert_told(
        move |_, _, batch| {
            let mut record = day();
            record.rows[1].count = 0;
            batch.put(&keys::dmarc_day(9, &domain), &record);
            batch.put(&keys::greylisted(&[7; 16]), &Greylisted { since: Timestamp(2), until: Timestamp(1) });
        },
        &["day 9, a.test: a row stands for no letter", "it is forgotten before it was seen"],
    );
}
