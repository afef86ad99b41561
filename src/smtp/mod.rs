//! SMTP: submission for the users (ports 465 and 587, RFC 6409) and mail from other servers (port 25, RFC 5321).
//!
//! [`SmtpSession`] is the whole dialogue without socket or clock: commands come in as bytes (`line`, `command`),
//! letters too (`data`, `incoming`), replies go out (`reply`); what only the actors know is an [`Ask`], which the
//! door carries to them. A letter's octets are never changed: fields are put in front of it (`received`), the rest
//! is passed on as it came, and what can't be passed on so is refused.

mod ask;
mod command;
mod data;
mod door;
mod header;
mod incoming;
mod line;
mod params;
mod received;
mod reply;
mod session;
mod settings;

pub use ask::{Answer, Ask, Delivery, Grant, LoggedIn};
pub use session::SmtpSession;
pub use settings::{Role, Settings};
