//! The platform under attack: one engine for all attacks, so that damage by one of them is seen by
//! the next.

use std::collections::BTreeSet;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use libtest_mimic::Trial;
use writ_engine::{Budget, CompileBudget, Engine, EngineConfig};
use writ_tests::procfs;

use crate::canary::Canaries;

use crate::trial;

/// Memory for compiling, in bytes: as much as for running, so that one bound serves both.
pub(crate) const COMPILE_BYTES_MAX: u64 = 64 << 20;
/// The descriptors that the platform holds for one worker: socket, timer, process, standard error
/// and printed text.
const DESCRIPTORS_PER_WORKER: usize = 5;

/// One platform, with its state before any attack.
pub(crate) struct Host {
    pub(crate) engine: Arc<Engine>,
    pub(crate) canaries: Arc<Canaries>,
    zygotes: BTreeSet<i32>,
    /// Descriptors that belong to no worker.
    descriptors: usize,
}

static HOST: LazyLock<Host> = LazyLock::new(|| {
    let config = EngineConfig {
        acquire_timeout: Duration::from_secs(60),
        compile: CompileBudget {
            time: Duration::from_secs(10),
            memory_bytes_max: COMPILE_BYTES_MAX,
        },
        ..EngineConfig::default()
    };
    let engine = Arc::new(Engine::start(config).unwrap());
    let canaries = Arc::new(Canaries::of_every_language());
    canaries.assert_served(&engine, "canary");
    let workers = engine.stats().workers;
    let zygotes = procfs::zygotes();
    let descriptors = descriptors() - workers * DESCRIPTORS_PER_WORKER;
    Host { engine, canaries, zygotes, descriptors }
});

/// The host, which starts at its first use.
pub(crate) fn host() -> &'static Host {
    &HOST
}

impl Host {
    /// Asserts that the attacks left nothing behind (no descriptor, no zombie, no lost zygote), and
    /// that all canaries are served.
    pub(crate) fn assert_whole(&self) {
        self.canaries.assert_served(&self.engine, "next");
        assert_eq!(procfs::zygotes(), self.zygotes, "a zygote was lost");
        // Workers are reaped, and spare ones started, after the reply.
        procfs::wait_until("no descriptor is left and no process unreaped", || {
            let of_workers = self.engine.stats().workers * DESCRIPTORS_PER_WORKER;
            descriptors() == self.descriptors + of_workers && zombies() == 0
        });
    }
}

/// A budget that is long enough for every run that ends by itself, on any machine.
pub(crate) fn ample_budget() -> Budget {
    Budget { time: Duration::from_secs(60), ..Budget::default() }
}

fn descriptors() -> usize {
    // The one that lists them is closed again.
    std::fs::read_dir("/proc/self/fd").unwrap().count() - 1
}

fn zombies() -> usize {
    procfs::descendants(procfs::own()).into_iter().filter(|pid| !procfs::is_alive(*pid)).count()
}

pub(crate) fn trials() -> Vec<Trial> {
    vec![trial("after_all_attacks_nothing_is_left_of_the_engine", || {
        let host = host();
        host.assert_whole();
        host.engine.shutdown();
        assert_eq!(procfs::descendants(procfs::own()), BTreeSet::new());
    })]
}
