//! The command line's grammar (SPEC K).

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use postern_actors::admin::AccessChange;
use postern_model::Protocol;
use postern_model::record::Status;

use crate::config::{Span, span};

/// A mail-access server: POP3 and SMTP behind a gate that the user opens.
///
/// Configured by environment variables alone; `postern config --markdown` lists them.
/// Exit status: 0 done, 1 what was asked for failed (the reason is on standard error), 2 wrong usage.
#[derive(Debug, Parser)]
#[command(name = "postern", version, max_term_width = 110)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What can be done.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the server until SIGTERM
    Serve,
    /// Try it out: loopback only, self-signed certificate, high ports, two accounts
    Demo,
    /// The domains whose mail stays here
    Domain(DomainArgs),
    /// The records that a domain has to publish in the DNS
    Dns(DnsArgs),
    /// The accounts
    Account(AccountArgs),
    /// The manual clock (with POSTERN_CLOCK=manual)
    Clock(ClockArgs),
    /// The rules by which access closes and sending is locked
    Policy(PolicyArgs),
    /// Letters that wait to leave for other servers
    Queue(QueueArgs),
    /// Verify the whole store
    Check(Output),
    /// Print the configuration that holds
    Config(ConfigArgs),
}

/// How the answer is printed.
#[derive(Clone, Copy, Debug, Args)]
pub struct Output {
    /// Print one JSON document and nothing else
    #[arg(long, global = true)]
    pub json: bool,
}

/// `postern domain`
#[derive(Debug, Args)]
pub struct DomainArgs {
    /// How to print.
    #[command(flatten)]
    pub output: Output,
    /// What to do.
    #[command(subcommand)]
    pub command: DomainCommand,
}

/// What can be done with domains.
#[derive(Debug, Subcommand)]
pub enum DomainCommand {
    /// Take mail for a domain
    Add {
        /// The domain, in any spelling
        domain: String,
    },
    /// Change a setting of a domain
    ///
    /// catch-all ADDRESS|off: who gets what is for no address of the domain
    Set {
        /// The domain, in any spelling
        domain: String,
        /// The setting
        name: String,
        /// Its new value
        value: String,
    },
    /// Take no more mail for a domain that has no address left
    Remove {
        /// The domain, in any spelling
        domain: String,
    },
    /// List all domains
    List,
    /// List the keys that a domain's letters are signed with; missing ones are made
    Keys {
        /// The domain, in any spelling
        domain: String,
    },
    /// Make new keys beside those that sign; then, step by step, sign with them and forget the old ones
    Rotate {
        /// The domain, in any spelling
        domain: String,
        /// Sign with the new keys, once they are published; the old ones are retired
        #[arg(long, conflicts_with = "drop")]
        activate: bool,
        /// Forget the retired keys, when nothing that they signed is under way any more (a week)
        #[arg(long)]
        drop: bool,
    },
}

/// `postern dns`
#[derive(Debug, Args)]
pub struct DnsArgs {
    /// How to print.
    #[command(flatten)]
    pub output: Output,
    /// The domain, in any spelling
    pub domain: String,
    /// Compare with what is published; exit status 1 where something required is missing or wrong
    #[arg(long)]
    pub check: bool,
}

/// `postern account`
#[derive(Debug, Args)]
pub struct AccountArgs {
    /// How to print.
    #[command(flatten)]
    pub output: Output,
    /// What to do.
    #[command(subcommand)]
    pub command: AccountCommand,
}

