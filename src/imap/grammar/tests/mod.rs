//! Tests of the grammar: where commands end, and what they mean.

mod framing;
