//! Debian's Postfix: a remote server for postfix.test and sts.test, and a relay for whoever logs in.

use std::fs;
use std::path::PathBuf;

use super::{Authority, Daemon, HOME, Stage, stage};
use crate::rig::{patiently, run};

/// Where it listens.
pub(crate) const ADDRESS: &str = "10.77.0.25";
/// Who may use it as a relay.
pub(crate) const USER: (&str, &str) = ("relayuser@postfix.test", "relaypass");

/// What it does with letters for home.test.
pub(crate) enum Relays {
    /// It takes none.
    Nowhere,
    /// It brings them to port 25.
    BySmtp,
    /// It brings them to this LMTP port.
    ByLmtp(u16),
}

/// A Postfix of our own.
pub(crate) struct Postfix {
    _master: Daemon,
    dir: PathBuf,
    mail: PathBuf,
    /// Its certificate's file.
    pub(crate) certificate: String,
}

impl Postfix {
    pub(crate) fn start(stage: &Stage, authority: &Authority, relays: &Relays) -> Postfix {
        Postfix::with(stage, authority, relays, "")
    }

    /// Starts it with lines of main.cf beside its own.
    pub(crate) fn with(stage: &Stage, authority: &Authority, relays: &Relays, lines: &str) -> Postfix {
        let (dir, mail) = (stage.room("postfix", None), stage.room("mail-postfix", Some("nobody")));
        let (certificate, key) = authority.certificate(&["mx.postfix.test", "mx.sts.test"]);
        let sasl = stage.room("postfix/sasl", None);
        let database = sasl.join("sasldb2");
        let login = format!(
            "echo {} | saslpasswd2 -p -c -f '{}' -u postfix.test relayuser && chown postfix '{}'",
            USER.1,
            database.display(),
            database.display()
        );
        run("sh", &["-c", &login], &dir, b"").expect_success("saslpasswd2");
        let smtpd = format!(
            "pwcheck_method: auxprop\nauxprop_plugin: sasldb\nsasldb_path: {}\nmech_list: PLAIN LOGIN SCRAM-SHA-256\n",
            database.display()
        );
        fs::write(sasl.join("smtpd.conf"), smtpd).expect("a configuration file");
        let transport = match relays {
            Relays::Nowhere => "relay_domains =\n".to_owned(),
            Relays::BySmtp => "relay_domains = home.test\n".to_owned(),
            Relays::ByLmtp(port) => {
                format!("relay_domains = home.test\nrelay_transport = lmtp:inet:[{HOME}]:{port}\n")
            }
        };
        let configuration = MAIN
            .replace("DIR", &dir.to_string_lossy())
            .replace("MAIL", &mail.to_string_lossy())
            .replace("CERT", &certificate)
            .replace("KEY", &key)
            + &transport
            + lines;
        fs::write(dir.join("main.cf"), configuration).expect("a configuration file");
        fs::write(dir.join("master.cf"), MASTER).expect("a configuration file");
        fs::create_dir_all(dir.join("queue")).expect("a directory");
        let path = dir.to_string_lossy().into_owned();
        stage.world("postfix", &["-c", &path, "check"]).expect_success("postfix check");
        let master = "/usr/lib/postfix/sbin/master";
        let daemon = stage.daemon("postfix", master, &["-s", "-c", &path], &[("MAIL_CONFIG", &path)]);
        let postfix = Postfix { _master: daemon, dir, mail, certificate };
        patiently("Postfix listens", || postfix.log().contains("daemon started").then_some(()));
        postfix
    }

    /// All that it has logged.
    pub(crate) fn log(&self) -> String {
        String::from_utf8_lossy(&fs::read(self.dir.join("log")).unwrap_or_default()).into_owned()
    }

    /// What it delivered, once that are `count` letters.
    pub(crate) fn letters(&self, count: usize) -> Vec<String> {
        stage::letters(&self.mail.join("all"), count)
    }
}

const MAIN: &str = "compatibility_level = 3.6
queue_directory = DIR/queue
data_directory = DIR/lib
maillog_file_prefixes = DIR
maillog_file = DIR/log
myhostname = mx.postfix.test
mydestination =
inet_interfaces = 10.77.0.25
smtp_bind_address = 10.77.0.25
inet_protocols = ipv4
alias_maps =
mynetworks = 10.77.0.25/32
virtual_mailbox_domains = postfix.test, sts.test
virtual_mailbox_base = MAIL
virtual_mailbox_maps = static:all/
virtual_uid_maps = static:65534
virtual_gid_maps = static:65534
smtpd_tls_cert_file = CERT
smtpd_tls_key_file = KEY
smtpd_tls_security_level = may
smtpd_tls_received_header = yes
smtp_tls_security_level = may
smtpd_sasl_auth_enable = yes
smtpd_sasl_type = cyrus
cyrus_sasl_config_path = DIR/sasl
smtpd_sasl_local_domain = postfix.test
smtpd_tls_auth_only = yes
smtpd_relay_restrictions = permit_mynetworks, permit_sasl_authenticated, reject_unauth_destination
smtpd_recipient_restrictions = check_recipient_access inline:{ { unknown@postfix.test = 550 5.1.1 nobody here } { later@postfix.test = 450 4.2.0 come later } }
";

pub(super) const MASTER: &str = "smtp inet n - n - - smtpd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
relay unix - - n - - smtp
lmtp unix - - n - - lmtp
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
local unix - n n - - local
virtual unix - n n - - virtual
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
";
