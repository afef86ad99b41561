//! What the targets share. IMAP's grammar is taken file by file: it needs nothing of the server, and the server with its
//! TLS would take minutes to build for the fuzzer.

pub mod imap;

/// Cuts `bytes` into pieces whose lengths follow from `seed`.
pub fn pieces(bytes: &[u8], seed: u8) -> Vec<&[u8]> {
    let (mut rest, mut pieces, mut state) = (bytes, Vec::new(), u32::from(seed) + 1);
    while !rest.is_empty() {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let length = 1 + (state >> 24) as usize % 48;
        let (piece, left) = rest.split_at(length.min(rest.len()));
        pieces.push(piece);
        rest = left;
    }
    pieces
}
