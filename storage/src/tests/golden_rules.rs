//! The bytes of users' rules, as they are on disk for ever; see `golden`.

use postern_model::record::{
    Actor, Event, ForwardState, ForwardTo, NoticeKind, OwedNotice, Replies, Rules, Setting, Vacation, What,
};
use postern_model::{AccountId, Domain, Timestamp};

use super::golden::golden;
use super::{NOW, open, wait};
use crate::{Batch, EngineKind, keys};

fn forward(address: &str, state: ForwardState) -> ForwardTo {
    ForwardTo { address: address.into(), state, failed: Vec::new() }
}

#[test]
fn rules() {
    golden(&Rules::default(), "01000100000000000007000001");
    let rules = Rules {
        forwards: vec![
            forward("a@b", ForwardState::Pending { token: [0xaa; 32], since: Timestamp(1) }),
            forward("c@d", ForwardState::Confirmed { at: Timestamp(2) }),
            ForwardTo { failed: vec![3], ..forward("e@f", ForwardState::Stopped { at: Timestamp(4) }) },
        ],
        keep: false,
        asked: vec![Timestamp(5)],
        vacation: Vacation {
            on: true,
            subject: Some("s".into()),
            text: "t".into(),
            from: Some(Timestamp(6)),
            until: Some(Timestamp(7)),
            days: 8,
            addresses: vec!["g@h".into()],
        },
        blocked: vec!["@i".into()],
        detail: false,
    };
    let forwards =
        format!("0303614062{}02000363406401040003654066020801 03", format_args!("00{}", "aa".repeat(32)));
    let rest = "00010a01010173017401 0c010e080103674068 01024069 00";
    golden(&rules, &format!("01{forwards}{rest}").replace(' ', ""));
    golden(&Replies { sent: vec![(9, Timestamp(10))] }, "01010914");
}

#[test]
fn events_and_notices() {
    let event = |setting, text: Option<&str>| Event {
        at: Timestamp(1),
        by: Actor::User,
        from: None,
        what: What::Setting { setting, text: text.map(str::to_owned) },
    };
    golden(&event(Setting::Forward, Some("x")), "01020000130001 0178".replace(' ', "").as_str());
    for (n, setting) in Setting::ALL.into_iter().enumerate() {
        golden(&event(setting, None), &format!("0102000013{n:02x}00"));
    }
    for (n, notice) in [(12, NoticeKind::ForwardingOn), (13, NoticeKind::ForwardingStopped)] {
        let owed = OwedNotice {
            at: Timestamp(1),
            notice,
            protocols: Vec::new(),
            by: Actor::User,
            reason: None,
            text: None,
            then: None,
            from: None,
        };
        golden(&owed, &format!("0102{n:02x}000000000000"));
    }
}

#[test]
fn what_is_out_of_bounds_is_named() {
    let dir = tempfile::tempdir().expect("a directory");
    let store = open(dir.path(), EngineKind::Memory);
    let mut batch = Batch::new();
    let domain = Domain::parse("demo.test").expect("a domain");
    let entry = postern_model::record::DomainEntry { added: NOW, catch_all: Some(AccountId(7)) };
    batch.put(&keys::domain(&domain), &entry);
    let blocked = vec!["b@x".to_owned(), "a@x".to_owned()];
    let forwards = vec![forward("a@b", ForwardState::Confirmed { at: NOW }); Rules::FORWARDS + 1];
    batch.put(&keys::rules(AccountId(1)), &Rules { blocked, forwards, ..Rules::default() });
    wait(store.commit(batch)).expect("room");
    let problems = store.check().problems.join("\n");
    for problem in [
        "domain demo.test: its catch-all is account 7, which does not exist",
        "account 1: there are 11 addresses to forward to, and 10 may be",
        "account 1: the blocked senders are not sorted",
    ] {
        assert!(problems.contains(problem), "{problem}: {problems}");
    }
}
