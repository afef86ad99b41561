//! Dated tables: rules tested as rows `2026-03-01 10:00:00 what happens -> what comes of it`, times in UTC.

use postern_model::Timestamp;

/// The time that a table writes as `2026-03-01 10:00:00`, with a fraction of a second where it matters.
pub(crate) fn at(text: &str) -> Timestamp {
    Timestamp::parse_rfc3339(&format!("{}Z", text.replacen(' ', "T", 1))).expect(text)
}

/// Plays a table row by row: `step` gets the time and the words, and what it says is compared.
pub(crate) fn play(table: &str, mut step: impl FnMut(Timestamp, &[&str]) -> String) {
    for row in table.lines().map(str::trim).filter(|row| !row.is_empty()) {
        let (happens, expected) = row.split_once(" -> ").expect(row);
        let words: Vec<&str> = happens.split_whitespace().collect();
        let [date, time, words @ ..] = words.as_slice() else { panic!("no time in {row:?}") };
        assert_eq!(step(at(&format!("{date} {time}")), words), expected.trim(), "{row}");
    }
}
