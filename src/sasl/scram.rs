//! SCRAM-SHA-256 and SCRAM-SHA-256-PLUS, the server's side (RFC 5802, 7677, 9266).
//!
//! ```text
//! client-first ──► NeedKeys ──► server-first ──► client-final ──► server-final ──► (empty) ──► Done
//!                                                     └─ wrong proof ──────────────────────────► Done
//! ```
//! All of an account's passwords share one salt, so a proof is tried against the keys of each (SPEC I3). A client whose
//! proof or channel binding is wrong learns nothing but that.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use postern_actors::order::{CredentialRef, Proof, ScramCandidates};
use postern_model::record::ScramKeys;
use sha2::{Digest as _, Sha256};
use subtle::{Choice, ConstantTimeEq as _};

use super::{NOT_SELF, Next, is_self};

/// Longest message of a client that is looked at.
const MAX_MESSAGE: usize = 4096;
/// Longest nonce of a client that is repeated to it.
const MAX_NONCE: usize = 512;

pub(super) const NO_NONCE: &str = "the server has no random numbers at hand; try again";

/// The server's half of the nonce: 144 random bits, printable. `None` where the system gives none.
pub(super) fn nonce() -> Option<String> {
    let mut bytes = [0; 18];
    getrandom::fill(&mut bytes).ok()?;
    Some(STANDARD.encode(bytes))
}

/// One exchange's state.
pub(super) struct Server {
    plus: bool,
    exporter: Option<[u8; 32]>,
    nonce: String,
    state: State,
}

enum State {
    First,
    Keys(ClientFirst),
    Final { first: ClientFirst, server_first: String, candidates: ScramCandidates },
    Acknowledge { user: String, matched: CredentialRef },
    Over,
}

struct ClientFirst {
    /// The gs2-header, as it must come back in `c=`.
    gs2_header: String,
    /// What the signatures cover.
    bare: String,
    user: String,
    nonce: String,
}

impl Server {
    /// `exporter` is the connection's channel binding; `nonce` the server's half of the nonce.
    pub(super) fn new(plus: bool, exporter: Option<[u8; 32]>, nonce: String) -> Server {
        Server { plus, exporter, nonce, state: State::First }
    }

    pub(super) fn respond(&mut self, response: &[u8]) -> Next {
        if response.len() > MAX_MESSAGE {
            return Next::Malformed("the SCRAM message is too long");
        }
        let Ok(message) = std::str::from_utf8(response) else {
            return Next::Malformed("the SCRAM message is not UTF-8");
        };
        match std::mem::replace(&mut self.state, State::Over) {
            State::First => match self.client_first(message) {
                Ok(first) => {
                    let user = first.user.clone();
                    self.state = State::Keys(first);
                    Next::NeedKeys { user }
                }
                Err(why) => Next::Malformed(why),
            },
            State::Final { first, server_first, candidates } => {
                self.client_final(message, first, &server_first, &candidates)
            }
            State::Acknowledge { user, matched } if message.is_empty() => {
                Next::Done(Proof::Scram { user, matched: Some(matched) })
            }
            State::Acknowledge { .. } => Next::Malformed("something came behind the end of SCRAM"),
            State::Keys(_) | State::Over => Next::Malformed("a SCRAM message came out of turn"),
        }
    }

    /// Says server-first: `r=nonce,s=salt,i=iterations`.
    pub(super) fn keys(&mut self, candidates: ScramCandidates) -> Next {
        let State::Keys(first) = std::mem::replace(&mut self.state, State::Over) else {
            return Next::Malformed("the exchange needs no keys");
        };
        let server_first = format!(
            "r={}{},s={},i={}",
            first.nonce,
            self.nonce,
            STANDARD.encode(&candidates.salt),
            candidates.iterations
        );
        let challenge = server_first.clone().into_bytes();
        self.state = State::Final { first, server_first, candidates };
        Next::Challenge(challenge)
    }

