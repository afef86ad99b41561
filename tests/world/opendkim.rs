//! OpenDKIM as a milter: signs what postfix.test sends, and says of everything else whether its signature holds.

use std::fs;
use std::path::PathBuf;

use super::{Daemon, Stage};
use crate::rig::{patiently, run};

/// Where Postfix finds it, as lines of main.cf.
pub(crate) const MILTER: &str = "smtpd_milters = inet:127.0.0.1:8891\nmilter_default_action = tempfail\n";

/// An OpenDKIM of our own.
pub(crate) struct OpenDkim {
    _daemon: Daemon,
    dir: PathBuf,
}

impl OpenDkim {
    pub(crate) fn start(stage: &Stage) -> OpenDkim {
        OpenDkim::knowing(stage, "")
    }

    /// Starts it with records in the form of a zone file: its own resolver wants more of the DNS than one server that
    /// answers for the root.
    pub(crate) fn knowing(stage: &Stage, zone: &str) -> OpenDkim {
        let dir = stage.room("opendkim", None);
        let path = dir.to_string_lossy().into_owned();
        run("opendkim-genkey", &["-b", "2048", "-s", "world", "-d", "postfix.test", "-D", &path], &dir, b"")
            .expect_success("opendkim-genkey");
        let of_text = |line: &str| {
            let (name, value) = line.split_once(". IN TXT ")?;
            let value: String = value.split('"').skip(1).step_by(2).collect();
            Some(format!("{name} {value}\n"))
        };
        fs::write(dir.join("records"), zone.lines().filter_map(of_text).collect::<String>()).expect("a file");
        let configuration = format!(
            "Domain postfix.test\nSelector world\nKeyFile {path}/world.private\nRequireSafeKeys no\nMode sv\n\
             Socket inet:8891@127.0.0.1\nInternalHosts 10.77.0.25\nAuthservID mx.postfix.test\nUserID root\n\
             TestDNSData file:{path}/records\nCanonicalization relaxed/relaxed\nAlwaysAddARHeader yes\nPidFile {path}/pid\n"
        );
        let file = dir.join("opendkim.conf");
        fs::write(&file, configuration).expect("a configuration file");
        let daemon = stage.daemon("opendkim", "opendkim", &["-f", "-x", &file.to_string_lossy()], &[]);
        patiently("OpenDKIM listens", || dir.join("pid").exists().then_some(()));
        OpenDkim { _daemon: daemon, dir }
    }

    /// The record that its key is published by.
    pub(crate) fn record(&self) -> String {
        let text = fs::read_to_string(self.dir.join("world.txt")).expect("the key's record");
        let value: String = text.split('"').skip(1).step_by(2).map(|piece| format!("\"{piece}\" ")).collect();
        format!("world._domainkey.postfix.test. TXT {value}\n")
    }
}
