//! Reads the environment against the table: every mistake is found and reported at once (SPEC O1).

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::fs::File;
use std::io::Read as _;
use std::time::Duration;

use postern_actors::BrakeFigures;
use postern_policy::{abuse, access, lockout, retry};

use super::field::{Default, Row};
use super::gate::{PLAN_ROWS, warned_too_early};
use super::kinds::Problem;
use super::table::rows;
use super::{
    Argon2Cost, ClockKind, Config, Effective, Inbound, Listen, LogFormat, Machine, Origin, Out, Purpose,
    Screen, StoreKind, TlsSource, Users,
};

/// What every variable of Postern's begins with.
pub const PREFIX: &str = "POSTERN_";
/// The longest secret that a file may hold, in octets.
const LONGEST_SECRET: u64 = 64 * 1024;

/// One mistake in the environment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// The variable's whole name.
    pub variable: String,
    /// Its value; missing where it is not set, or secret.
    pub value: Option<String>,
    /// What is wrong with it.
    pub reason: String,
    /// What to do.
    pub cure: String,
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.value {
            Some(value) => write!(f, "{}={}: it {}; {}", self.variable, shown(value), self.reason, self.cure),
            None => write!(f, "{}: it {}; {}", self.variable, self.reason, self.cure),
        }
    }
}

/// A value as one line of bounded length.
fn shown(value: &str) -> String {
    value.chars().take(200).flat_map(char::escape_debug).collect()
}

/// All mistakes of an environment, one a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistakes(pub Vec<Mistake>);

impl fmt::Display for Mistakes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, mistake) in self.0.iter().enumerate() {
            if n > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{mistake}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Mistakes {}

impl Config {
    /// Reads `variables`; those that don't begin with `POSTERN_` are not Postern's.
    ///
    /// # Errors
    /// Every mistake in them.
    pub fn read(
        variables: impl IntoIterator<Item = (OsString, OsString)>,
        machine: &Machine,
        purpose: Purpose,
    ) -> Result<Config, Mistakes> {
        let mut reader = Reader::new(variables, machine, purpose);
        let mut config = Config::blank();
        for row in rows() {
            let default = reader.default_of(row, &config, &config);
            reader.apply("", row, default, &mut config);
        }
        let mut plans = std::mem::take(&mut config.plans);
        for plan in &mut plans {
            let prefix = plan_prefix(&plan.name);
            for row in PLAN_ROWS {
                let default = reader.default_of(row, &config, plan);
                reader.apply(&prefix, row, default, plan);
            }
        }
        config.plans = plans;
        reader.refuse_unknown(&config);
        if let Some(problem) = warned_too_early(&config.access) {
            reader.wrong("WARN_BEFORE", None, problem);
        }
        if purpose != Purpose::Command {
            reader.check_for_serving(&config);
        }
        if purpose == Purpose::Demo {
            reader.check_for_demo(&config);
        }
        config.effective = reader.effective;
        if reader.mistakes.is_empty() { Ok(config) } else { Err(Mistakes(reader.mistakes)) }
    }

    /// Every variable as it holds, in the order of the table.
    pub fn effective(&self) -> &[Effective] {
        &self.effective
    }

    /// Before any row was applied; each row overwrites its field.
    fn blank() -> Config {
        Config {
            data_dir: "".into(),
            hostname: String::new(),
            listen: Listen::default(),
            tls: TlsSource::Files,
            tls_cert: Vec::new(),
            tls_key: Vec::new(),
            legacy_plaintext: false,
            proxy_networks: Vec::new(),
            web_url: String::new(),
            support_url: String::new(),
            timezone: jiff::tz::TimeZone::UTC,
            language: String::new(),
            failed_logins: lockout::Figures::default(),
            max_connections: 0,
            max_connections_per_address: 0,
            max_connections_per_account: 0,
            scram: false,
            secret_key_file: None,
            argon2: Argon2Cost { memory: 0, passes: 0, lanes: 0 },
            cache: 0,
            disk_reserve: 0,
            pop3_takeover_after: Duration::ZERO,
            pop3_autologout: Duration::ZERO,
            imap_idle_timeout: Duration::ZERO,
            plans: Vec::new(),
            templates: None,
            access: access::Figures::default(),
            inactive_refuses_mail: false,
            client_password: false,
            check_interval: Duration::ZERO,
            check_burst: 0,
            check_grace: Duration::ZERO,
            abuse: abuse::Figures::default(),
            brake: BrakeFigures { accounts: 0, percent: 0 },
            out: Out::default(),
            queue: retry::Figures::default(),
            inbound: Inbound::default(),
            message_size: 0,
            users: Users::default(),
            clock: ClockKind::System,
            store: StoreKind::Sled,
            workers: 0,
            log: String::new(),
            log_format: LogFormat::Text,
            screen: Screen::default(),
            effective: Vec::new(),
        }
    }
}

/// `PLAN_FREE_` for the plan `free`.
fn plan_prefix(plan: &str) -> String {
    format!("PLAN_{}_", plan.to_ascii_uppercase())
}

struct Reader<'a> {
    /// What is set, by name without the prefix; what a row has read is gone.
    given: BTreeMap<String, String>,
    machine: &'a Machine,
    purpose: Purpose,
    effective: Vec<Effective>,
    mistakes: Vec<Mistake>,
}

