//! Access to `/proc`.

use std::collections::BTreeSet;
use std::fs;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// The descendants of a process.
#[must_use]
pub fn descendants(of: i32) -> BTreeSet<i32> {
    let parents: Vec<(i32, i32)> =
        all().into_iter().filter_map(|pid| Some((pid, parent(pid)?))).collect();
    let mut found = BTreeSet::from([of]);
    loop {
        let before = found.len();
        for (pid, parent) in &parents {
            if found.contains(parent) {
                found.insert(*pid);
            }
        }
        if found.len() == before {
            found.remove(&of);
            return found;
        }
    }
}

/// The workers of this process that are alive.
#[must_use]
pub fn workers() -> BTreeSet<i32> {
    named("writ-worker")
}

/// The zygotes of this process that are alive.
#[must_use]
pub fn zygotes() -> BTreeSet<i32> {
    named("writ-zygote")
}

fn named(name: &str) -> BTreeSet<i32> {
    let mut found = descendants(own());
    found.retain(|pid| comm(*pid).as_deref() == Some(name) && is_alive(*pid));
    found
}

/// The id of this process.
#[must_use]
pub fn own() -> i32 {
    Pid::this().as_raw()
}

/// The name of a process, as the kernel cuts it; `None` where there is no such process.
#[must_use]
pub fn comm(pid: i32) -> Option<String> {
    Some(fs::read_to_string(format!("/proc/{pid}/comm")).ok()?.trim_end().to_owned())
}

/// Whether a process runs, or could; a zombie does not.
#[must_use]
pub fn is_alive(pid: i32) -> bool {
    stat(pid).is_some_and(|fields| !matches!(fields[0].as_str(), "Z" | "X"))
}

/// One line of `/proc/PID/status`.
#[must_use]
pub fn status(pid: i32, field: &str) -> Option<String> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let value = status.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'))?;
    Some(value.trim().to_owned())
}

/// The soft limit with this name in `/proc/PID/limits`.
#[must_use]
pub fn soft_limit(pid: i32, name: &str) -> Option<String> {
    let limits = fs::read_to_string(format!("/proc/{pid}/limits")).ok()?;
    let values = limits.lines().find_map(|line| line.strip_prefix(name))?;
    values.split_whitespace().next().map(str::to_owned)
}

/// The open descriptors with their targets, in the order of their numbers.
#[must_use]
pub fn descriptors(pid: i32) -> Vec<(i32, String)> {
    let mut found: Vec<_> = fs::read_dir(format!("/proc/{pid}/fd"))
        .unwrap()
        .map(|entry| {
            let entry = entry.unwrap();
            let number = entry.file_name().to_str().unwrap().parse().unwrap();
            (number, fs::read_link(entry.path()).unwrap().to_str().unwrap().to_owned())
        })
        .collect();
    found.sort();
    found
}

/// Waits until a worker of this process is computing, and returns its process number. A tick is a
/// hundredth of a second, and compiling a small policy takes none.
pub fn busy_worker() -> i32 {
    const TICKS: u64 = 10;
    let mut found = None;
    wait_until("a worker is busy", || {
        found = workers().into_iter().find(|pid| cpu_ticks(*pid) >= TICKS);
        found.is_some()
    });
    found.unwrap()
}

/// Sends a signal to a process, which has to exist.
pub fn send(pid: i32, signal: Signal) {
    kill(Pid::from_raw(pid), signal).unwrap();
}

/// Waits until the condition holds, for minutes if necessary.
pub fn wait_until(what: &str, mut condition: impl FnMut() -> bool) {
    for _ in 0..60_000 {
        if condition() {
            return;
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    panic!("in vain: {what}");
}

fn all() -> Vec<i32> {
    let entries = fs::read_dir("/proc").unwrap();
    entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok()).collect()
}

/// The parent of a process, by their numbers.
#[must_use]
pub fn parent(pid: i32) -> Option<i32> {
    stat(pid)?.get(1)?.parse().ok()
}

/// The processor time that a process has used, in hundredths of a second.
#[must_use]
pub fn cpu_ticks(pid: i32) -> u64 {
    let time = |fields: &[String], at: usize| fields.get(at)?.parse::<u64>().ok();
    stat(pid).and_then(|fields| Some(time(&fields, 11)? + time(&fields, 12)?)).unwrap_or(0)
}

/// How nice a process is to others.
#[must_use]
pub fn niceness(pid: i32) -> Option<i32> {
    stat(pid)?.get(16)?.parse().ok()
}

/// The fields of `/proc/PID/stat` from the state on.
fn stat(pid: i32) -> Option<Vec<String>> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, fields) = stat.rsplit_once(") ")?;
    Some(fields.split_whitespace().map(str::to_owned).collect())
}
