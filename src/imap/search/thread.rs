//! Threads (RFC 5256 §3): letters on trees, and how they are written.

use std::io::Write;

use postern_model::mime::{BaseSubject, Facts};
use postern_model::record::Entry;

use super::references::Links;
use super::sort::{collated, sent_date};
use crate::imap::grammar::Threading;

/// Collects the letters that are to be threaded.
#[derive(Debug)]
pub struct Threader {
    letters: Vec<Letter>,
    /// For REFERENCES.
    links: Option<Links>,
}

/// What is kept of a letter.
#[derive(Debug)]
pub(super) struct Letter {
    /// Its number or UID.
    pub(super) number: u32,
    pub(super) sent: i64,
    /// Base subject, see [`collated`].
    pub(super) subject: String,
    pub(super) is_reply: bool,
}

impl Letter {
    /// By what siblings are sorted: equal dates stand in the order of numbers (RFC 5256 §3).
    pub(super) fn place(&self) -> (i64, u32) {
        (self.sent, self.number)
    }
}

/// Trees of letters.
#[derive(Debug, Default)]
pub struct Threads {
    pub(super) nodes: Vec<Node>,
    /// Tops of the trees, in order.
    pub(super) tops: Vec<u32>,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Node {
    /// `None`: a letter that is only spoken of, or one that was never there.
    pub(super) number: Option<u32>,
    /// In order.
    pub(super) children: Vec<u32>,
}

impl Threader {
    /// Nothing yet.
    pub fn new(how: Threading) -> Threader {
        Threader { letters: Vec::new(), links: (how == Threading::References).then(Links::default) }
    }

    /// Adds a letter under the number by which the answer names it. Numbers ascend. One whose facts can't be read stands
    /// by itself.
    pub fn add(&mut self, number: u32, entry: &Entry, facts: Option<&Facts>) {
        let base = facts.map_or_else(BaseSubject::default, Facts::base_subject);
        let (subject, is_reply) = (collated(&base.text), base.is_reply_or_forward);
        self.letters.push(Letter { number, sent: sent_date(entry, facts), subject, is_reply });
        if let Some(links) = &mut self.links {
            links.add((self.letters.len() - 1) as u32, facts);
        }
    }

    /// The threads.
    pub fn finish(self) -> Threads {
        match self.links {
            Some(links) => links.threads(&self.letters),
            None => ordered_subject(self.letters),
        }
    }
}

/// RFC 5256 §3, ORDEREDSUBJECT: letters of one base subject; the earliest is the parent of all others.
fn ordered_subject(mut letters: Vec<Letter>) -> Threads {
    letters.sort_by(|a, b| a.subject.cmp(&b.subject).then_with(|| a.place().cmp(&b.place())));
    let mut threads = Threads::default();
    let mut firsts = Vec::new();
    let mut at = 0;
    for same in letters.chunk_by(|a, b| a.subject == b.subject) {
        let (first, end) = (at as u32, (at + same.len()) as u32);
        firsts.push((same[0].place(), first));
        threads.nodes.push(Node { number: Some(same[0].number), children: (first + 1..end).collect() });
        threads.nodes.extend(same[1..].iter().map(|l| Node { number: Some(l.number), children: Vec::new() }));
        at += same.len();
    }
    firsts.sort_unstable();
    threads.tops = firsts.into_iter().map(|(_, first)| first).collect();
    threads
}

/// What is still to be written, the next last.
enum Pending {
    Text(&'static [u8]),
    Node(u32),
}

impl Threads {
    /// `* THREAD` (RFC 5256 §4).
    pub fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"* THREAD");
        if !self.tops.is_empty() {
            out.push(b' ');
        }
        let mut pending = Vec::new();
        lists(&mut pending, &self.tops);
        while let Some(next) = pending.pop() {
            match next {
                Pending::Text(text) => out.extend_from_slice(text),
                Pending::Node(node) => self.write_node(out, node, &mut pending),
            }
        }
        out.extend_from_slice(b"\r\n");
    }

    fn write_node(&self, out: &mut Vec<u8>, node: u32, pending: &mut Vec<Pending>) {
        let node = &self.nodes[node as usize];
        if let Some(number) = node.number {
            // Writing to memory can't fail.
            let _ = write!(out, "{number}");
            if !node.children.is_empty() {
                out.push(b' ');
            }
        }
        match node.children[..] {
            [only] => pending.push(Pending::Node(only)),
            ref children => lists(pending, children),
        }
    }
}

/// Each of `nodes` in parentheses.
fn lists(pending: &mut Vec<Pending>, nodes: &[u32]) {
    for node in nodes.iter().rev() {
        pending.extend([Pending::Text(b")"), Pending::Node(*node), Pending::Text(b"(")]);
    }
}
