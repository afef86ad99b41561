//! Sessions that work at the same time.

use super::super::year::Random;
use super::*;

const FOLDERS: [MailboxId; 2] = [INBOX, MailboxId::ARCHIVE];

/// Looks, reads all that it sees, and changes something; again and again.
async fn work(house: std::rc::Rc<House>, alice: AccountId, seed: u64) {
    let (mut random, imap) = (Random::new(seed), house.imap().await);
    let mut mailbox = FOLDERS[random.below(2) as usize];
    let mut seen = imap.open(mailbox).await;
    for _ in 0..60 {
        let uids: UidSet = seen.entries().map(|entry| entry.uid).filter(|_| random.below(3) == 0).collect();
        let to = FOLDERS[random.below(2) as usize];
        match random.below(7) {
            0 | 1 => drop(imap.put(&house, to, "appended\r\n").await),
            2 => house.send("delivered\r\n", &[alice]).await.expect("accepted"),
            3 => {
                let flags = add(Flags(random.below(32) as u8));
                drop(imap.change_flags(mailbox, uids, flags).await.expect("there"));
            }
            4 => drop(imap.expunge(mailbox, Some(uids)).await.expect("there")),
            5 => drop(imap.move_to(mailbox, uids, to).await.expect("room")),
            _ => {
                mailbox = to;
                seen = imap.open(mailbox).await;
            }
        }
        let known = seen.header().highest_mod_seq;
        seen = imap.look(mailbox).await.expect("there");
        assert!(seen.header().highest_mod_seq >= known, "what was seen does not go back");
        for entry in seen.entries() {
            assert!(
                imap.reads(entry.letter).await,
                "what is seen is on disk: UID {}, seed {seed}",
                entry.uid.0
            );
        }
        imap.sight().told(seen.header().highest_mod_seq);
    }
}

#[actix_rt::test]
async fn what_sessions_see_is_on_disk_however_many_work_at_once() {
    let house = std::rc::Rc::new(House::new().await);
    let alice = house.account(ALICE).await;
    let mut working = tokio::task::JoinSet::new();
    for seed in 0..8 {
        working.spawn_local(work(std::rc::Rc::clone(&house), alice, seed));
    }
    while let Some(done) = working.join_next().await {
        done.expect("no panic");
    }
    let imap = house.imap().await;
    let mut letters = 0;
    for mailbox in FOLDERS {
        letters += u64::from(imap.look(mailbox).await.expect("there").header().letters);
    }
    assert_eq!(imap.storage().await.expect("readable").used.letters, letters);
    house.caught_up().await;
    house.clean();
}
