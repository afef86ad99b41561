//! An operator's templates: what they replace, and what stops the start (SPEC N2).

use std::fs;
use std::path::Path;

use fluent_bundle::FluentResource;
use fluent_syntax::ast::Entry;
use postern_model::record::NoticeKind;
use tempfile::TempDir;

use super::{LANGUAGES, body, facts, field, letter, notices, owed};
use crate::notices::vocabulary::{PARTS, ROWS, Shape, Values};
use crate::notices::{Notices, TemplateErrors};

fn load(files: &[(&str, &[u8])]) -> (TempDir, Result<Notices, TemplateErrors>) {
    let directory = tempfile::tempdir().expect("a directory");
    for (name, text) in files {
        fs::write(directory.path().join(name), text).expect("the file can be written");
    }
    let loaded = Notices::load(Some(directory.path()), facts());
    (directory, loaded)
}

/// What is wrong with an English file: `line: reason; cure`, without the directory.
fn wrong(text: &str) -> Vec<String> {
    let (directory, loaded) = load(&[("en.ftl", text.as_bytes())]);
    let errors = loaded.expect_err("something is wrong").to_string();
    let file = format!("{}:", directory.path().join("en.ftl").display());
    errors.lines().map(|line| line.strip_prefix(&file).expect("the file's name").to_owned()).collect()
}

#[test]
fn messages_of_the_operators_take_the_place_of_the_built_in_ones() {
    let lv = "\u{feff}-brand = Pasts\r\ngreeting = Sveiki no { -brand }!\r\nhelp =\r\n    Zvaniet 6700 0000\r\n    vai rakstiet.\r\n";
    let (_directory, loaded) = load(&[("lv.ftl", lv.as_bytes()), ("README", b"= not a template")]);
    let changed = loaded.expect("the file is sound");
    let shown = |notices, language| body(&letter(notices, &owed(NoticeKind::AccessClosed), language));
    let text = shown(&changed, "lv");
    assert!(text.starts_with("Sveiki no Pasts!\n\n"), "{text}");
    assert!(text.contains("\n\nZvaniet 6700 0000\nvai rakstiet.\n\n"), "{text}");
    assert!(text.contains("tika izslēgta pasta programmu piekļuve (POP3)"), "{text}");
    assert_eq!(shown(&changed, "ru"), shown(&notices(), "ru"));
}

#[test]
fn a_whole_notice_can_be_replaced() {
    let en = "access-closed =\n    .subject = Closed\n     again\n    .what = { $protocols }\n    .why = { $because }\n    .how = { steps-on }\n    .support = { help }\n";
    let (_directory, loaded) = load(&[("en.ftl", en.as_bytes())]);
    let letter = letter(&loaded.expect("the file is sound"), &owed(NoticeKind::AccessClosed), "en");
    assert_eq!(field(&letter, "Subject"), "Closed again");
    assert!(body(&letter).starts_with("Hello,\n\nPOP3\n\n1. Open"), "{}", body(&letter));
}

#[test]
fn an_empty_directory_changes_nothing() {
    let (_directory, loaded) = load(&[]);
    let same = letter(&loaded.expect("nothing is wrong"), &owed(NoticeKind::Inactive), "ru");
    assert_eq!(same, letter(&notices(), &owed(NoticeKind::Inactive), "ru"));
}

#[test]
fn what_can_not_be_parsed_is_named_by_file_and_line() {
    let text = "greeting = Hi\n\nhelp = { $support\n\npage = { $count ->\n    [one] x\n    }\nsender Mail\nhelp = a\n= b\n";
    let errors = wrong(text);
    let starts = [
        "3: can't be understood: Expected",
        "7: can't be understood: The select expression",
        "8: can't be understood: Expected",
        "10: can't be understood: Expected",
    ];
    assert_eq!(errors.len(), starts.len(), "{errors:#?}");
    for (error, start) in errors.iter().zip(starts) {
        assert!(error.starts_with(start), "{error}");
        assert!(error.contains("; correct it"), "{error}");
    }
}

