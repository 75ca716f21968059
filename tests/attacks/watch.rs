//! Measurement of the memory of an attack's workers, from outside.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use writ_tests::procfs;

const PAUSE: Duration = Duration::from_millis(2);

/// The peak values of all watched workers.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Peak {
    /// Address space beyond that of the zygote, in bytes.
    pub(crate) reserved: u64,
    /// The address space limit beyond the zygote's address space, in bytes.
    pub(crate) limit: u64,
    /// Resident memory beyond that of the zygote, in bytes.
    pub(crate) resident: u64,
}

impl Peak {
    /// Address space beyond that of an idle worker, in bytes; the limit is `budget` above it.
    pub(crate) fn beyond_idle(self, budget: u64) -> u64 {
        // Without a limit no worker was seen.
        if self.limit == 0 { 0 } else { (self.reserved + budget).saturating_sub(self.limit) }
    }
}

/// A thread that samples the workers until it is stopped.
pub(crate) struct Watch {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Peak>,
}

impl Watch {
    /// Starts to watch; every new worker from now on belongs to the attack.
    pub(crate) fn start() -> Self {
        let others = procfs::workers();
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = stop.clone();
        let thread = std::thread::spawn(move || {
            let mut peak = Peak::default();
            while !stopped.load(Ordering::Relaxed) {
                sample(&others, &mut peak);
                std::thread::sleep(PAUSE);
            }
            peak
        });
        Self { stop, thread }
    }

    pub(crate) fn finish(self) -> Peak {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().unwrap()
    }
}

fn sample(others: &BTreeSet<i32>, peak: &mut Peak) {
    for worker in procfs::workers().difference(others) {
        // A worker may end at any time.
        let Some(zygote) = procfs::parent(*worker) else { continue };
        let beyond = |worker_field, zygote_field| {
            let worker = bytes(*worker, worker_field)?;
            Some(worker.saturating_sub(bytes(zygote, zygote_field)?))
        };
        peak.reserved = peak.reserved.max(beyond("VmPeak", "VmSize").unwrap_or_default());
        let limit = procfs::soft_limit(*worker, "Max address space")
            // Between its fork and its first request a worker has no limit.
            .and_then(|limit| limit.parse::<u64>().ok())
            .zip(bytes(zygote, "VmSize"))
            .map(|(limit, zygote)| limit.saturating_sub(zygote));
        peak.limit = peak.limit.max(limit.unwrap_or_default());
        peak.resident = peak.resident.max(beyond("VmHWM", "VmRSS").unwrap_or_default());
    }
}

fn bytes(pid: i32, field: &str) -> Option<u64> {
    let kib: u64 = procfs::status(pid, field)?.strip_suffix(" kB")?.parse().ok()?;
    Some(kib << 10)
}
