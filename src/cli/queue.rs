//! `postern queue`: what is asked, as a request.

use postern_actors::admin::{AdminRequest, QueueChange, QueueFilter};

use super::args::{QueueCommand, QueueSome, QueueWhich};

/// The request that a command line stands for.
pub(super) fn request(command: QueueCommand) -> AdminRequest {
    match command {
        QueueCommand::List { which: QueueWhich { domain, sender }, after, limit } => {
            let filter = QueueFilter { id: None, domain, sender };
            AdminRequest::QueueList { filter, after, limit: Some(limit) }
        }
        QueueCommand::Show { id } => AdminRequest::QueueShow { id },
        QueueCommand::Retry(some) => change(some, QueueChange::Retry),
        QueueCommand::Hold(some) => change(some, QueueChange::Hold),
        QueueCommand::Release(some) => change(some, QueueChange::Release),
        QueueCommand::Remove { some, bounce: true } => change(some, QueueChange::Bounce),
        QueueCommand::Remove { some, bounce: false } => change(some, QueueChange::Remove),
    }
}

fn change(some: QueueSome, change: QueueChange) -> AdminRequest {
    let QueueSome { id, which: QueueWhich { domain, sender }, all } = some;
    AdminRequest::QueueChange { filter: QueueFilter { id, domain, sender }, change, all }
}
