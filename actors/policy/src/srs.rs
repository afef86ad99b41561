//! The reverse path of a forwarded letter (SPEC D6): SRS, the Sender Rewriting Scheme.
//!
//! A letter that goes on elsewhere under its author's reverse path fails SPF there, since this server may not send for
//! that domain. So it goes under an address of ours that holds the original one, signed and dated:
//! `SRS0=<hash>=<day>=<domain>=<local part>@ours`. What comes back to it is sent on to the original sender. A reverse path
//! that another forwarder made already is not wrapped again: `SRS1=<hash>=<first>=<its local part>@ours` leads back to
//! the first forwarder. There is no table: whoever has the key can read what it signed.

use hmac::{Hmac, KeyInit, Mac};
use postern_model::{Domain, EmailAddress, Timestamp};
use sha2::Sha256;
use subtle::ConstantTimeEq as _;

/// How long a reverse path leads back, in days: reports come within the five days of a queue, and some later.
pub const VALID_DAYS: i64 = 21;
/// RFC 5321 §4.5.3.1.1.
const MAX_LOCAL_PART: usize = 64;
/// Letters of a hash, five bits each: who guesses asks 2^29 times before one fits.
const HASH: usize = 6;
/// The days begin anew after so many.
const DAYS: i64 = 1024;
const MICROS_PER_DAY: i64 = 24 * 60 * 60 * 1_000_000;
/// RFC 4648 §6; read in either case, since some servers change it.
const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// Rewrites reverse paths, and reads its own.
#[derive(Clone)]
pub struct Srs {
    mac: Hmac<Sha256>,
}

impl std::fmt::Debug for Srs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Srs(…)")
    }
}

impl Srs {
    /// Goes by the store's secret, from which a key of its own is derived.
    pub fn new(store_secret: &[u8; 32]) -> Srs {
        let mut derive = keyed(store_secret);
        derive.update(b"postern srs key");
        Srs { mac: keyed(&derive.finalize().into_bytes().into()) }
    }

    /// Under which reverse path a letter of `sender` goes on from an address in `ours`. What is too long for a local part
    /// goes under the postmaster's name, signed: what comes back then is the postmaster's.
    pub fn forward(&self, sender: &EmailAddress, ours: &Domain, now: Timestamp) -> EmailAddress {
        if sender.domain() == ours {
            return sender.clone();
        }
        let (local, domain) = (sender.local().as_str(), sender.domain().as_str());
        let rewritten = match Tag::of(local) {
            Some((Tag::First, theirs)) => self.second(domain, theirs),
            Some((Tag::Second, rest)) => match first_forwarder(rest) {
                Some((first, theirs)) => self.second(first, theirs),
                None => self.first(domain, local, now),
            },
            None => self.first(domain, local, now),
        };
        let fits = |local: &String| local.len() <= MAX_LOCAL_PART;
        Some(rewritten)
            .filter(fits)
            .or_else(|| Some(self.first(ours.as_str(), "postmaster", now)).filter(fits))
            .and_then(|local| parse(&local, ours.as_str()))
            .or_else(|| parse("postmaster", ours.as_str()))
            .unwrap_or_else(|| sender.clone())
    }

    /// Whose mail for `address` is, where that is a reverse path made by [`Srs::forward`]. `None` where it is none, was
    /// forged, or is older than [`VALID_DAYS`]: then nobody has such an address.
    ///
    /// That `address` lies in a domain of ours is for the caller to see to.
    pub fn reverse(&self, address: &EmailAddress, now: Timestamp) -> Option<EmailAddress> {
        let (tag, rest) = Tag::of(address.local().as_str())?;
        // The sign behind the tag is any of three in SRS; ours is always the same.
        let (hash, rest) = rest.strip_prefix('=')?.split_once('=')?;
        match tag {
            Tag::First => {
                let (day, rest) = rest.split_once('=')?;
                let (domain, local) = rest.split_once('=')?;
                self.verify(hash, &[day, domain, local])?;
                let age = (day_of(now) - day_from(day)?).rem_euclid(DAYS);
                if age > VALID_DAYS {
                    return None;
                }
                parse(local, domain)
            }
            Tag::Second => {
                let (domain, theirs) = rest.split_once('=')?;
                self.verify(hash, &[domain, theirs])?;
                parse(&format!("SRS0{theirs}"), domain)
            }
        }
    }

    /// Whether an address is of the form that [`Srs::reverse`] reads, good or not: no account has such a name.
    pub fn is_one(address: &EmailAddress) -> bool {
        Tag::of(address.local().as_str()).is_some_and(|(_, rest)| rest.starts_with('='))
    }

