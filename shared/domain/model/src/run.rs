//! The interface of a policy run, independent of the engine and of the process that runs it.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{ContextChange, Diagnostic, Digest, Language, RawJson, Violation};

/// The code of a policy, with what decides how it compiles.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// The language of the code, which selects the engine.
    pub language: Language,
    /// The source text of the policy.
    pub code: String,
    /// The SHA-256 of everything that decides how the code compiles: the key of the cache of
    /// compiled code.
    pub digest: Digest,
    /// The policy's `functionality_data`; its `query` selects the rule of a Rego policy.
    pub functionality_data: Option<RawJson>,
    /// The schemas that the policy's values have to fit.
    #[serde(default)]
    pub schemas: Schemas,
}

/// The schemas of a policy as they are registered, in either dialect; `null` accepts every value.
///
/// A schema is a tenant's text and may cost any time and memory, so it is compiled and applied in a
/// worker alone.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Schemas {
    /// The schema that is registered as `policy_input_schema`.
    pub input: RawJson,
    /// The schema that is registered as `policy_output_schema`.
    pub output: RawJson,
    /// The schema that is registered as `policy_settings_schema`.
    pub settings: RawJson,
    /// The schema that is registered as `policy_parameters_schema`.
    pub parameters: RawJson,
    /// The schemas of the arguments of management commands, in the order of
    /// `management_commands_schema`.
    pub commands: Vec<CommandSchema>,
    /// What `format` does in them.
    #[serde(default)]
    pub formats: SchemaFormats,
}

/// What the keyword `format` of a JSON Schema does, in all schemas of a policy.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SchemaFormats {
    /// It is a note to the reader, and every text fits.
    #[default]
    Annotate,
    /// A text of another format is a violation.
    Assert,
}

/// The schema of the argument of one management command.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommandSchema {
    /// The name of the command.
    pub name: String,
    /// The schema; `null` accepts every argument.
    pub schema: RawJson,
}

/// A value to validate without a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Document {
    /// The name of the value in violations.
    pub subject: String,
    /// The schema that the value has to fit.
    pub kind: DocumentKind,
    /// The value to validate.
    pub value: RawJson,
}

/// The schema that a [`Document`] has to fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DocumentKind {
    /// The input of a run.
    Input,
    /// The merged parameters of a run.
    Parameters,
    /// The parameters that are stored with a policy: a member that is required may be absent, since
    /// the caller will send it.
    StoredParameters,
    /// The settings that are stored with a policy.
    StoredSettings,
}

/// The entry point of a policy to call, with its arguments.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// The evaluation, `eval(parameters, input_data, context)`.
    Eval {
        /// The input, as the caller sent it.
        input_data: RawJson,
    },
    /// A management command, `management(action, data)`.
    Management {
        /// The name of the command.
        action: String,
        /// The argument of the command.
        data: RawJson,
    },
}

/// The arguments of one run, including every non-deterministic value that it may read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Call {
    /// The policy's URI, the first argument of `__init__`.
    pub rule_id: String,
    /// The settings of the policy.
    pub settings: RawJson,
    /// The merged parameters: stored ones overridden by the caller's.
    pub parameters: RawJson,
    /// The entry point to call, with its arguments.
    pub method: Method,
    /// The current time as the policy sees it, in milliseconds since the Unix epoch; constant
    /// within a run.
    pub now_ms: i64,
    /// The seed of the policy's random numbers.
    pub seed: u64,
    /// The context that earlier runs stored: a JSON object. Where it is `None` the run is
    /// stateless: its context is empty, and its changes are discarded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context: Option<RawJson>,
    /// Whether to report line coverage.
    pub coverage: bool,
}

/// The resource limits of a run. Each is enforced from outside the interpreter as well.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Budget {
    /// The wall-clock time from the call to the reply, without the wait for a worker and without
    /// compilation.
    pub time: Duration,
    /// The memory above that of an idle worker, in bytes.
    pub memory_bytes_max: u64,
    /// The maximum depth of nested calls inside the policy.
    pub depth_max: u32,
    /// The maximum size of the output's JSON, and of the printed text, each in bytes.
    pub output_bytes_max: usize,
    /// The class of the run. It concerns scheduling only, so it is not sent to the worker.
    #[serde(skip)]
    pub class: RunClass,
}

