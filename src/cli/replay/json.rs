//! A record as `account events --json` prints it: an array of events, or an object with an address and that array.
//! It is read element by element, so that a long one is never in memory as text.

use std::fmt;
use std::io::Read;
use std::net::IpAddr;

use postern_model::record::{
    Activity, Actor, Gate, GateState, LetterRefusal, LoginRefusal, Reason, SendingLock, Signal, Standing,
    Status,
};
use postern_model::{EmailAddress, Protocol, Timestamp};
use postern_policy::access::{self, Change};
use postern_policy::replay::Act;
use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

use super::read::{Bad, Intake, Row, Says};

/// Reads a whole document.
///
/// # Errors
/// Where it is no JSON, or not of this form.
pub(super) fn read(file: impl Read, intake: &mut Intake) -> Result<(), Bad> {
    let mut elements = 0;
    let mut document = serde_json::Deserializer::from_reader(file);
    let mut stopped = false;
    let record = Record { intake, elements: &mut elements, stopped: &mut stopped };
    let outcome = record.deserialize(&mut document).and_then(|()| document.end());
    match outcome {
        Ok(()) => Ok(()),
        Err(_) if stopped => Ok(()),
        Err(error) if elements > 0 => Err(Bad::one(format!("element {elements}: {error}"))),
        Err(error) => Err(Bad::one(format!("it is no record of events: {error}"))),
    }
}

/// Where elements go, and how far the reading has come.
struct Record<'a> {
    intake: &'a mut Intake,
    /// The number of the element that is being read, from 1 on.
    elements: &'a mut u64,
    /// The intake wants no more: the error that ends the reading is none.
    stopped: &'a mut bool,
}

impl<'de> DeserializeSeed<'de> for Record<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, document: D) -> Result<(), D::Error> {
        document.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Record<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("what `account events --json` prints")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut events: A) -> Result<(), A::Error> {
        loop {
            *self.elements += 1;
            let Some(element) = events.next_element::<Element>()? else { break };
            let named = format!("element {}", self.elements);
            if !self.intake.take(&named, "", element.row()) {
                *self.stopped = true;
                return Err(A::Error::custom("enough"));
            }
        }
        *self.elements = 0;
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<(), A::Error> {
        let Record { intake, elements, stopped } = self;
        let (mut address, mut events) = (None, false);
        while let Some(name) = fields.next_key::<String>()? {
            match name.as_str() {
                "address" => address = Some(fields.next_value::<String>()?),
                "events" if !events => {
                    events = true;
                    let record =
                        Record { intake: &mut *intake, elements: &mut *elements, stopped: &mut *stopped };
                    fields.next_value_seed(record)?;
                }
                _ => drop(fields.next_value::<IgnoredAny>()?),
            }
        }
        if !events {
            return Err(A::Error::missing_field("events"));
        }
        if let Some(address) = address {
            let parsed = EmailAddress::parse(&address).map_err(A::Error::custom)?;
            intake.rename(parsed.key().unwrap_or(address));
        }
        Ok(())
    }
}

/// One event; fields that it may have beside these say nothing to a replay.
#[derive(Deserialize)]
struct Element {
    at: String,
    kind: String,
    #[serde(default)]
    protocol: Option<Protocol>,
    #[serde(default)]
    by: Option<Actor>,
    #[serde(default)]
    reason: Option<String>,
    #[serde(default)]
    from: Option<IpAddr>,
    #[serde(default)]
    detail: Value,
}

impl Element {
    fn row(&self) -> Result<Row, String> {
        // As `standing::apply` counts them.
        let counts = !matches!(self.kind.as_str(), "checkpoint" | "letter" | "letter-refused" | "notice");
        Ok(Row { at: time(&self.at)?, counts, says: self.says()? })
    }

