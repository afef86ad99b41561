//! The keys of every kind of record, and the ranges that list them.

use postern_model::mime::Facts;
use postern_model::record::{
    Abuse, Access, Account, Activity, AddressEntry, Annotations, AppPassword, Block, Brake, Checks,
    ClockReading, Consignment, Credentials, DmarcDay, DomainEntry, DomainKey, Doomed, Due, FailedLogins,
    Filed, Folders, Greylisted, MailboxHeader, NextAccount, OwedNotice, OwedSms, Pending, PlanNames, Queued,
    Removal, Replies, Rules, SendingLock, Signature, Sms, StoreMeta, StoreSecret, StsPolicy, TlsDay, Usage,
    Vanished,
};
use postern_model::{AccountId, AppPasswordId, Domain, LetterId, MailboxId, ModSeq, QueueId, Timestamp};

use crate::blob::BodyRef;
use crate::keyspace::{Key, KeyRange, Parts, RawKey, Writer, kind, meta as meta_kind, space};

/// What is known of the store as a whole.
pub fn meta() -> Key<StoreMeta> {
    Writer::space(space::META).u8(meta_kind::STORE).key()
}

/// The id that the next account gets; there is one from the first opening on.
pub fn next_account() -> Key<NextAccount> {
    Writer::space(space::META).u8(meta_kind::NEXT_ACCOUNT).key()
}

/// Where a manual clock stood last (SPEC O6).
pub fn clock() -> Key<ClockReading> {
    Writer::space(space::META).u8(meta_kind::CLOCK).key()
}

/// The store's secret.
pub fn secret() -> Key<StoreSecret> {
    Writer::space(space::META).u8(meta_kind::SECRET).key()
}

/// The brake on mass closing (SPEC A16).
pub fn brake() -> Key<Brake> {
    Writer::space(space::META).u8(meta_kind::BRAKE).key()
}

/// The plans that accounts may have.
pub fn plan_names() -> Key<PlanNames> {
    Writer::space(space::META).u8(meta_kind::PLANS).key()
}

/// Whether every account's deadline is filed under [`due`].
pub fn filed() -> Key<Filed> {
    Writer::space(space::META).u8(meta_kind::FILED).key()
}

/// A domain whose mail stays here.
pub fn domain(domain: &Domain) -> Key<DomainEntry> {
    Writer::space(space::DOMAIN).bytes(domain.as_str().as_bytes()).key()
}

/// All domains, by name.
pub fn all_domains() -> KeyRange<Domain, DomainEntry> {
    Writer::space(space::DOMAIN)
        .range(|key| Domain::parse(std::str::from_utf8(Parts(key).skip(1)?.0).ok()?).ok())
}

/// A domain's DKIM key by its selector.
pub fn domain_key(domain: &Domain, selector: &str) -> Key<DomainKey> {
    domain_keys_prefix(domain).bytes(selector.as_bytes()).key()
}

/// A domain's DKIM keys, by selector.
pub fn domain_keys_of(domain: &Domain) -> KeyRange<(Domain, String), DomainKey> {
    domain_keys_prefix(domain).range(parse_domain_key)
}

/// The DKIM keys of all domains, by domain and selector.
pub fn all_domain_keys() -> KeyRange<(Domain, String), DomainKey> {
    Writer::space(space::DOMAIN_KEYS).range(parse_domain_key)
}

fn domain_keys_prefix(domain: &Domain) -> Writer {
    Writer::space(space::DOMAIN_KEYS).bytes(domain.as_str().as_bytes()).u8(0)
}

fn parse_domain_key(key: &[u8]) -> Option<(Domain, String)> {
    let (domain, selector) = std::str::from_utf8(Parts(key).skip(1)?.0).ok()?.split_once('\0')?;
    Some((Domain::parse(domain).ok()?, selector.to_owned()))
}

/// Whose an address is; `address` is spelled as [`postern_model::EmailAddress::key`] gives it.
///
/// The domain stands first on disk, so that a domain's addresses lie together.
pub fn address(address: &str) -> Key<AddressEntry> {
    let (local, domain) = address.rsplit_once('@').unwrap_or((address, ""));
    addresses_prefix(domain).bytes(local.as_bytes()).key()
}

