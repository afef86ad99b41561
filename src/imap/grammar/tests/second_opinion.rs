//! imap-codec's opinion of commands that it knows: it takes and refuses the same lines, and reads the same in them. Where
//! the two differ, the table says why.

use imap_codec::CommandCodec;
use imap_codec::decode::Decoder;
use imap_codec::imap_types::command::CommandBody;
use imap_codec::imap_types::fetch::MacroOrMessageDataItemNames;
use imap_codec::imap_types::flag::StoreResponse;
use imap_codec::imap_types::mailbox::Mailbox;

use crate::imap::grammar::{Command, Numbering, parse};

/// Lines of which both think the same.
const AGREED: &[&str] = &[
    "CAPABILITY",
    "noop",
    "NOOP x",
    "LOGOUT",
    "LOGIN ann \"a \\\"b\\\" c\"",
    "LOGIN ann",
    "LOGIN \"ann\" p]w",
    "LOGIN a(b c",
    "AUTHENTICATE PLAIN",
    "AUTHENTICATE PLAIN AGFubgBwYXNz",
    "SELECT inbox",
    "SELECT x (CONDSTORE)",
    "SELECT x (QRESYNC (67890007 20050715 41,43:211))",
    "SELECT x (QRESYNC (0 1))",
    "EXAMINE \"a b\"",
    "SELECT",
    "CREATE x",
    "DELETE \"x y\"",
    "RENAME a b",
    "RENAME a",
    "SUBSCRIBE x",
    "UNSUBSCRIBE x",
    "LIST \"\" *",
    "LIST a/ %",
    "LIST \"\"",
    "LSUB \"\" \"%\"",
    "NAMESPACE",
    "STATUS x (MESSAGES UIDNEXT UNSEEN)",
    "STATUS x (FOO)",
    "STATUS x MESSAGES",
    "CHECK",
    "CLOSE",
    "EXPUNGE",
    "UID EXPUNGE 1:*",
    "UNSELECT",
    "IDLE",
    "ENABLE CONDSTORE",
    "ENABLE",
    "COMPRESS DEFLATE",
    "ID NIL",
    "ID (\"name\" \"x\" \"os\" NIL)",
    "GETQUOTA \"\"",
    "GETQUOTAROOT INBOX",
    "SETQUOTA \"\" (STORAGE 512)",
    "GETMETADATA INBOX (/shared/a /private/b)",
    "FETCH 1:*,5 FULL",
    "FETCH 1 (FLAGS UID BODY.PEEK[HEADER.FIELDS (From To)])",
    "FETCH 1 BODY[1.2.MIME]<0.10>",
    "FETCH 1 BODY[MIME]",
    "FETCH 1 (RFC822 RFC822.SIZE RFC822.HEADER RFC822.TEXT)",
    "FETCH 1 BINARY.PEEK[1]",
    "FETCH 0 FLAGS",
    "FETCH 1 FOO",
    "FETCH 1, FLAGS",
    "UID FETCH 1 FLAGS (CHANGEDSINCE 5)",
    "STORE 1 FLAGS (\\Seen $Junk)",
    "STORE 1 +FLAGS \\Seen \\Deleted",
    "UID STORE 1 -FLAGS.SILENT ()",
    "STORE 1 FLAGS",
    "COPY 1 x",
    "UID COPY 1 x",
    "MOVE 1 x",
    "SEARCH ALL",
    "SEARCH OR SEEN NOT (FROM x TO y) SINCE 1-Feb-2026",
    "SEARCH CHARSET UTF-8 HEADER a b LARGER 5",
    "SEARCH YOUNGER 5",
    "SEARCH (ALL",
    "SEARCH SINCE 2026-02-01",
    "UID SEARCH 1:*",
    "SORT (REVERSE DATE SUBJECT) UTF-8 ALL",
    "THREAD REFERENCES UTF-8 ALL",
    "FOO",
    "UID NOOP",
];

/// Lines that are taken here and refused there.
const MORE_LIBERAL: &[(&str, &str)] = &[
    ("NOOP ", "spaces before the end of line"),
    ("UID EXPUNGE $", "RFC 9051 §6.4.4.1"),
    ("SEARCH RETURN (COUNT) ALL", "RFC 9051 §6.4.4"),
    ("LIST () \"\" *", "RFC 5258"),
    ("FETCH 1 PREVIEW", "RFC 8970"),
    ("STATUS x (MAILBOXID)", "RFC 8474"),
    ("CREATE x (USE (\\Sent))", "RFC 6154"),
    ("SEARCH ON \"1-Feb-2026\" EMAILID M1", "RFC 8474"),
];

