//! Filters for spam and malware over their own interfaces: rspamd's HTTP protocol and the milter protocol (SPEC D5).
