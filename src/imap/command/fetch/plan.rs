//! What a FETCH has to look at for the items that it tells.

use crate::imap::data::FieldFilter;
use crate::imap::grammar::{FetchItem, Section, SectionText};

/// The items that are told, and what they need.
pub(super) struct Plan {
    /// In the order in which they are told.
    pub(super) items: Vec<FetchItem>,
    /// The letters' stored facts.
    pub(super) facts: bool,
    /// The letters' first words.
    pub(super) previews: bool,
    /// How many of the items are told from octets of bodies.
    pub(super) bodies: usize,
    /// What those of the items want that name fields of a header, made once for all letters: names may be many.
    pub(super) fields: Vec<Option<Fields>>,
    /// Some item is not asked for by PEEK: `\Seen` is set.
    pub(super) sets_seen: bool,
    /// UID is among the items.
    pub(super) uid: bool,
    /// FLAGS is among the items.
    pub(super) flags: bool,
    /// MODSEQ is among the items.
    pub(super) mod_seq: bool,
}

impl Plan {
    /// The plan for `items`; with UID in front where `uid` says so, and with MODSEQ behind them where `mod_seq` does,
    /// if they are not there.
    pub(super) fn of(mut items: Vec<FetchItem>, uid: bool, mod_seq: bool) -> Plan {
        if uid && !items.contains(&FetchItem::Uid) {
            items.insert(0, FetchItem::Uid);
        }
        if mod_seq && !items.contains(&FetchItem::ModSeq) {
            items.push(FetchItem::ModSeq);
        }
        Plan {
            facts: items.iter().any(needs_facts),
            previews: items.iter().any(|item| matches!(item, FetchItem::Preview { .. })),
            bodies: items.iter().filter(|item| is_body(item)).count(),
            fields: items.iter().map(fields).collect(),
            sets_seen: items.iter().any(sets_seen),
            uid: items.contains(&FetchItem::Uid),
            flags: items.contains(&FetchItem::Flags),
            mod_seq: items.contains(&FetchItem::ModSeq),
            items,
        }
    }
}

/// Some fields of a header.
pub(super) struct Fields {
    /// The header.
    pub(super) header: Section,
    /// Which fields.
    pub(super) filter: FieldFilter,
}

fn fields(item: &FetchItem) -> Option<Fields> {
    let FetchItem::Section(fetch) = item else { return None };
    let filter = match &fetch.section.text {
        SectionText::HeaderFields(names) => FieldFilter::new(names, false),
        SectionText::HeaderFieldsNot(names) => FieldFilter::new(names, true),
        _ => return None,
    };
    let header = Section { part: fetch.section.part.clone(), text: SectionText::Header };
    Some(Fields { header, filter })
}

/// Whether an item is told from a letter's octets.
pub(super) fn is_body(item: &FetchItem) -> bool {
    matches!(item, FetchItem::Section(_) | FetchItem::Binary { .. } | FetchItem::BinarySize { .. })
}

fn needs_facts(item: &FetchItem) -> bool {
    match item {
        FetchItem::Envelope | FetchItem::BodyStructure | FetchItem::Body | FetchItem::Preview { .. } => true,
        // The whole letter is where its octets are.
        FetchItem::Section(fetch) => !fetch.section.part.is_empty() || fetch.section.text != SectionText::All,
        item => is_body(item),
    }
}

fn sets_seen(item: &FetchItem) -> bool {
    match item {
        FetchItem::Section(fetch) => !fetch.peek,
        FetchItem::Binary { peek, .. } => !peek,
        _ => false,
    }
}
