//! What FETCH, STORE and their like are about, and what NOTIFY tells.

use postern_model::imap::{Flags, ModSeq};
use postern_policy::folder::FlagMode;

use super::commands::{check, keyword, meaning, name, nz, set};
use crate::imap::grammar::{
    Command, Fetch, FetchItem, Notify, NotifyEvent, NotifyGroup, Numbering, PartialRange, Section,
    SectionFetch, SectionText, Source, Store, Targets,
};

fn section(part: &[u32], text: SectionText) -> SectionFetch {
    SectionFetch {
        section: Section { part: part.to_vec(), text },
        peek: false,
        partial: None,
        old_name: None,
    }
}

fn fetch(items: Vec<FetchItem>) -> Command {
    Command::Fetch(Numbering::Sequence, set(&[(1, 1)]), Fetch { items, ..Fetch::default() })
}

#[test]
fn what_fetch_tells() {
    use FetchItem::*;
    let fast = || vec![Flags, InternalDate, Rfc822Size];
    let all = || [fast(), vec![Envelope]].concat();
    check(vec![
        ("FETCH 1 fast", fetch(fast())),
        ("FETCH 1 ALL", fetch(all())),
        ("FETCH 1 FULL", fetch([all(), vec![Body]].concat())),
        ("FETCH 1 FLAGS", fetch(vec![Flags])),
        ("FETCH 1 (flags)", fetch(vec![Flags])),
        (
            "FETCH 1 (UID FLAGS INTERNALDATE SAVEDATE RFC822.SIZE ENVELOPE BODYSTRUCTURE BODY MODSEQ EMAILID THREADID)",
            fetch(vec![
                Uid,
                Flags,
                InternalDate,
                SaveDate,
                Rfc822Size,
                Envelope,
                BodyStructure,
                Body,
                ModSeq,
                EmailId,
                ThreadId,
            ]),
        ),
        ("FETCH 1 PREVIEW", fetch(vec![Preview { lazy: false }])),
        ("FETCH 1 (PREVIEW (LAZY) UID)", fetch(vec![Preview { lazy: true }, Uid])),
        (
            "FETCH 1 (BINARY[1.2] BINARY.PEEK[]<7.9> BINARY.SIZE[3])",
            fetch(vec![
                Binary { part: vec![1, 2], peek: false, partial: None },
                Binary { part: vec![], peek: true, partial: Some((7, nz(9))) },
                BinarySize { part: vec![3] },
            ]),
        ),
    ]);
}

#[test]
fn sections_of_a_letter() {
    use SectionText::*;
    let names = |names: &[&str]| names.iter().map(|name| name.as_bytes().to_vec()).collect::<Vec<_>>();
    let old = |text, peek, name| SectionFetch { peek, old_name: Some(name), ..section(&[], text) };
    let peek = |section| SectionFetch { peek: true, ..section };
    for (text, want) in [
        ("BODY[]", section(&[], All)),
        ("body.peek[]", peek(section(&[], All))),
        ("BODY[]<0.1000>", SectionFetch { partial: Some((0, nz(1000))), ..section(&[], All) }),
        ("BODY[1.22]", section(&[1, 22], All)),
        ("BODY[1.MIME]", section(&[1], Mime)),
        ("BODY[4.1.text]", section(&[4, 1], Text)),
        ("BODY[HEADER]", section(&[], Header)),
        ("BODY[HEADER.FIELDS (From \"X-Y\")]", section(&[], HeaderFields(names(&["From", "X-Y"])))),
        ("BODY.PEEK[2.HEADER.FIELDS.NOT ({2+}\r\nTo)]", peek(section(&[2], HeaderFieldsNot(names(&["To"]))))),
        ("RFC822", old(All, false, "RFC822")),
        ("rfc822.header", old(Header, true, "RFC822.HEADER")),
        ("RFC822.TEXT", old(Text, false, "RFC822.TEXT")),
    ] {
        assert_eq!(meaning(&format!("FETCH 1 {text}")), fetch(vec![FetchItem::Section(want)]), "{text}");
    }
}

