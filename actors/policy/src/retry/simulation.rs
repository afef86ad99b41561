//! 100,000 letters to 1,000 domains, some of them dead: who waits for whom, in simulated time.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;

use postern_model::{AccountId, Domain, LetterId, QueueId, Timestamp};

use super::*;

const DOMAINS: u64 = 1_000;
const LETTERS: u64 = 100_000;
/// A letter to a living domain takes so long, and so does finding out that a dead one does not answer.
const CARRYING: Duration = Duration::from_millis(200);
const HANGING: Duration = Duration::from_secs(300);

fn is_dead(domain: u64) -> bool {
    domain.is_multiple_of(5)
}

/// What a trip is about.
type Event = Reverse<(Timestamp, u64, u64)>;

struct World {
    schedule: Schedule,
    now: Timestamp,
    /// Trips by when they have something to tell.
    events: BinaryHeap<Event>,
    under_way: std::collections::HashMap<u64, (Trip, Given, u64)>,
    serial: u64,
    /// When the last letter to a living domain got there.
    last: Timestamp,
    delivered: u64,
}

impl World {
    /// Gives a trip its next letter, or ends it.
    fn go_on(&mut self, trip: Trip, domain: u64) {
        match self.schedule.next_of(trip, self.now) {
            Some(given) => {
                self.serial += 1;
                let takes = if is_dead(domain) { HANGING } else { CARRYING };
                self.under_way.insert(self.serial, (trip, given, domain));
                self.events.push(Reverse((self.now.plus(takes), self.serial, domain)));
            }
            None => self.schedule.come_home(trip, self.now),
        }
    }

    fn set_out(&mut self) {
        while let Some(outing) = self.schedule.set_out(self.now) {
            let number = outing.domain.as_str().trim_start_matches('d').trim_end_matches(".test");
            self.go_on(outing.trip, number.parse().expect("a number"));
        }
    }

    fn arrive(&mut self, serial: u64) {
        let (trip, given, domain) = self.under_way.remove(&serial).expect("under way");
        if is_dead(domain) {
            self.schedule.tell(trip, Health::Bad, None, self.now);
            let after = After::Waits { next: self.now, deadline: Timestamp::NEVER };
            self.schedule.done(given.ticket, after, self.now);
        } else {
            self.schedule.tell(trip, Health::Good, None, self.now);
            self.schedule.done(given.ticket, After::Gone, self.now);
            (self.last, self.delivered) = (self.now, self.delivered + 1);
        }
        self.go_on(trip, domain);
    }
}

#[test]
fn dead_domains_never_delay_live_ones() {
    let begin = Timestamp::from_seconds(1_800_000_000);
    let mut world = World {
        schedule: Schedule::new(Figures::default()),
        now: begin,
        events: BinaryHeap::new(),
        under_way: std::collections::HashMap::new(),
        serial: 0,
        last: begin,
        delivered: 0,
    };
    for letter in 0..LETTERS {
        let to = Domain::parse(&format!("d{}.test", letter % DOMAINS)).expect("a domain");
        let id = QueueId { letter: LetterId(letter), envelope: 0 };
        let entry = Entry {
            id,
            sender: Some(AccountId(letter % 7 + 1)),
            priority: 0,
            next: begin,
            deadline: Timestamp::NEVER,
            held: false,
        };
        world.schedule.add(&to, entry, begin);
    }
    world.set_out();
    let living = LETTERS / 5 * 4;
    while world.delivered < living {
        let Reverse((at, serial, _)) = world.events.pop().expect("something is under way");
        world.now = at;
        world.schedule.wake(at);
        world.arrive(serial);
        world.set_out();
    }
    // 80,000 letters of 0.2 s on 200 connections take 80 s. The 200 dead domains are met once each, on at most three
    // quarters of the connections, and hang for 5 minutes; while they do the others go on with the rest.
    let took = world.last.since(begin);
    assert!(took < Duration::from_secs(15 * 60), "{took:?}");
    // Letters that come now to domains that are known to live go at once, although 20,000 to dead ones wait.
    let fresh = Entry {
        id: QueueId { letter: LetterId(LETTERS), envelope: 0 },
        sender: None,
        priority: 0,
        next: world.now,
        deadline: Timestamp::NEVER,
        held: false,
    };
    world.schedule.add(&Domain::parse("d1.test").expect("a domain"), fresh, world.now);
    assert!(world.schedule.set_out(world.now).is_some());
}

#[test]
fn a_consignment_takes_some_70_octets() {
    assert!(size_of::<super::schedule::Slot>() <= 48);
}