/// All addresses, by domain and then by local part.
pub fn all_addresses() -> KeyRange<String, AddressEntry> {
    Writer::space(space::ADDRESS).range(parse_address)
}

/// The addresses of one domain.
pub fn addresses_of(domain: &Domain) -> KeyRange<String, AddressEntry> {
    addresses_prefix(domain.as_str()).range(parse_address)
}

fn addresses_prefix(domain: &str) -> Writer {
    Writer::space(space::ADDRESS).bytes(domain.as_bytes()).u8(0)
}

fn parse_address(key: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(Parts(key).skip(1)?.0).ok()?;
    let (domain, local) = text.split_once('\0')?;
    Some(format!("{local}@{domain}"))
}

/// Who an account belongs to.
pub fn account(id: AccountId) -> Key<Account> {
    Writer::account(id, kind::ACCOUNT).key()
}

/// Whose [`account`] a key is, where it is one.
pub(crate) fn whose_account(key: &[u8]) -> Option<AccountId> {
    let (head, kind) = key.split_at_checked(9)?;
    let is_account = head[0] == space::ACCOUNT && kind == [kind::ACCOUNT];
    if is_account { last_u64(head).map(AccountId) } else { None }
}

/// An account's password.
pub fn credentials(id: AccountId) -> Key<Credentials> {
    Writer::account(id, kind::CREDENTIALS).key()
}

/// Which protocols an account may use.
pub fn access(id: AccountId) -> Key<Access> {
    Writer::account(id, kind::ACCESS).key()
}

/// When an account was used last.
pub fn activity(id: AccountId) -> Key<Activity> {
    Writer::account(id, kind::ACTIVITY).key()
}

/// Whether an account's sending is locked.
pub fn sending_lock(id: AccountId) -> Key<SendingLock> {
    Writer::account(id, kind::SENDING_LOCK).key()
}

/// When an account's mail was checked.
pub fn checks(id: AccountId) -> Key<Checks> {
    Writer::account(id, kind::CHECKS).key()
}

/// What the abuse rules remember of an account.
pub fn abuse(id: AccountId) -> Key<Abuse> {
    Writer::account(id, kind::ABUSE).key()
}

/// What an account's user has arranged for their mail.
pub fn rules(id: AccountId) -> Key<Rules> {
    Writer::account(id, kind::RULES).key()
}

/// Whom an account's vacation reply went to.
pub fn replies(id: AccountId) -> Key<Replies> {
    Writer::account(id, kind::REPLIES).key()
}

/// What an account stores.
pub fn usage(id: AccountId) -> Key<Usage> {
    Writer::account(id, kind::USAGE).key()
}

/// A password made for one program.
pub fn app_password(id: AccountId, n: AppPasswordId) -> Key<AppPassword> {
    Writer::account(id, kind::APP_PASSWORD).u32(n.0).key()
}

/// An account's app passwords, by number.
pub fn app_passwords_of(id: AccountId) -> KeyRange<AppPasswordId, AppPassword> {
    Writer::account(id, kind::APP_PASSWORD).range(|key| last_u32(key).map(AppPasswordId))
}

/// A folder's counters.
pub fn mailbox(id: AccountId, mailbox: MailboxId) -> Key<MailboxHeader> {
    Writer::account(id, kind::MAILBOX).u32(mailbox.0).key()
}

/// An account's folders, by number.
pub fn mailboxes_of(id: AccountId) -> KeyRange<MailboxId, MailboxHeader> {
    Writer::account(id, kind::MAILBOX).range(|key| last_u32(key).map(MailboxId))
}

/// The letters of a folder, 64 to a block.
pub fn block(id: AccountId, mailbox: MailboxId, n: u32) -> Key<Block> {
    Writer::account(id, kind::BLOCK).u32(mailbox.0).u32(n).key()
}

/// A folder's blocks, by number.
pub fn blocks_of(id: AccountId, mailbox: MailboxId) -> KeyRange<u32, Block> {
    Writer::account(id, kind::BLOCK).u32(mailbox.0).range(last_u32)
}

