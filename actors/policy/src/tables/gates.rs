//! Gates as people move them: A1 to A4, A7, A8, A10, A12.

use std::time::Duration;

use postern_model::record::{Activity, Actor, Event, LoginRefusal, Reason, Standing, Status, What};
use postern_model::{Protocol, Timestamp};

use super::run::{Login, Run, play, play_with};
use super::words;
use crate::Refusal;
use crate::access::{Change, ChangeError, Figures};

#[test]
fn a1_a_new_account_is_off() {
    play(
        "2026-01-01 00:00 create     -> nothing
         2026-01-01 00:00 show pop3  -> off, opens never
         2026-01-01 00:00 show imap  -> off, opens never
         2026-01-01 00:00 show smtp  -> off, opens never
         2026-01-02 00:00 login pop3 -> off, opens never
         2026-01-02 00:00 login imap -> off, opens never
         2026-01-02 00:00 login smtp -> off, opens never
         2026-01-02 00:00 login web  -> in",
    );
}

#[test]
fn a2_access_opens_15_minutes_after_the_switch() {
    play(
        "2026-03-01 10:00 create               -> nothing
         2026-03-01 10:00 on all               -> pop3 opens 2026-03-01 10:15, imap opens 2026-03-01 10:15, smtp opens 2026-03-01 10:15 +access-requested(pop3 imap smtp)
         2026-03-01 10:14:59.999999 login pop3 -> off, opens 2026-03-01 10:15
         2026-03-01 10:14:59.999999 login imap -> off, opens 2026-03-01 10:15
         2026-03-01 10:15 login pop3           -> pop3 on, imap on, smtp on; in
         2026-03-01 10:15 login imap           -> in
         2026-03-01 10:15 login smtp           -> in",
    );
}

#[test]
fn a2_each_protocol_has_its_switch() {
    play(
        "2026-03-01 10:00 create     -> nothing
         2026-03-01 10:00 on imap    -> imap opens 2026-03-01 10:15 +access-requested(imap)
         2026-03-01 10:10 on smtp    -> smtp opens 2026-03-01 10:25 +access-requested(smtp)
         2026-03-01 10:15 timer      -> imap on
         2026-03-01 10:16 login imap -> in
         2026-03-01 10:16 login smtp -> off, opens 2026-03-01 10:25
         2026-03-01 10:16 login pop3 -> off, opens never
         2026-03-01 10:25 login smtp -> smtp on; in",
    );
}

#[test]
fn a2_who_did_not_ask_cancels_and_who_asks_again_waits_again() {
    play(
        "2026-03-01 10:00 create     -> nothing
         2026-03-01 10:00 on pop3    -> pop3 opens 2026-03-01 10:15 +access-requested(pop3)
         2026-03-01 10:14 off pop3   -> pop3 off
         2026-03-01 10:15 login pop3 -> off, opens never
         2026-03-01 10:20 on pop3    -> pop3 opens 2026-03-01 10:35 +access-requested(pop3)
         # Asking again neither hurries it nor puts it off.
         2026-03-01 10:30 on pop3    -> nothing
         2026-03-01 10:30 on pop3 now -> nothing
         2026-03-01 10:34 login pop3 -> off, opens 2026-03-01 10:35
         2026-03-01 10:35 login pop3 -> pop3 on; in
         2026-03-01 10:36 on pop3    -> nothing",
    );
}

#[test]
fn a2_off_acts_at_once() {
    play(
        "2026-03-01 10:00 create               -> nothing
         2026-03-01 10:00 operator on all now  -> pop3 on, imap on, smtp on
         2026-03-01 10:00 login imap           -> in
         2026-03-01 10:00:01 off all           -> pop3 off, imap off, smtp off
         2026-03-01 10:00:01 login imap        -> off, opens never
         2026-03-01 10:00:01 off all           -> nothing",
    );
}

#[test]
fn a2_at_once_is_the_operators_to_say() {
    play(
        "2026-03-01 10:00 create                 -> nothing
         2026-03-01 10:00 on pop3 now            -> pop3 opens 2026-03-01 10:15 +access-requested(pop3)
         2026-03-01 10:01 operator on imap       -> imap opens 2026-03-01 10:16 +access-requested(imap)
         2026-03-01 10:02 operator on pop3,imap now -> pop3 on, imap on
         2026-03-01 10:02 login pop3             -> in
         # What was asked for does not open a second time.
         2026-03-01 11:00 login pop3             -> in",
    );
}

