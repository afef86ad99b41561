//! What is kept of letters that came in: for the reports that domains ask for, and of clients that had to come back.

use std::net::IpAddr;

use bincode::{Decode, Encode};

use super::Record;
use crate::time::Timestamp;

/// What came in one UTC day from one domain that asks to be told (RFC 9990): its policy, and how its letters fared. It
/// goes when the last report is on its way.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct DmarcDay {
    /// What the domain had published, when a letter of it came last.
    pub policy: DmarcPolicy,
    /// Where the report goes. Addresses that have got it are taken out.
    pub addresses: Vec<DmarcAddress>,
    /// Whether `addresses` were asked whether they want it (RFC 9990 §4).
    pub verified: bool,
    /// How letters fared, each kind once.
    pub rows: Vec<DmarcRow>,
    /// Letters that found no place in `rows`.
    pub lost: u64,
}

/// A policy as it was published (RFC 9989 §4.7).
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct DmarcPolicy {
    /// `p=`
    pub domain: DmarcRequest,
    /// `sp=`
    pub subdomains: DmarcRequest,
    /// `np=`
    pub missing: DmarcRequest,
    /// `adkim=s`
    pub strict_dkim: bool,
    /// `aspf=s`
    pub strict_spf: bool,
    /// `t=y`
    pub testing: bool,
}

/// What a domain wants done with letters that are not its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub enum DmarcRequest {
    /// It does not say.
    Unspecified,
    /// Nothing.
    None,
    /// They are to be kept apart.
    Quarantine,
    /// They are to be refused.
    Reject,
}

/// Where a report goes.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct DmarcAddress {
    /// The address.
    pub address: String,
    /// The octets that a report may have; 0 where nothing is said.
    pub limit: u64,
}

/// Letters that fared the same way.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct DmarcRow {
    /// How many.
    pub count: u64,
    /// Where they came from.
    pub source: IpAddr,
    /// What was done with them.
    pub action: DmarcAction,
    /// An aligned DKIM signature was good.
    pub dkim: bool,
    /// The aligned reverse path was good.
    pub spf: bool,
    /// Why something else was done than the policy says, in words.
    pub instead: Option<String>,
    /// The author's domain.
    pub header_from: String,
    /// The reverse path's domain.
    pub envelope_from: String,
    /// All signatures: domain, selector, result.
    pub signatures: Vec<(String, String, AuthResult)>,
    /// The domain that SPF looked at, and its result.
    pub path: (String, AuthResult),
}

/// What was done with a letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub enum DmarcAction {
    /// It passed.
    Pass,
    /// Nothing, though it did not pass.
    None,
    /// It went to Junk.
    Quarantine,
    /// It was refused.
    Reject,
}

/// The result of SPF or of a DKIM signature (RFC 8601 §2.7).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub enum AuthResult {
    /// There was nothing to check.
    None,
    /// `pass`
    Pass,
    /// `fail`
    Fail,
    /// `softfail`
    SoftFail,
    /// `neutral`
    Neutral,
    /// `temperror`
    TempError,
    /// `permerror`
    PermError,
}

/// A client that came for the first time, or a network that has shown to come back (`POSTERN_GREYLIST`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Greylisted {
    /// When it came first.
    pub since: Timestamp,
    /// When this is forgotten.
    pub until: Timestamp,
}

record! {
    DmarcDay = 1;
    Greylisted = 1;
}
