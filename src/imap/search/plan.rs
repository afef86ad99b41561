//! A search program made ready for one folder, and what it says of a letter.

use postern_model::mime::Facts;
use postern_model::record::{Entry, Signature};
use postern_model::{Flags, LetterId, ModSeq, Uid, UidSet};

use super::date::DAY;
use super::field::{self, EnvelopeField};
use super::needle::Needle;
use super::resolve::{self, Context, NoSuchNumber};
use super::text::{self, TextTest};
use crate::imap::grammar::SearchKey;

/// A search program with its numbers, names and times resolved. It stays right for the letters of the view that it was
/// made for.
#[derive(Clone, Debug)]
pub struct Plan {
    test: Test,
    texts: Vec<TextTest>,
    candidates: UidSet,
    mod_seq: bool,
}

/// What a plan may have to read beside the folder's entries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Needs {
    /// Facts.
    pub facts: bool,
    /// Signatures, by which most letters can be told not to hold a text.
    pub signatures: bool,
}

/// What is known of a letter. What is not given has not been read.
#[derive(Clone, Copy, Debug)]
pub struct Known<'a> {
    /// Its entry in the folder.
    pub entry: &'a Entry,
    /// Its facts.
    pub facts: Option<&'a Facts>,
    /// Its signature; letters of before there were any have none.
    pub signature: Option<&'a Signature>,
}

/// A condition on a letter, simplified: see [`super::simplify`].
#[derive(Clone, Debug)]
pub(super) enum Test {
    Is(bool),
    Among(UidSet),
    Entry(EntryTest),
    Facts(FactsTest),
    /// The plan's text test of this number.
    Text(usize),
    Not(Box<Test>),
    All(Vec<Test>),
    Any(Vec<Test>),
}

/// What an entry tells.
#[derive(Clone, Copy, Debug)]
pub(super) enum EntryTest {
    Flag(Flags),
    NotFlag(Flags),
    /// Bits of the folder's keywords.
    Keyword(u64),
    Recent(Uid),
    Larger(u64),
    Smaller(u64),
    Internal(Order, i64),
    Saved(Order, i64),
    /// INTERNALDATE is this or earlier.
    Until(i64),
    /// INTERNALDATE is this or later.
    From(i64),
    ModSeq(ModSeq),
    Email(LetterId),
}

/// How a day lies to the one that is asked for.
#[derive(Clone, Copy, Debug)]
pub(super) enum Order {
    Before,
    On,
    Since,
}

/// What facts tell.
#[derive(Clone, Debug)]
pub(super) enum FactsTest {
    Holds(EnvelopeField, Needle),
    Sent(Order, i64),
}

impl Plan {
    /// Makes a plan of a program: a letter is to fulfil all of `keys`.
    ///
    /// # Errors
    /// [`NoSuchNumber`]: the command is `BAD`.
    pub fn new(keys: &[SearchKey], context: &Context<'_>) -> Result<Plan, NoSuchNumber> {
        let (test, texts) = resolve::resolve(keys, context)?;
        let candidates = test.candidates(context.view.uids());
        Ok(Plan { test, texts, candidates, mod_seq: resolve::uses_mod_seq(keys) })
    }

    /// The letters that can fulfil it; no other need be looked at.
    pub fn candidates(&self) -> &UidSet {
        &self.candidates
    }

    /// What it may have to read. Letters' octets are asked for by [`Plan::judge`]'s `None`.
    pub fn needs(&self) -> Needs {
        let facts = self.test.uses_facts() || self.texts.iter().any(TextTest::wants_facts);
        Needs { facts, signatures: !self.texts.is_empty() }
    }

    /// Texts that are looked for in letters' octets.
    pub fn texts(&self) -> usize {
        self.texts.len()
    }

    /// Whether MODSEQ is among the keys: then answers tell the highest one found (RFC 7162 §3.1.5).
    pub fn mod_seq(&self) -> bool {
        self.mod_seq
    }

