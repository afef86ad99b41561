//! Letters from strangers: nothing panics, what is found does not depend on how the letter was cut, parts lie in one
//! another and in the letter, and what is found can be stored. The first octet says how to cut.

#![no_main]

use libfuzzer_sys::fuzz_target;
use postern_fuzz::pieces;
use postern_model::mime::{Content, Facts, Part, Scanner};
use postern_model::record::CODING;

fn scan(pieces: &[&[u8]]) -> Facts {
    let mut scanner = Scanner::new();
    for piece in pieces {
        scanner.feed(piece);
    }
    scanner.finish()
}

/// Each part lies in the body of the one around it, behind the one before it.
fn check(part: &Part, from: u64, to: u64) {
    assert!(from <= part.header_start && part.header_start <= part.body_start);
    assert!(part.body_start <= part.body_end && part.body_end <= to);
    match &part.content {
        Content::Leaf => {}
        Content::Multipart(parts) => {
            let mut from = part.body_start;
            for inner in parts {
                check(inner, from, part.body_end);
                from = inner.body_end;
            }
        }
        Content::Message(message) => check(&message.structure, part.body_start, part.body_end),
    }
}

fuzz_target!(|data: &[u8]| {
    let [seed, letter @ ..] = data else { return };
    let facts = scan(&[letter]);
    assert_eq!(scan(&pieces(letter, *seed)), facts, "however it is cut");
    assert_eq!(facts.size(), letter.len() as u64);
    check(&facts.structure, 0, letter.len() as u64);
    let _ = (facts.base_subject(), facts.message_id(), facts.parents().count());
    for numbers in [&[1][..], &[1, 1], &[2], &[2, 1, 1]] {
        let _ = facts.structure.at(numbers);
    }
    let stored = bincode::encode_to_vec(&facts, CODING).expect("facts can be stored");
    let (read, _): (Facts, usize) =
        bincode::decode_from_slice(&stored, CODING).expect("what was stored is read");
    assert_eq!(read, facts);
});