/// The blocks of all of an account's folders, by folder and number.
pub fn all_blocks_of(id: AccountId) -> KeyRange<(MailboxId, u32), Block> {
    Writer::account(id, kind::BLOCK).range(|key| {
        let mut parts = Parts(key).skip(10)?;
        Some((MailboxId(parts.u32()?), parts.u32()?))
    })
}

/// What left a folder at one modification sequence.
pub fn vanished(id: AccountId, mailbox: MailboxId, at: ModSeq) -> Key<Vanished> {
    Writer::account(id, kind::VANISHED).u32(mailbox.0).u64(at.0).key()
}

/// What left a folder, oldest first.
pub fn vanished_of(id: AccountId, mailbox: MailboxId) -> KeyRange<ModSeq, Vanished> {
    Writer::account(id, kind::VANISHED).u32(mailbox.0).range(|key| last_u64(key).map(ModSeq))
}

/// An account's folders by name.
pub fn folders(id: AccountId) -> Key<Folders> {
    Writer::account(id, kind::FOLDERS).key()
}

/// Notes on a folder; on the account as a whole where `mailbox` is `None`.
pub fn annotations(id: AccountId, mailbox: Option<MailboxId>) -> Key<Annotations> {
    Writer::account(id, kind::ANNOTATIONS).u32(mailbox.map_or(0, |mailbox| mailbox.0)).key()
}

/// All notes of an account, by folder; those on the account as a whole come first, under `None`.
pub fn annotations_of(id: AccountId) -> KeyRange<Option<MailboxId>, Annotations> {
    Writer::account(id, kind::ANNOTATIONS)
        .range(|key| last_u32(key).map(|mailbox| Some(MailboxId(mailbox)).filter(|mailbox| mailbox.0 != 0)))
}

/// Which texts a letter can hold.
pub fn signature(id: AccountId, letter: LetterId) -> Key<Signature> {
    Writer::account(id, kind::SIGNATURE).u64(letter.0).key()
}

/// The signatures of an account's letters, by letter; letters of before there were any have none.
pub fn signatures_of(id: AccountId) -> KeyRange<LetterId, Signature> {
    Writer::account(id, kind::SIGNATURE).range(|key| last_u64(key).map(LetterId))
}

/// What is known of a letter without reading it.
pub fn facts(id: AccountId, letter: LetterId) -> Key<Facts> {
    Writer::account(id, kind::FACTS).u64(letter.0).key()
}

/// The facts of all of an account's letters, by letter.
pub fn facts_of(id: AccountId) -> KeyRange<LetterId, Facts> {
    Writer::account(id, kind::FACTS).range(|key| last_u64(key).map(LetterId))
}

/// Where a letter's body lies. Only [`crate::Batch::append_body`] and [`crate::Batch::drop_body`] write it.
pub fn body(id: AccountId, letter: LetterId) -> Key<BodyRef> {
    Writer::account(id, kind::BODY).u64(letter.0).key()
}

/// The bodies of an account, by letter.
pub fn bodies_of(id: AccountId) -> KeyRange<LetterId, BodyRef> {
    Writer::account(id, kind::BODY).range(|key| last_u64(key).map(LetterId))
}

/// Everything of an account, of every kind, its event lists too; [`crate::View::keys`] lists it. What [`pending`],
/// [`doomed`], [`due`] and [`owed_notice`] hold of the account lies elsewhere.
pub fn everything_of(id: AccountId) -> KeyRange<RawKey, ()> {
    Writer::space(space::ACCOUNT).u64(id.0).range(|key| Some(RawKey(key.to_vec())))
}

/// A letter that is on disk and still owed to a recipient.
pub fn pending(letter: LetterId, id: AccountId) -> Key<Pending> {
    Writer::space(space::PENDING).u64(letter.0).u64(id.0).key()
}

/// All that is owed, in the order of acceptance.
pub fn all_pending() -> KeyRange<(LetterId, AccountId), Pending> {
    Writer::space(space::PENDING).range(|key| {
        let (letter, id) = two_u64(key)?;
        Some((LetterId(letter), AccountId(id)))
    })
}

/// A body that waits for its last reader.
pub fn doomed(id: AccountId, letter: LetterId) -> Key<Doomed> {
    Writer::space(space::DOOMED).u64(id.0).u64(letter.0).key()
}

