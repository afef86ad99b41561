//! GETMETADATA, SETMETADATA (RFC 5464): notes on folders, and on the account in place of the server. What is `/shared` is
//! the account's too: no folder here is anybody else's.

use std::io::Write;

use postern_model::MailboxName;
use postern_model::record::Annotation;
use postern_policy::Refusal;

use crate::imap::Settings;
use crate::imap::command::{Run, notify};
use crate::imap::grammar::{Depth, write};
use crate::imap::reply::Done;
use crate::net::outlet::Cut;

/// What GETMETADATA is asked.
pub(super) struct Get {
    /// `None`: the server's notes.
    pub mailbox: Option<MailboxName>,
    /// `MAXSIZE`
    pub max_size: Option<u64>,
    /// `DEPTH`
    pub depth: Depth,
    /// Names of entries.
    pub entries: Vec<String>,
}

pub(super) async fn get(run: &mut Run<'_, '_>, get: Get) -> Result<Done, Cut> {
    if let Some(bad) = get.entries.iter().find(|name| !may_be_asked_for(name)) {
        return Ok(no_such_entry(bad));
    }
    let notes = match notes(run, get.mailbox.as_ref()).await {
        Ok(notes) => notes,
        Err(done) => return Ok(done),
    };
    let found = Found::of(&notes, &get.entries, get.depth, get.max_size);
    found.tell(run.out.bytes, get.mailbox.as_ref(), run.state.enabled.wants_utf8());
    run.out.relieve().await?;
    Ok(match found.longest_left_out {
        Some(size) => Done::ok_with(
            format!("METADATA LONGENTRIES {size}"),
            "GETMETADATA completed, longer ones left out",
        ),
        None => Done::ok("GETMETADATA completed"),
    })
}

pub(super) async fn set(
    run: &mut Run<'_, '_>,
    mailbox: Option<MailboxName>,
    entries: Vec<(String, Option<Vec<u8>>)>,
) -> Result<Done, Cut> {
    if let Some((bad, _)) = entries.iter().find(|(name, _)| !is_entry(name)) {
        return Ok(no_such_entry(bad));
    }
    if mailbox.is_none() && entries.iter().any(|(name, _)| OF_THE_SERVER.contains(&name.as_str())) {
        return Ok(Done::no_with("NOPERM", "What the server says of itself is the operator's to change."));
    }
    let id = match &mailbox {
        Some(name) => match run.folder(name).await {
            Ok(id) => Some(id),
            Err(done) => return Ok(done),
        },
        None => None,
    };
    let names: Vec<String> = entries.iter().map(|(name, _)| name.clone()).collect();
    match run.state.mail.annotate(id, entries).await {
        Ok(()) => {
            notify::own_notes(run.state, id, &names).await;
            Ok(Done::ok("SETMETADATA completed"))
        }
        Err(refusal) => Ok(run.refused(&refusal)),
    }
}

/// Notes that the server makes of itself (RFC 5464 §6.2.1).
const OF_THE_SERVER: [&str; 2] = ["/shared/admin", "/shared/comment"];

fn of_the_server(settings: &Settings) -> [Annotation; 2] {
    let values = [settings.places.support.clone(), format!("The mail of {}", settings.hostname)];
    let mut values = values.into_iter().map(String::into_bytes);
    OF_THE_SERVER.map(|name| Annotation { name: name.to_owned(), value: values.next().unwrap_or_default() })
}

async fn notes(run: &Run<'_, '_>, mailbox: Option<&MailboxName>) -> Result<Vec<Annotation>, Done> {
    let id = match mailbox {
        Some(name) => Some(run.folder(name).await?),
        None => None,
    };
    let refused = |refusal: Refusal| run.refused(&refusal);
    let mut notes = run.state.mail.annotations(id).await.map_err(refused)?;
    if id.is_none() {
        notes.extend(of_the_server(&run.state.settings));
    }
    Ok(notes)
}

fn no_such_entry(name: &str) -> Done {
    Done::bad(format!("{name:?} can't be an entry: they begin with /private/ or /shared/."))
}

/// Whether a note can have the name (RFC 5464 §3.2); the grammar has seen to the rest of it.
fn is_entry(name: &str) -> bool {
    name.starts_with("/private/") || name.starts_with("/shared/")
}

/// Whether it is such a name, or what lies above all of them.
fn may_be_asked_for(name: &str) -> bool {
    is_entry(name) || matches!(name, "/private" | "/shared")
}

/// What there is of what was asked for.
pub(super) struct Found<'a> {
    /// `None` has no value.
    entries: Vec<(&'a str, Option<&'a [u8]>)>,
    /// Octets of the longest value that was above `MAXSIZE`.
    pub longest_left_out: Option<usize>,
}

