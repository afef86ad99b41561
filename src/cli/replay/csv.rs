//! A record as lines of `time,address,protocol,action`, as any log can be turned into.

use postern_model::record::{Actor, Status};
use postern_model::{EmailAddress, Protocol, Timestamp};
use postern_policy::access::Change;
use postern_policy::replay::Act;

use super::read::{Row, Says};

/// The line that may stand first.
pub(super) fn is_header(line: &str) -> bool {
    let plain = line.replace(' ', "");
    plain.eq_ignore_ascii_case("time,address,protocol,action")
}

/// Whose a line is, and what it says.
///
/// # Errors
/// What is wrong with it.
pub(super) fn row(line: &str) -> Result<(String, Row), String> {
    let fields: Vec<&str> = line.split(',').map(str::trim).collect();
    let [time, address, protocol, action] = fields[..] else {
        return Err(format!("{} fields instead of time,address,protocol,action", fields.len()));
    };
    let at = Timestamp::parse_rfc3339(time)
        .ok_or_else(|| format!("{time:?} is not a time; write one like 2026-03-01T10:00:00Z"))?;
    let address =
        EmailAddress::parse(address).map_err(|error| format!("{address:?} is no address: {error}"))?;
    let address = address.key().ok_or_else(|| format!("{address} is no address of an account"))?;
    let protocol = match protocol {
        "" => None,
        name => Some(named(name).ok_or_else(|| format!("{name:?} is not pop3, imap or smtp"))?),
    };
    Ok((address, Row { at, counts: true, says: Says::Inputs(acts(protocol, action)?) }))
}

fn named(name: &str) -> Option<Protocol> {
    Protocol::ALL.into_iter().find(|protocol| protocol.name().eq_ignore_ascii_case(name))
}

const ACTIONS: &str = "login, fetch, letter, on, on-now, off, block, unblock, seen, lock, unlock, report, password, \
    active, inactive, suspended, plan=NAME";

/// What an action is.
fn acts(protocol: Option<Protocol>, action: &str) -> Result<Vec<Act>, String> {
    let login = |protocol| vec![Act::Login { protocol, from: None, refused: None }];
    let only = |expected: Protocol, acts: Vec<Act>| match protocol {
        Some(other) if other != expected => Err(format!("{action} is of {expected}, not of {other}")),
        _ => Ok(acts),
    };
    let gates = |change: Change, by: Actor| {
        let all = Protocol::ALL.into_iter().filter(|one| protocol.is_none_or(|protocol| *one == protocol));
        all.map(|protocol| Act::Switch { protocol, change: change.clone(), by }).collect()
    };
    Ok(match action {
        "login" => login(protocol),
        "fetch" => return only(Protocol::Pop3, login(Some(Protocol::Pop3))),
        "letter" => {
            return only(Protocol::Smtp, vec![Act::Letter { recipients: 1, signals: Box::default() }]);
        }
        "on" => gates(Change::On { now: false }, Actor::User),
        "on-now" => gates(Change::On { now: true }, Actor::Operator),
        "off" => gates(Change::Off, Actor::User),
        "block" => gates(Change::Block, Actor::Operator),
        "unblock" => gates(Change::Unblock, Actor::Operator),
        "seen" if protocol.is_none() => login(None),
        "lock" => return only(Protocol::Smtp, vec![Act::Lock { until: None }]),
        "unlock" => return only(Protocol::Smtp, vec![Act::Unlock]),
        "report" => return only(Protocol::Smtp, vec![Act::Report]),
        "password" if protocol.is_none() => vec![Act::Password],
        "active" if protocol.is_none() => vec![Act::Status(Status::Active)],
        "inactive" if protocol.is_none() => vec![Act::Status(Status::Inactive)],
        "suspended" if protocol.is_none() => vec![Act::Status(Status::Suspended)],
        _ => match (action.strip_prefix("plan="), protocol) {
            (Some(plan), None) if !plan.is_empty() => vec![Act::Plan(plan.into())],
            _ if ACTIONS.split(", ").any(|known| known == action) || action.starts_with("plan=") => {
                return Err(format!("{action} is of no protocol: leave that field empty"));
            }
            _ => return Err(format!("{action:?} is no action; there are {ACTIONS}")),
        },
    })
}