    fn says(&self) -> Result<Says, String> {
        let staff = matches!(self.by, Some(Actor::User | Actor::Operator));
        let by_operator = self.by == Some(Actor::Operator);
        let one = |act| Ok(Says::Inputs(vec![act]));
        match self.kind.as_str() {
            "access-requested" => one(self.switch(Change::On { now: false })?),
            "access-opened" if by_operator => one(self.switch(Change::On { now: true })?),
            // A closing with a reason of its own follows from something else.
            "access-closed" if staff && matches!(self.reason.as_deref(), None | Some("operator")) => {
                one(self.switch(Change::Off)?)
            }
            "access-blocked" if staff => one(self.switch(Change::Block)?),
            "access-unblocked" if staff => one(self.switch(Change::Unblock)?),
            "sending-locked" if by_operator => one(Act::Lock { until: time_in(&self.detail, "until")? }),
            "sending-unlocked" if by_operator => one(Act::Unlock),
            "login" => one(Act::Login { protocol: self.protocol, from: self.from, refused: None }),
            "login-refused" => {
                let reason = self.reason.as_deref().unwrap_or_default();
                let refused = LoginRefusal::parse(reason).ok_or_else(|| self.unknown_reason())?;
                let protocol = Some(self.gate()?);
                one(Act::Login { protocol, from: self.from, refused: Some(refused) })
            }
            "letter" => one(Act::Letter { recipients: self.recipients()?, signals: self.signals()? }),
            "letter-refused" => one(match self.reason.as_deref().and_then(LetterRefusal::parse) {
                Some(LetterRefusal::UnknownRecipient) => Act::UnknownRecipient { signals: self.signals()? },
                // Its signs were of the refusal, not of the letter.
                Some(_) => Act::Letter { recipients: 1, signals: Box::default() },
                None => return Err(self.unknown_reason()),
            }),
            "status" if by_operator => one(Act::Status(self.detail_as("status")?)),
            "plan" => one(Act::Plan(self.detail_as::<Box<str>>("plan")?)),
            "password" => one(Act::Password),
            "reported" => one(Act::Report),
            "checkpoint" if self.detail.get("access").is_some() => {
                let stood = Checkpoint::deserialize(&self.detail);
                let stood = stood.map_err(|error| format!("its detail is no checkpoint: {error}"))?;
                Ok(Says::Start(Box::new(stood.standing()?)))
            }
            // What the timer and the rules did follows from the rest, or would not have happened.
            "access-opened" | "access-closed" | "access-blocked" | "access-unblocked" | "sending-locked"
            | "sending-unlocked" | "status" | "warned" | "notice" | "checkpoint" | "setting" => {
                Ok(Says::Nothing)
            }
            other => Err(format!("{other:?} is no kind of event")),
        }
    }

    fn gate(&self) -> Result<Protocol, String> {
        self.protocol.ok_or_else(|| format!("{} names no protocol", self.kind))
    }

    fn switch(&self, change: Change) -> Result<Act, String> {
        let by = self.by.unwrap_or(Actor::User);
        Ok(Act::Switch { protocol: self.gate()?, change, by })
    }

    fn unknown_reason(&self) -> String {
        format!("{} has the unknown reason {:?}", self.kind, self.reason.as_deref().unwrap_or_default())
    }

    fn detail_as<T: serde::de::DeserializeOwned>(&self, name: &str) -> Result<T, String> {
        let value = self.detail.get(name).cloned().unwrap_or_default();
        serde_json::from_value(value).map_err(|error| format!("its detail has no good {name:?}: {error}"))
    }

    fn recipients(&self) -> Result<u32, String> {
        if self.detail.get("recipients").is_some() { self.detail_as("recipients") } else { Ok(1) }
    }

    fn signals(&self) -> Result<Box<[(Signal, u32)]>, String> {
        let Some(signals) = self.detail.get("signals").and_then(Value::as_object) else {
            return Ok(Box::default());
        };
        let signal = |(name, count): (&String, &Value)| {
            let signal = Signal::parse(name).ok_or_else(|| format!("{name:?} is no signal"))?;
            let count = count.as_u64().and_then(|count| u32::try_from(count).ok());
            Ok((signal, count.ok_or_else(|| format!("the signal {name:?} has no good count"))?))
        };
        signals.iter().map(signal).collect()
    }
}

