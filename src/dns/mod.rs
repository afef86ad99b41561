//! Questions to the DNS, asked by whoever sends letters out or examines those that come in.
