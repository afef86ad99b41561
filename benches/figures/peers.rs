//! Debian's Dovecot under the same client in the same run, where it is installed: POP3 and IMAP over TLS from sdbox,
//! passwords that cost nothing, its processes reused; and behind Postfix, to which it serves AUTH and LMTP. It runs from a directory
//! of its own, on a free loopback port, and needs root as Dovecot does.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::client::{DOMAIN, Letter, PASSWORD, Target};
use crate::letters::SIZE;
use crate::server::scratch;
use crate::{Bench, Outcome, imap, logins, pop3, postfix, process};

/// Debian's user and group `nobody`, who owns the mail.
pub(crate) const NOBODY: u32 = 65_534;
/// How long a start may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// Runs the groups `chosen` that the peers have a part in; their figures are kept beside Postern's.
pub(crate) fn measure(bench: &mut Bench, chosen: impl Fn(&str) -> bool) -> Outcome<()> {
    if !Path::new("/usr/sbin/dovecot").exists() || !rustix::process::geteuid().is_root() {
        eprintln!("peers: skipped; they need root and Debian's dovecot-pop3d and dovecot-imapd");
        return Ok(());
    }
    let mut dovecot = Dovecot::start(bench)?;
    let own = std::mem::take(&mut bench.figures);
    let driven = dovecot.drive(bench, chosen);
    let theirs = std::mem::replace(&mut bench.figures, own);
    bench.peers.extend(theirs.into_iter().map(|figure| (figure.name, figure.value)));
    driven
}

/// A Dovecot of our own.
struct Dovecot {
    master: Child,
    dir: TempDir,
    target: Target,
    imap: Target,
}

impl Dovecot {
    fn start(bench: &Bench) -> Outcome<Dovecot> {
        let dir = scratch()?;
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755))?;
        let mail = dir.path().join("mail");
        fs::create_dir(&mail)?;
        chown(&mail, Some(NOBODY), Some(NOBODY))?;
        // Dovecot does not tell which ports it got: two that were free a moment ago.
        let free = [TcpListener::bind("127.0.0.1:0")?, TcpListener::bind("127.0.0.1:0")?];
        let [address, imap] = [free[0].local_addr()?, free[1].local_addr()?];
        drop(free);
        let configuration = configuration(dir.path(), bench.certificate.dir(), address.port(), imap.port());
        let path = dir.path().join("dovecot.conf");
        fs::write(&path, configuration)?;
        let master = Command::new("/usr/sbin/dovecot")
            .arg("-F")
            .arg("-c")
            .arg(&path)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        let target = Target::new(address, &bench.certificate.authority)?;
        let imap = Target::new(imap, &bench.certificate.authority)?;
        let mut dovecot = Dovecot { master, dir, target, imap };
        let begun = Instant::now();
        while bench.runtime.block_on(dovecot.target.greeted(0)).is_err() {
            if dovecot.master.try_wait()?.is_some() || begun.elapsed() > PATIENCE {
                let log = fs::read_to_string(dovecot.dir.path().join("log")).unwrap_or_default();
                return Err(format!("Dovecot did not start: {log}").into());
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(dovecot)
    }

    fn drive(&mut self, bench: &mut Bench, chosen: impl Fn(&str) -> bool) -> Outcome<()> {
        for (name, drive) in imap::GROUPS {
            if chosen(name) {
                drive(bench, self)?;
            }
        }
        let cpu = || process::cpu_of_family(self.master.id());
        if chosen("letters") {
            postfix::measure(bench, self.dir.path(), self.master.id())?;
        }
        if chosen("pop3") {
            let letters = pop3::letters(bench);
            self.fill(letters)?;
            pop3::drive(bench, &self.target, &cpu, letters)?;
        }
        if chosen("logins") {
            logins::drive(bench, &self.target, &cpu, logins::own(bench))?;
        }
        Ok(())
    }

    /// Writes one Maildir and has Dovecot import it into every maildrop.
    fn fill(&self, letters: usize) -> Outcome<()> {
        let source = self.dir.path().join("source");
        for folder in ["cur", "new", "tmp"] {
            fs::create_dir_all(source.join(folder))?;
        }
        let mut letter = Letter::new(&format!("sender@{DOMAIN}"), SIZE);
        for number in 0..letters {
            let lines = letter.numbered(number as u64);
            let text = lines.strip_suffix(b".\r\n").unwrap_or(lines);
            fs::write(source.join("cur").join(format!("{number}.figures:2,S")), text)?;
        }
        for entry in [source.clone(), source.join("cur"), source.join("new"), source.join("tmp")] {
            chown(entry, Some(NOBODY), Some(NOBODY))?;
        }
        for number in 0..pop3::ACCOUNTS {
            let done = Command::new("/usr/bin/doveadm")
                .arg("-c")
                .arg(self.dir.path().join("dovecot.conf"))
                .args(["import", "-u", &pop3::account(number)])
                .arg(format!("maildir:{}", source.display()))
                .args(["", "all"])
                .output()?;
            if !done.status.success() {
                return Err(format!("doveadm import: {}", String::from_utf8_lossy(&done.stderr)).into());
            }
        }
        Ok(())
    }
}

