//! Do an account's figures fit its letters, and has each letter its body?

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

use postern_model::record::{Entry, MailboxHeader};
use postern_model::{AccountId, Flags, LetterId, MailboxId, Uid};

use super::{CheckReport, folders, gate, rules};
use crate::blob::{BackRef, BodyRef};
use crate::error::StoreError;
use crate::keys;
use crate::view::View;

/// What the blocks of a folder come to.
#[derive(Default)]
struct Sums {
    letters: u64,
    octets: u64,
    unseen: u64,
    deleted: u64,
    deleted_octets: u64,
    last_uid: Option<Uid>,
    highest_mod_seq: u64,
}

/// One account, within one look.
pub(super) fn account(view: &View<'_>, report: &mut CheckReport, id: AccountId) -> Result<(), StoreError> {
    report.accounts += 1;
    // What is being removed goes piece by piece, and need not fit any more.
    if view.contains(&keys::removal(id))? {
        return Ok(());
    }
    if view.get(&keys::account(id))?.is_none() {
        report.problem(format!("account {id}: it has records, but none that says whose it is"));
    }
    let mut letters = BTreeSet::new();
    let folders = blocks(view, report, id, &mut letters)?;
    headers(view, report, id, &folders)?;
    let sum = |of: fn(&Sums) -> u64| folders.values().map(of).sum::<u64>();
    let (stored, octets) = (sum(|sums| sums.letters), sum(|sums| sums.octets));
    let usage = view.get(&keys::usage(id))?.unwrap_or_default();
    if (usage.letters, usage.octets) != (stored, octets) {
        let counted = (usage.letters, usage.octets);
        report.problem(format!(
            "account {id}: counted as stored are (letters, octets) {counted:?}, and there are {:?}",
            (stored, octets)
        ));
    }
    if folders.values().any(|sums| sums.highest_mod_seq > usage.mod_seq.0) {
        report.problem(format!("account {id}: a letter's mod-sequence is above the account's"));
    }
    report.letters += stored;
    for letter in &letters {
        has_body_and_facts(view, report, id, *letter)?;
    }
    bodies(view, report, id, &letters)?;
    folders::account(view, report, id)?;
    rules::account(view, report, id)?;
    gate::account(view, report, id)
}

/// Sums up the blocks and collects the letters.
fn blocks(
    view: &View<'_>,
    report: &mut CheckReport,
    id: AccountId,
    letters: &mut BTreeSet<LetterId>,
) -> Result<BTreeMap<MailboxId, Sums>, StoreError> {
    let mut folders: BTreeMap<MailboxId, Sums> = BTreeMap::new();
    view.visit(&keys::all_blocks_of(id), &mut |(mailbox, _), block| {
        let sums = folders.entry(mailbox).or_default();
        for entry in &block.entries {
            letters.insert(entry.letter);
            if let Err(what) = sums.add(entry) {
                let (uid, letter) = (entry.uid.0, entry.letter);
                report.problem(format!(
                    "account {id}, folder {mailbox}, letter {letter} with UID {uid}: {what}"
                ));
            }
        }
        ControlFlow::Continue(())
    })?;
    Ok(folders)
}

impl Sums {
    fn add(&mut self, entry: &Entry) -> Result<(), &'static str> {
        self.letters += 1;
        self.octets += u64::from(entry.size);
        self.unseen += u64::from(!entry.flags.contains(Flags::SEEN));
        if entry.flags.contains(Flags::DELETED) {
            self.deleted += 1;
            self.deleted_octets += u64::from(entry.size);
        }
        self.highest_mod_seq = self.highest_mod_seq.max(entry.mod_seq.0);
        let in_order = self.last_uid < Some(entry.uid);
        self.last_uid = self.last_uid.max(Some(entry.uid));
        if in_order { Ok(()) } else { Err("its UID is not above the one before") }
    }

    /// What of a header does not fit.
    fn disagrees_with(&self, header: &MailboxHeader) -> Option<String> {
        let counted = (u64::from(header.letters), header.octets, u64::from(header.unseen));
        let found = (self.letters, self.octets, self.unseen);
        if counted != found {
            return Some(format!(
                "counted are (letters, octets, unseen) {counted:?}, and there are {found:?}"
            ));
        }
        let counted = (u64::from(header.deleted), header.deleted_octets);
        let found = (self.deleted, self.deleted_octets);
        if counted != found {
            return Some(format!(
                "counted as deleted are (letters, octets) {counted:?}, and there are {found:?}"
            ));
        }
        if header.uid_next.is_some() && self.last_uid >= header.uid_next {
            return Some("UIDNEXT is not above the last UID".to_owned());
        }
        (self.highest_mod_seq > header.highest_mod_seq.0)
            .then(|| "a letter's mod-sequence is above the folder's highest".to_owned())
    }
}

