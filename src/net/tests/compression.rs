//! DEFLATE between a client and its session (RFC 4978), with the client's end made of flate2 too.

use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress};

use super::*;

/// A client that has said `compress`.
struct Compressing {
    client: Client<TcpStream>,
    deflate: Compress,
    inflate: Decompress,
    seen: Vec<u8>,
}

impl Compressing {
    async fn begin(world: &World, behind: &str) -> Compressing {
        let mut client = world.greeted().await;
        let mut this_end = Compress::new(Compression::default(), false);
        // What stands behind the command in the same packet is compressed already.
        let mut octets = b"compress\r\n".to_vec();
        octets.extend(squeeze(&mut this_end, behind.as_bytes()));
        client.0.write_all(&octets).await.expect("written");
        client.expect("go\r\n").await;
        Compressing { client, deflate: this_end, inflate: Decompress::new(false), seen: Vec::new() }
    }

    async fn say(&mut self, text: &str) {
        let octets = squeeze(&mut self.deflate, text.as_bytes());
        self.client.0.write_all(&octets).await.expect("written");
    }

    /// Reads until there is so much, and returns it.
    async fn read(&mut self, octets: usize) -> Vec<u8> {
        let mut piece = [0; 999];
        while self.seen.len() < octets {
            let read = self.client.0.read(&mut piece).await.expect("an answer");
            assert_ne!(read, 0, "the connection has ended");
            let mut rest = &piece[..read];
            loop {
                let (taken, given) = (self.inflate.total_in(), self.inflate.total_out());
                let mut room = [0; 4096];
                self.inflate.decompress(rest, &mut room, FlushDecompress::Sync).expect("deflated octets");
                rest = &rest[(self.inflate.total_in() - taken) as usize..];
                let given = (self.inflate.total_out() - given) as usize;
                self.seen.extend_from_slice(&room[..given]);
                if rest.is_empty() && given < room.len() {
                    break;
                }
            }
        }
        self.seen.drain(..octets).collect()
    }

    async fn expect(&mut self, text: &str) {
        assert_eq!(String::from_utf8_lossy(&self.read(text.len()).await), text);
    }
}

fn squeeze(deflate: &mut Compress, octets: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(octets.len() + 100);
    deflate.compress_vec(octets, &mut out, FlushCompress::Sync).expect("room");
    out
}

#[test]
fn both_ends_understand_each_other_answer_by_answer() {
    run(async {
        let world = World::start(Plan::default()).await;
        let mut client = Compressing::begin(&world, "echo first\r\n").await;
        client.expect("first\r\n").await;
        for n in 0..50 {
            // Each answer arrives by itself: it was flushed whole.
            client.say(&format!("echo {n}\r\nask {n}\r\n")).await;
            client.expect(&format!("{n}\r\n{n}\r\n")).await;
        }
        client.say("quit\r\n").await;
        client.expect("bye\r\n").await;
        world.empty().await;
    });
}

#[test]
fn long_answers_and_letters_come_whole() {
    run(async {
        // Nothing of it can be compressed, as of an attachment: what goes out is more than what came in.
        let mut random = 1_u64;
        let octet = |_| {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            (random >> 32) as u8
        };
        let letter: Vec<u8> = (0..3_000_000).map(octet).collect();
        let world = World::start(Plan { letter: Some(letter.clone()), ..Plan::default() }).await;
        let mut client = Compressing::begin(&world, "").await;
        client.say("send\r\nflood 2000000\r\necho after\r\n").await;
        assert!(client.read(letter.len()).await == letter, "the letter is another one");
        client.expect("sent\r\n").await;
        assert!(client.read(2_000_000).await.iter().all(|octet| *octet == b'.'));
        client.expect("after\r\n").await;
    });
}

#[test]
fn octets_that_are_no_deflate_end_the_connection() {
    run(async {
        let world = World::start(Plan::default()).await;
        let mut client = Compressing::begin(&world, "").await;
        client.client.say("\x07\x07 this is plain text, and never was anything else\r\n").await;
        assert_eq!(client.client.rest().await, "");
        world.empty().await;
    });
}
