//! Access that closes because of how it is used: A13, A14.

use std::time::Duration;

use super::run::{play, play_with};
use crate::access::Figures;

#[test]
fn a13_more_than_a_thousand_minutes_of_a_day_close_pop3() {
    play(
        "2026-03-01 00:00 create                              -> nothing
         2026-03-01 00:00 operator on all now                 -> pop3 on, imap on, smtp on
         2026-03-01 00:00 repeat 1000 every 60 login pop3     -> 1000 x in
         # More in a minute that is counted already do no harm.
         2026-03-01 16:39:59 repeat 5 every 0 login pop3      -> 5 x in
         2026-03-01 16:40 login pop3                          -> off(too many connections), opens never; pop3 off(too many connections) +access-closed(pop3)
         2026-03-01 16:40 login imap                          -> in
         2026-03-01 16:41 login pop3                          -> off(too many connections), opens never
         # Who switches it on again begins anew (A8).
         2026-03-01 16:42 operator on pop3 now                -> pop3 on
         2026-03-01 16:43 login pop3                          -> in",
    );
}

#[test]
fn a13_minutes_of_more_than_24_hours_ago_do_not_count() {
    play(
        "2026-03-01 00:00 create                           -> nothing
         2026-03-01 00:00 operator on pop3 now             -> pop3 on
         2026-03-01 00:00 repeat 1000 every 60 login pop3  -> 1000 x in
         # The minute of 00:00 has just left the 24 hours.
         2026-03-02 00:00 repeat 100 every 60 login pop3   -> 100 x in
         2026-03-02 02:00 repeat 20 every 60 login pop3    -> 20 x in
         # 01:40 to 02:00 had no login, so there is room for as many; then it is full.
         2026-03-02 02:20 repeat 2 every 0 login pop3      -> 2 x in",
    );
}

#[test]
fn a13_a_program_that_checks_every_five_minutes_never_meets_it() {
    play(
        "2026-03-01 00:00 create                           -> nothing
         2026-03-01 00:00 operator on pop3 now             -> pop3 on
         2026-03-01 00:00 repeat 2016 every 300 login pop3 -> 2016 x in",
    );
}

#[test]
fn a13_checks_that_come_too_soon_count() {
    let figures = Figures { pop3_minutes: Some(3), ..Figures::default() };
    play_with(
        figures,
        "2026-03-01 00:00 create               -> nothing
         2026-03-01 00:00 operator on pop3 now -> pop3 on
         2026-03-01 00:00 login pop3           -> in
         2026-03-01 00:01 login pop3 soon      -> too soon
         2026-03-01 00:02 login pop3 busy      -> in use
         2026-03-01 00:02 login pop3 soon      -> too soon
         # What was refused for another reason does not.
         2026-03-01 00:03 login pop3 sessions 20 -> more than 20 sessions
         2026-03-01 00:04 login pop3           -> off(too many connections), opens never; pop3 off(too many connections) +access-closed(pop3)",
    );
}

#[test]
fn a13_imap_is_unlimited_unless_it_is_limited() {
    play(
        "2026-03-01 00:00 create                           -> nothing
         2026-03-01 00:00 operator on imap now             -> imap on
         2026-03-01 00:00 repeat 1440 every 60 login imap  -> 1440 x in",
    );
    let figures = Figures { imap_minutes: Some(2), pop3_minutes: None, ..Figures::default() };
    play_with(
        figures,
        "2026-03-01 00:00 create                           -> nothing
         2026-03-01 00:00 operator on all now              -> pop3 on, imap on, smtp on
         2026-03-01 00:00 repeat 1440 every 60 login pop3  -> 1440 x in
         2026-03-02 00:00 repeat 3 every 60 login imap     -> 2 x in | 1 x off(too many connections), opens never; imap off(too many connections) +access-closed(imap)
         2026-03-02 00:02 login smtp                       -> in",
    );
}

