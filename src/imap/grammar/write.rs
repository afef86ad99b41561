//! Names and strings in answers.

use postern_model::MailboxName;

/// A folder's name.
pub fn mailbox(out: &mut Vec<u8>, name: &MailboxName, _utf8: bool) {
    out.extend_from_slice(format!("\"{name}\"").as_bytes());
}
