//! What users may set up for themselves: forwarding, SMS alerts (SPEC D6, D7).

use super::table::Variable;

/// Its variables.
pub(super) static ROWS: &[Variable] = &[];
