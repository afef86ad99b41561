//! The rows of the gate: who may come in and when it closes (SPEC A), how often mail is checked (C3), what may be sent
//! and when sending is locked (Q), and the variables that each plan has.

use std::time::Duration;

use postern_model::record::Signal;
use postern_policy::access;
use postern_policy::calendar::Span;

use super::field::{Field, Row};
use super::kinds::{self, Problem};
use super::table::{DAY, MIB, MINUTE, SECOND, TIB, Variable, YEAR};
use super::{Config, Plan};

/// A variable of each plan.
type PlanVariable = Row<Plan>;

/// Letters that a limit may name: an account's list of letters holds so many (SPEC A10).
const MOST_LETTERS: u32 = 1_000;

/// The variables of the gate; plans rely on some of them.
pub(super) static ROWS: &[Variable] = &[
    Variable::new(
        "ACTIVATION_DELAY",
        "15m",
        Field::Duration { from: Duration::ZERO, to: YEAR, slot: |c| &mut c.access.activation_delay },
        "From the user's switch until access opens (A2).",
    ),
    Variable::new(
        "POP3_IDLE_LIMIT",
        "2months",
        Field::SpanOrOff { slot: |c| &mut c.access.pop3_idle },
        "POP3 closes by itself when it was not used for so long (A6).",
    ),
    Variable::new(
        "POP3_IDLE_COUNTS",
        "pop3",
        Field::Choice { names: &["pop3", "any"], set: |c, n| c.access.imap_keeps_pop3 = n == 1 },
        "What counts as use of POP3: itself alone, or IMAP too (A15).",
    ),
    Variable::new(
        "IMAP_IDLE_LIMIT",
        "off",
        Field::SpanOrOff { slot: |c| &mut c.access.imap_idle },
        "IMAP closes by itself when it was not used for so long (A15).",
    ),
    Variable::new(
        "INACTIVE_AFTER",
        "9months",
        Field::SpanOrOff { slot: |c| &mut c.access.inactive_after },
        "An account becomes inactive after so long without a login (A9); POP3 closes with that (A5).",
    ),
    Variable::new(
        "INACTIVE_COUNTS",
        "any",
        Field::Choice { names: &["any", "web"], set: |c, n| c.access.web_logins_only = n == 1 },
        "Which logins count for that: any, or those on the web alone (A9).",
    ),
    Variable::new(
        "INACTIVE_MAIL",
        "accept",
        Field::Choice { names: &["accept", "refuse"], set: |c, n| c.inactive_refuses_mail = n == 1 },
        "What becomes of mail for an inactive account (A9): `refuse` answers `550 5.2.1`.",
    ),
    Variable::new(
        "WARN_BEFORE",
        "7d",
        Field::Other { kind: "a duration from 1m to 365d, or `off`", set: warn_before },
        "How long before something closes for want of use the user is warned (A11).",
    ),
    Variable::new(
        "LOGIN_MINUTES_PER_DAY",
        "pop3=1000,imap=unlimited",
        Field::Other {
            kind: "`pop3=minutes,imap=minutes`, a number from 1 to 1440 each, or `unlimited`",
            set: login_minutes,
        },
        "Distinct minutes of any 24 hours in which a protocol may be logged in to; beyond, it closes (A13).",
    ),
    Variable::new(
        "THEFT_NETWORKS",
        "10",
        Field::CountOr { word: "off", from: 2, to: 32, slot: |c| &mut c.access.theft_networks },
        "Distinct networks that log in within `POSTERN_THEFT_WINDOW` when a theft is suspected, which closes access until the password is changed (A14).",
    ),
    Variable::new(
        "THEFT_WINDOW",
        "1h",
        Field::Duration { from: MINUTE, to: DAY, slot: |c| &mut c.access.theft_window },
        "The time in which these networks are counted (A14).",
    ),
    Variable::new(
        "CLIENT_PASSWORD",
        "account",
        Field::Choice { names: &["account", "separate"], set: |c, n| c.client_password = n == 1 },
        "Which password mail programs log in with: the account's, or one that is made for them when access is switched on and void when it is switched off (A12). `account access … on` tells it once, also where access is on already and there is none yet.",
    ),
    Variable::new(
        "CHECK_INTERVAL",
        "5m",
        Field::Duration { from: Duration::ZERO, to: DAY, slot: |c| &mut c.check_interval },
        "How far apart mail may be checked over POP3 (C3), where a plan says nothing else; `0s`: any time.",
    )
    .in_demo("0s"),
    Variable::new(
        "IMAP_CHECK_INTERVAL",
        "off",
        Field::Other { kind: "a duration from 0s to 1d, or `off`", set: imap_check_interval },
        "How far apart an account may log in over IMAP (C3); `off`: any time.",
    ),
    Variable::new(
        "CHECK_BURST",
        "1",
        Field::Count { from: 1, to: 16, slot: |c| &mut c.check_burst },
        "Checks in any interval (C3).",
    ),
    Variable::new(
        "CHECK_GRACE",
        "10s",
        Field::Duration { from: Duration::ZERO, to: DAY, slot: |c| &mut c.check_grace },
        "So much earlier than announced a check is let in, since programs poll with jitter (C3); never counts for more than a tenth of the interval.",
    ),
    Variable::new(
        "ABUSE_THRESHOLD",
        "100",
        Field::Count { from: 1, to: 1_000_000, slot: |c| &mut c.abuse.threshold },
        "Points of all signals together that lock sending (Q4).",
    ),
    Variable::new(
        "ABUSE_DECAY",
        "1h",
        Field::Duration { from: MINUTE, to: YEAR, slot: |c| &mut c.abuse.decay },
        "The time in which a score of `POSTERN_ABUSE_THRESHOLD` points drains (Q4).",
    ),
    Variable::new(
        "ABUSE_LOCK",
        "24h",
        Field::Duration { from: MINUTE, to: YEAR, slot: |c| &mut c.abuse.lock },
        "How long sending stays locked by itself (Q4).",
    ),
    Variable::new(
        "ABUSE_WEIGHTS",
        "pushing=3,unknown-recipient=5,bounce=3,new-recipient=0.1,new-address=15,same-body=0.5,report=60",
        Field::Other { kind: "`signal=points`, from 0 to 1000 with up to three decimals each", set: weights },
        "What one sign of each kind weighs (Q4): a letter over a limit, a recipient that does not exist, a letter that came back, a recipient new within the hour, a client network beyond `POSTERN_ABUSE_NETWORKS`, a recipient beyond `POSTERN_ABUSE_SAME_BODY`, a complaint. 0 switches a signal off; one that is not named keeps its default.",
    ),
    Variable::new(
        "ABUSE_NETWORKS",
        "4",
        Field::Count { from: 1, to: 16, slot: |c| &mut c.abuse.networks },
        "Client networks within an hour that are nothing unusual (Q4).",
    ),
    Variable::new(
        "ABUSE_SAME_BODY",
        "50",
        Field::Count { from: 1, to: 1_000_000, slot: |c| &mut c.abuse.same_body },
        "Recipients of one text that are nothing unusual (Q4).",
    ),
    Variable::new(
        "ABUSE_CLOSES",
        "sending",
        Field::Choice { names: &["sending", "access"], set: |c, n| c.access.abuse_closes_access = n == 1 },
        "What an abuse lock closes: sending alone, or all external access (A7).",
    ),
    Variable::new(
        "BRAKE_ACCOUNTS",
        "100",
        Field::Other {
            kind: "a number from 0 to 4294967295",
            set: |c, text| kinds::count(text).map(|n| c.brake.accounts = n.into()),
        },
        "Accounts that one look may close for want of use; more, and more than `POSTERN_BRAKE_PERCENT`, wait for `postern policy release` (A16).",
    ),
    Variable::new(
        "BRAKE_PERCENT",
        "1",
        Field::Other { kind: "a number from 0 to 100", set: brake_percent },
        "The share of all accounts that one look may close, where that is more than `POSTERN_BRAKE_ACCOUNTS` (A16); 100 never brakes.",
    ),
];

