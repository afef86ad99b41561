//! Conditions put together so that they are cheap to judge: what is constant goes, sets of UIDs become one, and what costs
//! least is asked first.

use postern_model::UidSet;

use super::plan::Test;

impl Test {
    /// All of `tests`, or (`decisive` true) any of them.
    pub(super) fn joined(tests: Vec<Test>, decisive: bool) -> Test {
        let mut kept = Vec::with_capacity(tests.len());
        let mut sets = Sets { decisive, wanted: None, unwanted: None };
        for test in tests.into_iter().flat_map(|test| test.inner(decisive)) {
            match sets.take(test) {
                Some(Test::Is(answer)) if answer == decisive => return Test::Is(decisive),
                Some(Test::Is(_)) | None => {}
                Some(test) => kept.push(test),
            }
        }
        if sets.decide() {
            return Test::Is(decisive);
        }
        kept.extend(sets.wanted.map(Test::Among));
        kept.extend(sets.unwanted.map(|uids| Test::Not(Box::new(Test::Among(uids)))));
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

    /// The opposite.
    pub(super) fn negated(self) -> Test {
        match self {
            Test::Is(answer) => Test::Is(!answer),
            Test::Not(test) => *test,
            test => Test::Not(Box::new(test)),
        }
    }

    /// Those of `uids` that it does not rule out by their UIDs alone.
    pub(super) fn candidates(&self, uids: UidSet) -> UidSet {
        match self {
            Test::Is(false) => UidSet::new(),
            Test::Among(wanted) => uids.intersection(wanted),
            Test::Not(test) => match &**test {
                Test::Among(unwanted) => uids.difference(unwanted),
                _ => uids,
            },
            Test::All(tests) => tests.iter().fold(uids, |uids, test| test.candidates(uids)),
            _ => uids,
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

/// The sets of UIDs among the tests that are joined, made one of each kind: letters that are wanted, letters that are not.
struct Sets {
    decisive: bool,
    wanted: Option<UidSet>,
    unwanted: Option<UidSet>,
}

impl Sets {
    /// Takes a test that is a set; others come back.
    fn take(&mut self, test: Test) -> Option<Test> {
        match test {
            Test::Among(uids) => self.wanted = Some(merged(self.wanted.take(), uids, self.decisive)),
            Test::Not(inner) => match *inner {
                // "Not a, and not b" is "not one of either", "not a, or not b" is "not one of both".
                Test::Among(uids) => self.unwanted = Some(merged(self.unwanted.take(), uids, !self.decisive)),
                inner => return Some(Test::Not(Box::new(inner))),
            },
            test => return Some(test),
        }
        None
    }

    /// Whether an empty set decides; else empty sets are dropped, since they have nothing to say.
    fn decide(&mut self) -> bool {
        let is_empty = |set: &Option<UidSet>| set.as_ref().is_some_and(UidSet::is_empty);
        // "Among none" is false, and decides where all must hold; "not among none" is true, and decides where any may.
        let (wanted, unwanted) = (is_empty(&self.wanted), is_empty(&self.unwanted));
        if wanted {
            self.wanted = None;
        }
        if unwanted {
            self.unwanted = None;
        }
        if self.decisive { unwanted } else { wanted }
    }
}

fn merged(known: Option<UidSet>, more: UidSet, either: bool) -> UidSet {
    match known {
        None => more,
        Some(known) if either => known.union(&more),
        Some(known) => known.intersection(&more),
    }
}