impl<'a> Reader<'a> {
    fn new(
        variables: impl IntoIterator<Item = (OsString, OsString)>,
        machine: &'a Machine,
        purpose: Purpose,
    ) -> Reader<'a> {
        let mut reader =
            Reader { given: BTreeMap::new(), machine, purpose, effective: Vec::new(), mistakes: Vec::new() };
        for (name, value) in variables {
            let shown = name.to_string_lossy();
            let Some(short) = shown.strip_prefix(PREFIX) else { continue };
            match (name.to_str(), value.into_string()) {
                (Some(_), Ok(value)) => {
                    reader.given.insert(short.to_owned(), value);
                }
                _ => reader.wrong(short, None, Problem::new("is not UTF-8", "write it in UTF-8")),
            }
        }
        reader
    }

    fn wrong(&mut self, short: &str, value: Option<String>, problem: Problem) {
        let variable = format!("{PREFIX}{short}");
        self.mistakes.push(Mistake { variable, value, reason: problem.reason, cure: problem.cure });
    }

    fn default_of<T>(&self, row: &Row<T>, config: &Config, target: &T) -> String {
        match (row.demo, &row.default) {
            (Some(value), _) if self.purpose == Purpose::Demo => value.to_owned(),
            (_, Default::Fixed(value)) => (*value).to_owned(),
            (_, Default::Found { find, .. }) => find(self.machine, config),
            (_, Default::Own { pick, .. }) => pick(target).to_owned(),
        }
    }

    /// Reads one row's variable, or its default, into its place.
    fn apply<T>(&mut self, prefix: &str, row: &Row<T>, default: String, target: &mut T) {
        let name = format!("{prefix}{}", row.name);
        let (text, origin) = match self.given_text(&name, row.secret) {
            Ok(Some(found)) => found,
            Ok(None) => (default.clone(), Origin::Default),
            Err((variable, problem)) => return self.wrong(&variable, None, problem),
        };
        if let Err(problem) = row.field.set(target, &text) {
            let value = (!row.secret).then(|| text.clone());
            self.wrong(&name, value, problem);
        }
        // What everybody can read in the documentation is no secret.
        let hidden = row.secret && text != default;
        let value = if hidden { "(secret)".to_owned() } else { text };
        self.effective.push(Effective { name: format!("{PREFIX}{name}"), value, origin });
    }

    /// The text that the environment gives for `name`; for a secret also by way of a file. The error names the variable
    /// that is wrong.
    fn given_text(
        &mut self,
        name: &str,
        secret: bool,
    ) -> Result<Option<(String, Origin)>, (String, Problem)> {
        let direct = self.given.remove(name).map(|text| (text, Origin::Environment));
        if !secret {
            return Ok(direct);
        }
        let variable = format!("{name}_FILE");
        match (direct, self.given.remove(&variable)) {
            (direct, None) => Ok(direct),
            (Some(_), Some(_)) => {
                let reason = format!("stands beside {PREFIX}{name}");
                Err((variable, Problem::new(reason, "unset one of the two")))
            }
            (None, Some(path)) => {
                let text = secret_in(&path).map_err(|problem| (variable, problem))?;
                Ok(Some((text, Origin::File)))
            }
        }
    }

    fn refuse_unknown(&mut self, config: &Config) {
        // Of an unknown variable nobody knows whether it is secret, so its value stays out.
        for short in std::mem::take(&mut self.given).into_keys() {
            let of_a_plan = PLAN_ROWS.iter().any(|row| {
                short.starts_with("PLAN_") && short.strip_suffix(row.name).is_some_and(|s| s.ends_with('_'))
            });
            let problem = if let Some(known) = similar(&short, config) {
                Problem::new("is not a variable of this version", format!("did you mean {PREFIX}{known}?"))
            } else if of_a_plan {
                // A mistake in the list of plans is reported already, and would make each of these one more.
                if self.has_mistake("PLANS") {
                    continue;
                }
                Problem::new("belongs to no plan of POSTERN_PLANS", "add the plan there, or unset this")
            } else {
                let cure = "unset it; `postern config --markdown` lists all variables";
                Problem::new("is not a variable of this version", cure)
            };
            self.wrong(&short, None, problem);
        }
    }

    /// What only a server needs (SPEC P9, P10).
    fn check_for_serving(&mut self, config: &Config) {
        let listeners: Vec<_> = config
            .listen
            .all()
            .into_iter()
            .flat_map(|(variable, addresses)| addresses.iter().map(move |address| (variable, *address)))
            .collect();
        for (n, (variable, address)) in listeners.iter().enumerate() {
            let earlier = listeners.iter().take(n).find(|(_, a)| a == address && address.port() != 0);
            if let Some((other, _)) = earlier {
                let short = variable.trim_start_matches(PREFIX);
                let reason = format!("wants {address}, which {other} has already");
                self.wrong(short, None, Problem::new(reason, "give each service its own port"));
            }
        }
        self.check_certificates(config);
    }

    fn check_certificates(&mut self, config: &Config) {
        let (certs, keys) = (config.tls_cert.len(), config.tls_key.len());
        match config.tls {
            TlsSource::Files => {
                let cure = "name PEM files, or set POSTERN_TLS=self-signed for a trial";
                for (name, count) in [("TLS_CERT", certs), ("TLS_KEY", keys)] {
                    if count == 0 && !self.has_mistake(name) {
                        let reason = "names no file, but POSTERN_TLS=files needs one";
                        self.wrong(name, None, Problem::new(reason, cure));
                    }
                }
                if certs != keys && certs > 0 && keys > 0 {
                    let reason = format!("names {keys} keys for {certs} certificates");
                    self.wrong("TLS_KEY", None, Problem::new(reason, "name one key for each certificate"));
                }
            }
            TlsSource::SelfSigned => {
                for (name, count) in [("TLS_CERT", certs), ("TLS_KEY", keys)] {
                    if count > 0 {
                        let reason = "would not be used with POSTERN_TLS=self-signed";
                        let cure = "unset it, or set POSTERN_TLS=files";
                        self.wrong(name, None, Problem::new(reason, cure));
                    }
                }
            }
        }
    }

    /// A trial is for this machine alone (SPEC O3).
    fn check_for_demo(&mut self, config: &Config) {
        for (variable, addresses) in config.listen.all() {
            if let Some(open) = addresses.iter().find(|address| !address.ip().is_loopback()) {
                let reason = format!("listens on {open}, but a demo listens on loopback only");
                let cure = "write 127.0.0.1 or [::1], or start `postern serve`";
                self.wrong(variable.trim_start_matches(PREFIX), None, Problem::new(reason, cure));
            }
        }
    }

    fn has_mistake(&self, short: &str) -> bool {
        self.mistakes.iter().any(|m| m.variable.strip_prefix(PREFIX) == Some(short))
    }
}

