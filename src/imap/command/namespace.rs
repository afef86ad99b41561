//! NAMESPACE (RFC 9051 §6.3.10): one's own folders, and nobody else's.

use crate::imap::command::Run;
use crate::imap::reply::{Done, line};
use crate::net::outlet::Cut;

pub(super) async fn run(run: &mut Run<'_, '_>) -> Result<Done, Cut> {
    line(run.out.bytes, format_args!("* NAMESPACE ((\"\" \"/\")) NIL NIL"));
    Ok(Done::ok("NAMESPACE completed"))
}