/// What can be done with accounts.
#[derive(Debug, Subcommand)]
pub enum AccountCommand {
    /// Make an account; mail programs are shut out of it until access is switched on
    Add {
        /// The full address
        address: String,
        /// The plan; without it the first of POSTERN_PLANS
        #[arg(long)]
        plan: Option<String>,
        /// Read the password from standard input; without it nobody can log in yet
        #[arg(long)]
        password_stdin: bool,
    },
    /// Make accounts from a file of addresses, plans and password hashes
    ///
    /// csv: address,plan,hash on each line, a hash with commas in quotes. passwd-file: address:hash:…
    /// Hashes: $6$ $5$ $2b$ $argon2id$ {SSHA} {SHA256} {PBKDF2…}, or {PLAIN} and the password.
    Import {
        /// The file
        file: PathBuf,
        /// Its format
        #[arg(long, value_enum, default_value_t = ImportFormat::Csv)]
        format: ImportFormat,
        /// The plan of lines that name none; without it the first of POSTERN_PLANS
        #[arg(long)]
        plan: Option<String>,
        /// Import the good lines although others are bad
        #[arg(long)]
        keep_going: bool,
    },
    /// List all accounts
    List,
    /// Show everything about an account
    Show {
        /// The account's address
        address: String,
    },
    /// Remove an account and its mail
    Remove {
        /// The account's address
        address: String,
    },
    /// Set the password; open sessions are closed
    SetPassword {
        /// The account's address
        address: String,
        /// Read the password from standard input; there is no other way
        #[arg(long, required = true)]
        password_stdin: bool,
    },
    /// Set the plan
    SetPlan {
        /// The account's address
        address: String,
        /// A name of POSTERN_PLANS
        plan: String,
    },
    /// Set the status
    SetStatus {
        /// The account's address
        address: String,
        /// The new status
        #[arg(value_enum)]
        status: StatusArg,
    },
    /// Open or shut an account to mail programs; open sessions are told at once
    Access {
        /// The account's address
        address: String,
        /// What to do
        #[arg(value_enum)]
        change: ChangeArg,
        /// Which protocols; can be given several times
        #[arg(long, value_enum, default_values_t = [ProtocolArg::All])]
        protocol: Vec<ProtocolArg>,
        /// Open at once, without the waiting time of POSTERN_ACTIVATION_DELAY
        #[arg(long)]
        now: bool,
        /// Why, for the user to read
        #[arg(long)]
        reason: Option<String>,
        /// The user asked for it, on a page of the provider's own
        #[arg(long)]
        as_user: bool,
    },
    /// Let an account send nothing, for a violation of terms
    LockSending {
        /// The account's address
        address: String,
        /// Why, for the user to read
        #[arg(long)]
        reason: Option<String>,
        /// How long, like 7d or 1month; without it until somebody unlocks
        #[arg(long = "for", value_parser = span, value_name = "DURATION")]
        lasts: Option<Span>,
    },
    /// Let an account send again
    UnlockSending {
        /// The account's address
        address: String,
    },
    /// Say that the user logged in on a web page elsewhere
    Seen {
        /// The account's address
        address: String,
    },
    /// List what happened to an account: logins, refusals, letters, switches, locks, notices
    Events {
        /// The account's address
        address: String,
        /// From when on, like 2026-03-01 or 2026-03-01T10:00:00Z
        #[arg(long, value_name = "TIME")]
        since: Option<String>,
    },
    /// Pass on a complaint about an account's letters; enough of them lock its sending
    Report {
        /// The account's address
        address: String,
        /// What was said
        #[arg(long)]
        reason: Option<String>,
    },
    /// Change a setting of an account
    ///
    /// language en|lv|ru, legacy-plaintext on|off, pop3-delete delete|keep|trash|archive
    ///
    /// forward ADDRESS[,ADDRESS…]|off (each is asked by a letter, and its answer is forward-confirm WORD),
    /// forward-keep on|off (whether a copy stays)
    ///
    /// vacation on|off, vacation-subject TEXT|off, vacation-text TEXT, vacation-from DATE|off, vacation-until DATE|off,
    /// vacation-days 1..365 (between two replies to the same correspondent), vacation-addresses ADDRESS[,…]|off (by which
    /// letters reach the user elsewhere)
    ///
    /// block ADDRESS|@DOMAIN[,…], unblock ADDRESS|@DOMAIN[,…], detail on|off (letters to name+anything)
    Set {
        /// The account's address
        address: String,
        /// The setting
        name: String,
        /// Its new value
        value: String,
    },
    /// More addresses of an account
    #[command(subcommand)]
    Alias(AliasCommand),
    /// Passwords made for single mail programs
    #[command(subcommand)]
    AppPassword(AppPasswordCommand),
}

/// What can be done with aliases.
#[derive(Debug, Subcommand)]
pub enum AliasCommand {
    /// Give an account one more address
    Add {
        /// The account's address
        address: String,
        /// The new address, in a domain of this server
        alias: String,
    },
    /// Take an address away again
    Remove {
        /// The address
        alias: String,
    },
}

/// What can be done with app passwords.
#[derive(Debug, Subcommand)]
pub enum AppPasswordCommand {
    /// Make one, and print it this once
    Add {
        /// The account's address
        address: String,
        /// What the program or device is called
        name: String,
        /// Which protocols it opens; can be given several times
        #[arg(long, value_enum, default_values_t = [ProtocolArg::All])]
        protocol: Vec<ProtocolArg>,
        /// How long it holds, like 180d or 12months; without it until it is revoked
        #[arg(long, value_parser = span, value_name = "DURATION")]
        expires: Option<Span>,
    },
    /// List an account's, without the passwords
    List {
        /// The account's address
        address: String,
    },
    /// Make one void; sessions that use it are closed
    Revoke {
        /// The account's address
        address: String,
        /// Its number in the list
        id: u32,
    },
}

/// `postern clock`
#[derive(Debug, Args)]
pub struct ClockArgs {
    /// How to print.
    #[command(flatten)]
    pub output: Output,
    /// What to do.
    #[command(subcommand)]
    pub command: ClockCommand,
}