fn time(text: &str) -> Result<Timestamp, String> {
    Timestamp::parse_rfc3339(text).ok_or_else(|| format!("{text:?} is not a time"))
}

fn time_in(detail: &Value, name: &str) -> Result<Option<Timestamp>, String> {
    detail.get(name).and_then(Value::as_str).map(time).transpose()
}

/// How an account stood, as the event `checkpoint` says it.
#[derive(Deserialize)]
struct Checkpoint {
    status: Status,
    plan: String,
    created: String,
    #[serde(default)]
    events: u32,
    access: Gates,
    sending: Lock,
    #[serde(default)]
    last: Last,
}

#[derive(Deserialize)]
struct Gates {
    pop3: GateRow,
    imap: GateRow,
    smtp: GateRow,
}

#[derive(Deserialize)]
struct GateRow {
    state: String,
    since: String,
    #[serde(default)]
    opens_at: Option<String>,
    #[serde(default)]
    reason: Option<String>,
    by: Actor,
}

#[derive(Deserialize)]
struct Lock {
    locked: bool,
    #[serde(default)]
    since: Option<String>,
    #[serde(default)]
    by: Option<Actor>,
    #[serde(default)]
    reason: Option<String>,
    #[serde(default)]
    until: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Last {
    login: Option<String>,
    pop3: Option<String>,
    imap: Option<String>,
    smtp: Option<String>,
    web: Option<String>,
}

impl Checkpoint {
    fn standing(self) -> Result<Standing, String> {
        let created = time(&self.created)?;
        let mut access = access::all_off(created);
        access.pop3 = self.access.pop3.gate()?;
        access.imap = self.access.imap.gate()?;
        access.smtp = self.access.smtp.gate()?;
        let theft = [&access.pop3, &access.imap, &access.smtp]
            .into_iter()
            .filter(|gate| gate.state == GateState::Off && gate.reason == Some(Reason::Theft))
            .map(|gate| gate.since)
            .max();
        access.theft = theft;
        let lock = self.sending.lock(created)?;
        let at = |text: &Option<String>| text.as_deref().map(time).transpose();
        let activity = Activity {
            login: at(&self.last.login)?,
            pop3: at(&self.last.pop3)?,
            imap: at(&self.last.imap)?,
            smtp: at(&self.last.smtp)?,
            web: at(&self.last.web)?,
            events: self.events,
            ..Activity::default()
        };
        Ok(Standing { status: self.status, plan: self.plan, created, access, lock, activity })
    }
}

impl GateRow {
    fn gate(&self) -> Result<Gate, String> {
        let state = match (self.state.as_str(), &self.opens_at) {
            ("off", _) => GateState::Off,
            ("on", _) => GateState::On,
            ("blocked", _) => GateState::Blocked,
            ("pending", Some(opens_at)) => GateState::Pending { opens_at: time(opens_at)? },
            (other, _) => return Err(format!("{other:?} is no state of a gate")),
        };
        let reason = self.reason.as_deref().and_then(Reason::parse);
        Ok(Gate { state, since: time(&self.since)?, by: self.by, reason, text: None })
    }
}

impl Lock {
    fn lock(&self, created: Timestamp) -> Result<Option<SendingLock>, String> {
        if !self.locked {
            return Ok(None);
        }
        let at = |text: &Option<String>| text.as_deref().map(time).transpose();
        Ok(Some(SendingLock {
            since: at(&self.since)?.unwrap_or(created),
            by: self.by.unwrap_or(Actor::Operator),
            until: at(&self.until)?,
            reason: self.reason.as_deref().and_then(Reason::parse).unwrap_or(Reason::Operator),
            text: None,
            evidence: Vec::new(),
        }))
    }
}
