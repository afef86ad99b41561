//! The seal on a letter that is forwarded (RFC 8617): what was found when it came, vouched for by us, so that the next
//! server can go by it although forwarding broke SPF, and changes broke signatures.

use std::fmt;

use mail_auth::arc::ArcSealer;
use mail_auth::common::headers::HeaderWriter as _;
use mail_auth::{ArcOutput, AuthenticatedMessage, AuthenticationResults, DkimResult};
use postern_model::Domain;

use super::signer::{Ready, covered, end_of_text};

/// Seals for one domain. Cheap to clone, and free to go to a thread that has time.
#[derive(Clone)]
pub struct ArcSeal {
    domain: Domain,
    ready: Ready,
}

impl fmt::Debug for ArcSeal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ArcSeal({})", self.domain)
    }
}

impl ArcSeal {
    pub(super) fn new(domain: Domain, ready: Ready) -> ArcSeal {
        ArcSeal { domain, ready }
    }

    /// The three fields of the next ARC set, to be put on top of `letter`: `results` are what was found of it, `chain`
    /// what its own ARC sets came to. Blocks for as long as two RSA signatures take.
    ///
    /// Empty where no seal would be believed: on a chain that is ended (RFC 8617 §5.1), that is no chain, or of which
    /// nobody could say now whether it holds.
    ///
    /// # Errors
    /// Why it can't be sealed, in a line for the log.
    pub fn seal(
        &self,
        letter: &AuthenticatedMessage<'_>,
        results: &AuthenticationResults<'_>,
        chain: &ArcOutput<'_>,
    ) -> Result<Vec<u8>, String> {
        let believable = match chain.result() {
            DkimResult::None => chain.sets().is_empty(),
            DkimResult::TempError(_) => false,
            DkimResult::Pass | DkimResult::Fail(_) | DkimResult::Neutral(_) | DkimResult::PermError(_) => {
                !chain.sets().is_empty() && chain.sets().len() < LONGEST
            }
        };
        if !believable || !chain.can_be_sealed() {
            return Ok(Vec::new());
        }
        let (octets, end) = (letter.raw_message(), end_of_text(letter.raw_message()));
        let shorter = (end < octets.len()).then(|| AuthenticatedMessage::parse(&octets[..end])).flatten();
        let letter = shorter.as_ref().unwrap_or(letter);
        let sealer = ArcSealer::from_key(self.ready.key.clone())
            .domain(self.domain.as_str())
            .selector(self.ready.selector.as_str())
            .headers(covered().chain(["DKIM-Signature"]));
        let set = sealer.seal(letter, results, chain).map_err(|error| error.to_string())?;
        Ok(set.to_header().into_bytes())
    }
}

/// Sets that a chain may have (RFC 8617 §4.2.1).
const LONGEST: usize = 50;
