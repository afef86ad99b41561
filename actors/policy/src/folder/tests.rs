use std::collections::BTreeSet;

use postern_model::imap::Keyword;
use postern_model::{Flags, LetterId};

use super::*;

pub(crate) fn usage() -> Usage {
    Usage::default()
}

pub(crate) fn arrivals(n: u32) -> Vec<Arrival> {
    (0..n).map(|n| arrival(u64::from(n))).collect()
}

fn arrival(n: u64) -> Arrival {
    Arrival {
        letter: LetterId(n),
        size: 100,
        at: Timestamp::from_seconds(1_000),
        saved: Timestamp::from_seconds(1_002),
        flags: Flags::default(),
        keywords: Vec::new(),
        pop3_uidl: None,
    }
}

/// A folder of `n` letters that came one by one.
fn filled(n: u64) -> (Folder, Usage) {
    let (mut folder, mut usage) = (Folder::new(UidValidity(7)), usage());
    for n in 0..n {
        folder.append(vec![arrival(n)], &mut usage).expect("room");
    }
    (folder, usage)
}

fn uids(uids: &[u32]) -> UidSet {
    uids.iter().copied().map(Uid).collect()
}

fn keyword(text: &str) -> Keyword {
    Keyword::parse(text.as_bytes()).expect("a keyword")
}

fn change(mode: FlagMode, flags: Flags, keywords: &[&str]) -> FlagChange {
    FlagChange { mode, flags, keywords: keywords.iter().map(|k| keyword(k)).collect(), unchanged_since: None }
}

fn sizes(folder: &Folder) -> Vec<usize> {
    folder.slots.iter().map(|slot| slot.block.entries.len()).collect()
}

/// The counters are what the letters come to, and the slots' sequences what their letters' are.
fn fits(folder: &Folder, usage: &Usage) {
    let header = folder.header();
    let all: Vec<&Entry> = folder.entries().collect();
    assert_eq!(folder.uids(), all.iter().map(|entry| entry.uid).collect());
    let deleted: Vec<_> = all.iter().filter(|entry| entry.flags.contains(Flags::DELETED)).collect();
    let counted = (header.letters as usize, header.octets, header.unseen as usize);
    let unseen = all.iter().filter(|entry| !entry.flags.contains(Flags::SEEN)).count();
    assert_eq!(counted, (all.len(), all.iter().map(|entry| u64::from(entry.size)).sum(), unseen));
    let octets: u64 = deleted.iter().map(|entry| u64::from(entry.size)).sum();
    assert_eq!((header.deleted as usize, header.deleted_octets), (deleted.len(), octets));
    assert!(all.windows(2).all(|pair| pair[0].uid < pair[1].uid));
    assert!(usage.mod_seq >= header.highest_mod_seq || all.is_empty());
    for slot in &folder.slots {
        assert!(slot.block.entries.iter().all(|entry| entry.mod_seq <= slot.mod_seq));
        assert!((1..=Block::CAPACITY).contains(&slot.block.entries.len()));
        assert!(slot.mod_seq <= header.highest_mod_seq && slot.number <= header.last_block);
    }
}

#[test]
fn uids_and_mod_sequences_rise_and_blocks_fill_up() {
    let (folder, usage) = filled(130);
    assert_eq!(sizes(&folder), [64, 64, 2]);
    assert_eq!(folder.header().uid_next, Some(Uid(131)));
    assert_eq!((usage.letters, usage.octets), (130, 13_000));
    let all: Vec<_> = folder.entries().collect();
    assert!(all.windows(2).all(|w| w[0].uid < w[1].uid && w[0].mod_seq < w[1].mod_seq));
    assert_eq!(all[0].saved_after, 2);
    fits(&folder, &usage);
}

