//! Takes in a record of events: its form is found out by its first character, its rows are sorted by account and time.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{self, BufRead, Read as _};
use std::path::Path;

use postern_model::Timestamp;
use postern_model::record::Standing;
use postern_policy::replay::Input;

use super::{csv, json};

/// Events that a record may hold: about half a gigabyte in memory.
const MOST_EVENTS: u64 = 10_000_000;
/// Octets of a line of CSV.
const LONGEST_LINE: u64 = 4096;
/// Malformed rows that are named; with more of them it is the wrong file.
const MOST_BAD: usize = 20;

/// A whole record.
#[derive(Debug, Default)]
pub(super) struct Log {
    /// The accounts by address; the one of a record that names none is `""`.
    pub(super) accounts: BTreeMap<String, Recorded>,
    /// Rows in it.
    pub(super) events: u64,
    /// The time of its last row.
    pub(super) end: Timestamp,
}

/// What is recorded of one account.
#[derive(Debug, Default)]
pub(super) struct Recorded {
    /// What somebody did or wanted, in the order of time.
    pub(super) inputs: Vec<Input>,
    /// How things stood at the checkpoint from which on nothing is missing.
    pub(super) start: Option<Box<Standing>>,
    /// Rows since then that count towards checkpoints.
    counted: u32,
}

impl Recorded {
    /// Whether nothing is missing between the start and a later checkpoint.
    fn leads_to(&self, later: &Standing) -> bool {
        let reached = |start: &Standing| start.activity.events.wrapping_add(self.counted);
        self.start.as_deref().is_some_and(|start| reached(start) == later.activity.events)
    }
}

/// What a row says.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) at: Timestamp,
    /// Whether checkpoints count it.
    pub(super) counts: bool,
    pub(super) says: Says,
}

/// What a row says beside its time.
#[derive(Debug)]
pub(super) enum Says {
    /// Somebody did or wanted something, perhaps with several gates.
    Inputs(Vec<postern_policy::replay::Act>),
    /// How things stood.
    Start(Box<Standing>),
    /// Something that follows from what others say.
    Nothing,
}

/// Why a record was not played; nothing of it was.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Bad(Vec<String>);

impl Bad {
    pub(super) fn one(reason: impl Into<String>) -> Bad {
        Bad(vec![reason.into()])
    }

    /// A line for each, with the file's name.
    pub(super) fn lines(&self, file: &Path) -> String {
        let mut text = String::new();
        for reason in &self.0 {
            let _ = writeln!(text, "{}: {reason}", file.display());
        }
        if self.0.len() >= MOST_BAD {
            text.push_str("there may be more\n");
        }
        text.push_str("nothing was played\n");
        text
    }
}

impl From<io::Error> for Bad {
    fn from(error: io::Error) -> Bad {
        Bad::one(format!("it can't be read: {error}"))
    }
}

/// Rows as they come in.
#[derive(Default)]
pub(super) struct Intake {
    log: Log,
    bad: Bad,
}

impl Intake {
    /// Takes one more row, or what is wrong with it; `named` is its place, like `line 3`. False where it is no use to
    /// read on.
    pub(super) fn take(&mut self, named: &str, address: &str, row: Result<Row, String>) -> bool {
        self.log.events += 1;
        if self.log.events > MOST_EVENTS {
            self.bad.0.push(format!("it holds more than {MOST_EVENTS} events; split it by account"));
            return false;
        }
        match row {
            Ok(row) => self.add(address, row),
            Err(reason) => self.bad.0.push(format!("{named}: {reason}")),
        }
        self.bad.0.len() < MOST_BAD
    }

    fn add(&mut self, address: &str, row: Row) {
        self.log.end = self.log.end.max(row.at);
        if !self.log.accounts.contains_key(address) {
            self.log.accounts.insert(address.to_owned(), Recorded::default());
        }
        let Some(account) = self.log.accounts.get_mut(address) else { return };
        account.counted = account.counted.wrapping_add(row.counts.into());
        match row.says {
            Says::Inputs(acts) => {
                account.inputs.extend(acts.into_iter().map(|act| Input { at: row.at, act }))
            }
            // A later checkpoint is what the figures of then led to.
            Says::Start(standing) if account.leads_to(&standing) => {}
            // What came before had led to it. Lists keep so many events each (SPEC A10): where the logins of a year are
            // gone and its changes are not, the account would seem to have been unused.
            Says::Start(standing) => *account = Recorded { start: Some(standing), ..Recorded::default() },
            Says::Nothing => {}
        }
    }

    /// Gives the account of a record that names it behind its events its name.
    pub(super) fn rename(&mut self, address: String) {
        if let Some(account) = self.log.accounts.remove("") {
            self.log.accounts.insert(address, account);
        }
    }

    fn end(mut self) -> Result<Log, Bad> {
        if !self.bad.0.is_empty() {
            return Err(self.bad);
        }
        for account in self.log.accounts.values_mut() {
            // Stable: what happened at one time keeps its order.
            account.inputs.sort_by_key(|input| input.at);
        }
        Ok(self.log)
    }
}

/// Reads a whole record.
///
/// # Errors
/// Every malformed row by its number, up to twenty.
pub(super) fn read(mut file: impl BufRead) -> Result<Log, Bad> {
    if file.fill_buf()?.starts_with(b"\xef\xbb\xbf") {
        file.consume(3);
    }
    let mut intake = Intake::default();
    // What stands before the first character that says something: at most a buffer of blanks is looked through.
    match file.fill_buf()?.trim_ascii_start().first() {
        Some(b'[' | b'{') => json::read(file, &mut intake)?,
        _ => read_lines(file, &mut intake)?,
    }
    intake.end()
}

fn read_lines(mut file: impl BufRead, intake: &mut Intake) -> Result<(), Bad> {
    let mut line = Vec::new();
    for number in 1_u64.. {
        line.clear();
        let read = file.by_ref().take(LONGEST_LINE).read_until(b'\n', &mut line)?;
        if read == 0 {
            break;
        }
        let named = format!("line {number}");
        if !line.ends_with(b"\n") && read as u64 == LONGEST_LINE {
            intake.take(&named, "", Err(format!("it is longer than {LONGEST_LINE} octets")));
            break;
        }
        let Ok(text) = std::str::from_utf8(&line) else {
            if intake.take(&named, "", Err("it is not UTF-8".to_owned())) {
                continue;
            }
            break;
        };
        let text = text.trim();
        if text.is_empty() || number == 1 && csv::is_header(text) {
            continue;
        }
        let (address, row) = match csv::row(text) {
            Ok((address, row)) => (address, Ok(row)),
            Err(reason) => (String::new(), Err(reason)),
        };
        if !intake.take(&named, &address, row) {
            break;
        }
    }
    Ok(())
}
