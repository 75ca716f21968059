//! From an engine's failure to the platform's error: the one place that decides whether the policy or
//! the platform failed.

use writ_model::run::Failure;
use writ_model::{Error, ErrorKind};

/// The error that a caller sees and a record keeps.
#[must_use]
pub fn to_error(failure: Failure) -> Error {
    let message = failure.to_string();
    match failure {
        Failure::Compile(diagnostics) => {
            let message = diagnostics
                .first()
                .map_or(message, |first| format!("the policy does not compile: {first}"));
            Error { diagnostics, ..Error::new(ErrorKind::PolicyDoesNotCompile, message) }
        }
        Failure::Schema { location, .. } => Error::invalid(message).at(location),
        Failure::InvalidInput(violations) | Failure::InvalidOutput(violations) => {
            Error::violations(violations)
        }
        Failure::Raised { line, traceback, .. } => Error {
            line,
            traceback: (!traceback.is_empty()).then_some(traceback),
            ..Error::new(ErrorKind::PolicyRaised, message)
        },
        Failure::NotJson { .. } => Error::new(ErrorKind::PolicyOutputNotJson, message),
        Failure::TimedOut { .. } => Error::new(ErrorKind::PolicyTimedOut, message),
        Failure::OutOfMemory { .. } => Error::new(ErrorKind::PolicyOutOfMemory, message),
        Failure::TooDeep { .. } => Error::new(ErrorKind::PolicyTooDeep, message),
        Failure::OutputTooLarge { .. } => Error::new(ErrorKind::PolicyOutputTooLarge, message),
        Failure::Crashed { .. } => Error::new(ErrorKind::PolicyCrashed, message),
        Failure::WorkerLost { .. } => Error::new(
            ErrorKind::ExecutorFault,
            format!("{message}; the run did not finish and may be sent again"),
        ),
        Failure::Busy { .. } => Error::new(ErrorKind::Unavailable, message).retry_after(1),
    }
}
