//! The one way from the doors to the actors.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use actix::prelude::*;
use postern_model::record::{Actor as By, AddressKind, Event, LetterRefusal, Signal, Status, What};
use postern_model::{AccountId, Domain, EmailAddress, LetterId, Protocol, Timestamp, Uid};
use postern_policy::Refusal;
use postern_policy::abuse::Verdict;
use postern_policy::access::Closing;
use postern_policy::srs::Srs;
use postern_storage::{Store, StoreError, keys};
use tokio::sync::oneshot;

use crate::account::{
    AccountActor, Admit, Announce, Answer, ChangeRefused, Deed, Do, Enacted, Opened, Reload, Settle,
};
use crate::auth::{self, AuthActor, Hasher, SaveFailedLogins, ScramKeysOf, Verified, Verify};
use crate::credentials::{StoredCredentials, store_secret};
use crate::delivery::landed;
use crate::directory::{Directory, Found};
use crate::due::Lookout;
use crate::ground::{Ground, Settings, refuse};
use crate::mailbox::{Ask, CloseMaildrop, Left, MailboxActor, OpenMaildrop};
use crate::notice::{NoticeActor, Owed};
use crate::order::{Admitted, Granted, Lease, Login, Maildrop, Route, ScramCandidates, SessionRef};
use crate::presence::Presences;
use crate::quota::{self, MaySend, Noted, QuotaActor, Refused};
use crate::registry::{Registry, Seat};
use crate::rules::RuleBook;
use crate::ticker::Ticker;
use crate::timer::TimerActor;
use crate::{deadlines, plans};

/// All actors of a server. Cheap to clone; every question of a door's goes through here.
#[derive(Clone)]
pub struct Actors(Arc<Inner>);

struct Inner {
    ground: Arc<Ground>,
    auth: Addr<AuthActor>,
    hasher: Hasher,
    accounts: Registry<AccountActor>,
    mailboxes: Registry<MailboxActor>,
    quotas: Registry<QuotaActor>,
    notices: Addr<NoticeActor>,
    /// One look at what is due at a time.
    lookout: tokio::sync::Mutex<Lookout>,
    /// One operator's change at a time.
    administration: tokio::sync::Mutex<()>,
}

/// Passwords that may wait to be hashed; beyond, a login is told to come later.
const HASHES_WAITING: usize = 1_000;

/// How long an operator's command waits for the notices that it owes.
const PATIENCE: Duration = Duration::from_secs(5);

/// Why the actors can't start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// What is needed at once can't be read.
    #[error("the store can't be read: {0}")]
    Store(#[from] StoreError),
    /// Argon2 does not take these figures.
    #[error("POSTERN_ARGON2: these figures are out of Argon2's bounds: leave it at m=19456,t=2,p=1")]
    Argon2,
    /// Nothing can be kept secret without.
    #[error("the system gives no random numbers")]
    Random,
    /// A plan that accounts have is no longer configured (SPEC K).
    #[error(
        "POSTERN_PLANS does not name plan {plan:?}, which {accounts} account(s) have, {example} for one: name it \
         there again, or first give them another one (postern account set-plan)"
    )]
    Plan {
        /// Its name.
        plan: String,
        /// How many accounts have it.
        accounts: u64,
        /// The address of one of them.
        example: String,
    },
}

impl Actors {
    /// Starts the actors on `arbiters` (at least one).
    ///
    /// # Errors
    /// [`StartError`].
    pub async fn start(
        store: Store,
        ticker: Ticker,
        settings: Settings,
        arbiters: &[ArbiterHandle],
    ) -> Result<Actors, StartError> {
        let hasher = Hasher::new(settings.argon2, settings.scram, settings.hashes_at_once, HASHES_WAITING)
            .ok_or(StartError::Argon2)?;
        if settings.serving {
            plans::keep(&store, &settings).await?;
            deadlines::file_all(&store, &settings.access).await?;
        }
        let directory = Directory::load(&store, settings.detail_separator).await?;
        let secret = store_secret(&store).await?;
        let mut who = auth::Settings::new(secret);
        who.figures = settings.lockout.clone();
        let presences = Arc::new(Presences::default());
        let srs = Srs::new(&secret);
        let rules = RuleBook::new(&store);
        let ground = Arc::new(Ground { store, ticker, settings, directory, presences, srs, rules });
        let source = Arc::new(StoredCredentials(Arc::clone(&ground)));
        let pace = Arc::new(ground.ticker.clone());
        let hashes = hasher.clone();
        let auth =
            AuthActor::start_in_arbiter(&arbiters[0], move |_| AuthActor::new(source, pace, hashes, who));
        let actors = Actors(Arc::new_cyclic(|weak| Inner {
            auth,
            hasher,
            accounts: Registry::new(Arc::clone(&ground), arbiters),
            mailboxes: Registry::new(Arc::clone(&ground), arbiters),
            quotas: Registry::new(Arc::clone(&ground), arbiters),
            notices: NoticeActor::begin(WeakActors(weak.clone()), &arbiters[0]),
            lookout: tokio::sync::Mutex::default(),
            administration: tokio::sync::Mutex::new(()),
            ground,
        }));
        let timed = actors.downgrade();
        TimerActor::start_in_arbiter(&arbiters[0], move |_| TimerActor::new(timed));
        Ok(actors)
    }