/// All bodies that wait for their last reader, by account.
pub fn all_doomed() -> KeyRange<(AccountId, LetterId), Doomed> {
    Writer::space(space::DOOMED).range(parse_doomed)
}

/// The bodies of one account that wait for their last reader.
pub fn doomed_of(id: AccountId) -> KeyRange<(AccountId, LetterId), Doomed> {
    Writer::space(space::DOOMED).u64(id.0).range(parse_doomed)
}

fn parse_doomed(key: &[u8]) -> Option<(AccountId, LetterId)> {
    let (id, letter) = two_u64(key)?;
    Some((AccountId(id), LetterId(letter)))
}

/// An account whose removal has begun.
pub fn removal(id: AccountId) -> Key<Removal> {
    Writer::space(space::REMOVAL).u64(id.0).key()
}

/// All accounts whose removal has begun.
pub fn all_removals() -> KeyRange<AccountId, Removal> {
    Writer::space(space::REMOVAL).range(|key| last_u64(key).map(AccountId))
}

/// An account's place in the index of what falls due at `at`; times before 1970 count as 1970.
pub fn due(at: Timestamp, id: AccountId) -> Key<Due> {
    Writer::space(space::DUE).u64(instant(at)).u64(id.0).key()
}

/// All that falls due, the earliest first.
pub fn all_due() -> KeyRange<(Timestamp, AccountId), Due> {
    Writer::space(space::DUE).range(|key| {
        let (at, id) = two_u64(key)?;
        Some((Timestamp(i64::try_from(at).ok()?), AccountId(id)))
    })
}

fn instant(at: Timestamp) -> u64 {
    u64::try_from(at.0).unwrap_or(0)
}

/// A notice that is owed to an account, under the id of the letter that it will be.
pub fn owed_notice(letter: LetterId, id: AccountId) -> Key<OwedNotice> {
    Writer::space(space::OUTBOX).u64(letter.0).u64(id.0).key()
}

/// All notices that are owed, in the order of their letters' ids.
pub fn all_owed_notices() -> KeyRange<(LetterId, AccountId), OwedNotice> {
    Writer::space(space::OUTBOX).range(|key| {
        let (letter, id) = two_u64(key)?;
        Some((LetterId(letter), AccountId(id)))
    })
}

/// What an account's user wants to be told by SMS.
pub fn sms(id: AccountId) -> Key<Sms> {
    Writer::account(id, kind::SMS).key()
}

/// An SMS alert that is owed, of this letter.
pub fn owed_sms(letter: LetterId, id: AccountId) -> Key<OwedSms> {
    Writer::space(space::SMS).u64(letter.0).u64(id.0).key()
}

/// All alerts that are owed, by letter.
pub fn all_owed_sms() -> KeyRange<(LetterId, AccountId), OwedSms> {
    Writer::space(space::SMS).range(|key| {
        let (letter, id) = two_u64(key)?;
        Some((LetterId(letter), AccountId(id)))
    })
}

/// The envelope of a letter in the queue. Its consignments lie behind it.
pub fn queued(id: QueueId) -> Key<Queued> {
    queue_prefix(id).u8(ENVELOPE).key()
}

/// What of a letter in the queue goes to one domain.
pub fn consignment(id: QueueId, domain: &Domain) -> Key<Consignment> {
    queue_prefix(id).u8(CONSIGNMENT).bytes(domain.as_str().as_bytes()).key()
}

/// The consignments of a letter in the queue, by domain.
pub fn consignments_of(id: QueueId) -> KeyRange<Domain, Consignment> {
    queue_prefix(id).u8(CONSIGNMENT).range(|key| parse_consignment(key).map(|(_, domain)| domain))
}

/// Everything in the queue, envelopes and consignments, by letter.
pub fn whole_queue() -> KeyRange<RawKey, ()> {
    Writer::space(space::QUEUE).range(|key| Some(RawKey(key.to_vec())))
}

/// What of the queue lies behind one envelope and its consignments.
pub fn queue_behind(id: QueueId) -> KeyRange<RawKey, ()> {
    let mut range = whole_queue();
    range.start = queue_prefix(id).range::<RawKey, ()>(|_| None).end;
    range
}

