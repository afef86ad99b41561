//! Conditions put together so that they are cheap to judge: what is constant goes, sets of UIDs become one, and what costs
//! least is asked first.

use postern_model::UidSet;

use super::plan::Test;

impl Test {
    /// All of `tests`, or (`decisive` true) any of them.
    pub(super) fn joined(tests: Vec<Test>, decisive: bool) -> Test {
        let mut kept = Vec::with_capacity(tests.len());
        let mut set: Option<UidSet> = None;
        for test in tests.into_iter().flat_map(|test| test.inner(decisive)) {
            match test {
                Test::Is(answer) if answer == decisive => return Test::Is(decisive),
                Test::Is(_) => {}
                Test::Among(uids) => {
                    set = Some(match set {
                        None => uids,
                        Some(others) if decisive => others.union(&uids),
                        Some(others) => others.intersection(&uids),
                    });
                }
                test => kept.push(test),
            }
        }
        match set {
            Some(uids) if uids.is_empty() && !decisive => return Test::Is(false),
            Some(uids) if uids.is_empty() => {}
            Some(uids) => kept.push(Test::Among(uids)),
            None => {}
        }
        kept.sort_by_key(Test::cost);
        match kept.pop() {
            None => Test::Is(!decisive),
            Some(only) if kept.is_empty() => only,
            Some(last) => {
                kept.push(last);
                if decisive { Test::Any(kept) } else { Test::All(kept) }
            }
        }
    }

    /// The opposite; `everything` are the letters of the view.
    pub(super) fn negated(self, everything: &UidSet) -> Test {
        match self {
            Test::Is(answer) => Test::Is(!answer),
            Test::Among(uids) => Test::Among(everything.difference(&uids)),
            Test::Not(test) => *test,
            test => Test::Not(Box::new(test)),
        }
    }

    /// The letters that it restricts a search to, where it does.
    pub(super) fn candidates(&self) -> Option<UidSet> {
        match self {
            Test::Is(false) => Some(UidSet::new()),
            Test::Among(uids) => Some(uids.clone()),
            Test::All(tests) => tests.iter().find_map(|test| match test {
                Test::Among(uids) => Some(uids.clone()),
                _ => None,
            }),
            _ => None,
        }
    }

    /// Whether facts are asked for.
    pub(super) fn uses_facts(&self) -> bool {
        match self {
            Test::Facts(_) => true,
            Test::Not(test) => test.uses_facts(),
            Test::All(tests) | Test::Any(tests) => tests.iter().any(Test::uses_facts),
            _ => false,
        }
    }

    /// Its parts, where it is of the same kind as what is around it.
    fn inner(self, decisive: bool) -> Vec<Test> {
        match self {
            Test::All(tests) if !decisive => tests,
            Test::Any(tests) if decisive => tests,
            test => vec![test],
        }
    }

    fn cost(&self) -> u8 {
        match self {
            Test::Is(_) => 0,
            Test::Among(_) => 1,
            Test::Entry(_) => 2,
            Test::Facts(_) => 3,
            Test::Text(_) => 4,
            Test::Not(test) => test.cost(),
            Test::All(tests) | Test::Any(tests) => tests.iter().map(Test::cost).max().unwrap_or(0),
        }
    }
}