    /// The time that everything goes by.
    pub fn now(&self) -> Timestamp {
        self.0.ground.ticker.now()
    }

    /// The clock, to wait by.
    pub fn ticker(&self) -> &Ticker {
        &self.0.ground.ticker
    }

    /// The store.
    pub fn store(&self) -> &Store {
        &self.0.ground.store
    }

    /// Keys to try a SCRAM proof against; an unknown user has some, too (SPEC I2).
    ///
    /// # Errors
    /// [`Refusal::TooManyFailures`], or what the store can't do.
    pub async fn scram_keys(
        &self,
        user: &str,
        protocol: Protocol,
        session: &SessionRef,
    ) -> Result<ScramCandidates, Refusal> {
        let ask = ScramKeysOf { user: user.to_owned(), protocol, session: session.clone() };
        self.0.auth.send(ask).await.map_err(|_| Refusal::Unavailable)?
    }

    /// May this login in, by this protocol, now? AuthActor looks at the password, AccountActor at the gate, and for
    /// SMTP QuotaActor at the right to send.
    ///
    /// # Errors
    /// The first "no" of the three.
    pub async fn login(&self, login: Login) -> Result<Admitted, Refusal> {
        let Login { proof, protocol, tls, session } = login;
        let verify = Verify { proof, protocol, session: session.clone() };
        let verified = self.0.auth.send(verify).await.map_err(|_| Refusal::Unavailable)??;
        let admit = Admit { credential: verified.credential, protocol, tls, session };
        let admitted = self.admit(verified.account, admit).await?;
        self.still_right(verified).await?;
        Ok(admitted)
    }

    /// May a login whose password is right come in?
    ///
    /// # Errors
    /// Why not, or what the store can't do.
    pub(crate) async fn admit(&self, account: AccountId, admit: Admit) -> Result<Admitted, Refusal> {
        let (answer, _) = self.ask(account, admit).await.map_err(|error| refuse(&error))?;
        answer
    }

    /// An answer may be held back for seconds, and the password be changed meanwhile. Asked once the session is on the
    /// account's list: a change from now on will find it there.
    async fn still_right(&self, verified: Verified) -> Result<(), Refusal> {
        let kept =
            self.store().get(keys::credentials(verified.account)).await.map_err(|error| refuse(&error))?;
        match kept {
            Some(kept) if kept.generation == verified.generation => Ok(()),
            _ => Err(Refusal::BadCredentials { bare_name: false }),
        }
    }

    /// Opens the maildrop for a POP3 session that was admitted (SPEC C1-C3).
    ///
    /// # Errors
    /// [`Refusal::InUse`], [`Refusal::TooSoon`], or what the store can't do.
    pub async fn open_maildrop(
        &self,
        admitted: &Admitted,
        session: &SessionRef,
    ) -> Result<Maildrop, Refusal> {
        let seat = self.0.mailboxes.seat(admitted.account);
        let plan = Arc::clone(&admitted.plan);
        let open = OpenMaildrop { session: session.clone(), plan, seat: Arc::clone(&seat) };
        let maildrop = seat.addr().send(open).await.map_err(|_| Refusal::Unavailable)?;
        let opened = Opened { refused: maildrop.as_ref().err().cloned(), from: session.peer };
        self.ask(admitted.account, opened).await.map_err(|error| refuse(&error))?;
        maildrop
    }

