//! Postern as a client meets it. One binary, since each would be linked with everything anew.

mod support;
mod transcripts;
