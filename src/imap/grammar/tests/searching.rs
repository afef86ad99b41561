//! Search keys, their charsets, and how an answer is to look.

use std::num::NonZeroU32;

use postern_model::imap::{Flags, Keyword, MailboxName, ModSeq, SeqEnd, SeqSet};

use super::commands::meaning;
use crate::imap::grammar::{
    Command, Numbering, PartialRange, Search, SearchKey, SearchReturn, Source, Targets, parse,
};

fn search(line: &str) -> Search {
    match meaning(&format!("SEARCH {line}")) {
        Command::Search(Numbering::Sequence, search) => search,
        other => panic!("{line}: {other:?}"),
    }
}

fn keys(line: &str) -> Vec<SearchKey> {
    search(line).keys
}

fn nz(number: u32) -> NonZeroU32 {
    NonZeroU32::new(number).expect("not 0")
}

#[test]
fn keys_of_one_word_or_one_argument() {
    use SearchKey::*;
    let one = SeqSet(vec![(SeqEnd::Number(nz(1)), SeqEnd::Star)]);
    let text = || "x y".to_owned();
    let keyword = || self::Keyword::parse(b"$Junk").expect("a keyword");
    for (line, want) in [
        ("all", All),
        ("1:*", Numbers(one.clone())),
        ("UID 1:*", Uid(Targets::Set(one))),
        ("UID $", Uid(Targets::Saved)),
        ("$", Saved),
        ("ANSWERED", Flag(Flags::ANSWERED)),
        ("UNANSWERED", NotFlag(Flags::ANSWERED)),
        ("deleted", Flag(Flags::DELETED)),
        ("UNDELETED", NotFlag(Flags::DELETED)),
        ("DRAFT", Flag(Flags::DRAFT)),
        ("UNDRAFT", NotFlag(Flags::DRAFT)),
        ("FLAGGED", Flag(Flags::FLAGGED)),
        ("UNFLAGGED", NotFlag(Flags::FLAGGED)),
        ("SEEN", Flag(Flags::SEEN)),
        ("UNSEEN", NotFlag(Flags::SEEN)),
        ("KEYWORD $JUNK", Keyword(keyword())),
        ("UNKEYWORD $Junk", NotKeyword(keyword())),
        ("KEYWORD \\Seen", Flag(Flags::SEEN)),
        ("UNKEYWORD \\Seen", NotFlag(Flags::SEEN)),
        ("RECENT", Recent),
        ("NEW", New),
        ("OLD", Old),
        ("BCC \"x y\"", Bcc(text())),
        ("CC \"x y\"", Cc(text())),
        ("FROM \"x y\"", From(text())),
        ("TO \"x y\"", To(text())),
        ("SUBJECT {3+}\r\nx y", Subject(text())),
        ("BODY \"x y\"", Body(text())),
        ("TEXT \"x y\"", Text(text())),
        ("HEADER Message-ID \"\"", Header("Message-ID".to_owned(), String::new())),
        ("LARGER 4294967296", Larger(1 << 32)),
        ("SMALLER 0", Smaller(0)),
        ("BEFORE 1-Feb-1970", Before(31)),
        ("ON \"01-jan-1970\"", On(0)),
        ("SINCE 29-Feb-2024", Since(19_782)),
        ("SENTBEFORE 2-Jan-1970", SentBefore(1)),
        ("SENTON 2-Jan-1970", SentOn(1)),
        ("SENTSINCE 31-Dec-1969", SentSince(-1)),
        ("SAVEDBEFORE 2-Jan-1970", SavedBefore(1)),
        ("SAVEDON 2-Jan-1970", SavedOn(1)),
        ("SAVEDSINCE 2-Jan-1970", SavedSince(1)),
        ("SAVEDATESUPPORTED", SaveDateSupported),
        ("OLDER 3600", Older(nz(3600))),
        ("YOUNGER 1", Younger(nz(1))),
        ("MODSEQ 620162338", SearchKey::ModSeq(self::ModSeq(620_162_338))),
        ("MODSEQ \"/flags/\\\\Draft\" all 0", SearchKey::ModSeq(self::ModSeq(0))),
        ("EMAILID M6d99ac3275bb4e", EmailId("M6d99ac3275bb4e".to_owned())),
        ("THREADID T-64_b", ThreadId("T-64_b".to_owned())),
    ] {
        assert_eq!(keys(line), std::slice::from_ref(&want), "{line}");
        assert_eq!(keys(&format!("NOT {line}")), [Not(Box::new(want.clone()))], "{line}");
        assert_eq!(keys(&format!("ALL ({line} NEW)")), [All, And(vec![want, New])], "{line}");
    }
}