    /// Asks an account's actor, and sees what it enacts through to the disk and to whom it concerns, also where whoever
    /// asked goes away meanwhile. Returns the answer, and how many sessions were told to go.
    ///
    /// # Errors
    /// What the store could not do; the actor reads its state anew then.
    pub(crate) async fn ask<M, T>(&self, account: AccountId, message: M) -> Result<(T, usize), StoreError>
    where
        AccountActor: Handler<M>,
        M: Message<Result = Answer<T>> + Send + 'static,
        T: Send + 'static,
    {
        let actors = self.clone();
        let (answer, answered) = oneshot::channel();
        actix::spawn(async move {
            // Held to the end: the actor does not rest while what it knows is not yet on disk.
            let seat = actors.account(account);
            let Ok(Answer { answer: given, enacted }) = seat.addr().send(message).await else { return };
            let mut enacted = enacted.unwrap_or_default();
            let told = actors.conclude(account, &seat, &mut enacted).await;
            // Whoever asked may have gone.
            let _ = answer.send(told.map(|told| (given, told)));
            for commit in enacted.unawaited {
                if let Err(error) = commit.await {
                    tracing::debug!(%account, %error, "an account's last use was not written");
                    reload(&seat).await;
                }
            }
        });
        answered.await.unwrap_or(Err(StoreError::Closed))
    }

    /// Waits until a change is on disk; then tells whom it concerns: sessions, the account's QuotaActor, and the one
    /// that sends notices.
    async fn conclude(
        &self,
        account: AccountId,
        seat: &Seat<AccountActor>,
        enacted: &mut Enacted,
    ) -> Result<usize, StoreError> {
        let mut landed = Ok(());
        for commit in enacted.commits.drain(..) {
            landed = landed.and(commit.await);
        }
        if landed.is_err() {
            // Of two changes one may have reached the disk.
            reload(seat).await;
        }
        let mut told = 0;
        if enacted.changed {
            self.0.ground.rules.forget(account);
            if let Some(quota) = self.0.quotas.living(account) {
                // Where it has ended meanwhile, it reads its state anew when it is next asked.
                let _ = quota.addr().send(quota::Reload).await;
            }
            told = seat.addr().send(Announce).await.unwrap_or(0);
        }
        if enacted.owing {
            self.notices_owed();
        }
        landed.map(|()| told)
    }

    /// Changes something of an account, durably; returns how many sessions were closed by it.
    ///
    /// # Errors
    /// Why it was not changed.
    pub(crate) async fn perform(
        &self,
        account: AccountId,
        by: By,
        from: Option<IpAddr>,
        deed: Deed,
    ) -> Result<usize, ChangeRefused> {
        let (done, told) = self.ask(account, Do { deed, by, from }).await.map_err(ChangeRefused::Store)?;
        done.map(|()| told)
    }

    /// Does what is due for an account by now (SPEC A3). Its actor rests again where this alone has woken it: many
    /// accounts may fall due at once.
    ///
    /// # Errors
    /// What the store could not do.
    pub(crate) async fn settle(&self, account: AccountId, closing: Closing) -> Result<(), StoreError> {
        let awake = self.0.accounts.living(account).is_some();
        let settled = self.ask(account, Settle(closing)).await;
        if !awake {
            self.0.accounts.rest(account);
        }
        settled?.0
    }

    /// What an account's actor knows of it holds no more: it is being removed.
    pub(crate) async fn forget_account(&self, account: AccountId) {
        self.0.ground.rules.forget(account);
        if let Some(seat) = self.0.accounts.living(account) {
            reload(&seat).await;
        }
        if let Some(seat) = self.0.quotas.living(account) {
            let _ = seat.addr().send(quota::Reload).await;
        }
    }

    /// Removes what POP3 has deleted, in one durable batch; `Ok` means it is gone for good.
    ///
    /// # Errors
    /// [`Refusal::InUse`] where another session has taken the maildrop over, or what the store can't do: then
    /// everything is still there.
    pub async fn close_maildrop(&self, lease: Arc<Lease>, deletions: Vec<Uid>) -> Result<(), Refusal> {
        let seat = Arc::clone(&lease.seat);
        let close = CloseMaildrop::new(Arc::clone(&lease), deletions.into_iter().collect());
        let receipt = seat.addr().send(Ask(close)).await.map_err(|_| Refusal::Unavailable)??;
        let closed = match receipt {
            Some(receipt) => landed(receipt).await,
            None => Ok(()),
        };
        drop(lease);
        // Where the actor is gone, nobody reads anything any more.
        seat.addr().do_send(Left);
        closed
    }

    /// Whether the address is the account's own (SPEC I5).
    ///
    /// # Errors
    /// What the store can't do.
    pub async fn owns(&self, account: AccountId, address: &EmailAddress) -> Result<bool, Refusal> {
        let owner = self.0.ground.directory.owner(address).await.map_err(|error| refuse(&error))?;
        Ok(owner.is_some_and(|(entry, _)| {
            entry.account == account && matches!(entry.kind, AddressKind::Primary | AddressKind::Alias)
        }))
    }

