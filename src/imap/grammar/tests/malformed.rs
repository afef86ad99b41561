//! What no grammar has: the answer names the place and what should stand there.

use proptest::prelude::*;

use crate::imap::grammar::parse;

/// Lines, with `^` before the octet at which they go wrong, and a word of what is said.
const TABLE: &[(&str, &str)] = &[
    ("^", "a tag"),
    ("^+ NOOP", "a tag"),
    ("^(a) NOOP", "a tag"),
    ("a^", "a space"),
    ("a^\tNOOP", "a space"),
    ("a ^", "a command's name"),
    ("a ^ NOOP", "a command's name"),
    ("a ^FOO bar", "a command's name"),
    ("a NOOP^ x", "an end of line"),
    ("a NOOP^\0", "an end of line"),
    ("a UID^", "a space"),
    ("a UID ^NOOP", "a command of UID"),
    ("a UID ^EXPUNG 1", "a command of UID"),
    ("a LOGIN^", "a space"),
    ("a LOGIN ^", "a user name"),
    ("a LOGIN x^", "a space"),
    ("a LOGIN x ^ ", "a password"),
    ("a LOGIN x ^(y)", "a password"),
    ("a LOGIN x \"y^", "a closing quote"),
    ("a LOGIN x \"y\\^n\"", "backslash"),
    ("a LOGIN x \"y^\0\"", "a closing quote"),
    ("a LOGIN x y^ z", "an end of line"),
    ("a LOGIN x ^{x}", "a password"),
    ("a LOGIN {3+}\r\nx^\0y z", "NUL"),
    ("a AUTHENTICATE PLAIN abc^*", "an end of line"),
    ("a ID (\"name\"^)", "a space"),
    ("a ID (^\"0123456789012345678901234567890\" NIL)", "30 octets"),
    ("a ENABLE ^", "a capability"),
    ("a SELECT ^\"\"", "not empty"),
    ("a SELECT ^a//b", "empty level"),
    ("a SELECT ^R&D", "modified UTF-7"),
    ("a SELECT ^\"a\tb\"", "control characters"),
    ("a SELECT x^(CONDSTORE)", "an end of line"),
    ("a SELECT x (^FOO)", "CONDSTORE or QRESYNC"),
    ("a SELECT x (^)", "an item"),
    ("a SELECT x (QRESYNC (^0 1))", "UIDVALIDITY"),
    ("a SELECT x (QRESYNC (1 1 ^1:*))", "without *"),
    ("a SELECT x (QRESYNC (1 1 ^(1:3 4:5)))", "as many"),
    ("a CREATE x (USE (^\\Foo))", "a special use"),
    ("a RENAME x^", "a space"),
    ("a STATUS x (^FOO)", "an item of STATUS"),
    ("a STATUS x (^)", "an item"),
    ("a STATUS x (MESSAGES^", "a closing parenthesis"),
    ("a LIST ^(RECURSIVEMATCH) \"\" *", "SUBSCRIBED or SPECIAL-USE"),
    ("a LIST \"\" * RETURN (^FOO)", "a return option"),
    ("a LIST \"\" \"a^\n\"", "a closing quote"),
    ("a LIST \"\" ^{1+}\r\n\n", "without control"),
    ("a APPEND x ^y", "the letter"),
    ("a APPEND x (\\Seen)^{3}\r\n", "a space"),
    ("a APPEND x (^\\Foo) {3}\r\n", "a flag"),
    ("a APPEND x \"^31-Feb-2026 00:00:00 +0000\" {3}\r\n", "a date"),
    ("a APPEND x \"^1-Jan-26 00:00:00 +0000\" {3}\r\n", "a date"),
    ("a APPEND x \"01-Jan-2026 ^24:00:00 +0000\" {3}\r\n", "a time"),
    ("a APPEND x \"01-Jan-2026 00:00:00 ^+2400\" {3}\r\n", "a time zone"),
    ("a APPEND x \"01-Jan-2026 00:00:00 ^UTC\" {3}\r\n", "a time zone"),
    ("a APPEND x CATENATE (^FOO)", "TEXT or URL"),
    ("a REPLACE 1^:2 x {3}\r\n", "a space"),
    ("a FETCH ^0 FLAGS", "a set of numbers"),
    ("a FETCH ^4294967296 FLAGS", "a set of numbers"),
    ("a FETCH 1,^ FLAGS", "a set of numbers"),
    ("a FETCH 1:^ FLAGS", "a set of numbers"),
    ("a FETCH 1 ^FOO", "an item of FETCH"),
    ("a FETCH 1 BODY^ []", "an end of line"),
    ("a FETCH 1 BODY[^MIME]", "TEXT"),
    ("a FETCH 1 BODY[1.^]", "TEXT"),
    ("a FETCH 1 BODY[^0]", "a part's number"),
    ("a FETCH 1 BODY[HEADER.FIELDS (^)]", "an item"),
    ("a FETCH 1 BODY[HEADER.FIELDS (\"a^\r\nb\")]", "a closing quote"),
    ("a FETCH 1 BODY[HEADER.FIELDS (^{3+}\r\na\r\n)]", "a header field's name"),
    ("a FETCH 1 BODY[]<0^>", "a full stop"),
    ("a FETCH 1 BODY[]<0.^0>", "a count"),
    ("a FETCH 1 BINARY[1.^]", "a part's number"),
    ("a FETCH 1 FLAGS ^(CHANGEDSINCE 1 VANISHED)", "UID FETCH"),
    ("a UID FETCH 1 FLAGS ^(VANISHED)", "CHANGEDSINCE"),
    ("a UID FETCH 1 FLAGS (PARTIAL -1:^5)", "a minus sign"),
    ("a STORE 1 ^FOO \\Seen", "FLAGS"),
    ("a STORE 1 +FLAGS ^\\*", "a flag"),
    ("a STORE 1 +FLAGS ^", "a flag"),
    ("a COPY 1^", "a space"),
    ("a SEARCH ^", "a search key"),
    ("a SEARCH ^FOO", "a search key"),
    ("a SEARCH (^)", "an item"),
    ("a SEARCH (ALL^", "a closing parenthesis"),
    ("a SEARCH NOT^", "a space"),
    ("a SEARCH OR ALL^", "a space"),
    ("a SEARCH SINCE 2026-^01-01", "a date"),
    ("a SEARCH LARGER ^-1", "a size"),
    ("a SEARCH LARGER ^9223372036854775808", "a size"),
    ("a SEARCH OLDER ^0", "seconds"),
    ("a SEARCH EMAILID ^a.b", "identifier"),
    ("a SEARCH RETURN ^(ALL PARTIAL 1:2) ALL", "not both"),
    ("a SEARCH RETURN (^FOO) ALL", "a return option"),
    ("a SORT ^ALL UTF-8 ALL", "parenthesis"),
    ("a SORT (^FOO) UTF-8 ALL", "a sort key"),
    ("a THREAD ^REFS UTF-8 ALL", "ORDEREDSUBJECT"),
    ("a ESEARCH IN (^selected-delayed) ALL", "which folders"),
    ("a GETMETADATA x ^comment", "an entry's name"),
    ("a GETMETADATA x ^/a//b", "an entry's name"),
    ("a GETMETADATA x ^\"/a/*\"", "an entry's name"),
    ("a GETMETADATA (^FOO 1) x /a", "MAXSIZE"),
    ("a SETMETADATA x (/a ^b)", "a value"),
    ("a SETQUOTA \"\" (STORAGE ^x)", "a limit"),
    ("a NOTIFY ^FOO", "SET or NONE"),
    ("a NOTIFY SET (^foo NONE)", "which folders"),
    ("a UIDBATCHES ^0", "a count of letters"),
    ("a UIDBATCHES 5 1^", "a colon"),
];

