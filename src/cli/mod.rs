//! The command line: what is asked becomes an [`AdminRequest`], the running server answers it over the control socket,
//! or, where none runs, the store itself; the answer is printed for people or as JSON (SPEC K).

pub mod args;
mod demo;
mod import;
mod password;
mod show;

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Write as _};
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser as _;
use postern_actors::admin::{AccessChange, AdminError, AdminRequest};
use postern_model::Timestamp;
use serde_json::{Value, json};

use crate::config::{Config, Mistakes, Purpose, Span, StoreKind, markdown};
use crate::control::{self, AskError};
use crate::logging;
use args::{
    AccountArgs, AccountCommand, AliasCommand, AppPasswordCommand, Cli, ClockCommand, Command, ConfigArgs,
    DomainCommand,
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

/// Runs the command that `arguments` name (the program's own name first) and says how it went:
/// 0 done, 1 failed with the reason on standard error, 2 wrong usage.
pub fn run(arguments: impl IntoIterator<Item = OsString>, house: &impl House) -> ExitCode {
    let cli = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version come this way too, with 0. Where nothing can be printed, the status still tells.
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    let (status, text) = match dispatch(cli.command, house) {
        Ok(()) => return ExitCode::SUCCESS,
        Err(Failure::Failed(text)) => (1, text),
        Err(Failure::Usage(text)) => (2, text),
    };
    let mut stderr = io::stderr().lock();
    for line in text.lines() {
        // Where standard error is shut, the status still tells.
        let _ = writeln!(stderr, "postern: {line}");
    }
    ExitCode::from(status)
}

fn dispatch(command: Command, house: &impl House) -> Result<(), Failure> {
    match command {
        Command::Serve => {
            let config = Config::from_environment(Purpose::Serve)?;
            logging::init(&config);
            house.serve(config).map_err(Failure::Failed)
        }
        Command::Demo => {
            let config = Config::from_environment(Purpose::Demo)?;
            logging::init(&config);
            house.demo(config).map_err(Failure::Failed)
        }
        Command::Config(args) => config(&args),
        Command::Domain(args) => {
            let request = match args.command {
                DomainCommand::Add { domain } => AdminRequest::DomainAdd { domain },
                DomainCommand::Remove { domain } => AdminRequest::DomainRemove { domain },
                DomainCommand::List => AdminRequest::DomainList,
            };
            Office::open(house)?.carry_out(request, args.output.json)
        }
        Command::Account(args) => account(args, house),
        Command::Clock(args) => {
            let office = Office::open(house)?;
            let request = match args.command {
                ClockCommand::Show => AdminRequest::ClockShow,
                ClockCommand::Advance { duration } => {
                    let by = office.from_now(duration)?;
                    let micros = u64::try_from(by.as_micros()).unwrap_or(u64::MAX);
                    AdminRequest::ClockAdvance { micros }
                }
            };
            office.carry_out(request, args.output.json)
        }
        Command::Check(output) => Office::open(house)?.carry_out(AdminRequest::Check, output.json),
    }
}

/// `postern config`: what holds, although a server could not start with it; then a warning says why.
fn config(args: &ConfigArgs) -> Result<(), Failure> {
    if args.markdown {
        return print(&markdown());
    }
    let config = Config::from_environment(Purpose::Command)?;
    if args.json { print_json(&config.to_json()) } else { print(&config.to_text()) }?;
    if let Err(mistakes) = Config::from_environment(Purpose::Serve) {
        let mut stderr = io::stderr().lock();
        writeln!(stderr, "postern: note: `postern serve` would not start with this:")?;
        for line in mistakes.to_string().lines() {
            writeln!(stderr, "postern: note: {line}")?;
        }
    }
    Ok(())
}

fn account(args: AccountArgs, house: &impl House) -> Result<(), Failure> {
    let office = Office::open(house)?;
    let request = match args.command {
        AccountCommand::Add { address, plan, password_stdin } => {
            let password = if password_stdin { Some(password::read(io::stdin().lock())?) } else { None };
            AdminRequest::AccountAdd { address, plan, password }
        }
        AccountCommand::Import { file, format, plan, keep_going } => {
            return import(&office, &file, (format, plan.as_deref()), keep_going, args.output.json);
        }
        AccountCommand::List => AdminRequest::AccountList,
        AccountCommand::Show { address } => AdminRequest::AccountShow { address },
        AccountCommand::Remove { address } => AdminRequest::AccountRemove { address },
        AccountCommand::SetPassword { address, .. } => {
            AdminRequest::SetPassword { address, password: password::read(io::stdin().lock())? }
        }
        AccountCommand::SetPlan { address, plan } => AdminRequest::SetPlan { address, plan },
        AccountCommand::SetStatus { address, status } => {
            AdminRequest::SetStatus { address, status: status.into() }
        }
        AccountCommand::Access { address, change, protocol, now, reason } => {
            let change = AccessChange::from(change);
            if change == AccessChange::On && !now {
                let text = "this version opens access at once only: say `on --now`";
                return Err(Failure::Usage(text.to_owned()));
            }
            let protocols = args::protocols(&protocol);
            AdminRequest::SetAccess { address, change, protocols, now, reason }
        }
        AccountCommand::Set { address, name, value } => AdminRequest::Set { address, name, value },
        AccountCommand::Alias(AliasCommand::Add { address, alias }) => {
            AdminRequest::AliasAdd { address, alias }
        }
        AccountCommand::Alias(AliasCommand::Remove { alias }) => AdminRequest::AliasRemove { alias },
        AccountCommand::AppPassword(command) => app_password(command, &office)?,
    };
    office.carry_out(request, args.output.json)
}

fn app_password(command: AppPasswordCommand, office: &Office<impl House>) -> Result<AdminRequest, Failure> {
    Ok(match command {
        AppPasswordCommand::Add { address, name, protocol, expires } => {
            let expires_in = expires.map(|span| office.from_now(span)).transpose()?;
            AdminRequest::AppPasswordAdd { address, name, protocols: args::protocols(&protocol), expires_in }
        }
        AppPasswordCommand::List { address } => AdminRequest::AppPasswordList { address },
        AppPasswordCommand::Revoke { address, id } => AdminRequest::AppPasswordRevoke { address, id },
    })
}

/// `postern account import`: lines that can't be read are reported beside rows that the server does not take.
fn import(
    office: &Office<impl House>,
    file: &Path,
    (format, plan): (args::ImportFormat, Option<&str>),
    keep_going: bool,
    json: bool,
) -> Result<(), Failure> {
    let unreadable = |error| Failure::Failed(format!("{} can't be read: {error}", file.display()));
    let import = import::read(File::open(file).map_err(unreadable)?, format, plan).map_err(unreadable)?;
    if !import.bad.is_empty() && !keep_going {
        let lines: Vec<_> =
            import.bad.iter().map(|bad| format!("line {}: it {}", bad.line, bad.reason)).collect();
        let text =
            format!("{}\nnothing was imported; --keep-going imports the other lines", lines.join("\n"));
        return Err(Failure::Failed(text));
    }
    let mut answer = office.ask(AdminRequest::AccountImport { rows: import.rows, keep_going })?;
    let unread =
        import.bad.iter().map(|bad| json!({"line": bad.line, "reason": format!("it {}", bad.reason)}));
    match answer.get_mut("bad").and_then(Value::as_array_mut) {
        Some(bad) => {
            bad.extend(unread);
            bad.sort_by_key(|row| row["line"].as_u64());
        }
        None if !import.bad.is_empty() => {
            answer = json!({"answer": answer, "bad": unread.collect::<Vec<_>>()});
        }
        None => {}
    }
    office.show(&answer, json)
}

/// Where requests are carried out: the running server, or the store.
struct Office<'a, H> {
    config: Config,
    house: &'a H,
}

