use postern_model::record::Folders;
use postern_model::{MailboxId, MailboxName, SpecialUse, Timestamp, UidValidity};
use proptest::prelude::*;

use super::list::{Listed, Wanted, listed, lsub};
use super::*;
use crate::Refusal;

const CREATED: Timestamp = Timestamp(1_772_366_400_000_000);
const NOW: Timestamp = Timestamp(CREATED.0 + 86_400_000_000);

fn name(text: &str) -> MailboxName {
    MailboxName::parse(text).expect("a folder's name")
}

/// `a 16, b -` for a folder with a number and a name that only holds others; those on paper are left out.
fn spelled(folders: &Folders) -> String {
    let own = folders.folders.iter().filter(|folder| folder.id.is_none_or(|id| id >= MailboxId::FIRST_OWN));
    let one = |folder: &NamedFolder| {
        format!("{} {}", folder.name, folder.id.map_or("-".to_owned(), |id| id.0.to_string()))
    };
    own.map(one).collect::<Vec<_>>().join(", ")
}

/// One line of a table: what is done, and what comes of it.
fn step(folders: &Folders, line: &str) -> Result<Folders, Refusal> {
    let words: Vec<&str> = line.split(' ').collect();
    match words[..] {
        ["create", of] => create(folders, &name(of), &[], NOW).map(|(new, ..)| new),
        ["delete", of] => delete(folders, &name(of)).map(|(new, _)| new),
        ["rename", from, to] => rename(folders, &name(from), &name(to), NOW).map(|(new, _)| new),
        ["subscribe", of] => subscribe(folders, &name(of), true),
        ["unsubscribe", of] => subscribe(folders, &name(of), false),
        _ => panic!("{line}?"),
    }
}

fn after(lines: &[&str]) -> Folders {
    let steps = lines.iter();
    steps.fold(on_paper("en", CREATED), |folders, line| step(&folders, line).expect("it is done"))
}

/// What any order of operations keeps.
fn assert_sound(folders: &Folders) {
    assert!(folders.folders.is_sorted_by(|a, b| a.name < b.name), "in order, and each name once");
    assert!(folders.subscribed.is_sorted_by(|a, b| a < b));
    let mut ids: Vec<MailboxId> = folders.folders.iter().filter_map(|folder| folder.id).collect();
    ids.sort_unstable();
    assert!(ids.is_sorted_by(|a, b| a < b) && ids.iter().all(|id| *id < folders.next));
    for folder in &folders.folders {
        let parent = folder.name.parent();
        assert!(parent.is_none_or(|parent| find(folders, &parent).is_some()), "{} hangs", folder.name);
        assert!(folder.id.is_some() || children(folders, &folder.name).next().is_some());
    }
    assert_eq!(find(folders, &name("inbox")).and_then(|inbox| inbox.id), Some(MailboxId::INBOX));
}

#[test]
fn folders_on_paper_speak_the_accounts_language_and_keep_their_numbers() {
    for (language, names) in [
        (
            "en",
            "Archive 3 \\Archive, Drafts 5 \\Drafts, INBOX 1, Junk 6 \\Junk, Sent 4 \\Sent, Trash 2 \\Trash",
        ),
        (
            "lv",
            "Arhīvs 3 \\Archive, INBOX 1, Melnraksti 5 \\Drafts, Miskaste 2 \\Trash, Mēstules 6 \\Junk, \
             Nosūtītās 4 \\Sent",
        ),
        (
            "ru",
            "INBOX 1, Архив 3 \\Archive, Корзина 2 \\Trash, Отправленные 4 \\Sent, Спам 6 \\Junk, \
             Черновики 5 \\Drafts",
        ),
    ] {
        let folders = on_paper(language, CREATED);
        let spelled = folders.folders.iter().map(|folder| {
            let uses: String = folder.uses.iter().map(|of| format!(" {}", of.attribute())).collect();
            format!("{} {}{uses}", folder.name, folder.id.expect("a folder").0)
        });
        assert_eq!(spelled.collect::<Vec<_>>().join(", "), names);
        assert!(folders.folders.iter().all(|folder| is_subscribed(&folders, &folder.name)));
        assert_sound(&folders);
    }
    assert_eq!(on_paper("xx", CREATED), on_paper("en", CREATED));
}

