//! The bytes of every record, as they are on disk for ever. A line here fails when a field is added, moved or retyped:
//! then the record needs a new version, and the bytes that stand here must go on being read.

use postern_model::imap::{MailboxName, SpecialUse};
use postern_model::mime::{
    Address, Content, Disposition, Envelope, Facts, Mailbox, MediaType, Message, Octets, Parameter, Part,
};
use postern_model::record::{
    Account, AddressEntry, AddressKind, Annotation, Annotations, AppPassword, Block, ClockReading,
    Credentials, DomainEntry, Doomed, Entry, Folders, MailboxHeader, NamedFolder, NextAccount, Pending,
    Pop3Delete, Record, Removal, ScramKeys, Signature, Status, StoreMeta, StoreSecret, Usage, Vanished,
};
use postern_model::{AccountId, Flags, LetterId, MailboxId, ModSeq, Protocol, Timestamp, Uid, UidValidity};

use crate::blob::{BodyRef, FrameRef, SegmentId, SegmentInfo};
use crate::codec::{decode, encode, modernise};
use crate::keyspace::hex;
use crate::letters::LetterIds;
use crate::open::StoreFormat;

const AT: Timestamp = Timestamp(1_772_366_400_000_000);

pub(super) fn golden<R: Record>(record: &R, bytes: &str) {
    let encoded = encode(record).expect("small");
    assert_eq!(hex(&encoded), bytes, "{}", R::NAME);
    let again = encode(&decode::<R>(&encoded).expect("it reads back")).expect("small");
    assert_eq!(hex(&again), bytes, "{} reads back as something else", R::NAME);
}

/// What an older version wrote is still read.
pub(super) fn reads_as<R: Record + PartialEq + std::fmt::Debug>(bytes: &str, record: &R) {
    let pairs = bytes.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).expect("hex digits"));
    let stored: Vec<u8> = pairs.map(|pair| u8::from_str_radix(pair, 16).expect("hex digits")).collect();
    assert_ne!(stored[0], R::VERSION, "{bytes} is of today's version");
    assert_eq!(&decode::<R>(&stored).expect("an older version"), record);
    let today = encode(record).expect("small");
    assert_eq!(modernise::<R>(&stored), Some(today), "a precondition finds it equal");
}

fn scram() -> ScramKeys {
    ScramKeys { stored_key: [0xaa; 32], server_key: [0xbb; 32], iterations: 100_000 }
}

#[test]
fn the_store_itself() {
    golden(&StoreFormat(1), "0101");
    golden(&StoreMeta { created: AT }, "01fd00205e6bea970c00");
    golden(&NextAccount(AccountId(7)), "0107");
    golden(&ClockReading(Timestamp(-1)), "0101");
    golden(&LetterIds(65_537), "01fc01000100");
    golden(
        &StoreSecret { key: [0xcc; 32] },
        "01cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc",
    );
    let domain = DomainEntry { added: AT, catch_all: None };
    golden(&domain, "02fd00205e6bea970c0000");
    golden(&DomainEntry { catch_all: Some(AccountId(7)), ..domain.clone() }, "02fd00205e6bea970c000107");
    // Version 1: there was no catch-all.
    reads_as("01fd00205e6bea970c00", &domain);
    let place = BodyRef { segment: SegmentId(1), offset: 2, length: 3, frame: 300, first: None };
    golden(&place, "02010203fb2c0100");
    golden(&BodyRef { first: Some(LetterId(4)), ..place }, "02010203fb2c010104");
    // Version 1: no letter was a copy.
    reads_as("01010203fb2c01", &place);
    golden(&FrameRef { length: 3, frame: 300 }, "0103fb2c01");
    golden(&SegmentInfo { length: 1 << 26, live: 5, closed: true }, "01fc000000040501");
}

