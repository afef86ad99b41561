//! Real filters.
