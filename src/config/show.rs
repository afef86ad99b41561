//! Prints the configuration: what holds now, and the documentation of every variable.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::field::{Default, Row};
use super::gate::PLAN_ROWS;
use super::read::PREFIX;
use super::table::rows;
use super::{Config, Effective, Origin};

impl Config {
    /// The effective set as lines of `NAME=value`, as an environment file would have them.
    pub fn to_text(&self) -> String {
        let mut text = String::new();
        for Effective { name, value, .. } in self.effective() {
            let _ = writeln!(text, "{name}={value}");
        }
        text
    }

    /// The effective set as a JSON document: `[{"name","value","origin"}]`.
    pub fn to_json(&self) -> Value {
        self.effective()
            .iter()
            .map(|Effective { name, value, origin }| {
                let origin = match origin {
                    Origin::Default => "default",
                    Origin::Environment => "environment",
                    Origin::File => "file",
                };
                json!({"name": name, "value": value, "origin": origin})
            })
            .collect()
    }
}

const HEAD: &str = "\
# Configuration

Postern is configured by environment variables alone. All mistakes are reported at once at start; a variable
beginning with `POSTERN_` that is not listed here is a mistake too. `postern config` prints what holds.

Durations are written `90s`, `15m`, `2h`, `180d`, and where it says so `2months`, by the calendar in UTC; sizes `512B`,
`64KiB`, `25MiB`, `10GiB`; lists are separated by commas. Each port of a listener is bound on the address given:
`0.0.0.0:995` for all of IPv4, `[::]:995` for all of IPv6; port `0` takes a free one. A letter and a number in brackets
name the rule that a variable belongs to.

This page is the output of `postern config --markdown`.

| variable | default | values | meaning |
|---|---|---|---|
";

const DEMO: &str = "
## In a demo

`postern demo` has other defaults for some of them, and listens on loopback only:

| variable | default in a demo |
|---|---|
";

/// The documentation of every variable as a page of Markdown.
pub fn markdown() -> String {
    let mut page = HEAD.to_owned();
    for row in rows() {
        describe(&mut page, "", row);
    }
    for row in PLAN_ROWS {
        describe(&mut page, "PLAN_<NAME>_", row);
    }
    page.push_str(DEMO);
    for row in rows() {
        if let Some(value) = row.demo {
            let _ = writeln!(page, "| `{PREFIX}{}` | `{value}` |", row.name);
        }
    }
    page
}

fn describe<T>(page: &mut String, prefix: &str, row: &Row<T>) {
    let default = match row.default {
        Default::Fixed(value) => format!("`{value}`"),
        Default::Found { shown, .. } | Default::Own { shown, .. } => shown.to_owned(),
    };
    let name = format!("{PREFIX}{prefix}{}", row.name);
    let names = if row.secret { format!("`{name}` or `{name}_FILE`") } else { format!("`{name}`") };
    let _ = writeln!(page, "| {names} | {default} | {} | {} |", row.field.values(), row.doc);
}
