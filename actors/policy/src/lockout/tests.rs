use super::*;

const HOME: &str = "192.0.2.1";
const AWAY: &str = "198.51.100.7";
const ATTACKER: &str = "203.0.113.66";

fn at(text: &str) -> Timestamp {
    Timestamp::parse_rfc3339(text).expect("a time")
}

fn source(text: &str) -> Source {
    Source::from(text.parse::<IpAddr>().expect("an address"))
}

fn name(text: &str) -> NameDigest {
    let mut digest = [0; 16];
    digest[..text.len()].copy_from_slice(text.as_bytes());
    NameDigest(digest)
}

/// One attempt, from its beginning to `outcome`; what the answer to it was.
fn attempt(lockout: &mut Lockout, from: &str, account: &str, outcome: Outcome, now: Timestamp) -> String {
    match lockout.begin(source(from), name(account), now) {
        Begin::Go { attempt, delay } => {
            lockout.finish(attempt, outcome, now);
            format!("after {}s", delay.as_secs())
        }
        Begin::Locked { retry_after } => format!("locked {}s", retry_after.as_secs()),
        Begin::Full => "full".to_owned(),
    }
}

/// Rows of `time from account right|wrong -> answer`; `*n` behind an outcome repeats it and looks at the last answer.
fn play(lockout: &mut Lockout, table: &str) {
    for row in table.lines().map(str::trim).filter(|row| !row.is_empty()) {
        let (left, expected) = row.split_once(" -> ").expect(row);
        let mut words = left.split_whitespace();
        let mut word = || words.next().expect(row);
        let now = at(&format!("2026-03-{}Z", word()));
        let (from, account, (what, times)) = (word(), word(), {
            let outcome = word();
            outcome.split_once('*').unwrap_or((outcome, "1"))
        });
        let outcome = match what {
            "right" => Outcome::Right,
            "wrong" => Outcome::Wrong,
            _ => Outcome::Untried,
        };
        let times: u32 = times.parse().expect(row);
        let answers: Vec<String> =
            (0..times).map(|_| attempt(lockout, from, account, outcome, now)).collect();
        assert_eq!(answers.last().map(String::as_str), Some(expected), "{row}");
    }
}

fn lockout() -> Lockout {
    Lockout::new(Figures::default())
}

/// SPEC I4: failed logins slow down, and then lock out the pair.
#[test]
fn a_pair_is_slowed_and_then_shut() {
    play(
        &mut lockout(),
        "01T10:00:00 192.0.2.1 alice wrong   -> after 0s
         01T10:00:01 192.0.2.1 alice wrong   -> after 1s
         01T10:00:03 192.0.2.1 alice wrong   -> after 2s
         01T10:00:08 192.0.2.1 alice wrong   -> after 4s
         01T10:00:17 192.0.2.1 alice wrong   -> after 8s
         01T10:00:35 192.0.2.1 alice wrong   -> after 15s
         01T10:00:55 192.0.2.1 alice wrong   -> after 15s
         01T10:01:15 192.0.2.1 alice wrong   -> after 15s
         01T10:01:35 192.0.2.1 alice wrong   -> after 15s
         01T10:01:55 192.0.2.1 alice wrong   -> after 15s
         01T10:02:15 192.0.2.1 alice right   -> locked 880s
         01T10:16:54 192.0.2.1 alice right   -> locked 1s
         01T10:16:55 192.0.2.1 alice right   -> after 0s",
    );
}

#[test]
fn a_refused_attempt_does_not_prolong_the_lock() {
    play(
        &mut lockout(),
        "01T10:00:00 192.0.2.1 alice wrong*10  -> after 15s
         01T10:05:00 192.0.2.1 alice wrong*500 -> locked 600s
         01T10:15:00 192.0.2.1 alice wrong     -> after 0s",
    );
}

#[test]
fn a_lock_of_one_pair_touches_no_other() {
    play(
        &mut lockout(),
        "01T10:00:00 192.0.2.1    alice wrong*10 -> after 15s
         01T10:00:00 192.0.2.1    alice right    -> locked 900s
         01T10:00:00 192.0.2.1    bob   right    -> after 0s
         01T10:00:00 198.51.100.7 alice right    -> after 0s",
    );
}

#[test]
fn a_right_password_clears_the_pair() {
    play(
        &mut lockout(),
        "01T10:00:00 192.0.2.1 alice wrong*9 -> after 15s
         01T10:00:00 192.0.2.1 alice right   -> after 15s
         01T10:00:00 192.0.2.1 alice wrong   -> after 0s",
    );
}