fn headers(
    view: &View<'_>,
    report: &mut CheckReport,
    id: AccountId,
    folders: &BTreeMap<MailboxId, Sums>,
) -> Result<(), StoreError> {
    let mut known = BTreeSet::new();
    let empty = Sums::default();
    view.visit(&keys::mailboxes_of(id), &mut |mailbox, header| {
        known.insert(mailbox);
        if let Some(what) = folders.get(&mailbox).unwrap_or(&empty).disagrees_with(&header) {
            report.problem(format!("account {id}, folder {mailbox}: {what}"));
        }
        ControlFlow::Continue(())
    })?;
    for mailbox in folders.keys().filter(|mailbox| !known.contains(mailbox)) {
        report.problem(format!("account {id}, folder {mailbox}: there are letters, but no header"));
    }
    Ok(())
}

/// Each body is needed by somebody, and its frame knows it.
fn bodies(
    view: &View<'_>,
    report: &mut CheckReport,
    id: AccountId,
    letters: &BTreeSet<LetterId>,
) -> Result<(), StoreError> {
    let mut found: Vec<(LetterId, BodyRef)> = Vec::new();
    view.visit(&keys::bodies_of(id), &mut |letter, place| {
        found.push((letter, place));
        ControlFlow::Continue(())
    })?;
    report.bodies += found.len() as u64;
    for (letter, place) in found {
        let back = BackRef { segment: place.segment, offset: place.offset, account: id, letter };
        let known = view.get(&back.key())?;
        if known.is_none_or(|known| (known.length, known.frame) != (place.length, place.frame)) {
            report.problem(format!(
                "account {id}, letter {letter}: segment {}, offset {}: the frame does not know of the letter",
                place.segment, place.offset
            ));
        }
        if !letters.contains(&letter)
            && !view.contains(&keys::pending(letter, id))?
            && !view.contains(&keys::doomed(id, letter))?
        {
            report.problem(format!(
                "account {id}, letter {letter}: there is a body, and no folder has the letter"
            ));
        }
    }
    Ok(())
}

fn has_body_and_facts(
    view: &View<'_>,
    report: &mut CheckReport,
    id: AccountId,
    letter: LetterId,
) -> Result<(), StoreError> {
    if !view.contains(&keys::body(id, letter))? {
        report.problem(format!("account {id}, letter {letter}: there is no body"));
    }
    // What the facts say is the reader's affair; here any record will do.
    if !view.contains(&keys::facts(id, letter))? {
        report.problem(format!("account {id}, letter {letter}: there are no facts"));
    }
    Ok(())
}

/// Each address belongs to an account.
pub(super) fn addresses(view: &View<'_>, report: &mut CheckReport) -> Result<(), StoreError> {
    let mut outcome = Ok(());
    view.visit(&keys::all_addresses(), &mut |address, entry| {
        report.addresses += 1;
        match view.contains(&keys::account(entry.account)) {
            Ok(true) => ControlFlow::Continue(()),
            Ok(false) => {
                report.problem(format!("address {address}: there is no account {}", entry.account));
                ControlFlow::Continue(())
            }
            Err(error) => {
                outcome = Err(error);
                ControlFlow::Break(())
            }
        }
    })?;
    outcome
}

/// What is owed to a recipient, or waits for its last reader, is there.
pub(super) fn owed(view: &View<'_>, report: &mut CheckReport) -> Result<(), StoreError> {
    let (mut pending, mut doomed) = (Vec::new(), Vec::new());
    view.visit(&keys::all_pending(), &mut |(letter, id), _| {
        pending.push((id, letter));
        ControlFlow::Continue(())
    })?;
    view.visit(&keys::all_doomed(), &mut |letter, _| {
        doomed.push(letter);
        ControlFlow::Continue(())
    })?;
    report.pending += pending.len() as u64;
    for (id, letter) in pending {
        has_body_and_facts(view, report, id, letter)?;
    }
    for (id, letter) in doomed {
        if !view.contains(&keys::body(id, letter))? {
            report.problem(format!("account {id}, letter {letter}: it waits to be dropped and has no body"));
        }
    }
    Ok(())
}
