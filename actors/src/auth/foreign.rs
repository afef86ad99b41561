//! Password hashes as other systems write them, verified until the first correct login replaces them (SPEC I6).
//!
//! | written as | from |
//! |---|---|
//! | `$argon2id$`, `$argon2i$`, `{ARGON2ID}…`, `{ARGON2I}…` | PHC strings with any parameters within bounds |
//! | `$6$`, `$5$`, `{CRYPT}…`, `{SHA512-CRYPT}…`, `{SHA256-CRYPT}…` | crypt(3) |
//! | `$2a$`, `$2b$`, `$2y$`, `{BLF-CRYPT}…` | bcrypt |
//! | `{SHA}`, `{SSHA}`, `{SHA256}`, `{SSHA256}`, `{SHA512}`, `{SSHA512}` | LDAP and Dovecot: base64, or hexadecimal with `.HEX` |
//! | `$pbkdf2$`, `$pbkdf2-sha256$`, `$pbkdf2-sha512$` | passlib |
//! | `{PBKDF2}`, `{PBKDF2-SHA256}`, `{PBKDF2-SHA512}` + `rounds$salt$hash` | passlib's LDAP spelling |
//! | `{PBKDF2}$1$salt$rounds$hex` | Dovecot |
//!
//! What a hash may cost is bounded, so that an imported one can't keep a core busy for minutes.

use argon2::Argon2;
use argon2::password_hash::PasswordVerifier as _;
use argon2::password_hash::phc::PasswordHash;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use sha_crypt::ShaCrypt;
use sha1::{Digest, Sha1};
use sha2::{Sha256, Sha512};
use subtle::ConstantTimeEq as _;

/// Most rounds of `$5$` and `$6$`: about a second.
const MAX_SHA_CRYPT_ROUNDS: u32 = 1_000_000;
/// Most iterations of PBKDF2.
const MAX_PBKDF2_ROUNDS: u32 = 2_000_000;
/// Highest cost of bcrypt: 2^14 rounds, about a second.
const MAX_BCRYPT_COST: u32 = 14;
/// Most memory of Argon2, in KiB.
const MAX_ARGON2_MEMORY: u32 = 256 * 1024;
/// Most memory times passes of Argon2, in KiB.
const MAX_ARGON2_WORK: u32 = 1024 * 1024;
/// Longest salt, in octets.
const MAX_SALT: usize = 256;

/// Why a hash can't be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnusableHash {
    /// Nothing that Postern knows looks like this.
    #[error(
        "the password hash is of no known kind: use $6$, $5$, $2b$, $argon2id$, {{SSHA}}, {{SSHA256}}, {{SSHA512}}, \
         {{PBKDF2}}, $pbkdf2-sha256$ or {{PLAIN}}"
    )]
    Unknown,
    /// It begins like one, and goes on wrongly.
    #[error("the password hash is damaged: it begins well, but the rest does not fit its kind")]
    Damaged,
    /// To verify it would take too long or too much memory.
    #[error("the password hash is too dear to verify: its rounds, cost or memory are beyond the bound")]
    TooDear,
}