/// What can be done with the clock.
#[derive(Debug, Subcommand)]
pub enum ClockCommand {
    /// Show the time that the server goes by
    Show,
    /// Move the manual clock on
    Advance {
        /// How far, like 90s, 15m, 2h, 180d, 2months
        #[arg(value_parser = span)]
        duration: Span,
    },
}

/// `postern policy`
#[derive(Debug, Args)]
pub struct PolicyArgs {
    /// How to print.
    #[command(flatten)]
    pub output: Output,
    /// What to do.
    #[command(subcommand)]
    pub command: PolicyCommand,
}

/// What can be done with the policy.
#[derive(Debug, Subcommand)]
pub enum PolicyCommand {
    /// Show whether closing for want of use is held, since when and why
    Show,
    /// Let what was held close
    Release,
    /// Run recorded events through the policy, with today's figures and with others, side by side
    ///
    /// FILE is what `account events --json` prints, or lines of time,address,protocol,action where the action is one of:
    /// login, fetch (a POP3 login), letter, on, on-now, off, block, unblock, seen (a web login), lock, unlock, report,
    /// password, active, inactive, suspended, plan=NAME. Nothing is changed, and no server is asked.
    Replay {
        /// The recorded events
        #[arg(long, value_name = "FILE")]
        log: PathBuf,
        /// A figure to try, like PLAN_FREE_SENDS_PER_HOUR=10; can be given several times
        #[arg(long, value_name = "NAME=VALUE")]
        set: Vec<String>,
    },
}

/// `postern queue`
#[derive(Debug, Args)]
pub struct QueueArgs {
    /// How to print.
    #[command(flatten)]
    pub output: Output,
    /// What to do.
    #[command(subcommand)]
    pub command: QueueCommand,
}

/// What can be done with the queue.
#[derive(Debug, Subcommand)]
pub enum QueueCommand {
    /// List what waits, a line for each letter and domain, the oldest first
    List {
        /// Which.
        #[command(flatten)]
        which: QueueWhich,
        /// Go on behind this letter
        #[arg(long, value_name = "ID")]
        after: Option<String>,
        /// How many lines, up to 10000
        #[arg(long, value_name = "N", default_value_t = 100)]
        limit: u32,
    },
    /// Show everything about a letter: its envelope, who waits for it, and what the last tries came to
    Show {
        /// The letter's id
        id: String,
    },
    /// Try letters at once
    Retry(QueueSome),
    /// Don't try letters until they are released
    Hold(QueueSome),
    /// Try letters again that were held
    Release(QueueSome),
    /// Take letters out of the queue
    Remove {
        /// Which.
        #[command(flatten)]
        some: QueueSome,
        /// Tell their senders that they could not be delivered
        #[arg(long)]
        bounce: bool,
    },
}

/// Letters by domain or sender.
#[derive(Debug, Args)]
pub struct QueueWhich {
    /// Those to this domain
    #[arg(long)]
    pub domain: Option<String>,
    /// Those from this address; <> for reports and the like
    #[arg(long)]
    pub sender: Option<String>,
}

/// Letters that something is done about.
#[derive(Debug, Args)]
pub struct QueueSome {
    /// A letter's id
    #[arg(required_unless_present_any = ["domain", "sender", "all"])]
    pub id: Option<String>,
    /// Which.
    #[command(flatten)]
    pub which: QueueWhich,
    /// All that wait
    #[arg(long, conflicts_with_all = ["id", "domain", "sender"])]
    pub all: bool,
}

/// `postern config`
#[derive(Debug, Args)]
pub struct ConfigArgs {
    /// Print the documentation of all variables instead
    #[arg(long, conflicts_with = "json")]
    pub markdown: bool,
    /// Print one JSON document and nothing else
    #[arg(long)]
    pub json: bool,
}

/// What an import file looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ImportFormat {
    /// `address,plan,hash`
    Csv,
    /// `address:hash:…`
    PasswdFile,
}

/// A status, as it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum StatusArg {
    /// In use
    Active,
    /// Not used for long
    Inactive,
    /// Shut
    Suspended,
}

impl From<StatusArg> for Status {
    fn from(arg: StatusArg) -> Status {
        match arg {
            StatusArg::Active => Status::Active,
            StatusArg::Inactive => Status::Inactive,
            StatusArg::Suspended => Status::Suspended,
        }
    }
}

/// A change of access, as it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ChangeArg {
    /// Switch on
    On,
    /// Switch off; the user may switch it on again
    Off,
    /// Shut against the user's will
    Block,
    /// Take the block away; it is off then
    Unblock,
}

