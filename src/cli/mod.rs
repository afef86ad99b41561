//! The command line: what is asked becomes an [`AdminRequest`], the running server answers it over the control socket,
//! or, where none runs, the store itself; the answer is printed for people or as JSON (SPEC K).

pub mod args;
mod demo;
mod dns;
mod import;
mod password;
mod queue;
mod replay;
mod show;
#[cfg(test)]
mod tests;

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser as _;
use postern_actors::admin::{AccessChange, AdminError, AdminRequest, RotateStep};
use postern_model::Timestamp;
use serde_json::Value;

use crate::config::{Config, Machine, Mistakes, Purpose, Span, StoreKind, markdown};
use crate::control::{self, AskError};
use crate::logging;
use crate::signing::published::Lookup;
use args::{
    AccountArgs, AccountCommand, AliasCommand, AppPasswordCommand, Cli, ClockCommand, Command, ConfigArgs,
    DomainArgs, DomainCommand, Output, PolicyArgs, PolicyCommand,
};
pub use demo::{DemoAccount, DemoInfo, demo_banner, free_ports, furnish};

/// What the commands need of the rest of the binary.
pub trait House {
    /// Runs the server until it is told to stop.
    ///
    /// # Errors
    /// Why it did not start or did not end well, in a line that names the cure.
    fn serve(&self, config: Config) -> Result<(), String>;

    /// Runs the trial server (SPEC O3) until it is told to stop.
    ///
    /// # Errors
    /// As [`House::serve`].
    fn demo(&self, config: Config) -> Result<(), String>;

    /// Opens the store, where no server has it open, carries the request out and closes the store.
    ///
    /// # Errors
    /// Why the request was not carried out.
    fn offline(&self, config: &Config, request: AdminRequest) -> Result<Value, AdminError>;

    /// What tells what is published in the DNS. Called within [`crate::runtime::run`].
    ///
    /// # Errors
    /// Why there is nobody to ask, in a line that names the cure.
    fn lookup(&self, config: &Config) -> Result<Box<dyn Lookup>, String>;
}

/// Why a command did not do what was asked.
enum Failure {
    /// It was asked wrongly.
    Usage(String),
    /// It could not be done.
    Failed(String),
}

impl From<Mistakes> for Failure {
    fn from(mistakes: Mistakes) -> Failure {
        Failure::Failed(mistakes.to_string())
    }
}

impl From<AdminError> for Failure {
    fn from(error: AdminError) -> Failure {
        Failure::Failed(error.0)
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Failure {
        Failure::Failed(error.to_string())
    }
}

/// Where a command gets what it is not told as an argument, and where it prints.
struct Surroundings<'a> {
    variables: Vec<(OsString, OsString)>,
    stdin: &'a mut dyn Read,
    stdout: &'a mut dyn Write,
    stderr: &'a mut dyn Write,
}

/// Runs the command that `arguments` name (the program's own name first) and says how it went:
/// 0 done, 1 failed with the reason on standard error, 2 wrong usage.
pub fn run(arguments: impl IntoIterator<Item = OsString>, house: &impl House) -> ExitCode {
    let mut surroundings = Surroundings {
        variables: std::env::vars_os().collect(),
        stdin: &mut io::stdin(),
        stdout: &mut io::stdout(),
        stderr: &mut io::stderr(),
    };
    ExitCode::from(run_in(&mut surroundings, arguments, house))
}

fn run_in(
    surroundings: &mut Surroundings<'_>,
    arguments: impl IntoIterator<Item = OsString>,
    house: &impl House,
) -> u8 {
    let (status, text) = match Cli::try_parse_from(arguments) {
        Ok(cli) => match dispatch(cli.command, surroundings, house) {
            Ok(()) => return 0,
            Err(Failure::Failed(text)) => (1, text),
            Err(Failure::Usage(text)) => (2, text),
        },
        Err(error) if error.use_stderr() => {
            // Where standard error is shut, the status still tells; so below.
            let _ = write!(surroundings.stderr, "{}", error.render());
            return 2;
        }
        // Help and version come this way.
        Err(error) => match surroundings.print(&error.render().to_string()) {
            Ok(()) => return 0,
            Err(_) => return 1,
        },
    };
    for line in text.lines() {
        let _ = writeln!(surroundings.stderr, "postern: {line}");
    }
    status
}

