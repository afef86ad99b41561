//! A small file system in memory.

use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use crate::rig::ci;

/// The file system; unmounted when dropped.
pub(super) struct SmallDisk(TempDir);

impl SmallDisk {
    /// Mounts one of so many MiB. Where that can't be done, says so; with `CI=true` that is a failure.
    pub(super) fn mount(mebibytes: usize) -> Option<SmallDisk> {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let size = format!("size={mebibytes}m,mode=700");
        let mounted =
            Command::new("mount").args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(dir.path()).output();
        match mounted {
            Ok(output) if output.status.success() => Some(SmallDisk(dir)),
            other => {
                let line = format!("skipped: a small file system can't be mounted (root can): {other:?}");
                assert!(!ci(), "{line}");
                eprintln!("{line}");
                None
            }
        }
    }

    pub(super) fn path(&self) -> &Path {
        self.0.path()
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily, for a program that was killed may take a moment to let go.
        let _ = Command::new("umount").arg("--lazy").arg(self.0.path()).status();
    }
}
