//! Gates that close for want of use, and the warnings before: A6, A11, A15, A16.

use std::time::Duration;

use postern_model::record::{Actor, Event, Reason, Status, What};
use postern_model::{Protocol, Timestamp};

use super::run::{play, play_with};
use crate::access::{self, Figures};
use crate::calendar::Span;

#[test]
fn a6_two_months_without_pop3_close_it() {
    play(
        "2026-03-01 10:00 create               -> nothing
         2026-03-01 10:00 operator on all now  -> pop3 on, imap on, smtp on
         2026-03-10 12:00 login pop3           -> in
         2026-03-10 12:00 show pop3            -> on, closes 2026-05-10 12:00
         2026-05-03 12:00 timer                -> warned pop3 acts 2026-05-10 12:00 +idle-warning(pop3)
         2026-05-03 12:00 show pop3            -> on, closes 2026-05-10 12:00
         2026-05-10 11:59:59.999999 timer      -> nothing
         2026-05-10 12:00 login pop3           -> pop3 off(idle) +access-closed(pop3); off(idle), opens never
         2026-05-10 12:00 login imap           -> in
         2026-05-10 12:00 login smtp           -> in
         2026-05-10 12:30 on pop3              -> pop3 opens 2026-05-10 12:45 +access-requested(pop3)
         2026-05-10 12:45 login pop3           -> pop3 on; in",
    );
}

#[test]
fn a6_two_months_run_from_the_activation_where_that_is_later() {
    play(
        "2026-01-01 00:00 create     -> nothing
         2026-01-01 00:00 on pop3    -> pop3 opens 2026-01-01 00:15 +access-requested(pop3)
         2026-01-01 00:15 login pop3 -> pop3 on; in
         2026-01-02 00:00 off pop3   -> pop3 off
         2026-06-01 00:00 login web  -> in
         2026-06-01 00:00 on pop3    -> pop3 opens 2026-06-01 00:15 +access-requested(pop3)
         2026-06-01 00:15 timer      -> pop3 on
         2026-06-01 00:15 show pop3  -> on, closes 2026-08-01 00:15
         2026-07-25 00:15 timer      -> warned pop3 acts 2026-08-01 00:15 +idle-warning(pop3)
         2026-08-01 00:15 timer      -> pop3 off(idle) +access-closed(pop3)",
    );
}

#[test]
fn a6_use_is_what_reaches_the_transaction_state() {
    play(
        "2026-03-01 10:00 create               -> nothing
         2026-03-01 10:00 operator on all now  -> pop3 on, imap on, smtp on
         2026-04-01 10:00 login pop3 busy      -> in use
         2026-04-01 10:00 login pop3 soon      -> too soon
         2026-04-01 10:00 login pop3 plaintext -> plaintext refused; +plaintext-password(pop3)
         2026-04-01 10:00 login imap           -> in
         2026-04-01 10:00 login smtp           -> in
         2026-04-01 10:00 login web            -> in
         2026-04-01 10:00 show pop3            -> on, closes 2026-05-01 10:00
         2026-04-01 10:00 login pop3           -> in
         2026-04-01 10:00 show pop3            -> on, closes 2026-06-01 10:00",
    );
}

#[test]
fn a6_months_are_the_calendars() {
    // Two months from 31 December: the last of February, in a leap year the 29th.
    play(
        "2026-12-01 00:00 create               -> nothing
         2026-12-01 00:00 operator on pop3 now -> pop3 on
         2026-12-31 23:59:59 login pop3        -> in
         2026-12-31 23:59:59 show pop3         -> on, closes 2027-02-28 23:59:59
         2027-02-21 23:59:59 timer             -> warned pop3 acts 2027-02-28 23:59:59 +idle-warning(pop3)
         2027-02-28 23:59:58 timer             -> nothing
         2027-02-28 23:59:59 timer             -> pop3 off(idle) +access-closed(pop3)",
    );
    play(
        "2027-12-01 00:00 create               -> nothing
         2027-12-01 00:00 operator on pop3 now -> pop3 on
         2027-12-31 08:00 login pop3           -> in
         2028-02-22 08:00 timer                -> warned pop3 acts 2028-02-29 08:00 +idle-warning(pop3)
         2028-02-29 08:00 timer                -> pop3 off(idle) +access-closed(pop3)",
    );
    // From the 29th of February on, and over the hour that clocks on the wall skip.
    play(
        "2028-02-29 02:30 create               -> nothing
         2028-02-29 02:30 operator on pop3 now -> pop3 on
         2028-02-29 02:30 show pop3            -> on, closes 2028-04-29 02:30",
    );
}

