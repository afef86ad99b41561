//! LSUB (RFC 3501 §6.3.9): names that are subscribed.

use postern_policy::names::list;

use crate::imap::command::Run;
use crate::imap::grammar::write;
use crate::imap::reply::Done;
use crate::net::outlet::Cut;

pub(super) async fn run(run: &mut Run<'_, '_>, reference: String, pattern: String) -> Result<Done, Cut> {
    let folders = match run.state.mail.folders().await {
        Ok(folders) => folders,
        Err(refusal) => return Ok(run.refused(&refusal)),
    };
    let utf8 = run.state.enabled.wants_utf8();
    for name in list::lsub(&folders, &reference, &pattern) {
        let attributes: &[u8] = if name.only_holds { b"\\NoSelect" } else { b"" };
        run.out.bytes.extend_from_slice(b"* LSUB (");
        run.out.bytes.extend_from_slice(attributes);
        run.out.bytes.extend_from_slice(b") \"/\" ");
        write::mailbox(run.out.bytes, &name.name, utf8);
        run.out.bytes.extend_from_slice(b"\r\n");
        run.out.relieve().await?;
    }
    Ok(Done::ok("LSUB completed"))
}