#[test]
fn what_no_letter_could_use_is_named_by_file_and_line() {
    let notice = "inactive =\n .subject = a\n .what = b\n .why = c\n .how = d\n .support = e\n";
    let cases: &[(&str, &[&str])] = &[
        ("\ngreting = Hi", &["2: there is no message \"greting\""]),
        (
            "greeting = Hi\n    { $adress }",
            &["2: \"greeting\" has no variable $adress; it may name $address, $domain"],
        ),
        ("long-time = { $n }", &["1: \"long-time\" has no variable $n; write the text without variables"]),
        ("help = { $because }", &["1: \"help\" has no variable $because"]),
        ("greeting = A\ngreeting = B", &["2: \"greeting\" is there twice"]),
        ("greeting =\n    .what = A", &["1: \"greeting\" has no text", "2: \"greeting\" can't have .what"]),
        (&format!("{notice} .x = y"), &["7: \"inactive\" can't have .x"]),
        (&format!("{notice} .how = y"), &["1: \"inactive\" has two of .how"]),
        (
            &notice.replace("inactive =", "inactive = text"),
            &["1: the notice \"inactive\" has a text of its own"],
        ),
        (&notice.replace(" .how = d\n", ""), &["1: \"inactive\" has no .how; write it too"]),
        (
            "greeting = { $by ->\n    [usr] a\n   *[other] b\n }",
            &["2: $by is never \"usr\"; it is one of user,"],
        ),
        (
            "page = { $count ->\n    [some] a\n   *[other] b\n }",
            &["2: $count is never \"some\"; it is a figure"],
        ),
        ("page = { $from ->\n    [1] a\n   *[none] b\n }", &["2: $from is never \"1\"; it is none or other"]),
        ("greeting = { NUMBER($count) }", &["1: there is no function NUMBER"]),
        ("greeting = { helpp }", &["1: \"helpp\" can't be named here"]),
        ("greeting = { greeting }", &["1: \"greeting\" can't be named in \"greeting\""]),
        ("greeting = { inactive.how }", &["1: \"inactive.how\" can't be named in \"greeting\""]),
        ("help = { date }", &["1: \"date\" can't be named in \"help\""]),
        ("help = { -brand }", &["1: there is no term \"-brand\""]),
        ("-a = { -b }\n-b = { -a }", &["1: the term \"-b\" is named before it is written"]),
        ("-a = { -a }", &["1: the term \"-a\" is named before it is written"]),
        ("-a = { $web }", &["1: a term can't show the variable $web"]),
        ("-a = { help }", &["1: \"help\" can't be named here"]),
        ("-a = x\n .b = c", &["2: \"-a\" can't have .b"]),
        (
            "greeting = { $x ->\n   *[other] { $y }\n }",
            &["1: \"greeting\" has no variable $x", "2: \"greeting\" has no variable $y"],
        ),
    ];
    for (text, expected) in cases {
        let errors = wrong(text);
        assert_eq!(errors.len(), expected.len(), "{text}\n{errors:#?}");
        for (error, start) in errors.iter().zip(*expected) {
            assert!(error.starts_with(start), "{error}");
            assert!(error.contains("; "), "without a cure: {error}");
        }
    }
}

#[test]
fn a_term_may_branch_on_what_it_is_called_with() {
    let en = "-brand =\n    { $case ->\n        [full] Demo Mail\n       *[short] Demo\n    }\n-both = { -brand } and { -brand(case: \"full\") }\ngreeting = { -both }";
    let (_directory, loaded) = load(&[("en.ftl", en.as_bytes())]);
    let letter = letter(&loaded.expect("the file is sound"), &owed(NoticeKind::Inactive), "en");
    assert!(body(&letter).starts_with("Demo and Demo Mail\n"), "{}", body(&letter));
}