#[test]
fn a6_nothing_closes_that_is_not_open() {
    play(
        "2026-03-01 10:00 create                -> nothing
         2026-03-01 10:00 operator on pop3 now  -> pop3 on
         2026-03-02 10:00 operator block pop3   -> pop3 blocked(operator) +access-blocked(pop3)
         2026-11-01 00:00 show pop3             -> blocked(operator), opens never",
    );
}

#[test]
fn a6_a_suspended_account_loses_nothing_meanwhile() {
    play(
        "2026-03-01 10:00 create               -> nothing
         2026-03-01 10:00 operator on pop3 now -> pop3 on
         2026-04-24 10:00 timer                -> warned pop3 acts 2026-05-01 10:00 +idle-warning(pop3)
         2026-04-25 10:00 status suspended     -> status suspended
         2026-08-01 10:00 show pop3            -> on, closes never
         # The warning of April is forgotten, there is a new one.
         2026-08-01 10:00 status active        -> status active
         2026-08-01 10:01 up                   -> warned pop3 acts 2026-08-08 10:01 +idle-warning(pop3)
         2026-08-08 10:01 timer                -> pop3 off(idle) +access-closed(pop3)",
    );
}

#[test]
fn a6_the_limit_can_be_any_or_none() {
    let none = Figures { pop3_idle: None, inactive_after: None, ..Figures::default() };
    play_with(
        none,
        "2026-03-01 10:00 create               -> nothing
         2026-03-01 10:00 operator on pop3 now -> pop3 on
         2036-03-01 10:00 show pop3            -> on, closes never
         2036-03-01 10:00 login pop3           -> in",
    );
    let days = Span::Fixed(Duration::from_secs(30 * 86_400));
    play_with(
        Figures { pop3_idle: Some(days), ..Figures::default() },
        "2026-02-01 10:00 create               -> nothing
         2026-02-01 10:00 operator on pop3 now -> pop3 on
         2026-02-24 10:00 timer                -> warned pop3 acts 2026-03-03 10:00 +idle-warning(pop3)
         2026-03-03 10:00 timer                -> pop3 off(idle) +access-closed(pop3)",
    );
}

#[test]
fn a6_a_clock_put_back_closes_nothing_early() {
    play(
        "2026-03-01 10:00 create               -> nothing
         2026-03-01 10:00 operator on pop3 now -> pop3 on
         2026-03-29 03:30 login pop3           -> in
         2026-03-29 02:30 up                   -> nothing
         2026-03-29 02:30 show pop3            -> on, closes 2026-05-29 03:30
         # The use of the new time is the last one.
         2026-03-29 02:45 login pop3           -> in
         2026-03-29 02:45 show pop3            -> on, closes 2026-05-29 02:45
         # Years back: before the account was made.
         2020-01-01 00:00 up                   -> nothing
         2020-01-01 00:00 login pop3           -> in
         2020-01-01 00:00 show pop3            -> on, closes 2026-05-01 10:00",
    );
}

#[test]
fn a6_a_clock_put_forward_warns_before_it_closes() {
    play(
        "2026-03-01 10:00 create               -> nothing
         2026-03-01 10:00 operator on pop3 now -> pop3 on
         2026-09-01 10:00 up                   -> warned pop3 acts 2026-09-08 10:00 +idle-warning(pop3)
         2026-09-08 10:00 timer                -> pop3 off(idle) +access-closed(pop3)",
    );
}

#[test]
fn a11_a_login_after_the_warning_makes_it_void() {
    play(
        "2026-03-01 10:00 create               -> nothing
         2026-03-01 10:00 operator on pop3 now -> pop3 on
         2026-04-24 10:00 login pop3           -> warned pop3 acts 2026-05-01 10:00 +idle-warning(pop3); in
         2026-04-24 10:00 show pop3            -> on, closes 2026-06-24 10:00
         2026-06-17 10:00 timer                -> warned pop3 acts 2026-06-24 10:00 +idle-warning(pop3)
         2026-06-24 10:00 timer                -> pop3 off(idle) +access-closed(pop3)",
    );
}

