//! Postern as a client meets it. One binary, since each would be linked with everything anew.

mod roundtrip;
mod support;
mod transcripts;
