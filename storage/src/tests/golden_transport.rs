//! The bytes of what is kept of other domains' demands on TLS, as they are on disk for ever; see `golden`.

use postern_model::record::{StsMode, StsPolicy};
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
}