/// Everything of one letter in the queue, all its envelopes.
pub fn queue_of(letter: LetterId) -> KeyRange<RawKey, ()> {
    Writer::space(space::QUEUE).u64(letter.0).range(|key| Some(RawKey(key.to_vec())))
}

/// Behind a letter's and an envelope's number: which of the two kinds of record it is.
const ENVELOPE: u8 = 0;
const CONSIGNMENT: u8 = 1;

fn queue_prefix(id: QueueId) -> Writer {
    let [high, low] = id.envelope.to_be_bytes();
    Writer::space(space::QUEUE).u64(id.letter.0).u8(high).u8(low)
}

/// What a key in the queue stands for: `None` behind the id is the envelope.
pub fn parse_queue(key: &RawKey) -> Option<(QueueId, Option<Domain>)> {
    let mut parts = Parts(&key.0).skip(1)?;
    let letter = LetterId(parts.u64()?);
    let id = QueueId { letter, envelope: u16::from_be_bytes([parts.u8()?, parts.u8()?]) };
    match parts.u8()? {
        ENVELOPE => parts.end().map(|()| (id, None)),
        CONSIGNMENT => Some((id, Some(Domain::parse(std::str::from_utf8(parts.0).ok()?).ok()?))),
        _ => None,
    }
}

fn parse_consignment(key: &[u8]) -> Option<(QueueId, Domain)> {
    let (id, domain) = parse_queue(&RawKey(key.to_vec()))?;
    Some((id, domain?))
}

/// The failed logins of a source, an account or a pair of both; what `who` holds is the caller's affair.
pub fn failed_logins(who: &[u8]) -> Key<FailedLogins> {
    Writer::space(space::FAILED_LOGINS).bytes(who).key()
}

/// All failed logins that are remembered.
pub fn all_failed_logins() -> KeyRange<Vec<u8>, FailedLogins> {
    Writer::space(space::FAILED_LOGINS).range(|key| Some(Parts(key).skip(1)?.0.to_vec()))
}

/// What came from a domain in one day, counted from 1970-01-01 in UTC.
pub fn dmarc_day(day: u32, domain: &Domain) -> Key<DmarcDay> {
    Writer::space(space::DMARC_REPORT).u32(day).bytes(domain.as_str().as_bytes()).key()
}

/// What came from all domains in one day.
pub fn dmarc_days_of(day: u32) -> KeyRange<(u32, Domain), DmarcDay> {
    Writer::space(space::DMARC_REPORT).u32(day).range(day_and_domain)
}

/// What came from all domains, by day.
pub fn all_dmarc_days() -> KeyRange<(u32, Domain), DmarcDay> {
    Writer::space(space::DMARC_REPORT).range(day_and_domain)
}

fn day_and_domain(key: &[u8]) -> Option<(u32, Domain)> {
    let mut parts = Parts(key).skip(1)?;
    Some((parts.u32()?, Domain::parse(std::str::from_utf8(parts.0).ok()?).ok()?))
}

/// What a domain demands of TLS (MTA-STS).
pub fn sts_policy(domain: &Domain) -> Key<StsPolicy> {
    Writer::space(space::STS).bytes(domain.as_str().as_bytes()).key()
}

/// What all domains demand of TLS.
pub fn all_sts_policies() -> KeyRange<Domain, StsPolicy> {
    let parse = |key: &[u8]| {
        let name = Parts(key).skip(1)?.0;
        Domain::parse(std::str::from_utf8(name).ok()?).ok()
    };
    Writer::space(space::STS).range(parse)
}

/// How TLS went with a domain's servers in one day, counted from 1970-01-01 in UTC.
pub fn tls_day(day: u32, domain: &Domain) -> Key<TlsDay> {
    Writer::space(space::TLS_REPORT).u32(day).bytes(domain.as_str().as_bytes()).key()
}

/// How TLS went with the servers of all domains in one day.
pub fn tls_days_of(day: u32) -> KeyRange<(u32, Domain), TlsDay> {
    Writer::space(space::TLS_REPORT).u32(day).range(day_and_domain)
}

