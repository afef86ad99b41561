//! Command lines and what they mean, one table for each family.

use std::num::NonZeroU32;

use postern_model::imap::{
    Flags, Keyword, MailboxName, ModSeq, SeqEnd, SeqSet, SpecialUse, Uid, UidSet, UidValidity,
};
use zeroize::Zeroizing;

use crate::imap::grammar::{
    Append, AppendData, CatenatePart, Command, Depth, List, ListReturn, Numbering, QResync, Select, SortBy,
    SortKey, StatusItem, Streamed, Targets, Threading, parse,
};

/// What a line means, without its tag; names in modified UTF-7.
pub(super) fn meaning(line: &str) -> Command {
    read(line, false)
}

fn read(line: &str, utf8: bool) -> Command {
    let text = format!("tag.1 {line}\r\n");
    match parse(text.as_bytes(), utf8) {
        Ok(tagged) => {
            assert_eq!(tagged.tag.as_str(), "tag.1");
            tagged.command
        }
        Err(failure) => panic!("{line}: {failure:?}"),
    }
}

/// Holds lines against what they mean, also in lower case and with spaces at the end.
pub(super) fn check(table: Vec<(&str, Command)>) {
    for (line, want) in table {
        assert_eq!(meaning(line), want, "{line}");
        assert_eq!(meaning(&format!("{line}  ")), want, "{line}, with spaces behind it");
    }
}

pub(super) fn name(text: &str) -> MailboxName {
    MailboxName::parse(text).expect("a folder's name")
}

pub(super) fn nz(number: u32) -> NonZeroU32 {
    NonZeroU32::new(number).expect("not 0")
}

pub(super) fn seq(ranges: &[(u32, u32)]) -> SeqSet {
    let end = |n: u32| NonZeroU32::new(n).map_or(SeqEnd::Star, SeqEnd::Number);
    SeqSet(ranges.iter().map(|(a, b)| (end(*a), end(*b))).collect())
}

pub(super) fn set(ranges: &[(u32, u32)]) -> Targets {
    Targets::Set(seq(ranges))
}

fn uids(ranges: &[(u32, u32)]) -> UidSet {
    UidSet::from_ranges(ranges.iter().map(|(a, b)| (Uid(*a), Uid(*b))))
}

pub(super) fn keyword(text: &str) -> Keyword {
    Keyword::parse(text.as_bytes()).expect("a keyword")
}

fn list(reference: &str, pattern: &str) -> List {
    List { reference: reference.to_owned(), patterns: vec![pattern.to_owned()], ..List::default() }
}

#[test]
fn commands_without_arguments() {
    check(vec![
        ("CAPABILITY", Command::Capability),
        ("noop", Command::Noop),
        ("Logout", Command::Logout),
        ("STARTTLS", Command::StartTls),
        ("UNAUTHENTICATE", Command::Unauthenticate),
        ("NAMESPACE", Command::Namespace),
        ("IDLE", Command::Idle),
        ("CHECK", Command::Check),
        ("CLOSE", Command::Close),
        ("UNSELECT", Command::Unselect),
        ("EXPUNGE", Command::Expunge(None)),
    ]);
}

