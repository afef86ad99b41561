//! One account of the simulated year: its acts through the actors.

use postern_model::record::{Actor as By, Signature};
use postern_policy::access::Change;

use super::habits::{Act, Habit, Random};
use super::*;
use crate::account::{Admit, Deed};
use crate::order::{CredentialRef, Granted, Sent};

/// An account and its user.
pub(super) struct Life {
    pub(super) id: AccountId,
    pub(super) habit: Habit,
    random: Random,
    /// Acts a day, in thousandths: as many as come to the events that are wanted.
    pace: u64,
}

impl Life {
    pub(super) fn new(id: AccountId, number: usize, events: u32, random: Random) -> Life {
        let habit = Habit::of(number);
        // What an act comes to on average; pushing and switching make several events.
        let events_an_act = match habit {
            Habit::Abuser => 1_900,
            Habit::Restless => 1_700,
            _ => 1_280,
        };
        let pace = u64::from(events) * 1_000_000 / events_an_act / habit.days();
        Life { id, habit, random, pace }
    }

    /// What is done on a day, in order, and at which of its instants.
    pub(super) fn plan_day(
        &mut self,
        day: u64,
        instants: usize,
    ) -> impl Iterator<Item = (usize, Act)> + use<> {
        let (habit, random) = (self.habit, &mut self.random);
        let mut acts = Vec::new();
        if habit.uses(day) {
            let count = self.pace / 1000 + u64::from(random.below(1000) < self.pace % 1000);
            acts.extend((0..count).map(|_| (random.below(instants as u64) as usize, habit.act(random))));
            if day == 0 || !habit.uses(day - 1) {
                // At once, and seen to have opened at the first instant that is 15 minutes later.
                acts.push((0, Act::On));
            }
        }
        acts.sort_by_key(|(instant, _)| *instant);
        acts.into_iter()
    }

    pub(super) async fn act(&mut self, town: &Rc<Town>, act: Act) {
        match act {
            Act::Fetch => self.fetch(town).await,
            Act::Imap => drop(self.admit(town, Protocol::Imap).await),
            Act::Send(letters) => self.send(town, letters).await,
            Act::Push(tries) => self.push(town, tries).await,
            Act::PushTwice(tries) => {
                let mut other = Life { random: self.random.clone(), ..*self };
                tokio::join!(self.push(town, tries), other.push(town, tries));
            }
            Act::Roam(networks) => self.roam(town, networks).await,
            Act::On => self.gates(town, By::User, Change::On { now: false }).await,
            Act::Off => self.gates(town, By::User, Change::Off).await,
            Act::Web => self.perform(town, By::User, Deed::SeenOnTheWeb).await,
            Act::Password => self.perform(town, By::User, Deed::Password).await,
            Act::Block => self.gates(town, By::Operator, Change::Block).await,
            Act::Unblock => self.gates(town, By::Operator, Change::Unblock).await,
            Act::Report => {
                self.perform(town, By::Operator, Deed::Reported(None)).await;
                town.house.actors.reported(self.id).await.expect("room");
            }
            Act::Unlock => self.perform(town, By::Operator, Deed::Unlock).await,
            Act::Plan => {
                let plan = if self.random.below(2) == 0 { "free" } else { "plus" };
                self.perform(town, By::Operator, Deed::Plan(plan.to_owned())).await;
            }
        }
    }

    async fn gates(&self, town: &Town, by: By, change: Change) {
        let protocols = Protocol::ALL.to_vec();
        self.perform(town, by, Deed::Gates { change, protocols, text: None }).await;
    }

    /// What can't be done is refused: people try things.
    async fn perform(&self, town: &Town, by: By, deed: Deed) {
        let done = town.house.actors.perform(self.id, by, None, deed).await;
        assert!(!matches!(done, Err(crate::account::ChangeRefused::Store(_))), "{done:?}");
    }

    /// Home, work and a phone.
    fn peer(&mut self) -> IpAddr {
        let network = (self.id.0 * 3 + self.random.below(3)).to_be_bytes();
        IpAddr::V4(Ipv4Addr::new(10, network[6], network[7], 1))
    }

