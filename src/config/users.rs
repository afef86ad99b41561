//! What users may set up for themselves: forwarding, SMS alerts (SPEC D6, D7).

use postern_actors::admin::Secret;
use postern_policy::sms::Figures;
use zeroize::Zeroizing;

use super::Config;
use super::field::{Field, Row};
use super::kinds::Problem;
use super::table::Variable;

/// What holds for users' own arrangements.
#[derive(Clone, Debug, Default)]
pub struct Users {
    /// `POSTERN_DETAIL_SEPARATOR`: what stands before the detail of an address (SPEC D6); `None`: there are no details.
    pub detail_separator: Option<char>,
    /// SMS alerts (SPEC D7).
    pub sms: Gateway,
}

/// The operator's gateway for SMS.
#[derive(Clone, Debug, Default)]
pub struct Gateway {
    /// `POSTERN_SMS_URL`: a template; `None`: there are no alerts.
    pub url: Option<String>,
    /// `POSTERN_SMS_BODY`: a template; `None`: the gateway is asked by GET.
    pub body: Option<String>,
    /// `POSTERN_SMS_TYPE`
    pub content_type: String,
    /// `POSTERN_SMS_TOKEN`
    pub token: Option<Secret>,
    /// `POSTERN_SMS_PER_HOUR`, `POSTERN_SMS_PER_DAY`
    pub figures: Figures,
}

/// Its variables.
pub(super) static ROWS: &[Variable] = &[
    Variable::new(
        "DETAIL_SEPARATOR",
        "+",
        Field::Other { kind: "one of `+ - = _ . # ~ ! $ % & * ^`, or `off`", set: detail_separator },
        "What stands before the detail of an address: letters to `alice+news@…` come to `alice@…` where nobody has the longer address, and its owner may send from it too (D6).",
    ),
    Variable::new(
        "SMS_URL",
        "none",
        Field::Other { kind: "an address with `{number}` and `{text}` in it, or `none`", set: sms_url },
        "The operator's gateway for SMS alerts (D7): `{number}`, `{text}` and `{token}` are filled in, percent-encoded. Without `POSTERN_SMS_BODY` it is asked by GET.",
    ),
    Variable::new(
        "SMS_BODY",
        "none",
        Field::Other { kind: "a text with `{number}` and `{text}` in it, or `none`", set: sms_body },
        "What is sent to the gateway by POST (D7), filled in as its type needs it.",
    ),
    Variable::new(
        "SMS_TYPE",
        "application/json",
        Field::Choice { names: TYPES, set: |c, n| c.users.sms.content_type = TYPES[n].to_owned() },
        "The type of `POSTERN_SMS_BODY` (D7).",
    ),
    Row {
        secret: true,
        ..Variable::new(
            "SMS_TOKEN",
            "none",
            Field::Other { kind: "a token, or `none`", set: sms_token },
            "The gateway's token (D7); where no template names it, it goes as `Authorization: Bearer`.",
        )
    },
    Variable::new(
        "SMS_PER_HOUR",
        "5",
        Field::Count { from: 1, to: 1_000, slot: |c| &mut c.users.sms.figures.per_hour },
        "SMS alerts of an account in any hour (D7).",
    ),
    Variable::new(
        "SMS_PER_DAY",
        "20",
        Field::Count { from: 1, to: 1_000, slot: |c| &mut c.users.sms.figures.per_day },
        "SMS alerts of an account in any day (D7).",
    ),
];

const TYPES: &[&str] = &["application/json", "application/x-www-form-urlencoded"];

fn sms_url(config: &mut Config, text: &str) -> Result<(), Problem> {
    if text == "none" {
        config.users.sms.url = None;
        return Ok(());
    }
    let sample = template(text)?;
    match sample.parse::<reqwest::Url>() {
        Ok(url) if matches!(url.scheme(), "http" | "https") && url.has_host() => {}
        _ => {
            let cure = "write one like https://gateway.example/send?to={number}&text={text}";
            return Err(Problem::new("is no address of http:// or https://", cure));
        }
    }
    config.users.sms.url = Some(text.to_owned());
    Ok(())
}

fn sms_body(config: &mut Config, text: &str) -> Result<(), Problem> {
    template(text)?;
    config.users.sms.body = (text != "none").then(|| text.to_owned());
    Ok(())
}

/// A template with its places filled by something harmless.
fn template(text: &str) -> Result<String, Problem> {
    let filled =
        ["{number}", "{text}", "{token}"].iter().fold(text.to_owned(), |text, name| text.replace(name, "0"));
    // JSON has braces of its own, but none right before a name.
    let stray = filled.match_indices('{').find_map(|(at, _)| {
        let (name, _) = filled[at + 1..].split_once('}')?;
        let is_name = !name.is_empty() && name.bytes().all(|b| b.is_ascii_lowercase());
        is_name.then(|| name.to_owned())
    });
    match stray {
        Some(name) => {
            let reason = format!("has a place {{{name}}} that nothing fills");
            Err(Problem::new(reason, "there are {number}, {text} and {token}"))
        }
        None => Ok(filled),
    }
}

fn sms_token(config: &mut Config, text: &str) -> Result<(), Problem> {
    if !text.bytes().all(|byte| matches!(byte, b'!'..=b'~')) {
        let reason = "holds what can't stand in a header field of HTTP";
        return Err(Problem::new(reason, "take one of printable ASCII characters"));
    }
    config.users.sms.token = (text != "none").then(|| Secret(Zeroizing::new(text.to_owned())));
    Ok(())
}

fn detail_separator(config: &mut Config, text: &str) -> Result<(), Problem> {
    let mut signs = text.chars();
    config.users.detail_separator = match (text, signs.next(), signs.next()) {
        ("off", ..) => None,
        (_, Some(sign), None) if "+-=_.#~!$%&*^".contains(sign) => Some(sign),
        _ => return Err(Problem::new("is no sign that can separate", "write one sign like +, or off")),
    };
    Ok(())
}