/// Lines that are refused here and taken there.
const STRICTER: &[(&str, &str)] = &[
    ("SELECT a//b", "names that no folder can have"),
    ("SELECT R&D", "modified UTF-7 (RFC 3501 §5.1.3)"),
    ("STORE 1 FLAGS \\Foo", "flags that can't be kept"),
    ("UID FETCH 1 FLAGS (VANISHED)", "RFC 7162 §3.2.6"),
];

fn ours(line: &str) -> Option<Command> {
    parse(format!("a {line}\r\n").as_bytes(), false).ok().map(|tagged| tagged.command)
}

fn accepts(line: &str) -> bool {
    CommandCodec::default().decode(format!("a {line}\r\n").as_bytes()).is_ok_and(|(rest, _)| rest.is_empty())
}

#[test]
fn both_take_and_refuse_the_same() {
    for line in AGREED {
        assert_eq!(ours(line).is_some(), accepts(line), "{line}");
    }
    for (line, why) in MORE_LIBERAL {
        assert!(ours(line).is_some() && !accepts(line), "{line}: {why}");
    }
    for (line, why) in STRICTER {
        assert!(ours(line).is_none() && accepts(line), "{line}: {why}");
    }
}

#[test]
fn both_read_the_same() {
    let mut compared = 0;
    for line in AGREED {
        let text = format!("a {line}\r\n");
        let (Some(ours), Ok((_, theirs))) = (ours(line), CommandCodec::default().decode(text.as_bytes()))
        else {
            continue;
        };
        compared += usize::from(compare(line, &ours, &theirs.body));
    }
    assert!(compared > 15, "{compared} were compared");
}

/// Holds some fields against one another; `false`: none of this command's.
fn compare(line: &str, ours: &Command, theirs: &CommandBody<'_>) -> bool {
    match (ours, theirs) {
        (Command::Login { user, password }, CommandBody::Login { username, password: secret }) => {
            assert_eq!(user, username.as_ref(), "{line}");
            assert_eq!(**password, secret.declassify().as_ref(), "{line}");
        }
        (Command::Select(select), CommandBody::Select { mailbox, parameters }) => {
            assert_eq!(select.mailbox.as_str(), name(mailbox), "{line}");
            assert_eq!(select.condstore || select.qresync.is_some(), !parameters.is_empty(), "{line}");
        }
        (Command::Rename { from, to }, CommandBody::Rename { from: a, to: b }) => {
            assert_eq!((from.as_str(), to.as_str()), (&*name(a), &*name(b)), "{line}");
        }
        (Command::Status { items, .. }, CommandBody::Status { item_names, .. }) => {
            assert_eq!(items.len(), item_names.len(), "{line}");
        }
        (Command::Fetch(numbering, _, fetch), CommandBody::Fetch { macro_or_item_names, uid, .. }) => {
            let items = match macro_or_item_names {
                MacroOrMessageDataItemNames::Macro(name) => name.expand().len(),
                MacroOrMessageDataItemNames::MessageDataItemNames(items) => items.len(),
            };
            assert_eq!((fetch.items.len(), *numbering == Numbering::Uid), (items, *uid), "{line}");
        }
        (Command::Store(numbering, _, store), CommandBody::Store { response, flags, uid, .. }) => {
            let count = store.flags.0.count_ones() as usize + store.keywords.len();
            assert_eq!((count, *numbering == Numbering::Uid), (flags.len(), *uid), "{line}");
            assert_eq!(store.silent, matches!(response, StoreResponse::Silent), "{line}");
        }
        (Command::Copy(_, _, to), CommandBody::Copy { mailbox, .. })
        | (Command::Delete(to), CommandBody::Delete { mailbox }) => {
            assert_eq!(to.as_str(), name(mailbox), "{line}");
        }
        (Command::Search(_, search), CommandBody::Search { charset, .. }) => {
            assert_eq!(search.charset.is_some(), charset.is_some(), "{line}");
        }
        (Command::Sort(_, keys, _), CommandBody::Sort { sort_criteria, .. }) => {
            assert_eq!(keys.len(), sort_criteria.as_ref().len(), "{line}");
        }
        _ => return false,
    }
    true
}

fn name(mailbox: &Mailbox<'_>) -> String {
    match mailbox {
        Mailbox::Inbox => "INBOX".to_owned(),
        Mailbox::Other(other) => String::from_utf8_lossy(other.inner().as_ref()).into_owned(),
    }
}
