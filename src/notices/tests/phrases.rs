//! Dates, stretches of time and lists in each language.

use std::time::Duration;

use jiff::tz::TimeZone;
use postern_model::record::{NoticeKind, OwedNotice};
use postern_model::{Protocol, Timestamp};
use postern_policy::access;
use postern_policy::calendar::Span;

use super::{Facts, LANGUAGES, Notices, body, facts, letter, owed, time};
use crate::notices::words::Phrases;

fn with_zone(name: &str) -> Notices {
    let zone = TimeZone::get(name).expect("a zone of the database");
    Notices::load(None, Facts { zone, ..facts() }).expect("the built-in templates are sound")
}

fn phrases<'a>(notices: &'a Notices, language: &str) -> Phrases<'a> {
    let (found, bundle) = notices.templates.of(language);
    assert_eq!(found, language);
    Phrases { bundle, facts: &notices.facts }
}

fn spans(language: &str, span: impl Fn(u32) -> Span) -> Vec<String> {
    let notices = super::notices();
    [1, 2, 5, 11, 21, 22].map(|n| phrases(&notices, language).span(Some(span(n)))).to_vec()
}

#[test]
fn n2_plurals_follow_each_language() {
    let minutes = |n: u32| Span::Fixed(Duration::from_secs(60 * u64::from(n)));
    let en = ["1 month", "2 months", "5 months", "11 months", "21 months", "22 months"];
    assert_eq!(spans("en", Span::Months), en);
    let lv = ["1 mēnesi", "2 mēnešus", "5 mēnešus", "11 mēnešus", "21 mēnesi", "22 mēnešus"];
    assert_eq!(spans("lv", Span::Months), lv);
    let lv = ["1 minūti", "2 minūtes", "5 minūtes", "11 minūtes", "21 minūti", "22 minūtes"];
    assert_eq!(spans("lv", minutes), lv);
    let ru = ["1 месяц", "2 месяца", "5 месяцев", "11 месяцев", "21 месяц", "22 месяца"];
    assert_eq!(spans("ru", Span::Months), ru);
    let ru = ["1 минуту", "2 минуты", "5 минут", "11 минут", "21 минуту", "22 минуты"];
    assert_eq!(spans("ru", minutes), ru);
}

#[test]
fn spans_are_told_in_their_largest_unit() {
    let notices = super::notices();
    let shown = |seconds| phrases(&notices, "ru").span(Some(Span::Fixed(Duration::from_secs(seconds))));
    assert_eq!(shown(0), "0 секунд");
    assert_eq!(shown(90), "90 секунд");
    assert_eq!(shown(2 * 60 * 60), "2 часа");
    assert_eq!(shown(7 * 24 * 60 * 60), "7 дней");
    assert_eq!(phrases(&notices, "ru").span(None), "долгое время");
}

#[test]
fn n2_dates_are_in_the_language_and_zone_across_a_change_of_clocks() {
    let riga = with_zone("Europe/Riga");
    let date = |language, at| phrases(&riga, language).date(time(at));
    // The clocks go forward at 03:00 on 29 March 2026.
    assert_eq!(date("en", "2026-03-29T00:59:59Z"), "29 March 2026, 02:59 (UTC+2)");
    assert_eq!(date("en", "2026-03-29T01:00:00Z"), "29 March 2026, 04:00 (UTC+3)");
    assert_eq!(date("lv", "2026-03-01T08:00:00Z"), "2026. gada 1. martā plkst. 10.00 (UTC+2)");
    assert_eq!(date("ru", "2026-05-31T22:05:00Z"), "1 июня 2026 г. в 01:05 (UTC+3)");
    // They go back at 04:00 on 25 October 2026: the same hour comes twice.
    assert_eq!(date("lv", "2026-10-25T00:30:00Z"), "2026. gada 25. oktobrī plkst. 03.30 (UTC+3)");
    assert_eq!(date("lv", "2026-10-25T01:30:00Z"), "2026. gada 25. oktobrī plkst. 03.30 (UTC+2)");
}

