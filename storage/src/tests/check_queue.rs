//! What `check` says of a queue that is not whole.

use postern_model::record::{Consignment, MailTerms, Origin, Queued, QueuedRecipient, RcptTerms};
use postern_model::{Domain, QueueId};

use super::*;
use crate::keys;

/// A letter in the queue, whole.
fn queue(store: &Store) -> QueueId {
    let letter = deliver(store, &[AccountId::QUEUE], b"hello").expect("stored");
    let id = QueueId { letter, envelope: 0 };
    let envelope = Queued {
        mail_from: String::new(),
        sender: None,
        accepted: NOW,
        size: 5,
        origin: Origin::Own,
        terms: MailTerms::default(),
        front: Vec::new(),
    };
    let recipient = QueuedRecipient { address: "x@b.test".into(), terms: RcptTerms::default(), last: None };
    let consignment = Consignment {
        recipients: vec![recipient],
        attempts: 0,
        next: NOW,
        held: false,
        delay_told: false,
        last: None,
    };
    let mut batch = Batch::new();
    batch.put(&keys::queued(id), &envelope).put(&keys::consignment(id, &domain()), &consignment);
    wait(store.commit(batch)).expect("stored");
    id
}

fn domain() -> Domain {
    Domain::parse("b.test").expect("a domain")
}

fn problems(store: &Store) -> Vec<String> {
    store.check().problems
}

#[test]
fn a_whole_queue_is_sound_and_whatever_is_missing_is_told() {
    let dir = tempfile::tempdir().expect("a directory");
    let store = open(dir.path(), EngineKind::Memory);
    let ids: Vec<QueueId> = (0..700).map(|_| queue(&store)).collect();
    let report = store.check();
    assert!(report.is_sound(), "{report:?}");
    assert_eq!((report.queued, report.bodies, report.accounts), (700, 700, 0));
    assert_eq!(store.read_blocking(|view| view.accounts(None, 10)).expect("readable"), []);
    let mut batch = Batch::new();
    batch.delete(&keys::queued(ids[0]));
    batch.delete(&keys::consignment(ids[300], &domain()));
    batch.drop_body(AccountId::QUEUE, ids[500].letter);
    batch.delete(&keys::queued(ids[699])).delete(&keys::consignment(ids[699], &domain()));
    wait(store.commit(batch)).expect("stored");
    let found = problems(&store);
    for (id, what) in [
        (ids[0], "it has recipients and no envelope"),
        (ids[0], "there is a body, and nobody waits for it"),
        (ids[300], "it has an envelope and no recipients"),
        (ids[500], "there is no body"),
        (ids[699], "there is a body, and nobody waits for it"),
    ] {
        let line = format!("queue, letter {id}: {what}");
        assert!(found.contains(&line), "{line}: {found:?}");
    }
    assert_eq!(found.len(), 5, "{found:?}");
}
