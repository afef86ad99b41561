//! Debian's Postfix with Dovecot behind it, under the same client in the same run: submission over TLS, delivery by LMTP
//! into sdbox. A letter counts when it is in the mailbox, for that is what Postern's 250 means.

use std::fs;
use std::io::Read as _;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use memchr::memmem;
use tempfile::TempDir;

use crate::client::{DOMAIN, Target};
use crate::letters::{self, Subject};
use crate::server::scratch;
use crate::{Bench, Outcome, process};

/// How long a start, a stop, or the delivery of a round may take.
const PATIENCE: Duration = Duration::from_secs(120);

/// Submission through a Postfix of our own to the Dovecot that runs in the directory `dovecot` with this master process.
pub(crate) fn measure(bench: &mut Bench, dovecot: &Path, master: u32) -> Outcome<()> {
    if !Path::new("/usr/sbin/postfix").exists() {
        eprintln!("peers: no letters; they need Debian's postfix");
        return Ok(());
    }
    let postfix = Postfix::start(bench, dovecot)?;
    let cpu = || Ok(process::cpu_of_family(postfix.master.id())? + process::cpu_of_family(master)?);
    let seen = std::cell::Cell::new(0);
    let delivered = |count: usize| {
        seen.set(seen.get() + count);
        postfix.wait_for(seen.get())
    };
    letters::drive(bench, &Subject { target: postfix.target.clone(), cpu: &cpu, delivered: &delivered })
}

/// A Postfix of our own.
struct Postfix {
    master: Child,
    dir: TempDir,
    target: Target,
}

impl Postfix {
    fn start(bench: &Bench, dovecot: &Path) -> Outcome<Postfix> {
        let dir = scratch()?;
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755))?;
        fs::create_dir(dir.path().join("queue"))?;
        // Postfix does not tell which port it got: one that was free a moment ago.
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        fs::write(dir.path().join("main.cf"), main_cf(dir.path(), dovecot, bench.certificate.dir()))?;
        fs::write(dir.path().join("master.cf"), master_cf(address.port()))?;
        let checked = Command::new("/usr/sbin/postfix").arg("-c").arg(dir.path()).arg("check").output()?;
        if !checked.status.success() {
            return Err(format!("postfix check: {}", String::from_utf8_lossy(&checked.stderr)).into());
        }
        // The master itself, in the foreground: `postfix start-fg` would put a shell in between, which does not pass
        // SIGTERM on.
        let master = Command::new("/usr/lib/postfix/sbin/master")
            .arg("-s")
            .arg("-c")
            .arg(dir.path())
            .env("MAIL_CONFIG", dir.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        let target = Target::new(address, &bench.certificate.authority)?;
        let mut postfix = Postfix { master, dir, target };
        let begun = Instant::now();
        while bench.runtime.block_on(postfix.target.greeted(0)).is_err() {
            if postfix.master.try_wait()?.is_some() || begun.elapsed() > PATIENCE {
                let log = fs::read_to_string(postfix.log()).unwrap_or_default();
                return Err(format!("Postfix did not start: {log}").into());
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(postfix)
    }

    fn log(&self) -> std::path::PathBuf {
        self.dir.path().join("log")
    }

    /// Waits until the log tells of so many deliveries in all.
    fn wait_for(&self, count: usize) -> Outcome<()> {
        let mut log = fs::File::open(self.log())?;
        let (mut text, mut sent) = (Vec::new(), 0);
        let begun = Instant::now();
        loop {
            log.read_to_end(&mut text)?;
            let whole = memchr::memrchr(b'\n', &text).map_or(0, |at| at + 1);
            sent += memmem::find_iter(&text[..whole], b"status=sent").count();
            text.drain(..whole);
            if sent >= count {
                return Ok(());
            }
            if begun.elapsed() > PATIENCE {
                return Err(format!("Postfix delivered {sent} of {count} letters").into());
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Postfix {
    fn drop(&mut self) {
        // Its master ends all its processes on SIGTERM; where that takes too long, nothing more can be done here.
        let _ = process::terminate(&mut self.master, PATIENCE);
    }
}

/// Postfix 3.7's configuration.
fn main_cf(dir: &Path, dovecot: &Path, certificate: &Path) -> String {
    let (dir, dovecot, certificate) = (dir.display(), dovecot.display(), certificate.display());
    format!(
        "compatibility_level = 3.6
queue_directory = {dir}/queue
data_directory = {dir}/lib
maillog_file_prefixes = {dir}
maillog_file = {dir}/log
myhostname = mail.{DOMAIN}
mydestination =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
alias_maps =
virtual_mailbox_domains = {DOMAIN}
virtual_mailbox_maps = static:ok
virtual_transport = lmtp:unix:{dovecot}/run/postfix-lmtp
smtpd_tls_cert_file = {certificate}/cert.pem
smtpd_tls_key_file = {certificate}/key.pem
smtpd_tls_security_level = encrypt
smtpd_sasl_auth_enable = yes
smtpd_sasl_type = dovecot
smtpd_sasl_path = {dovecot}/run/postfix-auth
smtpd_relay_restrictions = permit_sasl_authenticated, reject
smtpd_recipient_restrictions = permit_sasl_authenticated, reject
smtpd_client_connection_count_limit = 0
default_process_limit = 200
"
    )
}

fn master_cf(port: u16) -> String {
    format!(
        "127.0.0.1:{port} inet n - n - - smtpd -o smtpd_tls_wrappermode=yes
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
lmtp unix - - n - - lmtp
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
anvil unix - - n - 1 anvil
postlog unix-dgram n - n - 1 postlogd
"
    )
}