#[test]
fn what_becomes_of_names() {
    for (before, line, then) in [
        (&[][..], "create a", "a 16"),
        (&[], "create a/b/c", "a 16, a/b 17, a/b/c 18"),
        (&[], "create INBOX/x", "INBOX/x 16"),
        (&["create a/b"], "delete a/b", "a 16"),
        (&["create a/b"], "delete a", "a -, a/b 17"),
        (&["create a/b", "delete a"], "create a", "a 18, a/b 17"),
        (&["create a/b", "delete a"], "create a/c", "a -, a/b 17, a/c 18"),
        (&["create a/b/c", "delete a", "delete a/b"], "delete a/b/c", ""),
        (&["create a"], "rename a b", "b 16"),
        (&["create a/b", "create a.b"], "rename a c/d", "a.b 18, c 19, c/d 16, c/d/b 17"),
        (&["create a/b"], "rename a/b a/c", "a 16, a/c 17"),
        (&["create a/b", "delete a"], "rename a/b c", "c 17"),
        (&["create a/b", "delete a"], "rename a c", "c -, c/b 17"),
        (&["create a/b", "delete a"], "rename a/b a/c/d", "a -, a/c 18, a/c/d 17"),
        (&["create a"], "rename inbox b/c", "a 16, b 17, b/c 18"),
        (&["create INBOX/x"], "rename inbox b", "INBOX/x 16, b 17"),
        (&[], "rename Trash Bin", ""),
    ] {
        let before = after(before);
        let folders = step(&before, line).unwrap_or_else(|refusal| panic!("{line}: {refusal:?}"));
        assert_eq!(spelled(&folders), then, "{line}");
        assert_eq!(folders.version, before.version + 1);
        assert_sound(&folders);
    }
}

#[test]
fn what_is_refused() {
    let deep = "x/".repeat(19) + "y";
    let deeper = format!("rename a {deep}");
    let long = format!("rename a {}", "z".repeat(511));
    for (before, line, refusal) in [
        (&[][..], "create inbox", Refusal::FolderExists),
        (&[], "create Sent", Refusal::FolderExists),
        (&["create a/b"], "create a", Refusal::FolderExists),
        (&[], "delete Inbox", Refusal::InboxStays),
        (&[], "delete a", Refusal::NoSuchFolder),
        (&["create a/b", "delete a"], "delete a", Refusal::HasChildren),
        (&[], "rename a b", Refusal::NoSuchFolder),
        (&["create a"], "rename a Sent", Refusal::FolderExists),
        (&["create a"], "rename a a", Refusal::FolderExists),
        (&["create a"], "rename a inbox", Refusal::FolderExists),
        (&["create a", "create b/c", "delete b"], "rename a b", Refusal::FolderExists),
        (&["create a"], "rename inbox a", Refusal::FolderExists),
        (&["create a"], "rename a a/b/c", Refusal::FolderInItself),
        (&["create a/b"], &*deeper, Refusal::BadFolderName(postern_model::imap::BadName::TooDeep)),
        (&["create a/b"], &*long, Refusal::BadFolderName(postern_model::imap::BadName::TooLong)),
    ] {
        assert_eq!(step(&after(before), line), Err(refusal), "{line}");
    }
}

#[test]
fn a_use_belongs_to_one_folder_and_goes_with_it() {
    let folders = on_paper("lv", CREATED);
    let made = |folders: &Folders, uses: &[SpecialUse]| create(folders, &name("x"), uses, NOW);
    for taken in [SpecialUse::Sent, SpecialUse::All, SpecialUse::Flagged, SpecialUse::Important] {
        assert_eq!(made(&folders, &[taken]), Err(Refusal::UseTaken), "{taken:?}");
    }
    let (folders, id) = delete(&folders, &name("Miskaste")).expect("it is no INBOX");
    assert_eq!((id, of_use(&folders, SpecialUse::Trash)), (MailboxId::TRASH, None));
    assert!(is_subscribed(&folders, &name("Miskaste")), "no subscription is ended by itself");
    let (folders, id, _) = made(&folders, &[SpecialUse::Trash, SpecialUse::Trash]).expect("it is free now");
    assert_eq!(of_use(&folders, SpecialUse::Trash).and_then(|folder| folder.id), Some(id));
    let (folders, renamed) = rename(&folders, &name("x"), &name("y"), NOW).expect("renamed");
    assert_eq!(renamed, Renamed::Kept);
    assert_eq!(
        of_id(&folders, id).map(|folder| (&*folder.uses, &folder.name)),
        Some((&[SpecialUse::Trash][..], &name("y")))
    );
}