/// A hash, taken apart.
pub(super) enum Hash<'a> {
    Argon2(Box<PasswordHash>),
    ShaCrypt(&'a str),
    Bcrypt(&'a str),
    Salted { function: Function, digest: Vec<u8>, salt: Vec<u8> },
    Pbkdf2 { function: Function, rounds: u32, salt: Vec<u8>, digest: Vec<u8> },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Function {
    Sha1,
    Sha256,
    Sha512,
}

impl Function {
    fn length(self) -> usize {
        match self {
            Function::Sha1 => 20,
            Function::Sha256 => 32,
            Function::Sha512 => 64,
        }
    }

    fn digest(self, parts: [&[u8]; 2]) -> Vec<u8> {
        fn all<D: Digest>(parts: [&[u8]; 2]) -> Vec<u8> {
            D::new().chain_update(parts[0]).chain_update(parts[1]).finalize().to_vec()
        }
        match self {
            Function::Sha1 => all::<Sha1>(parts),
            Function::Sha256 => all::<Sha256>(parts),
            Function::Sha512 => all::<Sha512>(parts),
        }
    }
}

impl<'a> Hash<'a> {
    /// Takes a hash apart.
    ///
    /// # Errors
    /// [`UnusableHash`].
    pub(super) fn parse(text: &'a str) -> Result<Hash<'a>, UnusableHash> {
        match text.strip_prefix('{').and_then(|rest| rest.split_once('}')) {
            Some((scheme, rest)) => in_braces(&scheme.to_ascii_uppercase(), rest),
            None => modular(text),
        }
    }

    /// Whether `password` is the right one; compares in constant time.
    pub(super) fn verify(&self, password: &[u8]) -> bool {
        match self {
            Hash::Argon2(hash) => Argon2::default().verify_password(password, hash.as_ref()).is_ok(),
            Hash::ShaCrypt(hash) => ShaCrypt::default().verify_password(password, *hash).is_ok(),
            Hash::Bcrypt(hash) => bcrypt::verify(password, hash).unwrap_or(false),
            Hash::Salted { function, digest, salt } => function.digest([password, salt]).ct_eq(digest).into(),
            Hash::Pbkdf2 { function, rounds, salt, digest } => {
                let mut derived = vec![0; digest.len()];
                match function {
                    Function::Sha1 => pbkdf2::pbkdf2_hmac::<Sha1>(password, salt, *rounds, &mut derived),
                    Function::Sha256 => pbkdf2::pbkdf2_hmac::<Sha256>(password, salt, *rounds, &mut derived),
                    Function::Sha512 => pbkdf2::pbkdf2_hmac::<Sha512>(password, salt, *rounds, &mut derived),
                }
                derived.ct_eq(digest).into()
            }
        }
    }
}

/// `$kind$…`
fn modular(text: &str) -> Result<Hash<'_>, UnusableHash> {
    let (kind, rest) =
        text.strip_prefix('$').and_then(|text| text.split_once('$')).ok_or(UnusableHash::Unknown)?;
    match kind {
        "argon2id" | "argon2i" => argon2(text),
        "6" => sha_crypt(text, rest, 86),
        "5" => sha_crypt(text, rest, 43),
        "2a" | "2b" | "2y" => bcrypt(text),
        "pbkdf2" => passlib(rest, Function::Sha1),
        "pbkdf2-sha256" => passlib(rest, Function::Sha256),
        "pbkdf2-sha512" => passlib(rest, Function::Sha512),
        _ => Err(UnusableHash::Unknown),
    }
}

/// `{SCHEME}…`
fn in_braces<'a>(scheme: &str, rest: &'a str) -> Result<Hash<'a>, UnusableHash> {
    let (scheme, hexadecimal) = match scheme.split_once('.') {
        Some((scheme, "HEX")) => (scheme, true),
        Some((scheme, "B64" | "BASE64")) => (scheme, false),
        Some(_) => return Err(UnusableHash::Unknown),
        None => (scheme, false),
    };
    match scheme {
        "CRYPT" | "SHA512-CRYPT" | "SHA256-CRYPT" | "BLF-CRYPT" | "ARGON2ID" | "ARGON2I" => modular(rest),
        "SHA" | "SHA1" => digest(rest, Function::Sha1, false, hexadecimal),
        "SSHA" => digest(rest, Function::Sha1, true, hexadecimal),
        "SHA256" => digest(rest, Function::Sha256, false, hexadecimal),
        "SSHA256" => digest(rest, Function::Sha256, true, hexadecimal),
        "SHA512" => digest(rest, Function::Sha512, false, hexadecimal),
        "SSHA512" => digest(rest, Function::Sha512, true, hexadecimal),
        "PBKDF2" => match rest.strip_prefix("$1$") {
            Some(rest) => dovecot_pbkdf2(rest),
            None => passlib(rest, Function::Sha1),
        },
        "PBKDF2-SHA256" => passlib(rest, Function::Sha256),
        "PBKDF2-SHA512" => passlib(rest, Function::Sha512),
        _ => Err(UnusableHash::Unknown),
    }
}

fn argon2(text: &str) -> Result<Hash<'_>, UnusableHash> {
    let hash = PasswordHash::new(text).map_err(|_| UnusableHash::Damaged)?;
    let params = argon2::Params::try_from(&hash).map_err(|_| UnusableHash::Damaged)?;
    if hash.salt.is_none() || hash.hash.is_none() {
        return Err(UnusableHash::Damaged);
    }
    let work = params.m_cost().saturating_mul(params.t_cost());
    if params.m_cost() > MAX_ARGON2_MEMORY || work > MAX_ARGON2_WORK || params.p_cost() > 64 {
        return Err(UnusableHash::TooDear);
    }
    Ok(Hash::Argon2(Box::new(hash)))
}