#[test]
fn a2_without_a_delay_it_opens_at_once() {
    let figures = Figures { activation_delay: Duration::ZERO, ..Figures::default() };
    play_with(
        figures,
        "2026-03-01 10:00 create     -> nothing
         2026-03-01 10:00 on pop3    -> pop3 opens 2026-03-01 10:00, pop3 on +access-requested(pop3)
         2026-03-01 10:00 login pop3 -> in",
    );
}

#[test]
fn a2_a_clock_put_back_opens_nothing_early() {
    play(
        "2026-10-25 03:30 create     -> nothing
         2026-10-25 03:30 on pop3    -> pop3 opens 2026-10-25 03:45 +access-requested(pop3)
         2026-10-25 02:40 up         -> nothing
         2026-10-25 03:00 login pop3 -> off, opens 2026-10-25 03:45
         # It opens when the user was told that it would.
         2026-10-25 03:45 login pop3 -> pop3 on; in",
    );
}

#[test]
fn a3_what_fell_due_while_the_server_was_down_is_done_at_start() {
    play(
        "2026-03-01 10:00 create     -> nothing
         2026-03-01 10:00 on pop3    -> pop3 opens 2026-03-01 10:15 +access-requested(pop3)
         2026-03-01 10:05 on imap    -> imap opens 2026-03-01 10:20 +access-requested(imap)
         # In the order of the times at which they fell due.
         2026-03-03 00:00 up         -> pop3 on, imap on
         2026-03-03 00:00 login pop3 -> in
         # Two months from the opening, not from the time at which it fell due.
         2026-03-03 00:00 show imap  -> on, closes never
         2026-03-03 00:00 show pop3  -> on, closes 2026-05-03 00:00",
    );
}

#[test]
fn a3_an_activation_is_still_pending_after_a_restart() {
    play(
        "2026-03-01 10:00 create     -> nothing
         2026-03-01 10:00 on pop3    -> pop3 opens 2026-03-01 10:15 +access-requested(pop3)
         2026-03-01 10:10 up         -> nothing
         2026-03-01 10:14 login pop3 -> off, opens 2026-03-01 10:15
         2026-03-01 10:15 login pop3 -> pop3 on; in",
    );
}

#[test]
fn a4_a_login_is_told_the_first_reason_that_it_can_do_nothing_about() {
    play(
        "2026-03-01 10:00 create                          -> nothing
         2026-03-01 10:00 operator on imap,smtp now       -> imap on, smtp on
         2026-03-01 10:00 login imap sessions 19          -> in
         2026-03-01 10:00 login imap sessions 20          -> more than 20 sessions
         # SPEC P5: a password that came in the clear is the first thing to say, whatever the gate says.
         2026-03-01 10:01 login imap plaintext            -> plaintext refused; +plaintext-password(imap)
         2026-03-01 10:01 login pop3 plaintext            -> plaintext refused; +plaintext-password(pop3)
         2026-03-01 10:01 login imap plaintext legacy     -> in
         2026-03-01 10:01 login imap plaintext account-password -> plaintext refused; +plaintext-password(imap)
         2026-03-01 10:01 login pop3 account-password     -> client password needed
         2026-03-01 10:01 login pop3 sessions 20          -> off, opens never
         2026-03-01 10:02 operator lock terms             -> sending locked(terms) until never +sending-locked
         2026-03-01 10:02 login smtp sessions 20          -> sending locked(terms) until never
         2026-03-01 10:02 login imap sessions 20          -> more than 20 sessions
         2026-03-01 10:03 off smtp                        -> smtp off
         2026-03-01 10:03 login smtp                      -> off, opens never
         2026-03-01 10:03 operator block imap \"call us\" -> imap blocked(operator: call us) +access-blocked(imap)
         2026-03-01 10:03 login imap sessions 20          -> blocked(operator: call us), opens never
         2026-03-01 10:04 status suspended                -> status suspended
         2026-03-01 10:04 login imap plaintext            -> suspended
         2026-03-01 10:04 login pop3                      -> suspended",
    );
}