impl From<ChangeArg> for AccessChange {
    fn from(arg: ChangeArg) -> AccessChange {
        match arg {
            ChangeArg::On => AccessChange::On,
            ChangeArg::Off => AccessChange::Off,
            ChangeArg::Block => AccessChange::Block,
            ChangeArg::Unblock => AccessChange::Unblock,
        }
    }
}

/// A protocol, as it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ProtocolArg {
    /// RFC 1939
    Pop3,
    /// RFC 9051
    Imap,
    /// RFC 6409
    Smtp,
    /// All of them
    All,
}

/// The protocols that `args` name, each once, in the order in which they are shown.
pub(super) fn protocols(args: &[ProtocolArg]) -> Vec<Protocol> {
    let named = |protocol| {
        args.iter().any(|arg| match arg {
            ProtocolArg::Pop3 => protocol == Protocol::Pop3,
            ProtocolArg::Imap => protocol == Protocol::Imap,
            ProtocolArg::Smtp => protocol == Protocol::Smtp,
            ProtocolArg::All => true,
        })
    };
    Protocol::ALL.into_iter().filter(|protocol| named(*protocol)).collect()
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;
    use clap::error::ErrorKind;

    use super::*;

    fn parse(line: &str) -> Result<Cli, ErrorKind> {
        Cli::try_parse_from(line.split(' ')).map_err(|error| error.kind())
    }

    #[test]
    fn the_grammar_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn the_contracts_lines_are_understood() {
        for line in [
            "postern serve",
            "postern demo",
            "postern domain add example.org",
            "postern domain list --json",
            "postern domain set example.org catch-all a@b.test",
            "postern account set a@b.test forward c@d.test,e@f.test",
            "postern account set a@b.test block @spam.test",
            "postern account add a@b.test --plan plus --password-stdin",
            "postern account import users.csv --format csv --keep-going",
            "postern account import users --format passwd-file",
            "postern account list",
            "postern account show a@b.test --json",
            "postern account --json show a@b.test",
            "postern account remove a@b.test",
            "postern account set-password a@b.test --password-stdin",
            "postern account set-plan a@b.test free",
            "postern account set-status a@b.test suspended",
            "postern account access a@b.test on --protocol pop3 --protocol smtp --now",
            "postern account access a@b.test block --reason spam",
            "postern account access a@b.test on --as-user",
            "postern account lock-sending a@b.test --reason terms --for 7d",
            "postern account seen a@b.test",
            "postern account events a@b.test --since 2026-03-01 --json",
            "postern account report a@b.test --reason spam",
            "postern account set a@b.test pop3-delete keep",
            "postern policy show --json",
            "postern policy release",
            "postern policy replay --log events.csv --set PLAN_FREE_SENDS_PER_HOUR=10 --set WARN_BEFORE=off --json",
            "postern account unlock-sending a@b.test",
            "postern account set a@b.test language lv",
            "postern account alias add a@b.test c@b.test",
            "postern account alias remove c@b.test",
            "postern account app-password add a@b.test phone --protocol imap --expires 12months",
            "postern account app-password revoke a@b.test 2",
            "postern queue list --domain b.test --limit 10 --after 1f --json",
            "postern queue show 1f.2",
            "postern queue retry --all",
            "postern queue hold 1f",
            "postern queue release --sender a@b.test",
            "postern queue remove --domain b.test --bounce",
            "postern clock show",
            "postern clock advance 2months",
            "postern check --json",
            "postern config --markdown",
        ] {
            assert!(parse(line).is_ok(), "{line}: {:?}", parse(line).err());
        }
    }

    #[test]
    fn wrong_usage_is_refused() {
        use ErrorKind::*;
        for (line, kind) in [
            ("postern", DisplayHelpOnMissingArgumentOrSubcommand),
            ("postern fly", InvalidSubcommand),
            ("postern account add", MissingRequiredArgument),
            ("postern account add a@b.test secret", UnknownArgument),
            ("postern account set-password a@b.test", MissingRequiredArgument),
            ("postern account set-status a@b.test dead", InvalidValue),
            ("postern account access a@b.test on --protocol nntp", InvalidValue),
            ("postern account app-password revoke a@b.test two", ValueValidation),
            ("postern clock advance 15", ValueValidation),
            ("postern account lock-sending a@b.test --for ever", ValueValidation),
            ("postern policy replay", MissingRequiredArgument),
            ("postern config --markdown --json", ArgumentConflict),
        ] {
            assert_eq!(parse(line).expect_err(line), kind, "{line}");
        }
    }

    #[test]
    fn protocols_are_named_once_each() {
        use ProtocolArg::*;
        assert_eq!(protocols(&[All]), Protocol::ALL);
        assert_eq!(protocols(&[Smtp, Pop3, Smtp]), [Protocol::Pop3, Protocol::Smtp]);
        assert_eq!(protocols(&[Imap, All]), Protocol::ALL);
    }
}
