//! The machine of the figures.

use std::fs;

/// The processor, cores, memory and kernel of this machine.
#[must_use]
pub fn description() -> String {
    let field = |file: &str, name: &str| {
        fs::read_to_string(file)
            .unwrap_or_default()
            .lines()
            .find_map(|line| {
                line.strip_prefix(name)?.split_once(':').map(|(_, value)| value.trim().to_owned())
            })
            .unwrap_or_else(|| "unknown".to_owned())
    };
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    format!(
        "Machine: {}, {cores} cores, {} of memory, Linux {}, load {} at the start.\n",
        field("/proc/cpuinfo", "model name"),
        field("/proc/meminfo", "MemTotal"),
        kernel.trim(),
        load.split_whitespace().next().unwrap_or("unknown"),
    )
}

/// Resident memory of a process, in MB.
#[must_use]
pub fn resident_mb(pid: u32) -> f64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    status
        .lines()
        .find_map(|line| {
            line.strip_prefix("VmRSS:")?.split_whitespace().next()?.parse::<f64>().ok()
        })
        .map_or(0.0, |kb| kb / 1024.0)
}
