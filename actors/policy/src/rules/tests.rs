//! The rules as tables: a letter's header and what the rules say to it; wishes in their order; and what holds for whatever
//! users arrange between them.

mod changes;
mod letters;
mod spreading;
