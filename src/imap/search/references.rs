//! THREAD=REFERENCES (RFC 5256 §3), its six steps: who answers whom, without a walk along a thread for every letter, so
//! that neither depth nor hostile ids make it slow.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};

use postern_model::mime::Facts;

use super::forest::Forest;
use super::thread::{Letter, Node, Threads};

const NONE: u32 = u32::MAX;
/// Letters that are spoken of but not there are remembered up to this number; further ones count for nothing.
const MAX_STRANGERS: usize = 1_000_000;

/// Step 1: letters and ids, linked as References and In-Reply-To say. Each is a node; one that has no letter is a dummy.
#[derive(Debug, Default)]
pub(super) struct Links {
    /// Nodes by hashes of their ids: under keys that nobody knows, two ids never share 128 bits.
    ids: HashMap<(u64, u64), u32>,
    keys: (RandomState, RandomState),
    parents: Vec<u32>,
    /// The node's letter.
    letters: Vec<u32>,
    forest: Forest,
    strangers: usize,
}

impl Links {
    /// Adds a letter; they come in the order of their numbers.
    pub(super) fn add(&mut self, letter: u32, facts: Option<&Facts>) {
        // Step 1.A
        let mut last = None;
        for id in facts.into_iter().flat_map(Facts::parents) {
            let Some(node) = self.spoken_of(id) else { continue };
            if let Some(parent) = last.filter(|_| self.parents[node as usize] == NONE) {
                self.link(node, parent);
            }
            last = Some(node);
        }
        // Step 1.B
        let node = self.own_node(letter, facts);
        if self.parents[node as usize] != NONE {
            self.forest.cut(node);
            self.parents[node as usize] = NONE;
        }
        if let Some(parent) = last {
            self.link(node, parent);
        }
    }

    fn link(&mut self, top: u32, parent: u32) {
        // No loops.
        if self.forest.top(parent) != top {
            self.forest.link(top, parent);
            self.parents[top as usize] = parent;
        }
    }

    fn spoken_of(&mut self, id: &[u8]) -> Option<u32> {
        let key = self.key(id);
        if let Some(node) = self.ids.get(&key) {
            return Some(*node);
        }
        self.strangers += 1;
        if self.strangers > MAX_STRANGERS {
            return None;
        }
        let node = self.new_node(NONE);
        self.ids.insert(key, node);
        Some(node)
    }

    /// The node of a letter: its id's, unless it has none or another letter had it first.
    fn own_node(&mut self, letter: u32, facts: Option<&Facts>) -> u32 {
        let key = facts.and_then(Facts::message_id).map(|id| self.key(id));
        let known = key.and_then(|key| self.ids.get(&key).copied());
        if let Some(node) = known.filter(|node| self.letters[*node as usize] == NONE) {
            self.letters[node as usize] = letter;
            return node;
        }
        let node = self.new_node(letter);
        if let Some(key) = key.filter(|_| known.is_none()) {
            self.ids.insert(key, node);
        }
        node
    }

    fn new_node(&mut self, letter: u32) -> u32 {
        self.parents.push(NONE);
        self.letters.push(letter);
        self.forest.add()
    }

    /// Ids are the same however they are quoted (RFC 5256 §3).
    fn key(&self, id: &[u8]) -> (u64, u64) {
        let plain: Vec<u8>;
        let id = match memchr::memchr2(b'"', b'\\', id) {
            None => id,
            Some(_) => {
                plain = id.iter().copied().filter(|octet| !b"\"\\".contains(octet)).collect();
                &plain
            }
        };
        (self.keys.0.hash_one(id), self.keys.1.hash_one(id))
    }

    /// Steps 2 to 6.
    pub(super) fn threads(self, letters: &[Letter]) -> Threads {
        let under = self.under();
        let mut by_place: Vec<u32> =
            (0..self.letters.len() as u32).filter(|node| self.letters[*node as usize] != NONE).collect();
        by_place.sort_unstable_by_key(|node| letters[self.letters[*node as usize] as usize].place());
        let mut trees = Trees { all: letters, letters: self.letters, children: Vec::new(), tops: Vec::new() };
        trees.children.resize(under.len(), Vec::new());
        // Dated letters in order: every list of siblings and, by their first children, the dummies at the top (step 4).
        for node in by_place {
            let parent = under[node as usize];
            if parent == NONE {
                trees.tops.push(node);
                continue;
            }
            if trees.is_dummy(parent) && trees.children[parent as usize].is_empty() {
                trees.tops.push(parent);
            }
            trees.children[parent as usize].push(node);
        }
        trees.promote_only_children();
        trees.gather_subjects();
        trees.finish()
    }

