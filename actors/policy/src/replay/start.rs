//! Where a record begins that does not say how things stood.

use postern_model::record::{Activity, Actor, GateState, LoginRefusal, Standing, Status};
use postern_model::{Protocol, Timestamp};

use super::{Act, Input};
use crate::access::{self, Change};

/// The standing of an account before `inputs`, as far as they tell: a gate was open when it was first used or switched
/// off, shut when it was first switched on, refused as off, or never named, and blocked when the block was first taken
/// away. What happened before is taken to have happened just before the first of them. An empty plan is the default one.
pub fn assumed(inputs: &[Input]) -> Standing {
    let created = inputs.first().map_or(Timestamp::default(), |first| first.at);
    let mut access = access::all_off(created);
    for protocol in Protocol::ALL {
        let state = inputs.iter().find_map(|input| state_before(protocol, &input.act));
        let gate = access::gate_mut(&mut access, protocol);
        gate.state = state.unwrap_or(GateState::Off);
        gate.by = if gate.state == GateState::Blocked { Actor::Operator } else { Actor::User };
    }
    let status = inputs.iter().find_map(|input| status_before(&input.act)).unwrap_or(Status::Active);
    Standing { status, plan: String::new(), created, access, lock: None, activity: Activity::default() }
}

/// How a gate stood, where an act tells.
fn state_before(protocol: Protocol, act: &Act) -> Option<GateState> {
    let open = match act {
        Act::Login { protocol: Some(by), refused, .. } if *by == protocol => match refused {
            Some(LoginRefusal::Off | LoginRefusal::Pending) => false,
            Some(LoginRefusal::Blocked) => return Some(GateState::Blocked),
            _ => true,
        },
        Act::Letter { .. } | Act::UnknownRecipient { .. } if protocol == Protocol::Smtp => true,
        Act::Switch { protocol: switched, change, .. } if *switched == protocol => match change {
            Change::On { .. } => false,
            Change::Off | Change::Block => true,
            Change::Unblock => return Some(GateState::Blocked),
        },
        _ => return None,
    };
    Some(if open { GateState::On } else { GateState::Off })
}

/// Which status an account had, where an act tells.
fn status_before(act: &Act) -> Option<Status> {
    match act {
        Act::Login { protocol: Some(_), refused: Some(LoginRefusal::Suspended), .. } => {
            Some(Status::Suspended)
        }
        Act::Login { protocol: Some(_), .. } | Act::Letter { .. } | Act::Status(_) => Some(Status::Active),
        _ => None,
    }
}
