//! What a command says, apart from how it is spelled. [`super::parse`] is the only place that makes these from bytes.

use std::num::NonZeroU32;

use postern_model::imap::{Flags, Keyword, MailboxName, ModSeq, SeqSet, SpecialUse, UidSet, UidValidity};
use zeroize::Zeroizing;

/// A command's tag (RFC 9051 §9, `tag`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tag(pub(super) Box<str>);

impl Tag {
    /// As the client spelled it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A command with its tag.
#[derive(Debug, PartialEq, Eq)]
pub struct Tagged {
    /// Its tag.
    pub tag: Tag,
    /// What is to be done.
    pub command: Command,
}

/// Fields of ID with their values; `None` is NIL.
pub type IdFields = Vec<(Vec<u8>, Option<Vec<u8>>)>;

/// Sequence numbers or UIDs: what the numbers of a command mean (RFC 9051 §6.4.9).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Numbering {
    /// Message sequence numbers.
    Sequence,
    /// Unique identifiers: the command stands behind `UID`.
    Uid,
}

/// Letters that a command is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Targets {
    /// A set of numbers, `*` among them.
    Set(SeqSet),
    /// `$`: what SEARCH saved (RFC 9051 §6.4.4.1).
    Saved,
}

/// All commands. Each has one row in the table of `crate::imap::command`.
#[derive(Debug, PartialEq, Eq)]
pub enum Command {
    /// CAPABILITY
    Capability,
    /// NOOP
    Noop,
    /// LOGOUT
    Logout,
    /// ID (RFC 2971); `None` is NIL. Bounded: 30 pairs, 30 and 1,024 octets.
    Id(Option<IdFields>),
    /// STARTTLS
    StartTls,
    /// AUTHENTICATE, with the initial response as it was sent (base64 or `=`).
    Authenticate {
        /// The mechanism's name.
        mechanism: String,
        /// RFC 4959
        initial: Option<Zeroizing<Vec<u8>>>,
    },
    /// LOGIN
    Login {
        /// The user name.
        user: Vec<u8>,
        /// The password.
        password: Zeroizing<Vec<u8>>,
    },
    /// ENABLE (RFC 5161): names in upper case.
    Enable(Vec<String>),
    /// COMPRESS (RFC 4978): the algorithm in upper case.
    Compress(String),
    /// UNAUTHENTICATE (RFC 8437)
    Unauthenticate,
    /// SELECT, EXAMINE
    Select(Select),
    /// CREATE (RFC 6154 §3: with uses)
    Create {
        /// Which.
        mailbox: MailboxName,
        /// `USE (…)`
        uses: Vec<SpecialUse>,
    },
    /// DELETE
    Delete(MailboxName),
    /// RENAME
    Rename {
        /// The folder.
        from: MailboxName,
        /// Its new name.
        to: MailboxName,
    },
    /// SUBSCRIBE
    Subscribe(MailboxName),
    /// UNSUBSCRIBE
    Unsubscribe(MailboxName),
    /// LIST (RFC 5258, 5819, 6154, 9590)
    List(List),
    /// LSUB (RFC 3501 §6.3.9)
    Lsub {
        /// What stands before the pattern.
        reference: String,
        /// With `*` and `%`, UTF-8.
        pattern: String,
    },
    /// NAMESPACE
    Namespace,
    /// STATUS
    Status {
        /// Which.
        mailbox: MailboxName,
        /// What.
        items: Vec<StatusItem>,
    },
    /// APPEND (RFC 3502, 4469, 4466, 6855)
    Append {
        /// Where to.
        mailbox: MailboxName,
        /// One at least.
        messages: Vec<Append>,
    },
    /// REPLACE, UID REPLACE (RFC 8508)
    Replace {
        /// What `target` is.
        numbering: Numbering,
        /// The letter that goes: one number, or `*`.
        target: SeqSet,
        /// Where the new one comes.
        mailbox: MailboxName,
        /// The new one.
        message: Append,
    },
    /// IDLE
    Idle,
    /// GETQUOTA (RFC 9208)
    GetQuota(Vec<u8>),
    /// GETQUOTAROOT
    GetQuotaRoot(MailboxName),
    /// SETQUOTA
    SetQuota {
        /// The quota root.
        root: Vec<u8>,
        /// Resources and their limits.
        limits: Vec<(String, u64)>,
    },
    /// GETMETADATA (RFC 5464)
    GetMetadata {
        /// `None`: the server's, spelled `""`.
        mailbox: Option<MailboxName>,
        /// `MAXSIZE`
        max_size: Option<u64>,
        /// `DEPTH`
        depth: Depth,
        /// Names of entries, in lower case, each begins with `/`.
        entries: Vec<String>,
    },
    /// SETMETADATA
    SetMetadata {
        /// `None`: the server's.
        mailbox: Option<MailboxName>,
        /// Names in lower case with values; `None` removes.
        entries: Vec<(String, Option<Vec<u8>>)>,
    },
    /// NOTIFY (RFC 5465)
    Notify(Notify),
    /// CHECK
    Check,
    /// CLOSE
    Close,
    /// UNSELECT
    Unselect,
    /// EXPUNGE; UID EXPUNGE has targets.
    Expunge(Option<Targets>),
    /// SEARCH, UID SEARCH
    Search(Numbering, Search),
    /// ESEARCH (RFC 7377): several mailboxes, or the selected one where `sources` is empty
    MultiSearch {
        /// `IN (…)`
        sources: Vec<Source>,
        /// What to look for.
        search: Search,
    },
    /// SORT, UID SORT (RFC 5256, 5267, 5957)
    Sort(Numbering, Vec<SortKey>, Search),
    /// THREAD, UID THREAD (RFC 5256)
    Thread(Numbering, Threading, Search),
    /// FETCH, UID FETCH
    Fetch(Numbering, Targets, Fetch),
    /// STORE, UID STORE
    Store(Numbering, Targets, Store),
    /// COPY, UID COPY
    Copy(Numbering, Targets, MailboxName),
    /// MOVE, UID MOVE
    Move(Numbering, Targets, MailboxName),
    /// UIDBATCHES (draft-ietf-mailmaint-imap-uidbatches): UIDs at which the folder falls into batches of a size; counted
    /// from the newest letter
    UidBatches {
        /// Letters of a batch.
        size: NonZeroU32,
        /// First and last batch wanted; all without.
        range: Option<(NonZeroU32, NonZeroU32)>,
    },
}

