//! What fills a template in: dates, stretches of time and lists in the user's language, and the facts of one notice.

use fluent_bundle::{FluentArgs, FluentValue};
use postern_actors::notice::Told;
use postern_model::record::{Actor, NoticeKind, OwedNotice, Reason};
use postern_model::{Protocol, Timestamp};
use postern_policy::access::Figures;
use postern_policy::calendar::Span;

use super::Facts;
use super::letter::one_line;
use super::templates::Bundle;

/// The longest free text that is shown, in characters.
const FREE_TEXT: usize = 500;

/// The words of one notice.
#[derive(Debug)]
pub(super) struct Words<'a> {
    notice: &'a OwedNotice,
    phrases: Phrases<'a>,
    arguments: FluentArgs<'a>,
}

impl<'a> Words<'a> {
    pub(super) fn new(told: &Told<'a>, domain: &'a str, bundle: &'a Bundle, facts: &'a Facts) -> Words<'a> {
        let phrases = Phrases { bundle, facts };
        let mut arguments = phrases.arguments(told, domain);
        let because = reason_of(told.notice)
            .map(|reason| phrases.text(&format!("reason-{}", key(reason)), None, Some(&arguments)));
        arguments.set("because", because.unwrap_or_default());
        Words { notice: told.notice, phrases, arguments }
    }

    /// A text that all notices share.
    pub(super) fn text(&self, id: &str) -> String {
        self.phrases.text(id, None, Some(&self.arguments))
    }

    /// A part of this notice's own message.
    pub(super) fn part(&self, part: &str) -> String {
        self.phrases.text(self.notice.notice.name(), Some(part), Some(&self.arguments))
    }

    /// Why it happened, with the words that somebody gave to it.
    pub(super) fn why(&self) -> String {
        let text = self.notice.text.as_deref().filter(|_| forward(self.notice).is_none());
        let said = text.map(|text| one_line(text, FREE_TEXT)).unwrap_or_default();
        if said.is_empty() {
            return self.part("why");
        }
        let said = self.phrases.text("words", None, Some(&arguments([("text", said.into())])));
        format!("{}\n{said}", self.part("why"))
    }
}

/// The address that letters go on to, in a notice about that.
fn forward(notice: &OwedNotice) -> Option<&str> {
    match notice.notice {
        NoticeKind::ForwardingOn | NoticeKind::ForwardingStopped => notice.text.as_deref(),
        _ => None,
    }
}

/// The reason to tell; what an operator did without a word was the operator's decision.
fn reason_of(notice: &OwedNotice) -> Option<Reason> {
    notice.reason.or((notice.by == Actor::Operator).then_some(Reason::Operator))
}

fn key(reason: Reason) -> &'static str {
    match reason {
        Reason::Pushing => "pushing",
        Reason::Theft => "theft",
        Reason::Inactive => "inactive",
        Reason::Idle => "idle",
        Reason::TooManyConnections => "too-many-connections",
        Reason::Terms => "terms",
        Reason::Operator => "operator",
    }
}

fn actor(by: Actor) -> &'static str {
    match by {
        Actor::User => "user",
        Actor::Timer => "timer",
        Actor::Operator => "operator",
        Actor::Abuse => "abuse",
    }
}

pub(super) fn arguments<'a, const N: usize>(values: [(&'static str, FluentValue<'a>); N]) -> FluentArgs<'a> {
    values.into_iter().collect()
}

/// Pieces of sentences in one language.
#[derive(Clone, Copy)]
pub(super) struct Phrases<'a> {
    pub(super) bundle: &'a Bundle,
    pub(super) facts: &'a Facts,
}

impl std::fmt::Debug for Phrases<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Phrases").finish_non_exhaustive()
    }
}

