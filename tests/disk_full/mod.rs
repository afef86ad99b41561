//! A disk that is full: letters are refused with `452 4.3.1`, nothing is half-written, and as soon as there is room the
//! server goes on by itself. On a small file system of its own, which only root can mount.

mod small;

use std::fs::{self, File};
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use crate::rig::{ALICE, BOB, How, Letter, Pop3, Reply, Server, Smtp, behind_own_fields, patiently};
use small::SmallDisk;

/// Something else that lies on the disk, and goes when room is needed.
const FILLER: usize = 24 << 20;

#[test]
fn a_reserve_that_is_used_up_stops_letters_alone() {
    // The reserve keeps the disk usable: reading, deleting and a restart go on.
    let Some(mut full) = FullDisk::new("8MiB") else { return };
    full.fill(&[300_000, 20_000]);
    full.assert_whole();
    let mut pop3 = Pop3::login(&full.server, BOB).expect("bob may log in");
    pop3.command("DELE 1").expect("DELE is answered");
    pop3.quit().expect("a deletion needs no room of the letters'");
    full.taken.remove(0);
    full.server.sigkill();
    full.server.ok(&["check"]);
    full.server.restart();
    full.assert_whole();
    full.make_room_and_go_on();
}

#[test]
fn a_disk_without_a_byte_left_breaks_nothing() {
    let Some(mut full) = FullDisk::new("0B") else { return };
    full.fill(&[300_000, 20_000, 1_000]);
    full.make_room_and_go_on();
    // Again while the server thinks there is room, so that its writes fail, not its foresight.
    let mut smtp = Smtp::login(&full.server, ALICE).expect("alice may send");
    assert_eq!(full.send(&mut smtp, 20_000, How::Data).code, 250);
    take_all_room(&full.filler);
    full.send_until_refused(&mut smtp, 20_000, How::Data);
    full.send_until_refused(&mut smtp, 300_000, How::Data);
    full.make_room_and_go_on();
    // And with a crash while there is none.
    let mut smtp = Smtp::login(&full.server, ALICE).expect("alice may send");
    take_all_room(&full.filler);
    full.send_until_refused(&mut smtp, 20_000, How::Bdat(4_000));
    full.server.sigkill();
    fs::remove_file(&full.filler).expect("the filler");
    full.server.ok(&["check"]);
    full.server.restart();
    full.assert_whole();
}

/// A server on a small disk, and the letters that it took for bob.
struct FullDisk {
    server: Server,
    taken: Vec<Letter>,
    sent: u64,
    filler: PathBuf,
    /// Dropped last: the server's files are on it.
    _disk: SmallDisk,
}

impl FullDisk {
    fn new(reserve: &str) -> Option<FullDisk> {
        let disk = SmallDisk::mount(80)?;
        let dir = tempfile::tempdir().expect("a temporary directory");
        let mut server = Server::at(dir, disk.path().join("data"), &[("POSTERN_DISK_RESERVE", reserve)]);
        server.restart();
        server.ok(&["domain", "add", "demo.test"]);
        [ALICE, BOB].into_iter().for_each(|account| server.add_account(account));
        let filler = disk.path().join("filler");
        Some(FullDisk { server, taken: Vec::new(), sent: 0, filler, _disk: disk })
    }

    /// Sends letters until no letter of any of these sizes is taken.
    fn fill(&mut self, sizes: &[usize]) {
        fs::write(&self.filler, vec![0x55; FILLER]).expect("the disk has room for the filler");
        let mut smtp = Smtp::login(&self.server, ALICE).expect("alice may send");
        for (size, how) in sizes.iter().flat_map(|size| [(*size, How::Data), (*size, How::Bdat(64 << 10))]) {
            self.send_until_refused(&mut smtp, size, how);
        }
    }

    fn send_until_refused(&mut self, smtp: &mut Smtp, size: usize, how: How) {
        loop {
            let reply = self.send(smtp, size, how);
            if reply.code != 250 {
                assert_eq!(reply.code, 452, "{}", reply.text());
                assert!(reply.lines[0].starts_with("4.3.1 "), "{}", reply.text());
                return;
            }
        }
    }

    /// The next letter; noted where it was taken.
    fn send(&mut self, smtp: &mut Smtp, size: usize, how: How) -> Reply {
        self.sent += 1;
        let letter = Letter::new(ALICE.0, self.sent, size);
        let reply = smtp.send(ALICE.0, &[BOB.0], &letter.bytes, how).expect("a reply");
        if reply.code == 250 {
            self.taken.push(letter);
        }
        reply
    }

    /// Bob has what was taken, and nothing else.
    fn assert_whole(&self) {
        let mut pop3 = Pop3::login(&self.server, BOB).expect("bob may log in");
        assert_eq!(pop3.count().expect("STAT is answered") as usize, self.taken.len());
        for (number, letter) in (1..).zip(&self.taken) {
            let fetched = pop3.retr(number).expect("a letter");
            behind_own_fields(&fetched, &letter.bytes).expect("what was sent, unchanged");
        }
        pop3.quit().expect("QUIT is answered");
    }

    /// With the filler gone the same process takes letters again, and the store is whole, also behind a crash.
    fn make_room_and_go_on(&mut self) {
        fs::remove_file(&self.filler).expect("the filler");
        let mut smtp = patiently("there is room for a login", || Smtp::login(&self.server, ALICE).ok());
        patiently("letters are taken again", || {
            let reply = self.send(&mut smtp, 20_000, How::Data);
            assert!([250, 452].contains(&reply.code), "{}", reply.text());
            (reply.code == 250).then_some(())
        });
        self.assert_whole();
        self.server.ok(&["check"]);
        self.server.sigkill();
        self.server.ok(&["check"]);
        self.server.restart();
        self.assert_whole();
    }
}

fn take_all_room(path: &Path) {
    let mut filler = File::create(path).expect("an empty file needs no room");
    for size in [64 << 10, 4 << 10, 1] {
        let block = vec![0x55; size];
        let full = loop {
            if let Err(error) = filler.write_all(&block) {
                break error;
            }
        };
        assert_eq!(full.kind(), ErrorKind::StorageFull, "{full}");
    }
}
