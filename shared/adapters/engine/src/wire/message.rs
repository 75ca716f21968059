//! The content of frames between the platform and a worker.

use serde::{Deserialize, Serialize};
use writ_model::Diagnostic;

use crate::{Budget, Call, CheckReport, Failure, Outcome, Source};

/// A request of the platform, as a worker receives it.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum WorkerRequest {
    /// Compiles a source. It is the first request and comes once.
    Compile(Source),
    /// Runs the compiled source.
    Run { call: Box<Call>, budget: Budget },
}

/// A [`WorkerRequest`] by reference, as the platform sends it.
#[derive(Clone, Copy, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum WorkerRequestRef<'a> {
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
        /// Whether the worker may serve another run after the first.
        reusable: bool,
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
        /// Whether the worker may serve another run. It is decided after each run, since a run may
        /// leave too much behind.
        reusable: bool,
    },
}
