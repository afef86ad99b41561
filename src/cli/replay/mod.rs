//! `postern policy replay`: recorded events once more through the policy, with today's figures and with others, so that
//! an operator sees who would have been refused, locked and closed before a figure is changed. No server is asked, no
//! store is opened, nothing is changed.
//!
//! `read` finds out the form of the file and takes it in, `csv` and `json` say what a row means, `report` shows what came
//! of it. The playing itself is [`postern_policy::replay`]'s.

mod csv;
mod json;
mod read;
mod report;
#[cfg(test)]
mod tests;

use std::ffi::OsString;
use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use postern_model::Timestamp;
use postern_policy::maildrop;
use postern_policy::replay::{Figures, Input, Life, Outcome, Plan, assumed};

use super::args::Output;
use super::{Failure, Surroundings};
use crate::config::{Config, Machine, PREFIX, Purpose, is_replayed};
use read::Recorded;
use report::Report;

/// Runs it: `sets` are `NAME=VALUE`, read like the environment.
pub(super) fn run(
    log: &Path,
    sets: &[String],
    output: Output,
    surroundings: &mut Surroundings<'_>,
) -> Result<(), Failure> {
    let today = surroundings.config(Purpose::Command)?;
    let proposed = match sets {
        [] => None,
        _ => Some(with_sets(&surroundings.variables, sets)?),
    };
    let failed = |reason| Failure::Failed(format!("{}: {reason}", log.display()));
    let file = File::open(log).map_err(|error| failed(format!("it can't be read: {error}")))?;
    let recorded = read::read(BufReader::new(file)).map_err(|bad| Failure::Failed(bad.lines(log)))?;
    let (now, then) = (figures(&today), proposed.as_ref().map(figures));
    let mut report = Report::new(recorded.events, then.is_some());
    let end = recorded.end;
    for (address, account) in recorded.accounts {
        let today = live(&now, &account, end);
        let proposed = then.as_ref().map(|figures| live(figures, &account, end));
        report.add(address, today, proposed);
    }
    match output.json {
        true => surroundings.print_json(&report.to_json())?,
        false => surroundings.print(&report.to_text(&today.timezone))?,
    }
    Ok(())
}

/// The environment with other figures in it.
fn with_sets(variables: &[(OsString, OsString)], sets: &[String]) -> Result<Config, Failure> {
    let mut all = variables.to_vec();
    for set in sets {
        let (name, value) = set.split_once('=').ok_or_else(|| {
            Failure::Usage(format!("--set {set:?} is not NAME=VALUE, like PLAN_FREE_SENDS_PER_HOUR=10"))
        })?;
        let name = name.strip_prefix(PREFIX).unwrap_or(name);
        all.push((format!("{PREFIX}{name}").into(), value.into()));
    }
    let config = Config::read(all, &Machine::here(), Purpose::Command)?;
    // Nothing is silently ignored (SPEC O1).
    for set in sets {
        let name = set.split('=').next().unwrap_or_default();
        let name = name.strip_prefix(PREFIX).unwrap_or(name);
        if !is_replayed(name) {
            let text = format!(
                "--set {name}: it changes nothing in a replay; `postern policy replay --help` says what does"
            );
            return Err(Failure::Usage(text));
        }
    }
    Ok(config)
}

/// What the policy goes by under a configuration.
fn figures(config: &Config) -> Figures {
    let plan = |plan: &crate::config::Plan| Plan {
        sends: plan.sends,
        checks: maildrop::Figures {
            interval: plan.check_interval,
            burst: config.check_burst,
            grace: config.check_grace,
            takeover_after: config.pop3_takeover_after,
        },
    };
    Figures {
        access: config.access.clone(),
        abuse: config.abuse.clone(),
        plans: config.plans.iter().map(|p| (p.name.clone(), plan(p))).collect(),
        default_plan: config.plans.first().map(|plan| plan.name.clone()).unwrap_or_default(),
    }
}

/// One account's life until the end of the record.
fn live(figures: &Figures, account: &Recorded, end: Timestamp) -> Outcome {
    let Recorded { inputs, start, .. } = account;
    let mut life = Life::new(figures, start.as_deref().cloned().unwrap_or_else(|| assumed(inputs)));
    inputs.iter().for_each(|input: &Input| life.play(input));
    life.settle(end);
    life.end()
}