#[test]
fn a4_a_lock_of_sending_refuses_smtp_until_its_last_instant() {
    play(
        "2026-03-01 10:00 create                -> nothing
         2026-03-01 10:00 operator on all now   -> pop3 on, imap on, smtp on
         2026-03-01 10:00 lock pushing 24       -> sending locked(pushing) until 2026-03-02 10:00 +sending-locked
         2026-03-02 09:59:59.999999 login smtp  -> sending locked(pushing) until 2026-03-02 10:00
         2026-03-02 09:59:59.999999 login imap  -> in
         2026-03-02 10:00 login smtp            -> sending unlocked +sending-unlocked; in",
    );
}

#[test]
fn a7_a_block_shuts_what_it_names_with_a_reason_and_a_text() {
    play(
        "2026-03-01 10:00 create                               -> nothing
         2026-03-01 10:00 operator on all now                  -> pop3 on, imap on, smtp on
         2026-03-01 11:00 operator block pop3,imap \"unpaid\"  -> pop3 blocked(operator: unpaid), imap blocked(operator: unpaid) +access-blocked(pop3 imap)
         2026-03-01 11:00 login pop3                           -> blocked(operator: unpaid), opens never
         2026-03-01 11:00 login smtp                           -> in
         # What is there already keeps its history.
         2026-03-01 12:00 operator block pop3                  -> nothing
         2026-03-01 12:00 operator block smtp                  -> smtp blocked(operator) +access-blocked(smtp)
         2026-03-01 12:00 show pop3                            -> blocked(operator: unpaid), opens never
         2026-03-01 12:00 show smtp                            -> blocked(operator), opens never",
    );
}

#[test]
fn a7_a_block_also_shuts_what_is_off_or_about_to_open() {
    play(
        "2026-03-01 10:00 create              -> nothing
         2026-03-01 10:00 on pop3             -> pop3 opens 2026-03-01 10:15 +access-requested(pop3)
         2026-03-01 10:10 operator block pop3,imap -> pop3 blocked(operator), imap blocked(operator) +access-blocked(pop3 imap)
         2026-03-01 10:15 login pop3          -> blocked(operator), opens never
         2026-03-01 10:15 on pop3             -> pop3 refused: Blocked
         2026-03-01 10:15 operator on pop3 now -> pop3 refused: Blocked
         2026-03-01 10:15 off pop3            -> pop3 refused: Blocked
         2026-03-01 10:15 unblock pop3        -> pop3 refused: Blocked
         2026-03-01 10:15 operator unblock smtp -> smtp refused: NotBlocked",
    );
}

#[test]
fn a7_an_abuse_lock_closes_sending_alone_where_the_operator_chose_so() {
    play(
        "2026-03-01 10:00 create              -> nothing
         2026-03-01 10:00 operator on all now -> pop3 on, imap on, smtp on
         2026-03-01 11:00 lock pushing 24     -> sending locked(pushing) until 2026-03-02 11:00 +sending-locked
         2026-03-01 11:00 login imap          -> in
         2026-03-01 11:00 login smtp          -> sending locked(pushing) until 2026-03-02 11:00
         # SPEC A8 forbids nothing here: the lock does not close access.
         2026-03-01 12:00 off pop3            -> pop3 off
         2026-03-01 12:00 on pop3             -> pop3 opens 2026-03-01 12:15 +access-requested(pop3)",
    );
}

#[test]
fn a7_an_abuse_lock_closes_all_access_where_the_operator_chose_so() {
    let figures = Figures { abuse_closes_access: true, ..Figures::default() };
    play_with(
        figures,
        "2026-03-01 10:00 create                   -> nothing
         2026-03-01 10:00 operator on imap,smtp now -> imap on, smtp on
         2026-03-01 10:59 on pop3                  -> pop3 opens 2026-03-01 11:14 +access-requested(pop3)
         2026-03-01 11:00 lock pushing 24          -> sending locked(pushing) until 2026-03-02 11:00, pop3 off(pushing), imap off(pushing), smtp off(pushing) +sending-locked +access-closed(pop3 imap smtp)
         2026-03-01 11:15 login pop3               -> off(pushing), opens never
         2026-03-01 11:15 on pop3                  -> pop3 refused: Locked
         2026-03-02 11:00 on pop3                  -> sending unlocked +sending-unlocked; pop3 opens 2026-03-02 11:15 +access-requested(pop3)
         2026-03-02 11:15 login pop3               -> pop3 on; in",
    );
}

