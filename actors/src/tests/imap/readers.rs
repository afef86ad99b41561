//! What is expunged stays readable for who has not been told (SPEC C1), and no longer.

use postern_model::LetterId;

use super::*;

/// An account with three letters in its INBOX.
async fn three() -> (House, AccountId) {
    let house = House::new().await;
    let alice = house.account(ALICE).await;
    for text in ["a\r\n", "bb\r\n", "ccc\r\n"] {
        house.send(text, &[alice]).await.expect("accepted");
    }
    (house, alice)
}

impl House {
    /// Letters that wait to be dropped, when all that is on its way has landed.
    async fn doomed(&self, account: AccountId) -> usize {
        let seat = self.actors.mailboxes().seat(account);
        for _ in 0..3 {
            self.written().await;
            seat.addr().send(crate::mailbox::Tidy).await.expect("it lives");
        }
        self.written().await;
        let read = move |view: &View<'_>| view.scan(&keys::doomed_of(account), 1_000);
        self.actors.store().read(read).await.expect("readable").len()
    }
}

#[actix_rt::test]
async fn c1_what_imap_expunges_during_a_pop3_session_still_downloads() {
    let (house, alice) = three().await;
    let who = Listener::new(&house);
    let admitted = house.login(ALICE, &who, Protocol::Pop3).await.expect("admitted");
    let maildrop = house.actors.open_maildrop(&admitted, &who.session).await.expect("free");
    let imap = house.imap().await;
    imap.open(INBOX).await;
    imap.delete_letters(INBOX, &[1]).await;
    // By way of another folder, too.
    imap.move_to(INBOX, set(&[2]), MailboxId::TRASH).await.expect("room");
    imap.delete_letters(MailboxId::TRASH, &[1]).await;
    assert_eq!(imap.uids(INBOX).await, "3");
    for letter in &maildrop.letters {
        assert!(imap.reads(letter.letter).await, "{letter:?}");
    }
    assert_eq!(house.doomed(alice).await, 2);
    house.clean();
    let letters: Vec<LetterId> = maildrop.letters.iter().map(|letter| letter.letter).collect();
    house.actors.close_maildrop(maildrop.lease, vec![Uid(1), Uid(3)]).await.expect("on disk");
    imap.sight().told(imap.look(INBOX).await.expect("there").header().highest_mod_seq);
    assert_eq!(house.doomed(alice).await, 0);
    for letter in letters {
        assert!(!imap.reads(letter).await, "nobody reads it any more");
    }
    assert_eq!(imap.uids(INBOX).await, "");
    house.clean();
}

#[actix_rt::test]
async fn c1_a_pop3_session_that_breaks_off_holds_nothing_back() {
    let (house, alice) = three().await;
    let who = Listener::new(&house);
    let admitted = house.login(ALICE, &who, Protocol::Pop3).await.expect("admitted");
    let maildrop = house.actors.open_maildrop(&admitted, &who.session).await.expect("free");
    let imap = house.imap().await;
    imap.delete_letters(INBOX, &[1, 2, 3]).await;
    assert_eq!(house.doomed(alice).await, 3);
    drop(maildrop);
    assert_eq!(house.doomed(alice).await, 0);
    house.clean();
}

