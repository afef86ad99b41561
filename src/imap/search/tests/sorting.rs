//! The order of SORT.

use postern_model::{ModSeq, SeqNo};

use super::Letter;
use crate::imap::grammar::{SortBy, SortKey};
use crate::imap::search::Found;
use crate::imap::search::sort::{Place, needs_facts, sort};

fn letters() -> Vec<Letter> {
    [
        "Subject: Re: beta|From: =?utf-8?q?=C3=84nne?= <zoe@a.test>|To: (no name) x@b.test|Cc: c@x.test|\
            Date: Thu, 1 Jan 1970 10:00:00 +0200||long body long body",
        "Subject: ALPHA|From: mia@a.test|To: Friends: y@b.test;|Date: Thu, 1 Jan 1970 09:00:00 +0000||b",
        "Subject: [list] alpha (fwd)|From: \"Bob\" <adam@a.test>||bb",
        "From: mia@a.test|Date: never|To: a.b@c.test||b",
        "Subject: beta|Date: 1 Jan 1970||b",
    ]
    .iter()
    .zip(1..)
    .map(|(text, uid)| Letter::new(uid, text).with(|e| e.internal_date = 5_000 * (i64::from(uid) % 3)))
    .collect()
}

#[test]
fn letters_are_sorted_by_each_key() {
    use SortBy::*;
    for (by, wanted, reversed) in [
        (Arrival, [3, 1, 4, 2, 5], [2, 5, 1, 4, 3]),
        (Size, [0; 5], [0; 5]),
        (Date, [3, 5, 4, 1, 2], [2, 1, 4, 3, 5]),
        (Subject, [4, 2, 3, 1, 5], [1, 5, 2, 3, 4]),
        (From, [5, 3, 2, 4, 1], [1, 2, 4, 3, 5]),
        (To, [3, 5, 4, 2, 1], [1, 2, 4, 3, 5]),
        (Cc, [2, 3, 4, 5, 1], [1, 2, 3, 4, 5]),
        (DisplayFrom, [5, 1, 3, 2, 4], [2, 4, 3, 1, 5]),
        (DisplayTo, [3, 5, 4, 2, 1], [1, 2, 4, 3, 5]),
    ] {
        let sizes = |reverse: bool| {
            let mut letters: Vec<_> = letters().iter().map(|l| (l.octets.len(), l.entry.uid.0)).collect();
            letters.sort_by_key(|(octets, uid)| (if reverse { usize::MAX - octets } else { *octets }, *uid));
            letters.into_iter().map(|(_, uid)| uid).collect::<Vec<_>>()
        };
        let size = by == Size;
        assert_eq!(
            order(&[SortKey { by, reverse: false }]),
            if size { sizes(false) } else { wanted.to_vec() },
            "{by:?}"
        );
        assert_eq!(
            order(&[SortKey { by, reverse: true }]),
            if size { sizes(true) } else { reversed.to_vec() },
            "{by:?}"
        );
    }
}

#[test]
fn later_keys_decide_between_equals() {
    let key = |by, reverse| SortKey { by, reverse };
    assert_eq!(order(&[key(SortBy::Subject, false), key(SortBy::Arrival, true)]), [4, 2, 3, 5, 1]);
    assert_eq!(order(&[key(SortBy::Subject, true), key(SortBy::Arrival, true)]), [5, 1, 2, 3, 4]);
    assert_eq!(order(&[]), [1, 2, 3, 4, 5]);
}

#[test]
fn entries_tell_some_keys() {
    let keys = |by: &[SortBy]| by.iter().map(|by| SortKey { by: *by, reverse: false }).collect::<Vec<_>>();
    assert!(!needs_facts(&keys(&[SortBy::Arrival, SortBy::Size])));
    assert!(needs_facts(&keys(&[SortBy::Arrival, SortBy::Date])));
}

fn order(keys: &[SortKey]) -> Vec<u32> {
    let place = |letter: &Letter| {
        let found = Found { uid: letter.entry.uid, number: SeqNo(letter.entry.uid.0), mod_seq: ModSeq(1) };
        (Place::of(keys, &letter.entry, Some(&letter.facts)), found)
    };
    let mut placed: Vec<_> = letters().iter().rev().map(place).collect();
    sort(&mut placed, keys);
    placed.iter().map(|(_, found)| found.uid.0).collect()
}
