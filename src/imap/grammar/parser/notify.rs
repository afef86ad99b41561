//! NOTIFY (RFC 5465), and the folders that it and ESEARCH (RFC 7377) name by what they are.

use postern_model::MailboxName;

use super::cursor::{Cursor, Parsed};
use super::fetch;
use crate::imap::grammar::{Command, Notify, NotifyEvent, NotifyGroup, Source};

/// RFC 5465 §8
pub(super) fn notify(c: &mut Cursor<'_>) -> Parsed<Command> {
    if c.keyword("NONE") {
        return Ok(Command::Notify(Notify::None));
    }
    if !c.keyword("SET") {
        return Err(c.wrong("SET or NONE"));
    }
    let status = c.space_and("STATUS");
    c.space()?;
    let groups = c.items(group)?;
    Ok(Command::Notify(Notify::Set { status, groups }))
}

/// `event-group`
fn group(c: &mut Cursor<'_>) -> Parsed<NotifyGroup> {
    c.expect(b'(', "an opening parenthesis")?;
    let source = source(c)?;
    c.space()?;
    let events = if c.keyword("NONE") { Vec::new() } else { c.list_of_some(event)? };
    c.expect(b')', "a closing parenthesis")?;
    Ok(NotifyGroup { source, events })
}

/// `event`
fn event(c: &mut Cursor<'_>) -> Parsed<NotifyEvent> {
    let word = c.word("an event")?;
    Ok(match &*word {
        "MESSAGENEW" => {
            let there = c.space_before(b'(');
            NotifyEvent::MessageNew(if there { c.list_of_some(fetch::item)? } else { Vec::new() })
        }
        "MESSAGEEXPUNGE" => NotifyEvent::MessageExpunge,
        "FLAGCHANGE" => NotifyEvent::FlagChange,
        "ANNOTATIONCHANGE" => NotifyEvent::AnnotationChange,
        "MAILBOXNAME" => NotifyEvent::MailboxName,
        "SUBSCRIPTIONCHANGE" => NotifyEvent::SubscriptionChange,
        "MAILBOXMETADATACHANGE" => NotifyEvent::MailboxMetadataChange,
        "SERVERMETADATACHANGE" => NotifyEvent::ServerMetadataChange,
        _ => NotifyEvent::Unknown(word),
    })
}

/// `filter-mailboxes`
pub(super) fn source(c: &mut Cursor<'_>) -> Parsed<Source> {
    let at = c.at();
    Ok(match &*c.word("which folders")? {
        "SELECTED" => Source::Selected,
        "SELECTED-DELAYED" => Source::SelectedDelayed,
        "INBOXES" => Source::Inboxes,
        "PERSONAL" => Source::Personal,
        "SUBSCRIBED" => Source::Subscribed,
        "SUBTREE" => Source::Subtree(mailboxes(c)?),
        "SUBTREE-ONE" => Source::SubtreeOne(mailboxes(c)?),
        "MAILBOXES" => Source::Mailboxes(mailboxes(c)?),
        _ => return Err(c.wrong_at(at, "which folders")),
    })
}

/// `one-or-more-mailbox`, with the space before it.
fn mailboxes(c: &mut Cursor<'_>) -> Parsed<Vec<MailboxName>> {
    c.space()?;
    if c.peek() == Some(b'(') { c.list_of_some(Cursor::mailbox) } else { Ok(vec![c.mailbox()?]) }
}
