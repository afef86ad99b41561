//! SMS alerts on their way to the operator's gateway (SPEC D7).
//!
//! An alert is owed in the batch of the letter that it tells of. In each round those that are due are sent, and what came
//! of each is one batch: it goes, or waits for its next try. Where the server dies between the gateway's "yes" and that
//! batch, the alert goes twice.

use std::time::Duration;

use postern_model::mime::{Address, text::decoded_field};
use postern_model::record::{OwedSms, Sms, Status};
use postern_model::{AccountId, LetterId};
use postern_policy::sms;
use postern_storage::{Batch, StoreError, keys};

use crate::actors::Actors;
use crate::courier::Local;

/// Alerts looked at together.
const PAGE: usize = 100;
/// Characters of an alert of plain ASCII, and of any other: one SMS.
const PLAIN: usize = 160;
const OTHER: usize = 70;

/// Sends texts to telephones.
pub trait Texter: Send + Sync + std::fmt::Debug {
    /// Hands one over to the gateway. Every wait within has a limit.
    fn send<'a>(&'a self, number: &'a str, text: &'a str) -> Local<'a, Result<(), TexterError>>;
}

/// Why a gateway did not take a text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{said}")]
pub struct TexterError {
    /// It never will.
    pub permanent: bool,
    /// How long it wants to be left alone.
    pub retry_after: Option<Duration>,
    /// What was wrong; no secret, no number.
    pub said: String,
}

/// An alert and whom it is for.
struct Case {
    account: AccountId,
    letter: LetterId,
    owed: OwedSms,
    wishes: Sms,
    text: String,
}

impl Actors {
    /// Sends the alerts that are due.
    ///
    /// # Errors
    /// What the store can't do.
    pub(crate) async fn send_alerts(&self) -> Result<usize, StoreError> {
        let Some(texter) = self.ground().settings.texter.clone() else { return Ok(0) };
        let (mut range, mut count) = (keys::all_owed_sms(), 0);
        loop {
            let page = range.clone();
            let found = self.store().read(move |view| view.scan(&page, PAGE)).await?;
            let Some(((letter, account), _)) = found.last() else { return Ok(count) };
            range = range.after(&keys::owed_sms(*letter, *account));
            let now = self.now();
            for ((letter, account), owed) in found.into_iter().filter(|(_, owed)| owed.next <= now) {
                if let Some(case) = self.case(account, letter, owed).await? {
                    self.alert(case, &*texter).await?;
                    count += 1;
                }
            }
        }
    }

    /// What is to be sent; an alert that nobody wants any more goes.
    async fn case(
        &self,
        account: AccountId,
        letter: LetterId,
        owed: OwedSms,
    ) -> Result<Option<Case>, StoreError> {
        let read = self.store().read(move |view| {
            let owner = view.get(&keys::account(account))?;
            Ok((owner, view.get(&keys::sms(account))?, view.get(&keys::facts(account, letter))?))
        });
        let (owner, wishes, facts) = read.await?;
        let active = owner.filter(|owner| owner.status == Status::Active);
        let wishes = wishes.filter(|wishes| !wishes.number.is_empty());
        let (Some(owner), Some(wishes), Some(facts)) = (active, wishes, facts) else {
            self.done(letter, account).await?;
            return Ok(None);
        };
        let subject = facts.envelope.subject.as_ref().map(|subject| decoded_field(subject.as_ref()));
        let from = facts.envelope.from.iter().find_map(|author| match author {
            Address::Mailbox(mailbox) => mailbox.email().map(|email| email.to_string()),
            _ => None,
        });
        let text =
            text(&owner.language, owed.notice, &from.unwrap_or_default(), &subject.unwrap_or_default());
        Ok(Some(Case { account, letter, owed, wishes, text }))
    }

    async fn alert(&self, case: Case, texter: &dyn Texter) -> Result<(), StoreError> {
        let (now, figures) = (self.now(), self.ground().settings.sms);
        let Case { account, letter, mut owed, wishes, text } = case;
        if let Err(next) = sms::may_go(&wishes.sent, now, figures) {
            // A letter's alert is of no use tomorrow; a notice's is.
            if !owed.notice {
                tracing::debug!(%account, "an SMS alert was left out: there were enough of them");
                return self.done(letter, account).await;
            }
            owed.next = next;
            return self.put_off(letter, account, &owed).await;
        }
        let Err(error) = texter.send(&wishes.number, &text).await else {
            return self.sent(letter, account, wishes).await;
        };
        owed.attempts += 1;
        let wait = sms::again(owed.attempts).filter(|_| !error.permanent);
        let tail = &wishes.number[wishes.number.len().saturating_sub(2)..];
        match wait {
            Some(wait) => {
                tracing::info!(%account, number = %format!("…{tail}"), %error, "an SMS alert waits for another try");
                owed.next = now.plus(wait.max(error.retry_after.unwrap_or_default()));
                self.put_off(letter, account, &owed).await
            }
            None => {
                tracing::warn!(%account, number = %format!("…{tail}"), %error, "an SMS alert is given up");
                self.done(letter, account).await
            }
        }
    }

    async fn sent(&self, letter: LetterId, account: AccountId, wishes: Sms) -> Result<(), StoreError> {
        let now = self.now();
        let mut batch = Batch::new();
        batch.delete(&keys::owed_sms(letter, account));
        let mut after = wishes.clone();
        after.sent.retain(|at| at.plus(sms::DAY) > now);
        after.sent.push(now);
        batch.expect(&keys::sms(account), &wishes).put(&keys::sms(account), &after);
        match self.store().commit(batch).await {
            // The user changed something meanwhile, which counts.
            Err(StoreError::Conflict) => self.done(letter, account).await,
            landed => landed,
        }
    }

    async fn put_off(&self, letter: LetterId, account: AccountId, owed: &OwedSms) -> Result<(), StoreError> {
        let mut batch = Batch::new();
        batch.put(&keys::owed_sms(letter, account), owed);
        self.store().commit(batch).await
    }

    async fn done(&self, letter: LetterId, account: AccountId) -> Result<(), StoreError> {
        let mut batch = Batch::new();
        batch.delete(&keys::owed_sms(letter, account));
        self.store().commit(batch).await
    }
}

/// The text of one SMS: a notice's subject says all; of a letter, who wrote it and about what.
fn text(language: &str, notice: bool, from: &str, subject: &str) -> String {
    let text = match (notice, language) {
        (true, _) => subject.to_owned(),
        (false, "lv") => format!("Jauna vēstule no {from}: {subject}"),
        (false, "ru") => format!("Новое письмо от {from}: {subject}"),
        (false, _) => format!("New letter from {from}: {subject}"),
    };
    let text: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let longest = if text.is_ascii() { PLAIN } else { OTHER };
    match text.char_indices().nth(longest) {
        // Three dots, since "…" would make it a text beyond ASCII.
        Some(_) => text.chars().take(longest - 3).chain("...".chars()).collect(),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_fits_one_sms() {
        assert_eq!(text("en", false, "bob@b.test", "Lunch?"), "New letter from bob@b.test: Lunch?");
        assert_eq!(
            text("lv", true, "", "Jūsu pastkaste ir gandrīz pilna"),
            "Jūsu pastkaste ir gandrīz pilna"
        );
        let long = "x".repeat(1_000);
        assert_eq!(text("en", false, "b", &long).chars().count(), PLAIN);
        assert_eq!(text("ru", false, "b", &long).chars().count(), OTHER);
        assert!(!text("en", false, "b", "a\r\nb\0c").contains(char::is_control));
    }
}
