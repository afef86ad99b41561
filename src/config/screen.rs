//! Filters (SPEC D5).

use super::table::Variable;

/// Its variables.
pub(super) static ROWS: &[Variable] = &[];
