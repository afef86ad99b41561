//! What is agreed upon with a milter before anything else (OPTNEG): what it may change, which steps it wants to see and
//! which it answers, which macros it wants.

use super::packet::{Packet, number, strings};
use crate::filter::failure::Failure;

/// The version that is spoken.
const VERSION: u32 = 6;

/// What it may change (SMFIF).
pub(super) mod may {
    pub(in crate::filter::milter) const ADD_FIELDS: u32 = 0x1;
    pub(in crate::filter::milter) const CHANGE_BODY: u32 = 0x2;
    pub(in crate::filter::milter) const CHANGE_FIELDS: u32 = 0x10;
    pub(in crate::filter::milter) const QUARANTINE: u32 = 0x20;
    pub(in crate::filter::milter) const NAME_MACROS: u32 = 0x100;
}

/// All that is offered. Neither recipients (0x4, 0x8, 0x80) nor the reverse path (0x40) may be changed.
const OFFERED: u32 =
    may::ADD_FIELDS | may::CHANGE_BODY | may::CHANGE_FIELDS | may::QUARANTINE | may::NAME_MACROS;

/// A step of the dialogue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Connect,
    Helo,
    Mail,
    Rcpt,
    Data,
    Header,
    EndOfHeader,
    Body,
    /// The end of the letter, which is always told and answered.
    End,
}

impl Step {
    /// Its command.
    pub(super) fn command(self) -> u8 {
        match self {
            Step::Connect => b'C',
            Step::Helo => b'H',
            Step::Mail => b'M',
            Step::Rcpt => b'R',
            Step::Data => b'T',
            Step::Header => b'L',
            Step::EndOfHeader => b'N',
            Step::Body => b'B',
            Step::End => b'E',
        }
    }

    /// The flags (SMFIP) by which a milter does without it, or does not answer it.
    fn flags(self) -> (u32, u32) {
        match self {
            Step::Connect => (0x1, 0x1000),
            Step::Helo => (0x2, 0x2000),
            Step::Mail => (0x4, 0x4000),
            Step::Rcpt => (0x8, 0x8000),
            Step::Data => (0x200, 0x1_0000),
            Step::Header => (0x20, 0x80),
            Step::EndOfHeader => (0x40, 0x4_0000),
            Step::Body => (0x10, 0x8_0000),
            Step::End => (0, 0),
        }
    }

    /// The stage whose macros come with it, by its number in a milter's list of macros.
    pub(super) fn of_stage(number: u32) -> Option<Step> {
        let stages =
            [Step::Connect, Step::Helo, Step::Mail, Step::Rcpt, Step::Data, Step::End, Step::EndOfHeader];
        stages.get(number as usize).copied()
    }
}

/// It may answer that it has seen enough of fields or of the body (SMFIP_SKIP).
const SKIP: u32 = 0x400;
/// Unknown commands are not told (SMFIP_NOUNKNOWN): there are none.
const NO_UNKNOWN: u32 = 0x100;
/// Nor are they answered (SMFIP_NR_UNKN).
const UNKNOWN_UNANSWERED: u32 = 0x2_0000;
/// The space behind a field's colon is part of its value (SMFIP_HDR_LEADSPC).
const LEADING_SPACE: u32 = 0x10_0000;

/// Macro lists that a milter may send.
const LISTS_MOST: usize = 16;

/// What was agreed upon.
#[derive(Clone, Debug)]
pub(super) struct Terms {
    version: u32,
    actions: u32,
    protocol: u32,
    /// The macros that it wants at a step; else it gets those that are usual.
    pub(super) macros: Vec<(Step, Vec<String>)>,
}

/// What is offered.
pub(super) fn offer() -> Vec<u8> {
    [VERSION, OFFERED, protocol()].map(u32::to_be_bytes).concat()
}

/// All flags of the protocol that are offered.
fn protocol() -> u32 {
    let steps = [Step::Connect, Step::Helo, Step::Mail, Step::Rcpt, Step::Data];
    let steps = steps.into_iter().chain([Step::Header, Step::EndOfHeader, Step::Body]);
    let flags = steps.map(Step::flags).fold(0, |all, (without, unanswered)| all | without | unanswered);
    flags | SKIP | NO_UNKNOWN | UNKNOWN_UNANSWERED | LEADING_SPACE
}