#[test]
fn a13_a_clock_put_back_locks_nobody_out() {
    let figures = Figures { pop3_minutes: Some(10), ..Figures::default() };
    play_with(
        figures,
        "2026-03-01 10:00 create                           -> nothing
         2026-03-01 10:00 operator on pop3 now             -> pop3 on
         2026-03-01 10:00 repeat 10 every 60 login pop3    -> 10 x in
         # The minutes that are yet to come count as this one.
         2026-03-01 09:00 up                               -> nothing
         2026-03-01 09:00 repeat 10 every 60 login pop3    -> 10 x in",
    );
}

#[test]
fn a14_logins_from_ten_networks_within_an_hour_close_all_access() {
    play(
        "2026-03-01 10:00 create                           -> nothing
         2026-03-01 10:00 operator on pop3,imap now        -> pop3 on, imap on
         2026-03-01 10:00 on smtp                          -> smtp opens 2026-03-01 10:15 +access-requested(smtp)
         2026-03-01 10:01 login imap from 10.0.1.1         -> in
         2026-03-01 10:02 login imap from 10.0.2.1         -> in
         2026-03-01 10:03 login imap from 10.0.3.1         -> in
         2026-03-01 10:04 login pop3 from 10.0.4.1         -> in
         2026-03-01 10:05 login imap from 2001:db8:5::1    -> in
         2026-03-01 10:06 login pop3 from 10.0.6.1 soon    -> too soon
         2026-03-01 10:07 login imap from 10.0.7.1         -> in
         2026-03-01 10:08 login imap from 10.0.8.1         -> in
         2026-03-01 10:09 login imap from 10.0.9.1         -> in
         # The same network again is nothing new.
         2026-03-01 10:10 login imap from 10.0.9.200       -> in
         2026-03-01 10:10 login imap from 2001:db8:5:9::2  -> in
         2026-03-01 10:11 login pop3 from 10.0.10.1        -> off(theft), opens never; pop3 off(theft), imap off(theft), smtp off(theft) +access-closed(pop3 imap smtp)
         2026-03-01 10:11 login imap from 10.0.1.1         -> off(theft), opens never
         2026-03-01 10:15 login smtp from 10.0.1.1         -> off(theft), opens never",
    );
}

#[test]
fn a14_networks_of_an_hour_ago_do_not_count() {
    let figures = Figures { theft_networks: Some(3), ..Figures::default() };
    play_with(
        figures.clone(),
        "2026-03-01 10:00 create                       -> nothing
         2026-03-01 10:00 operator on imap now         -> imap on
         2026-03-01 10:00 login imap from 10.0.1.1     -> in
         2026-03-01 10:30 login imap from 10.0.2.1     -> in
         2026-03-01 11:00 login imap from 10.0.3.1     -> in
         2026-03-01 11:29:59.999999 login imap from 10.0.4.1 -> off(theft), opens never; imap off(theft) +access-closed(imap)",
    );
    let slow = Figures { theft_window: Duration::from_secs(1800), ..figures.clone() };
    play_with(
        slow,
        "2026-03-01 10:00 create                       -> nothing
         2026-03-01 10:00 operator on imap now         -> imap on
         2026-03-01 10:00 repeat 3 every 0 login imap from 10.0.1.1 -> 3 x in
         2026-03-01 10:15 login imap from 10.0.2.1     -> in
         2026-03-01 10:30 login imap from 10.0.3.1     -> in
         2026-03-01 10:45 login imap from 10.0.4.1     -> in",
    );
    let none = Figures { theft_networks: None, ..figures };
    play_with(
        none,
        "2026-03-01 10:00 create                       -> nothing
         2026-03-01 10:00 operator on imap now         -> imap on
         2026-03-01 10:00 login imap from 10.0.1.1     -> in
         2026-03-01 10:00 login imap from 10.0.2.1     -> in
         2026-03-01 10:00 login imap from 10.0.3.1     -> in",
    );
}

