//! Where Postern is known to tell something else than Dovecot: `tests/odd-mime/differences.txt`.

use std::collections::BTreeSet;

/// The known differences, each as the test shows it: the letter, the item with the places in its lists, what Postern
/// tells, what Dovecot tells. Lines that begin with `#` say why, for all that follow until the next ones.
pub(super) fn known() -> BTreeSet<String> {
    let mut known = BTreeSet::new();
    let mut explained = false;
    let mut lines = include_str!("../odd-mime/differences.txt").lines().filter(|line| !line.is_empty());
    while let Some(line) = lines.next() {
        if line.starts_with('#') {
            explained = true;
            continue;
        }
        assert!(explained, "{line}: nothing says why");
        let (ours, theirs) = (lines.next().unwrap_or_default(), lines.next().unwrap_or_default());
        assert!(ours.starts_with("  ours ") && theirs.starts_with("  theirs "), "{line}: both are told");
        assert!(known.insert(format!("{line}\n{ours}\n{theirs}\n")), "{line} stands twice");
    }
    known
}
