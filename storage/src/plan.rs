//! What a group of batches comes to: which may be done, and what is then to be written where.
//!
//! Nothing is written while a plan is made, so a batch whose preconditions fail leaves no trace. Later batches of the
//! group see what earlier ones will have written.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

use postern_model::record::Record;
use postern_model::{AccountId, LetterId};

use crate::batch::{Append, Batch, Check, Copied, Move};
use crate::blob::frame::{HEADER, Header, frame_len, tail};
use crate::blob::segment::{Adoption, Segments};
use crate::blob::spool::Content;
use crate::blob::{BackRef, BodyRef, FrameRef, SegmentId, SegmentInfo, refs_of_frame, segment_key};
use crate::codec;
use crate::engine::{Engine, Writes};
use crate::error::StoreError;
use crate::keys;
use crate::keyspace::Key;
use crate::letters::{self, LetterIds};
use crate::log::{self, Heads, LogHead, Logged};
use crate::view;

/// A group on its way to the disk.
pub(crate) struct Plan<'a> {
    engine: &'a dyn Engine,
    segments: &'a Segments,
    segment_size: u64,
    letters: LetterIds,
    heads: &'a mut Heads,
    out: Planned,
    /// Frames that lost a reference, with their octets.
    released: BTreeMap<(SegmentId, u64), u64>,
}

/// What is to be written.
pub(crate) struct Planned {
    pub(crate) writes: Writes,
    /// Frames for the active segment.
    pub(crate) frames: Vec<u8>,
    pub(crate) adoptions: Vec<Adoption>,
    /// Segments as they are afterwards; dead ones are to be unlinked.
    pub(crate) changed: BTreeMap<SegmentId, SegmentInfo>,
    pub(crate) next_segment: u64,
    pub(crate) letters: LetterIds,
}

/// What a batch needs to know of the store before its first change.
struct Found {
    copied: Vec<(AccountId, LetterId, BodyRef)>,
    dropped: Vec<(AccountId, LetterId, BodyRef)>,
    moved: Vec<(Move, Header, Vec<BackRef>)>,
}

