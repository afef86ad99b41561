//! Search keys as conditions on letters: numbers by the session's view, keywords by the folder's names, ages by the time.

use postern_model::imap::{Keyword, SeqSet};
use postern_model::record::MailboxHeader;
use postern_model::{Flags, LetterId, Uid, UidSet};
use postern_policy::view::View;

use super::field::EnvelopeField;
use super::needle::Needle;
use super::plan::{EntryTest, FactsTest, Order, Test};
use super::text::TextTest;
use crate::imap::grammar::{SearchKey, Targets};

/// What a program is resolved against.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// The letters that the session knows.
    pub view: &'a View,
    /// What `$` stands for.
    pub saved: &'a UidSet,
    /// The folder's counters and keywords.
    pub header: &'a MailboxHeader,
    /// The first UID that is `\Recent` for the session.
    pub recent: Uid,
    /// The time, in seconds since the epoch.
    pub now: i64,
}

/// A sequence number that no letter has (RFC 9051 §9, `seq-number`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no letter has the number {0}")]
pub struct NoSuchNumber(pub u32);

/// EMAILID as it is shown and asked for (RFC 8474 §5.1).
pub fn email_id(letter: LetterId) -> String {
    format!("M{letter}")
}

/// Whether a program names letters by sequence numbers: not with UIDONLY (RFC 9586), nor in other folders (RFC 7377).
pub fn uses_numbers(keys: &[SearchKey]) -> bool {
    any(keys, &|key| matches!(key, SearchKey::Numbers(_)))
}

/// Whether MODSEQ is among the keys.
pub(super) fn uses_mod_seq(keys: &[SearchKey]) -> bool {
    any(keys, &|key| matches!(key, SearchKey::ModSeq(_)))
}

fn any(keys: &[SearchKey], wanted: &dyn Fn(&SearchKey) -> bool) -> bool {
    keys.iter().any(|key| match key {
        SearchKey::Not(key) => any(std::slice::from_ref(key), wanted),
        SearchKey::Or(a, b) => [a, b].into_iter().any(|key| any(std::slice::from_ref(key), wanted)),
        SearchKey::And(keys) => any(keys, wanted),
        key => wanted(key),
    })
}

/// The condition that `keys` are, and the text tests that it numbers.
pub(super) fn resolve(
    keys: &[SearchKey],
    context: &Context<'_>,
) -> Result<(Test, Vec<TextTest>), NoSuchNumber> {
    let mut resolver = Resolver { context, texts: Vec::new() };
    let test = resolver.all(keys)?;
    Ok((test, resolver.texts))
}

struct Resolver<'a> {
    context: &'a Context<'a>,
    texts: Vec<TextTest>,
}