#[test]
fn all_files_are_told_at_once() {
    let (directory, loaded) = load(&[
        ("en.ftl", b"x = y"),
        ("lv.ftl", b"greeting = a\n\nhelp = \xff"),
        ("ru.ftl", b"-"),
        ("de.ftl", b"greeting = Hallo"),
    ]);
    let errors = loaded.expect_err("all is wrong").to_string();
    let path = |name| directory.path().join(name).display().to_string();
    let lines: Vec<_> = errors.lines().collect();
    assert_eq!(lines.len(), 4, "{errors}");
    assert!(lines[0].starts_with(&format!("{}: is in no language", path("de.ftl"))), "{errors}");
    assert!(lines[1].starts_with(&format!("{}:1: there is no message \"x\"", path("en.ftl"))), "{errors}");
    assert!(lines[2].starts_with(&format!("{}:3: is not UTF-8", path("lv.ftl"))), "{errors}");
    assert!(lines[3].starts_with(&format!("{}:1: can't be understood", path("ru.ftl"))), "{errors}");
}

#[test]
fn a_directory_that_is_not_there_is_an_error() {
    let errors = Notices::load(Some(Path::new("/nowhere/at/all")), facts()).expect_err("no such directory");
    assert!(errors.to_string().starts_with("/nowhere/at/all: can't be read: "), "{errors}");
    let (directory, _) = load(&[]);
    fs::create_dir(directory.path().join("en.ftl")).expect("a directory");
    let errors = Notices::load(Some(directory.path()), facts()).expect_err("a directory is no file");
    assert!(errors.to_string().contains("en.ftl: is no file of templates"), "{errors}");
}

fn built_in(language: &str) -> FluentResource {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("src/notices/templates/{language}.ftl"));
    let text = fs::read_to_string(path).expect("the built-in file");
    FluentResource::try_new(text).expect("the built-in file is sound")
}

#[test]
fn the_built_in_files_have_all_messages_and_every_kind_is_one() {
    for language in LANGUAGES {
        let resource = built_in(language);
        let ids: Vec<_> = resource
            .entries()
            .filter_map(|entry| match entry {
                Entry::Message(message) => Some(message.id.name),
                _ => None,
            })
            .collect();
        assert_eq!(ids, ROWS.iter().map(|row| row.id).collect::<Vec<_>>(), "{language}");
    }
    let notices: Vec<_> = ROWS.iter().filter(|row| row.shape == Shape::Notice).map(|row| row.id).collect();
    assert_eq!(notices, NoticeKind::ALL.map(NoticeKind::name));
}

/// docs/notices.md has a row for each message, with the variables it may name, and one for each variable.
#[test]
fn the_documentation_lists_every_message_and_variable() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/notices.md");
    let documentation = fs::read_to_string(path).expect("docs/notices.md");
    let rows = |begins: &str| -> Vec<String> {
        let rows = documentation.lines().filter_map(|line| line.strip_prefix(begins));
        rows.filter_map(|row| row.split_once('`')).map(|(name, _)| name.to_owned()).collect()
    };
    let mut variables: Vec<_> =
        ROWS.iter().flat_map(|row| row.variables()).map(|variable| format!("${}", variable.name)).collect();
    variables.sort();
    variables.dedup();
    let listed: Vec<_> = rows("| `");
    let (mut listed_variables, messages): (Vec<_>, Vec<_>) =
        listed.into_iter().partition(|name| name.starts_with('$'));
    listed_variables.sort();
    assert_eq!(listed_variables, variables);
    assert_eq!(messages, ROWS.iter().map(|row| row.id.to_owned()).collect::<Vec<_>>());
    for part in PARTS {
        assert!(documentation.contains(&format!("`.{part}`")), "{part}");
    }
    for variable in ROWS.iter().flat_map(|row| row.variables()) {
        let Values::Words(words) = variable.values else { continue };
        for word in words {
            assert!(documentation.contains(&format!("`{word}`")), "{word}");
        }
    }
}