/// SELECT or EXAMINE.
#[derive(Debug, PartialEq, Eq)]
pub struct Select {
    /// Which.
    pub mailbox: MailboxName,
    /// EXAMINE
    pub read_only: bool,
    /// `(CONDSTORE)`
    pub condstore: bool,
    /// `(QRESYNC (…))`
    pub qresync: Option<QResync>,
}

/// What a client remembers of a folder (RFC 7162 §3.2.5).
#[derive(Debug, PartialEq, Eq)]
pub struct QResync {
    /// The UIDVALIDITY that it knew.
    pub uid_validity: UidValidity,
    /// The last modification sequence that it knows.
    pub mod_seq: ModSeq,
    /// UIDs that it knows; all up to UIDNEXT where it does not say.
    pub known: Option<UidSet>,
    /// Sequence numbers and their UIDs, of the same count.
    pub matched: Option<(UidSet, UidSet)>,
}

/// LIST with all that can go with it.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct List {
    /// Whether the command has selection options, returns or several patterns: then answers are the extended ones.
    pub extended: bool,
    /// `SUBSCRIBED`
    pub subscribed: bool,
    /// `REMOTE`: nothing is remote here.
    pub remote: bool,
    /// `RECURSIVEMATCH`
    pub recursive_match: bool,
    /// `SPECIAL-USE` as a selection option
    pub special_use: bool,
    /// What stands before each pattern.
    pub reference: String,
    /// With `*` and `%`, UTF-8.
    pub patterns: Vec<String>,
    /// What is to be told of each.
    pub returns: ListReturn,
}

/// `RETURN (…)` of a LIST.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct ListReturn {
    /// `SUBSCRIBED`
    pub subscribed: bool,
    /// `CHILDREN`
    pub children: bool,
    /// `SPECIAL-USE`
    pub special_use: bool,
    /// `STATUS (…)` (RFC 5819)
    pub status: Option<Vec<StatusItem>>,
    /// `METADATA (…)` (RFC 9590)
    pub metadata: Option<Vec<String>>,
}

/// A figure of a folder (RFC 9051 §6.3.11).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is the protocol's own word")]
pub enum StatusItem {
    Messages,
    Recent,
    UidNext,
    UidValidity,
    Unseen,
    Deleted,
    Size,
    HighestModSeq,
    AppendLimit,
    MailboxId,
    DeletedStorage,
}

/// One letter of an APPEND.
#[derive(Debug, PartialEq, Eq)]
pub struct Append {
    /// System flags that it comes with.
    pub flags: Flags,
    /// Keywords that it comes with.
    pub keywords: Vec<Keyword>,
    /// INTERNALDATE, in seconds since the epoch.
    pub date: Option<i64>,
    /// Where its octets come from.
    pub data: AppendData,
}

/// The octets of a letter that comes by APPEND. Streamed literals are numbered through the command, from 0.
#[derive(Debug, PartialEq, Eq)]
pub enum AppendData {
    /// One literal.
    Literal(Streamed),
    /// Pieces (RFC 4469).
    Catenate(Vec<CatenatePart>),
}

