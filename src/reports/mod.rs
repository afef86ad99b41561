//! Letters that this server writes about other letters: delivery status notifications (RFC 3464).