impl<'a> Phrases<'a> {
    /// What all texts of a notice may name.
    fn arguments(self, told: &Told<'a>, domain: &'a str) -> FluentArgs<'a> {
        let (notice, figures) = (told.notice, &self.facts.access);
        let none = || "none".to_owned();
        arguments([
            ("address", told.address.into()),
            ("domain", domain.into()),
            ("web", self.facts.web.as_str().into()),
            ("support", self.facts.support.as_str().into()),
            ("at", self.date(notice.at).into()),
            ("then", notice.then.map_or_else(none, |then| self.date(announced(notice, then))).into()),
            ("protocols", self.protocols(&notice.protocols).into()),
            ("count", notice.protocols.len().into()),
            ("by", actor(notice.by).into()),
            ("reason", reason_of(notice).map_or("none", key).into()),
            ("from", notice.from.map_or_else(none, |from| from.to_string()).into()),
            ("limit", self.span(idle_limit(figures, &notice.protocols)).into()),
            ("inactive-after", self.span(figures.inactive_after).into()),
            ("delay", self.span(Some(Span::Fixed(figures.activation_delay))).into()),
            ("delay-seconds", figures.activation_delay.as_secs().into()),
            ("logins", if figures.web_logins_only { "web" } else { "any" }.into()),
            ("forward", forward(notice).map_or_else(none, |to| one_line(to, FREE_TEXT)).into()),
            ("mail", if self.facts.inactive_refuses_mail { "refuse" } else { "accept" }.into()),
        ])
    }

    /// A message, or a part of it, filled in.
    pub(super) fn text(self, id: &str, part: Option<&str>, arguments: Option<&FluentArgs<'_>>) -> String {
        let message = self.bundle.get_message(id);
        let pattern = message.and_then(|message| match part {
            Some(part) => message.get_attribute(part).map(|attribute| attribute.value()),
            None => message.value(),
        });
        let mut errors = Vec::new();
        let text = pattern.map(|pattern| self.bundle.format_pattern(pattern, arguments, &mut errors));
        if text.is_none() || !errors.is_empty() {
            // The check at the start leaves one way here: a text with more than a hundred pieces to fill in.
            tracing::warn!(id, part, ?errors, "a template could not be filled in");
        }
        text.map(std::borrow::Cow::into_owned).unwrap_or_default()
    }

    /// A date and time in the zone that people are shown, in whole minutes.
    pub(super) fn date(self, at: Timestamp) -> String {
        let Ok(instant) = jiff::Timestamp::from_microsecond(at.0) else { return at.to_string() };
        let local = instant.to_zoned(self.facts.zone.clone());
        let month = self.text("month", None, Some(&arguments([("month", local.month().into())])));
        let values = arguments([
            ("day", local.day().to_string().into()),
            ("month-name", month.into()),
            ("year", local.year().to_string().into()),
            ("hour", format!("{:02}", local.hour()).into()),
            ("minute", format!("{:02}", local.minute()).into()),
            ("zone", zone(local.offset().seconds()).into()),
        ]);
        self.text("date", None, Some(&values))
    }

    /// A stretch of time in its largest unit; one that is not set any more is a long time.
    pub(super) fn span(self, span: Option<Span>) -> String {
        let (unit, n) = match span {
            None => return self.text("long-time", None, None),
            Some(Span::Months(months)) => ("months", u64::from(months)),
            Some(Span::Fixed(duration)) => match duration.as_secs() {
                0 => ("seconds", 0),
                seconds if seconds % 86_400 == 0 => ("days", seconds / 86_400),
                seconds if seconds % 3_600 == 0 => ("hours", seconds / 3_600),
                seconds if seconds % 60 == 0 => ("minutes", seconds / 60),
                seconds => ("seconds", seconds),
            },
        };
        self.text(unit, None, Some(&arguments([("n", n.into())])))
    }

    /// The protocols by the names that programs have for them; all of them where none is named.
    pub(super) fn protocols(self, protocols: &[Protocol]) -> String {
        let is_named = |protocol: &Protocol| protocols.is_empty() || protocols.contains(protocol);
        let names: Vec<String> =
            Protocol::ALL.iter().filter(|p| is_named(p)).map(|p| p.name().to_uppercase()).collect();
        match names.as_slice() {
            [first, second] => {
                let values = [("first", first.as_str().into()), ("second", second.as_str().into())];
                self.text("list-two", None, Some(&arguments(values)))
            }
            [first, second, third] => {
                let values = [
                    ("first", first.as_str().into()),
                    ("second", second.as_str().into()),
                    ("third", third.as_str().into()),
                ];
                self.text("list-three", None, Some(&arguments(values)))
            }
            names => names.concat(),
        }
    }
}

/// When something opens or ends again is told in whole minutes, so rather a bit late: nobody is to come too early.
fn announced(notice: &OwedNotice, then: Timestamp) -> Timestamp {
    const MINUTE: i64 = 60_000_000;
    match notice.notice {
        NoticeKind::AccessRequested | NoticeKind::SendingLocked => {
            Timestamp(then.0.saturating_add(MINUTE - 1).div_euclid(MINUTE).saturating_mul(MINUTE))
        }
        _ => then,
    }
}

/// How long the protocols may go unused; of several figures the shortest, which is true for all.
fn idle_limit(figures: &Figures, protocols: &[Protocol]) -> Option<Span> {
    let limit = |protocol: &Protocol| match protocol {
        Protocol::Pop3 => figures.pop3_idle,
        Protocol::Imap => figures.imap_idle,
        Protocol::Smtp => None,
    };
    protocols.iter().filter_map(limit).min_by_key(|span| span.after(Timestamp::default()))
}

/// A zone by what it differs from UTC: its own names mean nothing to most people.
fn zone(offset: i32) -> String {
    let minutes = offset.unsigned_abs().div_ceil(60);
    let sign = if offset < 0 { '-' } else { '+' };
    match (minutes / 60, minutes % 60) {
        (0, 0) => "UTC".to_owned(),
        (hours, 0) => format!("UTC{sign}{hours}"),
        (hours, minutes) => format!("UTC{sign}{hours}:{minutes:02}"),
    }
}