/// A literal that was streamed to the store while the command came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Streamed {
    /// Which of the command's.
    pub index: usize,
    /// Its octets.
    pub octets: u64,
    /// A `literal8` (RFC 3516): may hold NUL.
    pub binary: bool,
    /// It stood in `UTF8 (…)` (RFC 6855 §4).
    pub utf8: bool,
}

/// A piece of a letter (RFC 4469 §3).
#[derive(Debug, PartialEq, Eq)]
pub enum CatenatePart {
    /// `TEXT`
    Text(Streamed),
    /// `URL`: an IMAP URL relative to the session (RFC 5092), as it was spelled.
    Url(Vec<u8>),
}

/// How deep GETMETADATA looks (RFC 5464 §4.2.2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is the protocol's own word")]
pub enum Depth {
    #[default]
    Zero,
    One,
    Infinity,
}

/// NOTIFY (RFC 5465 §3).
#[derive(Debug, PartialEq, Eq)]
pub enum Notify {
    /// `NOTIFY NONE`
    None,
    /// `NOTIFY SET`
    Set {
        /// `STATUS`: tell where things stand now.
        status: bool,
        /// Folders and events; what several of them say of one folder adds up.
        groups: Vec<NotifyGroup>,
    },
}

/// Events of some folders.
#[derive(Debug, PartialEq, Eq)]
pub struct NotifyGroup {
    /// Which folders.
    pub source: Source,
    /// `None` is `NONE`.
    pub events: Vec<NotifyEvent>,
}

/// Folders by what they are (RFC 5465 §6, RFC 7377 §2.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// `SELECTED`
    Selected,
    /// `SELECTED-DELAYED`
    SelectedDelayed,
    /// `INBOXES`
    Inboxes,
    /// `PERSONAL`
    Personal,
    /// `SUBSCRIBED`
    Subscribed,
    /// `SUBTREE …`
    Subtree(Vec<MailboxName>),
    /// `SUBTREE-ONE …` (RFC 7377)
    SubtreeOne(Vec<MailboxName>),
    /// `MAILBOXES …`
    Mailboxes(Vec<MailboxName>),
}

/// What may be told unasked (RFC 5465 §5).
#[derive(Debug, PartialEq, Eq)]
pub enum NotifyEvent {
    /// `MessageNew`, with what to fetch of it
    MessageNew(Vec<FetchItem>),
    /// `MessageExpunge`
    MessageExpunge,
    /// `FlagChange`
    FlagChange,
    /// `AnnotationChange`: refused, there are no annotations of letters.
    AnnotationChange,
    /// `MailboxName`
    MailboxName,
    /// `SubscriptionChange`
    SubscriptionChange,
    /// `MailboxMetadataChange`
    MailboxMetadataChange,
    /// `ServerMetadataChange`
    ServerMetadataChange,
    /// A word that is no event known here; NOTIFY answers `[BADEVENT …]`.
    Unknown(String),
}

/// What SEARCH, SORT, THREAD and ESEARCH look for, and how the answer is to look.
#[derive(Debug, PartialEq, Eq)]
pub struct Search {
    /// `RETURN (…)`: an ESEARCH response; without it a SEARCH response (rev1).
    pub returns: Option<SearchReturn>,
    /// `CHARSET`, as it was spelled.
    pub charset: Option<String>,
    /// All of these.
    pub keys: Vec<SearchKey>,
}

/// `RETURN (…)` (RFC 9051 §6.4.4, RFC 9394). Nothing at all means `ALL`; [`super::parse`] has set that.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SearchReturn {
    /// `MIN`
    pub min: bool,
    /// `MAX`
    pub max: bool,
    /// `ALL`
    pub all: bool,
    /// `COUNT`
    pub count: bool,
    /// `SAVE`
    pub save: bool,
    /// `PARTIAL 1:10` or `PARTIAL -1:-10`
    pub partial: Option<PartialRange>,
}

/// A stretch of a result (RFC 9394): places from its beginning, or from its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PartialRange {
    /// Lower place, from 1.
    pub low: NonZeroU32,
    /// Higher place.
    pub high: NonZeroU32,
    /// Counted from the end (`-1:-100`).
    pub from_end: bool,
}

