//! What a user wants to be told by SMS (SPEC D7).

use postern_model::AccountId;
use postern_model::record::Sms;
use postern_storage::{Batch, keys};
use serde_json::{Value, json};

use super::{AdminError, failed};
use crate::Actors;

/// The settings that [`set`] knows.
pub(super) const NAMES: [&str; 3] = ["sms", "sms-notices", "sms-letters"];

/// Digits of a telephone number with its country (E.164).
const DIGITS: std::ops::RangeInclusive<usize> = 7..=15;

/// Sets one of [`NAMES`]; `None` where `name` is none of them.
pub(super) async fn set(
    actors: &Actors,
    account: AccountId,
    name: &str,
    value: &str,
) -> Result<Option<Value>, AdminError> {
    if !NAMES.contains(&name) {
        return Ok(None);
    }
    if actors.ground().settings.texter.is_none() {
        let cure = "SMS alerts are off: the operator sets their gateway by POSTERN_SMS_URL, and the server is running then";
        return Err(AdminError(format!("{name}: {cure}")));
    }
    let key = keys::sms(account);
    let before = actors.store().get(key.clone()).await.map_err(failed)?;
    let mut after = before.clone().unwrap_or(Sms { notices: true, ..Sms::default() });
    match name {
        "sms" => after.number = number(value)?,
        "sms-notices" => after.notices = on_or_off(name, value)?,
        _ => after.letters = on_or_off(name, value)?,
    }
    let mut batch = Batch::new();
    batch.expect_absent(&keys::removal(account));
    match &before {
        Some(before) => batch.expect(&key, before),
        None => batch.expect_absent(&key),
    };
    batch.put(&key, &after);
    actors.store().commit(batch).await.map_err(failed)?;
    // It reads them with the mailbox's counters.
    actors.forget_mailbox(account).await;
    Ok(Some(json!({ "sms": shown(Some(&after)) })))
}

/// The settings in `account show`; `null` where there are none.
pub(super) fn shown(sms: Option<&Sms>) -> Value {
    match sms.filter(|sms| !sms.number.is_empty()) {
        Some(sms) => json!({ "number": sms.number, "notices": sms.notices, "letters": sms.letters }),
        None => Value::Null,
    }
}

fn number(value: &str) -> Result<String, AdminError> {
    if value == "off" {
        return Ok(String::new());
    }
    let plain: String = value.chars().filter(|c| !matches!(c, ' ' | '-' | '(' | ')')).collect();
    let digits = plain.strip_prefix('+').unwrap_or_default();
    if DIGITS.contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit()) {
        return Ok(plain);
    }
    Err(AdminError(format!("sms {value:?}: write the number with its country, like +37120000000, or off")))
}

fn on_or_off(name: &str, value: &str) -> Result<bool, AdminError> {
    match value {
        "on" => Ok(true),
        "off" => Ok(false),
        _ => Err(AdminError(format!("{name} {value:?}: it is on or off"))),
    }
}
