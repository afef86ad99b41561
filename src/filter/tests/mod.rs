//! Filters of odd behaviour, played by small servers here; and the real ones where they are installed.

mod drafts;
mod learning;
mod marks;
mod milters;
mod real;
mod servers;
mod verdicts;

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use postern_model::{AccountId, EmailAddress, LetterId, MailFrom, Timestamp};

use super::chain::Chain;
use crate::config::Screen;
use crate::inbound::filter::Action;
use crate::inbound::{Edits, Filter, Opinion, Visit};

/// No test waits so long.
const PATIENT: Duration = Duration::from_secs(60);

const LETTER: &[u8] =
    b"From: eve@example.org\r\nSubject: hello\r\nX-Spam-Status: No\r\nTo: alice@demo.test\r\n\r\nbody\r\n";

fn visit() -> Visit {
    let address = |text| EmailAddress::parse(text).expect("an address");
    Visit {
        letter: LetterId(0xabc),
        at: Timestamp::from_seconds(1_800_000_000),
        peer: IpAddr::V4(Ipv4Addr::new(192, 0, 2, 7)),
        client_name: "mail.example.org".to_owned(),
        tls: Some(("TLSv1.3", "TLS_AES_128_GCM_SHA256")),
        mail_from: MailFrom::Address(address("eve@example.org")),
        recipients: vec![address("alice@demo.test"), address("bob@demo.test")],
        sender: None,
    }
}

fn own_visit() -> Visit {
    Visit { sender: Some(AccountId(0x2a)), ..visit() }
}

fn screen(filters: &[String]) -> Screen {
    let filters = filters.iter().map(|place| place.parse().expect("a place")).collect();
    Screen { filters, timeout: PATIENT, ..Screen::default() }
}

fn chain(screen: &Screen) -> Chain {
    Chain::new(screen, "mx.demo.test", 1 << 20).expect("it can be asked")
}

/// What one filter thinks of a letter.
async fn ask(place: &str, visit: &Visit, letter: &[u8]) -> Opinion {
    chain(&screen(&[place.to_owned()])).judge(visit, letter, "").await
}

/// The letter with an opinion's edits made, as text.
fn edited(letter: &[u8], edits: &Edits) -> String {
    let mut out = edits.front.clone();
    let end = postern_model::mime::header_end(letter).unwrap_or(letter.len());
    let mut inserted = edits.inserted.iter().peekable();
    for at in 0..=end {
        while let Some((_, lines)) = inserted.next_if(|(place, _)| *place == at) {
            out.extend_from_slice(lines);
        }
        if at < end && !edits.removed.iter().any(|range| range.contains(&at)) {
            out.push(letter[at]);
        }
    }
    assert_eq!(inserted.next(), None, "places ascend");
    out.extend_from_slice(edits.body.as_deref().unwrap_or(&letter[end..]));
    String::from_utf8(out).expect("text")
}

fn refused(permanent: bool, text: Option<&str>) -> Action {
    Action::Reject { permanent, text: text.map(str::to_owned) }
}