    async fn admit(&mut self, town: &Town, protocol: Protocol) -> Option<(Admitted, SessionRef)> {
        let from = self.peer();
        self.admit_from(town, protocol, from).await
    }

    /// Behind the password: AuthActor has tests of its own, and would cost most of the time.
    async fn admit_from(
        &self,
        town: &Town,
        protocol: Protocol,
        from: IpAddr,
    ) -> Option<(Admitted, SessionRef)> {
        let session = town.session(from);
        let credential = CredentialRef::Account;
        let admit = Admit { credential, protocol, tls: true, session: session.clone() };
        match town.house.actors.admit(self.id, admit).await {
            Ok(admitted) => Some((admitted, session)),
            Err(refusal) => {
                assert!(!matches!(refusal, Refusal::Unavailable | Refusal::Stopping), "{refusal:?}");
                None
            }
        }
    }

    async fn fetch(&mut self, town: &Town) {
        let Some((admitted, session)) = self.admit(town, Protocol::Pop3).await else { return };
        let actors = &town.house.actors;
        let Ok(maildrop) = actors.open_maildrop(&admitted, &session).await else { return };
        let written = |letter: &&crate::order::Drop| town.written.borrow().contains(&letter.letter);
        let gone: Vec<_> = maildrop.letters.iter().filter(written).map(|letter| letter.uid).collect();
        actors.close_maildrop(maildrop.lease, gone).await.expect("room");
    }

    /// Asks for a place for one letter after the other, and sends all that got one at once.
    async fn send(&mut self, town: &Rc<Town>, letters: u32) {
        let Some((_admitted, session)) = self.admit(town, Protocol::Smtp).await else { return };
        let (sender, from, mut under_way) = (self.id, session.peer, JoinSet::new());
        for _ in 0..letters {
            if let Ok(granted) = town.house.actors.may_send(sender, from).await {
                let (town, recipients) = (Rc::clone(town), self.recipients(town));
                under_way.spawn_local(async move { post(&town, sender, recipients, granted, from).await });
            }
        }
        while let Some(sent) = under_way.join_next().await {
            sent.expect("no letter ends in a panic");
        }
    }

    /// One account, or two.
    fn recipients(&mut self, town: &Town) -> Vec<AccountId> {
        let count = 1 + self.random.below(8) / 7;
        let mut recipients: Vec<AccountId> =
            (0..count).map(|_| town.ids[self.random.below(town.ids.len() as u64) as usize]).collect();
        recipients.dedup();
        recipients
    }

    async fn push(&mut self, town: &Rc<Town>, tries: u32) {
        self.send(town, 5).await;
        for _ in 0..tries {
            let from = self.peer();
            // Granted places are given back.
            drop(town.house.actors.may_send(self.id, from).await);
        }
    }

    async fn roam(&mut self, town: &Town, networks: u32) {
        for network in 0..networks {
            let from = IpAddr::V4(Ipv4Addr::new(172, 16, network as u8, 1));
            drop(self.admit_from(town, Protocol::Imap, from).await);
        }
    }
}

/// A letter for which a place was granted.
async fn post(town: &Town, sender: AccountId, recipients: Vec<AccountId>, granted: Granted, from: IpAddr) {
    let actors = &town.house.actors;
    let mut spool = actors.store().spool();
    spool.write(town.text.as_bytes()).await.expect("room");
    let letter = actors.next_letter_id().expect("room");
    town.written.borrow_mut().insert(letter);
    let digest = |account: &AccountId| account.0.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let sent = Sent {
        account: sender,
        from,
        reservation: granted.reservation,
        recipients: recipients.iter().map(digest).collect(),
        body: letter.0,
    };
    let acceptance = Acceptance {
        letter,
        body: spool.seal().await.expect("room"),
        facts: town.facts.clone(),
        signature: Signature::default(),
        sent: Some(sent),
        locals: recipients.into_iter().map(to).collect(),
        remotes: Vec::new(),
        mail_from: MailFrom::Null,
        terms: MailTerms::default(),
        judged: Judged::default(),
        forwards: Vec::new(),
    };
    match actors.accept(acceptance).await {
        Ok(_) | Err(Refusal::SendingLocked { .. }) => {}
        Err(refusal) => panic!("a letter that was granted: {refusal:?}"),
    }
}
