//! The platform that is attacked: one engine for all attacks, so that what one of them breaks
//! the next one finds broken.

use std::collections::BTreeSet;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use libtest_mimic::Trial;
use writ_engine::{Budget, CompileBudget, Engine, EngineConfig};

use crate::canary::Canaries;
use crate::{procfs, trial};

/// Memory to compile with: as much as to run with, so that one bound serves both.
pub(crate) const COMPILE_BYTES_MAX: u64 = 64 << 20;
/// The descriptors that the platform holds of one worker: socket, timer, process, last words, what
/// it prints.
const DESCRIPTORS_PER_WORKER: usize = 5;

/// One platform, and how it was before anybody attacked it.
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

/// The host; it starts when it is first wanted.
pub(crate) fn host() -> &'static Host {
    &HOST
}

impl Host {
    /// Nobody has left anything: no descriptor, no dead process, no lost zygote; and everybody is
    /// served.
    pub(crate) fn assert_whole(&self) {
        self.canaries.assert_served(&self.engine, "next");
        assert_eq!(procfs::zygotes(), self.zygotes, "a zygote was lost");
        // Workers are buried, and spare ones started, behind the answer.
        procfs::wait_until("no descriptor is left and no process unburied", || {
            let of_workers = self.engine.stats().workers * DESCRIPTORS_PER_WORKER;
            descriptors() == self.descriptors + of_workers && zombies() == 0
        });
    }
}

/// Long enough for anything that ends by itself, on any machine.
pub(crate) fn ample() -> Budget {
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
