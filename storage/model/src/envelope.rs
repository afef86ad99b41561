//! Addresses as RFC 5321 and RFC 6531 have them, and the one spelling by which an account is found.

use std::fmt;

use precis_profiles::UsernameCaseMapped;
use precis_profiles::precis_core::profile::PrecisFastInvocation;

/// Longest local part, in octets (RFC 5321 §4.5.3.1.1).
pub const MAX_LOCAL_PART: usize = 64;
/// Longest domain, in octets (RFC 5321 §4.5.3.1.2).
pub const MAX_DOMAIN: usize = 255;

/// Why a text is no address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// There is no `@`.
    #[error("the domain is missing: write the full address, name@domain")]
    NoDomain,
    /// The part before the `@` is empty, too long or holds a character that may not stand there.
    #[error("the part before the @ is empty, longer than 64 octets or holds a forbidden character")]
    LocalPart,
    /// The part behind the `@` is neither a domain name nor an address literal.
    #[error("the part behind the @ is not a domain name")]
    Domain,
}

/// A domain in lower case as A-labels (`xn--…`), or an address literal in brackets.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Domain(String);

impl Domain {
    /// Reads a domain name in any spelling (U-labels, capitals, one dot at its end).
    ///
    /// # Errors
    /// [`AddressError::Domain`] where a label is empty, too long or holds a forbidden character.
    pub fn parse(text: &str) -> Result<Domain, AddressError> {
        if let Some(inside) = text.strip_prefix('[').and_then(|t| t.strip_suffix(']')) {
            return Domain::literal(inside);
        }
        let text = text.strip_suffix('.').unwrap_or(text);
        let ascii = idna::domain_to_ascii_strict(text).map_err(|_| AddressError::Domain)?;
        let well_formed = !ascii.is_empty()
            && ascii.len() <= MAX_DOMAIN
            && ascii
                .split('.')
                .all(|label| !label.is_empty() && !label.starts_with('-') && !label.ends_with('-'));
        if well_formed { Ok(Domain(ascii)) } else { Err(AddressError::Domain) }
    }

    /// Address literal: `192.0.2.1`, `IPv6:2001:db8::1` (RFC 5321 §4.1.3).
    fn literal(inside: &str) -> Result<Domain, AddressError> {
        let ip: Option<std::net::IpAddr> = match inside.get(..5) {
            Some(tag) if tag.eq_ignore_ascii_case("ipv6:") => {
                inside[5..].parse::<std::net::Ipv6Addr>().ok().map(Into::into)
            }
            _ => inside.parse::<std::net::Ipv4Addr>().ok().map(Into::into),
        };
        match ip {
            Some(std::net::IpAddr::V4(ip)) => Ok(Domain(format!("[{ip}]"))),
            Some(std::net::IpAddr::V6(ip)) => Ok(Domain(format!("[IPv6:{ip}]"))),
            None => Err(AddressError::Domain),
        }
    }

    /// The A-label spelling.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Domain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The part before the `@`, without quotes, in the spelling it was given in.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LocalPart(String);

impl LocalPart {
    /// Reads `dot-atom` or `"quoted string"`, with UTF-8 allowed (RFC 6531 §3.3).
    ///
    /// # Errors
    /// [`AddressError::LocalPart`].
    pub fn parse(text: &str) -> Result<LocalPart, AddressError> {
        let plain = match text.strip_prefix('"') {
            Some(rest) => unquote(rest.strip_suffix('"').ok_or(AddressError::LocalPart)?)?,
            None if is_dot_string(text) => text.to_owned(),
            None => return Err(AddressError::LocalPart),
        };
        if plain.is_empty() || plain.len() > MAX_LOCAL_PART {
            return Err(AddressError::LocalPart);
        }
        Ok(LocalPart(plain))
    }

    /// The local part without quotes.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for LocalPart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if is_dot_string(&self.0) {
            return f.write_str(&self.0);
        }
        let escaped = self.0.replace('\\', "\\\\").replace('"', "\\\"");
        write!(f, "\"{escaped}\"")
    }
}

fn is_dot_string(text: &str) -> bool {
    let atext = |c: char| !c.is_ascii() || c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(c);
    !text.is_empty()
        && text.split('.').all(|atom| !atom.is_empty() && atom.chars().all(atext))
        && !text.chars().any(char::is_control)
}

fn unquote(inside: &str) -> Result<String, AddressError> {
    let mut plain = String::with_capacity(inside.len());
    let mut chars = inside.chars();
    while let Some(c) = chars.next() {
        let taken = match c {
            '\\' => chars.next().ok_or(AddressError::LocalPart)?,
            '"' => return Err(AddressError::LocalPart),
            c => c,
        };
        if taken.is_control() {
            return Err(AddressError::LocalPart);
        }
        plain.push(taken);
    }
    Ok(plain)
}

