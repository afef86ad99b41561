//! IMAP commands from strangers: nothing panics, what is found does not depend on how the stream was cut, and memory is
//! bounded. The first octet says how to read, the second one how to cut, the rest is the stream.

#![no_main]

use libfuzzer_sys::fuzz_target;
use postern_fuzz::imap::grammar::{Frame, Framer, Limits, parse};
use postern_fuzz::pieces;

const LIMITS: Limits = Limits { command: 4 * 1024, message: 1_000_000 };

/// What was found, with letters put together.
fn read(input: &[&[u8]], utf8: bool, wanted: bool) -> Vec<String> {
    let (mut framer, mut seen, mut letter) = (Framer::default(), Vec::new(), 0);
    for piece in input {
        let mut rest = *piece;
        loop {
            let (used, frame) = framer.feed(rest, &LIMITS, utf8);
            match frame {
                None => {
                    assert_eq!(used, rest.len(), "all is used where nothing is found");
                    break;
                }
                Some(Frame::Message(message)) => {
                    seen.push(format!("{message:?}"));
                    if wanted { framer.accept() } else { framer.refuse() }
                }
                Some(Frame::Octets(range)) => {
                    assert!(!range.is_empty());
                    letter += rest[range].len();
                }
                Some(Frame::MessageEnd) => seen.push(format!("letter of {}", std::mem::take(&mut letter))),
                Some(frame) => seen.push(format!("{frame:?}")),
            }
            rest = &rest[used..];
        }
    }
    seen
}

fuzz_target!(|data: &[u8]| {
    let [how, seed, stream @ ..] = data else { return };
    let (utf8, wanted) = (how & 1 != 0, how & 2 != 0);
    let at_once = read(&[stream], utf8, wanted);
    assert_eq!(read(&pieces(stream, *seed), utf8, wanted), at_once, "however it is cut");
    if let Err(failure) = parse(stream, utf8) {
        assert!(failure.at <= stream.len(), "the place is in the command");
    }
});
