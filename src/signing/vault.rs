//! Secrets in the store, sealed with a key that is not in it (SPEC O1): whoever gets hold of a backup can't sign.

use std::fmt;
use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::hkdf;
use postern_model::record::KeptSecret;
use zeroize::Zeroizing;

const VARIABLE: &str = "POSTERN_SECRET_KEY_FILE";
/// Octets of a key that is no text, and the fewest of one that is.
const KEY: usize = 32;
/// The most that a key file may hold.
const LONGEST: u64 = 64 * 1024;

/// Seals secrets and opens them again; without a key it leaves them as they are.
pub struct Vault(Option<LessSafeKey>);

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "Vault(sealing)" } else { "Vault(open)" })
    }
}

impl Vault {
    /// A vault with the key of a file, or without any.
    ///
    /// # Errors
    /// The file can't be read, or is too short for a key: a line that names the variable and the cure.
    pub fn open(file: Option<&Path>) -> Result<Vault, String> {
        let Some(path) = file else { return Ok(Vault(None)) };
        let wrong = |what: &str| {
            let cure = "make one with `head -c 32 /dev/urandom`, readable by this user alone";
            format!("{VARIABLE}={}: it {what}; {cure}", path.display())
        };
        let mut text = Zeroizing::new(Vec::new());
        File::open(path)
            .and_then(|file| file.take(LONGEST + 1).read_to_end(&mut text))
            .map_err(|error| wrong(&format!("can't be read ({error})")))?;
        if text.len() as u64 > LONGEST {
            return Err(wrong(&format!("holds more than {LONGEST} octets")));
        }
        // Random octets may end like a line.
        let secret = if text.len() == KEY { &text[..] } else { text.trim_ascii_end() };
        if secret.len() < KEY {
            return Err(wrong(&format!("holds fewer than {KEY} octets")));
        }
        let key = derive(secret).ok_or_else(|| format!("{VARIABLE}: no key can be derived from it"))?;
        Ok(Vault(Some(key)))
    }

    /// Whether what is kept in clear could be sealed.
    pub fn seals(&self) -> bool {
        self.0.is_some()
    }

    /// Seals a secret that is kept at `place`, and opens nowhere else.
    ///
    /// # Errors
    /// The system gives no random numbers, or the cipher fails.
    pub fn seal(&self, place: &str, secret: &[u8]) -> Result<KeptSecret, String> {
        let Some(key) = &self.0 else { return Ok(KeptSecret::Clear(secret.to_vec())) };
        let mut nonce = [0; NONCE_LEN];
        getrandom::fill(&mut nonce).map_err(|_| "the system gives no random numbers".to_owned())?;
        let mut octets = secret.to_vec();
        key.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(place), &mut octets)
            .map_err(|_| "the secret can't be sealed".to_owned())?;
        Ok(KeptSecret::Sealed { nonce, octets })
    }

    /// What is kept at `place`.
    ///
    /// # Errors
    /// It was sealed with another key, or none is at hand: a line that names the variable and the cure.
    pub fn unseal(&self, place: &str, kept: &KeptSecret) -> Result<Zeroizing<Vec<u8>>, String> {
        match (kept, &self.0) {
            (KeptSecret::Clear(octets), _) => Ok(Zeroizing::new(octets.clone())),
            (KeptSecret::Sealed { .. }, None) => Err(format!(
                "{VARIABLE} is not set, but the {place} is sealed; name the file that it was sealed with"
            )),
            (KeptSecret::Sealed { nonce, octets }, Some(key)) => {
                let mut octets = Zeroizing::new(octets.clone());
                let nonce = Nonce::assume_unique_for_key(*nonce);
                let length = key
                    .open_in_place(nonce, Aad::from(place), &mut octets)
                    .map_err(|_| {
                        format!(
                            "{VARIABLE} names another key than the {place} was sealed with; name that file"
                        )
                    })?
                    .len();
                octets.truncate(length);
                Ok(octets)
            }
        }
    }
}

/// RFC 5869: the key file may be a text, or serve something else as well.
fn derive(secret: &[u8]) -> Option<LessSafeKey> {
    let extracted = hkdf::Salt::new(hkdf::HKDF_SHA256, b"postern").extract(secret);
    let mut key = Zeroizing::new([0; KEY]);
    let info = [b"secrets in the store".as_slice()];
    extracted.expand(&info, hkdf::HKDF_SHA256).ok()?.fill(&mut key[..]).ok()?;
    UnboundKey::new(&AES_256_GCM, &key[..]).ok().map(LessSafeKey::new)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vault(text: &[u8]) -> Result<Vault, String> {
        let file = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(file.path(), text).expect("written");
        Vault::open(Some(file.path()))
    }

    #[test]
    fn what_is_sealed_opens_with_the_same_key_at_the_same_place() {
        let (one, other) = (vault(&[7; 32]).expect("a key"), vault(&[8; 32]).expect("a key"));
        let kept = one.seal("key a", b"hunter2").expect("sealed");
        let KeptSecret::Sealed { octets, .. } = &kept else { panic!("in clear: {kept:?}") };
        assert!(!octets.windows(7).any(|part| part == b"hunter2"));
        assert_eq!(one.unseal("key a", &kept).expect("it opens").as_slice(), b"hunter2");
        assert!(one.unseal("key b", &kept).is_err(), "it was moved");
        let wrong = other.unseal("key a", &kept).expect_err("another key");
        assert!(wrong.contains("names another key than the key a was sealed with"), "{wrong}");
        let none = Vault::open(None).expect("no key").unseal("key a", &kept).expect_err("no key");
        assert!(none.contains("POSTERN_SECRET_KEY_FILE is not set"), "{none}");
        let again = one.seal("key a", b"hunter2").expect("sealed");
        assert_ne!(kept, again, "no nonce comes twice");
    }

    #[test]
    fn a_key_is_a_text_or_random_octets() {
        let line = b"correct horse battery staple, and more\n";
        let kept = vault(line).expect("a text").seal("x", b"y").expect("sealed");
        let bare = vault(&line[..line.len() - 1]).expect("the same without its end");
        assert!(bare.unseal("x", &kept).is_ok());
        assert!(vault(&[b'\n'; 32]).is_ok(), "octets may be any");
        for short in [&b""[..], b"hunter2\n", &[7; 31]] {
            let refused = vault(short).expect_err("too short");
            assert!(refused.contains("fewer than 32 octets") && !refused.contains("hunter2"), "{refused}");
        }
        assert!(vault(&[7; 70_000]).expect_err("too long").contains("more than"));
        let gone = Vault::open(Some(Path::new("/nowhere/at/all"))).expect_err("no file");
        assert!(gone.starts_with("POSTERN_SECRET_KEY_FILE=/nowhere/at/all: it can't be read"), "{gone}");
    }

    #[test]
    fn without_a_key_nothing_is_sealed() {
        let vault = Vault::open(None).expect("no key");
        let kept = vault.seal("x", b"y").expect("kept");
        assert_eq!(kept, KeptSecret::Clear(b"y".to_vec()));
        assert_eq!(vault.unseal("x", &kept).expect("it opens").as_slice(), b"y");
    }
}