#[test]
fn a11_where_the_server_was_down_the_warning_comes_first() {
    play(
        "2026-03-01 10:00 create               -> nothing
         2026-03-01 10:00 operator on pop3 now -> pop3 on
         # Down over the time of the warning: it is late, and the closing with it.
         2026-04-28 10:00 up                   -> warned pop3 acts 2026-05-05 10:00 +idle-warning(pop3)
         2026-05-01 10:00 login imap           -> off, opens never
         2026-05-05 09:59 show pop3            -> on, closes 2026-05-05 10:00
         2026-05-05 10:00 timer                -> pop3 off(idle) +access-closed(pop3)",
    );
    play(
        "2026-03-01 10:00 create               -> nothing
         2026-03-01 10:00 operator on pop3 now -> pop3 on
         # Down over both.
         2026-08-01 00:00 up                   -> warned pop3 acts 2026-08-08 00:00 +idle-warning(pop3)
         2026-08-01 00:00 up                   -> nothing
         # Down from the warning until after the closing: it was warned long enough.
         2026-08-20 00:00 up                   -> pop3 off(idle) +access-closed(pop3)",
    );
    play(
        "2026-03-01 10:00 create               -> nothing
         2026-03-01 10:00 operator on pop3 now -> pop3 on
         # Down for longer than nine months: what lies in the same look comes in the order of its due times.
         2027-03-01 00:00 up                   -> warned pop3 acts 2027-03-08 00:00, warned inactive acts 2027-03-08 00:00 +idle-warning(pop3) +inactive-warning
         2027-03-08 00:00 timer                -> pop3 off(idle), status inactive +access-closed(pop3) +inactive",
    );
}

#[test]
fn a11_without_a_warning_it_closes_on_its_day() {
    let figures = Figures { warn_before: Duration::ZERO, ..Figures::default() };
    play_with(
        figures,
        "2026-03-01 10:00 create               -> nothing
         2026-03-01 10:00 operator on pop3 now -> pop3 on
         2026-03-01 10:00 show pop3            -> on, closes 2026-05-01 10:00
         2026-05-01 10:00 timer                -> pop3 off(idle) +access-closed(pop3)
         2026-12-01 10:00 timer                -> status inactive +inactive",
    );
}

#[test]
fn a11_a_limit_shorter_than_its_warning_is_warned_of_at_once() {
    let days = Span::Fixed(Duration::from_secs(2 * 86_400));
    play_with(
        Figures { pop3_idle: Some(days), ..Figures::default() },
        "2026-03-01 10:00 create               -> nothing
         2026-03-01 10:00 operator on pop3 now -> pop3 on
         2026-03-01 10:00 show pop3            -> on, closes 2026-03-08 10:00:00.000001
         2026-03-01 10:01 up                   -> warned pop3 acts 2026-03-08 10:01 +idle-warning(pop3)
         2026-03-08 10:01 timer                -> pop3 off(idle) +access-closed(pop3)",
    );
}

#[test]
fn a11_a_login_after_the_warning_makes_it_void_also_where_the_clock_was_put_back() {
    play(
        "2026-03-01 10:00 create               -> nothing
         2026-03-01 10:00 operator on pop3 now -> pop3 on
         2026-04-24 10:00 timer                -> warned pop3 acts 2026-05-01 10:00 +idle-warning(pop3)
         2026-04-20 10:00 up                   -> nothing
         2026-04-20 10:00 login pop3           -> in
         2026-04-20 10:00 show pop3            -> on, closes 2026-06-20 10:00
         2026-06-13 10:00 timer                -> warned pop3 acts 2026-06-20 10:00 +idle-warning(pop3)
         2026-06-20 10:00 timer                -> pop3 off(idle) +access-closed(pop3)",
    );
}

#[test]
fn a11_an_opening_after_the_warning_makes_it_void_also_where_the_clock_was_put_back() {
    play(
        "2026-03-01 10:00 create               -> nothing
         2026-03-01 10:00 operator on pop3 now -> pop3 on
         2026-04-24 10:00 timer                -> warned pop3 acts 2026-05-01 10:00 +idle-warning(pop3)
         2026-04-20 10:00 up                   -> nothing
         2026-04-20 10:00 off pop3             -> pop3 off
         2026-04-20 10:00 operator on pop3 now -> pop3 on
         2026-06-13 10:00 timer                -> warned pop3 acts 2026-06-20 10:00 +idle-warning(pop3)
         2026-06-20 10:00 timer                -> pop3 off(idle) +access-closed(pop3)",
    );
}

#[test]
fn a11_nobody_is_warned_of_what_is_off() {
    play(
        "2026-03-01 10:00 create               -> nothing
         2026-03-01 10:00 operator on pop3 now -> pop3 on
         2026-04-01 10:00 off pop3             -> pop3 off
         2026-06-01 10:00 login web            -> in
         2027-02-21 00:00 login web            -> in",
    );
}

#[test]
fn a15_imap_can_count_as_use_of_pop3() {
    let figures = Figures { imap_keeps_pop3: true, ..Figures::default() };
    play_with(
        figures,
        "2026-03-01 10:00 create                    -> nothing
         2026-03-01 10:00 operator on pop3,imap now -> pop3 on, imap on
         2026-04-20 10:00 login imap                -> in
         2026-04-20 10:00 show pop3                 -> on, closes 2026-06-20 10:00
         2026-05-01 10:00 login pop3                -> in
         2026-05-01 10:00 show pop3                 -> on, closes 2026-07-01 10:00
         # The later of the two counts, and nothing else does.
         2026-05-02 10:00 login web                 -> in
         2026-06-24 10:00 timer                     -> warned pop3 acts 2026-07-01 10:00 +idle-warning(pop3)
         2026-06-25 10:00 login imap                -> in
         2026-07-01 10:00 login pop3                -> in",
    );
}