#[actix_rt::test]
async fn a_session_reads_what_it_sees_until_it_is_told() {
    let (house, alice) = three().await;
    let (one, other, third) = (house.imap().await, house.imap().await, house.imap().await);
    let seen = other.open(INBOX).await;
    one.open(INBOX).await;
    third.open(MailboxId::SENT).await;
    let letter = |uid| seen.entry(Uid(uid)).expect("there").letter;
    one.delete_letters(INBOX, &[1]).await;
    assert!(other.reads(letter(1)).await);
    let folder = other.look(INBOX).await.expect("there");
    assert!(other.reads(letter(1)).await, "it has looked, and told its client nothing yet");
    other.sight().told(folder.header().highest_mod_seq);
    one.sight().told(folder.header().highest_mod_seq);
    assert_eq!(house.doomed(alice).await, 0, "one that looks at another folder holds nothing back");
    assert!(!other.reads(letter(1)).await);

    one.delete_letters(INBOX, &[2]).await;
    assert!(other.reads(letter(2)).await);
    other.select(None, false).await.expect("it can be left");
    one.sight().told(one.look(INBOX).await.expect("there").header().highest_mod_seq);
    assert_eq!(house.doomed(alice).await, 0);
    other.open(INBOX).await;
    one.delete_letters(INBOX, &[3]).await;
    assert!(one.reads(letter(3)).await);
    drop((one, other));
    assert_eq!(house.doomed(alice).await, 0);
    assert!(!third.reads(letter(3)).await);
    house.clean();
}

#[actix_rt::test]
async fn a_session_alone_leaves_nothing_to_be_dropped_later() {
    let (house, alice) = three().await;
    let imap = house.imap().await;
    imap.open(INBOX).await;
    imap.delete_letters(INBOX, &[1, 2]).await;
    let read = move |view: &View<'_>| view.scan(&keys::doomed_of(alice), 1_000);
    assert_eq!(house.actors.store().read(read).await.expect("readable").len(), 0);
}

#[actix_rt::test]
async fn what_waits_to_be_dropped_goes_at_the_next_start() {
    let (house, alice) = three().await;
    let (one, other) = (house.imap().await, house.imap().await);
    let letter = other.open(INBOX).await.entry(Uid(1)).expect("there").letter;
    one.delete_letters(INBOX, &[1]).await;
    assert!(one.reads(letter).await);
    // The process ends without a word.
    std::mem::forget((one, other));
    house.clean();
    let house = house.restarted().await;
    // Also where nobody asks for the account's mail.
    house.actors.bury_what_was_read().await.expect("readable");
    house.caught_up().await;
    let read = move |view: &View<'_>| view.scan(&keys::doomed_of(alice), 10);
    assert_eq!(house.actors.store().read(read).await.expect("readable").len(), 0);
    assert!(!house.imap().await.reads(letter).await);
    house.clean();
}

#[actix_rt::test]
async fn however_much_waits_to_be_dropped_all_of_it_goes() {
    let (house, alice) = three().await;
    for first in [1_000_000, 2_000_000] {
        let mut batch = Batch::new();
        for n in 0..4_000 {
            let doomed = postern_model::record::Doomed { since: house.actors.now() };
            batch.put(&keys::doomed(alice, LetterId(first + n)), &doomed);
        }
        house.actors.store().commit(batch).await.expect("room");
    }
    let house = house.restarted().await;
    house.actors.bury_what_was_read().await.expect("readable");
    let seat = house.actors.mailboxes().seat(alice);
    let read = move |view: &View<'_>| view.scan(&keys::doomed_of(alice), 10);
    for _ in 0..40 {
        house.written().await;
        seat.addr().send(crate::mailbox::Tidy).await.expect("it lives");
    }
    assert_eq!(house.actors.store().read(read).await.expect("readable").len(), 0);
    house.clean();
}

#[actix_rt::test]
async fn who_has_a_deleted_folder_selected_reads_on() {
    let (house, alice) = three().await;
    let (one, other) = (house.imap().await, house.imap().await);
    let folder = one.create(name("new"), Vec::new()).await.expect("made");
    let moved = one.move_to(INBOX, set(&[1, 2, 3]), folder).await.expect("room");
    assert_eq!(moved.to, set(&[1, 2, 3]));
    let seen = other.open(folder).await;
    one.delete(name("new")).await.expect("deleted");
    assert!(house.doomed(alice).await > 0);
    for entry in seen.entries() {
        assert!(other.reads(entry.letter).await);
    }
    house.clean();
    other.open(INBOX).await;
    assert_eq!(house.doomed(alice).await, 0);
    house.clean();
}