    fn first(&self, domain: &str, local: &str, now: Timestamp) -> String {
        let day = day_name(day_of(now));
        let hash = self.hash(&[&day, domain, local]);
        format!("SRS0={hash}={day}={domain}={local}")
    }

    /// `theirs` begins with the sign behind `SRS0`.
    fn second(&self, domain: &str, theirs: &str) -> String {
        format!("SRS1={}={domain}={theirs}", self.hash(&[domain, theirs]))
    }

    /// Over small letters: some servers on the way back change a local part's case.
    fn hash(&self, parts: &[&str]) -> String {
        let mut mac = self.mac.clone();
        for part in parts {
            mac.update(part.to_lowercase().as_bytes());
            mac.update(b"=");
        }
        let digest = mac.finalize().into_bytes();
        let bits = digest.iter().take(4).fold(0_usize, |bits, octet| bits << 8 | usize::from(*octet));
        (0..HASH).map(|n| char::from(BASE32[(bits >> (5 * n)) & 31])).collect()
    }

    fn verify(&self, hash: &str, parts: &[&str]) -> Option<()> {
        let (given, right) = (hash.to_ascii_uppercase(), self.hash(parts));
        bool::from(given.as_bytes().ct_eq(right.as_bytes())).then_some(())
    }
}

/// What a rewritten local part begins with.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Tag {
    First,
    Second,
}

impl Tag {
    /// The tag, and what is behind it, the sign `=`, `+` or `-` first.
    fn of(local: &str) -> Option<(Tag, &str)> {
        let (tag, rest) = local.split_at_checked(4)?;
        let tag = match tag.to_ascii_uppercase().as_str() {
            "SRS0" => Tag::First,
            "SRS1" => Tag::Second,
            _ => return None,
        };
        rest.starts_with(['=', '+', '-']).then_some((tag, rest))
    }
}

/// Of `=<hash>=<first>=<theirs>`: the first forwarder, and its local part behind the tag.
fn first_forwarder(rest: &str) -> Option<(&str, &str)> {
    let (_, inner) = rest.get(1..)?.split_once('=')?;
    inner.split_once('=')
}

fn keyed(key: &[u8; 32]) -> Hmac<Sha256> {
    // A key shorter than SHA-256's block is padded with zeros (RFC 2104 §2).
    let mut block = [0; 64];
    block[..32].copy_from_slice(key);
    Hmac::new((&block).into())
}

/// `local` is without quotes; where it needs some, or has some within, reading it with quotes around is right for all.
fn parse(local: &str, domain: &str) -> Option<EmailAddress> {
    let local = local.replace('\\', "\\\\").replace('"', "\\\"");
    EmailAddress::parse(&format!("\"{local}\"@{domain}")).ok()
}

fn day_of(now: Timestamp) -> i64 {
    now.0.div_euclid(MICROS_PER_DAY).rem_euclid(DAYS)
}

fn day_name(day: i64) -> String {
    let letter = |n: i64| BASE32[usize::try_from(n & 31).unwrap_or(0)];
    [letter(day >> 5), letter(day)].map(char::from).iter().collect()
}

