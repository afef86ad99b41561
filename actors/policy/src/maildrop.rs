//! maildrop