fn dispatch(
    command: Command,
    surroundings: &mut Surroundings<'_>,
    house: &impl House,
) -> Result<(), Failure> {
    match command {
        Command::Serve => {
            let config = surroundings.config(Purpose::Serve)?;
            logging::init(&config);
            house.serve(config).map_err(Failure::Failed)
        }
        Command::Demo => {
            let config = surroundings.config(Purpose::Demo)?;
            logging::init(&config);
            house.demo(config).map_err(Failure::Failed)
        }
        Command::Config(args) => config(&args, surroundings),
        Command::Domain(args) => domain(args, Office::open(surroundings, house)?),
        Command::Dns(args) => dns::run(&args, Office::open(surroundings, house)?),
        Command::Account(args) => account(args, Office::open(surroundings, house)?),
        Command::Clock(args) => {
            let office = Office::open(surroundings, house)?;
            let request = match args.command {
                ClockCommand::Show => AdminRequest::ClockShow,
                ClockCommand::Advance { duration } => {
                    let by = office.length_of(duration)?;
                    let micros = u64::try_from(by.as_micros()).unwrap_or(u64::MAX);
                    AdminRequest::ClockAdvance { micros }
                }
            };
            office.carry_out(request, args.output)
        }
        Command::Policy(args) => policy(args, surroundings, house),
        Command::Queue(args) => {
            Office::open(surroundings, house)?.carry_out(queue::request(args.command), args.output)
        }
        Command::Check(output) => Office::open(surroundings, house)?.carry_out(AdminRequest::Check, output),
    }
}

/// `postern config`: what holds, although a server could not start with it; then a note says why.
fn config(args: &ConfigArgs, surroundings: &mut Surroundings<'_>) -> Result<(), Failure> {
    if args.markdown {
        return Ok(surroundings.print(&markdown())?);
    }
    let config = surroundings.config(Purpose::Command)?;
    if args.json {
        surroundings.print_json(&config.to_json())?;
    } else {
        surroundings.print(&config.to_text())?;
    }
    if let Err(mistakes) = surroundings.config(Purpose::Serve) {
        writeln!(surroundings.stderr, "postern: note: `postern serve` would not start with this:")?;
        for line in mistakes.to_string().lines() {
            writeln!(surroundings.stderr, "postern: note: {line}")?;
        }
    }
    Ok(())
}

fn policy(args: PolicyArgs, surroundings: &mut Surroundings<'_>, house: &impl House) -> Result<(), Failure> {
    let request = match args.command {
        PolicyCommand::Show => AdminRequest::PolicyShow,
        PolicyCommand::Release => AdminRequest::PolicyRelease,
        PolicyCommand::Replay { log, set } => return replay::run(&log, &set, args.output, surroundings),
    };
    Office::open(surroundings, house)?.carry_out(request, args.output)
}

fn domain(args: DomainArgs, office: Office<'_, '_, impl House>) -> Result<(), Failure> {
    let request = match args.command {
        DomainCommand::Add { domain } => AdminRequest::DomainAdd { domain },
        DomainCommand::Remove { domain } => AdminRequest::DomainRemove { domain },
        DomainCommand::List => AdminRequest::DomainList,
        DomainCommand::Set { domain, name, value } => AdminRequest::DomainSet { domain, name, value },
        DomainCommand::Keys { domain } => {
            return keys(office, AdminRequest::DomainKeys { domain }, args.output);
        }
        DomainCommand::Rotate { domain, activate, drop } => {
            let step = match (activate, drop) {
                (true, _) => RotateStep::Activate,
                (_, true) => RotateStep::Drop,
                _ => RotateStep::Begin,
            };
            return keys(office, AdminRequest::DomainRotate { domain, step }, args.output);
        }
    };
    office.carry_out(request, args.output)
}

