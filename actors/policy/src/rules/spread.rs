//! Where a letter ends up when accounts send it on to one another.
//!
//! Each account's rules act once on a letter. Who would send it back to where it came from, too far, or to nobody, keeps
//! it: whatever users arrange, a letter that was taken is in a mailbox or on its way to one.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use postern_model::record::{Notify, RcptTerms};
use postern_model::{AccountId, EmailAddress};

/// Accounts that a letter may go through on one way.
const DEPTH: usize = 5;

/// Where an account sends its copy on to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// To another account here.
    Here(AccountId),
    /// To another server.
    Elsewhere(EmailAddress),
    /// The address is nobody's, or there is no way to it.
    Nowhere,
}

/// What an account does with a letter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Node {
    /// It keeps a copy in any case.
    pub keep: bool,
    /// Where it sends the letter on to; it keeps one where that is nowhere.
    pub targets: Vec<Target>,
}

/// A copy that leaves this server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leave {
    /// The accounts that it went through, the one that sends it away last.
    pub path: Vec<AccountId>,
    /// Where it goes.
    pub to: EmailAddress,
    /// What the sender asked for it.
    pub terms: RcptTerms,
}

/// Where a letter ends up.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Spread {
    /// Whose mailbox gets it, with what the sender asked for it.
    pub keeps: BTreeMap<AccountId, RcptTerms>,
    /// What leaves.
    pub leaves: Vec<Leave>,
    /// Those whose copy went on to several addresses, and nowhere else (RFC 3461 §6.2.7.3).
    pub expanded: BTreeSet<AccountId>,
    /// Whose mailboxes got a recipient's copy in the end; those that lie elsewhere are not among them.
    pub served_by: BTreeMap<AccountId, BTreeSet<AccountId>>,
}

/// Finds where a letter to `roots` ends up. An account that is not among `nodes` keeps it.
pub fn spread(roots: &[(AccountId, RcptTerms)], nodes: &HashMap<AccountId, Node>) -> Spread {
    let mut walk = Walk { nodes, spread: Spread::default(), done: BTreeSet::new() };
    for (root, terms) in roots {
        walk.visit(*root, terms, &mut Vec::new());
    }
    walk.spread
}

struct Walk<'a> {
    nodes: &'a HashMap<AccountId, Node>,
    spread: Spread,
    /// Whose copy is seen to.
    done: BTreeSet<AccountId>,
}

impl Walk<'_> {
    /// Sees to an account's copy; returns whether that could be done.
    fn visit(&mut self, account: AccountId, terms: &RcptTerms, path: &mut Vec<AccountId>) -> bool {
        if self.done.contains(&account) {
            return true;
        }
        if path.contains(&account) || path.len() >= DEPTH {
            return false;
        }
        path.push(account);
        let (keep, targets) = match self.nodes.get(&account) {
            Some(node) => (node.keep || node.targets.is_empty(), &node.targets[..]),
            None => (true, &[][..]),
        };
        let alone = !keep && targets.len() == 1;
        let passed_on = passed_on(terms, alone);
        let (mut all_went, mut served_by) = (true, BTreeSet::new());
        for target in targets {
            all_went &= match target {
                Target::Here(next) => {
                    let went = self.visit(*next, &passed_on, path);
                    served_by.extend(self.spread.served_by.get(next).into_iter().flatten());
                    went
                }
                Target::Elsewhere(to) => {
                    self.leave(path, to, &passed_on);
                    true
                }
                Target::Nowhere => false,
            };
        }
        path.pop();
        if keep || !all_went {
            self.spread.keeps.insert(account, terms.clone());
            served_by.insert(account);
        } else if !alone {
            self.spread.expanded.insert(account);
        }
        self.spread.served_by.insert(account, served_by);
        self.done.insert(account);
        true
    }

    /// One copy to each address is enough.
    fn leave(&mut self, path: &[AccountId], to: &EmailAddress, terms: &RcptTerms) {
        let key = to.key();
        if self.spread.leaves.iter().all(|leave| leave.to.key() != key) {
            self.spread.leaves.push(Leave { path: path.to_vec(), to: to.clone(), terms: terms.clone() });
        }
    }
}

/// What is asked of those who get a letter next: all of it where they alone get it (RFC 3461 §6.2.7.2); else no success is
/// reported, or the sender would have several for one recipient (§6.2.7.3).
fn passed_on(terms: &RcptTerms, alone: bool) -> RcptTerms {
    let notify = match terms.notify {
        Some(notify) if !alone => Some(Notify { success: false, ..notify }),
        notify => notify,
    };
    RcptTerms { notify, orcpt: terms.orcpt.clone() }
}
