//! Filters (SPEC D5).

use std::time::Duration;

use postern_actors::admin::Secret;
use zeroize::Zeroizing;

use super::Config;
use super::field::{Field, Row};
use super::kinds::Problem;
use super::table::{SECOND, Variable};
use crate::filter::{Place, PlaceError, Url};

/// What filters letters.
#[derive(Clone, Debug, Default)]
pub struct Screen {
    /// `POSTERN_FILTER`: asked one after the other.
    pub filters: Vec<Place>,
    /// `POSTERN_FILTER_PASSWORD`
    pub password: Option<Secret>,
    /// `POSTERN_FILTER_TIMEOUT`: for each filter and letter.
    pub timeout: Duration,
    /// `POSTERN_FILTER_FAIL`: a letter that a filter does not answer for is put off; else it is accepted.
    pub fail_defers: bool,
    /// `POSTERN_FILTER_LEARN`
    pub learn: Option<Url>,
}

/// Filters that a letter may pass.
const FILTERS_MOST: usize = 10;

/// Its variables.
pub(super) static ROWS: &[Variable] = &[
    Variable::new(
        "FILTER",
        "none",
        Field::Other {
            kind: "list of `rspamd:http://host:port`, `milter:inet:host:port` and `milter:unix:/path`, or `none`",
            set: filters,
        },
        "Filters that every letter passes in this order, those of own users too (D5): rspamd over HTTP, or a milter. A filter that does not answer is left out, and after three failures in a row not asked for 10 s.",
    ),
    Row {
        secret: true,
        ..Variable::new(
            "FILTER_PASSWORD",
            "none",
            Field::Other { kind: "a password, or `none`", set: password },
            "The password of rspamd's worker and controller (D5).",
        )
    },
    Variable::new(
        "FILTER_TIMEOUT",
        "30s",
        Field::Duration { from: SECOND, to: Duration::from_secs(5 * 60), slot: |c| &mut c.screen.timeout },
        "How long a filter may take for a letter (D5); a milter that reports progress gets as much again, up to 5m.",
    ),
    Variable::new(
        "FILTER_FAIL",
        "accept",
        Field::Choice { names: &["accept", "defer"], set: |c, n| c.screen.fail_defers = n == 1 },
        "What becomes of a letter that a filter does not answer for: it is accepted unfiltered, or is to come again later (D5).",
    ),
    Variable::new(
        "FILTER_LEARN",
        "none",
        Field::Other { kind: "`http://host:port` of rspamd's controller, or `none`", set: learn },
        "Where letters that users move to Junk or out of it are learned (D5).",
    ),
];

fn filters(config: &mut Config, text: &str) -> Result<(), Problem> {
    const CURE: &str = "write rspamd:http://host:port, milter:inet:host:port or milter:unix:/path, separated by commas, or none";
    if text == "none" {
        config.screen.filters = Vec::new();
        return Ok(());
    }
    let mut places: Vec<Place> = Vec::new();
    for item in text.split(',').map(str::trim) {
        let place: Place = item
            .parse()
            .map_err(|error: PlaceError| Problem::new(format!("names \"{item}\", which {error}"), CURE))?;
        if places.contains(&place) {
            return Err(Problem::new(format!("names {item} twice"), "name each filter once"));
        }
        places.push(place);
    }
    if places.len() > FILTERS_MOST {
        return Err(Problem::new(format!("names more than {FILTERS_MOST} filters"), "name fewer"));
    }
    config.screen.filters = places;
    Ok(())
}

fn password(config: &mut Config, text: &str) -> Result<(), Problem> {
    if !text.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        let reason = "holds what can't stand in a header field of HTTP";
        return Err(Problem::new(reason, "take one of printable ASCII characters"));
    }
    config.screen.password = (text != "none").then(|| Secret(Zeroizing::new(text.to_owned())));
    Ok(())
}

fn learn(config: &mut Config, text: &str) -> Result<(), Problem> {
    config.screen.learn = match text {
        "none" => None,
        text => Some(text.parse().map_err(|error: PlaceError| {
            Problem::new(error.to_string(), "write an address like http://127.0.0.1:11334, or none")
        })?),
    };
    Ok(())
}