#[test]
fn who_an_account_is() {
    for (kind, bytes) in [(AddressKind::Primary, "010900"), (AddressKind::Alias, "010901")] {
        golden(&AddressEntry { account: AccountId(9), kind }, bytes);
    }
    let account = Account {
        address: "al@demo.test".into(),
        plan: "free".into(),
        status: Status::Active,
        language: "lv".into(),
        created: Timestamp(1),
        legacy_plaintext: true,
        pop3_delete: Pop3Delete::Delete,
    };
    for (pop3_delete, bytes) in [
        (Pop3Delete::Delete, "020c616c4064656d6f2e74657374046672656500026c76020100"),
        (Pop3Delete::Keep, "020c616c4064656d6f2e74657374046672656500026c76020101"),
        (Pop3Delete::Trash, "020c616c4064656d6f2e74657374046672656500026c76020102"),
        (Pop3Delete::Archive, "020c616c4064656d6f2e74657374046672656500026c76020103"),
    ] {
        golden(&Account { pop3_delete, ..account.clone() }, bytes);
    }
    for (status, bytes) in [
        (Status::Active, "020c616c4064656d6f2e74657374046672656500026c76020100"),
        (Status::Inactive, "020c616c4064656d6f2e74657374046672656501026c76020100"),
        (Status::Suspended, "020c616c4064656d6f2e74657374046672656502026c76020100"),
    ] {
        golden(&Account { status, ..account.clone() }, bytes);
    }
    // Version 1: what POP3 deleted was deleted.
    for (status, bytes) in [
        (Status::Active, "010c616c4064656d6f2e74657374046672656500026c760201"),
        (Status::Inactive, "010c616c4064656d6f2e74657374046672656501026c760201"),
        (Status::Suspended, "010c616c4064656d6f2e74657374046672656502026c760201"),
    ] {
        reads_as(bytes, &Account { status, ..account.clone() });
    }
    let credentials = Credentials {
        hash: "$argon2id$".into(),
        scram_salt: vec![1, 2],
        scram: Some(scram()),
        changed: Timestamp(1),
        generation: 3,
    };
    golden(
        &credentials,
        "010a246172676f6e3269642402010201aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\
             aaaaaabbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbfca08601000203",
    );
    let app = AppPassword {
        name: "phone".into(),
        protocols: Protocol::ALL.to_vec(),
        hash: "$a".into(),
        scram: None,
        created: Timestamp(1),
        expires: Some(Timestamp(2)),
        last_used: Some(Timestamp(3)),
        last_from: Some("::1".into()),
    };
    golden(&app, "010570686f6e650300010202246100020104010601033a3a31");
    golden(&Removal { since: AT }, "01fd00205e6bea970c00");
}

#[test]
fn what_an_account_stores() {
    golden(&Usage { letters: 1, octets: 70_000, mod_seq: ModSeq(3), told: 80 }, "0201fc701101000350");
    reads_as("0101fc7011010003", &Usage { letters: 1, octets: 70_000, mod_seq: ModSeq(3), told: 0 });
    let header = MailboxHeader {
        uid_validity: UidValidity(1),
        uid_next: Some(Uid(2)),
        highest_mod_seq: ModSeq(3),
        letters: 4,
        octets: 5,
        unseen: 6,
        deleted: 8,
        deleted_octets: 9,
        keywords: vec!["$Junk".into()],
        last_block: 7,
        recent: Uid(10),
    };
    golden(&header, "020101020304050608090105244a756e6b070a");
    // Version 1: nothing was marked as deleted, and no IMAP session had been told of anything.
    let old = MailboxHeader { deleted: 0, deleted_octets: 0, recent: Uid(1), ..header };
    reads_as("01010102030405060105244a756e6b07", &old);
    let entry = Entry {
        uid: Uid(1),
        mod_seq: ModSeq(2),
        flags: Flags::SEEN.with(Flags::DRAFT),
        keywords: 3,
        size: 4,
        internal_date: -5,
        saved_after: 6,
        letter: LetterId(7),
        email: Some(LetterId(8)),
        pop3_uidl: Some("u".into()),
        pop3_hidden: true,
    };
    golden(&Block { entries: vec![entry.clone()] }, "02010102110304090c07010801017501");
    // Version 1: no letter was a copy.
    reads_as("01010102110304090c0701017501", &Block { entries: vec![Entry { email: None, ..entry }] });
    golden(&Vanished { uids: vec![(Uid(1), Uid(300))] }, "010101fb2c01");
    golden(&Pending { mailbox: MailboxId::INBOX, accepted: Timestamp(1), size: 2 }, "01010202");
    golden(&Doomed { since: Timestamp(1) }, "0102");
}