#[test]
fn a7_an_operators_lock_is_of_sending_alone() {
    let figures = Figures { abuse_closes_access: true, ..Figures::default() };
    play_with(
        figures,
        "2026-03-01 10:00 create               -> nothing
         2026-03-01 10:00 operator on all now  -> pop3 on, imap on, smtp on
         2026-03-01 10:00 operator lock terms  -> sending locked(terms) until never +sending-locked
         2026-03-01 10:00 login pop3           -> in
         2026-03-01 10:00 off imap             -> imap off
         2026-03-01 10:00 on imap              -> imap opens 2026-03-01 10:15 +access-requested(imap)
         # The abuse rules leave a lock as it is, the operator replaces it.
         2026-03-01 10:01 lock pushing 24      -> nothing
         2026-03-01 10:02 operator lock pushing 1 -> sending locked(pushing) until 2026-03-01 11:02 +sending-locked
         2026-03-01 10:03 unlock               -> sending unlocked +sending-unlocked
         2026-03-01 10:03 unlock               -> nothing
         2026-03-01 10:03 login smtp           -> in",
    );
}

#[test]
fn a8_the_user_is_told_of_what_others_switch_off_and_switches_it_on_again() {
    play(
        "2026-03-01 10:00 create                        -> nothing
         2026-03-01 10:00 operator on all now           -> pop3 on, imap on, smtp on
         2026-03-01 11:00 operator off pop3,imap \"repair\" -> pop3 off(operator: repair), imap off(operator: repair) +access-closed(pop3 imap)
         2026-03-01 11:00 login imap                    -> off(operator: repair), opens never
         2026-03-01 11:05 on imap                       -> imap opens 2026-03-01 11:20 +access-requested(imap)
         2026-03-01 11:20 login imap                    -> imap on; in
         # What the user switches off they know.
         2026-03-01 11:21 off imap                      -> imap off
         2026-03-01 11:21 login imap                    -> off, opens never",
    );
}

#[test]
fn a8_an_operators_block_stands_until_the_operator_takes_it_away() {
    play(
        "2026-03-01 10:00 create                -> nothing
         2026-03-01 10:00 operator on imap now  -> imap on
         2026-03-01 11:00 operator block imap   -> imap blocked(operator) +access-blocked(imap)
         2026-11-01 11:00 login web             -> in
         2026-11-01 11:00 on imap               -> imap refused: Blocked
         2026-11-01 11:00 operator on imap now  -> imap refused: Blocked",
    );
}

#[test]
fn a8_after_a_block_access_is_off_and_opens_15_minutes_after_the_switch() {
    play(
        "2026-03-01 10:00 create                -> nothing
         2026-03-01 10:00 operator on imap now  -> imap on
         2026-03-01 11:00 operator block imap   -> imap blocked(operator) +access-blocked(imap)
         2026-03-01 12:00 operator unblock imap -> imap unblocked +access-unblocked(imap)
         2026-03-01 12:00 login imap            -> off, opens never
         2026-03-01 12:00 on imap               -> imap opens 2026-03-01 12:15 +access-requested(imap)
         2026-03-01 12:15 login imap            -> imap on; in",
    );
}

#[test]
fn a8_one_gate_that_cannot_be_switched_on_leaves_the_others_as_they_are() {
    play(
        "2026-03-01 10:00 create              -> nothing
         2026-03-01 10:00 operator block imap -> imap blocked(operator) +access-blocked(imap)
         2026-03-01 10:01 on all              -> imap refused: Blocked
         2026-03-01 10:01 show pop3           -> off, opens never
         2026-03-01 10:01 operator off all    -> nothing",
    );
}

