//! Accounts that nobody logs in to: A5, A9, and A11 of these.

use super::run::{play, play_with};
use crate::access::Figures;

#[test]
fn a5_pop3_turns_off_when_the_status_becomes_inactive() {
    play(
        "2026-03-01 10:00 create               -> nothing
         2026-03-01 10:00 operator on all now  -> pop3 on, imap on, smtp on
         2026-03-02 10:00 status inactive      -> status inactive, pop3 off(inactive) +access-closed(pop3)
         2026-03-02 10:00 status inactive      -> nothing
         2026-03-02 10:00 login pop3           -> off(inactive), opens never
         # The others stay as they are; who comes in makes the account active, and POP3 stays off.
         2026-03-02 10:01 login imap           -> in; status active
         2026-03-02 10:01 login pop3           -> off(inactive), opens never
         2026-03-02 10:01 on pop3              -> pop3 opens 2026-03-02 10:16 +access-requested(pop3)",
    );
}

#[test]
fn a5_what_is_about_to_open_turns_off_too() {
    play(
        "2026-03-01 10:00 create               -> nothing
         2026-03-01 10:00 on pop3              -> pop3 opens 2026-03-01 10:15 +access-requested(pop3)
         2026-03-01 10:05 status inactive      -> status inactive, pop3 off(inactive) +access-closed(pop3)
         2026-03-01 10:15 login pop3           -> off(inactive), opens never
         2026-03-01 10:15 on pop3              -> pop3 refused: Suspended
         2026-03-01 10:15 operator on pop3 now -> pop3 refused: Suspended",
    );
}

#[test]
fn a5_a_gate_that_is_off_or_blocked_stays_what_it_is() {
    play(
        "2026-03-01 10:00 create              -> nothing
         2026-03-01 10:00 operator block pop3 -> pop3 blocked(operator) +access-blocked(pop3)
         2026-03-01 10:05 status inactive     -> status inactive
         2026-03-01 10:05 show pop3           -> blocked(operator), opens never",
    );
}

#[test]
fn a9_nine_months_without_a_login_make_it_inactive() {
    play(
        "2026-01-31 10:00 create         -> nothing
         2026-10-24 10:00 timer          -> warned inactive acts 2026-10-31 10:00 +inactive-warning
         2026-10-31 09:59:59 timer       -> nothing
         2026-10-31 10:00 timer          -> status inactive +inactive
         # It happens once.
         2027-10-31 10:00 timer          -> nothing
         2027-10-31 10:00 login web      -> in; status active
         2028-07-24 10:00 timer          -> warned inactive acts 2028-07-31 10:00 +inactive-warning",
    );
}

#[test]
fn a9_the_notice_of_inactivity_names_what_it_closed() {
    let figures = Figures { pop3_idle: None, ..Figures::default() };
    play_with(
        figures,
        "2026-01-31 10:00 create              -> nothing
         2026-01-31 10:00 operator on all now -> pop3 on, imap on, smtp on
         2026-02-28 10:00 login pop3          -> in
         2026-11-21 10:00 timer               -> warned inactive acts 2026-11-28 10:00 +inactive-warning
         2026-11-28 10:00 timer               -> status inactive, pop3 off(inactive) +inactive(pop3)
         2026-11-29 10:00 login pop3          -> off(inactive), opens never
         2026-11-29 10:00 login smtp          -> in; status active",
    );
}

#[test]
fn a9_any_login_counts() {
    play(
        "2026-01-01 00:00 create                   -> nothing
         2026-01-01 00:00 operator on imap,smtp now -> imap on, smtp on
         2026-09-01 00:00 login smtp               -> in
         2027-05-01 00:00 login imap               -> in
         2028-01-01 00:00 login web                -> in
         # A login that was refused is none.
         2028-09-01 00:00 login pop3               -> off, opens never
         2028-09-24 00:00 timer                    -> warned inactive acts 2028-10-01 00:00 +inactive-warning
         2028-10-01 00:00 timer                    -> status inactive +inactive",
    );
}

#[test]
fn a9_web_logins_alone_can_count() {
    let figures = Figures { web_logins_only: true, ..Figures::default() };
    play_with(
        figures,
        "2026-01-01 00:00 create              -> nothing
         2026-01-01 00:00 operator on imap now -> imap on
         2026-02-01 00:00 login web           -> in
         2026-10-20 00:00 login imap          -> in
         2026-10-25 00:00 timer               -> warned inactive acts 2026-11-01 00:00 +inactive-warning
         2026-11-01 00:00 timer               -> status inactive +inactive
         2026-11-02 00:00 login imap          -> in
         2026-11-02 00:00 on pop3             -> pop3 refused: Suspended
         2026-11-03 00:00 login web           -> in; status active",
    );
}

#[test]
fn a9_can_be_switched_off() {
    let figures = Figures { inactive_after: None, ..Figures::default() };
    play_with(
        figures,
        "2026-01-01 00:00 create -> nothing
         2046-01-01 00:00 timer  -> nothing",
    );
}

#[test]
fn a9_pop3_stays_off_until_the_user_switches_it_on() {
    play(
        "2026-01-01 00:00 create               -> nothing
         2026-01-01 00:00 operator on pop3 now -> pop3 on
         2026-02-22 00:00 timer                -> warned pop3 acts 2026-03-01 00:00 +idle-warning(pop3)
         2026-03-01 00:00 timer                -> pop3 off(idle) +access-closed(pop3)
         2026-09-24 00:00 timer                -> warned inactive acts 2026-10-01 00:00 +inactive-warning
         2026-10-01 00:00 timer                -> status inactive +inactive
         2026-12-01 00:00 login web            -> in; status active
         2026-12-01 00:00 login pop3           -> off(idle), opens never
         2026-12-01 00:00 on pop3              -> pop3 opens 2026-12-01 00:15 +access-requested(pop3)
         2026-12-01 00:15 login pop3           -> pop3 on; in",
    );
}

#[test]
fn a9_an_operator_who_makes_it_active_gives_it_the_time_of_a_warning() {
    play(
        "2026-01-01 00:00 create          -> nothing
         2026-09-24 00:00 timer           -> warned inactive acts 2026-10-01 00:00 +inactive-warning
         2026-10-01 00:00 timer           -> status inactive +inactive
         2026-12-01 00:00 status active   -> status active
         2026-12-01 00:01 up              -> warned inactive acts 2026-12-08 00:01 +inactive-warning
         2026-12-02 00:00 login web       -> in
         2027-08-26 00:00 timer           -> warned inactive acts 2027-09-02 00:00 +inactive-warning",
    );
}

#[test]
fn a11_a_login_after_the_warning_of_inactivity_makes_it_void() {
    play(
        "2026-01-01 00:00 create    -> nothing
         2026-09-24 00:00 timer     -> warned inactive acts 2026-10-01 00:00 +inactive-warning
         2026-09-30 23:59 login web -> in
         2027-06-23 23:59 timer     -> warned inactive acts 2027-06-30 23:59 +inactive-warning
         2027-06-30 23:59 timer     -> status inactive +inactive",
    );
}
