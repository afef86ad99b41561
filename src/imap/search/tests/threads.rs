//! Threads: what RFC 5256 shows, what letters should not do and do, and a second, slow reading of its steps.

use proptest::collection::vec;
use proptest::prelude::*;

use super::Letter;
use crate::imap::grammar::Threading;
use crate::imap::search::thread::Threader;

/// A letter: id, ids that it refers to, subject, the second at which it was sent.
type Sketch = (&'static str, Vec<&'static str>, &'static str, i64);

fn letter(uid: u32, (id, references, subject, sent): &Sketch) -> Letter {
    let ids: String = references.iter().map(|id| format!(" <{id}>")).collect();
    let text = match *id {
        "" => format!("Subject: {subject}|References:{ids}||b"),
        id => format!("Message-ID: <{id}>|Subject: {subject}|References:{ids}||b"),
    };
    Letter::new(uid, &text).with(|e| e.internal_date = *sent)
}

fn written(how: Threading, letters: &[Letter]) -> String {
    let mut threader = Threader::new(how);
    letters.iter().for_each(|letter| threader.add(letter.entry.uid.0, &letter.entry, Some(&letter.facts)));
    let mut out = Vec::new();
    threader.finish().write(&mut out);
    let text = String::from_utf8(out).expect("UTF-8");
    text.strip_prefix("* THREAD")
        .and_then(|t| t.strip_suffix("\r\n"))
        .expect("a response")
        .trim_start()
        .to_owned()
}

fn thread(how: Threading, sketches: &[Sketch]) -> String {
    let letters: Vec<Letter> = sketches.iter().zip(1..).map(|(sketch, uid)| letter(uid, sketch)).collect();
    written(how, &letters)
}

#[test]
fn references_make_trees() {
    for (what, letters, wanted) in [
        ("nothing", vec![], ""),
        ("alone", vec![("a", vec![], "x", 0)], "(1)"),
        (
            "a chain",
            vec![("a", vec![], "x", 0), ("b", vec!["a"], "y", 1), ("c", vec!["a", "b"], "z", 2)],
            "(1 2 3)",
        ),
        // RFC 5256 §4: (2)(3 6 (4 23)(44 7 96)), in the order of the letters' dates.
        (
            "the form of RFC 5256 §4",
            vec![
                ("2", vec![], "p", 0),
                ("3", vec![], "q", 1),
                ("6", vec!["3"], "r", 2),
                ("4", vec!["6"], "s", 3),
                ("23", vec!["4"], "t", 4),
                ("44", vec!["6"], "u", 5),
                ("7", vec!["44"], "v", 6),
                ("96", vec!["7"], "w", 7),
            ],
            "(1)(2 3 (4 5)(6 7 8))",
        ),
        ("a parent that is not there", vec![("b", vec!["a"], "x", 1), ("c", vec!["a"], "y", 0)], "((2)(1))"),
        ("only child of one not there", vec![("b", vec!["a"], "x", 1)], "(1)"),
        (
            "dummies within go",
            vec![("a", vec![], "x", 0), ("d", vec!["a", "b", "c"], "y", 1), ("e", vec!["a", "b"], "z", 2)],
            "(1 (2)(3))",
        ),
        (
            "in the wrong order",
            vec![("c", vec!["a", "b"], "x", 2), ("b", vec!["a"], "y", 1), ("a", vec![], "z", 0)],
            "(3 2 1)",
        ),
        ("itself", vec![("a", vec!["a"], "x", 0)], "(1)"),
        ("a loop", vec![("a", vec!["b"], "x", 0), ("b", vec!["a"], "y", 1)], "(2 1)"),
        (
            "one id twice",
            vec![("a", vec![], "x", 0), ("a", vec!["a"], "y", 1), ("b", vec!["a"], "z", 2)],
            "(1 (2)(3))",
        ),
        ("no ids", vec![("", vec![], "x", 1), ("", vec![], "y", 0)], "(2)(1)"),
        (
            "a shortened list is set right",
            vec![
                ("c", vec!["a", "b"], "x", 2),
                ("a", vec![], "y", 0),
                ("b", vec!["z"], "w", 1),
                ("z", vec![], "v", 3),
            ],
            "(2)(4 3 1)",
        ),
        (
            "no references take a parent away",
            vec![("c", vec!["a", "b"], "x", 2), ("b", vec![], "y", 1)],
            "(2 1)",
        ),
    ] {
        assert_eq!(thread(Threading::References, &letters), wanted, "{what}");
    }
}

#[test]
fn subjects_bring_threads_together() {
    for (what, letters, wanted) in [
        ("two originals", vec![("a", vec![], "x", 1), ("b", vec![], "X", 0)], "((2)(1))"),
        ("a reply", vec![("a", vec![], "re: x", 0), ("b", vec![], "x", 1)], "(2 1)"),
        ("two replies", vec![("a", vec![], "Re: x", 1), ("b", vec![], "Fwd: x", 0)], "((2)(1))"),
        ("no subjects", vec![("a", vec![], "", 0), ("b", vec![], "Re:", 1)], "(1)(2)"),
        (
            "a thread of dummies",
            vec![
                ("a", vec!["p"], "x", 0),
                ("b", vec!["p"], "y", 1),
                ("c", vec!["q"], "x", 2),
                ("d", vec!["q"], "y", 3),
            ],
            "((1)(2)(3)(4))",
        ),
        (
            "one under a dummy",
            vec![("a", vec![], "x", 5), ("b", vec!["p"], "x", 0), ("c", vec!["p"], "y", 1)],
            "((2)(3)(1))",
        ),
        (
            "a reply, then another original",
            vec![("a", vec![], "x", 0), ("b", vec![], "Re: x", 1), ("c", vec![], "x", 2)],
            "((1 2)(3))",
        ),
        (
            "replies between a letter's own",
            vec![("a", vec![], "x", 0), ("b", vec!["a"], "v", 3), ("c", vec![], "Re: x", 2)],
            "(1 (3)(2))",
        ),
    ] {
        assert_eq!(thread(Threading::References, &letters), wanted, "{what}");
    }
}

#[test]
fn long_subjects_are_the_same_only_as_a_whole() {
    let long = "long ".repeat(200);
    let subjects = [format!("{long}a"), format!("{long}b"), format!("re: {}A", long.to_uppercase())];
    let letters =
        subjects.iter().zip(1..).map(|(subject, uid)| Letter::new(uid, &format!("Subject: {subject}||b")));
    let letters: Vec<Letter> = letters.collect();
    assert_eq!(written(Threading::References, &letters), "(1 3)(2)");
    assert_eq!(written(Threading::OrderedSubject, &letters), "(1 3)(2)");
}

#[test]
fn ordered_subject_is_flat() {
    let letters = vec![
        ("", vec![], "Re: b", 5),
        ("", vec![], "a", 3),
        ("", vec![], "[list] B", 2),
        ("", vec![], "", 4),
        ("", vec![], "fwd: b", 6),
        ("", vec![], "A (fwd)", 7),
    ];
    assert_eq!(thread(Threading::OrderedSubject, &letters), "(3 (1)(5))(2 6)(4)");
    assert_eq!(thread(Threading::OrderedSubject, &[]), "");
}

#[test]
fn long_chains_are_threaded_in_any_order() {
    const LONG: u32 = 10_000;
    let chained = |n: u32| {
        let references: String = (n.saturating_sub(3)..n).map(|n| format!(" <{n}@x>")).collect();
        let text = format!("Message-ID: <{n}@x>|Subject: s{n}|References:{references}||b");
        Letter::new(1, &text)
    };
    let number = |(uid, letter): (u32, Letter)| letter.with(|e| e.uid.0 = uid);
    let forwards: Vec<Letter> = (1..).zip((0..LONG).map(chained)).map(number).collect();
    let all: Vec<String> = (1..=LONG).map(|n| n.to_string()).collect();
    assert_eq!(written(Threading::References, &forwards), format!("({})", all.join(" ")));
    let backwards: Vec<Letter> = (1..).zip((0..LONG).rev().map(chained)).map(number).collect();
    let all: Vec<String> = (1..=LONG).rev().map(|n| n.to_string()).collect();
    assert_eq!(written(Threading::References, &backwards), format!("({})", all.join(" ")));
}

/// RFC 5256's steps, as they stand there.
#[derive(Default)]
struct Slow {
    nodes: Vec<SlowNode>,
}

#[derive(Clone, Default)]
struct SlowNode {
    id: Option<String>,
    letter: Option<usize>,
    parent: Option<usize>,
}

impl Slow {
    fn find(&mut self, id: &str) -> usize {
        let known = self.nodes.iter().position(|node| node.id.as_deref() == Some(id));
        known.unwrap_or_else(|| {
            self.nodes.push(SlowNode { id: Some(id.to_owned()), ..SlowNode::default() });
            self.nodes.len() - 1
        })
    }

    fn is_above(&self, node: usize, mut at: usize) -> bool {
        while at != node {
            let Some(parent) = self.nodes[at].parent else { return false };
            at = parent;
        }
        true
    }

    fn step_1(letters: &[Letter]) -> Slow {
        let mut slow = Slow::default();
        for (n, letter) in letters.iter().enumerate() {
            let mut last = None;
            for id in letter.facts.parents() {
                let node = slow.find(&String::from_utf8_lossy(id));
                if let Some(parent) = last
                    && slow.nodes[node].parent.is_none()
                    && !slow.is_above(node, parent)
                {
                    slow.nodes[node].parent = Some(parent);
                }
                last = Some(node);
            }
            let own = letter.facts.message_id().map(|id| String::from_utf8_lossy(id).into_owned());
            let node = own.map(|id| slow.find(&id)).filter(|node| slow.nodes[*node].letter.is_none());
            let node = node.unwrap_or_else(|| {
                slow.nodes.push(SlowNode::default());
                slow.nodes.len() - 1
            });
            slow.nodes[node].letter = Some(n);
            slow.nodes[node].parent = None;
            slow.nodes[node].parent = last.filter(|parent| !slow.is_above(node, *parent));
        }
        slow
    }

    /// Steps 2 and 3.
    fn trees(&self, parent: Option<usize>) -> Vec<Tree> {
        let mut trees = Vec::new();
        for at in (0..self.nodes.len()).filter(|at| self.nodes[*at].parent == parent) {
            let children = self.trees(Some(at));
            match self.nodes[at].letter {
                None if children.len() > 1 && parent.is_none() => trees.push(Tree { letter: None, children }),
                None => trees.extend(children),
                letter => trees.push(Tree { letter, children }),
            }
        }
        trees
    }
}

#[derive(Clone, Debug)]
struct Tree {
    letter: Option<usize>,
    children: Vec<Tree>,
}

impl Tree {
    fn first(&self) -> usize {
        self.letter.unwrap_or_else(|| self.children[0].first())
    }

    fn sort(trees: &mut [Tree], letters: &[Letter]) {
        trees.iter_mut().for_each(|tree| Tree::sort(&mut tree.children, letters));
        trees.sort_by_key(|tree| (letters[tree.first()].entry.internal_date, tree.first()));
    }

    fn written(&self, letters: &[Letter]) -> String {
        let mut text = self.letter.map_or(String::new(), |n| letters[n].entry.uid.0.to_string());
        if self.letter.is_some() && !self.children.is_empty() {
            text.push(' ');
        }
        match &self.children[..] {
            [only] => text.push_str(&only.written(letters)),
            many => many.iter().for_each(|tree| text.push_str(&format!("({})", tree.written(letters)))),
        }
        text
    }
}

/// Step 5, on trees that step 4 has sorted.
fn gather(trees: Vec<Tree>, letters: &[Letter]) -> Vec<Tree> {
    let base = |tree: &Tree| letters[tree.first()].facts.base_subject();
    let subject = |tree: &Tree| base(tree).text.to_uppercase();
    let mut table: Vec<(String, usize)> = Vec::new();
    for (n, tree) in trees.iter().enumerate().filter(|(_, tree)| !subject(tree).is_empty()) {
        match table.iter_mut().find(|(text, _)| *text == subject(tree)) {
            None => table.push((subject(tree), n)),
            Some((_, held)) => {
                let held_tree = &trees[*held];
                let better = base(held_tree).is_reply_or_forward && !base(tree).is_reply_or_forward;
                if held_tree.letter.is_some() && (tree.letter.is_none() || better) {
                    *held = n;
                }
            }
        }
    }
    let mut merged: Vec<Option<Tree>> = trees.iter().cloned().map(Some).collect();
    for (n, tree) in trees.iter().enumerate().filter(|(_, tree)| !subject(tree).is_empty()) {
        let (_, held) =
            table.iter_mut().find(|(text, _)| *text == subject(tree)).expect("every subject is there");
        if *held == n {
            continue;
        }
        let current = merged[n].take().expect("nothing else takes it");
        let mut other = merged[*held].take().expect("it stands for its subject");
        match (other.letter, current.letter) {
            (None, None) => other.children.extend(current.children),
            (None, Some(_)) => other.children.push(current),
            (Some(_), _) if base(&current).is_reply_or_forward && !base(&other).is_reply_or_forward => {
                other.children.push(current);
            }
            _ => other = Tree { letter: None, children: vec![other, current] },
        }
        merged[*held] = Some(other);
    }
    merged.into_iter().flatten().collect()
}

fn slow(letters: &[Letter]) -> String {
    let mut trees = Slow::step_1(letters).trees(None);
    Tree::sort(&mut trees, letters);
    let mut trees = gather(trees, letters);
    Tree::sort(&mut trees, letters);
    trees.iter().map(|tree| format!("({})", tree.written(letters))).collect()
}

const IDS: [&str; 9] = ["", "a", "b", "c", "d", "e", "f", "g", "h"];
const SUBJECTS: [&str; 7] = ["", "x", "Re: x", "y", "fwd: Y", "z", "Re: w"];

proptest! {
    #[test]
    fn quick_steps_come_to_what_the_slow_ones_come_to(
        sketches in vec((0_usize..9, vec(1_usize..9, 0..4), 0_usize..7, 0_i64..6), 0..14)
    ) {
        let sketch = |(id, references, subject, sent): &(usize, Vec<usize>, usize, i64)| -> Sketch {
            (IDS[*id], references.iter().map(|id| IDS[*id]).collect(), SUBJECTS[*subject], *sent)
        };
        let letters: Vec<Letter> = sketches.iter().zip(1..).map(|(s, uid)| letter(uid, &sketch(s))).collect();
        prop_assert_eq!(written(Threading::References, &letters), slow(&letters));
    }
}
