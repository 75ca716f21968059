//! Processes and their use of resources, from `/proc`.

use std::fs;
use std::time::Duration;

/// The living child processes of a process.
#[must_use]
pub fn children(pid: u32) -> Vec<u32> {
    let Ok(tasks) = fs::read_dir(format!("/proc/{pid}/task")) else { return Vec::new() };
    tasks
        .filter_map(|task| fs::read_to_string(task.ok()?.path().join("children")).ok())
        .flat_map(|list| {
            list.split_whitespace().filter_map(|pid| pid.parse().ok()).collect::<Vec<u32>>()
        })
        .collect()
}

/// The living descendants of a process: its [`children`], their children, and so on.
#[must_use]
pub fn descendants(pid: u32) -> Vec<u32> {
    let mut found = children(pid);
    let mut next = 0;
    while let Some(pid) = found.get(next).copied() {
        found.extend(children(pid));
        next += 1;
    }
    found
}

/// The state of a process: `R` for running, `S` for sleeping, `T` for stopped, `Z` for a zombie.
/// `None` if there is no such process.
#[must_use]
pub fn state(pid: u32) -> Option<char> {
    stat(pid)?.first()?.chars().next()
}

/// The CPU time of a process, in ticks of a hundredth of a second.
#[must_use]
pub fn ticks(pid: u32) -> u64 {
    let time = |fields: &[String], at: usize| fields.get(at)?.parse::<u64>().ok();
    stat(pid).and_then(|fields| Some(time(&fields, 11)? + time(&fields, 12)?)).unwrap_or(0)
}

/// The CPU time of all threads of a process, which the load of the machine does not affect.
#[must_use]
pub fn cpu_time(pid: u32) -> Duration {
    let Ok(tasks) = fs::read_dir(format!("/proc/{pid}/task")) else { return Duration::ZERO };
    let of_task = |task: std::io::Result<fs::DirEntry>| {
        let text = fs::read_to_string(task.ok()?.path().join("schedstat")).ok()?;
        text.split_whitespace().next()?.parse().ok().map(Duration::from_nanos)
    };
    tasks.filter_map(of_task).sum()
}

/// The name of a process, as it has set it; `None` if there is no such process.
#[must_use]
pub fn name(pid: u32) -> Option<String> {
    Some(fs::read_to_string(format!("/proc/{pid}/comm")).ok()?.trim_end().to_owned())
}

/// The resident memory of a process, shared pages included, in KiB.
#[must_use]
pub fn resident_kib(pid: u32) -> u64 {
    field(&format!("/proc/{pid}/status"), "VmRSS:")
}

/// The resident memory of a process, shared pages divided by the number of their users, in KiB.
#[must_use]
pub fn proportional_kib(pid: u32) -> u64 {
    field(&format!("/proc/{pid}/smaps_rollup"), "Pss:")
}

fn field(file: &str, name: &str) -> u64 {
    let text = fs::read_to_string(file).unwrap_or_default();
    let value = text.lines().find_map(|line| line.strip_prefix(name)?.split_whitespace().next());
    value.and_then(|value| value.parse().ok()).unwrap_or(0)
}

/// The fields of `/proc/PID/stat` from the state on.
fn stat(pid: u32) -> Option<Vec<String>> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, fields) = stat.rsplit_once(") ")?;
    Some(fields.split_whitespace().map(str::to_owned).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_and_its_children_are_seen() {
        let mut shell =
            std::process::Command::new("sh").args(["-c", "sleep 60 & wait"]).spawn().unwrap();
        while descendants(shell.id()).is_empty() {
            std::thread::yield_now();
        }
        let sleep = descendants(shell.id())[0];
        assert!(children(std::process::id()).contains(&shell.id()));
        assert!(descendants(std::process::id()).contains(&sleep));
        assert!(resident_kib(shell.id()) > 0 && proportional_kib(shell.id()) > 0);
        assert!(name(shell.id()).is_some() && cpu_time(shell.id()) > Duration::ZERO);
        shell.kill().unwrap();
        shell.wait().unwrap();
        assert_eq!((state(shell.id()), ticks(shell.id())), (None, 0));
        // The shell's child has become a child of another process.
        let sleep = nix::unistd::Pid::from_raw(sleep.try_into().unwrap());
        nix::sys::signal::kill(sleep, nix::sys::signal::Signal::SIGKILL).unwrap();
    }
}
