//! What a year's events have to come to, account by account.

use std::collections::BTreeMap;

use postern_model::MailboxId;
use postern_model::record::{
    Abuse, Actor as By, Event, GateState, NoticeKind, Reason, Score, Standing, Warning, What,
};
use postern_policy::access::{self, Figures, gate};
use postern_policy::{abuse, standing};
use postern_storage::{Ring, StoreError, View, keys};

use super::life::Life;
use super::*;
use crate::account::read_standing;

/// What has been seen over all accounts, so that nobody takes a year in which nothing happens for a good one.
#[derive(Debug, Default)]
pub(super) struct Seen {
    pub(super) events: u64,
    fewest: Option<u64>,
    letters: u64,
    refused: u64,
    opened: u64,
    idle: u64,
    inactive: u64,
    thefts: u64,
    locks: u64,
    notices: u64,
}

impl Seen {
    /// All that is judged has happened.
    pub(super) fn covers(&self, accounts: usize) {
        let all =
            [self.letters, self.refused, self.opened, self.idle, self.inactive, self.locks, self.notices];
        assert!(accounts < 10 || all.iter().all(|count| *count > 0), "{self:?}");
    }

    fn note(&mut self, event: &Event) {
        let count = match &event.what {
            What::Letter { .. } => &mut self.letters,
            What::LetterRefused { .. } | What::LoginRefused { .. } => &mut self.refused,
            What::AccessOpened { .. } => &mut self.opened,
            What::AccessClosed { reason: Some(Reason::Idle), .. } => &mut self.idle,
            What::AccessClosed { reason: Some(Reason::Theft), .. } => &mut self.thefts,
            What::Status { status: postern_model::record::Status::Inactive } => &mut self.inactive,
            What::SendingLocked { .. } => &mut self.locks,
            What::Notice { .. } => &mut self.notices,
            _ => return,
        };
        *count += 1;
    }
}

/// An account as it is stored.
struct Stored {
    /// Numbered in the order in which they were logged.
    events: Vec<(u64, Event)>,
    /// Events that were ever logged.
    ever: u64,
    /// From this number on none is missing.
    complete_from: u64,
    standing: Standing,
    abuse: Abuse,
    /// The letters in its INBOX.
    inbox: Vec<LetterId>,
}

impl Stored {
    fn read(view: &View<'_>, id: AccountId) -> Result<Stored, StoreError> {
        let (mut events, mut ever, mut complete_from) = (Vec::new(), 0, 0);
        for ring in Ring::ALL {
            let kept = view.log::<Event>(id, ring, usize::MAX >> 1)?;
            let logged = view.logged_ever(id, ring)?;
            if let (Some((first, _)), true) = (kept.first(), logged > kept.len() as u64) {
                complete_from = complete_from.max(*first);
            }
            ever += logged;
            events.extend(kept);
        }
        events.sort_unstable_by_key(|(number, _)| *number);
        let account = view.get(&keys::account(id))?.ok_or(StoreError::NotFound)?;
        let blocks = view.scan(&keys::all_blocks_of(id), usize::MAX >> 1)?.into_iter();
        let inbox = blocks.filter(|((mailbox, _), _)| *mailbox == MailboxId::INBOX);
        Ok(Stored {
            events,
            ever,
            complete_from,
            standing: read_standing(view, id, &account)?,
            abuse: view.get(&keys::abuse(id))?.unwrap_or_default(),
            inbox: inbox.flat_map(|(_, block)| block.entries.into_iter().map(|entry| entry.letter)).collect(),
        })
    }

    /// The events from a checkpoint on, and what that says.
    fn since_checkpoint<T>(
        &self,
        newest: bool,
        of: impl Fn(&What) -> Option<T>,
    ) -> Option<(T, &[(u64, Event)])> {
        let usable = |(number, _): &(u64, Event)| *number >= self.complete_from;
        let marks = || self.events.iter().enumerate().filter(|(_, event)| usable(event));
        let found =
            |(index, (_, event)): (usize, &(u64, Event))| Some((of(&event.what)?, &self.events[index + 1..]));
        if newest { marks().rev().find_map(found) } else { marks().find_map(found) }
    }
}

/// Holds one account against the rules.
pub(super) async fn judge(town: &Town, life: &Life, seen: &mut Seen) {
    let id = life.id;
    let stored = town.house.actors.store().read(move |view| Stored::read(view, id)).await.expect("readable");
    seen.events += stored.ever;
    seen.fewest = Some(seen.fewest.unwrap_or(u64::MAX).min(stored.ever));
    stored.events.iter().for_each(|(_, event)| seen.note(event));
    let settings = &town.house.settings;
    let who = format!("{id} ({:?})", life.habit);
    replay(&stored, &settings.abuse, &who);
    rules(&stored, settings, &who);
    notices(&stored, &town.written.borrow(), &who);
}

