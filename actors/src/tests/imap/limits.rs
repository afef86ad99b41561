//! Much at once, too much, and what goes wrong.

use postern_model::record::{Folders, Usage};
use postern_policy::view::{View, news};

use super::super::mail::fill;
use super::*;

impl House {
    /// Somebody else changes the account behind its MailboxActor's back: the actor's next batch comes to nothing.
    async fn disturb(&self, account: AccountId) {
        let usage = keys::usage(account);
        let stored: Usage = self.actors.store().get(usage.clone()).await.expect("readable").expect("there");
        let mut batch = Batch::new();
        batch.put(&usage, &Usage { mod_seq: ModSeq(stored.mod_seq.0 + 1), ..stored });
        self.actors.store().commit(batch).await.expect("room");
    }
}

#[actix_rt::test]
async fn d8_what_is_stored_has_a_limit_and_a_letter_over_it_changes_nothing() {
    let mut settings = Settings::for_tests();
    settings.plans.values_mut().for_each(|plan| plan.storage = Some(20));
    let house = House::with(settings).await;
    let alice = house.account(ALICE).await;
    let imap = house.imap().await;
    imap.put(&house, INBOX, "12345678\r\n").await;
    let full = Refusal::OverQuota { limit: 20 };
    let two = vec![house.appending("1234\r\n").await, house.appending("1234\r\n").await];
    assert_eq!(imap.append(INBOX, two, None).await.map(|_| ()), Err(full.clone()), "all or none");
    imap.copy(INBOX, set(&[1]), MailboxId::TRASH).await.expect("there is room for one more");
    assert_eq!(imap.copy(INBOX, set(&[1]), MailboxId::TRASH).await.map(|_| ()), Err(full));
    imap.move_to(INBOX, set(&[1]), MailboxId::TRASH).await.expect("what moves takes no room");
    let letter = vec![house.appending("123\r\n").await];
    imap.append(INBOX, letter, Some((MailboxId::TRASH, Uid(1)))).await.expect("it takes less than what goes");
    let storage = imap.storage().await.expect("readable");
    assert_eq!((storage.used.octets, storage.used.letters, storage.limit), (15, 2, Some(20)));
    let more = house.send("one that comes in\r\n", &[alice]).await;
    assert_eq!(more, Err(Refusal::MailboxFull { ever: false }));
    house.clean();
}

#[actix_rt::test]
async fn a_large_folder_opens_and_loses_its_letters_in_parts() {
    let house = House::new().await;
    let alice = house.account(ALICE).await;
    fill(&house, alice, 20_000).await;
    let imap = house.imap().await;
    assert_eq!(imap.open(INBOX).await.entries().count(), 20_000);
    let all = UidSet::from_ranges([(Uid(2), Uid(u32::MAX))]);
    let changed = imap.change_flags(INBOX, all.clone(), add(Flags::DELETED)).await.expect("there");
    assert_eq!(changed.changed.len(), 19_999);
    let expunged = imap.expunge(INBOX, None).await.expect("there");
    assert_eq!((expunged.gone.len(), uids_of(&expunged.folder)), (19_999, set(&[1])));
    assert_eq!(imap.vanished(INBOX, ModSeq(0)).await.expect("there").to_string(), "2:20000");
}