/// What a letter is to be like (RFC 9051 §6.4.4). Texts are in UTF-8, whatever the charset was.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is the protocol's own word")]
pub enum SearchKey {
    All,
    Numbers(SeqSet),
    Uid(Targets),
    Saved,
    Flag(Flags),
    NotFlag(Flags),
    Keyword(Keyword),
    NotKeyword(Keyword),
    /// `\Recent` (rev1)
    Recent,
    /// `NEW`: recent and unseen
    New,
    /// `OLD`: not recent
    Old,
    Bcc(String),
    Cc(String),
    From(String),
    To(String),
    Subject(String),
    Body(String),
    Text(String),
    Header(String, String),
    Larger(u64),
    Smaller(u64),
    /// INTERNALDATE's day, in days since the epoch
    Before(i64),
    On(i64),
    Since(i64),
    SentBefore(i64),
    SentOn(i64),
    SentSince(i64),
    /// SAVEDATE's day (RFC 8514)
    SavedBefore(i64),
    SavedOn(i64),
    SavedSince(i64),
    SaveDateSupported,
    /// Seconds back from now (RFC 5032)
    Older(NonZeroU32),
    Younger(NonZeroU32),
    ModSeq(ModSeq),
    EmailId(String),
    ThreadId(String),
    Not(Box<SearchKey>),
    Or(Box<SearchKey>, Box<SearchKey>),
    And(Vec<SearchKey>),
}

/// By what SORT sorts (RFC 5256 §3, RFC 5957).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SortKey {
    /// By what.
    pub by: SortBy,
    /// `REVERSE`
    pub reverse: bool,
}

/// A criterion of SORT.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is the protocol's own word")]
pub enum SortBy {
    Arrival,
    Cc,
    Date,
    From,
    Size,
    Subject,
    To,
    DisplayFrom,
    DisplayTo,
}

/// How THREAD threads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Threading {
    /// `ORDEREDSUBJECT`
    OrderedSubject,
    /// `REFERENCES`
    References,
}

/// What FETCH wants (RFC 9051 §6.4.5).
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Fetch {
    /// What of each letter. Macros are spelled out.
    pub items: Vec<FetchItem>,
    /// `CHANGEDSINCE` (RFC 7162 §3.1.4)
    pub changed_since: Option<ModSeq>,
    /// `VANISHED` (RFC 7162 §3.2.6)
    pub vanished: bool,
    /// `PARTIAL` (RFC 9394 §3.3)
    pub partial: Option<PartialRange>,
}

/// One thing that FETCH tells.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is the protocol's own word")]
pub enum FetchItem {
    Uid,
    Flags,
    InternalDate,
    SaveDate,
    Rfc822Size,
    Envelope,
    /// BODYSTRUCTURE, with extension data
    BodyStructure,
    /// BODY without a section: BODYSTRUCTURE without extension data
    Body,
    ModSeq,
    EmailId,
    ThreadId,
    /// `PREVIEW`; `PREVIEW (LAZY)` (RFC 8970)
    Preview {
        lazy: bool,
    },
    /// `BODY[…]<…>`, `BODY.PEEK[…]<…>`, RFC822, RFC822.HEADER, RFC822.TEXT
    Section(SectionFetch),
    /// `BINARY[…]<…>`, `BINARY.PEEK[…]<…>` (RFC 3516)
    Binary {
        part: Vec<u32>,
        peek: bool,
        partial: Option<(u64, NonZeroU32)>,
    },
    BinarySize {
        part: Vec<u32>,
    },
}

/// A section of a letter, and how it is named in the answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SectionFetch {
    /// Which.
    pub section: Section,
    /// Without setting `\Seen`.
    pub peek: bool,
    /// First octet and count.
    pub partial: Option<(u64, NonZeroU32)>,
    /// Asked for by one of rev1's old names, which the answer repeats.
    pub old_name: Option<&'static str>,
}

/// `[…]` (RFC 9051 §6.4.5): of the letter, or of the part that the numbers name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Section {
    /// Numbers of a part; none for the letter.
    pub part: Vec<u32>,
    /// What of it.
    pub text: SectionText,
}

/// What of a part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SectionText {
    /// All of it.
    All,
    /// `HEADER`
    Header,
    /// `HEADER.FIELDS (…)`: names as they were spelled
    HeaderFields(Vec<Vec<u8>>),
    /// `HEADER.FIELDS.NOT (…)`
    HeaderFieldsNot(Vec<Vec<u8>>),
    /// `TEXT`
    Text,
    /// `MIME`
    Mime,
}

/// What STORE does (RFC 9051 §6.4.6).
#[derive(Debug, PartialEq, Eq)]
pub struct Store {
    /// How.
    pub mode: postern_policy::folder::FlagMode,
    /// `.SILENT`
    pub silent: bool,
    /// System flags.
    pub flags: Flags,
    /// Keywords.
    pub keywords: Vec<Keyword>,
    /// `UNCHANGEDSINCE` (RFC 7162 §3.1.3)
    pub unchanged_since: Option<ModSeq>,
}
