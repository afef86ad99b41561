use std::collections::HashMap;

use postern_model::record::{Notify, RcptTerms};
use postern_model::{AccountId, EmailAddress};
use proptest::prelude::*;

use super::super::{Node, Spread, Target, spread};

const SUCCESS: Notify = Notify { success: true, failure: true, delay: false };

fn elsewhere(n: u64) -> Target {
    Target::Elsewhere(EmailAddress::parse(&format!("x{n}@x.test")).expect("an address"))
}

fn here(n: u64) -> Target {
    Target::Here(AccountId(n))
}

/// Accounts from 1 on, each with whether it keeps and where it sends on to.
fn nodes(all: &[(bool, Vec<Target>)]) -> HashMap<AccountId, Node> {
    let node = |(n, (keep, targets)): (u64, &(bool, Vec<Target>))| {
        (AccountId(n), Node { keep: *keep, targets: targets.clone() })
    };
    (1..).zip(all).map(node).collect()
}

fn roots(all: &[u64]) -> Vec<(AccountId, RcptTerms)> {
    let terms = RcptTerms { notify: Some(SUCCESS), orcpt: None };
    all.iter().map(|n| (AccountId(*n), terms.clone())).collect()
}

/// `1 3` keep it, `x1 by 1,2` leaves.
fn shown(spread: &Spread) -> String {
    let path = |path: &[AccountId]| path.iter().map(|id| id.0.to_string()).collect::<Vec<_>>().join(",");
    let success = |terms: &RcptTerms| if terms.notify == Some(SUCCESS) { "!" } else { "" };
    let keeps = spread.keeps.iter().map(|(id, terms)| format!("{id}{}", success(terms)));
    let leaves = spread
        .leaves
        .iter()
        .map(|leave| format!("{}{} by {}", leave.to.local(), success(&leave.terms), path(&leave.path)));
    keeps.chain(leaves).collect::<Vec<_>>().join(" ")
}

#[test]
fn d6_where_a_letter_ends_up() {
    let without = |targets: &[Target]| (false, targets.to_vec());
    let with = |targets: &[Target]| (true, targets.to_vec());
    let none = Target::Nowhere;
    // A `!` where success is still to be reported.
    for (name, accounts, to, expected) in [
        ("no rules", vec![], vec![1, 2], "1! 2!"),
        ("away without a copy", vec![without(&[elsewhere(1)])], vec![1], "x1! by 1"),
        ("away with a copy", vec![with(&[elsewhere(1)])], vec![1], "1! x1 by 1"),
        ("to two", vec![without(&[elsewhere(1), elsewhere(2)])], vec![1], "x1 by 1 x2 by 1"),
        ("to a colleague", vec![without(&[here(2)])], vec![1], "2!"),
        ("on and on", vec![without(&[here(2)]), without(&[elsewhere(1)])], vec![1], "x1! by 1,2"),
        ("to one another", vec![without(&[here(2)]), without(&[here(1)])], vec![1], "2!"),
        ("to one another, to both", vec![without(&[here(2)]), without(&[here(1)])], vec![1, 2], "2!"),
        ("to oneself", vec![without(&[here(1)])], vec![1], "1!"),
        ("to nobody", vec![without(&[none.clone()])], vec![1], "1!"),
        ("to somebody and nobody", vec![without(&[elsewhere(1), none])], vec![1], "1! x1 by 1"),
        ("twice to one", vec![without(&[elsewhere(1)]), without(&[elsewhere(1)])], vec![1, 2], "x1! by 1"),
        ("too far", (2..=7).map(|next| without(&[here(next)])).collect(), vec![1], "5!"),
    ] {
        assert_eq!(shown(&spread(&roots(&to), &nodes(&accounts))), expected, "{name}");
    }
}

#[test]
fn rfc_3461_6_2_7_3_who_went_on_to_many_is_expanded() {
    let many = nodes(&[(false, vec![elsewhere(1), here(2)]), (false, vec![elsewhere(3)])]);
    let spread = spread(&roots(&[1]), &many);
    assert_eq!(spread.expanded.into_iter().collect::<Vec<_>>(), [AccountId(1)]);
}

fn target() -> impl Strategy<Value = Target> {
    prop_oneof![
        4 => (1..9_u64).prop_map(here),
        1 => (1..4_u64).prop_map(elsewhere),
        1 => Just(Target::Nowhere),
    ]
}

proptest! {
    /// Whatever accounts arrange: each recipient's letter ends up somewhere, nobody gets two, and it ends.
    #[test]
    fn d6_no_letter_is_lost(
        accounts in prop::collection::vec((any::<bool>(), prop::collection::vec(target(), 0..4)), 0..9),
        to in prop::collection::vec(1..9_u64, 1..9),
    ) {
        let nodes = nodes(&accounts);
        let spread = spread(&roots(&to), &nodes);
        for root in to.iter().map(|n| AccountId(*n)) {
            let inboxes = &spread.served_by[&root];
            let left = reaches(&nodes, root);
            prop_assert!(!inboxes.is_empty() || left, "{root}: {spread:?}");
            prop_assert!(inboxes.iter().all(|id| spread.keeps.contains_key(id)));
            if nodes.get(&root).is_none_or(|node| node.keep || node.targets.is_empty()) {
                prop_assert!(spread.keeps.contains_key(&root));
            }
        }
        let mut addresses: Vec<_> = spread.leaves.iter().map(|leave| leave.to.clone()).collect();
        addresses.sort();
        addresses.dedup();
        prop_assert_eq!(addresses.len(), spread.leaves.len());
        prop_assert!(spread.leaves.iter().all(|leave| leave.path.len() <= 5));
    }
}

/// Whether a way leads from an account to another server.
fn reaches(nodes: &HashMap<AccountId, Node>, from: AccountId) -> bool {
    let (mut seen, mut open) = (vec![from], vec![from]);
    while let Some(id) = open.pop() {
        for target in nodes.get(&id).into_iter().flat_map(|node| &node.targets) {
            match target {
                Target::Elsewhere(_) => return true,
                Target::Here(next) if !seen.contains(next) => {
                    seen.push(*next);
                    open.push(*next);
                }
                _ => {}
            }
        }
    }
    false
}