#[actix_rt::test]
async fn many_letters_are_copied_in_parts_and_come_together() {
    let house = House::new().await;
    let alice = house.account(ALICE).await;
    let imap = house.imap().await;
    let mut letters = Vec::new();
    for n in 0..1_100 {
        letters.push(house.appending(&format!("{n}\r\n")).await);
    }
    imap.append(INBOX, letters, None).await.expect("room");
    let all = UidSet::from_ranges([(Uid(1), Uid(5_000))]);
    let copied = imap.copy(INBOX, all.clone(), MailboxId::ARCHIVE).await.expect("room");
    assert_eq!((copied.from.len(), copied.to.len()), (1_100, 1_100));
    let read = move |view: &postern_storage::View<'_>| view.scan(&keys::doomed_of(alice), 10);
    assert_eq!(house.actors.store().read(read).await.expect("readable").len(), 0);
    let (inbox, archive) = (imap.uids(INBOX).await, imap.look(MailboxId::ARCHIVE).await.expect("there"));
    assert_eq!(inbox, "1:1100");
    for entry in archive.entries().filter(|entry| entry.uid.0 % 100 == 7) {
        assert!(imap.reads(entry.letter).await);
    }
    house.clean();
    // One that comes to nothing leaves nothing.
    let nowhere = imap.copy(INBOX, all, MailboxId(99)).await.map(|_| ());
    assert_eq!(nowhere, Err(Refusal::NoSuchFolder));
    house.written().await;
    imap.look(INBOX).await.expect("there");
    house.caught_up().await;
    house.caught_up().await;
    assert_eq!(house.actors.store().read(read).await.expect("readable").len(), 0);
    house.clean();
}

#[actix_rt::test]
async fn a_batch_that_comes_to_nothing_was_never_seen() {
    let house = House::new().await;
    let alice = house.account(ALICE).await;
    let (imap, other) = (house.imap().await, house.imap().await);
    imap.put(&house, INBOX, "one\r\n").await;
    let before = other.open(INBOX).await.header().highest_mod_seq;
    other.wants(Wants::Selected);
    house.disturb(alice).await;
    let failed = imap.append(INBOX, vec![house.appending("two\r\n").await], None).await.map(|_| ());
    assert_eq!(failed, Err(Refusal::Unavailable));
    assert_eq!(other.uids(INBOX).await, "1");
    let appended = imap.put(&house, INBOX, "three\r\n").await;
    assert_eq!(appended.uids, set(&[2]), "the number was never given");
    let after = other.look(INBOX).await.expect("there").header().highest_mod_seq;
    assert!(after.0 > before.0 + 1, "no sequence is given twice");
    let who = Listener::new(&house);
    let admitted = house.login(ALICE, &who, Protocol::Pop3).await.expect("admitted");
    let maildrop = house.actors.open_maildrop(&admitted, &who.session).await.expect("free");
    assert_eq!(maildrop.letters.len(), 2);
    house.clean();
}

#[actix_rt::test]
async fn flags_that_came_to_nothing_are_told_as_they_are() {
    let house = House::new().await;
    let alice = house.account(ALICE).await;
    let (imap, other) = (house.imap().await, house.imap().await);
    for _ in 0..2 {
        imap.put(&house, INBOX, "x\r\n").await;
    }
    let view = View::of(&*other.open(INBOX).await);
    other.wants(Wants::Selected);
    house.disturb(alice).await;
    // It is answered before it is on disk.
    let changed = imap.change_flags(INBOX, set(&[2]), add(Flags::SEEN)).await.expect("lazily");
    let told = changed.folder.header().highest_mod_seq;
    house.written().await;
    house.written().await;
    assert_eq!(other.who.heard().await, [Tell::News]);
    assert!(other.highest_mod_seq() > told, "there is a reason to look");
    let folder = other.look(INBOX).await.expect("there");
    assert_eq!(folder.entry(Uid(2)).map(|entry| entry.flags), Some(Flags::default()));
    assert_eq!(news(&view, told, &folder).changed, set(&[2]));
    house.clean();
}

#[actix_rt::test]
async fn a_full_disk_takes_nothing_and_loses_nothing() {
    let disk = Disk::new();
    let clock = Arc::new(ManualClock::new(Timestamp::from_seconds(1_800_000_000)));
    let house = disk.house(0, &clock).await;
    house.admin(AdminRequest::DomainAdd { domain: "demo.test".into() }).await;
    house.account(ALICE).await;
    let imap = house.imap().await;
    imap.put(&house, INBOX, "one\r\n").await;
    drop(imap);
    disk.shut(house).await;
    let house = disk.house(u64::MAX / 2, &clock).await;
    let who = Listener::new(&house);
    let admitted = house.login(ALICE, &who, Protocol::Imap).await.expect("admitted");
    let mail = house.actors.mail(&admitted, &who.session).await.expect("there");
    let letters = vec![house.appending("two\r\n").await];
    assert_eq!(mail.append(INBOX, letters, None).await.map(|_| ()), Err(Refusal::StoreFull));
    let copied = mail.copy(INBOX, set(&[1]), MailboxId::TRASH).await.map(|_| ());
    assert_eq!(copied, Err(Refusal::StoreFull));
    assert_eq!(mail.create(name("new"), Vec::new()).await, Err(Refusal::StoreFull));
    assert_eq!(uids_of(&mail.look(INBOX).await.expect("there")), set(&[1]));
    assert!(mail.folders().await.expect("readable").folders.iter().all(|f| f.name != name("new")));
    drop((mail, admitted));
    house.clean();
}