/// A full e-mail address (RFC 5321 §4.1.2 `Mailbox`).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EmailAddress {
    local: LocalPart,
    domain: Domain,
}

impl EmailAddress {
    /// Reads `local@domain`, without angle brackets.
    ///
    /// # Errors
    /// What is wrong with it, as [`AddressError`].
    pub fn parse(text: &str) -> Result<EmailAddress, AddressError> {
        let (local, domain) = text.rsplit_once('@').ok_or(AddressError::NoDomain)?;
        Ok(EmailAddress { local: LocalPart::parse(local)?, domain: Domain::parse(domain)? })
    }

    /// The part before the `@`.
    pub fn local(&self) -> &LocalPart {
        &self.local
    }

    /// The part behind the `@`.
    pub fn domain(&self) -> &Domain {
        &self.domain
    }

    /// The spelling under which an account is found: domain as A-label, local part by PRECIS
    /// UsernameCaseMapped (RFC 8265 §3.3). `None` where no account can have such a name.
    pub fn key(&self) -> Option<String> {
        let local = self.local.as_str();
        let plain = local.bytes().all(|b| b.is_ascii_graphic() && !b.is_ascii_uppercase());
        if plain {
            return Some(format!("{local}@{}", self.domain));
        }
        let local = UsernameCaseMapped::enforce(local).ok()?;
        Some(format!("{local}@{}", self.domain))
    }

    /// The address without a detail: `alice` for `alice+news`, where `separator` is `+` (RFC 5233). `None` where there is
    /// no detail, or nothing else.
    pub fn without_detail(&self, separator: char) -> Option<EmailAddress> {
        let (user, _) = self.local.0.split_once(separator).filter(|(user, _)| !user.is_empty())?;
        Some(EmailAddress { local: LocalPart(user.to_owned()), domain: self.domain.clone() })
    }

    /// Whether the address needs SMTPUTF8 (RFC 6531) to be said.
    pub fn is_ascii(&self) -> bool {
        self.local.as_str().is_ascii()
    }
}

impl fmt::Display for EmailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.local, self.domain)
    }
}

/// The reverse path of a letter (RFC 5321 §4.1.1.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MailFrom {
    /// `<>`: a bounce or a receipt, which nobody answers.
    Null,
    /// Who is told when the letter can't be delivered.
    Address(EmailAddress),
}

impl fmt::Display for MailFrom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            MailFrom::Null => Ok(()),
            MailFrom::Address(address) => address.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(text: &str) -> Option<String> {
        EmailAddress::parse(text).expect(text).key()
    }

    #[test]
    fn one_account_is_found_by_every_spelling_of_its_address() {
        for text in ["alice@demo.test", "Alice@Demo.TEST", "ALICE@demo.test."] {
            assert_eq!(key(text).as_deref(), Some("alice@demo.test"), "{text}");
        }
        assert_eq!(key("jānis@ēka.lv"), key("JĀNIS@ĒKA.LV"));
        assert_eq!(key("\"alice\"@demo.test").as_deref(), Some("alice@demo.test"));
    }

    #[test]
    fn rfc_5233_a_detail_stands_behind_the_first_separator() {
        for (text, user) in [
            ("alice+news@demo.test", Some("alice@demo.test")),
            ("alice+news+old@demo.test", Some("alice@demo.test")),
            ("alice+@demo.test", Some("alice@demo.test")),
            ("+news@demo.test", None),
            ("alice@demo.test", None),
        ] {
            let found = EmailAddress::parse(text).expect(text).without_detail('+');
            assert_eq!(found.map(|user| user.to_string()).as_deref(), user, "{text}");
        }
    }

    #[test]
    fn what_is_no_address_is_named() {
        for (text, error) in [
            ("alice", AddressError::NoDomain),
            ("@demo.test", AddressError::LocalPart),
            ("a b@demo.test", AddressError::LocalPart),
            (".a@demo.test", AddressError::LocalPart),
            ("a\u{0}b@demo.test", AddressError::LocalPart),
            ("a@", AddressError::Domain),
            ("a@-x.test", AddressError::Domain),
            ("a@demo..test", AddressError::Domain),
            ("a@[300.1.1.1]", AddressError::Domain),
        ] {
            assert_eq!(EmailAddress::parse(text), Err(error), "{text}");
        }
    }

    #[test]
    fn quotes_stand_only_where_they_are_needed() {
        let shown = |text| EmailAddress::parse(text).expect("an address").to_string();
        assert_eq!(shown("\"a b\"@demo.test"), "\"a b\"@demo.test");
        assert_eq!(shown("\"ab\"@demo.test"), "ab@demo.test");
        assert_eq!(shown("x@[IPv6:2001:DB8::1]"), "x@[IPv6:2001:db8::1]");
    }
}
