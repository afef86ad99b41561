//! The way in: what letters from elsewhere have to pass (SPEC D4).

use super::table::Variable;

/// Its variables.
pub(super) static ROWS: &[Variable] = &[];