#[actix_rt::test]
async fn what_a_crash_left_of_a_deleted_folder_goes_at_the_next_start() {
    let house = House::new().await;
    let alice = house.account(ALICE).await;
    let imap = house.imap().await;
    let folder = imap.create(name("new"), Vec::new()).await.expect("made");
    imap.put(&house, folder, "gone\r\n").await;
    imap.put(&house, INBOX, "kept\r\n").await;
    imap.delete_letters(folder, &[1]).await;
    imap.put(&house, folder, "gone, too\r\n").await;
    drop(imap);
    // The name is gone, and then the process.
    let stored = house.actors.store().get(keys::folders(alice)).await.expect("readable").expect("there");
    let folders = stored.folders.into_iter().filter(|f| f.name != name("new")).collect();
    let mut batch = Batch::new();
    batch.put(&keys::folders(alice), &Folders { folders, ..stored });
    house.actors.store().commit(batch).await.expect("room");
    house.clean();
    let house = house.restarted().await;
    let imap = house.imap().await;
    for _ in 0..4 {
        house.caught_up().await;
        imap.folders().await.expect("readable");
    }
    assert_eq!(imap.storage().await.expect("readable").used.letters, 1);
    let read = move |view: &postern_storage::View<'_>| {
        Ok(view.contains(&keys::mailbox(alice, folder))?
            || !view.scan(&keys::vanished_of(alice, folder), 1)?.is_empty())
    };
    assert!(!house.actors.store().read(read).await.expect("readable"), "nothing is left of it");
    house.clean();
}

#[actix_rt::test]
async fn an_actor_that_nobody_asks_lets_go_and_knows_it_again() {
    let house = House::new().await;
    let alice = house.account(ALICE).await;
    let imap = house.imap().await;
    imap.put(&house, INBOX, "one\r\n").await;
    let told = imap.open(INBOX).await.header().highest_mod_seq;
    let seat = house.actors.mailboxes().seat(alice);
    for _ in 0..2 {
        seat.addr().send(crate::mailbox::Tidy).await.expect("it lives");
    }
    imap.wants(Wants::Selected);
    house.send("two\r\n", &[alice]).await.expect("accepted");
    assert_eq!(imap.who.heard().await, [Tell::News]);
    assert!(imap.highest_mod_seq() > told);
    assert_eq!(imap.uids(INBOX).await, "1:2");
}

#[actix_rt::test]
async fn pop3_offers_what_it_offered_when_the_trash_is_gone() {
    let house = House::new().await;
    let alice = house.account(ALICE).await;
    house.send("one\r\n", &[alice]).await.expect("accepted");
    let (address, value) = (ALICE.to_owned(), "trash".to_owned());
    house.admin(AdminRequest::Set { address, name: "pop3-delete".to_owned(), value }).await;
    let imap = house.imap().await;
    imap.delete(name("Trash")).await.expect("deleted");
    let who = Listener::new(&house);
    let admitted = house.login(ALICE, &who, Protocol::Pop3).await.expect("admitted");
    let maildrop = house.actors.open_maildrop(&admitted, &who.session).await.expect("free");
    house.actors.close_maildrop(maildrop.lease, vec![Uid(1)]).await.expect("on disk");
    assert_eq!(imap.uids(INBOX).await, "1", "C4: nothing is lost");
    assert_eq!(house.sizes(ALICE).await, [0; 0]);
    house.clean();
}
