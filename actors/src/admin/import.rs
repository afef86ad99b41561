//! Accounts from elsewhere, with their password hashes (SPEC I6).

use std::collections::HashSet;

use postern_model::EmailAddress;
use postern_model::record::Credentials;
use serde_json::{Value, json};

use super::{AdminError, ImportRow, Secret, accounts, passwords};
use crate::Actors;
use crate::auth::password::{Imported, imported};

/// Bad rows that one answer lists; the rest is counted.
const REPORTED: usize = 1_000;

/// A row that can become an account.
struct Good {
    line: u64,
    address: EmailAddress,
    plan: String,
    password: Imported,
}

/// Imports all rows, or none where any row or line is bad, unless `keep_going`.
pub(super) async fn import(
    actors: &Actors,
    rows: Vec<ImportRow>,
    unread: Vec<String>,
    keep_going: bool,
) -> Result<Value, AdminError> {
    let (good, judged) = judge(actors, rows).await;
    let bad = [unread, judged].concat();
    if !bad.is_empty() && !keep_going {
        return Err(AdminError(format!(
            "nothing was imported, {} of the lines are bad (--keep-going imports the others):\n{}",
            bad.len(),
            report(&bad)
        )));
    }
    let mut made = 0;
    let mut failed = bad;
    for row in good {
        let line = row.line;
        match create(actors, row).await {
            Ok(()) => made += 1,
            Err(AdminError(reason)) => failed.push(format!("line {line}: {reason}")),
        }
    }
    if made == 0 && !failed.is_empty() {
        return Err(AdminError(format!("nothing was imported:\n{}", report(&failed))));
    }
    let shown: Vec<&String> = failed.iter().take(REPORTED).collect();
    Ok(json!({ "imported": made, "failed": failed.len(), "problems": shown }))
}

async fn judge(actors: &Actors, rows: Vec<ImportRow>) -> (Vec<Good>, Vec<String>) {
    let (mut good, mut bad, mut seen) = (Vec::new(), Vec::new(), HashSet::new());
    for row in rows {
        let line = row.line;
        match judge_row(actors, row, &mut seen).await {
            Ok(row) => good.push(row),
            Err(AdminError(reason)) => bad.push(format!("line {line}: {reason}")),
        }
    }
    (good, bad)
}

async fn judge_row(actors: &Actors, row: ImportRow, seen: &mut HashSet<String>) -> Result<Good, AdminError> {
    let (address, key) = accounts::new_address(actors, &row.address).await?;
    if !seen.insert(key) {
        return Err(AdminError(format!("address {:?} stands here a second time", row.address)));
    }
    let plan = row.plan.unwrap_or_else(|| actors.ground().settings.default_plan.clone());
    super::known_plan(actors, &plan)?;
    let password = imported(&row.hash.0).map_err(|error| AdminError(error.to_string()))?;
    Ok(Good { line: row.line, address, plan, password })
}

async fn create(actors: &Actors, row: Good) -> Result<(), AdminError> {
    let credentials: Credentials = match row.password {
        Imported::Password(password) => passwords::hash(actors, Secret(password), None).await?,
        Imported::Hash(hash) => {
            let kept = actors.hasher().foreign_credentials(hash, actors.now());
            kept.map_err(|_| AdminError("the system gives no random numbers".to_owned()))?
        }
    };
    // Hashing is done: only now other changes have to wait, and what they did since the row was judged is seen.
    let _one_at_a_time = actors.administration().await;
    let (address, _) = accounts::new_address(actors, &row.address.to_string()).await?;
    accounts::create(actors, &address, row.plan, credentials).await.map(|_| ())
}

fn report(problems: &[String]) -> String {
    let mut text = problems.iter().take(REPORTED).map(String::as_str).collect::<Vec<_>>().join("\n");
    if problems.len() > REPORTED {
        text.push_str(&format!("\nand {} more", problems.len() - REPORTED));
    }
    text
}
