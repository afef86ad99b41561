//! UIDBATCHES (draft-ietf-mailmaint-imap-uidbatches): ranges of UIDs that hold about the same number of letters each, so
//! that a client can go through a large folder in steps.

use std::io::Write;
use std::num::NonZeroU32;

use postern_model::{SeqNo, Uid};
use postern_policy::view::View;

use crate::imap::command::Run;
use crate::imap::reply::Done;
use crate::net::outlet::Cut;

/// Letters that a batch has at least.
const SMALLEST: u32 = 500;

pub(super) async fn run(
    run: &mut Run<'_, '_>,
    size: NonZeroU32,
    range: Option<(NonZeroU32, NonZeroU32)>,
) -> Result<Done, Cut> {
    let selected = match run.selected() {
        Ok(selected) => selected,
        Err(done) => return Ok(done),
    };
    if size.get() < SMALLEST {
        return Ok(Done::no_with("TOOFEW", format!("A batch has {SMALLEST} letters or more.")));
    }
    if range.is_some_and(|(first, last)| first > last) {
        return Ok(Done::bad("The first batch comes before the last."));
    }
    let list: Vec<String> = batches(&selected.view, size.get(), range)
        .into_iter()
        .map(|(high, low)| match high == low {
            true => high.0.to_string(),
            false => format!("{}:{}", high.0, low.0),
        })
        .collect();
    let gap = if list.is_empty() { "" } else { " " };
    // Writing to memory can't fail.
    let _ = write!(
        run.out.bytes,
        "* UIDBATCHES (TAG \"{}\"){gap}{}\r\n",
        run.tag.as_str().escape_default(),
        list.join(",")
    );
    Ok(Done::ok("UIDBATCHES completed"))
}

/// The batches that `range` names, counted from 1: highest UIDs first, without gaps between them, down to UID 1.
fn batches(view: &View, size: u32, range: Option<(NonZeroU32, NonZeroU32)>) -> Vec<(Uid, Uid)> {
    let all = view.len().div_ceil(size);
    let (first, last) = range.map_or((1, all), |(first, last)| (first.get(), last.get().min(all)));
    // The highest UID of a batch, which takes in the hole below it.
    let high = |batch: u32| {
        let number = view.len().checked_sub((batch - 1).checked_mul(size)?)?;
        view.uid(SeqNo(number))
    };
    (first..=last)
        .filter_map(|batch| {
            let below = if batch == all { None } else { high(batch + 1) };
            Some((high(batch)?, below.map_or(Uid(1), |below| Uid(below.0 + 1))))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use postern_model::UidSet;

    use super::*;

    fn told(view: &View, size: u32, range: Option<(u32, u32)>) -> Vec<(u32, u32)> {
        let number = |n| NonZeroU32::new(n).expect("not 0");
        let range = range.map(|(first, last)| (number(first), number(last)));
        batches(view, size, range).into_iter().map(|(high, low)| (high.0, low.0)).collect()
    }

    #[test]
    fn batches_cover_all_uids_from_the_highest() {
        let mut view = View::default();
        // 1,300 letters: 901 and 399.
        view.arrive(&UidSet::from_ranges([(Uid(100), Uid(1_000)), (Uid(5_002), Uid(5_400))]));
        assert_eq!(told(&view, 500, None), [(5_400, 900), (899, 400), (399, 1)]);
        assert_eq!(told(&view, 500, Some((2, 2))), [(899, 400)]);
        assert_eq!(told(&view, 500, Some((3, 9))), [(399, 1)]);
        assert!(told(&view, 500, Some((4, u32::MAX))).is_empty());
        assert_eq!(told(&view, 1_300, None), [(5_400, 1)]);
        assert_eq!(told(&view, u32::MAX, None), [(5_400, 1)]);
        assert!(told(&View::default(), 500, None).is_empty());
    }
}
