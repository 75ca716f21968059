//! The content of frames between the platform and a worker.

use serde::{Deserialize, Serialize};
use writ_model::Diagnostic;

use crate::{Budget, Call, CheckReport, Failure, Outcome, Source};

/// A request of the platform, as a worker receives it.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum WorkerRequest {
    /// Compiles a source, to check it. It is the first request and the only one.
    Check(Source),
    /// Compiles a source, to run it. It is the first request and comes once.
    Compile(Source),
    /// Runs the compiled source.
    Run { call: Box<Call>, budget: Budget },
}

/// A [`WorkerRequest`] by reference, as the platform sends it.
#[derive(Clone, Copy, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum WorkerRequestRef<'a> {
    Check(&'a Source),
    Compile(&'a Source),
    Run { call: &'a Call, budget: &'a Budget },
}

/// A reply of a worker. It is untrusted until it is validated.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Reply {
    /// The source compiles, and the worker is ready to run it.
    Ready {
        checked: CheckReport,
        /// Why the worker can serve one run only. `None` where it puts its memory back after each
        /// run.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        single_use: Option<String>,
    },
    /// The source does not compile, for these reasons.
    #[serde(rename = "refused")]
    CompileFailed(Vec<Diagnostic>),
    /// The run ended and the worker is alive.
    #[serde(rename = "ran")]
    RunFinished {
        result: Result<Outcome, Failure>,
        /// What a failed run has printed; an outcome holds its own.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        printed: String,
    },
}
