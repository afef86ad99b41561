//! Records that are asked instead of the net.

use std::collections::HashMap;

use hickory_resolver::proto::dnssec::Proof;
use hickory_resolver::proto::rr::{Name, Record, RecordType};
use hickory_resolver::proto::serialize::txt::{ParseError, Parser};

use super::{Answer, Lack};

/// Records by name: what a resolver would say.
#[derive(Clone, Debug, Default)]
pub struct Zone {
    records: Vec<Record>,
    /// Questions that nobody can answer.
    broken: HashMap<(Name, RecordType), Lack>,
}

impl Zone {
    /// Reads lines of a zone file (RFC 1035 §5), like `b.test. MX 10 mx.b.test.`: those that are signed, and those that
    /// are not.
    ///
    /// # Errors
    /// What is wrong with them.
    pub fn parse(signed: &str, unsigned: &str) -> Result<Zone, ParseError> {
        let mut records = Vec::new();
        for (text, proof) in [(signed, Proof::Secure), (unsigned, Proof::Insecure)] {
            let (_, sets) = Parser::new(format!("$TTL 60\n{text}\n"), None, Some(Name::root())).parse()?;
            let sets = sets.into_values().flat_map(|set| set.into_iter());
            records.extend(sets.map(|mut record: Record| {
                record.proof = proof;
                record
            }));
        }
        Ok(Zone { records, broken: HashMap::new() })
    }

    /// Lets a question fail.
    #[must_use]
    pub fn broken(mut self, name: &str, kind: RecordType, lack: Lack) -> Zone {
        if let Ok(mut name) = Name::from_ascii(name) {
            name.set_fqdn(true);
            self.broken.insert((name, kind), lack);
        }
        self
    }

    pub(super) fn answer(&self, name: &Name, kind: RecordType) -> Result<Answer, Lack> {
        if let Some(lack) = self.broken.get(&(name.to_lowercase(), kind)) {
            return Err(lack.clone());
        }
        if !self.records.iter().any(|record| name.zone_of(&record.name)) {
            return Err(Lack::NoName);
        }
        Answer::pick(name, kind, &self.records, true)
    }
}