/// The class of a run, which decides how it shares the workers with other runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum RunClass {
    /// A synchronous run: it gets a worker within the engine's wait limit, or fails as busy.
    #[default]
    Request,
    /// An asynchronous run. It may take minutes, so it leaves half of the workers to requests, and
    /// it waits for a worker as long as its caller does.
    Job,
}

impl Default for Budget {
    /// The limits of a request: one second, 64 MiB of memory, 200 nested calls and 1 MiB of output.
    /// A policy makes a decision; it is not a batch job.
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

/// The result of a successful run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// The output of the policy, as compact JSON.
    pub output: RawJson,
    /// The text that the policy printed, truncated to the budget's `output_bytes_max`.
    pub printed: String,
    /// The change to the context; `None` for a stateless run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context: Option<ContextChange>,
    /// The line coverage; `None` unless the call requested it.
    pub coverage: Option<Coverage>,
    /// The time inside the worker, in microseconds.
    pub engine_us: u64,
}

/// Line coverage, in one-based source lines.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Coverage {
    /// The lines that ran.
    pub covered: Vec<u32>,
    /// The executable lines that did not run.
    pub missed: Vec<u32>,
}

/// The result of a successful compile check.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckReport {
    /// The warnings of the compiler. Errors make the check fail instead.
    pub warnings: Vec<Diagnostic>,
}

/// A failed run: the error, with the text printed before it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{failure}")]
pub struct FailedRun {
    /// The error that ended the run.
    pub failure: Failure,
    /// The text that the policy printed before, truncated to the budget's `output_bytes_max`. Of a
    /// run that was killed, only what had left the worker.
    pub printed: String,
}

impl From<Failure> for FailedRun {
    fn from(failure: Failure) -> Self {
        Self { failure, printed: String::new() }
    }
}

/// The error that ended a run. Each message is for the caller.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum Failure {
    /// The code does not compile.
    #[error("the policy does not compile")]
    Compile(Vec<Diagnostic>),
    /// A schema of the policy does not compile.
    #[error("the schema does not compile: {message}")]
    Schema {
        /// The location in the policy, as a JSON Pointer (RFC 6901).
        location: String,
        /// The problem in one sentence.
        message: String,
    },
    /// The input, the argument of the command, or the parameters do not fit their schemas. The
    /// policy did not run.
    #[error("a value does not fit its schema")]
    InvalidInput(Vec<Violation>),
    /// What the policy returned does not fit its schema.
    #[error("the output does not fit its schema")]
    InvalidOutput(Vec<Violation>),
    /// The policy raised an exception.
    #[error("the policy raised {kind}: {message}")]
    Raised {
        /// The type of the exception.
        kind: String,
        /// The message of the exception.
        message: String,
        /// The one-based line of the policy's code; `None` where it is unknown.
        line: Option<u32>,
        /// The policy's own traceback, as its language prints it.
        traceback: String,
    },
    /// The policy returned a value that JSON cannot represent.
    #[error("the policy returned {what}, which JSON cannot hold")]
    NotJson {
        /// The value and its location, such as "nan at `scores[2]`".
        what: String,
    },
    /// The run exceeded its time limit, and the worker was killed.
    #[error("the policy was stopped after its {budget_ms} ms")]
    TimedOut {
        /// The time limit, in milliseconds.
        budget_ms: u64,
    },
    /// The run exceeded its memory limit.
    #[error("the policy needed more than its {budget_bytes} bytes of memory")]
    OutOfMemory {
        /// The memory limit, in bytes.
        budget_bytes: u64,
    },
    /// Calls or values exceeded the limit of nesting.
    #[error("the policy went deeper than its {budget_depth} nested calls")]
    TooDeep {
        /// The limit of nested calls.
        budget_depth: u32,
    },
    /// The output exceeded its size limit.
    #[error("the policy returned more than its {budget_bytes} bytes")]
    OutputTooLarge {
        /// The size limit of the output, in bytes.
        budget_bytes: usize,
    },
    /// The interpreter crashed, for example by a stack overflow. The policy caused it.
    #[error("the policy ended its interpreter ({signal})")]
    Crashed {
        /// The name of the signal, such as `SIGSEGV`.
        signal: String,
    },
    /// The worker was killed from outside, or could not be started. The policy did not cause it.
    #[error("the worker that ran the policy was lost: {reason}")]
    WorkerLost {
        /// The reason as far as it is known.
        reason: String,
    },
    /// No worker became free in time.
    #[error("no worker became free within {waited_ms} ms")]
    Busy {
        /// The time that the call waited, in milliseconds.
        waited_ms: u64,
    },
}
