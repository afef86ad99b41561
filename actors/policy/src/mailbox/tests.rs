use super::*;

fn arrival(n: u64) -> Arrival {
    Arrival {
        letter: LetterId(n),
        size: 100,
        at: Timestamp::from_seconds(1_000),
        saved: Timestamp::from_seconds(1_002),
        flags: Flags::default(),
        pop3_uidl: None,
    }
}

/// A folder of `n` letters, with all its blocks.
fn filled(n: u64) -> (Folder, Usage, Vec<(u32, Block)>) {
    let (mut folder, mut usage) = (Folder::new(Timestamp::from_seconds(7)), Usage::default());
    let mut blocks: std::collections::BTreeMap<u32, Block> = Default::default();
    for i in 0..n {
        folder.append(arrival(i), &mut usage).expect("room");
        blocks.insert(folder.header.last_block, folder.last_block.clone());
    }
    (folder, usage, blocks.into_iter().collect())
}

#[test]
fn uids_and_mod_sequences_rise_and_blocks_fill_up() {
    let (folder, usage, blocks) = filled(130);
    assert_eq!(blocks.iter().map(|(_, b)| b.entries.len()).collect::<Vec<_>>(), [64, 64, 2]);
    assert_eq!(folder.header.uid_next, Some(Uid(131)));
    assert_eq!((folder.header.letters, folder.header.unseen), (130, 130));
    assert_eq!((usage.letters, usage.octets), (130, 13_000));
    let all: Vec<_> = blocks.iter().flat_map(|(_, b)| &b.entries).collect();
    assert!(all.windows(2).all(|w| w[0].uid < w[1].uid && w[0].mod_seq < w[1].mod_seq));
    assert_eq!(all[0].saved_after, 2);
}

#[test]
fn what_goes_is_uncounted_and_its_uid_never_comes_back() {
    let (mut folder, mut usage, blocks) = filled(70);
    let before = folder.header.highest_mod_seq;
    let uids: BTreeSet<Uid> = [Uid(1), Uid(65), Uid(70), Uid(99)].into();
    let gone = expunge(&mut folder.header, &mut usage, blocks, &uids);
    assert_eq!(gone.gone.iter().map(|e| e.uid.0).collect::<Vec<_>>(), [1, 65, 70]);
    assert_eq!(gone.blocks.iter().map(|(n, b)| (*n, b.entries.len())).collect::<Vec<_>>(), [(0, 63), (1, 4)]);
    assert_eq!((folder.header.letters, usage.letters, usage.octets), (67, 67, 6_700));
    assert!(gone.mod_seq.is_some_and(|m| m > before));
    assert_eq!(folder.header.uid_next, Some(Uid(71)));
}

#[test]
fn nothing_to_expunge_changes_nothing() {
    let (mut folder, mut usage, blocks) = filled(3);
    let before = (folder.header.clone(), usage);
    let gone = expunge(&mut folder.header, &mut usage, blocks, &BTreeSet::from([Uid(9)]));
    assert!(gone.blocks.is_empty() && gone.mod_seq.is_none());
    assert_eq!((folder.header, usage), before);
}

#[test]
fn the_last_uid_is_given_once_and_then_the_folder_is_full() {
    let (mut folder, mut usage, _) = filled(0);
    folder.header.uid_next = Some(Uid(u32::MAX));
    assert_eq!(folder.append(arrival(1), &mut usage), Ok(Uid(u32::MAX)));
    let before = folder.clone();
    assert_eq!(folder.append(arrival(2), &mut usage), Err(FolderFull));
    assert_eq!(folder, before);
}

#[test]
fn neighbours_make_one_range() {
    let uids = [1, 2, 3, 7, 9, 10].map(Uid);
    assert_eq!(ranges(uids), [(Uid(1), Uid(3)), (Uid(7), Uid(7)), (Uid(9), Uid(10))]);
}

#[test]
fn logs_of_vanished_letters_melt_into_one() {
    let log = |uids: &[(u32, u32)]| Vanished { uids: uids.iter().map(|(a, b)| (Uid(*a), Uid(*b))).collect() };
    let merged = merge([log(&[(5, 9), (20, 20)]), log(&[(1, 4)]), log(&[(7, 8), (11, u32::MAX)])]);
    assert_eq!(merged, log(&[(1, 9), (11, u32::MAX)]));
}