#[test]
fn keys_lie_in_one_another() {
    use SearchKey::*;
    let or = |a, b| Or(Box::new(a), Box::new(b));
    assert_eq!(keys("OR NEW OR OLD (ALL) RECENT"), [or(New, or(Old, And(vec![All]))), Recent]);
    assert!(matches!(&keys(&format!("{}ALL", "NOT ".repeat(50)))[..], [Not(_)]));
}

#[test]
fn texts_are_read_in_their_charset() {
    let latin = b"a SEARCH CHARSET iso-8859-1 SUBJECT \"Gr\xfc\xdfe\" TEXT {4+}\r\n\xa4uro\r\n";
    let Ok(Command::Search(_, found)) = parse(latin, false).map(|tagged| tagged.command) else {
        panic!("a search")
    };
    assert!(found.charset_is_known());
    assert_eq!(found.keys, [SearchKey::Subject("Grüße".to_owned()), SearchKey::Text("¤uro".to_owned())]);
    assert_eq!(keys("SUBJECT \"Grüße\""), [SearchKey::Subject("Grüße".to_owned())]);
    for (charset, known) in [
        ("UTF-8", true),
        ("us-ascii", true),
        ("KOI8-R", true),
        ("\"Shift_JIS\"", true),
        ("X-FOO", false),
        ("UTF-7", false),
    ] {
        let found = search(&format!("CHARSET {charset} ALL"));
        assert_eq!(found.charset.as_deref(), Some(charset.trim_matches('"')));
        assert_eq!(found.charset_is_known(), known, "{charset}");
    }
    assert!(search("ALL").charset_is_known());
}

#[test]
fn the_answer_looks_as_it_was_asked_for() {
    let nothing = SearchReturn::default;
    let partial = |low, high, from_end| Some(PartialRange { low: nz(low), high: nz(high), from_end });
    for (line, want) in [
        ("ALL", None),
        ("RETURN () ALL", Some(SearchReturn { all: true, ..nothing() })),
        ("return (min MAX) ALL", Some(SearchReturn { min: true, max: true, ..nothing() })),
        (
            "RETURN (COUNT ALL SAVE) ALL",
            Some(SearchReturn { count: true, all: true, save: true, ..nothing() }),
        ),
        ("RETURN (SAVE) ALL", Some(SearchReturn { save: true, ..nothing() })),
        (
            "RETURN (PARTIAL 500:1 COUNT) ALL",
            Some(SearchReturn { partial: partial(1, 500, false), count: true, ..nothing() }),
        ),
        (
            "RETURN (PARTIAL -1:-100) CHARSET UTF-8 ALL",
            Some(SearchReturn { partial: partial(1, 100, true), ..nothing() }),
        ),
    ] {
        assert_eq!(search(line).returns, want, "{line}");
    }
}

#[test]
fn several_folders_are_searched() {
    let name = |text| MailboxName::parse(text).expect("a folder's name");
    let Command::MultiSearch { sources, search } = meaning(
        "ESEARCH IN (mailboxes \"a\" subtree-one (b c) subtree d selected personal) RETURN (COUNT) UNSEEN",
    ) else {
        panic!("ESEARCH")
    };
    let want = [
        Source::Mailboxes(vec![name("a")]),
        Source::SubtreeOne(vec![name("b"), name("c")]),
        Source::Subtree(vec![name("d")]),
        Source::Selected,
        Source::Personal,
    ];
    assert_eq!(sources, want);
    assert_eq!(search.keys, [SearchKey::NotFlag(Flags::SEEN)]);
    assert!(search.returns.is_some_and(|returns| returns.count));
    assert!(matches!(meaning("ESEARCH NEW"), Command::MultiSearch { sources, .. } if sources.is_empty()));
}
