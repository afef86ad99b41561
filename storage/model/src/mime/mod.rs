//! The structure of a letter, found while its bytes go by: ENVELOPE, BODYSTRUCTURE, part offsets.