impl imap::Subject for Dovecot {
    fn imap(&self) -> Outcome<Target> {
        Ok(self.imap.clone())
    }

    fn submission(&self) -> Outcome<Option<Target>> {
        Ok(None)
    }

    fn cpu(&self) -> Outcome<f64> {
        process::cpu_of_family(self.master.id())
    }

    /// Its accounts need not be made.
    fn furnish(&self, _accounts: &[String]) -> Outcome<()> {
        Ok(())
    }

    /// Its processes keep no mailbox beyond a session; what it found out about letters is in a file of each folder.
    fn forget(&mut self, _bench: &Bench) -> Outcome<()> {
        for home in fs::read_dir(self.dir.path().join("mail"))? {
            let cache = home?.path().join("sdbox/mailboxes/INBOX/dbox-Mails/dovecot.index.cache");
            if cache.exists() {
                fs::remove_file(cache)?;
            }
        }
        Ok(())
    }
}

impl Drop for Dovecot {
    fn drop(&mut self) {
        // Its master ends all its processes on SIGTERM; where that takes too long, nothing more can be done here.
        let _ = process::terminate(&mut self.master, PATIENCE);
    }
}

/// Dovecot 2.3's configuration.
fn configuration(dir: &Path, certificate: &Path, pop3: u16, imap: u16) -> String {
    let (dir, certificate) = (dir.display(), certificate.display());
    format!(
        "base_dir = {dir}/run
state_dir = {dir}/state
log_path = {dir}/log
listen = 127.0.0.1
protocols = pop3 imap lmtp
ssl = required
ssl_cert = <{certificate}/cert.pem
ssl_key = <{certificate}/key.pem
mail_location = sdbox:~/sdbox
mail_max_userip_connections = 0
auth_mechanisms = plain
postmaster_address = postmaster@{DOMAIN}
passdb {{
  driver = static
  args = password={PASSWORD}
}}
userdb {{
  driver = static
  args = uid={NOBODY} gid={NOBODY} home={dir}/mail/%n allow_all_users=yes
}}
service anvil {{
  client_limit = 10000
}}
service auth {{
  client_limit = 10000
  unix_listener {dir}/run/postfix-auth {{
    mode = 0666
  }}
}}
service pop3-login {{
  service_count = 0
  process_min_avail = 2
  client_limit = 1000
  inet_listener pop3 {{
    port = 0
  }}
  inet_listener pop3s {{
    port = {pop3}
    ssl = yes
  }}
}}
service imap-login {{
  service_count = 0
  process_min_avail = 2
  client_limit = 1000
  inet_listener imap {{
    port = 0
  }}
  inet_listener imaps {{
    port = {imap}
    ssl = yes
  }}
}}
service imap {{
  service_count = 1000
  process_min_avail = 16
}}
service lmtp {{
  process_min_avail = 4
  unix_listener {dir}/run/postfix-lmtp {{
    mode = 0666
  }}
}}
service pop3 {{
  service_count = 1000
  process_min_avail = 16
}}
"
    )
}