#[test]
fn no_number_and_no_uid_validity_comes_twice() {
    let before = on_paper("en", CREATED);
    let on_paper: Vec<UidValidity> = before
        .folders
        .iter()
        .map(|folder| uid_validity_on_paper(CREATED, folder.id.expect("a folder")))
        .collect();
    // Made in the second of the account's own making, and in one second all of them.
    let (first, id, validity) = create(&before, &name("a/b"), &[], CREATED).expect("made");
    assert!(on_paper.iter().all(|known| *known < validity));
    let both = made(&before, &first);
    assert_eq!(both, [(MailboxId(16), UidValidity(validity.0 - 1)), (id, validity)]);
    let (gone, _) = delete(&first, &name("a/b")).expect("deleted");
    assert_eq!(made(&first, &gone), []);
    let (again, new_id, new_validity) = create(&gone, &name("a/b"), &[], CREATED).expect("made again");
    assert!(new_id > id && new_validity > validity);
    let (_, renamed) = rename(&again, &MailboxName::inbox(), &name("c"), NOW).expect("renamed");
    let seconds = u32::try_from(NOW.seconds()).expect("a day of this century");
    assert_eq!(renamed, Renamed::InboxInto(MailboxId(19), UidValidity(seconds)));
}

#[test]
fn folders_and_subscriptions_are_bounded() {
    let mut folders = on_paper("en", CREATED);
    while folders.folders.len() < Folders::MOST {
        let new = name(&format!("f{}", folders.folders.len()));
        folders = create(&folders, &new, &[], NOW).expect("room").0;
    }
    let refused = Refusal::TooManyFolders { limit: 1_000 };
    assert_eq!(step(&folders, "create one"), Err(refused.clone()));
    assert_eq!(step(&folders, "rename f7 one/more"), Err(refused.clone()));
    assert_eq!(step(&folders, "rename inbox one"), Err(refused));
    assert!(step(&folders, "rename f7 one").is_ok());
    for n in folders.subscribed.len()..Folders::MOST_SUBSCRIBED {
        folders = subscribe(&folders, &name(&format!("s{n}")), true).expect("room");
    }
    assert_eq!(step(&folders, "subscribe one"), Err(Refusal::TooManyFolders { limit: 2_000 }));
    assert_eq!(step(&folders, "subscribe inbox").expect("it is"), folders);
    assert_eq!(step(&folders, "unsubscribe one").expect("it is not"), folders);
    assert!(!is_subscribed(&step(&folders, "unsubscribe INBOX").expect("ended"), &MailboxName::inbox()));
}

/// A name with what is said of it: `a/b +` has children, `-` only holds others, `!` is not there, `s` is subscribed,
/// `^` holds what was chosen.
fn shown(listed: &[Listed]) -> String {
    let one = |of: &Listed| {
        let marks = [
            (of.has_children, '+'),
            (of.id.is_none() && !of.non_existent, '-'),
            (of.non_existent, '!'),
            (of.subscribed, 's'),
            (of.child_info, '^'),
        ];
        let marks: String = marks.iter().filter(|(is, _)| *is).map(|(_, mark)| *mark).collect();
        format!("{} {marks}", of.name).trim_end().to_owned()
    };
    listed.iter().map(one).collect::<Vec<_>>().join(", ")
}

fn some_folders() -> Folders {
    let mut folders = after(&[
        "create INBOX/in",
        "create a/b/c",
        "create a.x",
        "create d/e",
        "delete d",
        "subscribe a/b/c",
        "subscribe gone/x",
        "subscribe d/e",
    ]);
    for paper in ["Archive", "Drafts", "Junk"] {
        folders = delete(&folders, &name(paper)).expect("it is there").0;
        folders = subscribe(&folders, &name(paper), false).expect("fewer");
    }
    folders
}

