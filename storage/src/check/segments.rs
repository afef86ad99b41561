//! Do the segments hold what the index says, octet by octet?

use std::ops::ControlFlow;
use std::os::unix::fs::FileExt;

use postern_model::LetterId;

use super::CheckReport;
use crate::blob::frame::{HEADER, Header};
use crate::blob::{BackRef, FrameRef, SegmentId, all_refs, all_segments, refs_of_segment, segment_key};
use crate::error::StoreError;
use crate::keys;
use crate::shared::Shared;
use crate::view::View;

/// References that are read at a time.
const PAGE: usize = 1024;
/// Octets of a body that are read at a time.
const CHUNK: usize = 256 << 10;

pub(super) fn check(shared: &Shared, report: &mut CheckReport) -> Result<(), StoreError> {
    let mut ids = Vec::new();
    shared.view(|view| {
        view.visit(&all_segments(), &mut |id, _| {
            ids.push(id);
            ControlFlow::Continue(())
        })
    })?;
    for id in ids {
        report.segments += 1;
        let outcome = shared.view(|view| references(shared, view, report, id));
        report.note(&format!("segment {id}"), outcome);
        let outcome = frames(shared, report, id);
        report.note(&format!("segment {id}"), outcome);
    }
    shared.view(|view| strays(view, report))
}

/// Figures and references of one segment, within one look.
fn references(
    shared: &Shared,
    view: &View<'_>,
    report: &mut CheckReport,
    id: SegmentId,
) -> Result<(), StoreError> {
    // It may have been dropped since it was listed.
    let Some(info) = view.get(&segment_key(id))? else { return Ok(()) };
    let file = shared.files.get(id)?;
    let on_disk = file.metadata().map_err(|e| StoreError::io("ask for a segment's size", e))?.len();
    if on_disk < info.length {
        report.problem(format!("segment {id}: {} octets are missing at its end", info.length - on_disk));
    }
    let (mut live, mut last, mut outcome) = (0, None, Ok(()));
    view.visit(&refs_of_segment(id), &mut |back, frame| {
        if last.replace(back.offset) != Some(back.offset) {
            live += frame.frame;
        }
        match is_mutual(view, back) {
            Ok(true) => ControlFlow::Continue(()),
            Ok(false) => {
                report.problem(format!("{}: no letter refers to the frame", place(back)));
                ControlFlow::Continue(())
            }
            Err(error) => {
                outcome = Err(error);
                ControlFlow::Break(())
            }
        }
    })?;
    if live != info.live {
        report.problem(format!("segment {id}: {} octets are counted as alive, and {live} are", info.live));
    }
    outcome
}

/// Whether the account's letter refers to the frame that refers to it.
fn is_mutual(view: &View<'_>, back: BackRef) -> Result<bool, StoreError> {
    written_as(view, back).map(|letter| letter.is_some())
}

/// The letter that is to stand in the frame, where the account's letter refers to the frame that refers to it.
fn written_as(view: &View<'_>, back: BackRef) -> Result<Option<LetterId>, StoreError> {
    let there = view.get(&keys::body(back.account, back.letter))?;
    let there = there.filter(|there| (there.segment, there.offset) == (back.segment, back.offset));
    Ok(there.map(|there| there.written_as(back.letter)))
}

/// Reads every frame of a segment that somebody refers to.
fn frames(shared: &Shared, report: &mut CheckReport, id: SegmentId) -> Result<(), StoreError> {
    let mut range = refs_of_segment(id);
    let mut last_frame = None;
    loop {
        let rows = shared.view(|view| view.scan(&range, PAGE))?;
        let Some((last, _)) = rows.last() else { return Ok(()) };
        range.skip_to(last.key().as_bytes());
        for (back, found) in rows {
            if last_frame == Some(back.offset) {
                continue;
            }
            // Where no letter refers to it, that has been said, or it was dropped meanwhile.
            let Some(letter) = shared.view(|view| written_as(view, back))? else { continue };
            last_frame = Some(back.offset);
            report.frames += 1;
            report.octets += found.frame;
            if let Err(what) = read_frame(shared, back, found, letter) {
                let still_there = shared.view(|view| is_mutual(view, back))?;
                if still_there {
                    report.problem(format!("{}: {what}", place(back)));
                }
            }
        }
    }
}

/// Reads one frame whole; what is wrong with it, in words.
fn read_frame(shared: &Shared, back: BackRef, found: FrameRef, letter: LetterId) -> Result<(), String> {
    let file = shared.files.get(back.segment).map_err(|error| error.to_string())?;
    let read = |octets: &mut [u8], at| file.read_exact_at(octets, at).map_err(|error| error.to_string());
    let mut head = [0; HEADER];
    read(&mut head, back.offset)?;
    let header = Header::decode(&head)?;
    if (header.letter, header.length, header.frame_len()) != (letter, found.length, found.frame) {
        return Err("another letter lies there".to_owned());
    }
    let mut position = back.offset + HEADER as u64;
    let end = position + header.length;
    let mut crc = crc32fast::Hasher::new();
    let mut buffer = vec![0; CHUNK];
    while position < end {
        let length = usize::try_from(end - position).unwrap_or(CHUNK).min(CHUNK);
        read(&mut buffer[..length], position)?;
        crc.update(&buffer[..length]);
        position += length as u64;
    }
    if crc.finalize() != header.body_crc {
        return Err("the body has a wrong checksum".to_owned());
    }
    let mut crc = crc32fast::Hasher::new();
    for n in 0..u64::from(header.accounts) {
        let mut account = [0; 8];
        read(&mut account, end + 8 * n)?;
        crc.update(&account);
    }
    if crc.finalize() == header.tail_crc { Ok(()) } else { Err("the tail has a wrong checksum".to_owned()) }
}

/// No reference leads into a segment that is not in the index.
fn strays(view: &View<'_>, report: &mut CheckReport) -> Result<(), StoreError> {
    let mut range = all_refs();
    while let Some((back, _)) = view.scan(&range, 1)?.pop() {
        if !view.contains(&segment_key(back.segment))? {
            report.problem(format!("{}: there is no such segment", place(back)));
        }
        range.start = refs_of_segment(back.segment).end;
    }
    Ok(())
}

fn place(back: BackRef) -> String {
    format!(
        "segment {}, offset {}, letter {} of account {}",
        back.segment, back.offset, back.letter, back.account
    )
}