#[test]
fn a8_a_suspended_account_switches_nothing_on() {
    play(
        "2026-03-01 10:00 create               -> nothing
         2026-03-01 10:00 operator on imap now -> imap on
         2026-03-01 10:00 status suspended     -> status suspended
         2026-03-01 10:00 login imap           -> suspended
         2026-03-01 10:01 on pop3              -> pop3 refused: Suspended
         2026-03-01 10:01 operator on pop3 now -> pop3 refused: Suspended
         2026-03-01 10:01 off imap             -> imap off
         2026-03-01 10:02 status active        -> status active
         2026-03-01 10:02 on pop3              -> pop3 opens 2026-03-01 10:17 +access-requested(pop3)",
    );
}

/// A login that comes before the timer does, and with nothing done that is due.
#[test]
fn a2_a_gate_whose_time_has_come_is_open_also_before_the_timer_says_so() {
    let at = |time| words::parse_time("2026-03-01", time);
    let mut run = Run::new(Figures::default(), at("10:00"));
    run.line(at("10:00"), &["on", "all"]);
    run.now = at("10:14:59.999999");
    let (_, answer) = run.login(Login::plain(Protocol::Imap));
    assert_eq!(answer, Err(Refusal::AccessPending { protocol: Protocol::Imap, opens_at: at("10:15") }));
    run.now = at("10:15");
    let (_, answer) = run.login(Login::plain(Protocol::Imap));
    assert_eq!(answer, Ok(()));
}

/// A lock whose end has come, with nothing done that is due.
#[test]
fn a8_a_lock_that_has_ended_keeps_nothing_off_also_before_the_timer_says_so() {
    let at = |time| words::parse_time("2026-03-01", time);
    let mut run = Run::new(Figures { abuse_closes_access: true, ..Figures::default() }, at("10:00"));
    run.line(at("10:00"), &["lock", "pushing", "1"]);
    let on = Change::On { now: false };
    run.now = at("10:59:59.999999");
    let refused = run.change(Actor::User, &on, &[Protocol::Imap], None);
    assert_eq!(refused, Err((Protocol::Imap, ChangeError::Locked)));
    run.now = at("11:00");
    assert!(run.change(Actor::User, &on, &[Protocol::Imap], None).is_ok());
    // A new one is a lock, and not one too many.
    let locked = run.lock(Actor::Abuse, Reason::Pushing, None);
    assert!(matches!(locked[0].what, What::SendingLocked { .. }), "{locked:?}");
}

/// Every change is one event with its time, its author and its address.
#[test]
fn a10_an_event_says_what_when_by_whom_and_from_where() {
    let at = words::parse_time("2026-03-01", "10:00");
    let mut run = Run::new(Figures::default(), at);
    for (time, line) in [
        ("10:00", "on pop3"),
        ("10:15", "login pop3 from 192.0.2.7"),
        ("10:16", "login imap from 2001:db8::7"),
        ("10:17", "login pop3 from 192.0.2.8 soon"),
        ("10:18", "lock theft 1"),
        ("10:19", "operator block imap"),
        ("11:18", "status suspended"),
    ] {
        run.line(words::parse_time("2026-03-01", time), &line.split(' ').collect::<Vec<_>>());
    }
    let told = |event: &Event| {
        let Event { at, by, from, what } = event;
        let what = format!("{what:?}");
        let what = what.split([' ', '(']).next().unwrap_or_default();
        let from = from.map_or("-".into(), |from| from.to_string());
        format!("{} {by:?} {from} {what}", &words::time(*at)[11..])
    };
    let got: Vec<_> = run.events.iter().map(told).collect();
    assert_eq!(
        got,
        [
            "10:00 User - AccessRequested",
            "10:15 Timer - AccessOpened",
            "10:15 User 192.0.2.7 Login",
            "10:16 User 2001:db8::7 LoginRefused",
            "10:17 User 192.0.2.8 LoginRefused",
            "10:18 Abuse - SendingLocked",
            "10:18 Abuse - AccessClosed",
            "10:19 Operator - AccessBlocked",
            "11:18 Timer - SendingUnlocked",
            "11:18 Operator - Status",
        ]
    );
}

