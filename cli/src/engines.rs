//! The policy engines of commands that run policies in this process.

use writ::{EngineConfig, EngineError, Writ};

use crate::error::CliError;
use crate::exit::Exit;

/// Starts engines for a command that runs policies in this process.
pub(crate) fn start_engines(allow_weak_sandbox: bool) -> Result<Writ, CliError> {
    // A command runs one policy at a time, so workers prepared in advance would not be used.
    let config = EngineConfig { spares: false, allow_weak_sandbox, ..EngineConfig::default() };
    Writ::start(config).map_err(|error| engine_error(&error))
}

/// The error of engines that did not start, with what to do about it.
pub(crate) fn engine_error(error: &EngineError) -> CliError {
    let failure = CliError::new(Exit::Unavailable, error.to_string());
    match error {
        EngineError::WeakSandbox { .. } => {
            failure.help("permit it, or run policies that you trust with `--allow-weak-sandbox`")
        }
        _ => failure,
    }
}
