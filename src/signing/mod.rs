//! Signatures for what leaves: DKIM (RFC 6376, RFC 8463), ARC seals (RFC 8617), rewritten senders (SRS).
