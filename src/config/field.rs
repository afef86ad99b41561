//! What a row of the table is made of: where its value goes, of which kind and in which range it is.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use super::kinds::{self, Problem};
use super::{Config, Machine, Span};
use crate::net::network::Network;

/// One variable: everything that is to be said of it stands here and nowhere else.
pub(super) struct Row<T: 'static> {
    /// Its name without `POSTERN_` (and without `PLAN_<NAME>_`).
    pub(super) name: &'static str,
    /// What holds where the environment is silent.
    pub(super) default: Default<T>,
    /// What holds in `demo` instead.
    pub(super) demo: Option<&'static str>,
    /// Its kind, its range and the place of its value.
    pub(super) field: Field<T>,
    /// Never shown, and can be read from the file that `<name>_FILE` names (SPEC O1).
    pub(super) secret: bool,
    /// What it does, and by which rule.
    pub(super) doc: &'static str,
}

/// What holds where the environment is silent.
pub(super) enum Default<T> {
    /// This text.
    Fixed(&'static str),
    /// What the machine or rows further up say.
    Found {
        /// How the documentation names it.
        shown: &'static str,
        /// Finds it.
        find: fn(&Machine, &Config) -> String,
    },
    /// This text, which depends on whose row it is.
    Own {
        /// How the documentation names it.
        shown: &'static str,
        /// Picks it.
        pick: fn(&T) -> &'static str,
    },
}

impl<T> Row<T> {
    pub(super) const fn new(
        name: &'static str,
        default: &'static str,
        field: Field<T>,
        doc: &'static str,
    ) -> Row<T> {
        Row { name, default: Default::Fixed(default), demo: None, field, secret: false, doc }
    }

    pub(super) const fn found(
        mut self,
        shown: &'static str,
        find: fn(&Machine, &Config) -> String,
    ) -> Row<T> {
        self.default = Default::Found { shown, find };
        self
    }

    pub(super) const fn own(mut self, shown: &'static str, pick: fn(&T) -> &'static str) -> Row<T> {
        self.default = Default::Own { shown, pick };
        self
    }

    pub(super) const fn in_demo(mut self, value: &'static str) -> Row<T> {
        self.demo = Some(value);
        self
    }
}

/// The kind of a value, its range (both ends included), and the place in `T` that it goes to.
pub(super) enum Field<T: 'static> {
    Duration { from: Duration, to: Duration, slot: fn(&mut T) -> &mut Duration },
    SpanOrOff { slot: fn(&mut T) -> &mut Option<Span> },
    Size { from: u64, to: u64, slot: fn(&mut T) -> &mut u64 },
    SizeOr { word: &'static str, from: u64, to: u64, slot: fn(&mut T) -> &mut Option<u64> },
    Count { from: u32, to: u32, slot: fn(&mut T) -> &mut u32 },
    CountOr { word: &'static str, from: u32, to: u32, slot: fn(&mut T) -> &mut Option<u32> },
    Switch { slot: fn(&mut T) -> &mut bool },
    Choice { names: &'static [&'static str], set: fn(&mut T, usize) },
    Listeners { slot: fn(&mut T) -> &mut Vec<SocketAddr> },
    Networks { slot: fn(&mut T) -> &mut Vec<Network> },
    Path { slot: fn(&mut T) -> &mut PathBuf },
    Paths { slot: fn(&mut T) -> &mut Vec<PathBuf> },
    Other { kind: &'static str, set: fn(&mut T, &str) -> Result<(), Problem> },
}

impl<T> Field<T> {
    /// Reads `text` and puts the value in its place.
    pub(super) fn set(&self, target: &mut T, text: &str) -> Result<(), Problem> {
        if text.is_empty() {
            return Err(Problem::new("is set, but empty", "give it a value, or unset it for the default"));
        }
        match self {
            Field::Duration { from, to, slot } => {
                let value = kinds::duration(text)?;
                self.within(*from <= value && value <= *to)?;
                *slot(target) = value;
            }
            Field::SpanOrOff { slot } => *slot(target) = kinds::span_or_off(text)?,
            Field::Size { from, to, slot } => {
                let value = kinds::size(text)?;
                self.within(*from <= value && value <= *to)?;
                *slot(target) = value;
            }
            Field::SizeOr { word, from, to, slot } => {
                let value = kinds::size_or(word, text)?;
                self.within(value.is_none_or(|value| (*from..=*to).contains(&value)))?;
                *slot(target) = value;
            }
            Field::Count { from, to, slot } => {
                let value = kinds::count(text)?;
                self.within(*from <= value && value <= *to)?;
                *slot(target) = value;
            }
            Field::CountOr { word, from, to, slot } => {
                let value = kinds::count_or(word, text)?;
                self.within(value.is_none_or(|value| (*from..=*to).contains(&value)))?;
                *slot(target) = value;
            }
            Field::Choice { names, set } => match names.iter().position(|name| *name == text) {
                Some(index) => set(target, index),
                None => {
                    let cure = format!("write one of: {}", names.join(", "));
                    return Err(Problem::new("is none of its values", cure));
                }
            },
            Field::Switch { slot } => *slot(target) = kinds::switch(text)?,
            Field::Listeners { slot } => *slot(target) = kinds::listeners(text)?,
            Field::Networks { slot } => *slot(target) = kinds::networks(text)?,
            Field::Path { slot } => *slot(target) = kinds::path(text)?,
            Field::Paths { slot } => *slot(target) = kinds::paths(text)?,
            Field::Other { set, .. } => set(target, text)?,
        }
        Ok(())
    }

    fn within(&self, inside: bool) -> Result<(), Problem> {
        if inside {
            return Ok(());
        }
        Err(Problem::new("is out of range", format!("write {}", self.values())))
    }

    /// Which values it takes, for the documentation.
    pub(super) fn values(&self) -> String {
        match self {
            Field::Duration { from, to, .. } => {
                format!("a duration from {} to {}", kinds::show_duration(*from), kinds::show_duration(*to))
            }
            Field::SpanOrOff { .. } => kinds::SPAN_RANGE.to_owned(),
            Field::Size { from, to, .. } => {
                format!("a size from {} to {}", kinds::show_size(*from), kinds::show_size(*to))
            }
            Field::SizeOr { word, from, to, .. } => {
                format!("a size from {} to {}, or `{word}`", kinds::show_size(*from), kinds::show_size(*to))
            }
            Field::Count { from, to, .. } => format!("a number from {from} to {to}"),
            Field::CountOr { word, from, to, .. } => format!("a number from {from} to {to}, or `{word}`"),
            Field::Switch { .. } => "`on`, `off`".to_owned(),
            Field::Choice { names, .. } => {
                names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
            }
            Field::Listeners { .. } => "list of `address:port`, or `off`".to_owned(),
            Field::Networks { .. } => "list of networks, or `none`".to_owned(),
            Field::Path { .. } => "a path".to_owned(),
            Field::Paths { .. } => "list of paths, or `none`".to_owned(),
            Field::Other { kind, .. } => (*kind).to_owned(),
        }
    }
}