    /// Steps 2 and 3: under which node each hangs when the dummies are gone that are not at the top.
    fn under(&self) -> Vec<u32> {
        const OPEN: u32 = NONE - 1;
        let mut under = vec![OPEN; self.parents.len()];
        let mut path = Vec::new();
        for node in 0..self.parents.len() {
            let mut at = node;
            while under[at] == OPEN {
                let parent = self.parents[at];
                let stays =
                    |node: u32| self.letters[node as usize] != NONE || self.parents[node as usize] == NONE;
                if parent == NONE || stays(parent) {
                    under[at] = parent;
                } else {
                    path.push(at);
                    at = parent as usize;
                }
            }
            let found = under[at];
            path.drain(..).for_each(|passed| under[passed] = found);
        }
        under
    }
}

/// Threads while subjects bring them together.
struct Trees<'a> {
    all: &'a [Letter],
    letters: Vec<u32>,
    children: Vec<Vec<u32>>,
    tops: Vec<u32>,
}

impl<'a> Trees<'a> {
    fn is_dummy(&self, node: u32) -> bool {
        self.letters[node as usize] == NONE
    }

    /// The node's letter; of a dummy its first child's.
    fn letter(&self, node: u32) -> &'a Letter {
        let of = if self.is_dummy(node) { self.children[node as usize][0] } else { node };
        &self.all[self.letters[of as usize] as usize]
    }

    /// Step 3.B: a dummy with one child gives place to it.
    fn promote_only_children(&mut self) {
        for at in 0..self.tops.len() {
            let top = self.tops[at];
            if let (true, [only]) = (self.is_dummy(top), &self.children[top as usize][..]) {
                self.tops[at] = *only;
            }
        }
    }

    /// Step 5: threads of the same subject become one.
    fn gather_subjects(&mut self) {
        let mut table = self.subjects();
        let tops = std::mem::take(&mut self.tops);
        let mut gone = vec![false; self.letters.len() + tops.len()];
        let mut all = tops.clone();
        for current in tops {
            let subject = &self.letter(current).subject[..];
            let Some(held) = table.get_mut(subject).filter(|held| **held != current) else { continue };
            gone[current as usize] = true;
            let answers = self.letter(current).is_reply && !self.letter(*held).is_reply;
            match (self.is_dummy(*held), self.is_dummy(current)) {
                (true, true) => {
                    let moved = std::mem::take(&mut self.children[current as usize]);
                    self.children[*held as usize].extend(moved);
                }
                (true, false) => self.children[*held as usize].push(current),
                (false, false) if answers => self.children[*held as usize].push(current),
                _ => {
                    gone[*held as usize] = true;
                    *held = self.dummy(vec![*held, current]);
                    all.push(*held);
                }
            }
        }
        self.tops = all.into_iter().filter(|top| !gone[*top as usize]).collect();
    }

    /// Steps 5.A and 5.B: which thread stands for a subject.
    fn subjects(&self) -> HashMap<&'a str, u32> {
        let mut table: HashMap<&str, u32> = HashMap::new();
        for current in self.tops.iter().copied() {
            let letter = self.letter(current);
            if letter.subject.is_empty() {
                continue;
            }
            let held = table.entry(&letter.subject).or_insert(current);
            let is_better = self.is_dummy(current) || (self.letter(*held).is_reply && !letter.is_reply);
            if !self.is_dummy(*held) && is_better {
                *held = current;
            }
        }
        table
    }

    fn dummy(&mut self, children: Vec<u32>) -> u32 {
        self.letters.push(NONE);
        self.children.push(children);
        (self.letters.len() - 1) as u32
    }

    /// Step 6: siblings by their dates. Only what lies at the top, or just below, has changed.
    fn finish(mut self) -> Threads {
        for at in 0..self.tops.len() {
            let top = self.tops[at] as usize;
            let mut children = std::mem::take(&mut self.children[top]);
            children.sort_by_key(|child| self.letter(*child).place());
            self.children[top] = children;
        }
        // A letter that answers one which then went under a dummy.
        for at in 0..self.tops.len() {
            for below in self.children[self.tops[at] as usize].clone() {
                let mut children = std::mem::take(&mut self.children[below as usize]);
                children.sort_by_key(|child| self.letter(*child).place());
                self.children[below as usize] = children;
            }
        }
        let mut tops = std::mem::take(&mut self.tops);
        tops.sort_by_key(|top| self.letter(*top).place());
        let number = |letter: &u32| self.all.get(*letter as usize).map(|letter| letter.number);
        let nodes = self
            .letters
            .iter()
            .zip(self.children)
            .map(|(letter, children)| Node { number: number(letter), children });
        Threads { nodes: nodes.collect(), tops }
    }
}