#[test]
fn the_place_and_what_should_stand_there_are_named() {
    for (marked, word) in TABLE {
        let at = marked.find('^').expect("a mark");
        let line = format!("{}\r\n", marked.replacen('^', "", 1));
        let failure = parse(line.as_bytes(), false).expect_err(marked);
        assert_eq!(failure.at, at, "{marked}: {failure:?}");
        assert!(failure.expected.contains(word), "{marked}: {failure:?}");
        let tagged = marked.starts_with("a ") || *marked == "a^";
        assert_eq!(failure.tag.as_ref().map(|tag| tag.as_str()), tagged.then_some("a"), "{marked}");
    }
}

#[test]
fn nesting_and_lists_are_bounded() {
    for (line, word) in [
        (format!("a SEARCH {}ALL", "NOT ".repeat(51)), "50 deep"),
        (format!("a SEARCH {}ALL{}", "(".repeat(51), ")".repeat(51)), "50 deep"),
        (format!("a SEARCH {}ALL", "OR ALL ".repeat(51)), "50 deep"),
        (format!("a SEARCH {}", ["ALL"; 1_001].join(" ")), "1,000"),
        (format!("a SEARCH {}", ["(ALL ALL)"; 400].join(" ")), "1,000"),
        (format!("a STATUS x ({})", ["SIZE"; 1_001].join(" ")), "1,000"),
        (format!("a FETCH {} FLAGS", ["1"; 10_001].join(",")), "10,000"),
        (format!("a FETCH 1 BODY[{}]", ["1"; 101].join(".")), "not so deep"),
        (format!("a APPEND x{}", " {1+}\r\n".repeat(1_001)), "1,000"),
        (format!("a ID ({})", ["a NIL"; 31].join(" ")), "30 fields"),
        (format!("a STORE 1 FLAGS {}", "k".repeat(101)), "100 octets"),
        (format!("a LIST \"\" \"{}\"", "x".repeat(1_025)), "1,024"),
    ] {
        let failure = parse(format!("{line}\r\n").as_bytes(), false).expect_err(word);
        assert!(failure.expected.contains(word), "{failure:?}");
    }
    assert!(parse(format!("a FETCH {} FLAGS\r\n", ["1"; 10_000].join(",")).as_bytes(), false).is_ok());
}