/// The variables that each plan has, as `POSTERN_PLAN_<NAME>_…`.
pub(super) static PLAN_ROWS: &[PlanVariable] = &[
    PlanVariable::new(
        "SENDS_PER_MINUTE",
        "5",
        sends(|p| &mut p.sends.per_minute),
        "Letters in any 60 seconds (Q1).",
    ),
    PlanVariable::new(
        "SENDS_PER_HOUR",
        "",
        sends(|p| &mut p.sends.per_hour),
        "Letters in any 60 minutes (Q1).",
    )
    .own("`15`; plus: `unlimited`", |plan| if plan.name == "plus" { UNLIMITED } else { "15" }),
    PlanVariable::new(
        "SENDS_PER_DAY",
        UNLIMITED,
        sends(|p| &mut p.sends.per_day),
        "Letters in any 24 hours (Q1).",
    ),
    PlanVariable::new(
        "RECIPIENTS",
        "100",
        Field::Count { from: 1, to: 10_000, slot: |p| &mut p.sends.recipients },
        "Recipients that one letter may have (Q2).",
    ),
    PlanVariable::new(
        "CHECK_INTERVAL",
        "",
        Field::Duration { from: Duration::ZERO, to: DAY, slot: |p| &mut p.check_interval },
        "How far apart its accounts may check their mail over POP3 (C3); `0s`: any time.",
    )
    .found("`POSTERN_CHECK_INTERVAL`", |_, config| kinds::show_duration(config.check_interval)),
    PlanVariable::new(
        "STORAGE",
        "",
        Field::SizeOr { word: UNLIMITED, from: MIB, to: 1024 * TIB, slot: |p| &mut p.storage },
        "What an account may store (D8), as octets of its letters; what is there already stays when the plan is changed.",
    )
    .own("`1GiB`; plus: `10GiB`", |plan| if plan.name == "plus" { "10GiB" } else { "1GiB" }),
];