/// `[rounds=N$]salt$hash` behind `$6$` or `$5$`.
fn sha_crypt<'a>(text: &'a str, rest: &str, length: usize) -> Result<Hash<'a>, UnusableHash> {
    let mut fields = rest.split('$').peekable();
    if let Some(rounds) = fields.peek().and_then(|field| field.strip_prefix("rounds=")) {
        let rounds: u32 = rounds.parse().map_err(|_| UnusableHash::Damaged)?;
        sha_crypt::Params::new(rounds).map_err(|_| UnusableHash::Damaged)?;
        if rounds > MAX_SHA_CRYPT_ROUNDS {
            return Err(UnusableHash::TooDear);
        }
        fields.next();
    }
    let (Some(salt), Some(hash), None) = (fields.next(), fields.next(), fields.next()) else {
        return Err(UnusableHash::Damaged);
    };
    let radix64 = |text: &str| text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'.' || b == b'/');
    let good = (1..=16).contains(&salt.len()) && hash.len() == length && radix64(salt) && radix64(hash);
    if good { Ok(Hash::ShaCrypt(text)) } else { Err(UnusableHash::Damaged) }
}

fn bcrypt(text: &str) -> Result<Hash<'_>, UnusableHash> {
    let parts: bcrypt::HashParts = text.parse().map_err(|_| UnusableHash::Damaged)?;
    if parts.get_cost() > MAX_BCRYPT_COST {
        return Err(UnusableHash::TooDear);
    }
    Ok(Hash::Bcrypt(text))
}

/// The digest, and behind it, where it is salted, the salt.
fn digest(text: &str, function: Function, salted: bool, hexadecimal: bool) -> Result<Hash<'_>, UnusableHash> {
    let plain = text.trim_end_matches('=');
    // Dovecot takes an unsalted digest of twice its octets for hexadecimal as well.
    let bytes = if hexadecimal || (!salted && text.len() == function.length() * 2) {
        unhex(text)
    } else {
        STANDARD_NO_PAD.decode(plain).ok()
    };
    let mut digest = bytes.ok_or(UnusableHash::Damaged)?;
    if digest.len() < function.length() {
        return Err(UnusableHash::Damaged);
    }
    let salt = digest.split_off(function.length());
    if salt.is_empty() == salted || salt.len() > MAX_SALT {
        return Err(UnusableHash::Damaged);
    }
    Ok(Hash::Salted { function, digest, salt })
}

/// `rounds$salt$hash` in passlib's base64, which has `.` for `+` and no padding.
fn passlib(text: &str, function: Function) -> Result<Hash<'_>, UnusableHash> {
    let [rounds, salt, digest] = three(text)?;
    let decode = |field: &str| STANDARD_NO_PAD.decode(field.replace('.', "+")).ok();
    pbkdf2(function, rounds, decode(salt), decode(digest))
}

/// `salt$rounds$hex`, SHA-1, the salt as it stands.
fn dovecot_pbkdf2(text: &str) -> Result<Hash<'_>, UnusableHash> {
    let [salt, rounds, digest] = three(text)?;
    pbkdf2(Function::Sha1, rounds, Some(salt.as_bytes().to_vec()), unhex(digest))
}

fn three(text: &str) -> Result<[&str; 3], UnusableHash> {
    let mut fields = text.split('$');
    match (fields.next(), fields.next(), fields.next(), fields.next()) {
        (Some(a), Some(b), Some(c), None) => Ok([a, b, c]),
        _ => Err(UnusableHash::Damaged),
    }
}

fn pbkdf2<'a>(
    function: Function,
    rounds: &str,
    salt: Option<Vec<u8>>,
    digest: Option<Vec<u8>>,
) -> Result<Hash<'a>, UnusableHash> {
    let (Ok(rounds @ 1..), Some(salt), Some(digest)) = (rounds.parse::<u32>(), salt, digest) else {
        return Err(UnusableHash::Damaged);
    };
    if rounds > MAX_PBKDF2_ROUNDS {
        return Err(UnusableHash::TooDear);
    }
    // One block of output: more costs a multiple of the rounds.
    if digest.len() != function.length() || salt.len() > MAX_SALT {
        return Err(UnusableHash::Damaged);
    }
    Ok(Hash::Pbkdf2 { function, rounds, salt, digest })
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    if !text.len().is_multiple_of(2) || !text.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    text.as_bytes()
        .chunks(2)
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok())
        .collect()
}