#[test]
fn who_a_client_is() {
    let login = |user: &str, password: &str| Command::Login {
        user: user.as_bytes().to_vec(),
        password: Zeroizing::new(password.as_bytes().to_vec()),
    };
    let plain = |initial: Option<&str>| Command::Authenticate {
        mechanism: "SCRAM-SHA-256".to_owned(),
        initial: initial.map(|text| Zeroizing::new(text.as_bytes().to_vec())),
    };
    let pair =
        |field: &str, value: Option<&str>| (field.into(), value.map(|value| value.as_bytes().to_vec()));
    check(vec![
        ("LOGIN ann pass]word", login("ann", "pass]word")),
        (r#"login "ann@example.org" "a \"b\" \\c""#, login("ann@example.org", r#"a "b" \c"#)),
        ("LOGIN {3}\r\nann {7+}\r\np\"{3}\r\n", login("ann", "p\"{3}\r\n")),
        ("LOGIN ann \"pässwörd\"", login("ann", "pässwörd")),
        ("LOGIN nil NIL", login("nil", "NIL")),
        ("LOGIN \"\" {0+}\r\n", login("", "")),
        ("AUTHENTICATE scram-sha-256", plain(None)),
        ("AUTHENTICATE SCRAM-SHA-256 =", plain(Some("="))),
        ("AUTHENTICATE SCRAM-SHA-256 biws+/==", plain(Some("biws+/=="))),
        ("ID NIL", Command::Id(None)),
        ("ID ()", Command::Id(Some(vec![]))),
        (
            r#"ID ("name" "Mail" "version" NIL os 5)"#,
            Command::Id(Some(vec![pair("name", Some("Mail")), pair("version", None), pair("os", Some("5"))])),
        ),
        (
            "ENABLE QResync imap4rev2 UTF8=ACCEPT",
            Command::Enable(["QRESYNC", "IMAP4REV2", "UTF8=ACCEPT"].map(str::to_owned).into()),
        ),
        ("COMPRESS deflate", Command::Compress("DEFLATE".to_owned())),
    ]);
}

#[test]
fn a_folder_as_a_whole() {
    let select = |read_only| Select { mailbox: name("INBOX"), read_only, condstore: false, qresync: None };
    let qresync = |known, matched| {
        let qresync =
            QResync { uid_validity: UidValidity(67_890_007), mod_seq: ModSeq(20_050_715), known, matched };
        Command::Select(Select { qresync: Some(qresync), ..select(false) })
    };
    check(vec![
        ("SELECT inbox", Command::Select(select(false))),
        ("EXAMINE {5}\r\nInBoX", Command::Select(select(true))),
        ("SELECT INBOX (condstore)", Command::Select(Select { condstore: true, ..select(false) })),
        ("SELECT INBOX (QRESYNC (67890007 20050715))", qresync(None, None)),
        (
            "SELECT INBOX (QRESYNC (67890007 20050715 41,43:211))",
            qresync(Some(uids(&[(41, 41), (43, 211)])), None),
        ),
        (
            "SELECT INBOX (QRESYNC (67890007 20050715 1:9 (1,3 4,9)))",
            qresync(Some(uids(&[(1, 9)])), Some((uids(&[(1, 1), (3, 3)]), uids(&[(4, 4), (9, 9)])))),
        ),
        (
            "SELECT INBOX (QRESYNC (67890007 20050715 (1 4)))",
            qresync(None, Some((uids(&[(1, 1)]), uids(&[(4, 4)])))),
        ),
        ("CREATE a/b/", Command::Create { mailbox: name("a/b"), uses: vec![] }),
        (
            r"CREATE x (USE (\Drafts \sent))",
            Command::Create { mailbox: name("x"), uses: vec![SpecialUse::Drafts, SpecialUse::Sent] },
        ),
        ("DELETE x", Command::Delete(name("x"))),
        ("RENAME x \"y z\"", Command::Rename { from: name("x"), to: name("y z") }),
        ("SUBSCRIBE x", Command::Subscribe(name("x"))),
        ("UNSUBSCRIBE x", Command::Unsubscribe(name("x"))),
        ("GETQUOTAROOT x", Command::GetQuotaRoot(name("x"))),
        ("GETQUOTA \"\"", Command::GetQuota(vec![])),
        (
            "SETQUOTA root (storage 512 MESSAGE 9)",
            Command::SetQuota {
                root: b"root".to_vec(),
                limits: vec![("STORAGE".to_owned(), 512), ("MESSAGE".to_owned(), 9)],
            },
        ),
        (
            "STATUS x (messages RECENT UIDNEXT UIDVALIDITY UNSEEN DELETED SIZE HIGHESTMODSEQ APPENDLIMIT MAILBOXID DELETED-STORAGE)",
            Command::Status {
                mailbox: name("x"),
                items: vec![
                    StatusItem::Messages,
                    StatusItem::Recent,
                    StatusItem::UidNext,
                    StatusItem::UidValidity,
                    StatusItem::Unseen,
                    StatusItem::Deleted,
                    StatusItem::Size,
                    StatusItem::HighestModSeq,
                    StatusItem::AppendLimit,
                    StatusItem::MailboxId,
                    StatusItem::DeletedStorage,
                ],
            },
        ),
    ]);
}

#[test]
fn names_of_folders_are_modified_utf7_or_utf8() {
    for (spelled, utf8, want) in [
        ("Gel&APY-scht", false, "Gelöscht"),
        ("\"Gelöscht\"", false, "Gelöscht"),
        ("R&-D", false, "R&D"),
        ("\"Gelöscht\"", true, "Gelöscht"),
        ("Gel&APY-scht", true, "Gel&APY-scht"),
        ("{9+}\r\nGelöscht", true, "Gelöscht"),
        ("../x", false, "../x"),
    ] {
        assert_eq!(read(&format!("DELETE {spelled}"), utf8), Command::Delete(name(want)), "{spelled}");
    }
    let umlaut = Command::Lsub { reference: String::new(), pattern: "*ö%".to_owned() };
    assert_eq!(read("LSUB \"\" *&APY-%", false), umlaut);
    assert_eq!(read("LSUB \"\" \"*ö%\"", true), umlaut);
}

#[test]
fn lists_of_folders() {
    let extended = |list: List| Command::List(List { extended: true, ..list });
    check(vec![
        ("LIST \"\" *", Command::List(list("", "*"))),
        ("LIST \"\" \"\"", Command::List(list("", ""))),
        ("LIST a/ %/b]", Command::List(list("a/", "%/b]"))),
        ("LSUB \"\" \"%\"", Command::Lsub { reference: String::new(), pattern: "%".to_owned() }),
        ("LIST () \"\" *", extended(list("", "*"))),
        (
            "LIST (subscribed REMOTE RECURSIVEMATCH SPECIAL-USE) \"\" (a* INBOX)",
            extended(List {
                subscribed: true,
                remote: true,
                recursive_match: true,
                special_use: true,
                patterns: vec!["a*".to_owned(), "INBOX".to_owned()],
                ..list("", "")
            }),
        ),
        (
            "LIST \"\" % return (SUBSCRIBED children SPECIAL-USE STATUS (MESSAGES UNSEEN) METADATA (\"/Shared/Comment\" /private/x))",
            extended(List {
                returns: ListReturn {
                    subscribed: true,
                    children: true,
                    special_use: true,
                    status: Some(vec![StatusItem::Messages, StatusItem::Unseen]),
                    metadata: Some(vec!["/shared/comment".to_owned(), "/private/x".to_owned()]),
                },
                ..list("", "%")
            }),
        ),
        ("LIST \"\" % RETURN ()", extended(list("", "%"))),
    ]);
}

fn letter(index: usize, octets: u64) -> Streamed {
    Streamed { index, octets, binary: false, utf8: false }
}

fn bare(data: AppendData) -> Append {
    Append { flags: Flags::default(), keywords: vec![], date: None, data }
}

#[test]
fn new_letters() {
    let append = |messages| Command::Append { mailbox: name("Sent"), messages };
    let seen = Append {
        flags: Flags::SEEN.with(Flags::DRAFT),
        keywords: vec![keyword("$Forwarded")],
        date: Some(1_767_225_599 - 3_600),
        data: AppendData::Literal(letter(0, 310)),
    };
    let utf8 = Streamed { binary: true, utf8: true, ..letter(0, 4) };
    let parts = vec![
        CatenatePart::Url(b"/INBOX/;UID=20/;SECTION=1".to_vec()),
        CatenatePart::Text(letter(0, 2)),
        CatenatePart::Url(b"/x".to_vec()),
        CatenatePart::Text(letter(1, 3)),
    ];
    check(vec![
        ("APPEND Sent {3}\r\n", append(vec![bare(AppendData::Literal(letter(0, 3)))])),
        (
            "APPEND Sent (\\seen \\Recent $Forwarded \\Draft $FORWARDED) \"31-dec-2025 23:59:59 +0100\" {310+}\r\n",
            append(vec![seen]),
        ),
        (
            "APPEND Sent {3+}\r\n () {0+}\r\n ~{9+}\r\n",
            append(vec![
                bare(AppendData::Literal(letter(0, 3))),
                bare(AppendData::Literal(letter(1, 0))),
                bare(AppendData::Literal(Streamed { binary: true, ..letter(2, 9) })),
            ]),
        ),
        ("APPEND Sent UTF8 (~{4+}\r\n)", append(vec![bare(AppendData::Literal(utf8))])),
        (
            "APPEND Sent catenate (URL \"/INBOX/;UID=20/;SECTION=1\" text {2+}\r\n URL {2+}\r\n/x TEXT {3+}\r\n)",
            append(vec![bare(AppendData::Catenate(parts))]),
        ),
        (
            "UID REPLACE * Sent {3}\r\n",
            Command::Replace {
                numbering: Numbering::Uid,
                target: seq(&[(0, 0)]),
                mailbox: name("Sent"),
                message: bare(AppendData::Literal(letter(0, 3))),
            },
        ),
    ]);
}

#[test]
fn days_and_times() {
    for (text, seconds) in [
        ("01-Jan-1970 00:00:00 +0000", 0),
        (" 1-Jan-1970 00:00:00 -0130", 5_400),
        ("1-jan-1970 00:00:01 +0000", 1),
        ("29-Feb-2024 12:00:00 +1345", 1_709_208_000 - 49_500),
        ("31-Dec-2016 23:59:60 +0000", 1_483_228_799),
        ("31-Dec-1969 23:59:59 +0000", -1),
    ] {
        let Command::Append { messages, .. } = meaning(&format!("APPEND x \"{text}\" {{1+}}\r\n")) else {
            panic!("{text}")
        };
        assert_eq!(messages[0].date, Some(seconds), "{text}");
    }
}

#[test]
fn sort_and_thread() {
    let key = |by| SortKey { by, reverse: false };
    for (line, keys) in [
        ("(SUBJECT REVERSE DATE)", vec![key(SortBy::Subject), SortKey { by: SortBy::Date, reverse: true }]),
        (
            "(arrival cc from size)",
            vec![key(SortBy::Arrival), key(SortBy::Cc), key(SortBy::From), key(SortBy::Size)],
        ),
        (
            "(to displayfrom displayto)",
            vec![key(SortBy::To), key(SortBy::DisplayFrom), key(SortBy::DisplayTo)],
        ),
    ] {
        let Command::Sort(Numbering::Sequence, found, search) = meaning(&format!("SORT {line} US-ASCII ALL"))
        else {
            panic!("{line}")
        };
        assert_eq!((found, search.charset.as_deref(), search.returns), (keys, Some("US-ASCII"), None));
    }
    let Command::Sort(Numbering::Uid, _, search) = meaning("UID SORT RETURN (COUNT) (DATE) UTF-8 ALL") else {
        panic!("SORT")
    };
    assert!(search.returns.is_some_and(|returns| returns.count && !returns.all));
    for (word, want) in [("REFERENCES", Threading::References), ("orderedsubject", Threading::OrderedSubject)]
    {
        let Command::Thread(_, found, search) = meaning(&format!("UID THREAD {word} UTF-8 ALL")) else {
            panic!("{word}")
        };
        assert_eq!((found, search.keys.len()), (want, 1));
    }
}

#[test]
fn metadata() {
    let get = |mailbox: Option<&str>, max_size, depth, entries: &[&str]| Command::GetMetadata {
        mailbox: mailbox.map(name),
        max_size,
        depth,
        entries: entries.iter().map(|entry| (*entry).to_owned()).collect(),
    };
    check(vec![
        ("GETMETADATA \"\" /shared/Comment", get(None, None, Depth::Zero, &["/shared/comment"])),
        (
            "GETMETADATA (DEPTH infinity MAXSIZE 9) INBOX (/shared/a \"/private/b c\")",
            get(Some("INBOX"), Some(9), Depth::Infinity, &["/shared/a", "/private/b c"]),
        ),
        ("GETMETADATA INBOX (depth 1) /a", get(Some("INBOX"), None, Depth::One, &["/a"])),
        ("GETMETADATA INBOX (/depth)", get(Some("INBOX"), None, Depth::Zero, &["/depth"])),
        (
            "SETMETADATA \"\" (/private/a NIL \"/private/B\" \"x\" /private/c ~{3+}\r\n\0\r\n)",
            Command::SetMetadata {
                mailbox: None,
                entries: vec![
                    ("/private/a".to_owned(), None),
                    ("/private/b".to_owned(), Some(b"x".to_vec())),
                    ("/private/c".to_owned(), Some(b"\0\r\n".to_vec())),
                ],
            },
        ),
    ]);
}