#[test]
fn what_an_account_calls_its_folders() {
    let name = |text| MailboxName::parse(text).expect("a name");
    let folders = Folders {
        version: 1,
        next: MailboxId(16),
        last_uid_validity: UidValidity(300),
        folders: vec![
            NamedFolder { name: name("INBOX"), id: Some(MailboxId::INBOX), uses: Vec::new() },
            NamedFolder { name: name("a/\u{17e}"), id: None, uses: Vec::new() },
        ],
        subscribed: vec![name("b")],
    };
    golden(&folders, "010110fb2c010205494e424f5801010004612fc5be0000010162");
    for (n, (of, _)) in SpecialUse::NAMES.into_iter().enumerate() {
        let one = NamedFolder { name: name("x"), id: Some(MailboxId(2)), uses: vec![of] };
        let one = Folders { folders: vec![one], subscribed: Vec::new(), ..folders.clone() };
        golden(&one, &format!("010110fb2c010101780102010{n}00"));
    }
    let note = Annotation { name: "/private/comment".into(), value: vec![0xff, 0] };
    golden(&Annotations { entries: vec![note] }, "0101102f707269766174652f636f6d6d656e7402ff00");
    golden(&Signature { bits: vec![1, 0x80] }, "01020180");
}

fn octets(text: &str) -> Octets {
    Octets(text.as_bytes().to_vec())
}

#[test]
fn what_is_known_of_a_letter() {
    let somebody = Mailbox {
        name: Some(octets("n")),
        route: Some(octets("r")),
        local: octets("l"),
        domain: octets("d"),
    };
    let envelope = Envelope {
        date: Some(octets("D")),
        subject: Some(octets("S")),
        from: vec![Address::Group(octets("g")), Address::Mailbox(somebody), Address::GroupEnd],
        sender: Vec::new(),
        reply_to: vec![Address::GroupEnd],
        to: Vec::new(),
        cc: Vec::new(),
        bcc: Vec::new(),
        in_reply_to: Some(octets("I")),
        message_id: Some(octets("M")),
    };
    let parameters = vec![Parameter { name: octets("a"), value: octets("b") }];
    let leaf = Part {
        header_start: 1,
        body_start: 2,
        body_end: 3,
        lines: 4,
        media_type: Some(MediaType {
            kind: octets("t"),
            subtype: octets("p"),
            parameters: parameters.clone(),
        }),
        encoding: Some(octets("e")),
        id: Some(octets("i")),
        description: Some(octets("c")),
        md5: Some(octets("5")),
        disposition: Some(Disposition { kind: octets("k"), parameters }),
        language: vec![octets("lv")],
        location: Some(octets("u")),
        content: Content::Leaf,
    };
    let inside = Message { envelope: Envelope::default(), structure: Part::default() };
    let message = Part { content: Content::Message(Box::new(inside)), ..Part::default() };
    let facts = Facts {
        envelope,
        structure: Part { content: Content::Multipart(vec![leaf, message]), ..Part::default() },
        references: vec![octets("f")],
        has_8bit: true,
        needs_utf8: false,
        has_nul: true,
    };
    golden(
        &facts,
        "01010144010153030101670001016e010172016c01640200010200000001014901014d00000000000000000000\
             00000102010203040101740170010161016201016501016901016301013501016b010161016201026c76010175\
             00000000000000000000000000020000000000000000000000000000000000000000000000010166010001",
    );
}