impl<'a> Found<'a> {
    /// Looks for entries. One that is named and not there has the value NIL, unless what lies below it is asked for too.
    pub(super) fn of(
        notes: &'a [Annotation],
        wanted: &'a [String],
        depth: Depth,
        max_size: Option<u64>,
    ) -> Found<'a> {
        let mut found = Found { entries: Vec::new(), longest_left_out: None };
        for note in notes.iter().filter(|note| wanted.iter().any(|name| lies_in(&note.name, name, depth))) {
            let size = note.value.len();
            if max_size.is_some_and(|most| u64::try_from(size).is_ok_and(|size| size > most)) {
                found.longest_left_out = found.longest_left_out.max(Some(size));
            } else {
                found.entries.push((&note.name, Some(&note.value)));
            }
        }
        if depth == Depth::Zero {
            let is_there = |name: &&String| notes.iter().any(|note| note.name == **name);
            let missing = wanted.iter().filter(|name| !is_there(name));
            found.entries.extend(missing.map(|name| (name.as_str(), None)));
        }
        found
    }

    /// `* METADATA "INBOX" (/private/comment "…")`
    pub(super) fn tell(&self, out: &mut Vec<u8>, mailbox: Option<&MailboxName>, utf8: bool) {
        if self.entries.is_empty() {
            return;
        }
        begin(out, mailbox, utf8);
        for (n, (name, value)) in self.entries.iter().enumerate() {
            out.push(if n == 0 { b'(' } else { b' ' });
            write::astring(out, name.as_bytes());
            out.push(b' ');
            match value {
                None => out.extend_from_slice(b"NIL"),
                Some(value) if value.contains(&0) => {
                    // RFC 3516: a NUL can stand in nothing else. Writing to memory can't fail.
                    let _ = write!(out, "~{{{}}}\r\n", value.len());
                    out.extend_from_slice(value);
                }
                Some(value) => write::string(out, value),
            }
        }
        out.extend_from_slice(b")\r\n");
    }
}

/// `* METADATA "INBOX" `
fn begin(out: &mut Vec<u8>, mailbox: Option<&MailboxName>, utf8: bool) {
    out.extend_from_slice(b"* METADATA ");
    match mailbox {
        Some(name) => write::mailbox(out, name, utf8),
        None => out.extend_from_slice(b"\"\""),
    }
    out.push(b' ');
}

/// `* METADATA "INBOX" /private/comment`: these have changed (RFC 5464 §4.4.2).
pub(super) fn tell_changed(out: &mut Vec<u8>, mailbox: Option<&MailboxName>, names: &[&str], utf8: bool) {
    begin(out, mailbox, utf8);
    for (n, name) in names.iter().enumerate() {
        if n > 0 {
            out.push(b' ');
        }
        write::astring(out, name.as_bytes());
    }
    out.extend_from_slice(b"\r\n");
}

/// Whether an entry is `wanted`, or lies as deep in it as is asked for.
fn lies_in(name: &str, wanted: &str, depth: Depth) -> bool {
    match name.strip_prefix(wanted) {
        Some("") => true,
        Some(rest) => rest.strip_prefix('/').is_some_and(|rest| match depth {
            Depth::Zero => false,
            Depth::One => !rest.contains('/'),
            Depth::Infinity => true,
        }),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(wanted: &[&str], depth: Depth, max_size: Option<u64>) -> (String, Option<usize>) {
        let note = |name: &str, value: &[u8]| Annotation { name: name.to_owned(), value: value.to_vec() };
        let notes = [
            note("/private/a", b"one \"two\""),
            note("/private/a/b", b"line\r\nline"),
            note("/private/a/b/c", b"\0"),
            note("/private/ab", b""),
        ];
        let wanted: Vec<String> = wanted.iter().map(|&name| name.to_owned()).collect();
        let found = Found::of(&notes, &wanted, depth, max_size);
        let mut out = Vec::new();
        found.tell(&mut out, Some(&MailboxName::inbox()), false);
        (String::from_utf8(out).expect("ASCII"), found.longest_left_out)
    }

    #[test]
    fn depth_says_how_far_down() {
        let begin = "* METADATA \"INBOX\" (/private/a \"one \\\"two\\\"\"";
        let one = format!("{begin} /private/a/b {{10}}\r\nline\r\nline");
        assert_eq!(told(&["/private/a"], Depth::Zero, None).0, format!("{begin})\r\n"));
        assert_eq!(told(&["/private/a"], Depth::One, None).0, format!("{one})\r\n"));
        let all = format!("{one} /private/a/b/c ~{{1}}\r\n\0)\r\n");
        assert_eq!(told(&["/private/a"], Depth::Infinity, None).0, all);
    }

    #[test]
    fn what_is_not_there_is_nil() {
        let nil = "* METADATA \"INBOX\" (/private/ab \"\" /shared/x NIL)\r\n";
        assert_eq!(told(&["/shared/x", "/private/ab"], Depth::Zero, None).0, nil);
        assert_eq!(told(&["/shared/x"], Depth::One, None).0, "");
    }

    #[test]
    fn long_values_are_left_out_and_the_longest_is_named() {
        assert_eq!(
            told(&["/private"], Depth::Infinity, Some(1)),
            ("* METADATA \"INBOX\" (/private/a/b/c ~{1}\r\n\0 /private/ab \"\")\r\n".to_owned(), Some(10))
        );
    }

    #[test]
    fn names_of_entries() {
        assert!(is_entry("/private/comment") && is_entry("/shared/vendor/x/y z"));
        assert!(!is_entry("/private") && !is_entry("/x/y"));
        assert!(may_be_asked_for("/private") && !may_be_asked_for("/privat"));
    }
}