/// A domain's keys: what they are for others to read is told by `postern dns`, and would break the table.
fn keys(office: Office<'_, '_, impl House>, request: AdminRequest, output: Output) -> Result<(), Failure> {
    let mut answer = office.ask(request)?;
    for key in answer.as_array_mut().filter(|_| !output.json).into_iter().flatten() {
        if let Some(fields) = key.as_object_mut() {
            fields.remove("public");
        }
    }
    office.show(&answer, output)
}

fn account(args: AccountArgs, office: Office<'_, '_, impl House>) -> Result<(), Failure> {
    let request = match args.command {
        AccountCommand::Add { address, plan, password_stdin } => {
            let password =
                if password_stdin { Some(password::read(&mut *office.surroundings.stdin)?) } else { None };
            AdminRequest::AccountAdd { address, plan, password }
        }
        AccountCommand::Import { file, format, plan, keep_going } => {
            return import(office, &file, (format, plan.as_deref()), keep_going, args.output);
        }
        AccountCommand::List => AdminRequest::AccountList,
        AccountCommand::Show { address } => AdminRequest::AccountShow { address },
        AccountCommand::Remove { address } => AdminRequest::AccountRemove { address },
        AccountCommand::SetPassword { address, .. } => {
            let password = password::read(&mut *office.surroundings.stdin)?;
            AdminRequest::SetPassword { address, password }
        }
        AccountCommand::SetPlan { address, plan } => AdminRequest::SetPlan { address, plan },
        AccountCommand::SetStatus { address, status } => {
            AdminRequest::SetStatus { address, status: status.into() }
        }
        AccountCommand::Access { address, change, protocol, now, reason, as_user } => {
            let change = AccessChange::from(change);
            if now && change != AccessChange::On {
                return Err(Failure::Usage("--now goes with `on` alone".to_owned()));
            }
            let protocols = args::protocols(&protocol);
            AdminRequest::SetAccess { address, change, protocols, now, reason, as_user }
        }
        AccountCommand::LockSending { address, reason, lasts } => {
            let lasts = lasts.map(|span| office.length_of(span)).transpose()?;
            AdminRequest::LockSending { address, reason, lasts }
        }
        AccountCommand::UnlockSending { address } => AdminRequest::UnlockSending { address },
        AccountCommand::Seen { address } => AdminRequest::AccountSeen { address },
        AccountCommand::Events { address, since } => {
            let since = since.map(|text| time(&text)).transpose()?;
            return events(office, AdminRequest::AccountEvents { address, since }, args.output);
        }
        AccountCommand::Report { address, reason } => AdminRequest::AccountReport { address, reason },
        AccountCommand::Set { address, name, value } => AdminRequest::Set { address, name, value },
        AccountCommand::Alias(AliasCommand::Add { address, alias }) => {
            AdminRequest::AliasAdd { address, alias }
        }
        AccountCommand::Alias(AliasCommand::Remove { alias }) => AdminRequest::AliasRemove { alias },
        AccountCommand::AppPassword(command) => app_password(command, &office)?,
    };
    office.carry_out(request, args.output)
}

/// `postern account events`: checkpoints are for a replay to begin at, and no news to a reader.
fn events(office: Office<'_, '_, impl House>, request: AdminRequest, output: Output) -> Result<(), Failure> {
    let mut answer = office.ask(request)?;
    if let Some(events) = answer.as_array_mut().filter(|_| !output.json) {
        events.retain(|event| event["kind"] != "checkpoint");
    }
    office.show(&answer, output)
}

/// A time of the command line's, as the contract writes it; a day begins at midnight in UTC.
fn time(text: &str) -> Result<String, Failure> {
    let day = || Timestamp::parse_rfc3339(&format!("{text}T00:00:00Z"));
    let at = Timestamp::parse_rfc3339(text).or_else(day);
    let cure = "write one like 2026-03-01 or 2026-03-01T10:00:00Z";
    at.map(Timestamp::rfc3339).ok_or_else(|| Failure::Usage(format!("{text:?} is not a time; {cure}")))
}

