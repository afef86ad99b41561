//! The bytes of the queue's records, as they are on disk for ever; see `golden`.

use postern_model::record::{
    Attempt, BodyKind, Consignment, DeliverBy, MailTerms, Notify, Origin, Queued, QueuedRecipient, RcptTerms,
    Ret,
};
use postern_model::{AccountId, Domain, LetterId, QueueId, Timestamp};

use super::golden::golden;
use crate::keys;
use crate::keyspace::{RawKey, hex};

fn plain() -> Queued {
    Queued {
        mail_from: "a@b.c".into(),
        sender: Some(AccountId(7)),
        accepted: Timestamp(1),
        size: 9,
        origin: Origin::Submitted,
        terms: MailTerms::default(),
        front: Vec::new(),
    }
}

#[test]
fn envelopes() {
    golden(&plain(), "01056140622e630107020900000000000000000000");
    let terms = MailTerms {
        body: BodyKind::Binary,
        utf8: true,
        ret: Some(Ret::Headers),
        envid: Some("x".into()),
        require_tls: true,
        not_before: Some(Timestamp(2)),
        deliver_by: Some(DeliverBy { at: Timestamp(3), returns: true, trace: false }),
        priority: -1,
    };
    let all = Queued {
        mail_from: String::new(),
        sender: None,
        origin: Origin::Own,
        terms,
        front: b"F".to_vec(),
        ..plain()
    };
    golden(&all, "0100000209020201010101017801010401060100ff0146");
}

fn attempt() -> Attempt {
    Attempt {
        at: Timestamp(4),
        remote: Some("m".into()),
        code: Some(450),
        enhanced: (4, 2, 1),
        said: "no".into(),
        tls: Some("t".into()),
    }
}

#[test]
fn consignments() {
    let recipient = QueuedRecipient { address: "x@y.z".into(), terms: RcptTerms::default(), last: None };
    let plain = Consignment {
        recipients: vec![recipient.clone()],
        attempts: 0,
        next: Timestamp(5),
        held: false,
        delay_told: false,
        last: None,
    };
    golden(&plain, "0101057840792e7a000000000a000000");
    let notify = Some(Notify { success: true, failure: false, delay: true });
    let terms = RcptTerms { notify, orcpt: Some("o".into()) };
    let all = Consignment {
        recipients: vec![QueuedRecipient { terms, last: Some(attempt()), ..recipient }],
        attempts: 3,
        held: true,
        delay_told: true,
        last: Some(attempt()),
        ..plain
    };
    golden(
        &all,
        "0101057840792e7a0101000101016f010801016d01fbc201040201026e6f010174030a0101010801016d01fbc201040201026e6f010174",
    );
}

#[test]
fn keys_of_the_queue() {
    let id = QueueId { letter: LetterId(0x304), envelope: 0x102 };
    let domain = Domain::parse("b.test").expect("a domain");
    let (envelope, consignment) =
        (keys::queued(id).into_bytes(), keys::consignment(id, &domain).into_bytes());
    assert_eq!(hex(&envelope), "0c0000000000000304010200");
    assert_eq!(hex(&consignment), "0c0000000000000304010201622e74657374");
    assert_eq!(keys::parse_queue(&RawKey(envelope.clone())), Some((id, None)));
    assert_eq!(keys::parse_queue(&RawKey(consignment.clone())), Some((id, Some(domain))));
    let behind = keys::queue_behind(id);
    assert!(behind.start > consignment && behind.start > envelope);
    let next = keys::queued(QueueId { envelope: 0x103, ..id }).into_bytes();
    assert!(behind.start <= next && next < behind.end);
}