    /// Whether a letter fulfils it, as far as what is known says; `None`: more has to be read.
    pub fn judge(&self, known: &Known<'_>) -> Option<bool> {
        Evaluation { texts: &self.texts, known, letter: None, passed: None }.of(&self.test)
    }

    /// Whether a letter fulfils it, now that its octets are there too.
    pub fn confirm(&self, entry: &Entry, facts: &Facts, letter: &[u8]) -> bool {
        let passed = text::run(&self.texts, letter, facts);
        let known = Known { entry, facts: Some(facts), signature: None };
        let evaluation =
            Evaluation { texts: &self.texts, known: &known, letter: Some(letter), passed: Some(&passed) };
        // With everything known nothing is left open.
        evaluation.of(&self.test).unwrap_or(false)
    }
}

/// One letter under judgement. Programs are nested no deeper than the parser lets them.
struct Evaluation<'a> {
    texts: &'a [TextTest],
    known: &'a Known<'a>,
    letter: Option<&'a [u8]>,
    passed: Option<&'a [bool]>,
}

impl Evaluation<'_> {
    fn of(&self, test: &Test) -> Option<bool> {
        match test {
            Test::Is(answer) => Some(*answer),
            Test::Among(uids) => Some(uids.contains(self.known.entry.uid)),
            Test::Entry(test) => Some(test.passes(self.known.entry)),
            Test::Facts(test) => test.passes(self.known.facts?, self.letter),
            Test::Text(number) => self.text(*number),
            Test::Not(test) => self.of(test).map(|answer| !answer),
            Test::All(tests) => self.until(tests, false),
            Test::Any(tests) => self.until(tests, true),
        }
    }

    /// The answer that one of `tests` has is enough; the other one takes all of them.
    fn until(&self, tests: &[Test], decisive: bool) -> Option<bool> {
        let mut answer = Some(!decisive);
        for test in tests {
            match self.of(test) {
                Some(found) if found == decisive => return Some(decisive),
                Some(_) => {}
                None => answer = None,
            }
        }
        answer
    }

    fn text(&self, number: usize) -> Option<bool> {
        match self.passed {
            Some(passed) => passed.get(number).copied(),
            None => self.texts.get(number)?.hint(self.known.facts, self.known.signature),
        }
    }
}

impl EntryTest {
    fn passes(&self, entry: &Entry) -> bool {
        match *self {
            EntryTest::Flag(flags) => entry.flags.contains(flags),
            EntryTest::NotFlag(flags) => entry.flags.without(flags) == entry.flags,
            EntryTest::Keyword(bit) => entry.keywords & bit != 0,
            EntryTest::Recent(first) => entry.uid >= first,
            EntryTest::Larger(octets) => u64::from(entry.size) > octets,
            EntryTest::Smaller(octets) => u64::from(entry.size) < octets,
            // RFC 9051 §6.4.4: "disregarding time and timezone"; INTERNALDATE is shown in UTC.
            EntryTest::Internal(order, day) => order.holds(entry.internal_date.div_euclid(DAY), day),
            EntryTest::Saved(order, day) => order.holds(entry.save_date().div_euclid(DAY), day),
            EntryTest::Until(time) => entry.internal_date <= time,
            EntryTest::From(time) => entry.internal_date >= time,
            EntryTest::ModSeq(least) => entry.mod_seq >= least,
            EntryTest::Email(letter) => entry.email_id() == letter,
        }
    }
}

impl Order {
    fn holds(self, day: i64, asked: i64) -> bool {
        match self {
            Order::Before => day < asked,
            Order::On => day == asked,
            Order::Since => day >= asked,
        }
    }
}

impl FactsTest {
    fn passes(&self, facts: &Facts, letter: Option<&[u8]>) -> Option<bool> {
        match self {
            FactsTest::Holds(field, needle) => field.holds(needle, facts, letter),
            FactsTest::Sent(order, day) => {
                let sent = field::date(facts, letter)?;
                Some(sent.is_some_and(|sent| order.holds(sent.day, *day)))
            }
        }
    }
}