#[test]
fn a_program_with_an_old_password_that_polls_slowly_is_never_shut_out() {
    let mut lockout = lockout();
    let start = at("2026-03-01T10:00:00Z");
    for poll in 0..1000 {
        let now = start.plus(Duration::from_secs(300 * poll));
        let answer = attempt(&mut lockout, HOME, "alice", Outcome::Wrong, now);
        assert!(answer.starts_with("after"), "poll {poll}: {answer}");
    }
}

#[test]
fn a_bucket_drains_when_it_is_quiet() {
    play(
        &mut lockout(),
        "01T10:00:00 192.0.2.1 alice wrong*3 -> after 2s
         01T10:01:30 192.0.2.1 alice untried -> after 4s
         01T10:03:00 192.0.2.1 alice untried -> after 2s
         01T10:06:00 192.0.2.1 alice untried -> after 0s",
    );
}

/// SPEC I4: the source is locked out for all accounts.
#[test]
fn a_source_that_tries_many_accounts_is_shut() {
    let mut lockout = lockout();
    let now = at("2026-03-01T10:00:00Z");
    for n in 0..100 {
        assert!(
            attempt(&mut lockout, ATTACKER, &format!("user{n}"), Outcome::Wrong, now).starts_with("after")
        );
    }
    assert_eq!(attempt(&mut lockout, ATTACKER, "alice", Outcome::Right, now), "locked 900s");
    assert_eq!(attempt(&mut lockout, HOME, "alice", Outcome::Right, now), "after 0s");
}

#[test]
fn a_source_is_slowed_from_half_of_its_limit_on() {
    let mut lockout = lockout();
    let now = at("2026-03-01T10:00:00Z");
    let answers: Vec<String> =
        (0..54).map(|n| attempt(&mut lockout, ATTACKER, &format!("user{n}"), Outcome::Wrong, now)).collect();
    assert_eq!(answers[50], "after 0s");
    assert_eq!(answers[51..], ["after 1s", "after 2s", "after 4s"]);
}

/// SPEC I4: /32 and /64.
#[test]
fn a_source_is_an_address_or_a_64() {
    assert_eq!(source("2001:db8:1:2::1"), source("2001:db8:1:2:ffff::9"));
    assert_ne!(source("2001:db8:1:2::1"), source("2001:db8:1:3::1"));
    assert_ne!(source("192.0.2.1"), source("192.0.2.2"));
    assert_eq!(source("192.0.2.1"), source("::ffff:192.0.2.1"));
}

/// SPEC I4: nobody can lock a victim out.
#[test]
fn an_attack_from_everywhere_slows_strangers_alone() {
    let mut lockout = lockout();
    let yesterday = at("2026-02-28T10:00:00Z");
    attempt(&mut lockout, HOME, "alice", Outcome::Right, yesterday);
    let now = at("2026-03-01T10:00:00Z");
    for n in 0..1000 {
        let bot = format!("10.0.{}.{}", n / 250, n % 250);
        assert!(attempt(&mut lockout, &bot, "alice", Outcome::Wrong, now).starts_with("after"));
    }
    assert_eq!(attempt(&mut lockout, HOME, "alice", Outcome::Right, now), "after 0s");
    assert_eq!(attempt(&mut lockout, AWAY, "alice", Outcome::Right, now), "after 15s", "slow, not shut");
    assert_eq!(attempt(&mut lockout, AWAY, "alice", Outcome::Right, now), "after 0s", "known now");
    assert_eq!(attempt(&mut lockout, "192.0.2.99", "bob", Outcome::Right, now), "after 0s");
}

#[test]
fn a_source_is_a_stranger_again_after_ninety_days() {
    let mut lockout = lockout();
    attempt(&mut lockout, HOME, "alice", Outcome::Right, at("2026-01-01T00:00:00Z"));
    let now = at("2026-04-01T00:00:00Z");
    for n in 0..30 {
        attempt(&mut lockout, &format!("10.0.0.{n}"), "alice", Outcome::Wrong, now);
    }
    assert_eq!(attempt(&mut lockout, HOME, "alice", Outcome::Right, now), "after 15s");
}