fn day_from(name: &str) -> Option<i64> {
    let [high, low] = name.as_bytes() else { return None };
    let digit = |letter: &u8| BASE32.iter().position(|c| *c == letter.to_ascii_uppercase());
    i64::try_from(digit(high)? << 5 | digit(low)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const DAY: i64 = MICROS_PER_DAY;
    const NOW: Timestamp = Timestamp(1_772_366_400_000_000);

    fn srs() -> Srs {
        Srs::new(&[7; 32])
    }

    fn address(text: &str) -> EmailAddress {
        EmailAddress::parse(text).expect("an address")
    }

    fn ours() -> Domain {
        Domain::parse("ours.test").expect("a domain")
    }

    fn there(text: &str) -> String {
        srs().forward(&address(text), &ours(), NOW).to_string()
    }

    fn back(text: &str, days: i64) -> Option<String> {
        srs().reverse(&address(text), Timestamp(NOW.0 + days * DAY)).map(|a| a.to_string())
    }

    #[test]
    fn a_sender_goes_there_and_back() {
        let sent = there("Alice@a.test");
        assert!(sent.starts_with("SRS0=") && sent.ends_with("=a.test=Alice@ours.test"), "{sent}");
        assert_eq!(back(&sent, 0).as_deref(), Some("Alice@a.test"));
        assert_eq!(there("bob@ours.test"), "bob@ours.test", "our own need no other name");
        assert_eq!(sent, there("Alice@a.test"), "the same on the same day");
    }

    #[test]
    fn case_may_be_lost_on_the_way() {
        let sent = there("alice@a.test");
        assert_eq!(back(&sent.to_lowercase(), 0).as_deref(), Some("alice@a.test"));
        assert_eq!(back(&sent.to_uppercase(), 0).as_deref(), Some("ALICE@a.test"));
    }

    #[test]
    fn it_ends_after_three_weeks() {
        let sent = there("alice@a.test");
        for (days, holds) in [(0, true), (1, true), (21, true), (22, false), (500, false), (1023, false)] {
            assert_eq!(back(&sent, days).is_some(), holds, "after {days} days");
        }
        assert_eq!(back(&sent, -1), None, "a day that has not been yet");
    }

    #[test]
    fn what_was_changed_leads_nowhere() {
        let sent = there("alice@a.test");
        assert_eq!(back(&sent.replace("alice", "alicf"), 0), None);
        assert_eq!(back(&sent.replace("a.test", "b.test"), 0), None);
        assert_eq!(Srs::new(&[8; 32]).reverse(&address(&sent), NOW), None, "another server's key");
        for odd in
            ["SRS0=", "SRS0==", "SRS0=A=B=c=d", "SRS0=AAAAAA=AA=a.test=b", "SRS1=A=b=c", "SRS1=", "SRS0"]
        {
            assert_eq!(back(&format!("{odd}@ours.test"), 0), None, "{odd}");
        }
        assert_eq!(back("alice@ours.test", 0), None);
    }

    #[test]
    fn another_forwarders_path_is_kept_and_leads_to_it() {
        let first = "SRS0=HHHH=TT=a.test=alice@first.test";
        let second = there(first);
        assert!(
            second.starts_with("SRS1=") && second.ends_with("=first.test==HHHH=TT=a.test=alice@ours.test")
        );
        assert_eq!(back(&second, 0).as_deref(), Some(first));
        let sign = "SRS0+HHHH=TT=a.test=alice@first.test";
        assert_eq!(back(&there(sign), 0).as_deref(), Some(sign));
        // A third forwarder's: back to the first one at once.
        let third = there("SRS1=XXXX=first.test==HHHH=TT=a.test=alice@second.test");
        assert_eq!(third, second);
        assert_eq!(back(&second.replace("first", "other"), 0), None);
    }

    #[test]
    fn what_is_too_long_is_the_postmasters() {
        let long = format!("{}@a.test", "x".repeat(60));
        let sent = there(&long);
        assert!(sent.starts_with("SRS0=") && sent.ends_with("=ours.test=postmaster@ours.test"), "{sent}");
        assert_eq!(back(&sent, 0).as_deref(), Some("postmaster@ours.test"));
        let far = Domain::parse(&format!("{0}.{0}.test", "y".repeat(30))).expect("a domain");
        let plain = srs().forward(&address(&long), &far, NOW);
        assert_eq!(plain, address(&format!("postmaster@{far}")));
    }

    proptest! {
        #[test]
        fn any_sender_comes_back(local in "[!#$%&'*+/=?^_`{|}~a-zA-Z0-9-]{1,20}", domain in "[a-z]{1,10}\\.test") {
            let sender = address(&format!("{local}@{domain}"));
            let sent = srs().forward(&sender, &ours(), NOW);
            prop_assert!(sent.local().as_str().len() <= MAX_LOCAL_PART);
            if Tag::of(&local).is_none() {
                prop_assert_eq!(srs().reverse(&sent, NOW), Some(sender));
            }
        }

        #[test]
        fn no_local_part_breaks_it(local in "SRS[01][=+-][A-Za-z0-9=+-]{0,50}") {
            if let Ok(sender) = EmailAddress::parse(&format!("{local}@a.test")) {
                let _ = srs().forward(&sender, &ours(), NOW);
                prop_assert_eq!(srs().reverse(&sender, NOW), None);
            }
        }

        #[test]
        fn quoted_senders_come_back(local in "[ -~]{1,20}") {
            let quoted = local.replace('\\', "\\\\").replace('"', "\\\"");
            if let Ok(sender) = EmailAddress::parse(&format!("\"{quoted}\"@a.test"))
                && Tag::of(sender.local().as_str()).is_none()
            {
                let sent = srs().forward(&sender, &ours(), NOW);
                prop_assert_eq!(srs().reverse(&sent, NOW), Some(sender));
            }
        }
    }
}
