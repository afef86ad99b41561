//! The bytes of the gate's records and events, as they are on disk for ever; see `golden`. Bytes of older versions go on
//! being read.

use std::net::IpAddr;

use postern_model::record::{
    Abuse, Access, Activity, Actor, Brake, Checks, Due, Event, Evidence, FailedLogins, Filed, Gate,
    GateState, Held, LetterRefusal, LoginRefusal, Minutes, NoticeKind, OwedNotice, PlanNames, Reason,
    Recipients, Score, SeenBody, SeenNetwork, SendingLock, Signal, Standing, Status, Warned, Warning, What,
};
use postern_model::{AccountId, LetterId, Protocol, Timestamp};

use super::golden::{golden, reads_as};
use crate::keyspace::hex;
use crate::log::{LogHead, Logged, Ring};

fn gate(state: GateState, by: Actor, reason: Option<Reason>, text: Option<&str>) -> Gate {
    Gate { state, since: Timestamp(1), by, reason, text: text.map(str::to_owned) }
}

fn access() -> Access {
    Access {
        pop3: gate(GateState::Off, Actor::User, None, None),
        imap: gate(GateState::Pending { opens_at: Timestamp(2) }, Actor::Timer, None, None),
        smtp: gate(GateState::On, Actor::Operator, Some(Reason::Operator), Some("x")),
        theft: None,
        warned: Warned::default(),
        due: None,
    }
}

fn activity() -> Activity {
    Activity {
        login: Some(Timestamp(1)),
        pop3: None,
        imap: Some(Timestamp(2)),
        smtp: Some(Timestamp(3)),
        web: None,
        pop3_minutes: Minutes::default(),
        imap_minutes: Minutes::default(),
        networks: Vec::new(),
        events: 0,
    }
}

fn evidence(signal: Signal) -> Evidence {
    Evidence { signal, count: 3, score: 4, last: Timestamp(5) }
}

fn lock() -> SendingLock {
    SendingLock {
        since: Timestamp(1),
        by: Actor::Abuse,
        until: Some(Timestamp(2)),
        reason: Reason::Pushing,
        text: Some("x".into()),
        evidence: vec![evidence(Signal::Pushing)],
    }
}

fn score(signal: Signal) -> Score {
    Score { signal, score: 4, count: 3, at: Timestamp(5) }
}

#[test]
fn gates() {
    golden(&access(), "0200020000000104020100000202020106010178000000000000");
    let all = Access {
        pop3: gate(GateState::Blocked, Actor::Abuse, Some(Reason::Theft), None),
        theft: Some(Timestamp(3)),
        warned: Warned {
            pop3: Some(Timestamp(4)),
            imap: Some(Timestamp(5)),
            inactive: Some(Timestamp(6)),
            plaintext: Some(Timestamp(8)),
        },
        due: Some(Timestamp(7)),
        ..access()
    };
    golden(&all, "02030203010100010402010000020202010601017801060108010a010c0110010e");
}

/// Version 1 knew neither reasons nor warnings, nor what falls due.
#[test]
fn gates_of_version_1() {
    reads_as("01000200000104020100020202010178", &access());
    let blocked = |by, reason| Access { pop3: gate(GateState::Blocked, by, reason, None), ..access() };
    reads_as("01030203000104020100020202010178", &blocked(Actor::Abuse, None));
    reads_as("01030202000104020100020202010178", &blocked(Actor::Operator, Some(Reason::Operator)));
}

#[test]
fn locks() {
    golden(&lock(), "020203010400010178010003040a");
    let open_end = SendingLock { until: None, text: None, evidence: Vec::new(), ..lock() };
    golden(&open_end, "02020300000000");
    // Version 1: who locked was an operator, and the reason was free text.
    let old = SendingLock { by: Actor::Operator, reason: Reason::Operator, evidence: Vec::new(), ..lock() };
    reads_as("0102020104010178", &old);
    reads_as("010203010400", &SendingLock { by: Actor::Abuse, text: None, ..old });
}

#[test]
fn last_use() {
    golden(&activity(), "020102000104010600000000000000");
    let minutes = |latest| Minutes { latest, bits: vec![1, 0, 1 << 63] };
    let all = Activity {
        web: Some(Timestamp(4)),
        pop3_minutes: minutes(5),
        imap_minutes: minutes(-6),
        networks: vec![SeenNetwork { network: 7, at: Timestamp(8) }],
        events: 9,
        ..activity()
    };
    golden(&all, "020102000104010601080a030100fd00000000000000800b030100fd000000000000008001071009");
    // Version 1 knew the four times alone.
    reads_as("0101020001040106", &activity());
    let failed = FailedLogins { score: 4, at: Timestamp(1), locked_until: Some(Timestamp(2)) };
    golden(&failed, "0104020104");
}

