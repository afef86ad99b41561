//! Mail programs that speak IMAP, against the real server. Some keep a copy on disk in step (`two_ways`), some are
//! libraries that a script drives, and all of those play one story (`stories`), mutt and curl have their own. What
//! the server holds in the end is always seen by a second view, Python's imaplib (`stage`).
//!
//! `POSTERN_IMAP_ELSEWHERE=993,143,/authority.pem` plays a test against another server with the same two accounts,
//! both empty: what a program does there shows whether a test asks too much.

mod curl;
mod mailbox;
mod mutt;
mod stage;
mod stories;
mod two_ways;

use mailbox::{Held, assert_held};
use stage::Stage;
