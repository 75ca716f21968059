//! The configuration of an engine, and the errors of its start.

use std::time::Duration;

/// The limits and options of an engine. All of them have defaults.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EngineConfig {
    /// The most worker processes, busy and idle together.
    pub workers_max: usize,
    /// The most workers of one policy of one workspace: a hanging policy leaves the rest to the
    /// others.
    pub workers_per_policy_max: usize,
    /// The most calls of each class that may wait for a worker at once; one more is refused
    /// immediately.
    pub waiting_max: usize,
    /// How long a request waits for a worker; a job waits without a limit.
    pub acquire_timeout: Duration,
    /// The time and memory that compiling a source may use.
    pub compile: CompileBudget,
    /// Whether to prepare the next worker after a run, where workers cannot put their memory back and
    /// serve one run each. Off on hosts that are suspended after a reply, as on Lambda.
    pub spares: bool,
    /// Whether to run policies although the host lacks capabilities that the sandbox needs.
    pub allow_weak_sandbox: bool,
}

/// The time and memory that compiling one source may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CompileBudget {
    /// The wall time of one compilation.
    pub time: Duration,
    /// Memory in bytes, above that of a worker that was just forked.
    pub memory_bytes_max: u64,
}

impl Default for EngineConfig {
    fn default() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        // Two more than twice the cores: some workers wait for their caller at any time. Each is a
        // process of its own, so a large machine does not get hundreds of them by default.
        let workers_max = (2 * cores + 2).min(16);
        Self {
            workers_max,
            // A third: two hanging policies still leave slots to new ones. On one core it is half,
            // so that a policy's next call need not wait for the one that hangs. A policy never
            // waits for I/O, so more workers of it than cores would not be faster.
            workers_per_policy_max: (workers_max / 3).max(2),
            waiting_max: 1024,
            acquire_timeout: Duration::from_secs(5),
            compile: CompileBudget { time: Duration::from_secs(5), memory_bytes_max: 256 << 20 },
            spares: true,
            allow_weak_sandbox: false,
        }
    }
}

/// Why an engine or a zygote could not start.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// [`worker::init`](crate::worker::init) was not called, so this program cannot become a worker.
    #[error("this program cannot be its own worker; call `writ_languages::init()` first in `main`")]
    NotInitialised,
    /// The host lacks capabilities that every engine needs.
    #[error("this host does not permit {missing}, without which workers cannot be supervised")]
    MissingCapabilities {
        /// The missing capabilities with their purposes, comma-separated.
        missing: String,
    },
    /// The host lacks capabilities that the sandbox needs.
    #[error(
        "this host does not permit {missing}; policies run without it only when \
         `allow_weak_sandbox` is set"
    )]
    WeakSandbox {
        /// The missing capabilities with their purposes, comma-separated.
        missing: String,
    },
    /// The engine's maintenance thread could not be started.
    #[error("the engine's maintenance thread could not be started: {0}")]
    Thread(#[source] std::io::Error),
    /// A zygote did not start.
    #[error("the zygote for `{kind}` did not start: {reason}")]
    Zygote {
        /// What the zygote was to load: a language, or `schemas`.
        kind: &'static str,
        /// The step that failed, with its error.
        reason: String,
    },
    /// The engine was shut down.
    #[error("the engine was shut down")]
    ShutDown,
}
