//! Why the DNS has nothing to say.

use hickory_resolver::net::{DnsError, NetError, NoRecords};
use hickory_resolver::proto::dnssec::Proof;
use hickory_resolver::proto::op::ResponseCode;
use hickory_resolver::proto::rr::Record;

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Lack {
    /// There is no such name (NXDOMAIN).
    #[error("there is no such name")]
    NoName,
    /// The name is there, and has no such records.
    #[error("there is no such record")]
    NoData {
        /// Whether that is signed.
        secure: bool,
    },
    /// The signatures are wrong, or missing where they must be.
    #[error("the signatures are wrong (DNSSEC)")]
    Bogus,
    /// Nobody could say.
    #[error("{0}")]
    Temporary(String),
}

impl Lack {
    /// Whether it may be otherwise when it is asked again.
    pub fn is_temporary(&self) -> bool {
        matches!(self, Lack::Bogus | Lack::Temporary(_))
    }
}

impl From<NetError> for Lack {
    fn from(error: NetError) -> Lack {
        match error {
            NetError::Dns(DnsError::DnssecBogus) => Lack::Bogus,
            NetError::Dns(DnsError::Nsec { proof: Proof::Bogus, .. }) => Lack::Bogus,
            NetError::Dns(DnsError::Nsec { response, proof: Proof::Insecure, .. }) => {
                none(response.response_code, false)
            }
            NetError::Dns(DnsError::NoRecordsFound(NoRecords { response_code, authorities, .. })) => {
                let signed = |records: &[_]| records.iter().all(|r: &Record| r.proof.is_secure());
                let secure = authorities.is_some_and(|found| !found.is_empty() && signed(&found));
                none(response_code, secure)
            }
            NetError::Timeout => Lack::Temporary("the resolver does not answer".to_owned()),
            NetError::Dns(DnsError::ResponseCode(code)) => {
                Lack::Temporary(format!("the resolver says: {code}"))
            }
            error => Lack::Temporary(format!("the resolver can't be asked: {error}")),
        }
    }
}

fn none(code: ResponseCode, secure: bool) -> Lack {
    match code {
        ResponseCode::NXDomain => Lack::NoName,
        ResponseCode::NoError => Lack::NoData { secure },
        code => Lack::Temporary(format!("the resolver says: {code}")),
    }
}
