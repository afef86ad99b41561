//! Two network namespaces and the wire between them.

use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::rig::{Outcome, or_skip, run};

/// Postern's address on the wire.
pub(crate) const HOME: &str = "10.77.0.1";

/// Addresses of the world on the wire: Postfix, Exim, a second Exim, the DNS, the web.
const WORLD: [&str; 5] = ["10.77.0.25", "10.77.0.26", "10.77.0.27", "10.77.0.53", "10.77.0.80"];

/// The namespaces, and a directory for everything in them.
pub(crate) struct Stage {
    home: String,
    world: String,
    dir: TempDir,
}

impl Stage {
    /// Two namespaces that reach each other and nothing else; `None` where this user can't make them.
    pub(crate) fn set() -> Option<Stage> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let root = rustix::process::geteuid().is_root();
        let there = ["/usr/sbin/postfix", "/usr/sbin/knotd", "/usr/bin/kdig", "/usr/bin/swaks"];
        let all =
            there.iter().all(|path| Path::new(path).exists()) && Path::new(&super::exim::program()).exists();
        if !or_skip(root && all, "root, and Postfix, Exim, Knot and swaks for a world in network namespaces")
        {
            return None;
        }
        let name = format!("postern-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let dir = tempfile::tempdir().expect("a temporary directory");
        // Other people's servers drop root and must still find their way.
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).expect("one's own directory");
        let stage = Stage { home: format!("{name}-h"), world: format!("{name}-w"), dir };
        stage.lay_the_wire();
        Some(stage)
    }

    fn lay_the_wire(&self) {
        let (home, world) = (self.home.as_str(), self.world.as_str());
        self.ip(&["netns", "add", home]);
        self.ip(&["netns", "add", world]);
        self.ip(&[
            "link", "add", "wire", "netns", home, "type", "veth", "peer", "name", "wire", "netns", world,
        ]);
        self.ip(&["-n", home, "addr", "add", &format!("{HOME}/24"), "dev", "wire"]);
        for address in WORLD {
            self.ip(&["-n", world, "addr", "add", &format!("{address}/24"), "dev", "wire"]);
        }
        for namespace in [home, world] {
            self.ip(&["-n", namespace, "link", "set", "lo", "up"]);
            self.ip(&["-n", namespace, "link", "set", "wire", "up"]);
            // What programs of the namespace take for /etc/resolv.conf.
            let etc = Path::new("/etc/netns").join(namespace);
            fs::create_dir_all(&etc).expect("root may write there");
            fs::write(etc.join("resolv.conf"), format!("nameserver {}\n", super::dns::ADDRESS))
                .expect("root may write there");
        }
    }

    fn ip(&self, args: &[&str]) {
        run("ip", args, self.dir.path(), b"").expect_success("ip");
    }

    /// Where everything is kept.
    pub(crate) fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// A directory for a part of the world, which `owner` may write.
    pub(crate) fn room(&self, name: &str, owner: Option<&str>) -> PathBuf {
        let path = self.dir.path().join(name);
        fs::create_dir_all(&path).expect("a directory in a temporary one");
        if let Some(owner) = owner {
            run("chown", &[owner, &path.to_string_lossy()], self.dir.path(), b"").expect_success("chown");
        }
        path
    }

    /// The namespace that Postern lives in.
    pub(crate) fn home_namespace(&self) -> &str {
        &self.home
    }

    /// Runs a program to its end at home.
    pub(crate) fn home(&self, program: &str, args: &[&str]) -> Outcome {
        self.within(&self.home, program, args)
    }

    /// Runs a program to its end in the world.
    pub(crate) fn world(&self, program: &str, args: &[&str]) -> Outcome {
        self.within(&self.world, program, args)
    }

    fn within(&self, namespace: &str, program: &str, args: &[&str]) -> Outcome {
        let args = [&["netns", "exec", namespace, program], args].concat();
        run("ip", &args, self.dir.path(), b"")
    }

    /// Starts a program in the world that stays; what it says goes to `<name>.out`.
    pub(crate) fn daemon(&self, name: &str, program: &str, args: &[&str], env: &[(&str, &str)]) -> Daemon {
        self.start(&self.world, name, program, args, env)
    }

    /// Starts a program at home that stays.
    pub(crate) fn daemon_at_home(
        &self,
        name: &str,
        program: &str,
        args: &[&str],
        env: &[(&str, &str)],
    ) -> Daemon {
        self.start(&self.home, name, program, args, env)
    }

    fn start(
        &self,
        namespace: &str,
        name: &str,
        program: &str,
        args: &[&str],
        env: &[(&str, &str)],
    ) -> Daemon {
        let out =
            File::create(self.dir.path().join(format!("{name}.out"))).expect("a file in one's own directory");
        let child = Command::new("ip")
            .args(["netns", "exec", namespace, program])
            .args(args)
            .envs(env.iter().copied())
            .current_dir(self.dir.path())
            .stdin(Stdio::null())
            .stdout(out.try_clone().expect("a second handle"))
            .stderr(out)
            .spawn();
        Daemon(child.unwrap_or_else(|error| panic!("{program}: {error}")))
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        for namespace in [&self.home, &self.world] {
            // What can't be taken away stays behind; there is nobody to tell.
            let _ = Command::new("ip").args(["netns", "del", namespace]).output();
            let _ = fs::remove_dir_all(Path::new("/etc/netns").join(namespace));
        }
        let _ = fs::remove_dir("/etc/netns");
    }
}

/// A program that runs until this is dropped.
pub(crate) struct Daemon(Child);

impl Daemon {
    /// Its process id.
    pub(crate) fn process(&self) -> u32 {
        self.0.id()
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // So that it ends its own children too.
        if let Some(pid) = Pid::from_raw(self.0.id().cast_signed()) {
            let _ = kill_process(pid, Signal::TERM);
        }
        let _ = self.0.wait();
    }
}

/// The letters in a Maildir, the oldest first, once there are `count`.
pub(super) fn letters(maildir: &Path, count: usize) -> Vec<String> {
    crate::rig::patiently(&format!("{count} letters in {}", maildir.display()), || {
        let mut found: Vec<_> = fs::read_dir(maildir.join("new"))
            .ok()?
            .filter_map(|entry| {
                let entry = entry.ok()?;
                Some((entry.metadata().ok()?.modified().ok()?, entry.path()))
            })
            .collect();
        found.sort();
        (found.len() >= count).then(|| {
            let read = |(_, path): (_, PathBuf)| {
                String::from_utf8_lossy(&fs::read(path).unwrap_or_default()).into_owned()
            };
            found.into_iter().map(read).collect()
        })
    })
}
