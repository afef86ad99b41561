//! Random programs over random letters, held against the plainest reading of each key.

use postern_model::imap::Keyword;
use postern_model::{Flags, ModSeq, Uid, UidSet};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use super::{Letter, Room, numbers};
use crate::imap::grammar::SearchKey as K;
use crate::imap::grammar::Targets;

const WORDS: [&str; 6] = ["anna", "bob", "lunch", "x.test", "re", "zz"];
const NAMES: [&str; 5] = ["Subject", "From", "Message-ID", "X-Mark", "X-None"];

fn letter(uid: u32) -> impl Strategy<Value = Letter> {
    let field = (select(&NAMES[..4]), select(&WORDS[..])).prop_map(|(name, word)| match name {
        "From" => format!("From: {word} <{word}@x.test>|"),
        "Message-ID" => format!("Message-ID: <{word}@x.test>|"),
        name => format!("{name}: {word} {word}|"),
    });
    let text = (vec(field, 0..5), select(&WORDS[..])).prop_map(|(fields, word)| {
        // A second From or Subject is none of the envelope's.
        let mut seen = Vec::new();
        let is_new = |field: &&String| {
            let name = field.split(':').next().unwrap_or_default().to_owned();
            let repeats = seen.contains(&name) && name != "Message-ID" && name != "X-Mark";
            seen.push(name);
            !repeats
        };
        let fields: String = fields.iter().filter(is_new).map(String::as_str).collect();
        format!("{fields}|text of {word}|")
    });
    (text, 0_u8..32, 0_u64..4, 0_i64..30).prop_map(move |(text, flags, keywords, day)| {
        Letter::new(uid, &text).with(|e| {
            e.flags = Flags(flags);
            e.keywords = keywords;
            e.internal_date = day * 86_400;
        })
    })
}

fn room() -> impl Strategy<Value = Room> {
    let letters: Vec<_> = (1..8_u32).map(|n| letter(n * n)).collect();
    (letters, 1_u32..50).prop_map(|(letters, at)| {
        let mut room = Room::of(letters);
        room.saved = UidSet::from_ranges([(Uid(at), Uid(at + 10))]);
        room.recent = Uid(at);
        room
    })
}

fn key() -> impl Strategy<Value = K> {
    let word = || select(&WORDS[..]).prop_map(str::to_owned);
    let leaf = prop_oneof![
        Just(K::All),
        select(vec!["1", "2:4", "7:3,*", "5,6"]).prop_map(|set| K::Numbers(numbers(set))),
        select(vec!["1", "2:20", "40:*", "9,16"]).prop_map(|set| K::Uid(Targets::Set(numbers(set)))),
        Just(K::Saved),
        (0_u8..32).prop_map(|flags| K::Flag(Flags(flags))),
        (0_u8..32).prop_map(|flags| K::NotFlag(Flags(flags))),
        Just(K::Keyword(Keyword::parse(b"Work").expect("a keyword"))),
        Just(K::New),
        Just(K::Old),
        (0_i64..30).prop_map(K::Before),
        (0_i64..30).prop_map(K::On),
        (0_u64..120).prop_map(K::Larger),
        (0_u64..50).prop_map(|n| K::ModSeq(ModSeq(n))),
        word().prop_map(K::Subject),
        word().prop_map(K::From),
        word().prop_map(K::Body),
        word().prop_map(K::Text),
        (select(&NAMES[..]), word()).prop_map(|(name, word)| K::Header(name.to_owned(), word)),
    ];
    leaf.prop_recursive(4, 20, 4, |inner| {
        prop_oneof![
            inner.clone().prop_map(|key| K::Not(Box::new(key))),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| K::Or(Box::new(a), Box::new(b))),
            vec(inner, 0..4).prop_map(K::And),
        ]
    })
}

/// The plainest reading.
fn fulfils(room: &Room, number: u32, letter: &Letter, key: &K) -> bool {
    let text = String::from_utf8_lossy(&letter.octets).to_lowercase();
    let (header, body) = text.split_once("\r\n\r\n").unwrap_or(("", text.trim_start()));
    let named = |name: &str, word: &str| {
        header.lines().any(|line| {
            line.split_once(':').is_some_and(|(n, v)| n == name.to_lowercase() && v.contains(word))
        })
    };
    let entry = &letter.entry;
    let in_set = |set: &postern_model::imap::SeqSet, number: u32, highest: u32| {
        set.ranges(highest).iter().any(|(low, high)| (*low..=*high).contains(&number))
    };
    match key {
        K::All => true,
        K::Numbers(set) => in_set(set, number, 7),
        K::Uid(Targets::Set(set)) => in_set(set, entry.uid.0, 49),
        K::Saved => room.saved.contains(entry.uid),
        K::Flag(flags) => entry.flags.0 & flags.0 == flags.0,
        K::NotFlag(flags) => entry.flags.0 & flags.0 == 0,
        K::Keyword(_) => entry.keywords & 2 == 2,
        K::New => entry.uid >= room.recent && entry.flags.0 & 1 == 0,
        K::Old => entry.uid < room.recent,
        K::Before(day) => entry.internal_date < day * 86_400,
        K::On(day) => entry.internal_date / 86_400 == *day,
        K::Larger(octets) => letter.octets.len() as u64 > *octets,
        K::ModSeq(least) => entry.mod_seq >= *least,
        K::Subject(word) => named("subject", word),
        K::From(word) => named("from", word),
        K::Body(word) => body.contains(word),
        K::Text(word) => text.contains(word),
        K::Header(name, word) => named(name, word),
        K::Not(key) => !fulfils(room, number, letter, key),
        K::Or(a, b) => fulfils(room, number, letter, a) || fulfils(room, number, letter, b),
        K::And(keys) => keys.iter().all(|key| fulfils(room, number, letter, key)),
        other => panic!("{other:?} is not made here"),
    }
}

proptest! {
    #[test]
    fn a_plan_finds_what_the_plainest_reading_finds(room in room(), keys in vec(key(), 1..4)) {
        let wanted: Vec<u32> = room.letters.iter().zip(1..)
            .filter(|(letter, number)| keys.iter().all(|key| fulfils(&room, *number, letter, key)))
            .map(|(letter, _)| letter.entry.uid.0)
            .collect();
        prop_assert_eq!(room.search(&keys).0, wanted, "{:?}", keys);
    }
}
