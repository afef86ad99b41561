//! Each thing that a session may ask, once.

use super::*;

#[actix_rt::test]
async fn folders_are_there_on_paper_and_keep_their_uidvalidity() {
    let house = House::new().await;
    let alice = house.account(ALICE).await;
    let imap = house.imap().await;
    let folders = imap.folders().await.expect("readable");
    assert_eq!(folders.folders.len(), 6);
    let on_paper = imap.header(INBOX).await;
    assert_eq!((on_paper.letters, on_paper.uid_next), (0, Some(Uid(1))));
    house.advance(Duration::from_secs(1_000));
    house.send("one\r\n", &[alice]).await.expect("accepted");
    assert_eq!(imap.header(INBOX).await.uid_validity, on_paper.uid_validity);
    let who = Listener::new(&house);
    let admitted = house.login(ALICE, &who, Protocol::Pop3).await.expect("admitted");
    let maildrop = house.actors.open_maildrop(&admitted, &who.session).await.expect("free");
    assert_eq!(maildrop.uid_validity, on_paper.uid_validity);
}

#[actix_rt::test]
async fn what_is_delivered_is_seen_and_recent_once() {
    let house = House::new().await;
    let alice = house.account(ALICE).await;
    house.send("one\r\n", &[alice]).await.expect("accepted");
    let (first, second) = (house.imap().await, house.imap().await);
    let peek = first.select(Some(INBOX), false).await.expect("there").expect("it was asked for");
    assert_eq!((peek.folder.header().letters, peek.recent), (1, Uid(1)));
    assert_eq!(first.select(Some(INBOX), true).await.expect("there").expect("asked for").recent, Uid(1));
    house.send("two\r\n", &[alice]).await.expect("accepted");
    assert_eq!(second.select(Some(INBOX), true).await.expect("there").expect("asked for").recent, Uid(2));
    assert_eq!(second.select(Some(INBOX), true).await.expect("there").expect("asked for").recent, Uid(3));
    assert!(first.select(None, false).await.expect("it can be left").is_none());
    let gone = first.select(Some(MailboxId(99)), false).await.map(|_| ());
    assert_eq!(gone, Err(Refusal::NoSuchFolder));
    house.clean();
}

#[actix_rt::test]
async fn flags_change_at_once_and_survive_a_restart() {
    let house = House::new().await;
    let alice = house.account(ALICE).await;
    for text in ["a\r\n", "b\r\n", "c\r\n"] {
        house.send(text, &[alice]).await.expect("accepted");
    }
    let imap = house.imap().await;
    let keywords = vec![Keyword::parse(b"$Work").expect("a keyword")];
    let change = FlagChange { keywords, ..add(Flags::SEEN) };
    let changed = imap.change_flags(INBOX, set(&[1, 3, 9]), change).await.expect("there");
    assert_eq!((changed.changed, changed.modified), (set(&[1, 3]), set(&[])));
    assert_eq!(changed.mod_seq, Some(changed.folder.header().highest_mod_seq));
    let looked = imap.look(INBOX).await.expect("there");
    assert_eq!(looked.entry(Uid(3)).map(|entry| (entry.flags, entry.keywords)), Some((Flags::SEEN, 1)));
    assert_eq!(imap.header(INBOX).await.unseen, 1);
    drop(imap);
    house.caught_up().await;
    let house = house.restarted().await;
    let looked = house.imap().await.look(INBOX).await.expect("there");
    assert_eq!(looked.entry(Uid(1)).map(|entry| (entry.flags, entry.keywords)), Some((Flags::SEEN, 1)));
    assert_eq!(looked.header().keywords, ["$Work"]);
    house.clean();
}

#[actix_rt::test]
async fn what_is_expunged_is_gone_and_remembered() {
    let house = House::new().await;
    let alice = house.account(ALICE).await;
    for _ in 0..5 {
        house.send("x\r\n", &[alice]).await.expect("accepted");
    }
    let imap = house.imap().await;
    let before = imap.open(INBOX).await;
    let letter = before.entry(Uid(2)).expect("there").letter;
    assert_eq!(imap.delete_letters(INBOX, &[2, 3]).await, set(&[2, 3]));
    let since = imap.look(INBOX).await.expect("there").header().highest_mod_seq;
    imap.change_flags(INBOX, set(&[1, 5]), add(Flags::DELETED)).await.expect("there");
    let expunged = imap.expunge(INBOX, None).await.expect("there");
    assert_eq!((expunged.gone, uids_of(&expunged.folder)), (set(&[1, 5]), set(&[4])));
    assert!(!imap.reads(letter).await, "nobody else may read it");
    assert_eq!(imap.vanished(INBOX, ModSeq(0)).await.expect("there"), set(&[1, 2, 3, 5]));
    assert_eq!(imap.vanished(INBOX, since).await.expect("there"), set(&[1, 5]));
    assert_eq!(imap.storage().await.expect("readable").used.letters, 1);
    house.clean();
    let house = house.restarted().await;
    assert_eq!(house.imap().await.vanished(INBOX, since).await.expect("there"), set(&[1, 5]));
}

