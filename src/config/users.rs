//! What users may set up for themselves: forwarding, SMS alerts (SPEC D6, D7).

use super::Config;
use super::field::Field;
use super::kinds::Problem;
use super::table::Variable;

/// What holds for users' own arrangements.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Users {
    /// `POSTERN_DETAIL_SEPARATOR`: what stands before the detail of an address (SPEC D6); `None`: there are no details.
    pub detail_separator: Option<char>,
}

/// Its variables.
pub(super) static ROWS: &[Variable] = &[Variable::new(
    "DETAIL_SEPARATOR",
    "+",
    Field::Other { kind: "one of `+ - = _ . # ~ ! $ % & * ^`, or `off`", set: detail_separator },
    "What stands before the detail of an address: letters to `alice+news@…` come to `alice@…` where nobody has the longer address, and its owner may send from it too (D6).",
)];

fn detail_separator(config: &mut Config, text: &str) -> Result<(), Problem> {
    let mut signs = text.chars();
    config.users.detail_separator = match (text, signs.next(), signs.next()) {
        ("off", ..) => None,
        (_, Some(sign), None) if "+-=_.#~!$%&*^".contains(sign) => Some(sign),
        _ => return Err(Problem::new("is no sign that can separate", "write one sign like +, or off")),
    };
    Ok(())
}