    /// May the account send a letter now, from this address (SPEC Q)? The place that is granted to it is kept until it
    /// is dropped, or the letter is accepted with it.
    ///
    /// # Errors
    /// [`Refusal::SendingLocked`], [`Refusal::SendLimit`], or what the store can't do.
    pub async fn may_send(&self, account: AccountId, from: IpAddr) -> Result<Granted, Refusal> {
        let seat = self.quota(account);
        let ask = MaySend { seat: Arc::clone(&seat), from };
        let asked = seat.addr().send(ask).await.map_err(|_| Refusal::Unavailable)?;
        self.accuse(account, asked.verdict).await;
        asked.answer
    }

    /// A recipient that an account of ours wrote to from this address does not exist (SPEC Q4).
    pub async fn note_unknown_recipient(&self, sender: AccountId, from: IpAddr) {
        let (why, signals) = (LetterRefusal::UnknownRecipient, vec![(Signal::UnknownRecipient, 1)]);
        let verdict = self.quota(sender).addr().send(Refused { why, signals, from }).await;
        self.accuse(sender, verdict.unwrap_or_default()).await;
    }

    /// Passes the abuse rules' verdict on to the one who locks (SPEC Q4). Where that fails, the next sign of abuse leads
    /// to the same verdict.
    pub(crate) async fn accuse(&self, account: AccountId, verdict: Option<Verdict>) {
        let Some(verdict) = verdict else { return };
        tracing::warn!(%account, reason = verdict.reason.name(), "the abuse rules lock sending");
        if let Err(refused) = self.perform(account, By::Abuse, None, Deed::Accused(verdict)).await {
            tracing::error!(%account, ?refused, "sending could not be locked");
        }
    }

    /// Where the address's mail goes. It leaves this server only for users of it: `from_user`.
    ///
    /// # Errors
    /// As [`Actors::find_recipient`].
    pub async fn route(&self, address: &EmailAddress, from_user: bool) -> Result<Route, Refusal> {
        match self.find_recipient(address).await {
            Err(Refusal::NoRoute) if from_user && self.0.ground.settings.courier.is_some() => {
                Ok(Route::Elsewhere)
            }
            found => found.map(Route::Here),
        }
    }

    /// The reverse path under which a letter of `sender` is forwarded from an address in `ours` (SPEC D6).
    pub fn forward_path(&self, sender: &EmailAddress, ours: &Domain) -> EmailAddress {
        let ground = &self.0.ground;
        ground.srs.forward(sender, ours, ground.ticker.now())
    }

    /// Where mail for a reverse path goes that this server made for a letter it forwarded (SPEC D6): to the letter's
    /// sender. `None` where `address` is none of those, was forged, or is too old.
    pub fn forwarded_from(&self, address: &EmailAddress) -> Option<EmailAddress> {
        let ground = &self.0.ground;
        let ours = ground.directory.is_local(address.domain());
        ours.then(|| ground.srs.reverse(address, ground.ticker.now())).flatten()
    }

    /// Whose mail it is.
    ///
    /// # Errors
    /// [`Refusal::NoSuchMailbox`] in a domain of ours, [`Refusal::InactiveMailbox`] where such mail is refused (SPEC A9),
    /// [`Refusal::NoRoute`] elsewhere, or what the store can't do.
    pub async fn find_recipient(&self, address: &EmailAddress) -> Result<AccountId, Refusal> {
        let directory = &self.0.ground.directory;
        let postmaster = self.0.ground.postmaster(address);
        let address = postmaster.as_ref().unwrap_or(address);
        if !directory.is_local(address.domain()) {
            return Err(Refusal::NoRoute);
        }
        let account = self.mailbox_of(address).await.map_err(|error| refuse(&error))?;
        let account = account.ok_or(Refusal::NoSuchMailbox)?;
        if self.0.ground.settings.inactive_refuses_mail && self.is_inactive(account).await? {
            return Err(Refusal::InactiveMailbox);
        }
        Ok(account)
    }

    /// Who gets what is for an address in a domain of ours: whose it is, whose it is without its detail, or who catches
    /// all that is for nobody (SPEC D6).
    async fn mailbox_of(&self, address: &EmailAddress) -> Result<Option<AccountId>, StoreError> {
        let directory = &self.0.ground.directory;
        match directory.owner(address).await? {
            Some((entry, Found::Own)) => return Ok(Some(entry.account)),
            Some((entry, Found::Detail)) if self.0.ground.rules.takes_details(entry.account).await? => {
                return Ok(Some(entry.account));
            }
            _ => {}
        }
        Ok(directory.catch_all(address.domain()))
    }

