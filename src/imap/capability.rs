//! What the server can, by the state that the session is in (RFC 9051 §7.2.2).

use crate::net::session::TlsInfo;
use crate::sasl::{self, Mechanism};

use super::{MESSAGE_LIMIT, SAVE_LIMIT, Settings};

/// What holds before the login and behind it.
const ALWAYS: &str = "IMAP4rev1 IMAP4rev2 LITERAL+ ID ENABLE";

/// What holds behind the login.
const LOGGED_IN: &str = "IDLE NAMESPACE CHILDREN UIDPLUS UNSELECT MOVE ESEARCH SEARCHRES LIST-EXTENDED LIST-STATUS \
    SPECIAL-USE CREATE-SPECIAL-USE BINARY CATENATE MULTIAPPEND CONDSTORE QRESYNC STATUS=SIZE WITHIN SORT SORT=DISPLAY \
    ESORT THREAD=REFERENCES THREAD=ORDEREDSUBJECT UTF8=ACCEPT QUOTA QUOTA=RES-STORAGE OBJECTID PREVIEW SAVEDATE \
    REPLACE NOTIFY METADATA LIST-METADATA MULTISEARCH UIDONLY UIDBATCHES PARTIAL INPROGRESS UNAUTHENTICATE \
    I18NLEVEL=1";

/// The list for somebody who has not logged in.
pub(super) fn stranger(settings: &Settings, tls: Option<&TlsInfo>, compressed: bool) -> String {
    let mut list = ALWAYS.to_owned();
    if tls.is_none() && !compressed {
        list.push_str(" STARTTLS");
    }
    let mechanisms = sasl::offered(tls, settings.legacy_plaintext, settings.scram);
    if mechanisms.is_empty() {
        // SPEC P5: refused before a password is read.
        list.push_str(" LOGINDISABLED");
    } else {
        list.push_str(" SASL-IR");
        mechanisms.iter().map(|m: &Mechanism| m.name()).for_each(|name| {
            list.push_str(" AUTH=");
            list.push_str(name);
        });
    }
    list
}

/// The list for a session that is logged in.
pub(super) fn user(settings: &Settings, compressed: bool) -> String {
    let compress = if compressed { "" } else { " COMPRESS=DEFLATE" };
    format!(
        "{ALWAYS} {LOGGED_IN} APPENDLIMIT={} MESSAGELIMIT={MESSAGE_LIMIT} SAVELIMIT={SAVE_LIMIT}{compress}",
        settings.message_size
    )
}
