//! A letter's recipients become those whose mailboxes get it, and those it leaves to.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use postern_model::mime::MAX_HEADER;
use postern_model::record::RcptTerms;
use postern_model::{AccountId, EmailAddress, MailFrom};
use postern_policy::Refusal;
use postern_policy::rules::{self, Header, Leave, Letter, Node, Spread, Target};

use super::answer::Answering;
use super::book::Known;
use crate::Actors;
use crate::ground::refuse;
use crate::order::{Acceptance, Forward, LocalRcpt, Route};

/// Accounts that one letter may come to by way of others.
const MOST: usize = 100;

/// What the rules did to a letter.
#[derive(Debug, Default)]
pub(crate) struct Applied {
    /// For each recipient as it was, where its letter went; `None`: no rule acted at all.
    went: Option<Vec<Went>>,
    answering: Vec<Answering>,
}

/// Where a recipient's letter went.
#[derive(Debug)]
struct Went {
    /// To these of the recipients as they are now.
    inside: Vec<usize>,
    /// To other servers.
    outside: bool,
}

impl Applied {
    /// When the letter is on disk: the verdicts on the recipients as they were, from those on the recipients as they are
    /// now; and who is to be answered is. Whose letter arrived anywhere has it: were it sent again, there would be two.
    pub(crate) fn conclude(
        self,
        actors: &Actors,
        taken: Vec<Result<(), Refusal>>,
    ) -> Vec<Result<(), Refusal>> {
        for answering in self.answering {
            let actors = actors.clone();
            tokio::task::spawn_local(async move { answering.send(&actors).await });
        }
        let Some(went) = self.went else { return taken };
        let verdict = |went: Went| {
            let mut inside = went.inside.iter().filter_map(|n| taken.get(*n));
            match inside.clone().any(Result::is_ok) || went.outside {
                true => Ok(()),
                false => inside.next().cloned().unwrap_or(Ok(())),
            }
        };
        went.into_iter().map(verdict).collect()
    }
}

/// Applies the rules of all accounts that a letter is for, and of those it comes to by them. Before anything of it is
/// written: [`Acceptance::locals`], [`Acceptance::forwards`] and [`Acceptance::judged`] change.
///
/// # Errors
/// What the store can't do.
pub(crate) async fn apply(actors: &Actors, acceptance: &mut Acceptance) -> Result<Applied, Refusal> {
    let mut arranged = false;
    for local in &acceptance.locals {
        arranged |= known(actors, local.account).await?.is_some();
    }
    if !arranged {
        return Ok(Applied::default());
    }
    let head = acceptance.body.read(0, MAX_HEADER).await.map_err(|error| refuse(&error))?;
    let header = Header::of(&head);
    let mut survey = Survey { actors, header: &header, found: Found::default() };
    survey.all(acceptance).await?;
    let found = survey.found;
    let roots: Vec<(AccountId, RcptTerms)> =
        acceptance.locals.iter().map(|local| (local.account, local.terms.clone())).collect();
    let spread = rules::spread(&roots, &found.nodes);
    for leave in &spread.leaves {
        acceptance.forwards.push(forward(actors, acceptance, &found, leave).await?);
    }
    acceptance.judged.junk_for.extend(found.junk);
    let went = redirect(&mut acceptance.locals, &spread, &found.reached_by, &found.nodes);
    Ok(Applied { went: Some(went), answering: found.answering })
}

async fn known(actors: &Actors, account: AccountId) -> Result<Option<Arc<Known>>, Refusal> {
    actors.ground().rules.of(account).await.map_err(|error| refuse(&error))
}

/// What the accounts' rules say to a letter.
#[derive(Default)]
struct Found {
    nodes: HashMap<AccountId, Node>,
    known: HashMap<AccountId, Arc<Known>>,
    /// By which address a letter came to an account it was not for.
    reached_by: HashMap<AccountId, EmailAddress>,
    junk: Vec<AccountId>,
    answering: Vec<Answering>,
}

struct Survey<'a> {
    actors: &'a Actors,
    header: &'a Header,
    found: Found,
}