    async fn is_inactive(&self, account: AccountId) -> Result<bool, Refusal> {
        let found = self.store().get(keys::account(account)).await.map_err(|error| refuse(&error))?;
        Ok(found.is_some_and(|account| account.status == Status::Inactive))
    }

    /// An id for a letter that is about to come in.
    ///
    /// # Errors
    /// [`Refusal::StoreFull`] while the store takes no letters.
    pub fn next_letter_id(&self) -> Result<LetterId, Refusal> {
        let store = self.store();
        if !store.is_writable() {
            return Err(Refusal::StoreFull);
        }
        Ok(store.next_letter_id())
    }

    /// Writes down what only memory holds; for the server's end, before the store is closed.
    pub async fn rest(&self) {
        // Where the actor is gone already, there is nothing left to save.
        let _ = self.0.auth.send(SaveFailedLogins).await;
        for seat in self.0.quotas.all_living() {
            let _ = seat.addr().send(quota::Save).await;
        }
    }

    pub(crate) fn ground(&self) -> &Arc<Ground> {
        &self.0.ground
    }

    pub(crate) fn hasher(&self) -> &Hasher {
        &self.0.hasher
    }

    pub(crate) fn mailboxes(&self) -> &Registry<MailboxActor> {
        &self.0.mailboxes
    }

    pub(crate) fn account(&self, account: AccountId) -> Arc<Seat<AccountActor>> {
        self.0.accounts.seat(account)
    }

    pub(crate) fn quota(&self, account: AccountId) -> Arc<Seat<QuotaActor>> {
        self.0.quotas.seat(account)
    }

    /// Whoever looks at what is due has this meanwhile.
    pub(crate) async fn lookout(&self) -> tokio::sync::MutexGuard<'_, Lookout> {
        self.0.lookout.lock().await
    }

    pub(crate) fn notices(&self) -> &Addr<NoticeActor> {
        &self.0.notices
    }

    pub(crate) async fn administration(&self) -> tokio::sync::MutexGuard<'_, ()> {
        self.0.administration.lock().await
    }

    /// Lets go of actors that nobody has asked for `rest_after`; returns how many live on.
    pub(crate) fn passivate(&self, rest_after: Duration) -> usize {
        let inner = &self.0;
        inner.accounts.passivate(rest_after)
            + inner.mailboxes.passivate(rest_after)
            + inner.quotas.passivate(rest_after)
    }

    /// A complaint about the account's letters counts in its abuse scores (SPEC Q4).
    ///
    /// # Errors
    /// What the store can't do.
    pub(crate) async fn reported(&self, account: AccountId) -> Result<(), StoreError> {
        let what = What::Reported { text: None };
        let event = Event { at: self.now(), by: By::Operator, from: None, what };
        let noted = self.quota(account).addr().send(Noted(event)).await;
        let verdict = noted.map_err(|_| StoreError::Closed)??;
        self.accuse(account, verdict).await;
        Ok(())
    }

    /// Notices are owed: whoever delivers them need not wait for the next round.
    pub(crate) fn notices_owed(&self) {
        // Where its inbox is full, it is about to look anyway.
        let _ = self.0.notices.try_send(Owed);
    }

    /// Waits until what is owed by now is delivered, but not for long: an operator's command is answered when the letter
    /// that tells of it is there.
    pub(crate) async fn notices_delivered(&self) {
        // What is not delivered by then, or where the actor is gone, is delivered later: it is owed on disk.
        let _ = tokio::time::timeout(PATIENCE, self.0.notices.send(Owed)).await;
    }

    pub(crate) fn upgrade(weak: &WeakActors) -> Option<Actors> {
        weak.0.upgrade().map(Actors)
    }

    pub(crate) fn downgrade(&self) -> WeakActors {
        WeakActors(Arc::downgrade(&self.0))
    }
}

/// The actor must not go on with what never reached the disk.
async fn reload(seat: &Seat<AccountActor>) {
    // Where it has ended meanwhile, it reads its state anew when it is next asked.
    let _ = seat.addr().send(Reload).await;
}

/// What an actor may hold of all actors without keeping them alive.
#[derive(Clone)]
pub(crate) struct WeakActors(std::sync::Weak<Inner>);