#[test]
fn letters_that_come_together_share_a_mod_sequence_and_touch_every_block_they_reach() {
    let (mut folder, mut usage) = filled(60);
    let put = folder.append(arrivals(70), &mut usage).expect("room");
    assert_eq!(put.touched.numbers().collect::<Vec<_>>(), [0, 1, 2]);
    assert_eq!(put.uids.ranges(), [(Uid(61), Uid(130))]);
    let sequences: BTreeSet<ModSeq> = folder.entries_of(&put.uids).map(|entry| entry.mod_seq).collect();
    assert_eq!(sequences, BTreeSet::from([folder.header().highest_mod_seq]));
    fits(&folder, &usage);
}

#[test]
fn a_tail_grows_as_the_folder_does() {
    let (mut folder, mut usage) = filled(100);
    let (mut tail, mut other) =
        (Tail::of(folder.header().clone(), folder.block(folder.header().last_block).cloned()), usage);
    for n in [1, 30, 70, 0, 200] {
        let put = tail.append(arrivals(n), &mut other).expect("room");
        assert_eq!(Ok(&put), folder.append(arrivals(n), &mut usage).as_ref());
        assert!(put.touched.numbers().all(|n| tail.block(n) == folder.block(n) && tail.block(n).is_some()));
    }
    assert_eq!((tail.header(), other), (folder.header(), usage));
}

#[test]
fn what_goes_is_uncounted_and_its_uid_never_comes_back() {
    let (mut folder, mut usage) = filled(70);
    let before = folder.header().highest_mod_seq;
    let taken = folder.take_out(&uids(&[1, 65, 70, 99]), &mut usage);
    assert_eq!(taken.gone.iter().map(|e| e.uid.0).collect::<Vec<_>>(), [1, 65, 70]);
    assert_eq!(sizes(&folder), [63, 4]);
    assert!(taken.mod_seq.is_some_and(|m| m > before));
    assert_eq!(folder.header().uid_next, Some(Uid(71)));
    fits(&folder, &usage);
    let taken = folder.take_out(&uids(&[66, 67, 68, 69]), &mut usage);
    assert_eq!(taken.touched.numbers().collect::<Vec<_>>(), [1]);
    assert_eq!(folder.block(1), None, "it is to be removed");
    let put = folder.append(arrivals(1), &mut usage).expect("room");
    assert_eq!(put.uids, uids(&[71]));
    fits(&folder, &usage);
}

#[test]
fn nothing_to_take_changes_nothing() {
    let (mut folder, mut usage) = filled(3);
    let before = (folder.header().clone(), usage);
    assert_eq!(folder.take_out(&uids(&[9]), &mut usage), Taken::default());
    assert_eq!((folder.header().clone(), usage), before);
}

#[test]
fn an_older_picture_stays_as_it_was() {
    let (mut folder, mut usage) = filled(70);
    let before = folder.clone();
    folder.set_flags(&uids(&[1, 70]), &change(FlagMode::Add, Flags::SEEN, &["a"]), &mut usage);
    folder.take_out(&uids(&[2]), &mut usage);
    folder.append(arrivals(1), &mut usage).expect("room");
    assert_eq!(before.entries().count(), 70);
    assert!(before.entries().all(|entry| entry.flags.is_empty() && entry.keywords == 0));
    assert_eq!((before.header().letters, before.header().unseen), (70, 70));
}

#[test]
fn the_last_uid_is_given_once_and_then_the_folder_is_full() {
    let (mut folder, mut usage) = filled(0);
    Arc::make_mut(&mut folder.header).uid_next = Some(Uid(u32::MAX));
    let before = folder.header().clone();
    assert_eq!(folder.append(arrivals(2), &mut usage), Err(FolderFull), "all or none");
    assert_eq!(*folder.header(), before);
    assert_eq!(folder.append(arrivals(1), &mut usage).expect("room").uids, uids(&[u32::MAX]));
    assert_eq!(folder.append(arrivals(1), &mut usage), Err(FolderFull));
    assert_eq!(folder.append(Vec::new(), &mut usage).expect("nothing").uids, UidSet::new());
}

