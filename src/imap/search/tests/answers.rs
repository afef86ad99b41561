//! How results are written.

use std::num::NonZeroU32;

use postern_model::imap::UidValidity;
use postern_model::{ModSeq, SeqNo, Uid};

use crate::imap::grammar::{Numbering, PartialRange, SearchReturn};
use crate::imap::search::Found;
use crate::imap::search::answer::{Head, esearch, saved, search, sort};

/// Numbers 1, 2, 3, …, UIDs as given, modification sequences 100 − UID.
fn found(uids: &[u32]) -> Vec<Found> {
    let found = |(uid, number): (&u32, u32)| Found {
        uid: Uid(*uid),
        number: SeqNo(number),
        mod_seq: ModSeq(u64::from(100 - uid)),
    };
    uids.iter().zip(1..).map(found).collect()
}

/// `MIN MAX ALL COUNT PARTIAL 1:2`
fn returns(text: &str) -> SearchReturn {
    let mut returns = SearchReturn::default();
    for word in text.split(' ') {
        match word {
            "MIN" => returns.min = true,
            "MAX" => returns.max = true,
            "ALL" => returns.all = true,
            "COUNT" => returns.count = true,
            range => {
                let Some((a, b)) = range.split_once(':') else { continue };
                let place = |text: &str| text.trim_start_matches('-').parse::<NonZeroU32>().expect("a place");
                let (a_place, b_place) = (place(a), place(b));
                let (low, high) = (a_place.min(b_place), a_place.max(b_place));
                returns.partial = Some(PartialRange { low, high, from_end: a.starts_with('-') });
            }
        }
    }
    returns
}

fn written(write: impl FnOnce(&mut Vec<u8>)) -> String {
    let mut out = Vec::new();
    write(&mut out);
    String::from_utf8(out).expect("UTF-8").strip_suffix("\r\n").expect("a line").to_owned()
}

#[test]
fn plain_answers_list_all() {
    let (some, none) = (found(&[4, 9]), found(&[]));
    let uid = Numbering::Uid;
    assert_eq!(written(|out| search(out, &some, Numbering::Sequence, false)), "* SEARCH 1 2");
    assert_eq!(written(|out| search(out, &some, uid, true)), "* SEARCH 4 9 (MODSEQ 96)");
    assert_eq!(written(|out| search(out, &none, uid, true)), "* SEARCH");
    assert_eq!(written(|out| sort(out, &some, uid, false)), "* SORT 4 9");
    assert_eq!(written(|out| sort(out, &none, uid, false)), "* SORT");
}

#[test]
fn extended_answers_tell_what_was_asked_for() {
    for (uids, asked, mod_seq, wanted) in [
        (&[2, 3, 4, 8][..], "ALL", false, " ALL 2:4,8"),
        (&[2, 3, 4, 8], "MIN MAX COUNT", false, " MIN 2 MAX 8 COUNT 4"),
        (&[2, 3, 4, 8], "MIN", true, " MIN 2 MODSEQ 98"),
        (&[2, 3, 4, 8], "MAX", true, " MAX 8 MODSEQ 92"),
        (&[8, 3], "MIN MAX", true, " MIN 8 MAX 3 MODSEQ 97"),
        (&[2, 3, 4, 8], "MAX COUNT", true, " MAX 8 COUNT 4 MODSEQ 98"),
        (&[8, 3, 2, 3, 4], "ALL", false, " ALL 8,3,2:4"),
        (&[], "MIN MAX ALL", true, ""),
        (&[], "ALL COUNT", true, " COUNT 0"),
        (&[5, 6, 9], "PARTIAL 2:9", false, " PARTIAL (2:9 6,9)"),
        (&[5, 6, 9], "PARTIAL 2:1", true, " PARTIAL (1:2 5:6) MODSEQ 95"),
        (&[5, 6, 9], "PARTIAL -1:-2", false, " PARTIAL (-1:-2 6,9)"),
        (&[5, 6, 9], "PARTIAL -3:-99", false, " PARTIAL (-3:-99 5)"),
        (&[5, 6, 9], "PARTIAL -4:-99", false, " PARTIAL (-4:-99 NIL)"),
        (&[5, 6, 9], "PARTIAL 4:5 COUNT", false, " COUNT 3 PARTIAL (4:5 NIL)"),
        (&[], "PARTIAL 1:4294967295", false, " PARTIAL (1:4294967295 NIL)"),
    ] {
        let head = Head { tag: "a1", mailbox: None, numbering: Numbering::Uid, mod_seq };
        let answer = written(|out| esearch(out, &head, &found(uids), &returns(asked)));
        assert_eq!(answer, format!("* ESEARCH (TAG \"a1\") UID{wanted}"), "{uids:?} {asked}");
    }
}

#[test]
fn extended_answers_say_whose_they_are() {
    let head = Head { tag: "t", mailbox: None, numbering: Numbering::Sequence, mod_seq: false };
    let answer = written(|out| esearch(out, &head, &found(&[7, 9]), &returns("ALL")));
    assert_eq!(answer, "* ESEARCH (TAG \"t\") ALL 1:2");
    let mailbox = Some((&b"\"a b\""[..], UidValidity(7)));
    let head = Head { mailbox, numbering: Numbering::Uid, ..head };
    let answer = written(|out| esearch(out, &head, &found(&[7]), &returns("ALL")));
    assert_eq!(answer, "* ESEARCH (TAG \"t\" MAILBOX \"a b\" UIDVALIDITY 7) UID ALL 7");
}

#[test]
fn what_is_saved_follows_from_what_is_returned() {
    for (asked, wanted) in [
        ("", "3,5:6,9"),
        ("ALL", "3,5:6,9"),
        ("MIN", "3"),
        ("MAX", "9"),
        ("MIN MAX", "3,9"),
        ("MIN COUNT", "3,5:6,9"),
        ("MIN ALL", "3,5:6,9"),
        ("PARTIAL 2:3", "5:6"),
        ("PARTIAL 2:3 MAX", "5:6,9"),
        ("PARTIAL 2:3 COUNT", "3,5:6,9"),
        ("PARTIAL -1:-1 MIN MAX", "3,9"),
    ] {
        assert_eq!(saved(&found(&[3, 5, 6, 9]), &returns(asked)).to_string(), wanted, "{asked}");
    }
    assert!(saved(&[], &returns("MIN")).is_empty());
}
