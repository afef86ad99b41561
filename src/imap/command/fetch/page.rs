//! Letters told, page by page.

use std::io::Write;
use std::ops::Range;
use std::sync::Arc;

use postern_actors::mail::{FlagChange, FlagsChanged};
use postern_model::mime::Facts;
use postern_model::mime::text::preview;
use postern_model::record::Entry;
use postern_model::{Flags, LetterId, UidSet};
use postern_policy::folder::{FlagMode, Folder};
use postern_storage::{StoreError, keys};

use super::Trouble;
use super::bodies::Bodies;
use super::item::{self, Letter};
use super::literal::{self, Measured, Writing};
use super::plan::{Fields, Plan, is_body};
use super::source::{Partial, Shown, Source, part_of, source};
use crate::imap::data::{Decoder, section_name};
use crate::imap::grammar::FetchItem;
use crate::imap::state::State;
use crate::net::outlet::{Cut, Outlet};

/// A FETCH under way.
pub(super) struct Fetching<'a, 'o> {
    pub(super) state: &'a mut State,
    pub(super) out: &'a mut Outlet<'o>,
    pub(super) plan: &'a Plan,
    pub(super) folder: &'a Folder,
    /// What could not be told so far.
    pub(super) trouble: Option<Trouble>,
}

/// An item that is told from octets, and the fields of a header that it wants.
type Item<'a> = (&'a FetchItem, Option<&'a Fields>);

/// A letter with the octets that are told of it.
struct Told<'a> {
    letter: Letter<'a>,
    /// `\Seen` was set by this very command.
    marked: bool,
    /// Nothing of it has been written yet.
    first: bool,
}

impl Fetching<'_, '_> {
    /// Tells letters, which the client knows.
    pub(super) async fn page(&mut self, page: &[&Entry]) -> Result<(), Cut> {
        let marked = self.mark_seen(page).await;
        let facts = Arc::new(self.facts(page).await);
        let previews = self.previews(page, &facts).await;
        let of = |n: usize| facts.get(n).and_then(Option::as_ref);
        let mut sources = Vec::new();
        if self.plan.bodies > 0 {
            let items = || self.plan.items.iter().zip(&self.plan.fields).filter(|(item, _)| is_body(item));
            let of_letter = |n| items().map(move |(item, fields)| source(item, fields.as_ref(), of(n)));
            sources = (0..page.len()).flat_map(of_letter).collect();
        }
        let mut bodies = self.bodies(page, &sources);
        let mut sources = sources.into_iter();
        for (n, entry) in page.iter().enumerate() {
            let now = marked.as_ref().filter(|marked| marked.changed.contains(entry.uid));
            let (header, changed) = match now {
                Some(marked) => (marked.folder.header(), marked.folder.entry(entry.uid)),
                None => (self.folder.header(), None),
            };
            let preview = previews.get(n).and_then(Option::as_deref);
            let letter = Letter { entry: changed.unwrap_or(entry), header, facts: of(n), preview };
            let told = Told { letter, marked: changed.is_some(), first: true };
            self.letter(told, &mut sources, &mut bodies).await?;
            self.out.relieve().await?;
        }
        Ok(())
    }

    /// What was asked for without PEEK sets `\Seen` (RFC 9051 §6.4.5): once for a page, before it is told. Where the store
    /// can't, the letters are told all the same.
    async fn mark_seen(&mut self, page: &[&Entry]) -> Option<FlagsChanged> {
        let selected = self.state.selected.as_mut().filter(|selected| !selected.read_only)?;
        if !self.plan.sets_seen {
            return None;
        }
        let unseen = page.iter().filter(|entry| !entry.flags.contains(Flags::SEEN));
        let unseen: UidSet = unseen.map(|entry| entry.uid).collect();
        if unseen.is_empty() {
            return None;
        }
        let (mode, flags, keywords) = (FlagMode::Add, Flags::SEEN, Vec::new());
        let change = FlagChange { mode, flags, keywords, unchanged_since: None };
        let changed = self.state.mail.change_flags(selected.mailbox, unseen, change).await;
        let changed = changed.inspect_err(|refusal| tracing::warn!(?refusal, "\\Seen was not set")).ok()?;
        // Told with the letters, and so not once more behind the command.
        selected.silent.extend(changed.mod_seq);
        Some(changed)
    }

    /// The letters' facts, where they are needed.
    async fn facts(&mut self, page: &[&Entry]) -> Vec<Option<Facts>> {
        if !self.plan.facts {
            return Vec::new();
        }
        let account = self.state.mail.account();
        let letters: Vec<LetterId> = page.iter().map(|entry| entry.letter).collect();
        let read = self.state.mail.store().read(move |view| {
            let facts = |letter| match view.get(&keys::facts(account, letter)) {
                // One that is damaged does not take the others with it.
                Err(StoreError::Damaged { .. }) => Ok(None),
                read => read,
            };
            letters.into_iter().map(facts).collect()
        });
        read.await.unwrap_or_else(|error| {
            tracing::error!(%error, "facts of letters could not be read");
            Vec::new()
        })
    }