impl Survey<'_> {
    /// Asks account after account, those that others send the letter on to as well.
    async fn all(&mut self, acceptance: &Acceptance) -> Result<(), Refusal> {
        let mut open: Vec<AccountId> = acceptance.locals.iter().map(|local| local.account).collect();
        let mut seen: HashSet<AccountId> = open.iter().copied().collect();
        let most = seen.len() + MOST;
        while let Some(account) = open.pop() {
            let Some(known) = known(self.actors, account).await? else { continue };
            let node = self.one(account, &known, acceptance).await?;
            for target in &node.targets {
                if let Target::Here(next) = target
                    && seen.len() < most
                    && seen.insert(*next)
                {
                    open.push(*next);
                }
            }
            self.found.nodes.insert(account, node);
            self.found.known.insert(account, known);
        }
        Ok(())
    }

    /// What one account does with the letter.
    async fn one(
        &mut self,
        account: AccountId,
        known: &Arc<Known>,
        acceptance: &Acceptance,
    ) -> Result<Node, Refusal> {
        let (mail_from, junk) = (&acceptance.mail_from, acceptance.judged.junk);
        let letter = Letter { mail_from, header: self.header, junk, own: &known.own };
        let effects = rules::effects(&known.rules, &letter);
        if effects.junk {
            self.found.junk.push(account);
        }
        let letter = Letter { junk: junk || effects.junk, ..letter };
        if known.rules.vacation.on {
            let own = self.own_addresses(account, mail_from).await?;
            let is_own = |one: &EmailAddress| own.contains(one);
            if let Ok(to) = rules::vacation(&known.rules.vacation, &letter, &is_own, self.actors.now()) {
                self.found.answering.push(Answering::new(account, known, to, &acceptance.facts));
            }
        }
        let mut targets = Vec::new();
        for address in &effects.forward {
            targets.push(self.target(address).await?);
        }
        Ok(Node { keep: effects.keep, targets })
    }

    /// Which of the addresses that the letter names are the account's.
    async fn own_addresses(
        &self,
        account: AccountId,
        mail_from: &MailFrom,
    ) -> Result<HashSet<EmailAddress>, Refusal> {
        let sender = match mail_from {
            MailFrom::Address(sender) => Some(sender),
            MailFrom::Null => None,
        };
        let mut own = HashSet::new();
        for address in self.header.addressed.iter().chain(sender) {
            if self.actors.owns(account, address).await? {
                own.insert(address.clone());
            }
        }
        Ok(own)
    }

    async fn target(&mut self, address: &EmailAddress) -> Result<Target, Refusal> {
        match self.actors.route(address, true).await {
            Ok(Route::Here(account)) => {
                self.found.reached_by.entry(account).or_insert_with(|| address.clone());
                Ok(Target::Here(account))
            }
            Ok(Route::Elsewhere) => Ok(Target::Elsewhere(address.clone())),
            Err(Refusal::NoSuchMailbox | Refusal::InactiveMailbox | Refusal::NoRoute) => Ok(Target::Nowhere),
            Err(refusal) => Err(refusal),
        }
    }
}

/// The envelope in which a copy leaves.
async fn forward(
    actors: &Actors,
    acceptance: &Acceptance,
    found: &Found,
    leave: &Leave,
) -> Result<Forward, Refusal> {
    let owners: Vec<&EmailAddress> =
        leave.path.iter().rev().filter_map(|id| found.known.get(id)).map(|known| &known.own).collect();
    let domain = owners.first().ok_or(Refusal::Unavailable)?.domain();
    let mail_from = match &acceptance.mail_from {
        MailFrom::Null => MailFrom::Null,
        MailFrom::Address(sender) => MailFrom::Address(actors.forward_path(sender, domain)),
    };
    let mut front = Vec::new();
    if let Some(seal) = &actors.ground().settings.forward_seal {
        let whole = usize::try_from(acceptance.body.len()).unwrap_or(usize::MAX);
        let letter = acceptance.body.read(0, whole).await.map_err(|error| refuse(&error))?;
        front = seal.seal(letter, domain, &acceptance.judged).await;
    }
    for own in &owners {
        front.extend_from_slice(format!("Delivered-To: {}\r\n", rules::trace(own)).as_bytes());
    }
    let (to, terms) = (vec![leave.to.clone()], leave.terms.clone());
    Ok(Forward { mail_from, front, to, terms, sender: leave.path.last().copied() })
}

/// Puts those who get the letter in the place of those it was for; returns where the letter of each of these went.
fn redirect(
    locals: &mut Vec<LocalRcpt>,
    spread: &Spread,
    reached_by: &HashMap<AccountId, EmailAddress>,
    nodes: &HashMap<AccountId, Node>,
) -> Vec<Went> {
    let before = std::mem::take(locals);
    let roots: Vec<AccountId> = before.iter().map(|local| local.account).collect();
    locals.extend(before.into_iter().filter(|local| spread.keeps.contains_key(&local.account)));
    for (account, terms) in &spread.keeps {
        if let (false, Some(address)) = (roots.contains(account), reached_by.get(account)) {
            locals.push(LocalRcpt { account: *account, address: address.clone(), terms: terms.clone() });
        }
    }
    let went = |root: &AccountId| {
        let served = spread.served_by.get(root);
        let is_served = |account| served.is_some_and(|served| served.contains(account));
        let inside = locals.iter().enumerate().filter(|(_, local)| is_served(&local.account));
        Went { inside: inside.map(|(n, _)| n).collect(), outside: leaves(*root, nodes) }
    };
    roots.iter().map(went).collect()
}

/// Whether an account's copy goes to another server.
fn leaves(from: AccountId, nodes: &HashMap<AccountId, Node>) -> bool {
    let (mut seen, mut open) = (HashSet::from([from]), vec![from]);
    while let Some(account) = open.pop() {
        for target in nodes.get(&account).into_iter().flat_map(|node| &node.targets) {
            match target {
                Target::Elsewhere(_) => return true,
                Target::Here(next) if seen.insert(*next) => open.push(*next),
                _ => {}
            }
        }
    }
    false
}