impl<H: House> Office<'_, H> {
    fn open(house: &H) -> Result<Office<'_, H>, Failure> {
        Ok(Office { config: Config::from_environment(Purpose::Command)?, house })
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

    fn carry_out(&self, request: AdminRequest, json: bool) -> Result<(), Failure> {
        let answer = self.ask(request)?;
        self.show(&answer, json)
    }

    /// Prints an answer. One that tells of bad rows or of problems in the store is a failure.
    fn show(&self, answer: &Value, json: bool) -> Result<(), Failure> {
        if json { print_json(answer) } else { print(&show::human(answer, &self.config.timezone)) }?;
        for (key, what) in [("bad", "not all lines were imported"), ("problems", "the store is damaged")] {
            if answer.get(key).and_then(Value::as_array).is_some_and(|list| !list.is_empty()) {
                return Err(Failure::Failed(what.to_owned()));
            }
        }
        Ok(())
    }

    /// How long `span` is by the server's clock, from now on.
    fn from_now(&self, span: Span) -> Result<Duration, Failure> {
        let now = match span {
            Span::Fixed(_) => None,
            Span::Months(_) => {
                let answer = self.ask(AdminRequest::ClockShow)?;
                let now = answer.get("now").and_then(Value::as_str).and_then(Timestamp::parse_rfc3339);
                Some(now.ok_or_else(|| Failure::Failed("the server does not tell its time".to_owned()))?)
            }
        };
        span.from(now.unwrap_or_default())
            .ok_or_else(|| Failure::Failed("the calendar ends before that".to_owned()))
    }
}

fn print_json(value: &Value) -> Result<(), Failure> {
    print(&format!("{value}\n"))
}

fn print(text: &str) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(text.as_bytes())?;
    Ok(stdout.flush()?)
}