    /// The letters' first words, where they are asked for.
    async fn previews(&mut self, page: &[&Entry], facts: &Arc<Vec<Option<Facts>>>) -> Vec<Option<String>> {
        if !self.plan.previews {
            return Vec::new();
        }
        let letters = page.iter().map(|entry| entry.letter).collect();
        let (facts, mut at) = (Arc::clone(facts), 0..);
        let look = move |_, body: Result<&[u8], StoreError>| {
            let facts = at.next().and_then(|n: usize| facts.get(n)?.as_ref())?;
            body.ok().map(|body| preview(body, facts))
        };
        let read = self.state.mail.store().with_bodies(self.state.mail.account(), letters, look).await;
        let read =
            read.inspect_err(|error| tracing::error!(%error, "letters could not be read for previews"));
        read.unwrap_or_default().into_iter().map(|(_, preview)| preview).collect()
    }

    fn bodies(&self, page: &[&Entry], sources: &[Source]) -> Bodies {
        let a_letter = sources.len() / page.len().max(1);
        let wanted = |(n, source): (usize, &Source)| match source {
            Source::Octets { range, .. } if !range.is_empty() => {
                Some((page.get(n / a_letter)?.letter, range.clone()))
            }
            _ => None,
        };
        let wanted = sources.iter().enumerate().filter_map(wanted).collect();
        Bodies::new(self.state.mail.store().clone(), self.state.mail.account(), wanted)
    }

    async fn letter(
        &mut self,
        mut told: Told<'_>,
        sources: &mut impl Iterator<Item = Source>,
        bodies: &mut Bodies,
    ) -> Result<(), Cut> {
        self.begin(&told);
        let plan = self.plan;
        for (item, fields) in plan.items.iter().zip(&plan.fields) {
            match is_body(item) {
                false => self.simple(item, &mut told),
                true => {
                    let source = sources.next().unwrap_or(Source::Nil);
                    self.body((item, fields.as_ref()), source, &mut told, bodies).await?;
                }
            }
        }
        if told.marked {
            self.changed(&mut told);
        }
        if told.first {
            // Nothing of it could be told, but a response is not empty.
            self.simple(&FetchItem::Uid, &mut told);
        }
        self.out.bytes.extend_from_slice(b")\r\n");
        Ok(())
    }

    /// What was not asked for, but changed by this command: as it would be told unasked (RFC 7162 §3.1, 3.2.4).
    fn changed(&mut self, told: &mut Told<'_>) {
        let (enabled, plan) = (self.state.enabled, self.plan);
        if enabled.qresync && !enabled.uid_only && !plan.uid {
            self.simple(&FetchItem::Uid, told);
        }
        if !plan.flags {
            self.simple(&FetchItem::Flags, told);
        }
        if enabled.condstore && !plan.mod_seq {
            self.simple(&FetchItem::ModSeq, told);
        }
    }

    /// `* 1 FETCH (`, or `* 5 UIDFETCH (` (RFC 9586 §3.3).
    fn begin(&mut self, told: &Told<'_>) {
        let uid = told.letter.entry.uid;
        let number = self.state.selected.as_ref().and_then(|selected| selected.view.number(uid));
        // Writing to memory can't fail; letters that the client does not know are not told.
        let _ = match number {
            Some(number) if !self.state.enabled.uid_only => write!(self.out.bytes, "* {} FETCH (", number.0),
            _ => write!(self.out.bytes, "* {} UIDFETCH (", uid.0),
        };
    }

    fn gap(&mut self, told: &mut Told<'_>) {
        if !std::mem::take(&mut told.first) {
            self.out.bytes.push(b' ');
        }
    }

    fn simple(&mut self, item: &FetchItem, told: &mut Told<'_>) {
        let Some(selected) = &self.state.selected else { return };
        let (before, out) = (self.out.bytes.len(), &mut *self.out.bytes);
        if !told.first {
            out.push(b' ');
        }
        let utf8 = self.state.enabled.wants_utf8();
        if item::write(out, item, &told.letter, selected, utf8) {
            told.first = false;
        } else {
            out.truncate(before);
            self.trouble = self.trouble.max(Some(Trouble::Unreadable));
        }
    }