/// Whether a replay of recorded events could go otherwise by a variable, named without `POSTERN_`: a figure of the gate's
/// by which single accounts are judged.
pub fn is_replayed(name: &str) -> bool {
    // What becomes of a letter for an inactive account, which password somebody gave, and which log-in over IMAP came too
    // soon, no event tells.
    const NOT: [&str; 5] =
        ["INACTIVE_MAIL", "CLIENT_PASSWORD", "IMAP_CHECK_INTERVAL", "BRAKE_ACCOUNTS", "BRAKE_PERCENT"];
    let of_the_gate = ROWS.iter().any(|row| row.name == name) && !NOT.contains(&name);
    of_the_gate || name == "PLANS" || (name.starts_with("PLAN_") && !name.ends_with("_STORAGE"))
}

/// How far apart IMAP's log-ins may be; SPEC C3 has that rule switched off as a rule.
fn imap_check_interval(config: &mut Config, text: &str) -> Result<(), Problem> {
    let interval = if text == "off" { Duration::ZERO } else { kinds::duration(text)? };
    if interval > DAY {
        return Err(Problem::new("is out of range", "write a duration up to 1d, or off"));
    }
    config.access.imap_check = interval;
    Ok(())
}

const UNLIMITED: &str = "unlimited";

const fn sends(slot: fn(&mut Plan) -> &mut Option<u32>) -> Field<Plan> {
    Field::CountOr { word: UNLIMITED, from: 1, to: MOST_LETTERS, slot }
}

fn warn_before(config: &mut Config, text: &str) -> Result<(), Problem> {
    let before = if text == "off" { Duration::ZERO } else { kinds::duration(text)? };
    if text != "off" && !(MINUTE..=YEAR).contains(&before) {
        return Err(Problem::new("is out of range", "write a duration from 1m to 365d, or off"));
    }
    config.access.warn_before = before;
    Ok(())
}

fn login_minutes(config: &mut Config, text: &str) -> Result<(), Problem> {
    const CURE: &str =
        "write both pop3 and imap, a number from 1 to 1440 or unlimited each, like pop3=1000,imap=unlimited";
    let (mut pop3, mut imap) = (None, None);
    kinds::parts(text, CURE, |name, figure| {
        let slot = match name {
            "pop3" => &mut pop3,
            "imap" => &mut imap,
            _ => return None,
        };
        Some(kinds::count_or(UNLIMITED, figure).map(|minutes| *slot = Some(minutes)))
    })?;
    let (Some(pop3), Some(imap)) = (pop3, imap) else {
        return Err(Problem::new("is incomplete", CURE));
    };
    if ![pop3, imap].iter().flatten().all(|minutes| (1..=1440).contains(minutes)) {
        return Err(Problem::new("is out of range", CURE));
    }
    (config.access.pop3_minutes, config.access.imap_minutes) = (pop3, imap);
    Ok(())
}

fn weights(config: &mut Config, text: &str) -> Result<(), Problem> {
    let names = Signal::ALL.map(Signal::name).join(", ");
    let cure =
        format!("write signals with points, like pushing=4,new-recipient=0.1; the signals are {names}");
    kinds::parts(text, &cure, |name, figure| {
        let (_, weight) =
            Signal::ALL.iter().zip(&mut config.abuse.weights).find(|(signal, _)| signal.name() == name)?;
        Some(kinds::points(figure).map(|points| *weight = points))
    })
}

fn brake_percent(config: &mut Config, text: &str) -> Result<(), Problem> {
    let percent = kinds::count(text)?;
    if percent > 100 {
        return Err(Problem::new("is out of range", "write a number from 0 to 100"));
    }
    config.brake.percent = percent.into();
    Ok(())
}

/// A warning that goes out before anything was idle says nothing, and nothing may close unwarned (SPEC A11): so it has
/// to be shorter than each limit that it warns of.
pub(super) fn warned_too_early(access: &access::Figures) -> Option<Problem> {
    let limits = [
        ("POP3_IDLE_LIMIT", access.pop3_idle),
        ("IMAP_IDLE_LIMIT", access.imap_idle),
        ("INACTIVE_AFTER", access.inactive_after),
    ];
    let shortest = |span| match span {
        Span::Fixed(duration) => duration,
        Span::Months(months) => DAY * 28 * months,
    };
    let short =
        limits.into_iter().find(|(_, limit)| limit.is_some_and(|span| shortest(span) <= access.warn_before));
    let (name, _) = short.filter(|_| access.warn_before >= SECOND)?;
    Some(Problem::new(
        format!("is not shorter than POSTERN_{name}, which it warns of"),
        "write a shorter one, or off",
    ))
}
