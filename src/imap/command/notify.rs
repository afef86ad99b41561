//! NOTIFY (RFC 5465): what the client wants to be told of folders that are not selected.

use crate::imap::state::State;
use crate::net::outlet::{Cut, Outlet};

/// Tells what has happened elsewhere since it was told last.
///
/// # Errors
/// [`Cut`].
pub async fn tell(_state: &mut State, _out: &mut Outlet<'_>) -> Result<(), Cut> {
    Ok(())
}
