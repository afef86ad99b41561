//! Logging in at a relay (RFC 4954): SCRAM-SHA-256 where it is offered (RFC 5802, 7677), else PLAIN, else LOGIN. Pure: the
//! exchange is handed the server's challenges and says what to answer.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

/// RFC 7677 §4.
const FEWEST_ITERATIONS: u32 = 4_096;
/// More would keep a thread busy for long.
const MOST_ITERATIONS: u32 = 2_000_000;

/// Who logs in.
#[derive(Clone, PartialEq, Eq)]
pub struct Login {
    /// The user's name.
    pub user: String,
    /// The password; wiped when dropped.
    pub password: Zeroizing<String>,
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Login").field("user", &self.user).finish_non_exhaustive()
    }
}

/// An exchange under way.
pub(super) enum Exchange {
    Plain,
    LoginUser,
    LoginPassword,
    ScramFirst { nonce: String },
    ScramFinal { signature: [u8; 32] },
    Over,
}

impl Exchange {
    /// Picks the strongest mechanism that both sides know, and its name; `None` where there is none.
    pub(super) fn pick(offered: &[String]) -> Option<(&'static str, Exchange)> {
        let has = |name: &str| offered.iter().any(|offer| offer == name);
        if has("SCRAM-SHA-256") {
            let mut bytes = [0; 18];
            getrandom::fill(&mut bytes).ok()?;
            return Some(("SCRAM-SHA-256", Exchange::ScramFirst { nonce: STANDARD.encode(bytes) }));
        }
        if has("PLAIN") {
            return Some(("PLAIN", Exchange::Plain));
        }
        has("LOGIN").then_some(("LOGIN", Exchange::LoginUser))
    }

    /// What goes along with AUTH (RFC 4954 §4), in base64; `None` where the server speaks first.
    pub(super) fn initial(&self, login: &Login) -> Option<Zeroizing<String>> {
        match self {
            Exchange::Plain => {
                let text = Zeroizing::new(format!("\0{}\0{}", login.user, &*login.password));
                Some(Zeroizing::new(STANDARD.encode(text.as_bytes())))
            }
            Exchange::ScramFirst { nonce } => {
                Some(Zeroizing::new(STANDARD.encode(format!("n,,{}", first_bare(login, nonce)))))
            }
            _ => None,
        }
    }

    /// The answer to a challenge, both in base64. May take long: SCRAM costs thousands of hashes.
    pub(super) fn respond(
        &mut self,
        login: &Login,
        challenge: &str,
    ) -> Result<Zeroizing<String>, &'static str> {
        let encoded = |text: &str| Ok(Zeroizing::new(STANDARD.encode(text)));
        match std::mem::replace(self, Exchange::Over) {
            Exchange::LoginUser => {
                *self = Exchange::LoginPassword;
                encoded(&login.user)
            }
            Exchange::LoginPassword => encoded(&login.password),
            Exchange::ScramFirst { nonce } => {
                let challenge = decoded(challenge)?;
                let (answer, signature) = scram_final(login, &nonce, &challenge)?;
                *self = Exchange::ScramFinal { signature };
                encoded(&answer)
            }
            Exchange::ScramFinal { signature } => {
                verify(&signature, &decoded(challenge)?)?;
                encoded("")
            }
            Exchange::Plain | Exchange::Over => Err("the server asks for more than its mechanism has"),
        }
    }

    /// Whether the server may say that the login is done: with SCRAM it has to prove first that it knows the password.
    /// `text` is what it said along with that (RFC 4954 has nothing there; some send the proof so).
    pub(super) fn may_end(&self, text: &str) -> bool {
        match self {
            Exchange::Plain | Exchange::Over => true,
            Exchange::ScramFinal { signature } => {
                text.split(' ').any(|word| decoded(word).is_ok_and(|said| verify(signature, &said).is_ok()))
            }
            _ => false,
        }
    }
}

fn decoded(challenge: &str) -> Result<String, &'static str> {
    let octets = STANDARD.decode(challenge).map_err(|_| "the server's challenge is not base64")?;
    String::from_utf8(octets).map_err(|_| "the server's challenge is not UTF-8")
}

fn first_bare(login: &Login, nonce: &str) -> String {
    format!("n={},r={nonce}", login.user.replace('=', "=3D").replace(',', "=2C"))
}