#[test]
fn which_letters_fetch_tells_of() {
    let fetch = |targets, fetch| Command::Fetch(Numbering::Uid, targets, fetch);
    let flags = || Fetch { items: vec![FetchItem::Flags], ..Fetch::default() };
    let range = |low, high, from_end| Some(PartialRange { low: nz(low), high: nz(high), from_end });
    check(vec![
        ("UID FETCH 1:*,7,*:3 FLAGS", fetch(set(&[(1, 0), (7, 7), (0, 3)]), flags())),
        ("UID FETCH $ FLAGS", fetch(Targets::Saved, flags())),
        (
            "UID FETCH 1 FLAGS (CHANGEDSINCE 0 VANISHED)",
            fetch(set(&[(1, 1)]), Fetch { changed_since: Some(ModSeq(0)), vanished: true, ..flags() }),
        ),
        (
            "UID FETCH 1 FLAGS (PARTIAL 10:1)",
            fetch(set(&[(1, 1)]), Fetch { partial: range(1, 10, false), ..flags() }),
        ),
        (
            "UID FETCH 1 (FLAGS) (PARTIAL -1:-30 CHANGEDSINCE 98305)",
            fetch(
                set(&[(1, 1)]),
                Fetch { partial: range(1, 30, true), changed_since: Some(ModSeq(98_305)), ..flags() },
            ),
        ),
        (
            "UID FETCH 1 PREVIEW (CHANGEDSINCE 5)",
            fetch(
                set(&[(1, 1)]),
                Fetch {
                    items: vec![FetchItem::Preview { lazy: false }],
                    changed_since: Some(ModSeq(5)),
                    ..flags()
                },
            ),
        ),
    ]);
}

#[test]
fn letters_of_the_selected_folder() {
    use Numbering::{Sequence, Uid as ByUid};
    let store =
        |mode| Store { mode, silent: false, flags: Flags::SEEN, keywords: vec![], unchanged_since: None };
    check(vec![
        (r"STORE 1 FLAGS (\Seen)", Command::Store(Sequence, set(&[(1, 1)]), store(FlagMode::Replace))),
        (r"STORE 1 +flags \Seen", Command::Store(Sequence, set(&[(1, 1)]), store(FlagMode::Add))),
        (
            r"UID STORE $ -FLAGS.SILENT \Seen $Junk",
            Command::Store(
                ByUid,
                Targets::Saved,
                Store { silent: true, keywords: vec![keyword("$Junk")], ..store(FlagMode::Remove) },
            ),
        ),
        (
            r"STORE 1 (UNCHANGEDSINCE 12121230045) FLAGS.SILENT ()",
            Command::Store(
                Sequence,
                set(&[(1, 1)]),
                Store {
                    silent: true,
                    flags: Flags::default(),
                    unchanged_since: Some(ModSeq(12_121_230_045)),
                    ..store(FlagMode::Replace)
                },
            ),
        ),
        ("COPY 2:4 x", Command::Copy(Sequence, set(&[(2, 4)]), name("x"))),
        ("UID COPY $ x", Command::Copy(ByUid, Targets::Saved, name("x"))),
        ("UID MOVE 42:69 x", Command::Move(ByUid, set(&[(42, 69)]), name("x"))),
        ("MOVE 1 x", Command::Move(Sequence, set(&[(1, 1)]), name("x"))),
        ("UID EXPUNGE 3000:3002", Command::Expunge(Some(set(&[(3000, 3002)])))),
        ("UIDBATCHES 2000", Command::UidBatches { size: nz(2000), range: None }),
        ("UIDBATCHES 500 2:1", Command::UidBatches { size: nz(500), range: Some((nz(1), nz(2))) }),
    ]);
}

#[test]
fn notify() {
    use NotifyEvent::*;
    let group = |source, events| NotifyGroup { source, events };
    let header = SectionFetch { peek: true, ..section(&[], SectionText::Header) };
    check(vec![("NOTIFY NONE", Command::Notify(Notify::None))]);
    check(vec![(
        "NOTIFY SET STATUS (selected-delayed (MessageNew (UID BODY.PEEK[HEADER]) MessageExpunge FlagChange)) \
         (subtree (a b) (MailboxName SubscriptionChange)) (mailboxes INBOX NONE) (personal (messagenew Fancy)) \
         (inboxes (AnnotationChange)) (subscribed (MailboxMetadataChange ServerMetadataChange))",
        Command::Notify(Notify::Set {
            status: true,
            groups: vec![
                group(
                    Source::SelectedDelayed,
                    vec![
                        MessageNew(vec![FetchItem::Uid, FetchItem::Section(header)]),
                        MessageExpunge,
                        FlagChange,
                    ],
                ),
                group(Source::Subtree(vec![name("a"), name("b")]), vec![MailboxName, SubscriptionChange]),
                group(Source::Mailboxes(vec![name("INBOX")]), vec![]),
                group(Source::Personal, vec![MessageNew(vec![]), Unknown("FANCY".to_owned())]),
                group(Source::Inboxes, vec![AnnotationChange]),
                group(Source::Subscribed, vec![MailboxMetadataChange, ServerMetadataChange]),
            ],
        }),
    )]);
}
