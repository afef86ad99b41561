//! STATUS (RFC 9051 §6.3.11): figures of a folder that need not be selected.

use std::io::Write;

use postern_actors::mail::Standing;
use postern_model::{MailboxName, Uid, UidSet};
use postern_policy::Refusal;

use crate::imap::command::Run;
use crate::imap::grammar::{StatusItem, write};
use crate::imap::reply::Done;
use crate::imap::state::State;
use crate::imap::sync;
use crate::net::outlet::Cut;

pub(super) async fn run(
    run: &mut Run<'_, '_>,
    mailbox: MailboxName,
    items: Vec<StatusItem>,
) -> Result<Done, Cut> {
    let id = match run.folder(&mailbox).await {
        Ok(id) => id,
        Err(done) => return Ok(done),
    };
    asked_for(run.state, &items);
    match run.state.mail.standings(vec![id]).await {
        Ok(standings) => match standings.first() {
            Some(standing) => tell(run.state, run.out.bytes, &mailbox, standing, &items).await,
            None => return Ok(run.refused(&Refusal::NoSuchFolder)),
        },
        Err(refusal) => return Ok(run.refused(&refusal)),
    }
    Ok(Done::ok("STATUS completed"))
}

/// Who asks for HIGHESTMODSEQ understands MODSEQ (RFC 7162 §3.1).
pub(super) fn asked_for(state: &mut State, items: &[StatusItem]) {
    state.enabled.condstore |= items.contains(&StatusItem::HighestModSeq);
}

/// `* STATUS "Sent" (MESSAGES 3 …)`
pub(super) async fn tell(
    state: &State,
    out: &mut Vec<u8>,
    name: &MailboxName,
    standing: &Standing,
    items: &[StatusItem],
) {
    let recent = match items.contains(&StatusItem::Recent) {
        true => recent(state, standing).await,
        false => 0,
    };
    out.extend_from_slice(b"* STATUS ");
    write::mailbox(out, name, state.enabled.wants_utf8());
    out.extend_from_slice(b" (");
    for (n, item) in items.iter().enumerate() {
        if n > 0 {
            out.push(b' ');
        }
        figure(out, *item, standing, recent, state.settings.message_size);
    }
    out.extend_from_slice(b")\r\n");
}

fn figure(out: &mut Vec<u8>, item: StatusItem, standing: &Standing, recent: u64, message_size: u64) {
    let header = &standing.header;
    let (name, value) = match item {
        StatusItem::Messages => ("MESSAGES", u64::from(header.letters)),
        StatusItem::Recent => ("RECENT", recent),
        StatusItem::UidNext => ("UIDNEXT", u64::from(header.uid_next.map_or(u32::MAX, |next| next.0))),
        StatusItem::UidValidity => ("UIDVALIDITY", u64::from(header.uid_validity.0)),
        StatusItem::Unseen => ("UNSEEN", u64::from(header.unseen)),
        StatusItem::Deleted => ("DELETED", u64::from(header.deleted)),
        StatusItem::Size => ("SIZE", header.octets),
        StatusItem::HighestModSeq => ("HIGHESTMODSEQ", header.highest_mod_seq.0),
        StatusItem::AppendLimit => ("APPENDLIMIT", message_size),
        StatusItem::DeletedStorage => ("DELETED-STORAGE", header.deleted_octets),
        StatusItem::MailboxId => {
            // Writing to memory can't fail.
            let _ = write!(out, "MAILBOXID (F{})", standing.mailbox.0);
            return;
        }
    };
    let _ = write!(out, "{name} {value}");
}

/// Letters that no session has been told of (RFC 3501 §6.3.10). They are counted one by one only where there may be some.
async fn recent(state: &State, standing: &Standing) -> u64 {
    let header = &standing.header;
    if let Some(selected) = state.selected.as_deref().filter(|s| s.mailbox == standing.mailbox) {
        return sync::recent(selected);
    }
    if header.letters == 0 || header.uid_next.is_some_and(|next| next <= header.recent) {
        return 0;
    }
    if header.recent <= Uid(1) {
        return u64::from(header.letters);
    }
    let from = UidSet::from_ranges([(header.recent, Uid(u32::MAX))]);
    match state.mail.look(standing.mailbox).await {
        Ok(folder) => u64::try_from(folder.entries_of(&from).count()).unwrap_or(u64::MAX),
        Err(_) => 0,
    }
}

#[cfg(test)]
mod tests {
    use postern_model::record::MailboxHeader;
    use postern_model::{MailboxId, ModSeq, UidValidity};

    use super::*;

    #[test]
    fn figures_are_those_of_the_header() {
        let header = MailboxHeader {
            uid_validity: UidValidity(7),
            uid_next: None,
            highest_mod_seq: ModSeq(9),
            letters: 3,
            octets: 4_000,
            unseen: 2,
            deleted: 1,
            deleted_octets: 1_000,
            keywords: Vec::new(),
            last_block: 0,
            recent: Uid(1),
        };
        let standing = Standing { mailbox: MailboxId(16), header };
        for (item, wanted) in [
            (StatusItem::Messages, "MESSAGES 3"),
            (StatusItem::Recent, "RECENT 5"),
            (StatusItem::UidNext, "UIDNEXT 4294967295"),
            (StatusItem::UidValidity, "UIDVALIDITY 7"),
            (StatusItem::Unseen, "UNSEEN 2"),
            (StatusItem::Deleted, "DELETED 1"),
            (StatusItem::Size, "SIZE 4000"),
            (StatusItem::HighestModSeq, "HIGHESTMODSEQ 9"),
            (StatusItem::AppendLimit, "APPENDLIMIT 35"),
            (StatusItem::MailboxId, "MAILBOXID (F16)"),
            (StatusItem::DeletedStorage, "DELETED-STORAGE 1000"),
        ] {
            let mut out = Vec::new();
            figure(&mut out, item, &standing, 5, 35);
            assert_eq!(String::from_utf8_lossy(&out), wanted);
        }
    }
}