/// RFC 5802 §3: the proof, and the signature by which the server proves itself.
fn scram_final(login: &Login, nonce: &str, challenge: &str) -> Result<(String, [u8; 32]), &'static str> {
    let mut attributes = challenge.split(',');
    let mut next = |name: &str| attributes.next().and_then(|attribute| attribute.strip_prefix(name));
    let (Some(both), Some(salt), Some(iterations)) = (next("r="), next("s="), next("i=")) else {
        return Err("the server's SCRAM challenge can't be read");
    };
    if !both.starts_with(nonce) || both.len() == nonce.len() {
        return Err("the server's SCRAM nonce is not built on ours");
    }
    let salt = STANDARD.decode(salt).map_err(|_| "the server's SCRAM salt is not base64")?;
    let iterations = iterations
        .parse()
        .ok()
        .filter(|count| (FEWEST_ITERATIONS..=MOST_ITERATIONS).contains(count))
        .ok_or("the server wants too few or too many SCRAM iterations")?;
    let password =
        stringprep::saslprep(&login.password).map_err(|_| "the password can't be used with SCRAM")?;
    let mut salted = Zeroizing::new([0; 32]);
    pbkdf2::pbkdf2_hmac::<Sha256>(password.as_bytes(), &salt, iterations, &mut *salted);
    let without_proof = format!("c=biws,r={both}");
    let message = format!("{},{challenge},{without_proof}", first_bare(login, nonce));
    let client_key = hmac(&salted, b"Client Key");
    let stored_key: [u8; 32] = Sha256::digest(client_key).into();
    let mut proof = hmac(&stored_key, message.as_bytes());
    for (octet, key) in proof.iter_mut().zip(client_key) {
        *octet ^= key;
    }
    let server_key = hmac(&salted, b"Server Key");
    Ok((format!("{without_proof},p={}", STANDARD.encode(proof)), hmac(&server_key, message.as_bytes())))
}

fn verify(signature: &[u8; 32], said: &str) -> Result<(), &'static str> {
    let given = said.strip_prefix("v=").and_then(|text| STANDARD.decode(text).ok());
    let is_right = given.is_some_and(|given| given.ct_eq(signature).into());
    if is_right {
        Ok(())
    } else {
        Err("the server does not know the password: it is not the one it should be")
    }
}

fn hmac(key: &[u8; 32], message: &[u8]) -> [u8; 32] {
    let mut block = [0; 64];
    block[..32].copy_from_slice(key);
    let mut mac = Hmac::<Sha256>::new(&block.into());
    mac.update(message);
    mac.finalize().into_bytes().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn login() -> Login {
        Login { user: "user".into(), password: Zeroizing::new("pencil".into()) }
    }

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|&name| name.to_owned()).collect()
    }

    #[test]
    fn the_strongest_mechanism_is_taken() {
        let picked = |offered: &[&str]| Exchange::pick(&names(offered)).map(|(name, _)| name);
        assert_eq!(picked(&["LOGIN", "PLAIN", "SCRAM-SHA-256"]), Some("SCRAM-SHA-256"));
        assert_eq!(picked(&["LOGIN", "PLAIN", "CRAM-MD5"]), Some("PLAIN"));
        assert_eq!(picked(&["LOGIN"]), Some("LOGIN"));
        assert_eq!(picked(&["GSSAPI", "SCRAM-SHA-1"]), None);
    }

    /// RFC 7677 §3.
    #[test]
    fn scram_as_the_rfc_has_it() {
        let mut exchange = Exchange::ScramFirst { nonce: "rOprNGfwEbeRWgbNEkqO".into() };
        let initial = exchange.initial(&login()).expect("an initial response");
        assert_eq!(decoded(&initial), Ok("n,,n=user,r=rOprNGfwEbeRWgbNEkqO".into()));
        let challenge =
            "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096";
        let answer = exchange.respond(&login(), &STANDARD.encode(challenge)).expect("an answer");
        assert_eq!(
            decoded(&answer).expect("text"),
            "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
        );
        assert!(!exchange.may_end("2.7.0 done"));
        let proof = STANDARD.encode("v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=");
        assert!(exchange.may_end(&proof));
        assert_eq!(exchange.respond(&login(), &proof).as_deref().map(String::as_str), Ok(""));
        assert!(exchange.may_end("2.7.0 done"));
    }

    #[test]
    fn a_server_that_cheats_gets_nothing() {
        for challenge in [
            "r=other,s=W22Z,i=4096",
            "r=abc,s=W22Z,i=4096",
            "r=abcdef,s=W22Z,i=1",
            "r=abcdef,s=W22Z,i=4000000000",
            "r=abcdef,s=!,i=4096",
            "m=x,r=abcdef,s=W22Z,i=4096",
            "",
        ] {
            let mut exchange = Exchange::ScramFirst { nonce: "abc".into() };
            assert!(exchange.respond(&login(), &STANDARD.encode(challenge)).is_err(), "{challenge}");
        }
        let mut exchange = Exchange::ScramFinal { signature: [0; 32] };
        assert!(exchange.respond(&login(), &STANDARD.encode("v=AAAA")).is_err());
        assert!(Exchange::Plain.respond(&login(), "").is_err());
    }

    #[test]
    fn login_asks_twice() {
        let mut exchange = Exchange::LoginUser;
        assert!(exchange.initial(&login()).is_none() && !exchange.may_end(""));
        assert_eq!(exchange.respond(&login(), "VXNlcm5hbWU6").as_deref().map(String::as_str), Ok("dXNlcg=="));
        assert_eq!(exchange.respond(&login(), "UGFzc3dvcmQ6").as_deref().map(String::as_str), Ok("cGVuY2ls"));
        assert!(exchange.may_end("") && exchange.respond(&login(), "").is_err());
        assert!(!format!("{:?}", login()).contains("pencil"));
    }
}