#[test]
fn flags_are_replaced_added_and_removed() {
    let (mut folder, mut usage) = filled(3);
    let set = |folder: &mut Folder, usage: &mut Usage, mode, flags, keywords: &[&str]| {
        let set = folder.set_flags(&uids(&[1, 2]), &change(mode, flags, keywords), usage);
        fits(folder, usage);
        set.changed.to_string()
    };
    let (seen, deleted) = (Flags::SEEN, Flags::DELETED);
    assert_eq!(set(&mut folder, &mut usage, FlagMode::Add, seen.with(deleted), &["$a", "b"]), "1:2");
    assert_eq!((folder.header().unseen, folder.header().deleted), (1, 2));
    assert_eq!(folder.header().keywords, ["$a", "b"]);
    assert_eq!(set(&mut folder, &mut usage, FlagMode::Add, seen, &["$A"]), "", "they have it already");
    assert_eq!(set(&mut folder, &mut usage, FlagMode::Remove, deleted, &["B", "unheard-of"]), "1:2");
    assert_eq!(folder.header().keywords, ["$a", "b"], "nothing is learned by taking it away");
    let entry = folder.entry(Uid(1)).expect("there");
    assert_eq!((entry.flags, entry.keywords), (seen, 0b01));
    assert_eq!(set(&mut folder, &mut usage, FlagMode::Replace, Flags::DRAFT, &["b"]), "1:2");
    let entry = folder.entry(Uid(2)).expect("there");
    assert_eq!((entry.flags, entry.keywords), (Flags::DRAFT, 0b10));
}

#[test]
fn a_change_of_flags_has_one_mod_sequence_and_no_change_has_none() {
    let (mut folder, mut usage) = filled(100);
    let all: UidSet = UidSet::from_ranges([(Uid(1), Uid(u32::MAX))]);
    let set = folder.set_flags(&all, &change(FlagMode::Add, Flags::SEEN, &[]), &mut usage);
    assert_eq!(set.changed.len(), 100);
    assert!(folder.entries().all(|entry| Some(entry.mod_seq) == set.mod_seq));
    let before = (folder.header().clone(), usage);
    let set = folder.set_flags(&all, &change(FlagMode::Add, Flags::SEEN, &[]), &mut usage);
    assert_eq!((set.changed.len(), set.mod_seq, set.touched.is_empty()), (0, None, true));
    assert_eq!((folder.header().clone(), usage), before);
}

#[test]
fn letters_that_changed_since_are_left_and_named() {
    let (mut folder, mut usage) = filled(3);
    let since = folder.header().highest_mod_seq;
    folder.set_flags(&uids(&[2]), &change(FlagMode::Add, Flags::SEEN, &[]), &mut usage);
    let flagged = change(FlagMode::Add, Flags::FLAGGED, &[]);
    let conditional = FlagChange { unchanged_since: Some(since), ..flagged };
    let set = folder.set_flags(&uids(&[1, 2, 3, 9]), &conditional, &mut usage);
    assert_eq!((set.changed, set.modified), (uids(&[1, 3]), uids(&[2])));
    assert_eq!(folder.entry(Uid(2)).map(|entry| entry.flags), Some(Flags::SEEN));
}

