//! Each search key by itself.

use std::num::NonZeroU32;

use postern_model::imap::Keyword;
use postern_model::mime::{MAX_ADDRESSES, MAX_TEXT};
use postern_model::{Flags, LetterId, ModSeq, Uid, UidSet};

use super::{Letter, Room, numbers};
use crate::imap::grammar::SearchKey as K;
use crate::imap::grammar::Targets;
use crate::imap::search::{Needs, NoSuchNumber, uses_numbers};

const DAY: i64 = 86_400;

/// UIDs 2, 4, 7.
fn room() -> Room {
    let first = "Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?= an alle|From: Anna <anna@x.test>|To: Team: b@x.test, c@y.test;|\
        Date: Fri, 2 Jan 1970 23:30:00 -0500|X-Mark: one|X-Empty:||Hello World|second line|";
    let second = "Subject: re: lunch|From: bob@y.test|Cc: \"Carl, D.\" <carl@z.test>|Bcc: anna@x.test|Date: soon|\
        Message-ID: <m2@x>||lunch?|";
    let third = "From: anna@x.test|Message-ID: <m3@x>|Message-ID: <m4@x>||no subject|";
    let mut room = Room::of(vec![
        Letter::new(2, first).with(|e| {
            e.flags = Flags::SEEN.with(Flags::FLAGGED);
            e.internal_date = 10 * DAY;
            e.saved_after = DAY;
            e.keywords = 2;
        }),
        Letter::new(4, second).with(|e| {
            e.internal_date = 10 * DAY + DAY - 1;
            e.flags = Flags::ANSWERED;
        }),
        Letter::new(7, third).with(|e| {
            e.internal_date = 11 * DAY;
            e.email = Some(LetterId(0xbeef));
        }),
    ]);
    room.saved = UidSet::from_ranges([(Uid(4), Uid(9))]);
    room.recent = Uid(5);
    room
}

fn text(text: &str) -> String {
    text.to_owned()
}

fn keyword(name: &str) -> Keyword {
    Keyword::parse(name.as_bytes()).expect("a keyword")
}

fn header(name: &str, value: &str) -> K {
    K::Header(text(name), text(value))
}

fn check(cases: Vec<(K, &[u32])>) {
    let room = room();
    for (key, wanted) in cases {
        let (found, _) = room.search(std::slice::from_ref(&key));
        assert_eq!(found, wanted, "{key:?}");
        let others: Vec<u32> = [2, 4, 7].into_iter().filter(|uid| !wanted.contains(uid)).collect();
        let (found, _) = room.search(&[K::Not(Box::new(key.clone()))]);
        assert_eq!(found, others, "NOT {key:?}");
    }
}

#[test]
fn keys_that_entries_answer() {
    let seconds = |n: i64| NonZeroU32::new(u32::try_from(n).expect("small")).expect("not 0");
    check(vec![
        (K::All, &[2, 4, 7]),
        (K::Numbers(numbers("2:*")), &[4, 7]),
        (K::Numbers(numbers("*")), &[7]),
        (K::Uid(Targets::Set(numbers("1:3,7,99"))), &[2, 7]),
        (K::Uid(Targets::Set(numbers("99:*"))), &[7]),
        (K::Saved, &[4, 7]),
        (K::Uid(Targets::Saved), &[4, 7]),
        (K::Flag(Flags::SEEN), &[2]),
        (K::NotFlag(Flags::SEEN), &[4, 7]),
        (K::Keyword(keyword("work")), &[2]),
        (K::NotKeyword(keyword("WORK")), &[4, 7]),
        (K::Keyword(keyword("$Forwarded")), &[]),
        (K::Keyword(keyword("unheard-of")), &[]),
        (K::Recent, &[7]),
        (K::New, &[7]),
        (K::Old, &[2, 4]),
        (K::Larger(50), &[2, 4, 7]),
        (K::Smaller(0), &[]),
        (K::Before(10), &[]),
        (K::Before(11), &[2, 4]),
        (K::On(10), &[2, 4]),
        (K::On(11), &[7]),
        (K::Since(11), &[7]),
        (K::SavedBefore(11), &[4]),
        (K::SavedOn(11), &[2, 7]),
        (K::SavedSince(12), &[]),
        (K::SaveDateSupported, &[2, 4, 7]),
        (K::Older(seconds(Room::NOW - 10 * DAY)), &[2]),
        (K::Younger(seconds(Room::NOW - 11 * DAY)), &[7]),
        (K::ModSeq(ModSeq(4)), &[4, 7]),
        (K::EmailId(text("Mbeef")), &[7]),
        (K::EmailId(text("Ma2")), &[2]),
        (K::EmailId(text("MBEEF")), &[]),
        (K::EmailId(text("M0beef")), &[]),
        (K::ThreadId(text("T1")), &[]),
        (K::And(vec![]), &[2, 4, 7]),
        (K::And(vec![K::Since(11), K::Flag(Flags::SEEN)]), &[]),
        (K::Or(Box::new(K::Since(11)), Box::new(K::Flag(Flags::SEEN))), &[2, 7]),
    ]);
}