/// The password of `{PLAIN}…`, `{CLEARTEXT}…` in any case; such a hash is never stored.
pub(super) fn plain(text: &str) -> Option<&str> {
    let (scheme, rest) = text.strip_prefix('{')?.split_once('}')?;
    (scheme.eq_ignore_ascii_case("PLAIN") || scheme.eq_ignore_ascii_case("CLEARTEXT")).then_some(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Made by passlib 1.7.4, argon2-cffi, OpenSSL's `passwd` and, for Dovecot's own kinds, Python's hashlib.
    const PASSWORD: &str = "pässword 1";
    const HASHES: &[&str] = &[
        "$6$saltstring$XGgY63P1V71pIEzmkWAAKA2p9zafjPqJCMnjIfT42NOwiSelR3y9IUy9x75IK4MOIqwcL/3xD0l5I0d.bJOa00",
        "$6$rounds=1234$0123456789abcdef$RS7nWbMx6pZVxvPw5p/l5.0AVY51jA/jFcGjrEEe2t7atqFGHfBIDaxxsQhtV19PwXTmrKWDd.EUL1ls7xzps1",
        "$6$opensslsalt$Dt60srwAhcpDbjp4paMp1g3ad.DFvEaSswJaNGmXQySn/jSOwYa9iCX5VzgzxotIQCdlyJB4A/13jGFcGYBOe0",
        "{CRYPT}$6$opensslsalt$Dt60srwAhcpDbjp4paMp1g3ad.DFvEaSswJaNGmXQySn/jSOwYa9iCX5VzgzxotIQCdlyJB4A/13jGFcGYBOe0",
        "$5$saltstring$kkjeJzcIcoraOI9Wy.Ik/CyqO0UtR1loRaFn/1I2xa7",
        "$5$rounds=1500$abc$5YfrKaJSTa3foZIwGcJVMLPeRHQzCpXw9Njws6Uzfz6",
        "{SHA256-CRYPT}$5$opensslsalt$gYjT9.TpDxUknjGcfS0lILPx.HyfW0AUH4nCny7sXk7",
        "$2a$04$abcdefghijklmnopqrstuu6M4AonsBSlaSmLjwpr7Te.9CyLp4qpK",
        "$2b$04$abcdefghijklmnopqrstuu6M4AonsBSlaSmLjwpr7Te.9CyLp4qpK",
        "{BLF-CRYPT}$2y$04$abcdefghijklmnopqrstuu6M4AonsBSlaSmLjwpr7Te.9CyLp4qpK",
        "{SHA}wBFJYYjnh5eS5Eft5JORpd7Gkko=",
        "{SSHA}Ul1VsWJ53n2fHhgrJ9UxbdSFlBNzYWx0",
        "{SHA256}f7RERuWhObO3oHciFhtpNCnGhD0FNBL7CyE3AkK4vbA=",
        "{SHA256.HEX}7fb44446e5a139b3b7a07722161b693429c6843d053412fb0b21370242b8bdb0",
        "{sha256}7fb44446e5a139b3b7a07722161b693429c6843d053412fb0b21370242b8bdb0",
        "{SSHA256}FMa4ATrlqQ1NaQrKMFj2klD7VCPV0TmPSp0FayIliA9zYWx0c2FsdA==",
        "{SHA512}CKWQ1bFe+6HuV0fkV78KrhRH5bOjFVbkHBnd8vTWw2lc3YVFx8X2I6wtGQoVpZVuVsftC++RLO5GPIvd7H4Lyg==",
        "{SSHA512}s3FOPMgVYqBO0w3WzPkne+tyzouHb9eDOJIoRJtla4L0U7+PFku4DOCVwjjDgbe2zKjD8FVOP7/zXoB2Q34wpHNhbHRzYWx0",
        "$pbkdf2$1000$MDEyMzQ1Njc4OWFiY2RlZg$uAuT1MjRqBbxfaXv9yW3qfLQ/Hg",
        "$pbkdf2-sha256$1000$MDEyMzQ1Njc4OWFiY2RlZg$MQe6G4sNOgColz8I3bQ4N92RDQcjI4OwuyxebKzGtdI",
        "$pbkdf2-sha512$1000$MDEyMzQ1Njc4OWFiY2RlZg$7QSYEljWXeZMPOSTLwzfmczR9GdZFqlmNzxLVxKVP9IkBr.Xv/vdu0lrGbBGvLoGVHnfxYzpWZEBucO63qsdHA",
        "{PBKDF2}1000$MDEyMzQ1Njc4OWFiY2RlZg$uAuT1MjRqBbxfaXv9yW3qfLQ/Hg",
        "{PBKDF2-SHA256}1000$MDEyMzQ1Njc4OWFiY2RlZg$MQe6G4sNOgColz8I3bQ4N92RDQcjI4OwuyxebKzGtdI",
        "{PBKDF2-SHA512}1000$MDEyMzQ1Njc4OWFiY2RlZg$7QSYEljWXeZMPOSTLwzfmczR9GdZFqlmNzxLVxKVP9IkBr.Xv/vdu0lrGbBGvLoGVHnfxYzpWZEBucO63qsdHA",
        "{PBKDF2}$1$saltsaltsaltsalt$1000$b539307ea2aca7b1f5baa12198802087050bce3d",
        "$argon2id$v=19$m=64,t=3,p=2$MDEyMzQ1Njc4OWFiY2RlZg$iUzCOvUj2w7hK0FCJsteFJLIQO3t1/eDYLGlaXA5qUQ",
    ];

    #[test]
    fn each_kind_takes_its_password_and_no_other() {
        for text in HASHES {
            let hash = Hash::parse(text).unwrap_or_else(|why| panic!("{text}: {why}"));
            assert!(hash.verify(PASSWORD.as_bytes()), "{text}");
            assert!(!hash.verify(b"password 1"), "{text}");
            assert!(!hash.verify(b""), "{text}");
        }
    }

    #[test]
    fn a_hash_that_is_cut_short_never_matches() {
        for text in HASHES {
            // Padding may be missing.
            for end in 0..text.trim_end_matches('=').len() {
                let hash = text.get(..end).and_then(|cut| Hash::parse(cut).ok());
                assert!(!hash.is_some_and(|hash| hash.verify(PASSWORD.as_bytes())), "{text} {end}");
            }
        }
    }

    #[test]
    fn no_damage_makes_a_hash_panic() {
        for text in HASHES {
            for (at, c) in text.char_indices() {
                for damage in ["\u{e4}", "$", "{", "}", ",", "="] {
                    let damaged = format!("{}{damage}{}", &text[..at], &text[at + c.len_utf8()..]);
                    let _ = Hash::parse(&damaged);
                }
            }
        }
    }

    #[test]
    fn what_costs_too_much_is_refused_unseen() {
        for text in [
            "$6$rounds=999999999$abc$XGgY63P1V71pIEzmkWAAKA2p9zafjPqJCMnjIfT42NOwiSelR3y9IUy9x75IK4MOIqwcL/3xD0l5I0d.bJOa00",
            "$2b$31$abcdefghijklmnopqrstuu6M4AonsBSlaSmLjwpr7Te.9CyLp4qpK",
            "{PBKDF2}$1$saltsaltsaltsalt$4294967295$b539307ea2aca7b1f5baa12198802087050bce3d",
            "$pbkdf2-sha256$2000001$MDEyMzQ1Njc4OWFiY2RlZg$MQe6G4sNOgColz8I3bQ4N92RDQcjI4OwuyxebKzGtdI",
            "$argon2id$v=19$m=4194304,t=3,p=2$MDEyMzQ1Njc4OWFiY2RlZg$iUzCOvUj2w7hK0FCJsteFJLIQO3t1/eDYLGlaXA5qUQ",
            "$argon2id$v=19$m=65536,t=4294967295,p=2$MDEyMzQ1Njc4OWFiY2RlZg$iUzCOvUj2w7hK0FCJsteFJLIQO3t1/eDYLGlaXA5qUQ",
        ] {
            assert_eq!(Hash::parse(text).err(), Some(UnusableHash::TooDear), "{text}");
        }
    }

    #[test]
    fn what_is_no_hash_is_named_so() {
        for text in ["", "!", "x", "secret", "$1$abc$def", "{MD5}abc", "{PLAIN}secret", "{", "$"] {
            assert_eq!(Hash::parse(text).err(), Some(UnusableHash::Unknown), "{text}");
        }
        assert_eq!(plain("{plain}a}b"), Some("a}b"));
        assert_eq!(plain("{SSHA}a"), None);
    }
}