#[actix_rt::test]
async fn letters_are_appended_all_or_none() {
    let house = House::new().await;
    let alice = house.account(ALICE).await;
    let imap = house.imap().await;
    let mut first = house.appending("first\r\n").await;
    first.flags = Flags::SEEN;
    first.keywords = vec![Keyword::parse(b"k").expect("a keyword")];
    first.date = Some(1_000_000_000);
    let letters = vec![first, house.appending("second\r\n").await];
    let appended = imap.append(MailboxId::DRAFTS, letters, None).await.expect("room");
    assert_eq!(appended.uids, set(&[1, 2]));
    let drafts = imap.look(MailboxId::DRAFTS).await.expect("there");
    assert_eq!(drafts.header().uid_validity, appended.uid_validity);
    let entry = drafts.entry(Uid(1)).expect("there").clone();
    assert_eq!((entry.flags, entry.keywords, entry.size), (Flags::SEEN, 1, 7));
    assert_eq!((entry.internal_date, entry.save_date()), (1_000_000_000, house.actors.now().seconds()));
    assert!(imap.reads(entry.letter).await);
    let replaces = Some((MailboxId::DRAFTS, Uid(1)));
    imap.append(MailboxId::SENT, vec![house.appending("third\r\n").await], replaces).await.expect("room");
    assert_eq!(imap.uids(MailboxId::DRAFTS).await, "2");
    assert_eq!(imap.uids(MailboxId::SENT).await, "1");
    assert!(!imap.reads(entry.letter).await);
    let letters = vec![house.appending("x\r\n").await];
    let nowhere = imap.append(MailboxId(77), letters, None).await.map(|_| ());
    assert_eq!(nowhere, Err(Refusal::NoSuchFolder));
    let kept = move |view: &View<'_>| view.get(&keys::signature(alice, entry.letter));
    assert_eq!(house.actors.store().read(kept).await.expect("readable"), None);
    house.clean();
}

#[actix_rt::test]
async fn copies_are_letters_of_their_own_and_what_moves_stays_the_same() {
    let house = House::new().await;
    let alice = house.account(ALICE).await;
    let imap = house.imap().await;
    imap.put(&house, INBOX, "a\r\n").await;
    house.send("b\r\n", &[alice]).await.expect("accepted");
    let inbox = imap.open(INBOX).await;
    let first = inbox.entry(Uid(1)).expect("there").letter;
    let copied = imap.copy(INBOX, set(&[1, 2, 7]), MailboxId::ARCHIVE).await.expect("room");
    assert_eq!((copied.from, copied.to), (set(&[1, 2]), set(&[1, 2])));
    let archive = imap.look(MailboxId::ARCHIVE).await.expect("there");
    let copy = archive.entry(Uid(1)).expect("there").clone();
    assert_eq!(copied.uid_validity, archive.header().uid_validity);
    assert_eq!((copy.email_id(), copy.letter == first), (first, false));
    assert!(imap.reads(copy.letter).await);
    let signed = move |view: &View<'_>| view.get(&keys::signature(alice, copy.letter));
    assert_eq!(house.actors.store().read(signed).await.expect("readable").map(|s| s.bits.len()), Some(8));
    let again = imap.copy(MailboxId::ARCHIVE, set(&[1]), INBOX).await.expect("room");
    assert_eq!(again.to, set(&[3]));
    let inbox = imap.look(INBOX).await.expect("there");
    assert_eq!(inbox.entry(Uid(3)).map(|entry| entry.email_id()), Some(first));

    let moved = imap.move_to(INBOX, set(&[1, 3]), MailboxId::TRASH).await.expect("room");
    assert_eq!((moved.from, moved.to, uids_of(&moved.folder)), (set(&[1, 3]), set(&[1, 2]), set(&[2])));
    let trash = imap.look(MailboxId::TRASH).await.expect("there");
    assert_eq!(trash.entry(Uid(1)).map(|entry| entry.letter), Some(first));
    assert!(imap.reads(first).await);
    assert_eq!(imap.vanished(INBOX, ModSeq(0)).await.expect("there"), set(&[1, 3]));
    let within = imap.move_to(MailboxId::TRASH, set(&[1]), MailboxId::TRASH).await.expect("room");
    assert_eq!((within.to, uids_of(&within.folder)), (set(&[3]), set(&[2, 3])));
    assert_eq!(imap.storage().await.expect("readable").used.letters, 5);
    // The copy lives on when the first letter is gone.
    imap.open(MailboxId::TRASH).await;
    imap.delete_letters(MailboxId::TRASH, &[2, 3]).await;
    assert!(!imap.reads(first).await && imap.reads(copy.letter).await);
    let none = imap.copy(INBOX, set(&[99]), MailboxId::TRASH).await.expect("nothing to do");
    assert!(none.from.is_empty() && none.to.is_empty());
    house.clean();
}

