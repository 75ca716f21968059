//! One file per verb.

pub(crate) mod check;
pub(crate) mod completions;
pub(crate) mod eval;
pub(crate) mod executions;
pub(crate) mod job;
pub(crate) mod openapi;
mod paging;
pub(crate) mod plan;
pub(crate) mod policy;
pub(crate) mod replay;
pub(crate) mod run;
pub(crate) mod schedule;
pub(crate) mod test;
pub(crate) mod token;
pub(crate) mod up;
pub(crate) mod whoami;

use writ::{EngineConfig, EngineError, Writ};

use crate::exit::Exit;
use crate::failure::Failure;

/// Engines for running policies in this process.
fn engines(allow_weak_sandbox: bool) -> Result<Writ, Failure> {
    // A command runs one policy at a time and ends; nothing is to be prepared for later.
    let config = EngineConfig { spares: false, allow_weak_sandbox, ..EngineConfig::default() };
    Writ::start(config).map_err(|error| no_engines(&error))
}

/// Why there are no engines, and what can be done about it.
fn no_engines(error: &EngineError) -> Failure {
    let failure = Failure::new(Exit::Unavailable, error.to_string());
    match error {
        EngineError::WeakSandbox { .. } => {
            failure.help("permit it, or run policies that you trust with `--allow-weak-sandbox`")
        }
        _ => failure,
    }
}
