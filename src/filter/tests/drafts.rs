//! What a draft becomes, and that its edits say the same as its octets.

use proptest::prelude::*;

use super::*;
use crate::filter::draft::Draft;

fn changed(letter: &[u8], change: impl FnOnce(&mut Draft<'_>)) -> String {
    let mut draft = Draft::new(letter);
    change(&mut draft);
    let octets = String::from_utf8(draft.octets().into_owned()).expect("text");
    assert_eq!(edited(letter, &draft.into_edits()), octets);
    octets
}

const THREE: &[u8] = b"A: 1\r\nB: 2\r\n folded\r\na: 3\r\n\r\nbody\r\n";

#[test]
fn fields_come_go_and_change_by_name_and_number() {
    let cases: [(&str, fn(&mut Draft<'_>)); 12] = [
        ("A: 1\r\nB: 2\r\n folded\r\na: 3\r\nC: x\r\n", |d| d.add(b"C", b" x").expect("a field")),
        ("C: x\r\nA: 1\r\nB: 2\r\n folded\r\na: 3\r\n", |d| d.insert(0, b"C", b" x").expect("a field")),
        ("C: x\r\nA: 1\r\nB: 2\r\n folded\r\na: 3\r\n", |d| d.insert(1, b"C", b" x").expect("a field")),
        ("A: 1\r\nC: x\r\nB: 2\r\n folded\r\na: 3\r\n", |d| d.insert(2, b"C", b" x").expect("a field")),
        ("A: 1\r\nB: 2\r\n folded\r\na: 3\r\nC: x\r\n", |d| d.insert(99, b"C", b" x").expect("a field")),
        ("A: 1\r\nB: 2\r\n folded\r\nA: x\r\n", |d| d.change(2, b"A", b" x").expect("a field")),
        ("a: x\r\nB: 2\r\n folded\r\na: 3\r\n", |d| d.change(1, b"a", b" x").expect("a field")),
        ("A: 1\r\nB: 2\r\n folded\r\na: 3\r\nA: x\r\n", |d| d.change(3, b"A", b" x").expect("a field")),
        ("A: 1\r\na: 3\r\n", |d| d.remove(1, b"b")),
        ("A: 1\r\nB: 2\r\n folded\r\n", |d| d.remove(2, b"A")),
        ("A: 1\r\nB: 2\r\n folded\r\na: 3\r\n", |d| d.remove(3, b"A")),
        ("B: 2\r\n folded\r\n", |d| d.remove_all(|name| name.eq_ignore_ascii_case(b"a"))),
    ];
    for (header, change) in cases {
        assert_eq!(changed(THREE, change), format!("{header}\r\nbody\r\n"));
    }
    assert_eq!(
        changed(THREE, |d| d.set_body(b"new\r\n".to_vec())).split_once("\r\n\r\n").map(|(_, b)| b.to_owned()),
        Some("new\r\n".into())
    );
}

#[test]
fn new_lines_are_folded_whatever_they_hold() {
    let add = |value: &'static [u8]| changed(b"\r\n", move |d| d.add(b"X", value).expect("a field"));
    assert_eq!(add(b" a\nb\r\n\tc\n\n"), "X: a\r\n\tb\r\n\tc\r\n\r\n");
    assert_eq!(add(b" a\r\rb\0"), "X: ab\r\n\r\n");
    assert_eq!(add(b""), "X:\r\n\r\n");
    let mut draft = Draft::new(THREE);
    for name in [&b""[..], b"a b", b"a:", b"a\r\n", "ē".as_bytes(), &[b'x'; 999]] {
        assert!(draft.add(name, b" x").is_err(), "{name:?}");
    }
    assert!(draft.add(b"X", &vec![b'x'; 300_000]).is_err(), "a header has an end");
}

#[test]
fn odd_letters_stay_what_they_are() {
    for letter in [
        "",
        "\r\n",
        "\r\n\r\n",
        "body?\r\n",
        "A: 1",
        " folded\r\nA: 1\r\n\r\nx",
        ">From x\r\nA: 1\r\n\r\n",
        "A: 1\n\nx",
    ] {
        let draft = Draft::new(letter.as_bytes());
        assert_eq!(draft.octets(), letter.as_bytes());
        assert!(draft.into_edits().is_empty(), "{letter:?}");
    }
}

#[derive(Clone, Debug)]
enum Change {
    Add(String),
    Insert(usize, String),
    Change(usize, String),
    Remove(usize, String),
    RemoveAll(String),
}

fn change() -> impl Strategy<Value = Change> {
    let name = || prop_oneof!["A", "b", "C"].prop_map(String::from);
    prop_oneof![
        name().prop_map(Change::Add),
        (0usize..6, name()).prop_map(|(n, name)| Change::Insert(n, name)),
        (0usize..4, name()).prop_map(|(n, name)| Change::Change(n, name)),
        (0usize..4, name()).prop_map(|(n, name)| Change::Remove(n, name)),
        name().prop_map(Change::RemoveAll),
    ]
}

proptest! {
    #[test]
    fn edits_say_what_octets_say(
        lines in prop::collection::vec(prop_oneof!["[ABC]: [0-9]{0,3}\r\n", "[ABC]: x\r\n y\r\n", ">From\r\n"], 0..6),
        changes in prop::collection::vec(change(), 0..8),
        body in "[a-z\r\n]{0,10}",
    ) {
        let letter = format!("{}\r\n{body}", lines.concat());
        changed(letter.as_bytes(), |draft| {
            for change in changes {
                match change {
                    Change::Add(name) => draft.add(name.as_bytes(), b" new").expect("a field"),
                    Change::Insert(n, name) => draft.insert(n, name.as_bytes(), b" new").expect("a field"),
                    Change::Change(n, name) => draft.change(n, name.as_bytes(), b" new").expect("a field"),
                    Change::Remove(n, name) => draft.remove(n, name.as_bytes()),
                    Change::RemoveAll(name) => draft.remove_all(|other| other == name.as_bytes()),
                }
            }
        });
    }
}