/// From each checkpoint on, the events lead to what is stored (SPEC A10).
fn replay(stored: &Stored, figures: &abuse::Figures, who: &str) {
    let mark = |what: &What| match what {
        What::Standing(standing) => Some((**standing).clone()),
        _ => None,
    };
    for newest in [true, false] {
        let (mut standing, events) =
            stored.since_checkpoint(newest, mark).expect("each story begins with a mark");
        events.iter().for_each(|(_, event)| standing::apply(&mut standing, event));
        // Where it stands in the index is no event's to say.
        standing.access.due = stored.standing.access.due;
        assert_eq!(standing, stored.standing, "{who}: replay from a mark comes to what is stored");
    }
    let mark = |what: &What| match what {
        What::Scores(scores) => Some(scores.clone()),
        _ => None,
    };
    let begin = stored.since_checkpoint(true, mark);
    let (scores, events) = match begin {
        Some(begin) => begin,
        None if stored.complete_from == 0 => (Vec::new(), &stored.events[..]),
        None => panic!("{who}: no mark of scores among {} events", stored.events.len()),
    };
    let mut abuse = Abuse { scores, ..Abuse::default() };
    events.iter().for_each(|(_, event)| abuse::apply(&mut abuse, event, figures));
    assert_eq!(by_signal(&abuse.scores), by_signal(&stored.abuse.scores), "{who}: so do the scores");
}

/// In one order: which signal came first is nobody's concern.
fn by_signal(scores: &[Score]) -> Vec<Score> {
    let mut scores = scores.to_vec();
    scores.sort_by_key(|score| score.signal);
    scores
}

/// No event breaks a rule, with what was before it.
fn rules(stored: &Stored, settings: &Settings, who: &str) {
    let mark = |what: &What| match what {
        What::Standing(standing) => Some((**standing).clone()),
        _ => None,
    };
    let (mut now, events) = stored.since_checkpoint(false, mark).expect("each story begins with a mark");
    let mut letters: Vec<Timestamp> = Vec::new();
    for (number, event) in events {
        let place = format!("{who}, event {number}: {event:?}\nbefore: {now:?}");
        match &event.what {
            What::AccessOpened { protocol } => opens(&now, *protocol, event, &settings.access, &place),
            What::AccessClosed { protocol, reason: Some(Reason::Idle), .. } => {
                warned(&now, Warning::Idle(*protocol), event, &settings.access, &place);
            }
            What::Status { status: postern_model::record::Status::Inactive } if event.by == By::Timer => {
                warned(&now, Warning::Inactive, event, &settings.access, &place);
            }
            // SPEC A1, A2, A7
            What::Login { protocol: Some(protocol) } => {
                assert_eq!(gate(&now.access, *protocol).state, GateState::On, "{place}");
            }
            What::Letter { .. } => {
                assert!(now.lock.is_none(), "{place}");
                windows(&letters, event.at, &settings.plan(&now.plan), &place);
                letters.push(event.at);
            }
            _ => {}
        }
        standing::apply(&mut now, event);
    }
    let due = access::deadline(&now, &settings.access);
    let filed = stored.standing.access.due;
    assert!(
        due >= filed || due.is_none(),
        "{who}: nothing is due before it is looked at: {due:?}, {filed:?}"
    );
}

/// SPEC A2: nobody's access opens sooner than the delay after the switch; these were all users' switches.
fn opens(before: &Standing, protocol: Protocol, event: &Event, figures: &Figures, place: &str) {
    let gate = gate(&before.access, protocol);
    assert!(matches!(gate.state, GateState::Pending { opens_at } if event.at >= opens_at), "{place}");
    // Done at its own time, since the clock stops there.
    assert_eq!(event.at, gate.since.plus(figures.activation_delay), "{place}");
    assert!(before.access.theft.is_none(), "{place}"); // SPEC A14
}

/// SPEC A6, A9, A11: after the whole of its time, and warned of it in time, after the last use.
fn warned(before: &Standing, of: Warning, event: &Event, figures: &Figures, place: &str) {
    let (given, used, span) = match of {
        Warning::Idle(protocol) => {
            let used = before.activity.pop3.max(Some(gate(&before.access, protocol).since));
            (before.access.warned.pop3, used, figures.pop3_idle)
        }
        Warning::Inactive => (before.access.warned.inactive, before.activity.login, figures.inactive_after),
    };
    let used = used.unwrap_or(before.created);
    let given = given.unwrap_or_else(|| panic!("never warned: {place}"));
    assert!(given > used && event.at.since(given) >= figures.warn_before, "{place}");
    assert_eq!(Some(event.at), span.map(|span| span.after(used)), "{place}");
}

/// SPEC Q1: with this letter no window holds more than it may.
fn windows(before: &[Timestamp], at: Timestamp, plan: &Plan, place: &str) {
    for window in plan.sends.windows() {
        let within = before.iter().rev().take_while(|earlier| at.since(**earlier) < window.span).count();
        assert!(within < window.limit as usize, "{within} letters before this one: {place}");
    }
}

/// SPEC N3: what is in the INBOX and was written by nobody are the notices of the account's events, each once. All that
/// was switched off by somebody else than the user has one, and all that was asked for.
fn notices(stored: &Stored, written: &HashSet<LetterId>, who: &str) {
    let mut came: Vec<_> = stored.inbox.iter().filter(|letter| !written.contains(letter)).copied().collect();
    let mut told = Vec::new();
    let mut kinds: BTreeMap<&'static str, usize> = BTreeMap::new();
    for (_, event) in &stored.events {
        if let What::Notice { notice, letter } = &event.what {
            told.push(*letter);
            *kinds.entry(notice.name()).or_default() += 1;
        }
    }
    came.sort_unstable();
    told.sort_unstable();
    assert_eq!(came, told, "{who}: the notices in the INBOX, and those of the events");
    let locks =
        stored.events.iter().filter(|(_, event)| matches!(event.what, What::SendingLocked { .. })).count();
    assert_eq!(kinds.get(NoticeKind::SendingLocked.name()).copied().unwrap_or(0), locks, "{who}");
}
