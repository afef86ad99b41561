use postern_model::record::{ForwardState, Rules, Setting};
use postern_model::{EmailAddress, Timestamp};

use super::super::{Change, ChangeError, Wanted, change};
use crate::dated::play;

fn address(text: &str) -> EmailAddress {
    EmailAddress::parse(text).expect(text)
}

fn wanted(text: &str, token: u8) -> Wanted {
    Wanted { address: address(text), token: [token; 32] }
}

fn shown(rules: &Rules) -> String {
    if rules.forwards.is_empty() {
        return "none".to_owned();
    }
    let one = |state: &ForwardState| match state {
        ForwardState::Pending { token, .. } => format!("asked({})", token[0]),
        ForwardState::Confirmed { .. } => "on".to_owned(),
        ForwardState::Stopped { .. } => "stopped".to_owned(),
    };
    rules
        .forwards
        .iter()
        .map(|to| format!("{} {}", to.address, one(&to.state)))
        .collect::<Vec<_>>()
        .join(", ")
}

/// `forward TOKEN ADDRESS…`, `confirm TOKEN`, `failed ADDRESS`, and the forwards that come of it.
#[test]
fn d6_forwards_are_confirmed_and_stop_when_they_fail_for_days() {
    let mut rules = Rules::default();
    let table = "
        2026-03-01 10:00:00 forward 1 a@x.test b@x.test -> a@x.test asked(1), b@x.test asked(1)
        2026-03-01 11:00:00 forward 2 A@X.test c@x.test c@X.TEST -> a@x.test asked(1), c@x.test asked(2)
        2026-03-01 11:00:00 confirm 9 -> no
        2026-03-01 12:00:00 confirm 1 -> a@x.test on, c@x.test asked(2)
        2026-03-01 12:00:00 confirm 1 -> no
        2026-03-02 11:00:00 forward 3 a@x.test c@x.test -> a@x.test on, c@x.test asked(3)
        2026-03-09 11:00:00 confirm 3 -> no
        2026-03-09 11:00:00 forward 4 a@x.test -> a@x.test on
        2026-03-10 10:00:00 failed a@x.test -> a@x.test on
        2026-03-10 23:00:00 failed a@x.test -> a@x.test on
        2026-03-11 10:00:00 failed a@x.test -> a@x.test on
        2026-03-12 10:00:00 failed a@x.test -> a@x.test on
        2026-03-13 10:00:00 failed a@x.test -> a@x.test on
        2026-03-18 10:00:00 failed a@x.test -> a@x.test on
        2026-03-19 10:00:00 failed a@x.test -> a@x.test on
        2026-03-20 10:00:00 failed a@x.test -> a@x.test on
        2026-03-21 10:00:00 failed nobody@x.test -> a@x.test on
        2026-03-21 10:00:00 failed a@x.test -> a@x.test on
        2026-03-22 10:00:00 failed a@x.test -> a@x.test stopped
        2026-03-23 10:00:00 failed a@x.test -> a@x.test stopped
        2026-03-23 10:00:00 forward 5 a@x.test -> a@x.test asked(5)
        2026-03-23 10:00:00 forward 6 -> none";
    play(table, |now, words| {
        let number = |word: &str| word.parse::<u8>().expect("a number");
        let wish = match words[0] {
            "forward" => {
                Change::Forward(words[2..].iter().map(|one| wanted(one, number(words[1]))).collect())
            }
            "confirm" => Change::Confirm([number(words[1]); 32]),
            _ => Change::Failed(address(words[1])),
        };
        match change(&rules, &wish, now) {
            Ok(changed) => {
                rules = changed.rules;
                shown(&rules)
            }
            Err(ChangeError::NoSuchToken) => "no".to_owned(),
            Err(other) => other.to_string(),
        }
    });
}

#[test]
fn d6_strangers_are_not_asked_without_end() {
    let mut rules = Rules::default();
    let mut asked = 0;
    play(
        "2026-03-01 10:00:00 a day of wishes -> 20
         2026-03-02 09:59:59 a day of wishes -> 20
         2026-03-02 10:00:00 a day of wishes -> 40",
        |now, _| {
            for n in 0..30 {
                let wish = Change::Forward(vec![wanted(&format!("a{n}-{now}@x.test").replace(':', "-"), n)]);
                match change(&rules, &wish, now) {
                    Ok(changed) => (rules, asked) = (changed.rules, asked + 1),
                    Err(error) => assert_eq!(error, ChangeError::AskedTooOften),
                }
            }
            asked.to_string()
        },
    );
    let many = (0..=10).map(|n| wanted(&format!("a{n}@x.test"), 0)).collect();
    let error = change(&Rules::default(), &Change::Forward(many), Timestamp(0)).map(drop);
    assert_eq!(error, Err(ChangeError::TooMany(10)));
}

#[test]
fn wishes_out_of_bounds_change_nothing() {
    let rules = Rules::default();
    let block = |entry: &str| Change::Block(vec![entry.to_owned()]);
    for (wish, error) in [
        (Change::Vacation(true), ChangeError::NoText),
        (Change::Text("x".repeat(20_000)), ChangeError::TooLong(16 << 10)),
        (Change::Subject(Some("x".repeat(201))), ChangeError::TooLong(200)),
        (Change::Days(0), ChangeError::Days),
        (Change::Days(366), ChangeError::Days),
        (Change::Addresses(vec![address("a@x.test"); 21]), ChangeError::TooMany(20)),
        (block("nobody"), ChangeError::Entry),
        (block("@"), ChangeError::Entry),
        (Change::Block((0..1_001).map(|n| format!("a{n}@x.test")).collect()), ChangeError::TooMany(1_000)),
    ] {
        assert_eq!(change(&rules, &wish, Timestamp(0)).map(drop), Err(error), "{wish:?}");
    }
}

#[test]
fn a_block_list_is_sorted_and_spelled_as_it_is_looked_up() {
    let block = |rules: &Rules, wish| change(rules, &wish, Timestamp(0)).expect("in bounds").rules;
    let entries = ["Bob@B.test", "@SPAM.test", "bob@b.TEST"].map(str::to_owned).to_vec();
    let rules = block(&Rules::default(), Change::Block(entries));
    assert_eq!(rules.blocked, ["@spam.test", "bob@b.test"]);
    let changed =
        change(&rules, &Change::Unblock(vec!["BOB@b.test".into()]), Timestamp(0)).expect("in bounds");
    assert_eq!(changed.rules.blocked, ["@spam.test"]);
    assert_eq!(changed.event, Some((Setting::Block, None)));
}
