//! Letters on their way to one domain: from hop to hop until a server takes them, and over one connection as long as it
//! does.

use std::net::SocketAddr;
use std::sync::Arc;

use postern_actors::courier::{Carried, Local, Parcel, Trip};
use postern_model::Domain;
use tokio::time::timeout;

use super::Grounds;
use super::outcome::{Outcome, Witness, softened};
use super::route::{Hop, MAX_HOPS};
use super::session::{self, Session};
use super::transaction::{Broken, Job, send};

/// Servers that are told of one letter; a refusal for now at so many is believed.
const SERVERS_ASKED: usize = 2;

/// A way to one domain.
pub(super) struct Way {
    grounds: Arc<Grounds>,
    domain: Domain,
    session: Option<Session>,
}

impl Way {
    pub(super) fn new(grounds: Arc<Grounds>, domain: Domain) -> Way {
        Way { grounds, domain, session: None }
    }
}

impl Trip for Way {
    fn carry<'a>(&'a mut self, parcel: &'a Parcel) -> Local<'a, Carried> {
        Box::pin(async move {
            let mut outcome = Outcome::new(parcel);
            let limit = self.grounds.manners.patience.letter;
            if timeout(limit, self.go(parcel, &mut outcome)).await.is_err() {
                // Whatever it was in the middle of, nobody knows where the conversation stands.
                self.session = None;
                outcome.tired = true;
            }
            outcome.finish(&format!("it took more than {} s", limit.as_secs()))
        })
    }

    fn end(self: Box<Self>) -> Local<'static, ()> {
        Box::pin(async move {
            if let Some(session) = self.session {
                session.quit().await;
            }
        })
    }
}

impl Way {
    async fn go(&mut self, parcel: &Parcel, outcome: &mut Outcome) {
        let (mut asked, mut met) = (0, None);
        if let Some(session) = self.session.take() {
            let socket = session.hop.socket();
            if session.has_room() {
                self.offer(session, parcel, outcome).await;
                // A connection that was closed while it was idle says nothing about the server.
                if self.session.is_some() || outcome.reached {
                    (asked, met) = (1, Some(socket));
                }
            } else {
                session.quit().await;
            }
        }
        if outcome.pending().is_empty() || outcome.in_doubt {
            return;
        }
        self.search(parcel, outcome, asked, met).await;
    }

    /// Goes through the domain's servers.
    async fn search(
        &mut self,
        parcel: &Parcel,
        outcome: &mut Outcome,
        mut asked: usize,
        met: Option<SocketAddr>,
    ) {
        let witness = Witness { at: parcel.now, remote: None, tls: None };
        let Some(hops) = self.hops(parcel, outcome, &witness).await else { return };
        for hop in hops.into_iter().take(MAX_HOPS).filter(|hop| Some(hop.socket()) != met) {
            if asked >= SERVERS_ASKED || outcome.in_doubt || outcome.pending().is_empty() {
                break;
            }
            let witness = Witness { remote: Some(hop.to_string()), ..witness.clone() };
            match session::open(&self.grounds.manners, &self.domain, &hop, &witness).await {
                Err(closed) => outcome.unheard(closed.attempt, closed.never),
                Ok(session) if parcel.envelope.terms.require_tls && !session.keeps_tls() => {
                    outcome.reached = true;
                    let said = "REQUIRETLS was asked, and the server was not verified or doesn't know it";
                    outcome.unheard(session.witness(parcel.now).words((5, 7, 30), said), true);
                    session.quit().await;
                }
                Ok(session) => {
                    if let Some(last) = self.session.take() {
                        last.quit().await;
                    }
                    asked += 1;
                    outcome.reached = true;
                    self.offer(session, parcel, outcome).await;
                }
            }
        }
    }

    /// The domain's servers; where none are known, the letter's recipients are told.
    async fn hops(&self, parcel: &Parcel, outcome: &mut Outcome, witness: &Witness) -> Option<Vec<Hop>> {
        let error = match self.grounds.router.route(&self.domain, parcel.now).await {
            Ok(hops) => return Some(hops),
            Err(error) => error,
        };
        let class = if error.permanent { 5 } else { 4 };
        let (subject, detail) = error.enhanced;
        let left = outcome.pending();
        outcome.refused(&left, &witness.words((class, subject, detail), error.said));
        // Where there is no way at all, its other letters may hear that at once.
        outcome.reached |= error.permanent;
        None
    }

    /// Offers the letter to a server in as many transactions as its recipients need.
    async fn offer(&mut self, mut session: Session, parcel: &Parcel, outcome: &mut Outcome) {
        if parcel.envelope.terms.require_tls && !session.keeps_tls() {
            return session.quit().await;
        }
        let job = Job { parcel, seal: self.grounds.seal.as_deref(), room: &self.grounds.room };
        let mut waiting = outcome.pending();
        outcome.tired = false;
        while !waiting.is_empty() {
            if !session.has_room() {
                let said = "the server takes no more letters over this connection";
                outcome.refused(&waiting, &session.witness(parcel.now).words((4, 4, 5), said));
                outcome.tired = true;
                return session.quit().await;
            }
            let rest = waiting.split_off(session.most_recipients().min(waiting.len()));
            match send(&mut session, &job, &waiting, outcome).await {
                Ok(again) => waiting = [again, rest].concat(),
                Err(Broken(attempt)) => {
                    // What broke the conversation off is no verdict on the letter.
                    let left = outcome.pending();
                    outcome.refused(&left, &softened(attempt));
                    outcome.tired = true;
                    return;
                }
            }
        }
        self.session = Some(session);
    }
}