impl<'a> Plan<'a> {
    /// An empty plan; `buffer` is one that an earlier plan used.
    pub(crate) fn new(
        engine: &'a dyn Engine,
        segments: &'a Segments,
        segment_size: u64,
        letters: LetterIds,
        heads: &'a mut Heads,
        mut buffer: Vec<u8>,
    ) -> Plan<'a> {
        buffer.clear();
        let out = Planned {
            writes: Writes::new(),
            frames: buffer,
            adoptions: Vec::new(),
            changed: BTreeMap::new(),
            next_segment: segments.next(),
            letters,
        };
        let mut plan =
            Plan { engine, segments, segment_size, letters, heads, out, released: BTreeMap::new() };
        for id in &segments.abandoned {
            plan.segment(*id).closed = true;
        }
        plan
    }

    /// Takes a batch in.
    ///
    /// # Errors
    /// [`StoreError::Conflict`], or what went wrong while reading; the plan is then as if the batch had never been.
    pub(crate) fn add(&mut self, batch: Batch) -> Result<(), StoreError> {
        if let Some(error) = batch.error {
            return Err(error);
        }
        for check in &batch.checks {
            self.judge(check)?;
        }
        self.expect_no_bodies(&batch.appends, &batch.copies)?;
        let heads = self.find_heads(&batch)?;
        let found = self.find(&batch.copies, batch.drops, batch.moves)?;
        // From here on nothing can fail.
        for (account, letter, place) in found.copied {
            self.out.letters.used(letter);
            self.refer(account, letter, place);
        }
        for (account, letter, place) in found.dropped {
            self.release(account, letter, place);
        }
        for (key, value) in batch.writes {
            if value.is_none()
                && let Some(account) = keys::whose_account(&key)
            {
                // What is logged from here on comes too late, and entries that are left have no more to say.
                self.out.writes.insert(log::head(account).into_bytes(), None);
                self.heads.forget(account);
            }
            self.out.writes.insert(key, value);
        }
        for letter in batch.letters {
            self.out.letters.used(letter);
        }
        self.log(heads, batch.logs);
        for append in batch.appends {
            self.append(append);
        }
        for (moving, header, refs) in found.moved {
            self.move_frame(&moving, header, &refs);
        }
        Ok(())
    }

    fn judge(&self, check: &Check) -> Result<(), StoreError> {
        let holds = match check {
            Check::Absent(key) => self.get(key)?.is_none(),
            Check::Present(key) => self.get(key)?.is_some(),
            Check::Equals { key, value, modernise } => match self.get(key)? {
                Some(stored) => stored == *value || modernise(&stored).is_some_and(|new| new == *value),
                None => false,
            },
        };
        if holds { Ok(()) } else { Err(StoreError::Conflict) }
    }

    /// No account has a body yet for what it is to get one for, and none gets two.
    fn expect_no_bodies(&self, appends: &[Append], copies: &[Copied]) -> Result<(), StoreError> {
        let appended =
            appends.iter().flat_map(|append| append.accounts.iter().map(|id| (*id, append.letter)));
        let mut new = BTreeSet::new();
        for (account, letter) in appended.chain(copies.iter().map(|copy| (copy.account, copy.to))) {
            if !new.insert((account, letter)) || self.get(keys::body(account, letter).as_bytes())?.is_some() {
                return Err(StoreError::Conflict);
            }
        }
        Ok(())
    }

    /// What a copy is to refer to.
    fn find_original(&self, copy: &Copied) -> Result<BodyRef, StoreError> {
        let key = keys::body(copy.account, copy.from);
        let stored = self.get(key.as_bytes())?.ok_or(StoreError::Conflict)?;
        let place: BodyRef = view::read(key.as_bytes(), &stored)?;
        Ok(BodyRef { first: Some(place.written_as(copy.from)), ..place })
    }

    fn find(
        &self,
        copies: &[Copied],
        drops: Vec<(AccountId, LetterId)>,
        moves: Vec<Move>,
    ) -> Result<Found, StoreError> {
        let mut found = Found { copied: Vec::new(), dropped: Vec::new(), moved: Vec::new() };
        for copy in copies {
            found.copied.push((copy.account, copy.to, self.find_original(copy)?));
        }
        for (account, letter) in drops {
            let key = keys::body(account, letter);
            if let Some(stored) = self.get(key.as_bytes())? {
                found.dropped.push((account, letter, view::read(key.as_bytes(), &stored)?));
            }
        }
        for moving in moves {
            let refs = self.refs(moving.segment, moving.offset, usize::MAX)?;
            let header = moving.frame.first_chunk::<HEADER>().map(Header::decode);
            if let (false, Some(Ok(header))) = (refs.is_empty(), header) {
                found.moved.push((moving, header, refs));
            }
        }
        Ok(found)
    }

    /// Where the rings of those accounts stand that are to get entries; not of accounts that are gone, or go with this
    /// batch. An account may come with it.
    fn find_heads(&mut self, batch: &Batch) -> Result<BTreeMap<AccountId, LogHead>, StoreError> {
        let mut heads = BTreeMap::new();
        if batch.logs.is_empty() {
            return Ok(heads);
        }
        let changed = batch.writes.iter();
        let changed = changed.filter_map(|(key, value)| Some((keys::whose_account(key)?, value.is_some())));
        let stays: BTreeMap<AccountId, bool> = changed.collect();
        for Logged { account, .. } in &batch.logs {
            if !heads.contains_key(account)
                && let Some(head) = self.find_head(*account, stays.get(account).copied())?
            {
                heads.insert(*account, head);
            }
        }
        Ok(heads)
    }

    /// `stays`: whether there is an account after the batch, where the batch says so.
    fn find_head(&mut self, account: AccountId, stays: Option<bool>) -> Result<Option<LogHead>, StoreError> {
        if stays == Some(false) {
            return Ok(None);
        }
        if let Some(head) = self.heads.get(account) {
            return Ok(Some(head));
        }
        let key = log::head(account);
        if let Some(stored) = self.get(key.as_bytes())? {
            return view::read(key.as_bytes(), &stored).map(Some);
        }
        let exists = stays.is_some() || self.get(keys::account(account).as_bytes())?.is_some();
        Ok(exists.then(LogHead::default))
    }

    fn log(&mut self, mut heads: BTreeMap<AccountId, LogHead>, logs: Vec<Logged>) {
        for entry in logs {
            let Some(head) = heads.get_mut(&entry.account) else { continue };
            let (key, value, gone) = head.push(entry);
            self.out.writes.extend(gone.into_iter().map(|key| (key, None)));
            self.out.writes.insert(key, Some(value));
        }
        for (account, head) in heads {
            self.put(&log::head(account), &head);
            self.heads.keep(account, head);
        }
    }

    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        match self.out.writes.get(key) {
            Some(planned) => Ok(planned.clone()),
            None => self.engine.get(key),
        }
    }

    /// Up to `limit` who will refer to a frame.
    fn refs(&self, segment: SegmentId, offset: u64, limit: usize) -> Result<Vec<BackRef>, StoreError> {
        let range = refs_of_frame(segment, offset);
        let planned = self.out.writes.range(range.start.clone()..range.end.clone());
        let mut found: Vec<BackRef> = planned
            .filter(|(_, value)| value.is_some())
            .filter_map(|(key, _)| (range.parse)(key))
            .take(limit)
            .collect();
        self.engine.scan(&range.start, &range.end, &mut |key, _| {
            if found.len() >= limit {
                return ControlFlow::Break(());
            }
            if !self.out.writes.contains_key(key) {
                found.extend((range.parse)(key));
            }
            ControlFlow::Continue(())
        })?;
        Ok(found)
    }

    /// Takes the account's reference to a frame away, both ways.
    fn release(&mut self, account: AccountId, letter: LetterId, place: BodyRef) {
        let back = BackRef { segment: place.segment, offset: place.offset, account, letter };
        self.out.writes.insert(keys::body(account, letter).into_bytes(), None);
        self.out.writes.insert(back.key().into_bytes(), None);
        self.released.insert((place.segment, place.offset), place.frame);
    }

    fn append(&mut self, append: Append) {
        self.out.letters.used(append.letter);
        let tail = tail(&append.accounts);
        let header = Header {
            letter: append.letter,
            date: append.date,
            mailbox: append.mailbox,
            length: append.body.len(),
            accounts: u32::try_from(append.accounts.len()).unwrap_or(u32::MAX),
            body_crc: append.body.crc,
            tail_crc: crc32fast::hash(&tail),
        };
        let frame = frame_len(header.length, append.accounts.len());
        let (segment, offset) = match append.body.content {
            Content::Memory(octets) => self.place(&header, &octets, &tail),
            Content::File(spool) => {
                let id = SegmentId(self.out.next_segment);
                self.out.next_segment += 1;
                let tail_at = HEADER as u64 + header.length;
                self.out.adoptions.push(Adoption { id, spool, header: header.encode(), tail, tail_at });
                self.out.changed.insert(id, SegmentInfo { length: frame, live: frame, closed: true });
                (id, 0)
            }
        };
        let place = BodyRef { segment, offset, length: header.length, frame, first: None };
        for account in append.accounts {
            self.refer(account, append.letter, place);
        }
    }

    /// Puts a frame behind the others of the active segment.
    fn place(&mut self, header: &Header, octets: &[u8], tail: &[u8]) -> (SegmentId, u64) {
        let (segment, end) = self.segments.end();
        let offset = end + self.out.frames.len() as u64;
        for part in [&header.encode()[..], octets, tail] {
            self.out.frames.extend_from_slice(part);
        }
        let frame = (HEADER + octets.len() + tail.len()) as u64;
        let info = self.segment(segment);
        info.length += frame;
        info.live += frame;
        (segment, offset)
    }

    fn refer(&mut self, account: AccountId, letter: LetterId, place: BodyRef) {
        let back = BackRef { segment: place.segment, offset: place.offset, account, letter };
        self.put(&keys::body(account, letter), &place);
        self.put(&back.key(), &FrameRef { length: place.length, frame: place.frame });
    }

    /// Copies a frame for those who still refer to it.
    fn move_frame(&mut self, moving: &Move, header: Header, refs: &[BackRef]) {
        let body = HEADER..HEADER + usize::try_from(header.length).unwrap_or(usize::MAX);
        let Some(octets) = moving.frame.get(body) else { return };
        let mut accounts: Vec<AccountId> = refs.iter().map(|back| back.account).collect();
        accounts.sort_unstable();
        // One that has copies refers to it more than once.
        accounts.dedup();
        let tail = tail(&accounts);
        let accounts = u32::try_from(accounts.len()).unwrap_or(u32::MAX);
        let old = BodyRef {
            segment: moving.segment,
            offset: moving.offset,
            length: header.length,
            frame: header.frame_len(),
            first: None,
        };
        let header = Header { accounts, tail_crc: crc32fast::hash(&tail), ..header };
        let (segment, offset) = self.place(&header, octets, &tail);
        let new = BodyRef { segment, offset, frame: header.frame_len(), ..old };
        for back in refs {
            self.release(back.account, back.letter, old);
            let first = (header.letter != back.letter).then_some(header.letter);
            self.refer(back.account, back.letter, BodyRef { first, ..new });
        }
    }

    /// Settles what the group as a whole leaves behind.
    ///
    /// # Errors
    /// [`StoreError::Io`] while reading; then no batch of the group may be done.
    pub(crate) fn finish(mut self) -> Result<Planned, StoreError> {
        for ((segment, offset), frame) in std::mem::take(&mut self.released) {
            if self.refs(segment, offset, 1)?.is_empty() {
                let info = self.segment(segment);
                info.live = info.live.saturating_sub(frame);
            }
        }
        self.close_active();
        for (id, info) in std::mem::take(&mut self.out.changed) {
            if info.is_dead() {
                self.out.writes.insert(segment_key(id).into_bytes(), None);
            } else {
                self.put(&segment_key(id), &info);
            }
            self.out.changed.insert(id, info);
        }
        if let Some(reserved) = self.out.letters.newly_reserved(self.letters) {
            self.put(&letters::key(), &reserved);
        }
        Ok(self.out)
    }

    /// A full segment is closed; so is one that holds nothing alive and is long enough to be worth it.
    fn close_active(&mut self) {
        let (active, _) = self.segments.end();
        let (full, worth) = (self.segment_size, self.segment_size / 8);
        if let Some(info) = self.out.changed.get_mut(&active)
            && (info.length >= full || (info.live == 0 && info.length >= worth))
        {
            info.closed = true;
        }
    }

    /// A segment's figures, to be changed by the group.
    fn segment(&mut self, id: SegmentId) -> &mut SegmentInfo {
        let known = self.segments.table.get(&id).copied().unwrap_or_default();
        self.out.changed.entry(id).or_insert(known)
    }

    fn put<R: Record>(&mut self, key: &Key<R>, record: &R) {
        // The store's own records are a few numbers each and always fit.
        if let Ok(bytes) = codec::encode(record) {
            self.out.writes.insert(key.as_bytes().to_vec(), Some(bytes));
        }
    }
}