#[test]
fn a15_imap_can_close_likewise() {
    let figures = Figures { imap_idle: Some(Span::Months(3)), ..Figures::default() };
    play_with(
        figures,
        "2026-03-01 10:00 create                    -> nothing
         2026-03-01 10:00 operator on all now       -> pop3 on, imap on, smtp on
         2026-03-05 10:00 login imap                -> in
         2026-03-05 10:00 show imap                 -> on, closes 2026-06-05 10:00
         2026-03-05 10:00 show smtp                 -> on, closes never
         2026-04-24 10:00 timer                     -> warned pop3 acts 2026-05-01 10:00 +idle-warning(pop3)
         2026-05-01 10:00 timer                     -> pop3 off(idle) +access-closed(pop3)
         2026-05-29 10:00 timer                     -> warned imap acts 2026-06-05 10:00 +idle-warning(imap)
         2026-06-05 10:00 login imap                -> imap off(idle) +access-closed(imap); off(idle), opens never
         2026-06-05 10:00 login smtp                -> in",
    );
}

#[test]
fn a16_the_brake_holds_what_closes_for_want_of_use_and_nothing_else() {
    play(
        "2026-03-01 10:00 create               -> nothing
         2026-03-01 10:00 operator on pop3 now -> pop3 on
         2026-04-20 10:00 lock pushing 288     -> sending locked(pushing) until 2026-05-02 10:00 +sending-locked
         2026-04-24 10:00 timer                -> warned pop3 acts 2026-05-01 10:00 +idle-warning(pop3)
         2026-05-01 09:50 on imap              -> imap opens 2026-05-01 10:05 +access-requested(imap)
         2026-05-01 09:59 hold                 -> nothing
         2026-05-01 10:00 timer                -> nothing
         2026-05-01 10:05 timer                -> imap on
         2026-05-02 10:00 timer                -> sending unlocked +sending-unlocked
         # Who comes in meanwhile is in.
         2026-05-03 10:00 login pop3           -> in
         2026-05-03 10:00 release              -> nothing
         2026-05-03 10:00 show pop3            -> on, closes 2026-07-03 10:00",
    );
    play(
        "2026-03-01 10:00 create               -> nothing
         2026-03-01 10:00 operator on pop3 now -> pop3 on
         2026-04-24 10:00 timer                -> warned pop3 acts 2026-05-01 10:00 +idle-warning(pop3)
         2026-04-30 10:00 hold                 -> nothing
         2026-05-09 10:00 timer                -> nothing
         2026-05-09 10:00 release              -> pop3 off(idle) +access-closed(pop3)",
    );
    play(
        "2026-03-01 10:00 create  -> nothing
         2026-11-24 10:00 timer   -> warned inactive acts 2026-12-01 10:00 +inactive-warning
         2026-11-25 10:00 hold    -> nothing
         2026-12-02 10:00 timer   -> nothing
         2026-12-02 10:00 release -> status inactive +inactive",
    );
}

/// What is done by itself for want of use counts; what people or the abuse rules do, and warnings, do not.
#[test]
fn a16_the_brake_counts_closings_for_want_of_use() {
    let closed = |reason| What::AccessClosed { protocol: Protocol::Pop3, reason, text: None };
    let status = |status| What::Status { status };
    let opened = What::AccessOpened { protocol: Protocol::Pop3 };
    for (by, what, counts) in [
        (Actor::Timer, closed(Some(Reason::Idle)), true),
        (Actor::Timer, closed(Some(Reason::Inactive)), true),
        (Actor::Timer, status(Status::Inactive), true),
        (Actor::Operator, status(Status::Inactive), false),
        (Actor::Operator, closed(Some(Reason::Inactive)), false),
        (Actor::Abuse, closed(Some(Reason::Theft)), false),
        (Actor::User, closed(None), false),
        (Actor::User, status(Status::Active), false),
        (Actor::Timer, opened.clone(), false),
        (Actor::Timer, What::SendingUnlocked, false),
    ] {
        let of = |what| Event { at: Timestamp(0), by, from: None, what };
        let events = [of(opened.clone()), of(what)];
        assert_eq!(access::closes(&events), counts, "{events:?}");
    }
    assert!(!access::closes(&[]));
}
