//! GETQUOTA, GETQUOTAROOT, SETQUOTA (RFC 9208). An account has one quota root, named `""`, and none where its plan sets no
//! limit; the plan is the operator's.

use postern_actors::mail::Storage;
use postern_model::MailboxName;

use crate::imap::command::Run;
use crate::imap::grammar::write;
use crate::imap::reply::{Done, line};
use crate::net::outlet::Cut;

pub(super) async fn get(run: &mut Run<'_, '_>, root: Vec<u8>) -> Result<Done, Cut> {
    let storage = match run.state.mail.storage().await {
        Ok(storage) => storage,
        Err(refusal) => return Ok(run.refused(&refusal)),
    };
    match root.is_empty() && tell(run.out.bytes, &storage) {
        true => Ok(Done::ok("GETQUOTA completed")),
        false => Ok(Done::no_with("NONEXISTENT", "There is no such quota root.")),
    }
}

/// Any name will do: a folder that is not there yet would have the same quota (RFC 9208 §4.1.2).
pub(super) async fn get_root(run: &mut Run<'_, '_>, mailbox: MailboxName) -> Result<Done, Cut> {
    let storage = match run.state.mail.storage().await {
        Ok(storage) => storage,
        Err(refusal) => return Ok(run.refused(&refusal)),
    };
    run.out.bytes.extend_from_slice(b"* QUOTAROOT ");
    write::mailbox(run.out.bytes, &mailbox, run.state.enabled.wants_utf8());
    let root: &[u8] = if storage.limit.is_some() { b" \"\"\r\n" } else { b"\r\n" };
    run.out.bytes.extend_from_slice(root);
    tell(run.out.bytes, &storage);
    Ok(Done::ok("GETQUOTAROOT completed"))
}

pub(super) fn set() -> Done {
    Done::no_with("NOPERM", "How much may be stored is the operator's to change.")
}

/// `* QUOTA "" (STORAGE 10 512)`, in units of 1,024 octets (RFC 9208 §5.1); whether there is a limit to be told.
fn tell(out: &mut Vec<u8>, storage: &Storage) -> bool {
    let Some(limit) = storage.limit else { return false };
    let used = storage.used.octets.div_ceil(1024);
    line(out, format_args!("* QUOTA \"\" (STORAGE {used} {})", limit / 1024));
    true
}