#[test]
fn what_the_abuse_rules_remember() {
    golden(&Abuse::default(), "010000000000");
    let abuse = Abuse {
        scores: Signal::ALL.into_iter().map(score).collect(),
        networks: vec![SeenNetwork { network: 1, at: Timestamp(2) }],
        recipients: Recipients { since: Timestamp(3), bits: vec![4, 5] },
        bodies: vec![SeenBody { digest: 6, recipients: 7, at: Timestamp(8) }],
    };
    golden(&abuse, "01070004030a0104030a0204030a0304030a0404030a0504030a0604030a0101040602040501060710");
}

#[test]
fn what_falls_due_and_what_holds_it() {
    golden(&Due {}, "01");
    let checks = Checks { recent: vec![Timestamp(1), Timestamp(2)], taken_over: Some(Timestamp(3)) };
    golden(&checks, "010202040106");
    golden(&Brake::default(), "010000");
    let held =
        Brake { held: Some(Held { since: Timestamp(1), accounts: 300 }), released: Some(Timestamp(2)) };
    golden(&held, "010102fb2c010104");
    golden(&PlanNames(vec!["free".into(), "plus".into()]), "0102046672656504706c7573");
    golden(&Filed { by: "pop3".into() }, "0104706f7033");
}

#[test]
fn notices_owed() {
    let notice = OwedNotice {
        at: Timestamp(1),
        notice: NoticeKind::AccessRequested,
        protocols: Protocol::ALL.to_vec(),
        by: Actor::User,
        reason: None,
        text: None,
        then: None,
        from: None,
    };
    golden(&notice, "010200030001020000000000");
    let notice = OwedNotice {
        notice: NoticeKind::SendingLocked,
        by: Actor::Operator,
        reason: Some(Reason::Terms),
        text: Some("x".into()),
        then: Some(Timestamp(2)),
        from: Some(IpAddr::from([192, 0, 2, 1])),
        ..notice
    };
    golden(&notice, "0102070300010202010501017801040100c0000201");
    for (n, kind) in NoticeKind::ALL.into_iter().enumerate() {
        let notice = OwedNotice { notice: kind, protocols: Vec::new(), ..notice.clone() };
        golden(&notice, &format!("0102{n:02x}0002010501017801040100c0000201"));
    }
}

fn event(what: What) -> Event {
    Event { at: Timestamp(1), by: Actor::User, from: None, what }
}

#[test]
fn who_did_it_and_from_where() {
    let from = |by, from: Option<IpAddr>| Event { by, from, ..event(What::Password) };
    for (by, bytes) in [
        (Actor::User, "010200000e"),
        (Actor::Timer, "010201000e"),
        (Actor::Operator, "010202000e"),
        (Actor::Abuse, "010203000e"),
    ] {
        golden(&from(by, None), bytes);
    }
    golden(&from(Actor::User, Some(IpAddr::from([192, 0, 2, 1]))), "0102000100c00002010e");
    golden(
        &from(Actor::User, Some(IpAddr::from([0x2001, 0xdb8, 0, 0, 0, 0, 0, 1]))),
        "010200010120010db80000000000000000000000010e",
    );
}

#[test]
fn events_of_access() {
    for (protocol, bytes) in [
        (Protocol::Pop3, "01020000000004"),
        (Protocol::Imap, "01020000000104"),
        (Protocol::Smtp, "01020000000204"),
    ] {
        golden(&event(What::AccessRequested { protocol, opens_at: Timestamp(2) }), bytes);
    }
    let protocol = Protocol::Imap;
    let text = Some("x".to_owned());
    golden(&event(What::AccessOpened { protocol }), "010200000101");
    golden(&event(What::AccessClosed { protocol, reason: None, text: None }), "0102000002010000");
    for (reason, bytes) in [
        (Reason::Pushing, "0102000002010100010178"),
        (Reason::Theft, "0102000002010101010178"),
        (Reason::Inactive, "0102000002010102010178"),
        (Reason::Idle, "0102000002010103010178"),
        (Reason::TooManyConnections, "0102000002010104010178"),
        (Reason::Terms, "0102000002010105010178"),
        (Reason::Operator, "0102000002010106010178"),
    ] {
        golden(&event(What::AccessClosed { protocol, reason: Some(reason), text: text.clone() }), bytes);
    }
    golden(&event(What::AccessBlocked { protocol, reason: Reason::Terms, text }), "01020000030105010178");
    golden(&event(What::AccessUnblocked { protocol }), "010200000401");
    for (of, bytes) in [
        (Warning::Idle(Protocol::Pop3), "0102000005000004"),
        (Warning::Idle(Protocol::Imap), "0102000005000104"),
        (Warning::Inactive, "01020000050104"),
    ] {
        golden(&event(What::Warned { of, acts_at: Timestamp(2) }), bytes);
    }
}

