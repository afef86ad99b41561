//! What SCRAM-SHA-256 keeps of a password, and what it pretends to keep of nobody's (RFC 5802, SPEC I2, I3).

use hmac::{Hmac, KeyInit as _, Mac as _};
use postern_model::record::ScramKeys;
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

/// PBKDF2 iterations of all keys; the same for everybody, or a fake would be known by it. Cyrus SASL, which mbsync, mutt and
/// others log in by, refuses to compute more, and would not fall back to another mechanism.
pub const ITERATIONS: u32 = 65_536;
/// Passwords of an account that a proof is tried against at most.
pub const MAX_PASSWORDS: usize = 20;
/// Octets of a salt.
pub(super) const SALT: usize = 16;

/// Keys of a password that [`super::password::prepare`] has prepared. Takes tens of milliseconds.
pub(super) fn keys(prepared: &str, salt: &[u8]) -> ScramKeys {
    let mut salted = Zeroizing::new([0; 32]);
    pbkdf2::pbkdf2_hmac::<Sha256>(prepared.as_bytes(), salt, ITERATIONS, &mut *salted);
    let client_key = Zeroizing::new(hmac(&salted, &[b"Client Key"]));
    ScramKeys {
        stored_key: Sha256::digest(*client_key).into(),
        server_key: hmac(&salted, &[b"Server Key"]),
        iterations: ITERATIONS,
    }
}

/// The salt of a name that no account has: always the same for the same name, and like any other to look at.
pub(super) fn fake_salt(secret: &[u8; 32], name: &[u8]) -> Vec<u8> {
    hmac(secret, &[b"scram salt of ", name])[..SALT].to_vec()
}

/// HMAC-SHA-256 over `parts`, one behind the other.
pub(super) fn hmac(key: &[u8; 32], parts: &[&[u8]]) -> [u8; 32] {
    // A key shorter than SHA-256's block is padded with zeros (RFC 2104 §2).
    let mut block = Zeroizing::new([0; 64]);
    block[..32].copy_from_slice(key);
    let mut mac = Hmac::<Sha256>::new((&*block).into());
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|b| format!("{b:02x}")).collect()
    }

    /// The figures come from Python's hashlib and hmac.
    #[test]
    fn keys_are_those_of_rfc_5802() {
        let keys = keys("pencil", b"0123456789abcdef");
        assert_eq!(keys.iterations, 65_536);
        assert_eq!(hex(&keys.stored_key), "298a8ec97c4022da985d71df50ee280045bd700f2fc22c555e36dff267b6d8f9");
        assert_eq!(hex(&keys.server_key), "1d4ddc635f4865d1da0cea68409e8ddfc2a7433d36b987ddb8f6c7a4dfce66bf");
    }

    #[test]
    fn a_fake_salt_is_stable_and_the_names_own() {
        let secret = [1; 32];
        assert_eq!(fake_salt(&secret, b"alice"), fake_salt(&secret, b"alice"));
        assert_ne!(fake_salt(&secret, b"alice"), fake_salt(&secret, b"bob"));
        assert_ne!(fake_salt(&secret, b"alice"), fake_salt(&[2; 32], b"alice"));
        assert_eq!(fake_salt(&secret, b"alice").len(), SALT);
    }
}
