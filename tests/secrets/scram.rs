//! SCRAM-SHA-256, the client's side (RFC 5802, 7677).

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Digest as _, Sha256};

const HEADER: &str = "n,,";

/// The client's first message.
pub(super) fn first(user: &str) -> String {
    format!("{HEADER}n={user},r=rOprNGfwEbeRWgbNEkqO")
}

/// The client's final message, behind the server's first.
pub(super) fn last(first: &str, server_first: &str, password: &str) -> String {
    let field = |name| server_first.split(',').find_map(|part| part.strip_prefix(name)).expect("a field");
    let salt = BASE64_STANDARD.decode(field("s=")).expect("a salt in base64");
    let rounds: u32 = field("i=").parse().expect("a number of rounds");
    let without_proof = format!("c={},r={}", BASE64_STANDARD.encode(HEADER), field("r="));
    let bare = first.strip_prefix(HEADER).expect("a first message of this module");
    let signed = format!("{bare},{server_first},{without_proof}");

    let client_key = sign(&salted(password.as_bytes(), &salt, rounds), b"Client Key");
    let signature = sign(&Sha256::digest(client_key), signed.as_bytes());
    let proof: Vec<u8> = client_key.iter().zip(signature).map(|(a, b)| a ^ b).collect();
    format!("{without_proof},p={}", BASE64_STANDARD.encode(proof))
}

fn keyed(key: &[u8]) -> Hmac<Sha256> {
    Hmac::new_from_slice(key).expect("HMAC takes keys of any length")
}

fn sign(key: &[u8], text: &[u8]) -> [u8; 32] {
    keyed(key).chain_update(text).finalize().into_bytes().into()
}

/// `Hi` of RFC 5802 §2.2: PBKDF2 with one block.
fn salted(password: &[u8], salt: &[u8], rounds: u32) -> [u8; 32] {
    let key = keyed(password);
    let mut last: [u8; 32] =
        key.clone().chain_update(salt).chain_update([0, 0, 0, 1]).finalize().into_bytes().into();
    let mut sum = last;
    for _ in 1..rounds {
        last = key.clone().chain_update(last).finalize().into_bytes().into();
        sum.iter_mut().zip(last).for_each(|(sum, byte)| *sum ^= byte);
    }
    sum
}

#[test]
fn rfc_7677_has_the_same_proof() {
    let first = "n,,n=user,r=rOprNGfwEbeRWgbNEkqO";
    let server = "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096";
    assert!(last(first, server, "pencil").ends_with(",p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="));
}