#[test]
fn list_shows_what_the_patterns_and_options_choose() {
    let folders = some_folders();
    for (reference, patterns, options, then) in [
        ("", "*", "", "INBOX +s, INBOX/in, Sent s, Trash s, a +, a.x, a/b +, a/b/c s, d +-, d/e s"),
        ("", "%", "", "INBOX +s, Sent s, Trash s, a +, a.x, d +-"),
        ("", "inBox", "", "INBOX +s"),
        ("", "inb%/%", "", "INBOX/in"),
        ("", "INBOX/IN", "", ""),
        ("", "sent", "", ""),
        ("a/", "%", "", "a/b +"),
        ("a", "*c", "", "a/b/c s"),
        ("", "a%", "", "a +, a.x"),
        ("", "*/%", "", "INBOX/in, a/b +, a/b/c s, d/e s"),
        ("", "%/%/%", "", "a/b/c s"),
        ("", "a|%e%|a", "", "Sent s, a +"),
        ("", "", "", ""),
        ("", "*", "s", "INBOX +s, Sent s, Trash s, a/b/c s, d/e s, gone/x !s"),
        ("", "%", "s", "INBOX +s, Sent s, Trash s"),
        ("", "%", "sr", "INBOX +s, Sent s, Trash s, a +^, d +-^, gone !^"),
        ("", "*", "sr", "INBOX +s, Sent s, Trash s, a +^, a/b +^, a/b/c s, d +-^, d/e s, gone !^, gone/x !s"),
        ("", "*", "u", "Sent s, Trash s"),
        ("", "*", "su", "Sent s, Trash s"),
    ] {
        let patterns: Vec<String> = patterns.split('|').map(str::to_owned).collect();
        let wanted = Wanted {
            reference,
            patterns: &patterns,
            subscribed: options.contains('s'),
            special_use: options.contains('u'),
            recursive_match: options.contains('r'),
        };
        assert_eq!(shown(&listed(&folders, &wanted)), then, "{reference:?} {patterns:?} {options}");
    }
}

#[test]
fn lsub_shows_where_subscriptions_lie() {
    let folders = some_folders();
    for (reference, pattern, then) in [
        ("", "*", "INBOX, Sent, Trash, a/b/c, d/e, gone/x"),
        ("", "%", "INBOX, Sent, Trash, a -, d -, gone -"),
        ("", "a/%", "a/b -"),
        ("a/", "%/%", "a/b/c"),
        ("", "inbox", "INBOX"),
    ] {
        let names = lsub(&folders, reference, pattern);
        let names = names.iter().map(|of| format!("{}{}", of.name, if of.only_holds { " -" } else { "" }));
        assert_eq!(names.collect::<Vec<_>>().join(", "), then, "{reference:?} {pattern:?}");
    }
}

/// The meaning of a pattern in the fewest words.
fn plainly(pattern: &[u8], name: &[u8]) -> bool {
    match (pattern.split_first(), name.split_first()) {
        (None, rest) => rest.is_none(),
        (Some((b'*', after)), rest) => {
            plainly(after, name) || rest.is_some_and(|(_, rest)| plainly(pattern, rest))
        }
        (Some((b'%', after)), rest) => {
            plainly(after, name) || rest.is_some_and(|(octet, rest)| *octet != b'/' && plainly(pattern, rest))
        }
        (Some((literal, after)), Some((octet, rest))) => literal == octet && plainly(after, rest),
        (Some(_), None) => false,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2_000) })]

    #[test]
    fn a_pattern_means_what_it_says(pattern in "[ab/*%]{0,9}", of in "[ab](/?[ab]){0,6}") {
        let mut folders = on_paper("en", CREATED);
        folders.folders = vec![NamedFolder { name: name(&of), id: Some(MailboxId(16)), uses: Vec::new() }];
        let wanted = Wanted { patterns: std::slice::from_ref(&pattern), ..Wanted::default() };
        let shown = listed(&folders, &wanted).len() == 1;
        prop_assert_eq!(shown, plainly(pattern.as_bytes(), of.as_bytes()));
    }

    #[test]
    fn any_order_of_operations_leaves_a_sound_tree(
        steps in proptest::collection::vec((0..5_u8, "[ab](/[ab]){0,2}|INBOX|Sent", "[ab](/[ab]){0,2}"), 0..25)
    ) {
        let mut folders = on_paper("en", CREATED);
        for (kind, one, other) in steps {
            let line = match kind {
                0 | 1 => format!("create {one}"),
                2 => format!("delete {one}"),
                3 => format!("rename {one} {other}"),
                _ => format!("subscribe {one}"),
            };
            if let Ok(new) = step(&folders, &line) {
                prop_assert!(new.next >= folders.next && new.last_uid_validity >= folders.last_uid_validity);
                folders = new;
            }
            assert_sound(&folders);
        }
    }
}

/// With backtracking this would not end.
#[test]
fn a_pattern_of_many_wildcards_is_no_burden() {
    let mut folders = on_paper("en", CREATED);
    folders.folders =
        vec![NamedFolder { name: name(&"a".repeat(512)), id: Some(MailboxId(16)), uses: Vec::new() }];
    let patterns = ["*a%a".repeat(100) + "b", "%a".repeat(511) + "a*"];
    let shown = |pattern: &String| {
        listed(&folders, &Wanted { patterns: std::slice::from_ref(pattern), ..Wanted::default() }).len()
    };
    assert_eq!(patterns.iter().map(shown).collect::<Vec<_>>(), [0, 1]);
}
