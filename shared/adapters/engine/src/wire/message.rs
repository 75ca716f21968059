//! The content of frames between the platform and a worker.

use serde::{Deserialize, Serialize};
use writ_model::Diagnostic;
use writ_model::run::{Document, Schemas};

use crate::{Budget, Call, CheckReport, Failure, Outcome, Source};

/// A request of the platform, as a worker receives it.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum WorkerRequest {
    /// Compiles a source with its schemas, to run it. It is the first request and comes once.
    Compile(Source),
    /// Compiles a source with its schemas, and applies them to values. It is the only request.
    Check { source: Source, documents: Vec<Document> },
    /// Compiles schemas and applies them to values. It is the only request.
    Validate { schemas: Schemas, documents: Vec<Document> },
    /// Runs the compiled source.
    Run { call: Box<Call>, budget: Budget },
}

/// A [`WorkerRequest`] by reference, as the platform sends it.
#[derive(Clone, Copy, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum WorkerRequestRef<'a> {
    Compile(&'a Source),
    Check { source: &'a Source, documents: &'a [Document] },
    Validate { schemas: &'a Schemas, documents: &'a [Document] },
    Run { call: &'a Call, budget: &'a Budget },
}

/// A reply of a worker. It is untrusted until it is validated.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Reply {
    /// The source and its schemas compile and the values fit them, and the worker is ready to run
    /// the source if it is to be run.
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
    /// A schema does not compile, or a value does not fit its schema.
    #[serde(rename = "misfit")]
    SchemaFailed(Failure),
    /// The run ended and the worker is alive.
    #[serde(rename = "ran")]
    RunFinished {
        result: Result<Outcome, Failure>,
        /// What a failed run has printed; an outcome holds its own.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        printed: String,
    },
}
