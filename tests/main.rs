//! Postern as a client meets it. One binary, since each would be linked with everything anew.

mod cli;
mod clients;
mod crash;
mod disk_full;
mod filters;
mod odd_mime;
mod policy_page;
mod readme;
mod rehearsal;
mod resolver;
mod rig;
mod roundtrip;
mod secrets;
mod signing;
mod support;
mod transcripts;
mod views;
mod world;