impl Terms {
    /// What a milter answers to the offer.
    pub(super) fn read(packet: &Packet) -> Result<Terms, Failure> {
        let numbers = || {
            let (version, rest) = number(&packet.data)?;
            let (actions, rest) = number(rest)?;
            let (protocol, rest) = number(rest)?;
            Some((version, actions, protocol, rest))
        };
        let (version, actions, protocol, rest) =
            numbers().filter(|_| packet.command == b'O').ok_or_else(|| Failure::garbage("no negotiation"))?;
        if !(2..=VERSION).contains(&version) {
            return Err(Failure::garbage(format!("version {version} of the protocol")));
        }
        let more = actions & !OFFERED;
        if more != 0 {
            return Err(Failure::garbage(format!("it wants to do what it may not (actions {more:#x})")));
        }
        let more = protocol & !self::protocol();
        if more != 0 {
            return Err(Failure::garbage(format!("it wants a protocol that is not offered ({more:#x})")));
        }
        Ok(Terms { version, actions, protocol, macros: lists(rest) })
    }

    /// Whether the milter may do this (one of [`may`]).
    pub(super) fn allows(&self, action: u32) -> bool {
        self.actions & action != 0
    }

    /// Whether the milter wants to see this step.
    pub(super) fn wants(&self, step: Step) -> bool {
        // DATA came with version 4.
        self.protocol & step.flags().0 == 0 && (step != Step::Data || self.version >= 4)
    }

    /// Whether it answers it.
    pub(super) fn answers(&self, step: Step) -> bool {
        self.protocol & step.flags().1 == 0
    }

    /// Whether the space behind a field's colon is part of its value.
    pub(super) fn leading_space(&self) -> bool {
        self.protocol & LEADING_SPACE != 0
    }
}

/// The macros that it wants, step by step: a stage's number, names with spaces between, NUL.
fn lists(mut rest: &[u8]) -> Vec<(Step, Vec<String>)> {
    let mut lists = Vec::new();
    while let (Some((stage, tail)), true) = (number(rest), lists.len() < LISTS_MOST) {
        let Some(names) = strings(tail).next() else { break };
        rest = &tail[names.len() + 1..];
        if let (Some(step), Ok(names)) = (Step::of_stage(stage), std::str::from_utf8(names)) {
            let names = names.split([' ', ',']).filter(|name| !name.is_empty());
            lists.push((step, names.map(str::to_owned).collect()));
        }
    }
    lists
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(version: u32, actions: u32, protocol: u32, rest: &[u8]) -> Packet {
        let numbers = [version, actions, protocol].map(u32::to_be_bytes).concat();
        Packet { command: b'O', data: [&numbers[..], rest].concat() }
    }

    #[test]
    fn the_offer_is_what_sendmail_offers_but_for_the_envelope() {
        assert_eq!(offer(), [0, 0, 0, 6, 0, 0, 1, 0x33, 0, 0x1f, 0xf7, 0xff]);
    }

    #[test]
    fn steps_are_left_out_or_not_answered() {
        let terms = Terms::read(&answer(6, 0x11, 0x1 | 0x10 | 0x80, b"")).expect("it was offered");
        assert!(!terms.wants(Step::Connect) && !terms.wants(Step::Body) && terms.wants(Step::Header));
        assert!(!terms.answers(Step::Header) && terms.answers(Step::Rcpt) && terms.answers(Step::End));
        assert!(terms.allows(may::ADD_FIELDS) && !terms.allows(may::CHANGE_BODY));
        let old = Terms::read(&answer(2, 0, 0, b"")).expect("an old one");
        assert!(!old.wants(Step::Data) && old.wants(Step::Mail) && !old.leading_space());
    }

    #[test]
    fn what_was_not_offered_is_not_taken() {
        for (version, actions, protocol) in [
            (1, 0, 0),
            (7, 0, 0),
            (6, 0x4, 0),
            (6, 0x8, 0),
            (6, 0x40, 0),
            (6, 0x80, 0),
            (6, 0, 0x800),
            (6, 0, 1 << 28),
        ] {
            let packet = answer(version, actions, protocol, b"");
            assert!(Terms::read(&packet).is_err(), "{version} {actions:#x} {protocol:#x}");
        }
        assert!(Terms::read(&Packet { command: b'c', data: vec![0; 12] }).is_err());
        assert!(Terms::read(&Packet { command: b'O', data: vec![0; 11] }).is_err());
    }

    #[test]
    fn macros_are_asked_for_by_stage() {
        let lists = b"\0\0\0\x02i {auth_authen}\0\0\0\0\x05{x},y\0\0\0\0\x63z\0\0\0";
        let terms = Terms::read(&answer(6, 0x100, 0, lists)).expect("it was offered");
        let expected = [(Step::Mail, vec!["i", "{auth_authen}"]), (Step::End, vec!["{x}", "y"])];
        let expected = expected.map(|(step, names)| (step, names.into_iter().map(str::to_owned).collect()));
        assert_eq!(terms.macros, expected);
    }
}