    /// An item that is told from octets. One that can't be read is left out, and the command's end says so.
    async fn body(
        &mut self,
        (item, fields): Item<'_>,
        source: Source,
        told: &mut Told<'_>,
        bodies: &mut Bodies,
    ) -> Result<(), Cut> {
        let small = match source {
            Source::Octets { range, shown } if !range.is_empty() => {
                return self.octets((item, fields), range, shown, told, bodies).await;
            }
            Source::Trouble(trouble) => {
                self.trouble = self.trouble.max(Some(trouble));
                return Ok(());
            }
            Source::Nil => " NIL".to_owned(),
            Source::Size(octets) => format!(" {octets}"),
            Source::Octets { shown: Shown::DecodedSize { .. }, .. } => " 0".to_owned(),
            Source::Octets { .. } => " \"\"".to_owned(),
        };
        self.name(item, told);
        self.out.bytes.extend_from_slice(small.as_bytes());
        Ok(())
    }

    async fn octets(
        &mut self,
        (item, fields): Item<'_>,
        range: Range<u64>,
        shown: Shown,
        told: &mut Told<'_>,
        bodies: &mut Bodies,
    ) -> Result<(), Cut> {
        let mut body = match bodies.next().await {
            Ok(body) => body,
            Err(error) => return self.unreadable(told, &error),
        };
        match shown {
            Shown::Plain { binary } => {
                self.name(item, told);
                Writing { broken: &mut self.state.broken, out: self.out }.stream(&mut body, binary).await
            }
            Shown::Fields { partial } => {
                let Some(Fields { filter, .. }) = fields else { return Ok(()) };
                match literal::filtered_header(&mut body, filter).await {
                    Ok(fields) => self.literal(item, literal::cut(&fields, partial), false, told),
                    Err(error) => return self.unreadable(told, &error),
                }
                Ok(())
            }
            Shown::DecodedSize { decoder } => match literal::measure(&mut body, decoder).await {
                Ok(measured) => {
                    self.name(item, told);
                    let _ = write!(self.out.bytes, " {}", measured.octets);
                    Ok(())
                }
                Err(error) => self.unreadable(told, &error),
            },
            Shown::Decoded { decoder, partial } => match literal::measure(&mut body, decoder.clone()).await {
                Ok(Measured { kept: Some(kept), .. }) => {
                    self.literal(item, literal::cut(&kept, partial), true, told);
                    Ok(())
                }
                Ok(Measured { octets, kept: None }) => {
                    let wanted = part_of(0..octets, partial);
                    self.decoded_again(item, (range, decoder, wanted), told, bodies).await
                }
                Err(error) => self.unreadable(told, &error),
            },
        }
    }

    fn literal(&mut self, item: &FetchItem, octets: &[u8], binary: bool, told: &mut Told<'_>) {
        self.name(item, told);
        literal::write(self.out.bytes, octets, binary);
    }

    /// A decoded part that is too large to be kept since it was measured.
    async fn decoded_again(
        &mut self,
        item: &FetchItem,
        (range, decoder, wanted): (Range<u64>, Decoder, Range<u64>),
        told: &mut Told<'_>,
        bodies: &Bodies,
    ) -> Result<(), Cut> {
        match literal::reopen(bodies, told.letter.entry.letter, range).await {
            Ok(mut body) => {
                self.name(item, told);
                Writing { broken: &mut self.state.broken, out: self.out }
                    .decode(&mut body, decoder, wanted)
                    .await
            }
            Err(error) => self.unreadable(told, &error),
        }
    }

    fn unreadable(&mut self, told: &Told<'_>, error: &StoreError) -> Result<(), Cut> {
        let trouble = match error {
            // Expunged while this command ran.
            StoreError::NotFound => Trouble::Gone,
            error => {
                let letter = told.letter.entry.letter;
                tracing::error!(%letter, %error, "a letter's body could not be read");
                Trouble::Unreadable
            }
        };
        self.trouble = self.trouble.max(Some(trouble));
        Ok(())
    }

    /// The name of an item that is told from octets.
    fn name(&mut self, item: &FetchItem, told: &mut Told<'_>) {
        self.gap(told);
        let out = &mut *self.out.bytes;
        match item {
            FetchItem::Section(fetch) => section_name(out, fetch),
            FetchItem::Binary { part, partial, .. } => binary_name(out, "BINARY", part, *partial),
            FetchItem::BinarySize { part } => binary_name(out, "BINARY.SIZE", part, None),
            _ => {}
        }
    }
}

/// `BINARY[1.2]<0>`
fn binary_name(out: &mut Vec<u8>, name: &str, part: &[u32], partial: Partial) {
    let part: Vec<String> = part.iter().map(u32::to_string).collect();
    let origin = partial.map_or_else(String::new, |(origin, _)| format!("<{origin}>"));
    let _ = write!(out, "{name}[{}]{origin}", part.join("."));
}