#[test]
fn a_folder_knows_sixty_four_keywords_and_forgets_the_next() {
    let (mut folder, mut usage) = filled(1);
    let names: Vec<String> = (0..70).map(|n| format!("k{n}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    folder.set_flags(&uids(&[1]), &change(FlagMode::Replace, Flags::default(), &names), &mut usage);
    assert_eq!(folder.header().keywords.len(), Keyword::MOST);
    assert_eq!(folder.entry(Uid(1)).map(|entry| entry.keywords), Some(u64::MAX));
}

#[test]
fn c4_what_is_hidden_stays_where_it_is() {
    let (mut folder, mut usage) = filled(70);
    let before = (folder.clone(), usage);
    let (mod_seq, touched) = folder.hide(&uids(&[2, 66, 99]), &mut usage);
    assert_eq!(touched.numbers().collect::<Vec<_>>(), [0, 1]);
    let hidden: Vec<u32> = folder
        .entries()
        .filter(|entry| entry.pop3_hidden && Some(entry.mod_seq) == mod_seq)
        .map(|entry| entry.uid.0)
        .collect();
    assert_eq!(hidden, [2, 66]);
    assert!(mod_seq > Some(before.0.header().highest_mod_seq));
    assert_eq!((usage.letters, usage.octets), (before.1.letters, before.1.octets));
    let before = (folder.header().clone(), usage);
    assert_eq!(folder.hide(&uids(&[2]), &mut usage), (None, Touched::default()));
    assert_eq!((folder.header().clone(), usage), before, "what is hidden already changes nothing");
}

#[test]
fn c4_what_moves_is_the_same_letter_under_a_new_number() {
    let (mut inbox, mut usage) = filled(64);
    inbox.set_flags(&uids(&[1]), &change(FlagMode::Add, Flags::SEEN, &["a"]), &mut usage);
    let foreign = Arrival {
        flags: Flags::SEEN,
        keywords: vec![keyword("b")],
        pop3_uidl: Some("uidl".into()),
        ..arrival(64)
    };
    inbox.append(vec![foreign], &mut usage).expect("room");
    inbox.append(arrivals(5), &mut usage).expect("room");
    let before = usage;
    let gone = inbox.take_out(&(1..=70).map(Uid).collect(), &mut usage).gone;
    let (mut trash, _) = filled(0);
    trash.learn(&[keyword("c"), keyword("B")]);
    let now = Timestamp::from_seconds(5_000);
    trash.put_in(gone.clone(), &inbox.header().keywords, now, &mut usage).expect("room");
    assert_eq!(sizes(&trash), [64, 6]);
    fits(&trash, &usage);
    assert_eq!((usage.letters, usage.octets), (before.letters, before.octets));
    let moved = trash.entry(Uid(65)).expect("there");
    assert_eq!((moved.letter, moved.flags), (gone[64].letter, Flags::SEEN));
    assert_eq!((moved.internal_date, moved.saved_after), (1_000, 4_000));
    assert_eq!(moved.keywords, 0b10);
    assert_eq!(trash.header().keywords, ["c", "B", "a"]);
    assert_eq!(trash.entry(Uid(1)).map(|entry| entry.keywords), Some(0b100));
    assert_eq!(moved.pop3_uidl.as_deref(), Some("uidl"));
    assert!(trash.entries().all(|entry| entry.mod_seq > inbox.header().highest_mod_seq));
}

#[test]
fn what_is_deleted_is_found_and_recent_letters_are_taken_once() {
    let (mut folder, mut usage) = filled(5);
    folder.set_flags(&uids(&[2, 3, 5]), &change(FlagMode::Add, Flags::DELETED, &[]), &mut usage);
    assert_eq!(folder.deleted(None, 10), uids(&[2, 3, 5]));
    assert_eq!(folder.deleted(Some(&uids(&[1, 3, 5])), 1), uids(&[3]));
    assert_eq!(folder.claim_recent(Some(Uid(6))), (Uid(1), true));
    assert_eq!(folder.claim_recent(Some(Uid(6))), (Uid(6), false));
}

#[test]
fn what_was_seen_and_came_to_nothing_is_told_again() {
    let (mut folder, mut usage) = filled(70);
    let (mut seen, mut other) = (folder.clone(), usage);
    seen.set_flags(&uids(&[3, 66]), &change(FlagMode::Add, Flags::SEEN, &[]), &mut other);
    usage.mod_seq = other.mod_seq;
    folder.renew(&seen, &mut usage);
    let told = seen.header().highest_mod_seq;
    assert_eq!(folder.changed_since(told).map(|entry| entry.uid).collect::<UidSet>(), uids(&[3, 66]));
    fits(&folder, &usage);
    let before = folder.header().highest_mod_seq;
    folder.renew(&folder.clone(), &mut usage);
    assert_eq!(folder.header().highest_mod_seq, before);
}
