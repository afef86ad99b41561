//! What tests share: a server's actors on a store in memory and a clock moved by hand, and ways to talk to its doors.

pub(crate) mod direct;
pub(crate) mod script;
pub(crate) mod socket;
pub(crate) mod wire;
pub(crate) mod world;