/// Asking and looking change nothing without an event.
#[test]
fn a10_what_changes_nothing_is_no_event() {
    let at = words::parse_time("2026-03-01", "10:00");
    let mut run = Run::new(Figures::default(), at);
    for line in ["off all", "unlock", "show pop3", "status active", "timer"] {
        assert_eq!(
            run.line(at, &line.split(' ').collect::<Vec<_>>()).split(',').next(),
            match line {
                "show pop3" => Some("off"),
                _ => Some("nothing"),
            }
        );
    }
    assert_eq!(run.events, []);
    assert_eq!(run.standing, run.began);
}

/// A web login reported by the operator (`account seen`) makes an inactive account active by its user.
#[test]
fn a10_a_login_seen_elsewhere_names_who_reported_it() {
    let at = words::parse_time("2026-03-01", "10:00");
    let mut run = Run::new(Figures::default(), at);
    run.line(at, &["status", "inactive"]);
    let asker = run.asker(Actor::Operator);
    let events = crate::access::came_in(&run.standing, None, asker, &run.figures);
    let by: Vec<_> = events.iter().map(|event| event.by).collect();
    assert!(matches!(events[0].what, What::Login { protocol: None }));
    assert_eq!(by, [Actor::Operator, Actor::User]);
}

#[test]
fn p5_a_password_without_encryption_opens_nothing_and_is_told() {
    play(
        "2026-03-01 10:00 create                       -> nothing
         2026-03-01 10:00 operator on all now          -> pop3 on, imap on, smtp on
         2026-03-01 10:00 login pop3 plaintext         -> plaintext refused; +plaintext-password(pop3)
         2026-03-01 10:00 login smtp plaintext         -> plaintext refused; +plaintext-password(smtp)
         # Who has said that their program cannot do SSL is let in.
         2026-03-01 10:00 login pop3 plaintext legacy  -> in",
    );
}

/// The notice itself goes out once a day at most, however often the program tries.
#[test]
fn p5_the_notice_is_not_repeated_within_a_day() {
    let now = Timestamp::from_seconds(1_800_000_000);
    let mut standing = Standing {
        status: Status::Active,
        plan: "free".into(),
        created: now,
        access: crate::access::all_off(now),
        lock: None,
        activity: Activity::default(),
    };
    let mut told = |seconds| {
        let at = now.plus(Duration::from_secs(seconds));
        let what = What::LoginRefused { protocol: Protocol::Pop3, why: LoginRefusal::Plaintext };
        let event = Event { at, by: Actor::User, from: None, what };
        let owed = crate::notice::owed(std::slice::from_ref(&event));
        let fresh = owed.iter().any(|notice| !crate::notice::is_repeated(notice, &standing));
        crate::standing::apply(&mut standing, &event);
        fresh
    };
    assert_eq!([0, 1, 86_399, 86_400, 86_401].map(&mut told), [true, false, false, true, false]);
}

#[test]
fn a7_off_and_unblock_pass_over_the_gates_that_they_do_not_concern() {
    play(
        "2026-03-01 10:00 create                    -> nothing
         2026-03-01 10:00 operator on all now       -> pop3 on, imap on, smtp on
         2026-03-01 10:00 operator block smtp       -> smtp blocked(operator) +access-blocked(smtp)
         2026-03-01 10:00 off all                   -> pop3 off, imap off
         2026-03-01 10:00 operator unblock all      -> smtp unblocked +access-unblocked(smtp)",
    );
}

#[test]
fn a12_the_accounts_own_password_does_not_open_where_a_client_password_is_demanded() {
    play(
        "2026-03-01 10:00 create                       -> nothing
         2026-03-01 10:00 operator on all now          -> pop3 on, imap on, smtp on
         2026-03-01 10:00 login pop3 account-password  -> client password needed
         2026-03-01 10:00 login imap account-password  -> client password needed
         2026-03-01 10:00 login smtp account-password  -> client password needed
         2026-03-01 10:00 login pop3                   -> in
         2026-03-01 10:00 show pop3                    -> on, closes 2026-05-01 10:00
         # A password that opens nothing is no use of the account.
         2026-03-05 10:00 login pop3 account-password  -> client password needed
         2026-03-05 10:00 show pop3                    -> on, closes 2026-05-01 10:00",
    );
}