/// How TLS went with the servers of all domains, by day.
pub fn all_tls_days() -> KeyRange<(u32, Domain), TlsDay> {
    Writer::space(space::TLS_REPORT).range(day_and_domain)
}

/// A client that was, or need not be, told to come back; `who` is a digest.
pub fn greylisted(who: &[u8; 16]) -> Key<Greylisted> {
    Writer::space(space::GREYLIST).bytes(who).key()
}

/// All clients that were told to come back.
pub fn all_greylisted() -> KeyRange<[u8; 16], Greylisted> {
    Writer::space(space::GREYLIST).range(|key| Parts(key).skip(1)?.0.try_into().ok())
}

fn last_u32(key: &[u8]) -> Option<u32> {
    Parts(key).skip(key.len().checked_sub(4)?)?.u32()
}

fn last_u64(key: &[u8]) -> Option<u64> {
    Parts(key).skip(key.len().checked_sub(8)?)?.u64()
}

fn two_u64(key: &[u8]) -> Option<(u64, u64)> {
    let mut parts = Parts(key).skip(1)?;
    let both = (parts.u64()?, parts.u64()?);
    parts.end().map(|()| both)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::blob::{BackRef, SegmentId, segment_key};
    use crate::keyspace::hex;
    use crate::log::Ring;

    /// Where things lie is on disk for ever.
    #[test]
    fn keys_lie_where_they_always_lay() {
        let (id, letter, inbox) = (AccountId(0x102), LetterId(0x304), MailboxId::INBOX);
        let demo = Domain::parse("demo.test").expect("a domain");
        let back = BackRef { segment: SegmentId(0x506), offset: 0x708, account: id, letter };
        for (key, golden) in [
            (meta().into_bytes(), "0001"),
            (next_account().into_bytes(), "0002"),
            (clock().into_bytes(), "0003"),
            (secret().into_bytes(), "0005"),
            (brake().into_bytes(), "0006"),
            (plan_names().into_bytes(), "0007"),
            (filed().into_bytes(), "0008"),
            (crate::letters::key().into_bytes(), "0004"),
            (crate::open::format_key().into_bytes(), "0000"),
            (domain(&demo).into_bytes(), "0164656d6f2e74657374"),
            (domain_key(&demo, "p1r").into_bytes(), "0d64656d6f2e7465737400703172"),
            (address("al@demo.test").into_bytes(), "0264656d6f2e7465737400616c"),
            (account(id).into_bytes(), "03000000000000010200"),
            (credentials(id).into_bytes(), "03000000000000010201"),
            (access(id).into_bytes(), "03000000000000010202"),
            (activity(id).into_bytes(), "03000000000000010203"),
            (usage(id).into_bytes(), "03000000000000010204"),
            (app_password(id, AppPasswordId(5)).into_bytes(), "0300000000000001020500000005"),
            (sending_lock(id).into_bytes(), "03000000000000010206"),
            (checks(id).into_bytes(), "03000000000000010207"),
            (abuse(id).into_bytes(), "03000000000000010208"),
            (rules(id).into_bytes(), "03000000000000010209"),
            (replies(id).into_bytes(), "0300000000000001020a"),
            (mailbox(id, inbox).into_bytes(), "0300000000000001021000000001"),
            (block(id, inbox, 6).into_bytes(), "030000000000000102110000000100000006"),
            (vanished(id, inbox, ModSeq(7)).into_bytes(), "03000000000000010212000000010000000000000007"),
            (folders(id).into_bytes(), "03000000000000010213"),
            (annotations(id, Some(inbox)).into_bytes(), "0300000000000001021400000001"),
            (signature(id, letter).into_bytes(), "030000000000000102220000000000000304"),
            (facts(id, letter).into_bytes(), "030000000000000102200000000000000304"),
            (body(id, letter).into_bytes(), "030000000000000102210000000000000304"),
            (crate::log::head(id).into_bytes(), "03000000000000010230"),
            (crate::log::at(id, Ring::Letters, 9).into_bytes(), "03000000000000010231030000000000000009"),
            (pending(letter, id).into_bytes(), "0400000000000003040000000000000102"),
            (failed_logins(b"x").into_bytes(), "0578"),
            (doomed(id, letter).into_bytes(), "0600000000000001020000000000000304"),
            (removal(id).into_bytes(), "090000000000000102"),
            (due(Timestamp(0x90a), id).into_bytes(), "0a000000000000090a0000000000000102"),
            (owed_notice(letter, id).into_bytes(), "0b00000000000003040000000000000102"),
            (back.key().into_bytes(), "070000000000000506000000000000070800000000000001020000000000000304"),
            (segment_key(back.segment).into_bytes(), "080000000000000506"),
        ] {
            assert_eq!(hex(&key), golden);
        }
    }

    #[test]
    fn only_the_record_of_an_account_says_whose_it_is() {
        let id = AccountId(0x102);
        assert_eq!(whose_account(account(id).as_bytes()), Some(id));
        for other in [usage(id).into_bytes(), body(id, LetterId(0)).into_bytes(), removal(id).into_bytes()] {
            assert_eq!(whose_account(&other), None);
        }
        let longer = [account(id).as_bytes(), &[0]].concat();
        assert_eq!(whose_account(&longer), None);
    }

    #[test]
    fn every_key_reads_back_as_what_it_was_made_of() {
        fn read<K, R>(range: &KeyRange<K, R>, key: &Key<R>) -> Option<K> {
            let inside = *range.start <= *key.as_bytes() && *key.as_bytes() < *range.end;
            inside.then(|| (range.parse)(key.as_bytes())).flatten()
        }
        let (id, letter, folder) = (AccountId(u64::MAX), LetterId(9), MailboxId(3));
        let demo = Domain::parse("demo.test").expect("a domain");
        assert_eq!(read(&all_domains(), &domain(&demo)), Some(demo.clone()));
        for spelled in ["al@demo.test", "a@b@demo.test", "ēriks@demo.test"] {
            assert_eq!(read(&all_addresses(), &address(spelled)).as_deref(), Some(spelled));
            assert_eq!(read(&addresses_of(&demo), &address(spelled)).as_deref(), Some(spelled));
        }
        assert_eq!(read(&addresses_of(&demo), &address("al@demo.tes")), None);
        assert_eq!(read(&addresses_of(&demo), &address("al@demo.test.org")), None);
        assert_eq!(read(&app_passwords_of(id), &app_password(id, AppPasswordId(5))), Some(AppPasswordId(5)));
        assert_eq!(read(&mailboxes_of(id), &mailbox(id, folder)), Some(folder));
        assert_eq!(read(&blocks_of(id, folder), &block(id, folder, 77)), Some(77));
        assert_eq!(read(&blocks_of(id, folder), &block(id, MailboxId(4), 77)), None);
        let placed = read(&all_blocks_of(id), &block(id, folder, 77));
        assert_eq!(placed, Some((folder, 77)));
        assert_eq!(
            read(&vanished_of(id, folder), &vanished(id, folder, ModSeq(1 << 40))),
            Some(ModSeq(1 << 40))
        );
        assert_eq!(read(&facts_of(id), &facts(id, letter)), Some(letter));
        assert_eq!(read(&bodies_of(id), &body(id, letter)), Some(letter));
        assert_eq!(read(&all_pending(), &pending(letter, id)), Some((letter, id)));
        assert_eq!(read(&all_doomed(), &doomed(id, letter)), Some((id, letter)));
        assert_eq!(read(&doomed_of(AccountId(1)), &doomed(id, letter)), None);
        for at in [Timestamp(0), Timestamp(77), Timestamp::NEVER] {
            assert_eq!(read(&all_due(), &due(at, id)), Some((at, id)));
        }
        assert_eq!(read(&all_due(), &due(Timestamp(-5), id)), Some((Timestamp(0), id)), "1970");
        assert_eq!(read(&all_owed_notices(), &owed_notice(letter, id)), Some((letter, id)));
        for ring in Ring::ALL {
            assert_eq!(read(&crate::log::all(id), &crate::log::at(id, ring, 9)), Some((ring, 9)));
        }
        assert_eq!(read(&all_failed_logins(), &failed_logins(b"\x00\xff")), Some(b"\x00\xff".to_vec()));
    }
}
