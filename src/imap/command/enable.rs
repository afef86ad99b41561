//! ENABLE (RFC 5161, RFC 9051 §6.3.1).

use crate::imap::command::Run;
use crate::imap::reply::{Done, line};
use crate::net::outlet::Cut;

pub(super) async fn run(run: &mut Run<'_, '_>, names: Vec<String>) -> Result<Done, Cut> {
    if run.state.selected.is_some() && names.iter().any(|name| name == "UIDONLY") {
        // RFC 9586 §3: numbers can't go away under a folder that is looked at by them. Nothing else is enabled either:
        // the client could not know of it.
        return Ok(Done::no("UIDONLY is enabled before a folder is selected."));
    }
    let enabled = &mut run.state.enabled;
    let mut told = Vec::new();
    for name in names {
        let known = match name.as_str() {
            "CONDSTORE" => enable(&mut [&mut enabled.condstore]),
            // RFC 7162 §3.2.3: QRESYNC brings CONDSTORE along.
            "QRESYNC" => enable(&mut [&mut enabled.qresync, &mut enabled.condstore]),
            "UTF8=ACCEPT" => enable(&mut [&mut enabled.utf8]),
            "IMAP4REV2" => enable(&mut [&mut enabled.rev2]),
            "UIDONLY" => enable(&mut [&mut enabled.uid_only]),
            _ => false,
        };
        if known {
            told.push(if name == "IMAP4REV2" { "IMAP4rev2".to_owned() } else { name });
        }
    }
    let list: String = told.iter().map(|name| format!(" {name}")).collect();
    line(run.out.bytes, format_args!("* ENABLED{list}"));
    Ok(Done::ok("ENABLE completed"))
}

fn enable(switches: &mut [&mut bool]) -> bool {
    switches.iter_mut().for_each(|switch| **switch = true);
    true
}
