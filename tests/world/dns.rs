//! Knot DNS with a root zone of its own, signed, in which every name of the world lies; `plain.test` is a zone without
//! signatures below it.

use std::fs;
use std::path::PathBuf;

use super::{Daemon, Stage};
use crate::rig::patiently;

/// Where it answers.
pub(crate) const ADDRESS: &str = "10.77.0.53";

/// The name server of the stage.
pub(crate) struct Knot {
    _daemon: Daemon,
    dir: PathBuf,
    records: String,
}

impl Knot {
    /// Serves `records` in the root zone and `plain` in plain.test.
    pub(crate) fn start(stage: &Stage, records: &str, plain: &str) -> Knot {
        let dir = stage.room("knot", None);
        fs::create_dir_all(dir.join("db")).expect("a directory in a temporary one");
        let zone = |apex: &str, records: &str| {
            format!(
                "$TTL 60\n{apex} SOA ns.test. host.test. 1 3600 600 86400 60\n{apex} NS ns.test.\n{records}"
            )
        };
        let glue = format!("ns.test. A {ADDRESS}\nplain.test. NS ns.test.\n{records}");
        fs::write(dir.join("root.zone"), zone(".", &glue)).expect("a zone file");
        fs::write(dir.join("plain.zone"), zone("plain.test.", plain)).expect("a zone file");
        let configuration = CONFIGURATION.replace("DIR", &dir.to_string_lossy()).replace("ADDRESS", ADDRESS);
        let path = dir.join("knot.conf");
        fs::write(&path, configuration).expect("a configuration file");
        let daemon = stage.daemon("knot", "knotd", &["-c", &path.to_string_lossy()], &[]);
        let knot = Knot { _daemon: daemon, dir, records: glue.clone() };
        let asked = format!("@{ADDRESS}");
        patiently("the root zone is served and signed", || {
            let answer = stage.home("kdig", &[&asked, "+short", "+timeout=1", "+retry=0", "DNSKEY", "."]);
            answer.stdout.contains("257 3 ").then(|| fs::write(knot.trust_anchor(), anchor(&answer.stdout)))
        })
        .expect("a file in one's own directory");
        knot
    }

    /// Publishes more, in the form of a zone file.
    pub(crate) fn publish(&mut self, stage: &Stage, records: &str) {
        self.records.push_str(records);
        let serial = self.records.len();
        let zone = format!(
            "$TTL 60\n. SOA ns.test. host.test. {serial} 3600 600 86400 60\n. NS ns.test.\n{}",
            self.records
        );
        fs::write(self.dir.join("root.zone"), zone).expect("a zone file");
        let socket = self.dir.join("knot.sock");
        let reload = ["-s", &socket.to_string_lossy(), "-b", "zone-reload", "."];
        stage.world("knotc", &reload).expect_success("knotc");
        let asked = format!("@{ADDRESS}");
        patiently("the zone has what was published", || {
            let answer = stage.home("kdig", &[&asked, "+short", "SOA", "."]).stdout;
            let served: usize = answer.split_whitespace().nth(2)?.parse().ok()?;
            let said = fs::read_to_string(stage.dir().join("knot.out")).unwrap_or_default();
            assert!(!said.contains("error"), "{said}");
            (served >= serial).then_some(())
        });
    }

    /// The file that says which key signs the root.
    pub(crate) fn trust_anchor(&self) -> PathBuf {
        self.dir.join("anchor")
    }
}

fn anchor(answer: &str) -> String {
    answer.lines().map(|key| format!(". 60 IN DNSKEY {key}\n")).collect()
}

const CONFIGURATION: &str = "
server:
  listen: ADDRESS@53
  rundir: DIR
database:
  storage: DIR/db
log:
  - target: stderr
    any: info
policy:
  - id: world
    algorithm: ecdsap256sha256
    single-type-signing: on
template:
  - id: default
    storage: DIR
    zonefile-sync: -1
    journal-content: none
    zonefile-load: whole
    semantic-checks: off
zone:
  - domain: .
    file: root.zone
    dnssec-signing: on
    dnssec-policy: world
  - domain: plain.test
    file: plain.zone
";
