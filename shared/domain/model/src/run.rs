//! One run of a policy: what goes in and what comes out, whichever engine and process runs it.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{ContextChange, Diagnostic, Digest, Language, RawJson};

/// A policy's code, apart from its documents.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// Which engine runs it.
    pub language: Language,
    /// The source text.
    pub code: String,
    /// The SHA-256 of everything that decides how the code compiles; compiled code is kept by it.
    pub digest: Digest,
    /// The policy's `functionality_data`; for rego its `query` selects the rule.
    pub functionality_data: Option<RawJson>,
}

/// Which of a policy's entry points is called.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// `eval(parameters, input_data, context)`.
    Eval {
        /// The caller's input, as sent.
        input_data: RawJson,
    },
    /// `management(action, data)`.
    Management {
        /// The command.
        action: String,
        /// Its argument.
        data: RawJson,
    },
}

/// One run, with everything non-deterministic that it may read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Call {
    /// The first argument of `__init__`: the policy's URI.
    pub rule_id: String,
    /// The policy's settings.
    pub settings: RawJson,
    /// The merged parameters.
    pub parameters: RawJson,
    /// What is called, and with what.
    pub method: Method,
    /// The time that the policy sees, in milliseconds since the Unix epoch; constant within a run.
    pub now_ms: i64,
    /// Seeds every random number that the policy draws.
    pub seed: u64,
    /// What earlier runs have kept: an object. Without one the run is stateless, its context
    /// empty, and what it keeps is forgotten.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context: Option<RawJson>,
    /// Whether to report which lines ran.
    pub coverage: bool,
}

/// What a run may use. Every bound is enforced from outside the interpreter as well.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Budget {
    /// Wall time from the call to the reply: neither waiting for a worker nor compiling is in it.
    pub time: Duration,
    /// Memory above that of an idle worker.
    pub memory_bytes_max: u64,
    /// Nested calls inside the policy.
    pub depth_max: u32,
    /// The output's JSON, and everything printed, each.
    pub output_bytes_max: usize,
    /// What it is run for. The platform's affair: a worker is not told.
    #[serde(skip)]
    pub class: RunClass,
}

/// What a run is for, which decides how it shares the workers with others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum RunClass {
    /// Somebody waits for the answer: it gets a worker within the engine's patience, or none.
    #[default]
    Request,
    /// Nobody does: it may take minutes, so it leaves half of the workers to requests, and it waits
    /// for one as long as its caller lets it.
    Job,
}

impl Default for Budget {
    /// One second, 64 MiB, 200 calls deep, 1 MiB out, for a request: a policy is a decision, not a
    /// batch.
    fn default() -> Self {
        Self {
            time: Duration::from_secs(1),
            memory_bytes_max: 64 << 20,
            depth_max: 200,
            output_bytes_max: 1 << 20,
            class: RunClass::Request,
        }
    }
}

/// A finished run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// What the policy returned, as compact JSON.
    pub output: RawJson,
    /// What it printed, cut at the budget's `output_bytes_max`.
    pub printed: String,
    /// What it changed in its context, where the call brought one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context: Option<ContextChange>,
    /// Which lines ran, when the call asked for it.
    pub coverage: Option<Coverage>,
    /// Time inside the worker, in microseconds.
    pub engine_us: u64,
}

/// One-based source lines.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Coverage {
    /// Lines that ran.
    pub covered: Vec<u32>,
    /// Lines that could have run and did not.
    pub missed: Vec<u32>,
}

/// Code that compiles.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checked {
    /// Warnings; errors are never here.
    pub warnings: Vec<Diagnostic>,
}

/// A run that gave no output.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{failure}")]
pub struct Failed {
    /// Why.
    pub failure: Failure,
    /// What it printed before, cut at the budget's `output_bytes_max`; of a run that was killed, as
    /// much as had got out.
    pub printed: String,
}

impl From<Failure> for Failed {
    fn from(failure: Failure) -> Self {
        Self { failure, printed: String::new() }
    }
}

/// Why a run gave no output. Each message is for the caller.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum Failure {
    /// The code does not compile.
    #[error("the policy does not compile")]
    Compile(Vec<Diagnostic>),
    /// The policy raised an exception.
    #[error("the policy raised {kind}: {message}")]
    Raised {
        /// The exception's type.
        kind: String,
        /// Its text.
        message: String,
        /// One-based line of the policy that raised, where known.
        line: Option<u32>,
        /// The policy's own traceback.
        traceback: String,
    },
    /// The policy returned what is no JSON.
    #[error("the policy returned {what}, which JSON cannot hold")]
    NotJson {
        /// What and where, as "nan at `scores[2]`".
        what: String,
    },
    /// The time ran out; the worker was killed.
    #[error("the policy was stopped after its {budget_ms} ms")]
    TimedOut {
        /// The budget.
        budget_ms: u64,
    },
    /// The memory ran out.
    #[error("the policy needed more than its {budget_bytes} bytes of memory")]
    OutOfMemory {
        /// The budget.
        budget_bytes: u64,
    },
    /// Calls or values were nested too deep.
    #[error("the policy went deeper than its {budget_depth} nested calls")]
    TooDeep {
        /// The budget.
        budget_depth: u32,
    },
    /// The output was too large.
    #[error("the policy returned more than its {budget_bytes} bytes")]
    OutputTooLarge {
        /// The budget.
        budget_bytes: usize,
    },
    /// The interpreter ended itself, as by a stack overflow: the policy's doing.
    #[error("the policy ended its interpreter ({signal})")]
    Crashed {
        /// The signal's name, as `SIGSEGV`.
        signal: String,
    },
    /// The worker was killed by somebody else, or could not be started: not the policy's doing.
    #[error("the worker that ran the policy was lost: {reason}")]
    WorkerLost {
        /// What is known of it.
        reason: String,
    },
    /// No worker became free in time.
    #[error("no worker became free within {waited_ms} ms")]
    Busy {
        /// How long the call waited.
        waited_ms: u64,
    },
}