fn app_password(
    command: AppPasswordCommand,
    office: &Office<'_, '_, impl House>,
) -> Result<AdminRequest, Failure> {
    Ok(match command {
        AppPasswordCommand::Add { address, name, protocol, expires } => {
            let expires_in = expires.map(|span| office.length_of(span)).transpose()?;
            AdminRequest::AppPasswordAdd { address, name, protocols: args::protocols(&protocol), expires_in }
        }
        AppPasswordCommand::List { address } => AdminRequest::AppPasswordList { address },
        AppPasswordCommand::Revoke { address, id } => AdminRequest::AppPasswordRevoke { address, id },
    })
}

/// `postern account import`: lines that can't be read are reported beside rows that are not taken.
fn import(
    office: Office<'_, '_, impl House>,
    file: &Path,
    (format, plan): (args::ImportFormat, Option<&str>),
    keep_going: bool,
    output: Output,
) -> Result<(), Failure> {
    let unreadable = |error| Failure::Failed(format!("{} can't be read: {error}", file.display()));
    let import = import::read(File::open(file).map_err(unreadable)?, format, plan).map_err(unreadable)?;
    let answer =
        office.ask(AdminRequest::AccountImport { rows: import.rows, unread: import.bad, keep_going })?;
    office.show(&answer, output)
}

/// Where requests are carried out: the running server, or the store.
struct Office<'a, 'b, H> {
    config: Config,
    house: &'a H,
    surroundings: &'a mut Surroundings<'b>,
}

impl<'a, 'b, H: House> Office<'a, 'b, H> {
    fn open(surroundings: &'a mut Surroundings<'b>, house: &'a H) -> Result<Office<'a, 'b, H>, Failure> {
        Ok(Office { config: surroundings.config(Purpose::Command)?, house, surroundings })
    }

    fn ask(&self, request: AdminRequest) -> Result<Value, Failure> {
        match control::ask(&self.config.data_dir, &request) {
            Err(AskError::NoServer) if self.config.store == StoreKind::Memory => {
                let text = "no server runs, and POSTERN_STORE=memory keeps nothing without one";
                Err(Failure::Failed(text.to_owned()))
            }
            Err(AskError::NoServer) => Ok(self.house.offline(&self.config, request)?),
            Err(error) => Err(Failure::Failed(error.to_string())),
            Ok(value) => Ok(value),
        }
    }

    fn carry_out(self, request: AdminRequest, output: Output) -> Result<(), Failure> {
        let answer = self.ask(request)?;
        self.show(&answer, output)
    }

    /// Prints an answer. One that tells of problems, with the store or with lines of a file, is a failure.
    fn show(self, answer: &Value, output: Output) -> Result<(), Failure> {
        if output.json {
            self.surroundings.print_json(answer)?;
        } else {
            self.surroundings.print(&show::human(answer, &self.config.timezone))?;
        }
        match answer.get("problems").and_then(Value::as_array).map_or(0, Vec::len) {
            0 => Ok(()),
            1 => Err(Failure::Failed("there is a problem".to_owned())),
            more => Err(Failure::Failed(format!("there are {more} problems"))),
        }
    }

    /// How long `span` is by the server's clock, from now on.
    fn length_of(&self, span: Span) -> Result<Duration, Failure> {
        let now = match span {
            Span::Fixed(_) => None,
            Span::Months(_) => {
                let answer = self.ask(AdminRequest::ClockShow)?;
                let now = answer.get("now").and_then(Value::as_str).and_then(Timestamp::parse_rfc3339);
                Some(now.ok_or_else(|| Failure::Failed("the server does not tell its time".to_owned()))?)
            }
        };
        span.length_from(now.unwrap_or_default())
            .ok_or_else(|| Failure::Failed("the calendar ends before that".to_owned()))
    }
}

impl Surroundings<'_> {
    fn config(&self, purpose: Purpose) -> Result<Config, Mistakes> {
        Config::read(self.variables.iter().cloned(), &Machine::here(), purpose)
    }

    fn print(&mut self, text: &str) -> io::Result<()> {
        self.stdout.write_all(text.as_bytes())?;
        self.stdout.flush()
    }

    fn print_json(&mut self, value: &Value) -> io::Result<()> {
        self.print(&format!("{value}\n"))
    }
}