/// SPEC I4 with the racing of Q2: attempts at once get no more tries than attempts in a row.
#[test]
fn attempts_under_way_count_as_failures() {
    let mut lockout = lockout();
    let now = at("2026-03-01T10:00:00Z");
    let mut under_way = Vec::new();
    while let Begin::Go { attempt, .. } = lockout.begin(source(ATTACKER), name("alice"), now) {
        under_way.push(attempt);
    }
    assert_eq!(under_way.len(), 10);
    assert_eq!(lockout.begin(source(ATTACKER), name("alice"), now), Begin::Full);
    assert!(matches!(lockout.begin(source(ATTACKER), name("bob"), now), Begin::Go { .. }));
    let right = under_way.pop().expect("ten");
    lockout.finish(right, Outcome::Untried, now);
    assert!(matches!(lockout.begin(source(ATTACKER), name("alice"), now), Begin::Go { .. }));
    for attempt in under_way {
        lockout.finish(attempt, Outcome::Wrong, now);
    }
    assert_eq!(lockout.begin(source(ATTACKER), name("alice"), now), Begin::Full);
}

#[test]
fn attempts_that_all_fail_at_once_shut_the_pair() {
    let mut lockout = lockout();
    let now = at("2026-03-01T10:00:00Z");
    let mut under_way = Vec::new();
    while let Begin::Go { attempt, .. } = lockout.begin(source(ATTACKER), name("alice"), now) {
        under_way.push(attempt);
    }
    for attempt in under_way {
        lockout.finish(attempt, Outcome::Wrong, now);
    }
    assert_eq!(attempt(&mut lockout, ATTACKER, "alice", Outcome::Right, now), "locked 900s");
}

/// SPEC I4: counters survive a restart.
#[test]
fn a_lock_and_a_known_source_survive_a_restart() {
    let mut before = lockout();
    let now = at("2026-03-01T10:00:00Z");
    attempt(&mut before, HOME, "alice", Outcome::Right, now);
    for _ in 0..10 {
        attempt(&mut before, ATTACKER, "alice", Outcome::Wrong, now);
    }
    let mut after = lockout();
    for (counter, saved) in before.take_changed() {
        let counter = Counter::from_bytes(&counter.to_bytes()).expect("its own bytes");
        after.restore(counter, saved.expect("nothing was removed"));
    }
    assert!(before.take_changed().is_empty(), "saved once");
    assert_eq!(attempt(&mut after, ATTACKER, "alice", Outcome::Right, now), "locked 900s");
    for n in 0..30 {
        attempt(&mut after, &format!("10.0.0.{n}"), "alice", Outcome::Wrong, now);
    }
    assert_eq!(attempt(&mut after, HOME, "alice", Outcome::Right, now), "after 0s", "no stranger");
}

#[test]
fn what_a_right_password_cleared_is_removed_from_the_store() {
    let mut lockout = lockout();
    let now = at("2026-03-01T10:00:00Z");
    attempt(&mut lockout, HOME, "alice", Outcome::Wrong, now);
    lockout.take_changed();
    attempt(&mut lockout, HOME, "alice", Outcome::Right, now);
    let pair = Counter::Pair(source(HOME), name("alice"));
    assert!(lockout.take_changed().contains(&(pair, None)));
}

#[test]
fn a_counter_is_read_from_its_bytes_and_from_no_others() {
    let counters = [
        Counter::Pair(source(HOME), name("alice")),
        Counter::Source(source(HOME)),
        Counter::Account(name("alice")),
        Counter::Known(source("2001:db8::1"), name("alice")),
    ];
    for counter in counters {
        let bytes = counter.to_bytes();
        assert_eq!(Counter::from_bytes(&bytes), Some(counter));
        assert_eq!(Counter::from_bytes(&bytes[..bytes.len() - 1]), None);
        assert_eq!(Counter::from_bytes(&[&bytes[..], &[0]].concat()), None);
    }
    assert_eq!(Counter::from_bytes(&[]), None);
    assert_eq!(Counter::from_bytes(&[9; 25]), None);
}

/// SPEC I4: counters are bounded; what is dropped is dropped from the store too.
#[test]
fn counters_are_bounded_and_a_lock_outlives_a_flood() {
    let mut lockout = Lockout::new(Figures { counters: 300, source_limit: 1_000_000, ..Figures::default() });
    let mut now = at("2026-03-01T10:00:00Z");
    for _ in 0..10 {
        attempt(&mut lockout, ATTACKER, "alice", Outcome::Wrong, now);
    }
    let mut saved = HashSet::new();
    for n in 0..2000 {
        now = now.plus(Duration::from_millis(100));
        attempt(&mut lockout, AWAY, &format!("user{n}"), Outcome::Wrong, now);
        for (counter, record) in lockout.take_changed() {
            match record {
                Some(_) => saved.insert(counter),
                None => saved.remove(&counter),
            };
        }
        assert!(saved.len() <= 300, "{}", saved.len());
    }
    assert!(attempt(&mut lockout, ATTACKER, "alice", Outcome::Right, now).starts_with("locked"));
}
