//! The table that is printed: each figure beside the machine's limit in the same run and the peer's figure, with what is
//! owed and aimed at.
//!
//! Absolute values move with the hour and the machine. Where the peer's figure was measured beside a limit, owed and
//! aim are therefore scaled by this run's limit over that one; where the peer ran in the same run, its own figure counts.

use std::collections::BTreeMap;

/// What a figure has to reach.
#[derive(Clone, Copy)]
pub(crate) enum Goal {
    /// So many times the peer's figure.
    Times(f64),
    /// This value.
    Is(f64),
}

/// What a figure is held against.
#[derive(Clone, Copy, Default)]
pub(crate) struct Mark {
    /// Dovecot's or Postfix's figure on the day they were measured.
    pub(crate) peer: Option<f64>,
    /// The machine's limit on that day.
    pub(crate) peer_limit: Option<f64>,
    /// What the project owes.
    pub(crate) owed: Option<Goal>,
    /// Where it wants to stand.
    pub(crate) aim: Option<Goal>,
}

/// One figure of this run.
#[derive(Clone)]
pub(crate) struct Figure {
    /// What was measured; a peer's figure of the same run has the same name.
    pub(crate) name: String,
    /// Its unit; a time or a size is better when smaller, a rate (`…/s`) when greater.
    pub(crate) unit: &'static str,
    /// The median of the rounds.
    pub(crate) value: f64,
    /// The machine's limit in this run, in the same unit.
    pub(crate) limit: Option<f64>,
    /// What it is held against.
    pub(crate) mark: Mark,
}

impl Figure {
    /// A figure that is held against nothing.
    pub(crate) fn new(name: impl Into<String>, value: f64, unit: &'static str) -> Figure {
        Figure { name: name.into(), unit, value, limit: None, mark: Mark::default() }
    }

    /// Beside the machine's limit in this run.
    pub(crate) fn of(mut self, limit: f64) -> Figure {
        self.limit = Some(limit);
        self
    }

    /// Beside the peer's figure and the goals that follow from it.
    pub(crate) fn against(mut self, mark: Mark) -> Figure {
        self.mark = mark;
        self
    }

    fn row(&self, peers: &BTreeMap<String, f64>) -> [String; 8] {
        let here = peers.get(&self.name).copied();
        let peer = here.or(self.mark.peer);
        let scale = match (here, self.limit, self.mark.peer_limit) {
            (None, Some(now), Some(then)) => now / then,
            _ => 1.0,
        };
        let goal = |goal: Option<Goal>| match goal? {
            Goal::Times(times) => Some(times * peer? * scale),
            Goal::Is(value) => Some(value),
        };
        let (owed, aim) = (goal(self.mark.owed), goal(self.mark.aim));
        let reached = |goal: f64| match self.unit.ends_with("/s") {
            true => self.value >= goal,
            false => self.value <= goal,
        };
        let stands = match (owed, aim) {
            (_, Some(aim)) if reached(aim) => "aim",
            (Some(owed), _) if reached(owed) => "owed",
            (None, None) => "",
            _ => "short",
        };
        let shown = |value: Option<f64>| value.map(show).unwrap_or_default();
        let peer_mark = if here.is_some() { " (this run)" } else { "" };
        [
            self.name.clone(),
            format!("{} {}", show(self.value), self.unit),
            shown(self.limit),
            self.limit.map(|limit| format!("{:.2}", self.value / limit)).unwrap_or_default(),
            peer.map(|peer| format!("{}{peer_mark}", show(peer))).unwrap_or_default(),
            shown(owed),
            shown(aim),
            stands.to_owned(),
        ]
    }
}

/// Prints the figures as one table, in Markdown. `peers` are those of the peers in this run, by name; one that has no
/// figure of ours beside it is printed behind the table.
pub(crate) fn print(figures: &[Figure], peers: &BTreeMap<String, f64>) {
    let head = ["figure", "measured", "limit", "of limit", "peer", "owed here", "aim here", "stands at"];
    let mut rows = vec![head.map(str::to_owned)];
    rows.extend(figures.iter().map(|figure| figure.row(peers)));
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or_default();
    let widths: [usize; 8] = std::array::from_fn(width);
    for (n, row) in rows.iter().enumerate() {
        let cells: Vec<_> = row.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        println!("| {} |", cells.join(" | "));
        if n == 0 {
            let rules: Vec<_> = widths.iter().map(|width| "-".repeat(width + 2)).collect();
            println!("|{}|", rules.join("|"));
        }
    }
    for (name, value) in peers.iter().filter(|(name, _)| !figures.iter().any(|ours| ours.name == **name)) {
        println!("peer alone: {name}: {}", show(*value));
    }
}

/// Three figures are enough, and thousands are easier to read with commas.
fn show(value: f64) -> String {
    match value.abs() {
        small if small < 1.0 => format!("{value:.3}"),
        small if small < 10.0 => format!("{value:.2}"),
        small if small < 100.0 => format!("{value:.1}"),
        small if small < 1_000.0 => format!("{value:.0}"),
        _ => {
            let digits = format!("{value:.0}");
            let head = digits.len() % 3;
            let mut text = digits[..head].to_owned();
            for at in (head..digits.len()).step_by(3) {
                if !text.is_empty() {
                    text.push(',');
                }
                text.push_str(&digits[at..at + 3]);
            }
            text
        }
    }
}

/// The middle of what the rounds gave; NaN of none.
pub(crate) fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    percentile(values, 0.5)
}

/// The value that this part of all values does not exceed.
pub(crate) fn percentile(values: impl IntoIterator<Item = f64>, part: f64) -> f64 {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    let last = values.len().saturating_sub(1);
    // The index lies between 0 and the last one.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let index = (last as f64 * part).round() as usize;
    values.get(index).copied().unwrap_or(f64::NAN)
}
