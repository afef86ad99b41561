//! A letter's report: as much of the original as it shows, and the letter that tells (RFC 3461 §4.3, §6).

use std::sync::Arc;

use postern_model::record::{MailTerms, Origin, Queued, Ret};
use postern_model::{AccountId, EmailAddress, MailFrom, QueueId};
use postern_policy::Refusal;
use postern_storage::{Store, StoreError, keys};

use crate::Actors;
use crate::courier::{Action, Report, Reported};
use crate::ground::refuse;
use crate::order::OwnLetter;

/// Octets of a header that a report shows at most.
pub(crate) const HEADER: usize = 64 << 10;

/// Octets of a letter that a report shows whole at most; of a longer one it shows the header.
const WHOLE: u64 = 10 << 20;

/// What a report shows of its original.
#[derive(Debug, Default)]
pub(crate) struct Original {
    pub(crate) octets: Vec<u8>,
    pub(crate) whole: bool,
}

impl Original {
    /// The header of a letter that begins with `octets`, without its Return-Path.
    pub(crate) fn header(octets: &[u8]) -> Original {
        let octets = &octets[..octets.len().min(HEADER)];
        let end = octets.windows(4).position(|four| four == b"\r\n\r\n").map(|at| at + 4);
        // Cut off at a line's end, where it is longer than that.
        let last_line = || octets.iter().rposition(|octet| *octet == b'\n').map_or(0, |at| at + 1);
        let end = end.unwrap_or_else(last_line);
        Original { octets: without_return_path(&octets[..end]).to_vec(), whole: false }
    }

    /// Of a letter in the queue. A body that can't be read is left out: the report is owed all the same.
    pub(super) async fn read(store: &Store, id: QueueId, envelope: &Queued, told: &[Reported]) -> Original {
        let failed = told.iter().any(|told| told.action == Action::Failed);
        let whole = failed && envelope.terms.ret == Some(Ret::Full) && envelope.size <= WHOLE;
        let read = if whole { entire(store, id).await } else { beginning(store, id).await };
        match read {
            Ok(octets) if whole => Original { octets: without_return_path(&octets).to_vec(), whole },
            Ok(octets) => Original::header(&octets),
            Err(error) => {
                tracing::error!(%id, %error, "a report goes without its letter");
                Original::default()
            }
        }
    }
}

/// A letter of the queue as it lies there.
pub(super) async fn entire(store: &Store, id: QueueId) -> Result<Vec<u8>, StoreError> {
    let copy = |_, body: Result<&[u8], StoreError>| body.map(<[u8]>::to_vec);
    let mut found = store.with_bodies(AccountId::QUEUE, vec![id.letter], copy).await?;
    found.pop().map_or(Err(StoreError::NotFound), |(_, octets)| octets)
}

async fn beginning(store: &Store, id: QueueId) -> Result<Vec<u8>, StoreError> {
    let mut reader = store.open_body_range(AccountId::QUEUE, id.letter, 0..HEADER as u64).await?;
    let mut octets = Vec::new();
    while let Some(chunk) = reader.chunk().await? {
        octets.extend_from_slice(&chunk);
    }
    Ok(octets)
}

/// A stored letter begins with the Return-Path of its way here; it goes no farther (RFC 5321 §4.4).
pub(super) fn without_return_path(letter: &[u8]) -> &[u8] {
    const NAME: &[u8] = b"return-path:";
    if !letter.get(..NAME.len()).is_some_and(|name| name.eq_ignore_ascii_case(NAME)) {
        return letter;
    }
    let mut rest = letter;
    loop {
        rest = rest.iter().position(|octet| *octet == b'\n').map_or(&[][..], |end| &rest[end + 1..]);
        if !matches!(rest.first(), Some(b' ' | b'\t')) {
            return rest;
        }
    }
}

impl Actors {
    /// The letter that tells a letter's sender of its recipients' fates; `None` where there is nobody to tell.
    ///
    /// # Errors
    /// What the store can't do.
    pub(crate) async fn compose_report(
        &self,
        about: QueueId,
        envelope: Arc<Queued>,
        told: Vec<Reported>,
        original: Original,
    ) -> Result<Option<OwnLetter>, Refusal> {
        let Ok(to) = EmailAddress::parse(&envelope.mail_from) else { return Ok(None) };
        if told.is_empty() {
            return Ok(None);
        }
        let language = self.language_of(&to).await?;
        let (letter, now) = (self.store().next_letter_id(), self.now());
        let reporter = Arc::clone(&self.ground().settings.reporter);
        let address = to.to_string();
        let utf8 = !to.is_ascii() || told.iter().any(|told| !told.recipient.address.is_ascii());
        let composed = tokio::task::spawn_blocking(move || {
            reporter.report(&Report {
                letter,
                now,
                to: &address,
                language: language.as_deref(),
                about,
                envelope: &envelope,
                recipients: &told,
                original: &original.octets,
                whole: original.whole,
            })
        });
        let octets = composed.await.map_err(|_| Refusal::Unavailable)?;
        let terms = MailTerms { utf8, ..MailTerms::default() };
        // RFC 3461 §6: from nobody, or reports on reports would go round.
        Ok(Some(OwnLetter { letter, mail_from: MailFrom::Null, to, octets, terms, origin: Origin::Own }))
    }

    async fn language_of(&self, address: &EmailAddress) -> Result<Option<String>, Refusal> {
        let Ok(account) = self.find_recipient(address).await else { return Ok(None) };
        let account = self.store().get(keys::account(account)).await.map_err(|error| refuse(&error))?;
        Ok(account.map(|account| account.language))
    }
}