/// The secret that a file holds: its text without the line's end.
fn secret_in(path: &str) -> Result<String, Problem> {
    let cure = "name a file that holds the secret and that this user may read";
    let unreadable = |error: std::io::Error| Problem::new(format!("can't be read ({error})"), cure);
    let mut text = String::new();
    let file = File::open(path).map_err(unreadable)?;
    file.take(LONGEST_SECRET + 1).read_to_string(&mut text).map_err(unreadable)?;
    if text.len() as u64 > LONGEST_SECRET {
        return Err(Problem::new(format!("holds more than {LONGEST_SECRET} octets"), cure));
    }
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}

/// A known name that `short` may be a misspelling of.
fn similar(short: &str, config: &Config) -> Option<String> {
    let of_plans = config.plans.iter().flat_map(|plan| {
        let prefix = plan_prefix(&plan.name);
        PLAN_ROWS.iter().map(move |row| format!("{prefix}{}", row.name))
    });
    let secrets = rows().filter(|row| row.secret).map(|row| format!("{}_FILE", row.name));
    rows()
        .map(|row| row.name.to_owned())
        .chain(secrets)
        .chain(of_plans)
        .map(|known| (distance(short, &known), known))
        .min()
        .filter(|(distance, known)| *distance <= 1 + known.len() / 12)
        .map(|(_, known)| known)
}

/// Letters to insert, remove, replace or swap with their neighbour to make `b` of `a`.
fn distance(a: &str, b: &str) -> usize {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    let mut rows: Vec<Vec<usize>> = vec![(0..=b.len()).collect()];
    // A variable's name can be as long as the system lets it be; beyond this it resembles nothing.
    if a.len() > 100 {
        return usize::MAX;
    }
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let replaced = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut best = replaced.min(rows[i - 1][j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(rows[i - 2][j - 2] + 1);
            }
            row.push(best);
        }
        rows.push(row);
    }
    rows[a.len()][b.len()]
}

/// Reads one row alone, for tests of what no row of the table has.
#[cfg(test)]
pub(super) fn read_row<T>(
    variables: Vec<(OsString, OsString)>,
    machine: &Machine,
    row: &Row<T>,
    target: &mut T,
) -> (Vec<Effective>, Vec<Mistake>) {
    let mut reader = Reader::new(variables, machine, Purpose::Command);
    let default = reader.default_of(row, &Config::blank(), target);
    reader.apply("", row, default, target);
    (reader.effective, reader.mistakes)
}