#[test]
fn a14_a_clock_put_back_makes_no_theft_of_the_old_networks_for_long() {
    let figures = Figures { theft_networks: Some(3), ..Figures::default() };
    play_with(
        figures,
        "2027-03-01 10:00 create                       -> nothing
         2027-03-01 10:00 operator on imap now         -> imap on
         2027-03-01 10:00 login imap from 10.0.1.1     -> in
         2026-03-01 10:00 up                           -> nothing
         # A year from now counts as now, and an hour later no longer.
         2026-03-01 10:00 login imap from 10.0.2.1     -> in
         2026-03-01 11:00 login imap from 10.0.3.1     -> in
         2026-03-01 11:59 login imap from 10.0.4.1     -> in",
    );
}

#[test]
fn a14_the_password_has_to_be_changed_first() {
    let figures = Figures { theft_networks: Some(2), ..Figures::default() };
    play_with(
        figures,
        "2026-03-01 10:00 create                       -> nothing
         2026-03-01 10:00 operator on imap now         -> imap on
         2026-03-01 10:00 login imap from 10.0.1.1     -> in
         2026-03-01 10:01 login imap from 10.0.2.1     -> off(theft), opens never; imap off(theft) +access-closed(imap)
         2026-03-01 10:02 on imap                      -> imap refused: Theft
         2026-03-01 10:02 on pop3                      -> pop3 refused: Theft
         2026-03-01 10:02 operator on imap now         -> imap refused: Theft
         2026-03-01 10:03 password                     -> password set
         2026-03-01 10:03 on imap                      -> imap opens 2026-03-01 10:18 +access-requested(imap)
         # Those who knew the old password are not counted against the new one.
         2026-03-01 10:18 login imap from 10.0.2.1     -> imap on; in",
    );
}

#[test]
fn a14_an_abuse_lock_for_outgoing_spam_is_a_theft() {
    play(
        "2026-03-01 10:00 create                   -> nothing
         2026-03-01 10:00 operator on imap,smtp now -> imap on, smtp on
         2026-03-01 11:00 lock theft 24            -> sending locked(theft) until 2026-03-02 11:00, imap off(theft), smtp off(theft) +sending-locked +access-closed(imap smtp)
         2026-03-01 11:00 login smtp               -> off(theft), opens never
         2026-03-01 11:01 on imap                  -> imap refused: Theft
         2026-03-01 11:02 password                 -> password set
         # SPEC A8: the lock still stands.
         2026-03-01 11:02 on imap                  -> imap refused: Locked
         2026-03-02 11:00 on imap                  -> sending unlocked +sending-unlocked; imap opens 2026-03-02 11:15 +access-requested(imap)
         2026-03-02 11:15 login imap               -> imap on; in",
    );
}

#[test]
fn a14_a_lock_for_theft_also_marks_an_account_whose_gates_are_off() {
    play(
        "2026-03-01 10:00 create              -> nothing
         2026-03-01 11:00 operator lock theft -> sending locked(theft) until never +sending-locked
         2026-03-01 11:01 on imap             -> imap refused: Theft
         2026-03-01 11:02 password            -> password set
         # An operator's lock is of sending alone.
         2026-03-01 11:02 on imap             -> imap opens 2026-03-01 11:17 +access-requested(imap)",
    );
}

/// SPEC C3's last sentence: off unless the operator wants it.
#[test]
fn c3_imap_may_be_given_an_interval_too() {
    let figures = Figures { imap_check: Duration::from_secs(300), ..Figures::default() };
    play_with(
        figures,
        "2026-03-01 00:00 create                        -> nothing
         2026-03-01 00:00 operator on imap now          -> imap on
         2026-03-01 00:00 login imap                    -> in
         2026-03-01 00:04:49 login imap                 -> too soon
         # A program that is in opens more connections.
         2026-03-01 00:04:49 login imap sessions 1      -> in
         2026-03-01 00:09:38 login imap                 -> too soon
         2026-03-01 00:09:39 login imap                 -> in
         2026-03-01 00:14:29 login imap                 -> in",
    );
    play(
        "2026-03-01 00:00 create                        -> nothing
         2026-03-01 00:00 operator on imap now          -> imap on
         2026-03-01 00:00 repeat 100 every 1 login imap -> 100 x in",
    );
}