#[test]
fn sizes_are_compared_without_the_bound_itself() {
    let room = room();
    let size = u64::from(room.letters[1].entry.size);
    assert_eq!(room.search(&[K::Larger(size), K::Uid(Targets::Set(numbers("4")))]).0, Vec::<u32>::new());
    assert_eq!(room.search(&[K::Smaller(size), K::Uid(Targets::Set(numbers("4")))]).0, Vec::<u32>::new());
    assert_eq!(room.search(&[K::Larger(size - 1), K::Uid(Targets::Set(numbers("4")))]).0, [4]);
}

#[test]
fn keys_that_texts_answer() {
    check(vec![
        (K::Subject(text("GRu\u{308}ßE")), &[2]),
        (K::Subject(text("LUNCH")), &[4]),
        (K::Subject(text("")), &[2, 4]),
        (K::From(text("ANNA")), &[2, 7]),
        (K::From(text("anna <anna@x")), &[2]),
        (K::From(text("x.test")), &[2, 7]),
        (K::To(text("team")), &[2]),
        (K::To(text("c@y")), &[2]),
        (K::To(text("")), &[2]),
        (K::Cc(text("Carl, D.")), &[4]),
        (K::Bcc(text("anna")), &[4]),
        (K::SentOn(1), &[2]),
        (K::SentBefore(2), &[2]),
        (K::SentSince(0), &[2]),
        (K::SentSince(2), &[]),
        (K::Body(text("hello w")), &[2]),
        (K::Body(text("anna")), &[]),
        (K::Body(text("")), &[2, 4, 7]),
        (K::Text(text("lunch")), &[4]),
        (K::Text(text("anna")), &[2, 4, 7]),
        (K::Text(text("x-mark: one")), &[2]),
        (header("x-mark", "ON"), &[2]),
        (header("x-mark", "two"), &[]),
        (header("X-Empty", ""), &[2]),
        (header("X-None", ""), &[]),
        (header("message-id", "m4@"), &[7]),
        (header("Message-ID", "<m3@x>"), &[7]),
        (header("Message-ID", ""), &[4, 7]),
        (header("Subject", "alle"), &[2]),
        (header("X", "one"), &[]),
    ]);
}

#[test]
fn numbers_of_no_letter_are_refused() {
    let found = room().plan(&[K::Not(Box::new(K::Numbers(numbers("2:5"))))]);
    assert_eq!(found.err(), Some(NoSuchNumber(4)));
    assert!(uses_numbers(&[K::Or(Box::new(K::All), Box::new(K::And(vec![K::Numbers(numbers("1"))])))]));
    assert!(!uses_numbers(&[K::Uid(Targets::Set(numbers("1")))]));
}

#[test]
fn octets_are_read_only_where_nothing_else_tells() {
    let room = room();
    for (keys, read) in [
        (vec![K::Flag(Flags::SEEN), K::Text(text("anna"))], 1),
        (vec![K::Text(text("anna")), K::Since(99)], 0),
        (vec![K::Or(Box::new(K::Text(text("hello"))), Box::new(K::From(text("anna"))))], 0),
        (vec![K::Text(text("nowhere"))], 0),
        (vec![K::Body(text("lunch"))], 1),
        (vec![header("Message-ID", "<m2@x>")], 0),
        (vec![header("Message-ID", "<m4@x>")], 1),
        (vec![K::Subject(text("re"))], 0),
    ] {
        assert_eq!(room.search(&keys).1, read, "{keys:?}");
    }
}

#[test]
fn a_plan_says_what_it_takes() {
    let room = room();
    let of = |keys: &[K]| {
        let plan = room.plan(keys).expect("no numbers");
        (plan.candidates().to_string(), plan.needs(), plan.mod_seq())
    };
    let needs = |facts, signatures| Needs { facts, signatures };
    assert_eq!(of(&[K::Flag(Flags::SEEN)]), (text("2,4,7"), needs(false, false), false));
    assert_eq!(of(&[K::From(text("a")), K::Saved]), (text("4,7"), needs(true, false), false));
    assert_eq!(of(&[K::Text(text("a")), K::Not(Box::new(K::Saved))]), (text("2"), needs(false, true), false));
    assert_eq!(of(&[header("Message-ID", "a")]).1, needs(true, true));
    let none = K::And(vec![K::Keyword(keyword("unheard-of")), K::ModSeq(ModSeq(1))]);
    assert_eq!(of(&[none]), (text(""), needs(false, false), true));
}

#[test]
fn what_the_facts_had_to_leave_out_is_found_in_the_letter() {
    let subject = format!("Subject: {}end||b", "x".repeat(MAX_TEXT));
    let to =
        format!("To: {}||b", (0..=MAX_ADDRESSES).map(|n| format!("a{n}@x.test,|\t")).collect::<String>());
    let fields = format!("{}Date: 2 Jan 1970|To: last@x.test||b", "To: a@b, c@d|".repeat(6_000));
    let room = Room::of(vec![Letter::new(1, &subject), Letter::new(2, &to), Letter::new(3, &fields)]);
    assert_eq!(room.search(&[K::Subject(text("xend"))]), (vec![1], 2));
    assert_eq!(room.search(&[K::To(text(&format!("a{MAX_ADDRESSES}@")))]), (vec![2], 2));
    assert_eq!(room.search(&[K::To(text("a3@"))]), (vec![2], 1));
    assert_eq!(room.search(&[K::To(text("last@"))]), (vec![3], 2));
    assert_eq!(room.search(&[K::SentOn(1)]), (vec![3], 1));
}
