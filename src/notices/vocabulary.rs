//! Which messages template files have, with which attributes, and which variables each may name. docs/notices.md is
//! the same for operators.

/// A message that is looked up, or that others may refer to.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) id: &'static str,
    pub(super) shape: Shape,
    pub(super) variables: &'static [&'static [Variable]],
}

/// What a message consists of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// A text.
    Text,
    /// A notice: [`PARTS`] as attributes, no text of its own.
    Notice,
}

/// The parts of a notice's letter, in their order.
pub(super) const PARTS: [&str; 5] = ["subject", "what", "why", "how", "support"];

/// A value that texts may name as `{ $name }`.
#[derive(Debug)]
pub(super) struct Variable {
    pub(super) name: &'static str,
    pub(super) values: Values,
}

/// What a variable may be, as far as a text can branch on it.
#[derive(Clone, Copy, Debug)]
pub(super) enum Values {
    /// Any text.
    Any,
    /// A number; branches are figures or plural categories.
    Number,
    /// One of these words.
    Words(&'static [&'static str]),
    /// A text, or the word `none` where there is nothing to tell.
    OrNone,
}

/// The plural categories of CLDR.
const PLURALS: [&str; 6] = ["zero", "one", "two", "few", "many", "other"];

impl Values {
    /// Whether a branch with this name could ever be taken. `other` is what a default branch is called.
    pub(super) fn may_be(self, branch: &str) -> bool {
        match self {
            _ if branch == "other" => true,
            Values::Any => true,
            Values::Number => PLURALS.contains(&branch),
            Values::Words(words) => words.contains(&branch),
            Values::OrNone => branch == "none",
        }
    }

    /// The branches that [`Values::may_be`] allows, for people.
    pub(super) fn branches(self) -> String {
        match self {
            Values::Any => "any".to_owned(),
            Values::Number => format!("a figure or one of {}", PLURALS.join(", ")),
            Values::Words(words) => format!("one of {}, other", words.join(", ")),
            Values::OrNone => "none or other".to_owned(),
        }
    }
}

impl Row {
    /// The row of a message.
    pub(super) fn find(id: &str) -> Option<(usize, &'static Row)> {
        ROWS.iter().enumerate().find(|(_, row)| row.id == id)
    }

    /// All variables that its texts may name.
    pub(super) fn variables(&self) -> impl Iterator<Item = &'static Variable> {
        self.variables.iter().copied().flatten()
    }

    /// A variable that its texts may name.
    pub(super) fn variable(&self, name: &str) -> Option<&'static Variable> {
        self.variables().find(|variable| variable.name == name)
    }
}

const fn text(id: &'static str, variables: &'static [&'static [Variable]]) -> Row {
    Row { id, shape: Shape::Text, variables }
}

const fn notice(id: &'static str) -> Row {
    Row { id, shape: Shape::Notice, variables: &[COMMON, BECAUSE] }
}

const fn variable(name: &'static str, values: Values) -> Variable {
    Variable { name, values }
}

/// What all texts of a letter may name.
const COMMON: &[Variable] = &[
    variable("address", Values::Any),
    variable("domain", Values::Any),
    variable("web", Values::Any),
    variable("support", Values::Any),
    variable("at", Values::Any),
    variable("then", Values::OrNone),
    variable("protocols", Values::Any),
    variable("count", Values::Number),
    variable("by", Values::Words(&["user", "timer", "operator", "abuse"])),
    variable("reason", Values::Words(REASONS)),
    variable("from", Values::OrNone),
    variable("limit", Values::Any),
    variable("inactive-after", Values::Any),
    variable("delay", Values::Any),
    variable("delay-seconds", Values::Number),
    variable("logins", Values::Words(&["any", "web"])),
    variable("mail", Values::Words(&["accept", "refuse"])),
    variable("forward", Values::OrNone),
];
/// The text of the reason, which notices alone may name.
const BECAUSE: &[Variable] = &[variable("because", Values::Any)];
const REASONS: &[&str] =
    &["pushing", "theft", "inactive", "idle", "too-many-connections", "terms", "operator", "none"];
const MONTH: &[Variable] = &[variable("month", Values::Number)];
const DATE: &[Variable] = &[
    variable("day", Values::Any),
    variable("month-name", Values::Any),
    variable("year", Values::Any),
    variable("hour", Values::Any),
    variable("minute", Values::Any),
    variable("zone", Values::Any),
];
const SPAN: &[Variable] = &[variable("n", Values::Number)];
const TWO: &[Variable] = &[variable("first", Values::Any), variable("second", Values::Any)];
const THIRD: &[Variable] = &[variable("third", Values::Any)];
const ASKED: &[Variable] = &[
    variable("address", Values::Any),
    variable("domain", Values::Any),
    variable("web", Values::Any),
    variable("support", Values::Any),
    variable("to", Values::Any),
    variable("word", Values::Any),
];
const EXPLAINED: &[Variable] = &[variable("text", Values::Any)];

/// The messages. A text may refer to those above it, so no text can refer to itself.
pub(super) static ROWS: &[Row] = &[
    text("month", &[MONTH]),
    text("date", &[DATE]),
    text("seconds", &[SPAN]),
    text("minutes", &[SPAN]),
    text("hours", &[SPAN]),
    text("days", &[SPAN]),
    text("months", &[SPAN]),
    text("long-time", &[]),
    text("list-two", &[TWO]),
    text("list-three", &[TWO, THIRD]),
    text("sender", &[COMMON]),
    text("greeting", &[COMMON]),
    text("signature", &[COMMON]),
    text("page", &[COMMON]),
    text("help", &[COMMON]),
    text("opens-later", &[COMMON]),
    text("steps-on", &[COMMON]),
    text("steps-new-password", &[COMMON]),
    text("reason-pushing", &[COMMON]),
    text("reason-theft", &[COMMON]),
    text("reason-inactive", &[COMMON]),
    text("reason-idle", &[COMMON]),
    text("reason-too-many-connections", &[COMMON]),
    text("reason-terms", &[COMMON]),
    text("reason-operator", &[COMMON]),
    text("words", &[EXPLAINED]),
    notice("access-requested"),
    notice("access-closed"),
    notice("access-blocked"),
    notice("access-unblocked"),
    notice("idle-warning"),
    notice("inactive-warning"),
    notice("inactive"),
    notice("sending-locked"),
    notice("sending-unlocked"),
    notice("plaintext-password"),
    notice("storage-low"),
    notice("storage-out"),
    notice("forwarding-on"),
    notice("forwarding-stopped"),
    text("forward-request-subject", &[ASKED]),
    text("forward-request", &[ASKED]),
];