#[test]
fn c4_what_is_hidden_stays_where_it_is() {
    let (mut folder, mut usage, blocks) = filled(70);
    let before = (folder.clone(), usage);
    let uids = BTreeSet::from([Uid(2), Uid(66), Uid(99)]);
    let hidden = hide(&mut folder.header, &mut usage, blocks, &uids);
    assert_eq!(
        hidden.blocks.iter().map(|(n, b)| (*n, b.entries.len())).collect::<Vec<_>>(),
        [(0, 64), (1, 6)]
    );
    let changed: Vec<u32> = hidden
        .blocks
        .iter()
        .flat_map(|(_, block)| &block.entries)
        .filter(|entry| entry.pop3_hidden && Some(entry.mod_seq) == hidden.mod_seq)
        .map(|entry| entry.uid.0)
        .collect();
    assert_eq!(changed, [2, 66]);
    assert!(hidden.mod_seq.is_some_and(|now| now > before.0.header.highest_mod_seq));
    assert_eq!((usage.letters, usage.octets), (before.1.letters, before.1.octets));
    assert_eq!(folder.header.letters, before.0.header.letters);
}

#[test]
fn c4_what_is_hidden_already_changes_nothing() {
    let (mut folder, mut usage, blocks) = filled(3);
    let uids = BTreeSet::from([Uid(1)]);
    let hidden = hide(&mut folder.header, &mut usage, blocks, &uids);
    let before = (folder.header.clone(), usage);
    let again = hide(&mut folder.header, &mut usage, hidden.blocks, &uids);
    assert_eq!((again.blocks, again.mod_seq), (Vec::new(), None));
    assert_eq!((folder.header, usage), before);
}

#[test]
fn c4_what_moves_is_the_same_letter_under_a_new_number() {
    let (mut inbox, mut usage, mut blocks) = filled(70);
    inbox.header.keywords = vec!["a".into(), "b".into()];
    let letter = &mut blocks[1].1.entries[0];
    (letter.flags, letter.keywords, letter.pop3_uidl) = (Flags::SEEN, 0b10, Some("uidl".into()));
    inbox.header.unseen -= 1;
    let before = usage;
    let all: BTreeSet<Uid> = (1..=70).map(Uid).collect();
    let gone = expunge(&mut inbox.header, &mut usage, blocks, &all).gone;
    let mut trash = Folder::new(Timestamp::from_seconds(9));
    trash.header.keywords = vec!["c".into()];
    let now = Timestamp::from_seconds(5_000);
    let put = put_into(&mut trash, &mut usage, &gone, &inbox.header.keywords, now).expect("room");
    assert_eq!(put.iter().map(|(n, b)| (*n, b.entries.len())).collect::<Vec<_>>(), [(0, 64), (1, 6)]);
    assert_eq!((trash.header.letters, trash.header.unseen, trash.header.octets), (70, 69, 7_000));
    assert_eq!((usage.letters, usage.octets), (before.letters, before.octets));
    let moved = &put[1].1.entries[0];
    assert_eq!((moved.letter, moved.uid, moved.flags), (gone[64].letter, Uid(65), Flags::SEEN));
    assert_eq!((moved.internal_date, moved.saved_after), (1_000, 4_000));
    assert_eq!((moved.keywords, &trash.header.keywords[..]), (0b10, &["c".to_owned(), "b".to_owned()][..]));
    assert_eq!(moved.pop3_uidl.as_deref(), Some("uidl"));
    assert!(put[1].1.entries.iter().all(|entry| entry.mod_seq > inbox.header.highest_mod_seq));
    assert_eq!(put.last(), Some(&(trash.header.last_block, trash.last_block)));
}

#[test]
fn c4_a_folder_that_is_full_takes_nothing_more() {
    let (mut inbox, mut usage, blocks) = filled(1);
    let gone = expunge(&mut inbox.header, &mut usage, blocks, &BTreeSet::from([Uid(1)])).gone;
    let mut trash = Folder::new(Timestamp::from_seconds(9));
    trash.header.uid_next = None;
    assert_eq!(put_into(&mut trash, &mut usage, &gone, &[], Timestamp::default()), Err(FolderFull));
}
