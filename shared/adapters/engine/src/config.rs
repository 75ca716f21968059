//! How an engine is set up, and why it may refuse to be.

use std::time::Duration;

use writ_model::Language;

/// The bounds of an engine. All of them have defaults.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EngineConfig {
    /// Worker processes, busy and idle together.
    pub workers_max: usize,
    /// Of these, how many one policy of one workspace may have: a hanging policy leaves the rest
    /// to the others.
    pub workers_per_policy_max: usize,
    /// Calls that may wait for a worker at once; one more is refused immediately.
    pub waiting_max: usize,
    /// How long a call waits for a worker.
    pub acquire_timeout: Duration,
    /// What compiling a source may use.
    pub compile: CompileBudget,
    /// Whether to prepare the next worker of a policy whose workers serve one run each, after
    /// the run. Off where nothing may work after a reply, as on Lambda.
    pub spares: bool,
    /// Whether to run policies although the host does not permit the whole sandbox.
    pub allow_weak_sandbox: bool,
}

/// What compiling one source may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CompileBudget {
    /// Wall time.
    pub time: Duration,
    /// Memory above that of a worker that was just forked.
    pub memory_bytes_max: u64,
}

impl Default for EngineConfig {
    fn default() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        // Two more than twice the cores: some are waiting for their caller at any time. Each is
        // a process of its own, so a large machine does not get hundreds of them by default.
        let workers_max = (2 * cores + 2).min(16);
        Self {
            workers_max,
            // A third: two hanging policies still leave places to new ones. On one core it is half,
            // so that a policy's next call need not wait for the one that hangs. Nothing in a
            // policy waits for anything, so more workers of it than cores would not be faster.
            workers_per_policy_max: (workers_max / 3).max(2),
            waiting_max: 1024,
            acquire_timeout: Duration::from_secs(5),
            compile: CompileBudget { time: Duration::from_secs(5), memory_bytes_max: 256 << 20 },
            spares: true,
            allow_weak_sandbox: false,
        }
    }
}

/// Why there is no engine, or no zygote.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The program would not become a worker.
    #[error(
        "this program cannot be its own worker; call `writ_engine::worker::init()` first in `main`"
    )]
    NotInitialised,
    /// The host does not permit something that no engine can do without.
    #[error("this host does not permit {missing}, without which no worker can be watched")]
    NoWatch {
        /// The abilities, comma-separated.
        missing: String,
    },
    /// The host does not permit the whole sandbox.
    #[error(
        "this host does not permit {missing}; policies run without it only when \
         `allow_weak_sandbox` is set"
    )]
    WeakSandbox {
        /// The abilities, comma-separated.
        missing: String,
    },
    /// The engine's own thread could not be started.
    #[error("the engine's thread could not be started: {0}")]
    Thread(#[source] std::io::Error),
    /// A language's zygote did not come up.
    #[error("the zygote for `{language}` did not start: {reason}")]
    Zygote {
        /// Which.
        language: Language,
        /// What is known of it.
        reason: String,
    },
    /// The engine has ended.
    #[error("the engine was shut down")]
    ShutDown,
}
