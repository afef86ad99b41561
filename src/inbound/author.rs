//! Whose letter is it said to be? DMARC goes by the one domain that From names (RFC 9989 §5.3.1), and a letter that
//! shows one author to this server and another to a mail program would pass in a stranger's name.

use std::collections::BTreeSet;

use mail_auth::AuthenticatedMessage;
use memchr::memchr;
use postern_model::Domain;
use postern_model::mime::HeaderSummary;

/// The author of a letter, as far as DMARC can go by it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Author {
    /// Everybody named is of this domain.
    Of(Domain),
    /// There is no From field, or several, or one that names several domains: no policy can be applied, and RFC 7489
    /// §6.6.1 counts such letters among those that are refused.
    Unclear(&'static str),
    /// From names nobody who could be written to, or programs may read different things into it.
    Unreadable,
}

impl Author {
    /// Reads a header, with what mail-auth has read in it, whose reading DMARC's checks go by.
    pub(super) fn of(header: &[u8], message: &AuthenticatedMessage<'_>) -> Author {
        let summary = HeaderSummary::of(header);
        match summary.from {
            0 => return Author::Unclear("no From field"),
            1 => {}
            _ => return Author::Unclear("several From fields"),
        }
        let theirs: Option<BTreeSet<Domain>> = message
            .from
            .iter()
            .map(|address| Domain::parse(address.rsplit_once('@').map_or("", |(_, domain)| domain)).ok())
            .collect();
        let ours: Option<BTreeSet<Domain>> = summary
            .from_addresses
            .mailboxes()
            .map(|mailbox| mailbox.email().map(|address| address.domain().clone()))
            .collect();
        let (Some(theirs), Some(ours)) = (theirs, ours) else { return Author::Unreadable };
        // Where the grammar was followed, there is one way to read it. Elsewhere, as with a bare `a@b.test` for a
        // name, mail-auth's reading is as good as any, but what we read must not speak against it.
        let agreed = ours == theirs || (!summary.from_addresses.well_formed && ours.is_subset(&theirs));
        if memchr(0, header).is_some() || !agreed {
            return Author::Unreadable;
        }
        let mut domains = theirs.into_iter();
        match (domains.next(), domains.next()) {
            (Some(domain), None) => Author::Of(domain),
            (Some(_), Some(_)) => Author::Unclear("authors of several domains"),
            (None, _) => Author::Unreadable,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn author(header: &[u8]) -> Author {
        let message = AuthenticatedMessage::parse(header).unwrap_or_default();
        Author::of(header, &message)
    }

    fn of(domain: &str) -> Author {
        Author::Of(Domain::parse(domain).expect("a domain"))
    }

    #[test]
    fn the_author_is_of_one_domain_or_of_none() {
        for (header, wanted) in [
            ("From: A <a@X.test>\r\n\r\n", of("x.test")),
            ("Subject: x\r\nFROM :\r\n a@x.test\r\n\r\n", of("x.test")),
            ("From: a@x.test, \"b\" <b@X.TEST>\r\n\r\n", of("x.test")),
            ("From: g: a@x.test, b@x.test;\r\n\r\n", of("x.test")),
            ("From: \"a@y.test\" <a@x.test>\r\n\r\n", of("x.test")),
            ("From: =?utf-8?q?a=40y=2Etest?= <a@x.test>\r\n\r\n", of("x.test")),
            ("From: J\u{101}nis <j\u{101}nis@\u{113}ka.test>\r\n\r\n", of("\u{113}ka.test")),
            ("From: a@x.test, b@y.test\r\n\r\n", Author::Unclear("authors of several domains")),
            ("From: a@x.test\r\nFrom: b@x.test\r\n\r\n", Author::Unclear("several From fields")),
            ("Subject: x\r\n\r\n", Author::Unclear("no From field")),
            ("From: undisclosed:;\r\n\r\n", Author::Unreadable),
            ("From: nobody\r\n\r\n", Author::Unreadable),
            ("From:\r\n\r\n", Author::Unreadable),
            ("From: <>\r\n\r\n", Author::Unreadable),
            ("From: a@x.test\r\nSubj\0ect: x\r\n\r\n", Author::Unreadable),
        ] {
            assert_eq!(author(header.as_bytes()), wanted, "{header:?}");
        }
    }

    #[test]
    fn octets_that_are_no_text_are_no_domain() {
        assert_eq!(author(b"From: a@x\xe4.test\r\n\r\n"), Author::Unreadable);
        assert_eq!(author(b"From: M\xfcller <a@x.test>\r\n\r\n"), of("x.test"));
    }

    #[test]
    fn what_programs_may_read_differently_never_names_the_one_they_would_not_check() {
        for header in [
            "From: a@victim.test <a@evil.test>\r\n\r\n",
            "From: <a@victim.test> <a@evil.test>\r\n\r\n",
            "From: a@victim.test, <a@evil.test\r\n\r\n",
            "From: (a@victim.test) a@evil.test\r\n\r\n",
            "From: a@evil.test (<a@victim.test>)\r\n\r\n",
            "From: <@victim.test:a@evil.test>\r\n\r\n",
            "From: \"x\\\" <a@victim.test>, y\" <a@evil.test>\r\n\r\n",
        ] {
            assert_ne!(author(header.as_bytes()), of("victim.test"), "{header:?}");
        }
    }
}