    /// RFC 5802 §7: `gs2-cbind-flag "," [authzid] "," [m=…,] n=saslname,r=nonce[,extensions]`.
    fn client_first(&self, message: &str) -> Result<ClientFirst, &'static str> {
        let mut parts = message.splitn(3, ',');
        let (Some(flag), Some(authzid), Some(bare)) = (parts.next(), parts.next(), parts.next()) else {
            return Err("client-first-message is incomplete");
        };
        self.check_binding_flag(flag)?;
        let mut attributes = bare.split(',');
        let name = match attributes.next() {
            Some(extension) if extension.starts_with("m=") => {
                return Err("a mandatory extension is not supported (extensions-not-supported)");
            }
            Some(attribute) => attribute.strip_prefix("n=").ok_or("the user name is missing")?,
            None => return Err("the user name is missing"),
        };
        let user = saslname(name).ok_or("the user name is empty or badly encoded")?;
        let authzid = match authzid.strip_prefix("a=") {
            Some(encoded) => saslname(encoded).ok_or("the authorization identity is badly encoded")?,
            None if authzid.is_empty() => String::new(),
            None => return Err("client-first-message has a bad gs2-header"),
        };
        if !is_self(&authzid, &user) {
            return Err(NOT_SELF);
        }
        let nonce = attributes.next().and_then(|a| a.strip_prefix("r=")).ok_or("the nonce is missing")?;
        if nonce.is_empty() || nonce.len() > MAX_NONCE || !nonce.bytes().all(|b| b.is_ascii_graphic()) {
            return Err("the nonce is empty, too long or not printable");
        }
        let gs2_header = message[..message.len() - bare.len()].to_owned();
        Ok(ClientFirst { gs2_header, bare: bare.to_owned(), user, nonce: nonce.to_owned() })
    }

    /// RFC 5802 §6: what the client says of channel binding must fit what was announced to it.
    fn check_binding_flag(&self, flag: &str) -> Result<(), &'static str> {
        match (flag, self.plus) {
            ("p=tls-exporter", true) if self.exporter.is_some() => Ok(()),
            (flag, true) if flag.starts_with("p=") => {
                Err("the channel binding type is not supported (unsupported-channel-binding-type)")
            }
            (_, true) => Err("SCRAM-SHA-256-PLUS needs p=tls-exporter"),
            ("n", false) => Ok(()),
            // The client would have bound the channel had it seen PLUS announced: somebody took it out on the way.
            ("y", false) if self.exporter.is_some() => {
                Err("SCRAM-SHA-256-PLUS was announced (server-does-support-channel-binding)")
            }
            ("y", false) => Ok(()),
            (flag, false) if flag.starts_with("p=") => {
                Err("channel binding needs SCRAM-SHA-256-PLUS (channel-binding-not-supported)")
            }
            _ => Err("client-first-message has a bad channel binding flag"),
        }
    }

    /// RFC 5802 §7: `c=base64,r=nonce[,extensions],p=base64`.
    fn client_final(
        &mut self,
        message: &str,
        first: ClientFirst,
        server_first: &str,
        candidates: &ScramCandidates,
    ) -> Next {
        let Some((without_proof, proof)) = message.rsplit_once(",p=") else {
            return Next::Malformed("the proof is missing");
        };
        let Some(proof) = decode_exact::<32>(proof) else {
            return Next::Malformed("the proof is not 32 octets in base64");
        };
        let mut attributes = without_proof.split(',');
        let Some(binding) = attributes.next().and_then(|a| a.strip_prefix("c=")) else {
            return Next::Malformed("the channel binding is missing");
        };
        let Some(nonce) = attributes.next().and_then(|a| a.strip_prefix("r=")) else {
            return Next::Malformed("the nonce is missing");
        };
        let genuine = self.is_bound(binding, &first.gs2_header) && self.is_our_nonce(nonce, &first.nonce);
        let auth_message = format!("{},{server_first},{without_proof}", first.bare);
        match find_match(&auth_message, &proof, candidates) {
            Some((matched, signature)) if genuine => {
                self.state = State::Acknowledge { user: first.user, matched };
                Next::Challenge(format!("v={}", STANDARD.encode(signature)).into_bytes())
            }
            _ => Next::Done(Proof::Scram { user: first.user, matched: None }),
        }
    }

    /// Whether `c=` holds the gs2-header as it came and this connection's binding behind it.
    fn is_bound(&self, encoded: &str, gs2_header: &str) -> bool {
        let mut expected = gs2_header.as_bytes().to_vec();
        if let (true, Some(exporter)) = (self.plus, &self.exporter) {
            expected.extend_from_slice(exporter);
        }
        STANDARD.decode(encoded).is_ok_and(|given| given.ct_eq(&expected).into())
    }

    fn is_our_nonce(&self, given: &str, client: &str) -> bool {
        given.strip_prefix(client).is_some_and(|server| server == self.nonce)
    }
}

/// Tries the proof against each password's keys; every key costs the same, whether it fits or not.
fn find_match(
    auth_message: &str,
    proof: &[u8; 32],
    candidates: &ScramCandidates,
) -> Option<(CredentialRef, [u8; 32])> {
    let mut found = None;
    for (credential, keys) in &candidates.keys {
        let same_cost = Choice::from(u8::from(keys.iterations == candidates.iterations));
        let fits = proof_fits(auth_message, proof, keys) & same_cost;
        let signature = hmac(&keys.server_key, auth_message.as_bytes());
        if bool::from(fits) && found.is_none() {
            found = Some((*credential, signature));
        }
    }
    found
}

/// RFC 5802 §3: `H(ClientProof XOR HMAC(StoredKey, AuthMessage)) == StoredKey`.
fn proof_fits(auth_message: &str, proof: &[u8; 32], keys: &ScramKeys) -> Choice {
    let mut client_key = hmac(&keys.stored_key, auth_message.as_bytes());
    for (byte, proven) in client_key.iter_mut().zip(proof) {
        *byte ^= proven;
    }
    <[u8; 32]>::from(Sha256::digest(client_key)).ct_eq(&keys.stored_key)
}

fn hmac(key: &[u8; 32], message: &[u8]) -> [u8; 32] {
    // A key shorter than SHA-256's block is padded with zeros (RFC 2104 §2).
    let mut block = [0; 64];
    block[..32].copy_from_slice(key);
    let mut mac = Hmac::<Sha256>::new(&block.into());
    mac.update(message);
    mac.finalize().into_bytes().into()
}

fn decode_exact<const N: usize>(encoded: &str) -> Option<[u8; N]> {
    STANDARD.decode(encoded).ok()?.try_into().ok()
}

/// RFC 5802 §5.1: `=2C` is a comma, `=3D` an equals sign, and no other `=` may stand there.
fn saslname(encoded: &str) -> Option<String> {
    let mut name = String::with_capacity(encoded.len());
    let mut rest = encoded;
    while let Some((before, after)) = rest.split_once('=') {
        name.push_str(before);
        name.push(match after.get(..2)? {
            "2C" => ',',
            "3D" => '=',
            _ => return None,
        });
        rest = &after[2..];
    }
    name.push_str(rest);
    (!name.is_empty() && !name.contains('\0')).then_some(name)
}