#[test]
fn zones_are_told_by_their_difference() {
    let shown = |zone| phrases(&with_zone(zone), "en").date(time("2026-03-01T10:00:00Z"));
    assert_eq!(shown("UTC"), "1 March 2026, 10:00 (UTC)");
    assert_eq!(shown("Asia/Kolkata"), "1 March 2026, 15:30 (UTC+5:30)");
    assert_eq!(shown("America/St_Johns"), "1 March 2026, 06:30 (UTC-3:30)");
    assert_eq!(shown("Pacific/Honolulu"), "1 March 2026, 00:00 (UTC-10)");
}

#[test]
fn every_month_has_a_name() {
    let notices = super::notices();
    for language in LANGUAGES {
        let name = |month| {
            let date = phrases(&notices, language).date(time(&format!("2026-{month:02}-01T10:00:00Z")));
            date.split(' ')
                .find(|word| word.chars().all(char::is_alphabetic) && *word != "gada")
                .map(str::to_owned)
        };
        let names: std::collections::BTreeSet<_> = (1..=12).map(name).collect();
        assert_eq!(names.len(), 12, "{names:?}");
    }
}

#[test]
fn a_time_beyond_the_calendar_breaks_nothing() {
    for at in [Timestamp::NEVER, Timestamp(i64::MIN)] {
        let owed = OwedNotice { at, then: Some(at), ..owed(NoticeKind::SendingLocked) };
        assert!(body(&letter(&super::notices(), &owed, "en")).contains("sending was locked"));
    }
}

#[test]
fn what_opens_later_is_never_told_too_early() {
    let at = time("2026-03-01T10:00:01Z");
    let then = Some(time("2026-03-01T10:15:01Z"));
    let opens = OwedNotice { at, then, ..owed(NoticeKind::AccessRequested) };
    let text = body(&letter(&with_zone("UTC"), &opens, "en"));
    assert!(text.contains("On 1 March 2026, 10:00 (UTC), access"), "{text}");
    assert!(text.contains("It opens on 1 March 2026, 10:16 (UTC)"), "{text}");
    let closes = OwedNotice { at, then, ..owed(NoticeKind::IdleWarning) };
    let text = body(&letter(&with_zone("UTC"), &closes, "en"));
    assert!(text.contains("On 1 March 2026, 10:15 (UTC), access"), "{text}");
}

#[test]
fn protocols_are_listed_by_name() {
    let notices = super::notices();
    let shown = |language, list: &[Protocol]| phrases(&notices, language).protocols(list);
    let [pop3, imap, smtp] = Protocol::ALL;
    assert_eq!(shown("en", &[imap]), "IMAP");
    assert_eq!(shown("lv", &[smtp, pop3]), "POP3 un SMTP");
    assert_eq!(shown("ru", &[pop3, imap, smtp]), "POP3, IMAP и SMTP");
    assert_eq!(shown("en", &[]), "POP3, IMAP and SMTP");
}

fn with_figures(figures: access::Figures, inactive_refuses_mail: bool) -> Notices {
    let facts = Facts { access: figures, inactive_refuses_mail, ..facts() };
    Notices::load(None, facts).expect("the built-in templates are sound")
}

#[test]
fn letters_go_by_the_figures_that_are_set() {
    let figures = access::Figures {
        activation_delay: Duration::ZERO,
        pop3_idle: None,
        imap_idle: Some(Span::Months(1)),
        inactive_after: Some(Span::Fixed(Duration::from_secs(180 * 24 * 60 * 60))),
        web_logins_only: true,
        ..access::Figures::default()
    };
    let notices = with_figures(figures, true);
    let shown = |kind, protocols: &[Protocol]| {
        let notice = OwedNotice { protocols: protocols.to_vec(), ..owed(kind) };
        body(&letter(&notices, &notice, "en"))
    };
    assert!(shown(NoticeKind::AccessUnblocked, &[Protocol::Pop3]).contains("Access opens at once."));
    assert!(shown(NoticeKind::IdleWarning, &[Protocol::Imap]).contains("nobody has used it for 1 month."));
    assert!(
        shown(NoticeKind::IdleWarning, &[Protocol::Pop3]).contains("nobody has used it for a long time.")
    );
    let warning = shown(NoticeKind::InactiveWarning, &[]);
    assert!(warning.contains("nobody has logged in to it for 180 days"), "{warning}");
    assert!(warning.contains("takes no new letters"), "{warning}");
    assert!(warning.contains("Using a mail program is not enough."), "{warning}");
}
