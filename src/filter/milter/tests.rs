//! A milter that says anything at all.

use std::net::{IpAddr, Ipv6Addr};

use postern_model::{EmailAddress, LetterId, MailFrom, Timestamp};
use proptest::prelude::*;
use tokio::io::AsyncWriteExt;

use super::*;

const LETTER: &[u8] = b"From: a@b.test\r\nSubject: x\r\n y\r\n\r\nbody\r\n";

fn visit() -> Visit {
    Visit {
        letter: LetterId(1),
        at: Timestamp::from_seconds(0),
        peer: IpAddr::V6(Ipv6Addr::LOCALHOST),
        client_name: String::new(),
        tls: None,
        mail_from: MailFrom::Null,
        recipients: vec![EmailAddress::parse("alice@demo.test").expect("an address")],
        sender: None,
    }
}

/// What comes of a dialogue with a milter that says this at once and is gone then.
fn heard(said: Vec<u8>) -> Result<(Action, Vec<u8>), Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
    runtime.block_on(async {
        let (ours, mut theirs) = tokio::io::duplex(1 << 20);
        theirs.write_all(&said).await.expect("there is room");
        theirs.shutdown().await.expect("it can be shut");
        let end = Instant::now() + Duration::from_secs(60);
        let wire = Wire::new(Box::new(ours), end, Duration::from_secs(60), end);
        let macros = Macros::of(&visit(), "mx.demo.test");
        let mut draft = Draft::new(LETTER);
        let dialogue = Dialogue::begin(wire, macros, 1 << 20).await?;
        let action = dialogue.judge(&visit(), &mut draft).await?;
        Ok((action, draft.octets().into_owned()))
    })
}

fn packet(command: u8, data: &[u8]) -> Vec<u8> {
    let length = u32::try_from(data.len() + 1).expect("short");
    [&length.to_be_bytes()[..], &[command], data].concat()
}

/// Takes everything without an answer up to the end, and may do all that is offered.
fn agreed() -> Vec<u8> {
    let protocol = 0x1000 | 0x2000 | 0x4000 | 0x8000 | 0x1_0000 | 0x80 | 0x4_0000 | 0x8_0000;
    packet(b'O', &[6, 0x133, protocol].map(u32::to_be_bytes).concat())
}

#[test]
fn a_packet_may_not_promise_more_than_may_come() {
    for length in [0_u32, (1 << 20) + 1, u32::MAX] {
        let said = [agreed(), length.to_be_bytes().to_vec(), vec![b'c'; 100]].concat();
        assert!(matches!(heard(said), Err(Failure::Garbage(_))), "{length}");
    }
    let cut = [agreed(), 100_u32.to_be_bytes().to_vec(), vec![b'c'; 50]].concat();
    assert!(matches!(heard(cut), Err(Failure::Broken(_))));
}

proptest! {
    #[test]
    fn nothing_that_is_said_does_any_harm(
        begins_well in any::<bool>(),
        packets in prop::collection::vec(
            (prop::sample::select(b"acdefhilmpqrsty+-24bO\0".to_vec()), prop::collection::vec(any::<u8>(), 0..40)),
            0..8,
        ),
        rest in prop::collection::vec(any::<u8>(), 0..20),
    ) {
        let begin = if begins_well { agreed() } else { Vec::new() };
        let packets = packets.into_iter().flat_map(|(command, data)| packet(command, &data));
        let said = begin.into_iter().chain(packets).chain(rest).collect();
        if let Ok((_, letter)) = heard(said) {
            let end = postern_model::mime::header_end(&letter).expect("a blank line stays");
            for line in letter[..end].split_inclusive(|octet| *octet == b'\n') {
                prop_assert!(line.ends_with(b"\r\n") && !line.contains(&0), "{line:?}");
                prop_assert_eq!(line.iter().filter(|octet| **octet == b'\r').count(), 1);
            }
        }
    }
}