impl Resolver<'_> {
    fn all(&mut self, keys: &[SearchKey]) -> Result<Test, NoSuchNumber> {
        let tests: Result<Vec<Test>, NoSuchNumber> = keys.iter().map(|key| self.key(key)).collect();
        Ok(Test::joined(tests?, false))
    }

    fn key(&mut self, key: &SearchKey) -> Result<Test, NoSuchNumber> {
        Ok(match key {
            SearchKey::Numbers(set) => Test::Among(self.context.view.by_number(set).map_err(NoSuchNumber)?),
            SearchKey::Not(key) => self.key(key)?.negated(),
            SearchKey::Or(a, b) => Test::joined(vec![self.key(a)?, self.key(b)?], true),
            SearchKey::And(keys) => self.all(keys)?,
            SearchKey::Body(text) => self.text(TextTest::Body(Needle::new(text))),
            SearchKey::Text(text) => self.text(TextTest::Text(Needle::new(text))),
            SearchKey::Header(name, text) => self.text(TextTest::header(name, text)),
            key => self.plain(key),
        })
    }

    fn text(&mut self, test: TextTest) -> Test {
        self.texts.push(test);
        Test::Text(self.texts.len() - 1)
    }

    fn plain(&self, key: &SearchKey) -> Test {
        match key {
            // Only letters of the view are judged: what else the sets name does no harm.
            SearchKey::Uid(Targets::Set(set)) => Test::Among(self.by_uid(set)),
            SearchKey::Uid(Targets::Saved) | SearchKey::Saved => Test::Among(self.context.saved.clone()),
            SearchKey::Bcc(text) => holds(EnvelopeField::Bcc, text),
            SearchKey::Cc(text) => holds(EnvelopeField::Cc, text),
            SearchKey::From(text) => holds(EnvelopeField::From, text),
            SearchKey::To(text) => holds(EnvelopeField::To, text),
            SearchKey::Subject(text) => holds(EnvelopeField::Subject, text),
            SearchKey::SentBefore(day) => Test::Facts(FactsTest::Sent(Order::Before, *day)),
            SearchKey::SentOn(day) => Test::Facts(FactsTest::Sent(Order::On, *day)),
            SearchKey::SentSince(day) => Test::Facts(FactsTest::Sent(Order::Since, *day)),
            SearchKey::Keyword(keyword) => self.keyword(keyword),
            SearchKey::NotKeyword(keyword) => self.keyword(keyword).negated(),
            SearchKey::New => {
                let unseen = Test::Entry(EntryTest::NotFlag(Flags::SEEN));
                Test::joined(vec![self.recent(), unseen], false)
            }
            SearchKey::Recent => self.recent(),
            SearchKey::Old => self.recent().negated(),
            SearchKey::EmailId(id) => email(id),
            // RFC 8474 §5.2: letters have no THREADID here, each is shown as NIL.
            SearchKey::ThreadId(_) => Test::Is(false),
            key => self.entry(key).map_or(Test::Is(true), Test::Entry),
        }
    }

    /// `None` for what is true of every letter.
    fn entry(&self, key: &SearchKey) -> Option<EntryTest> {
        let ago = |seconds: u32| self.context.now.saturating_sub(i64::from(seconds));
        Some(match key {
            SearchKey::Flag(flags) => EntryTest::Flag(*flags),
            SearchKey::NotFlag(flags) => EntryTest::NotFlag(*flags),
            SearchKey::Larger(octets) => EntryTest::Larger(*octets),
            SearchKey::Smaller(octets) => EntryTest::Smaller(*octets),
            SearchKey::Before(day) => EntryTest::Internal(Order::Before, *day),
            SearchKey::On(day) => EntryTest::Internal(Order::On, *day),
            SearchKey::Since(day) => EntryTest::Internal(Order::Since, *day),
            SearchKey::SavedBefore(day) => EntryTest::Saved(Order::Before, *day),
            SearchKey::SavedOn(day) => EntryTest::Saved(Order::On, *day),
            SearchKey::SavedSince(day) => EntryTest::Saved(Order::Since, *day),
            // RFC 5032 §3
            SearchKey::Older(seconds) => EntryTest::Until(ago(seconds.get())),
            SearchKey::Younger(seconds) => EntryTest::From(ago(seconds.get())),
            SearchKey::ModSeq(least) => EntryTest::ModSeq(*least),
            // ALL; SAVEDATESUPPORTED (RFC 8514 §4.2): every folder keeps save dates.
            _ => return None,
        })
    }

    fn by_uid(&self, set: &SeqSet) -> UidSet {
        let ranges = set.ranges(self.context.view.last().map_or(0, |uid| uid.0));
        UidSet::from_ranges(ranges.into_iter().map(|(first, last)| (Uid(first), Uid(last))))
    }

    fn recent(&self) -> Test {
        Test::Entry(EntryTest::Recent(self.context.recent))
    }

    fn keyword(&self, keyword: &Keyword) -> Test {
        let names = &self.context.header.keywords;
        let at = names.iter().position(|name| name.eq_ignore_ascii_case(keyword.as_str()));
        let bit = at.and_then(|at| 1_u64.checked_shl(u32::try_from(at).ok()?));
        bit.map_or(Test::Is(false), |bit| Test::Entry(EntryTest::Keyword(bit)))
    }
}

fn holds(field: EnvelopeField, text: &str) -> Test {
    Test::Facts(FactsTest::Holds(field, Needle::new(text)))
}

/// An id in any spelling but the one that is shown is nobody's.
fn email(id: &str) -> Test {
    let number = id.strip_prefix('M').and_then(|hex| u64::from_str_radix(hex, 16).ok());
    let letter = number.map(LetterId).filter(|letter| email_id(*letter) == id);
    letter.map_or(Test::Is(false), |letter| Test::Entry(EntryTest::Email(letter)))
}
