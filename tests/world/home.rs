//! Postern on the stage: mail.home.test with the account alice@home.test.

use std::time::Duration;

use serde_json::Value;

use super::{Authority, HOME, Knot, Stage};
use crate::rig::{Outcome, Server, patiently};

/// Who writes and reads at home.
pub(crate) const ALICE: (&str, &str) = ("alice@home.test", "a wall, a cat, a hat");

/// Postern, and the stage that it is on.
pub(crate) struct Home<'a> {
    pub(crate) server: Server,
    stage: &'a Stage,
}

impl<'a> Home<'a> {
    /// Starts it with what the world has to know of it already published, and `extra` settings.
    pub(crate) fn start(
        stage: &'a Stage,
        authority: &Authority,
        knot: &Knot,
        extra: &[(&str, &str)],
    ) -> Home<'a> {
        let mut server = Home::stopped(stage, authority, extra);
        server.set("POSTERN_RESOLVER", super::dns::ADDRESS);
        server.set("POSTERN_TRUST_ANCHOR", &knot.trust_anchor().to_string_lossy());
        Home::begin(stage, server)
    }

    fn stopped(stage: &Stage, authority: &Authority, extra: &[(&str, &str)]) -> Server {
        let mut server = Server::stopped(&[]).within(stage.home_namespace(), HOME);
        server.set("POSTERN_HOSTNAME", "mail.home.test");
        server.set("POSTERN_CA_FILE", &authority.trusted());
        extra.iter().for_each(|(name, value)| server.set(name, value));
        server
    }

    fn begin(stage: &'a Stage, mut server: Server) -> Home<'a> {
        server.restart();
        server.ok(&["domain", "add", "home.test"]);
        server.add_account(ALICE);
        Home { server, stage }
    }

    /// Sends a letter from alice over 465, with swaks; `more` are options of swaks.
    pub(crate) fn send(&self, to: &str, more: &[&str]) -> Outcome {
        let (user, password) = ALICE;
        let args = [
            &["--server", HOME, "--port", "465", "--tlsc", "--auth", "PLAIN", "--auth-user", user][..],
            &["--auth-password", password, "--from", user, "--to", to][..],
            more,
        ];
        self.stage.home("swaks", &args.concat())
    }

    /// Sends a letter from alice with parameters of MAIL and RCPT, by Python's smtplib.
    pub(crate) fn send_asking(&self, to: &str, mail: &[&str], rcpt: &[&str]) {
        let (user, password) = ALICE;
        let mail = mail.join(" ");
        let args = [&["-c", ASKING, HOME, user, password, to, &mail][..], rcpt].concat();
        self.stage.home("python3", &args).expect_success("smtplib");
    }

    /// What lies in alice's INBOX, the oldest first, once there are `count`.
    pub(crate) fn inbox(&self, count: usize) -> Vec<String> {
        patiently(&format!("{count} letters in alice's INBOX"), || {
            let listing = self.pop3("");
            let numbers: Vec<_> = listing
                .lines()
                .filter_map(|line| line.split_whitespace().next())
                .map(str::to_owned)
                .collect();
            (numbers.len() >= count).then(|| numbers.iter().map(|number| self.pop3(number)).collect())
        })
    }

    fn pop3(&self, path: &str) -> String {
        let (user, password) = ALICE;
        let (url, login) = (format!("pop3s://{HOME}/{path}"), format!("{user}:{password}"));
        self.stage.home("curl", &["--silent", "--insecure", "--user", &login, &url]).expect_success("curl")
    }

    /// The queue as `queue list --json` has it.
    pub(crate) fn queue(&self) -> Vec<Value> {
        let listed: Value =
            serde_json::from_str(&self.server.ok(&["queue", "list", "--json"])).expect("JSON");
        listed.as_array().expect("a list").clone()
    }

    /// What `queue show` says of the only letter in the queue, once it was tried.
    pub(crate) fn only_try(&self) -> String {
        patiently("the letter was tried", || {
            let queue = self.queue();
            let id = queue.first()?.get("id")?.as_str()?.to_owned();
            let shown = self.server.ok(&["queue", "show", &id, "--json"]);
            let value: Value = serde_json::from_str(&shown).ok()?;
            let tried =
                value.get("consignments")?.as_array()?.iter().all(|c| c["attempts"].as_u64() > Some(0));
            tried.then_some(shown)
        })
    }

    /// Moves the manual clock on.
    pub(crate) fn advance(&self, time: Duration) {
        self.server.ok(&["clock", "advance", &format!("{}s", time.as_secs())]);
    }
}

const ASKING: &str = "
import smtplib, ssl, sys
host, user, password, to, mail = sys.argv[1:6]
context = ssl.create_default_context()
context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
server = smtplib.SMTP_SSL(host, 465, context=context)
server.login(user, password)
letter = f'From: {user}\\r\\nTo: {to}\\r\\nSubject: asked\\r\\n\\r\\nasked for a report\\r\\n'
server.sendmail(user, [to], letter, mail.split(), sys.argv[6:])
server.quit()
";
