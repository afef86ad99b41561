//! What Linux says of a process: CPU time, memory; and how one is ended.

use std::fs;
use std::process::Child;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Resource, Signal, getrlimit, kill_process, setrlimit};

use crate::Outcome;

/// Ticks of `/proc/<pid>/stat` in a second: USER_HZ, which Linux keeps at 100.
const TICKS: f64 = 100.0;

/// CPU time of a process in user and kernel, without its children, in seconds.
pub(crate) fn cpu(pid: u32) -> Outcome<f64> {
    Ok(ticks(pid, 2)? / TICKS)
}

/// CPU time of a process, all that descend from it, and those of them that have ended, in seconds.
pub(crate) fn cpu_of_family(master: u32) -> Outcome<f64> {
    Ok(family(master)?.into_iter().filter_map(|pid| ticks(pid, 4).ok()).sum::<f64>() / TICKS)
}

/// The first `fields` of utime, stime, cutime and cstime, summed.
fn ticks(pid: u32, fields: usize) -> Outcome<f64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    // The name in parentheses may hold spaces; behind it comes field 3, and utime is field 14.
    let (_, rest) = stat.rsplit_once(") ").ok_or("unknown form of /proc/<pid>/stat")?;
    let ticks = rest.split(' ').skip(11).take(fields);
    ticks.map(|field| Ok(field.parse::<f64>()?)).sum()
}

/// A process and all that descend from it.
fn family(master: u32) -> Outcome<Vec<u32>> {
    let mut members = vec![master];
    let mut parents = Vec::new();
    for entry in fs::read_dir("/proc")? {
        let name = entry?.file_name();
        let Some(pid) = name.to_str().and_then(|name| name.parse::<u32>().ok()) else { continue };
        let Ok(stat) = fs::read_to_string(format!("/proc/{pid}/stat")) else { continue };
        let parent = stat.rsplit_once(") ").and_then(|(_, rest)| rest.split(' ').nth(1)?.parse::<u32>().ok());
        parents.extend(parent.map(|parent| (pid, parent)));
    }
    let mut at = 0;
    while let Some(&member) = members.get(at) {
        members.extend(parents.iter().filter(|(_, parent)| *parent == member).map(|(pid, _)| *pid));
        at += 1;
    }
    Ok(members)
}

/// Proportional set size of a process, in KiB.
pub(crate) fn pss(pid: u32) -> Outcome<f64> {
    let text = fs::read_to_string(format!("/proc/{pid}/smaps_rollup"))?;
    let line = text.lines().find_map(|line| line.strip_prefix("Pss:")).ok_or("no Pss in smaps_rollup")?;
    Ok(line.trim().trim_end_matches(" kB").trim().parse()?)
}

/// Asks a child to end and waits until it has.
pub(crate) fn terminate(child: &mut Child, patience: Duration) -> Outcome<()> {
    let pid = Pid::from_raw(i32::try_from(child.id())?).ok_or("no process")?;
    kill_process(pid, Signal::TERM)?;
    let asked = Instant::now();
    while child.try_wait()?.is_none() {
        if asked.elapsed() > patience {
            return Err("a process did not end when asked to".into());
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    Ok(())
}

/// Allows as many descriptors as the system lets this process and its children have, and answers how many.
pub(crate) fn raise_descriptor_limit() -> Outcome<u64> {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    setrlimit(Resource::Nofile, limit)?;
    Ok(limit.current.unwrap_or(u64::MAX))
}
