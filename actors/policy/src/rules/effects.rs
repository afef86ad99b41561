//! What an account's rules do to its copy of a letter.

use postern_model::envelope::MAX_LOCAL_PART;
use postern_model::record::{ForwardState, Rules};
use postern_model::{EmailAddress, MailFrom};

use super::Header;

/// Hops that a letter may have behind it to go on (RFC 5321 §6.3 cuts at 100; a loop by way of others is cut before).
const HOPS: usize = 50;

/// A letter, as an account's rules see it.
#[derive(Clone, Copy, Debug)]
pub struct Letter<'a> {
    /// Its reverse path.
    pub mail_from: &'a MailFrom,
    /// Its header.
    pub header: &'a Header,
    /// Filters say that it is junk.
    pub junk: bool,
    /// The account's own address.
    pub own: &'a EmailAddress,
}

/// What becomes of an account's copy.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Effects {
    /// It goes to Junk: its author is blocked.
    pub junk: bool,
    /// It stays here, whatever else becomes of it.
    pub keep: bool,
    /// Where it goes on to.
    pub forward: Vec<EmailAddress>,
}

impl Effects {
    /// It stays, and that is all.
    fn stay(junk: bool) -> Effects {
        Effects { junk, keep: true, forward: Vec::new() }
    }
}

/// What the rules do to a letter. Junk never goes on; a letter that was here before, or has come a long way, stays.
pub fn effects(rules: &Rules, letter: &Letter<'_>) -> Effects {
    let blocked = letter.header.from.iter().any(|author| blocks(rules, author, letter.own))
        || matches!(letter.mail_from, MailFrom::Address(from) if blocks(rules, from, letter.own));
    if blocked || letter.junk {
        return Effects::stay(blocked);
    }
    let own = trace(letter.own).key();
    let was_here = letter.header.passed.iter().any(|address| address.key() == own);
    if was_here || letter.header.hops >= HOPS {
        return Effects::stay(false);
    }
    let confirmed = rules.forwards.iter().filter(|to| matches!(to.state, ForwardState::Confirmed { .. }));
    let forward: Vec<_> = confirmed.filter_map(|to| EmailAddress::parse(&to.address).ok()).collect();
    Effects { junk: false, keep: rules.keep || forward.is_empty(), forward }
}

/// What Delivered-To says of an account that sends a letter on: its address. One beyond ASCII is spelled in ASCII, since
/// the next server may take nothing else in a header.
pub fn trace(own: &EmailAddress) -> EmailAddress {
    if own.is_ascii() {
        return own.clone();
    }
    let key = own.key().unwrap_or_else(|| own.to_string());
    let local = key.rsplit_once('@').map_or(&key[..], |(local, _)| local);
    let spelled = |byte: u8| match byte {
        byte if byte.is_ascii_alphanumeric() => char::from(byte).to_string(),
        byte => format!("={byte:02x}"),
    };
    let spelled: String = local.bytes().map(spelled).collect();
    // Three times as long at most; what is too long for a local part is cut, and still tells one account from another.
    let spelled = &spelled[..spelled.len().min(MAX_LOCAL_PART)];
    EmailAddress::parse(&format!("{spelled}@{}", own.domain())).unwrap_or_else(|_| own.clone())
}

/// Whether the user `own` wants no letters from an address: it is in the list, or its domain is, or one above. The
/// postmaster of their own domain, who tells them what becomes of their mailbox, can't be blocked.
pub fn blocks(rules: &Rules, from: &EmailAddress, own: &EmailAddress) -> bool {
    let is_blocked = |entry: &str| rules.blocked.binary_search_by(|one| one.as_str().cmp(entry)).is_ok();
    if rules.blocked.is_empty() {
        return false;
    }
    let is_postmaster = from.local().as_str().eq_ignore_ascii_case("postmaster");
    if is_postmaster && from.domain() == own.domain() {
        return false;
    }
    let domain = from.domain().as_str();
    let above = std::iter::successors(Some(domain), |name| name.split_once('.').map(|(_, rest)| rest));
    let listed = from.key().is_some_and(|key| is_blocked(&key));
    listed || above.into_iter().any(|name| is_blocked(&format!("@{name}")))
}
