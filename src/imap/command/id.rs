//! ID (RFC 2971): who the server is. What the client says of itself is not kept.

use crate::imap::command::Run;
use crate::imap::reply::{Done, line};
use crate::net::outlet::Cut;

/// What the server says of itself; no version, which only helps who looks for holes.
pub fn ourselves() -> &'static str {
    "(\"name\" \"Postern\")"
}

pub(super) async fn run(run: &mut Run<'_, '_>) -> Result<Done, Cut> {
    line(run.out.bytes, format_args!("* ID {}", ourselves()));
    Ok(Done::ok("ID completed"))
}
