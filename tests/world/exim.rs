//! Debian's Exim: a remote server for exim.test and plain.test, and a relay for whoever logs in. It can't be installed
//! beside Postfix, so its package is unpacked below `target/clients`.

use std::fs;
use std::path::{Path, PathBuf};

use super::{Authority, Daemon, Stage, stage};
use crate::rig::patiently;

/// Where it listens.
pub(crate) const ADDRESS: &str = "10.77.0.26";
/// Who may use it as a relay.
pub(crate) const USER: (&str, &str) = ("relayuser", "relaypass");

/// Its program.
pub(crate) fn program() -> String {
    let unpacked = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/clients/exim/usr/sbin/exim4");
    unpacked.to_string_lossy().into_owned()
}

/// An Exim of our own.
pub(crate) struct Exim {
    _daemon: Daemon,
    dir: PathBuf,
    mail: PathBuf,
}

impl Exim {
    pub(crate) fn start(stage: &Stage, authority: &Authority) -> Exim {
        let dir = stage.room("exim", None);
        for name in ["exim/spool", "exim/log"] {
            stage.room(name, Some("Debian-exim"));
        }
        let mail = stage.room("mail-exim", Some("Debian-exim"));
        let (certificate, key) = authority.certificate(&["mx.exim.test"]);
        let configuration = CONFIGURATION
            .replace("PROGRAM", &program())
            .replace("DIR", &dir.to_string_lossy())
            .replace("MAIL", &mail.to_string_lossy())
            .replace("CERT", &certificate)
            .replace("KEY", &key);
        let path = dir.join("exim.conf");
        fs::write(&path, configuration).expect("a configuration file");
        let daemon = stage.daemon("exim", &program(), &["-C", &path.to_string_lossy(), "-bdf", "-q1m"], &[]);
        let exim = Exim { _daemon: daemon, dir, mail };
        patiently("Exim listens", || exim.log().contains("daemon started").then_some(()));
        exim
    }

    /// All that it has logged.
    pub(crate) fn log(&self) -> String {
        String::from_utf8_lossy(&fs::read(self.dir.join("log/mainlog")).unwrap_or_default()).into_owned()
    }

    /// What it delivered, once that are `count` letters.
    pub(crate) fn letters(&self, count: usize) -> Vec<String> {
        stage::letters(&self.mail.join("all"), count)
    }
}

const CONFIGURATION: &str = "exim_path = PROGRAM
primary_hostname = mx.exim.test
deliver_drop_privilege = true
domainlist local_domains = exim.test : plain.test
spool_directory = DIR/spool
log_file_path = DIR/log/%slog
pid_file_path = DIR/pid
local_interfaces = 10.77.0.26
daemon_smtp_ports = 25
tls_advertise_hosts = *
tls_certificate = CERT
tls_privatekey = KEY
dsn_advertise_hosts = *
acl_smtp_rcpt = rcpt
host_lookup =
rfc1413_hosts =
keep_environment =
never_users =
begin acl
rcpt:
  accept authenticated = *
  deny local_parts = unknown
       message = nobody here
  accept domains = +local_domains
  accept domains = home.test
  deny message = relay not permitted
begin routers
here:
  driver = accept
  domains = +local_domains
  transport = maildir
elsewhere:
  driver = dnslookup
  transport = remote
begin transports
maildir:
  driver = appendfile
  maildir_format
  directory = MAIL/all
  create_directory
  envelope_to_add
  return_path_add
  user = Debian-exim
  group = Debian-exim
remote:
  driver = smtp
  interface = 10.77.0.26
begin retry
* * F,1h,1m
begin authenticators
plain:
  driver = plaintext
  public_name = PLAIN
  server_condition = ${if and{{eq{$auth2}{relayuser}}{eq{$auth3}{relaypass}}}}
  server_set_id = $auth2
  server_advertise_condition = ${if def:tls_in_cipher}
";