#[test]
fn events_of_sending() {
    let locked = |until, evidence| {
        event(What::SendingLocked { until, reason: Reason::Pushing, text: Some("x".into()), evidence })
    };
    golden(
        &locked(Some(Timestamp(2)), Signal::ALL.into_iter().map(evidence).collect()),
        "0102000006010400010178070003040a0103040a0203040a0303040a0403040a0503040a0603040a",
    );
    golden(&locked(None, Vec::new()), "0102000006000001017800");
    golden(&event(What::SendingUnlocked), "0102000007");
    let signals = || vec![(Signal::NewRecipient, 2), (Signal::SameBody, 300)];
    let letter = What::Letter { letter: LetterId(7), recipients: 2, signals: signals() };
    golden(&event(letter), "010200000a070202030205fb2c01");
    for (why, bytes) in [
        (LetterRefusal::PerMinute, "010200000b00010001"),
        (LetterRefusal::PerHour, "010200000b01010001"),
        (LetterRefusal::PerDay, "010200000b02010001"),
        (LetterRefusal::Locked, "010200000b03010001"),
        (LetterRefusal::UnknownRecipient, "010200000b04010001"),
    ] {
        golden(&event(What::LetterRefused { why, signals: vec![(Signal::Pushing, 1)] }), bytes);
    }
    golden(&event(What::Reported { text: Some("x".into()) }), "0102000010010178");
    golden(
        &event(What::Scores(Signal::ALL.into_iter().map(score).collect())),
        "0102000012070004030a0104030a0204030a0304030a0404030a0504030a0604030a",
    );
}

#[test]
fn events_of_logins() {
    for (protocol, bytes) in [
        (None, "010200000800"),
        (Some(Protocol::Pop3), "01020000080100"),
        (Some(Protocol::Imap), "01020000080101"),
        (Some(Protocol::Smtp), "01020000080102"),
    ] {
        golden(&event(What::Login { protocol }), bytes);
    }
    for (why, bytes) in [
        (LoginRefusal::Off, "01020000090000"),
        (LoginRefusal::Pending, "01020000090001"),
        (LoginRefusal::Blocked, "01020000090002"),
        (LoginRefusal::Suspended, "01020000090003"),
        (LoginRefusal::Plaintext, "01020000090004"),
        (LoginRefusal::ClientPassword, "01020000090005"),
        (LoginRefusal::TooManySessions, "01020000090006"),
        (LoginRefusal::InUse, "01020000090007"),
        (LoginRefusal::TooSoon, "01020000090008"),
        (LoginRefusal::SendingLocked, "01020000090009"),
    ] {
        golden(&event(What::LoginRefused { protocol: Protocol::Pop3, why }), bytes);
    }
}

#[test]
fn events_of_the_account() {
    for (status, bytes) in [
        (Status::Active, "010200000c00"),
        (Status::Inactive, "010200000c01"),
        (Status::Suspended, "010200000c02"),
    ] {
        golden(&event(What::Status { status }), bytes);
    }
    golden(&event(What::Plan { plan: "plus".into() }), "010200000d04706c7573");
    golden(&event(What::Password), "010200000e");
    for (notice, bytes) in [
        (NoticeKind::AccessRequested, "010200000f0007"),
        (NoticeKind::AccessClosed, "010200000f0107"),
        (NoticeKind::AccessBlocked, "010200000f0207"),
        (NoticeKind::AccessUnblocked, "010200000f0307"),
        (NoticeKind::IdleWarning, "010200000f0407"),
        (NoticeKind::InactiveWarning, "010200000f0507"),
        (NoticeKind::Inactive, "010200000f0607"),
        (NoticeKind::SendingLocked, "010200000f0707"),
        (NoticeKind::SendingUnlocked, "010200000f0807"),
        (NoticeKind::PlaintextPassword, "010200000f0907"),
    ] {
        golden(&event(What::Notice { notice, letter: LetterId(7) }), bytes);
    }
    let standing = |lock| Standing {
        status: Status::Active,
        plan: "free".into(),
        created: Timestamp(9),
        access: access(),
        lock,
        activity: activity(),
    };
    golden(
        &event(What::Standing(Box::new(standing(None)))),
        "01020000110004667265651200020000000104020100000202020106010178000000000000000102000104010600000000000000",
    );
    golden(
        &event(What::Standing(Box::new(standing(Some(lock()))))),
        "01020000110004667265651200020000000104020100000202020106010178000000000000010203010400010178010003040a0102000104010600000000000000",
    );
}

/// An entry of an event list is its number and the record.
#[test]
fn event_lists() {
    let mut head = LogHead::default();
    golden(&head, "010000000000000000000000");
    for (ring, key) in [
        (Ring::Changes, "03000000000000010231000000000000000000"),
        (Ring::Logins, "03000000000000010231010000000000000000"),
        (Ring::Letters, "03000000000000010231030000000000000000"),
        (Ring::Letters, "03000000000000010231030000000000000001"),
    ] {
        let entry = Logged { account: AccountId(0x102), ring, keep: 1, record: vec![0xee] };
        assert_eq!(hex(&head.push(entry).0), key);
    }
    let entry = Logged { account: AccountId(0x102), ring: Ring::Letters, keep: 300, record: vec![0xee] };
    assert_eq!(hex(&head.push(entry).1), "0000000000000004ee");
    golden(&head, "010500010001000001030000");
}
