//! Conversion of a module's traps and errors to failures of the run.

use std::fmt;

use wasmi::TrapCode;

use super::CALLS_MAX;
use super::host::Host;
use crate::{Budget, Failure};

/// A failure by which a function of the platform ends the run.
#[derive(Debug)]
pub(super) struct HostFailure(pub(super) Failure);

impl fmt::Display for HostFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl wasmi::errors::HostError for HostFailure {}

impl HostFailure {
    /// The error that a function of the platform returns.
    pub(super) fn error(failure: Failure) -> wasmi::Error {
        wasmi::Error::host(Self(failure))
    }
}

/// A failure that the policy or its input caused.
pub(super) fn policy_error(kind: &str, message: impl Into<String>) -> Failure {
    Failure::Raised {
        kind: kind.to_owned(),
        message: message.into(),
        line: None,
        traceback: String::new(),
    }
}

/// Converts an error of wasmi to the failure of the run.
pub(super) fn explain(error: wasmi::Error, host: &Host, budget: &Budget) -> Failure {
    let code = error.as_trap_code();
    let text = error.to_string();
    if let Some(HostFailure(failure)) = error.downcast() {
        return failure;
    }
    match code {
        Some(TrapCode::OutOfFuel) => out_of_fuel(budget),
        Some(TrapCode::StackOverflow) => Failure::TooDeep { budget_depth: CALLS_MAX },
        Some(TrapCode::OutOfSystemMemory) => out_of_memory(budget),
        // A module that was refused memory usually traps.
        _ if host.limits.refused => out_of_memory(budget),
        Some(TrapCode::UnreachableCodeReached) => policy_error(
            "wasm.trap",
            "the module gave up: it executed `unreachable`; `writ.fail` can say why",
        ),
        _ => policy_error("wasm.trap", text.trim_end_matches('.')),
    }
}

/// Not [`Failure::TimedOut`], which depends on the platform's clock: running out of fuel is
/// deterministic, and a replay ends in the same way.
fn out_of_fuel(budget: &Budget) -> Failure {
    let (fuel, time_ms) = (super::limits::fuel(budget), budget.time.as_millis());
    policy_error(
        "wasm.out-of-fuel",
        format!("the policy executed more than the {fuel} instructions of its {time_ms} ms"),
    )
}

pub(super) fn out_of_memory(budget: &Budget) -> Failure {
    Failure::OutOfMemory { budget_bytes: budget.memory_bytes_max }
}