proptest! {
    #[test]
    fn nothing_that_comes_in_makes_it_panic(
        name in prop::sample::select(vec![
            "LOGIN ", "FETCH 1 ", "SEARCH ", "SORT ", "LIST ", "APPEND x ", "STORE 1 ", "NOTIFY SET ", "SELECT x ", "ID ",
            "GETMETADATA ", "ESEARCH ", "UID ", "SETMETADATA x ", "STATUS ", "UIDBATCHES ", "CREATE x ", "",
        ]),
        words in prop::collection::vec(prop_oneof![
            prop::sample::select(vec![
                "(", ")", " ", "[", "]", "<", ">", "1", ":", "*", ",", "$", "\"", "\\", "{1+}\r\n", "~{1+}\r\n", "x", ".",
                "FLAGS", "BODY", "BODY.PEEK", "RETURN", "ALL", "NOT", "OR", "HEADER.FIELDS", "\\Seen", "NIL", "UTF-8",
                "\"1-Jan-2026 00:00:00 +0000\"", "/a", "PARTIAL", "-1:-2", "&APY-", "99999999999999999999", "-", "+",
            ]).prop_map(|word| word.as_bytes().to_vec()),
            prop::collection::vec(any::<u8>(), 1..4),
        ], 0..24),
        utf8: bool,
    ) {
        let line = [b"a ", name.as_bytes(), &words.concat(), b"\r\n"].concat();
        if let Err(failure) = parse(&line, utf8) {
            prop_assert!(failure.at <= line.len());
        }
    }
}
