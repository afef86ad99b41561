//! What the year of one account comes to.

/// Its events beside logins, letters and notices: when, what, which protocol, by whom.
pub(super) const STORY: [&str; 31] = [
    // Switched on (A2).
    "2027-12-01T09:00:00Z access-requested pop3 user",
    "2027-12-01T09:00:00Z access-requested imap user",
    "2027-12-01T09:00:00Z access-requested smtp user",
    "2027-12-01T09:15:00Z access-opened pop3 timer",
    "2027-12-01T09:15:00Z access-opened imap timer",
    "2027-12-01T09:15:00Z access-opened smtp timer",
    // Pushed against the limits (Q4).
    "2027-12-01T11:20:00Z sending-locked smtp abuse",
    "2027-12-02T11:20:00Z sending-unlocked smtp timer",
    // Last used on 31 December (A6, A11).
    "2028-02-22T12:00:00Z warned pop3 timer",
    "2028-02-29T12:00:00Z access-closed pop3 timer",
    // Switched on again (A8).
    "2028-03-01T12:00:00Z access-requested pop3 user",
    "2028-03-01T12:15:00Z access-opened pop3 timer",
    // Blocked for a while (A7).
    "2028-03-01T12:15:00Z access-blocked pop3 operator",
    "2028-03-01T12:15:00Z access-blocked imap operator",
    "2028-03-01T12:15:00Z access-blocked smtp operator",
    "2028-03-01T12:15:00Z access-unblocked pop3 operator",
    "2028-03-01T12:15:00Z access-unblocked imap operator",
    "2028-03-01T12:15:00Z access-unblocked smtp operator",
    "2028-03-01T12:15:00Z access-requested pop3 user",
    "2028-03-01T12:15:00Z access-requested imap user",
    "2028-03-01T12:15:00Z access-requested smtp user",
    "2028-03-01T12:30:00Z access-opened pop3 timer",
    "2028-03-01T12:30:00Z access-opened imap timer",
    "2028-03-01T12:30:00Z access-opened smtp timer",
    // Away for nine months (A6, A9, A11).
    "2028-04-24T12:30:00Z warned pop3 timer",
    "2028-05-01T12:30:00Z access-closed pop3 timer",
    "2028-11-24T12:30:00Z warned - timer",
    "2028-12-01T12:30:00Z status - timer",
    // Back (A9, A2).
    "2028-12-01T12:30:00Z status - user",
    "2028-12-01T12:30:00Z access-requested pop3 user",
    "2028-12-01T12:45:00Z access-opened pop3 timer",
];

/// Its notices, in the order in which they came.
pub(super) const NOTICES: [&str; 14] = [
    "access-requested",
    "sending-locked",
    "sending-unlocked",
    "idle-warning",
    "access-closed",
    "access-requested",
    "access-blocked",
    "access-unblocked",
    "access-requested",
    "idle-warning",
    "access-closed",
    "inactive-warning",
    "inactive",
    "access-requested",
];