#[actix_rt::test]
async fn folders_come_go_and_change_their_names() {
    let house = House::new().await;
    let alice = house.account(ALICE).await;
    let imap = house.imap().await;
    let deep = imap.create(name("a/b/c"), Vec::new()).await.expect("made");
    let folders = imap.folders().await.expect("readable");
    let id = |text: &str| folders.folders.iter().find(|f| f.name == name(text)).and_then(|f| f.id);
    assert!(id("a").is_some() && id("a/b").is_some());
    assert_eq!(id("a/b/c"), Some(deep));
    assert_eq!(imap.create(name("a/b"), Vec::new()).await, Err(Refusal::FolderExists));
    imap.put(&house, deep, "kept\r\n").await;
    imap.rename(name("a/b"), name("z")).await.expect("renamed");
    let folders = imap.folders().await.expect("readable");
    assert!(folders.folders.iter().any(|f| f.name == name("z/c") && f.id == Some(deep)));
    assert_eq!(imap.uids(deep).await, "1");
    house.send("one\r\n", &[alice]).await.expect("accepted");
    imap.rename(name("INBOX"), name("old")).await.expect("renamed");
    let folders = imap.folders().await.expect("readable");
    let old = folders.folders.iter().find(|f| f.name == name("old")).and_then(|f| f.id).expect("there");
    assert_eq!((imap.uids(INBOX).await, imap.uids(old).await), (String::new(), "1".to_owned()));
    assert_eq!(imap.vanished(INBOX, ModSeq(0)).await.expect("there"), set(&[1]));
    imap.delete(name("z/c")).await.expect("deleted");
    assert_eq!(imap.look(deep).await.map(|_| ()), Err(Refusal::NoSuchFolder));
    assert_eq!(imap.delete(name("INBOX")).await, Err(Refusal::InboxStays));
    assert_eq!(imap.storage().await.expect("readable").used.letters, 1);
    imap.subscribe(name("nowhere"), true).await.expect("subscribed");
    imap.subscribe(name("nowhere"), true).await.expect("it is so already");
    let house = house.restarted().await;
    let folders = house.imap().await.folders().await.expect("readable");
    assert!(folders.subscribed.contains(&name("nowhere")));
    assert!(folders.folders.iter().all(|f| f.id != Some(deep)));
    house.clean();
}

#[actix_rt::test]
async fn notes_are_kept_and_counted() {
    let house = House::new().await;
    house.account(ALICE).await;
    let imap = house.imap().await;
    let note = |name: &str, value: &str| (name.to_owned(), Some(value.as_bytes().to_vec()));
    imap.annotate(Some(INBOX), vec![note("/Private/Comment", "mine")]).await.expect("noted");
    imap.annotate(None, vec![note("/private/comment", "all")]).await.expect("noted");
    let notes = imap.annotations(Some(INBOX)).await.expect("readable");
    assert_eq!((notes[0].name.as_str(), notes[0].value.as_slice()), ("/private/comment", &b"mine"[..]));
    imap.annotate(Some(INBOX), vec![("/private/comment".to_owned(), None)]).await.expect("noted");
    assert_eq!(imap.annotations(Some(INBOX)).await.expect("readable"), []);
    let many = (0..65).map(|n| note(&format!("/private/{n}"), "x")).collect();
    let refused = imap.annotate(Some(INBOX), many).await;
    assert_eq!(refused, Err(Refusal::TooManyAnnotations { limit: 64 }));
    assert_eq!(imap.annotations(Some(INBOX)).await.expect("readable"), [], "all or none");
    let long = imap.annotate(None, vec![note("/private/comment", &"x".repeat(16_385))]).await;
    assert_eq!(long, Err(Refusal::AnnotationTooLong { limit: 16_384 }));
    assert_eq!(imap.annotate(Some(MailboxId(99)), Vec::new()).await, Err(Refusal::NoSuchFolder));
}
