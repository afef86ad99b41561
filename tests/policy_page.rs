//! `docs/policy.md`: which tests show which rule of policy. Made of the tests' names, which begin with the rule's number
//! (`a6_two_months_without_pop3_close_it`), and compared here, so that a rule without a test is seen.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

/// The rules that the page is about, each in a few words.
const RULES: [(&str, &str); 31] = [
    ("A1", "everything is off for a new account"),
    ("A2", "access opens 15 minutes after it was switched on, and closes at once"),
    ("A3", "a pending activation survives a restart"),
    ("A4", "a refused login says why and what to do, in the protocol's own code"),
    ("A5", "POP3 closes when the account becomes inactive"),
    ("A6", "POP3 closes after two months without use"),
    ("A7", "access and sending can be blocked, with a reason"),
    ("A8", "the user is told, and may switch on again unless a block stands"),
    ("A9", "an account is inactive after nine months without a login"),
    ("A10", "every change is a durable event"),
    ("A11", "a warning goes out seven days before anything closes by itself"),
    ("A12", "mail programs may need a password of their own"),
    ("A13", "logins in too many minutes of a day close the protocol"),
    ("A14", "a suspected theft closes access until the password is changed"),
    ("A15", "IMAP may count as use, or close likewise"),
    ("A16", "a brake holds mass closing"),
    ("C1", "one POP3 session per mailbox"),
    ("C2", "a silent session is taken over"),
    ("C3", "mail is checked once in five minutes"),
    ("C4", "what QUIT deletes is the user's choice"),
    ("C5", "new mail stays until somebody deletes it"),
    ("Q1", "letters in a minute, an hour, a day"),
    ("Q2", "a letter counts once, when it is accepted"),
    ("Q3", "over the limit: refused at MAIL with the seconds left"),
    ("Q4", "abuse locks sending by itself"),
    ("Q5", "an operator's lock is the same lock"),
    ("N1", "a notice is a letter in the INBOX"),
    ("N2", "in the user's language, from templates"),
    ("N3", "once per event, with reason and cure"),
    ("O6", "months of policy on a manual clock"),
    ("P5", "a password without encryption"),
];

#[test]
fn the_page_of_rules_and_tests_is_as_the_tests_are() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut tests = BTreeMap::new();
    for dir in ["src", "actors", "storage", "tests"] {
        collect(root, &root.join(dir), &mut tests);
    }
    let page = page(&tests);
    let path = root.join("docs/policy.md");
    if std::env::var_os("UPDATE_POLICY_PAGE").is_some() {
        fs::write(&path, &page).expect("docs is writable");
    }
    let written = fs::read_to_string(path).unwrap_or_default();
    assert_eq!(written, page, "renew it: UPDATE_POLICY_PAGE=1 cargo test --test main policy_page");
    for (rule, _) in RULES {
        assert!(
            tests.contains_key(rule),
            "no test shows rule {rule}: its name would begin {}_",
            rule.to_lowercase()
        );
    }
}

fn page(tests: &BTreeMap<String, Vec<(String, String)>>) -> String {
    let mut page = String::from(
        "# The rules of policy and the tests that show them\n\n\
         Made of the tests' names. Rules are those of the product's contract; each test is named by its function.\n",
    );
    for (rule, words) in RULES {
        write!(page, "\n## {rule}: {words}\n\n").expect("a string takes all");
        for (file, name) in tests.get(rule).into_iter().flatten() {
            let words = name.split_once('_').map_or("", |(_, words)| words).replace('_', " ");
            writeln!(page, "- {words} (`{name}` in {file})").expect("a string takes all");
        }
    }
    page
}

/// Finds the tests whose names begin with a rule's number.
fn collect(root: &Path, dir: &Path, tests: &mut BTreeMap<String, Vec<(String, String)>>) {
    let mut entries: Vec<_> =
        fs::read_dir(dir).expect("a directory").map(|entry| entry.expect("an entry").path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            if path.file_name().is_none_or(|name| name != "target") {
                collect(root, &path, tests);
            }
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).expect("source is text");
            let file = path.strip_prefix(root).expect("below the root").display().to_string();
            for name in names(&text) {
                let rule = name.split('_').next().unwrap_or_default().to_uppercase();
                tests.entry(rule).or_default().push((file.clone(), name));
            }
        }
    }
}

/// Test functions (plain, async, or in `proptest!`) named after a rule.
fn names(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut is_test = false;
    for line in text.lines().map(str::trim) {
        if line.starts_with("#[") {
            is_test |= line.ends_with("test]") || line.contains("test(");
            continue;
        }
        let function = line.strip_prefix("async ").unwrap_or(line).strip_prefix("fn ");
        if let (true, Some(rest)) = (is_test, function) {
            let name: String = rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
            let rule = name.split('_').next().unwrap_or_default().to_uppercase();
            if RULES.iter().any(|(known, _)| *known == rule) {
                found.push(name);
            }
        }
        if !line.is_empty() && !line.starts_with("//") {
            is_test = false;
        }
    }
    found
}
