//! The content of frames between the platform and a worker.

use serde::{Deserialize, Serialize};
use writ_model::Diagnostic;

use crate::{Budget, Call, Checked, Failure, Outcome, Source};

/// From the platform, as a worker receives it.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Order {
    /// Comes once, first.
    Compile(Source),
    /// Runs what was compiled.
    Run {
        /// What to call.
        call: Box<Call>,
        /// How far it may go.
        budget: Budget,
    },
}

/// [`Order`], as the platform sends it.
#[derive(Clone, Copy, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum OrderRef<'a> {
    /// See [`Order::Compile`].
    Compile(&'a Source),
    /// See [`Order::Run`].
    Run {
        /// See [`Order::Run`].
        call: &'a Call,
        /// See [`Order::Run`].
        budget: &'a Budget,
    },
}

/// From a worker. Whatever it says is hostile until checked.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Reply {
    /// The source compiles.
    Ready {
        /// The compiler's warnings.
        checked: Checked,
        /// Whether the worker may serve another run after the first.
        reusable: bool,
    },
    /// The source does not compile.
    Refused(Vec<Diagnostic>),
    /// The run ended; the worker lives.
    Ran {
        /// With an output, or without one.
        result: Result<Outcome, Failure>,
        /// What a run without an output has printed; an outcome holds its own.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        printed: String,
        /// Whether the worker may serve another run: asked again after each, for a program may
        /// have worn its process out.
        reusable: bool,
    },
}
