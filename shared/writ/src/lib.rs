//! Runs policies in your own process: load, check, run. No server, no store, no account.
//!
//! Policies run in sandboxed worker processes, which are started from the program's own binary. So
//! [`init`] has to be the first statement of `main`.
//!
//! ```standalone_crate
//! use writ::{EngineConfig, Policy, Writ};
//!
//! fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     writ::init();
//!     let writ = Writ::start(EngineConfig::default())?;
//!     let policy = Policy::from_json(
//!         r#"{
//!             "name": "ip_allowlist", "version": "1.0", "release_tag": "beta", "code_type": "cel",
//!             "code": "{\"allowed\": \"input.ip in parameters.allowlist\"}",
//!             "policy_parameters": {"allowlist": ["10.0.0.1"]}
//!         }"#,
//!     )?;
//!     let run = writ.run(&policy, r#"{"ip": "10.0.0.1"}"#, None)?;
//!     assert_eq!(run.output()?.as_str(), r#"{"allowed":true}"#);
//!     Ok(())
//! }
//! ```
//!
//! The directory `examples/library` of the repository has three programs: `evaluate_policy`,
//! `record_sink` and `test_policy`.

mod policy;
mod ports;
mod record_sink;

use std::sync::Arc;

use writ_engine::Engine;
use writ_model::Workspace;
use writ_pipeline::{ExecutionRequest, Pipeline, PolicyCache};

pub use policy::Policy;
pub use record_sink::RecordSink;
pub use writ_engine::{Coverage, EngineConfig, EngineError};
pub use writ_model::run::CheckReport;
pub use writ_model::{
    Digest, Error, ErrorKind, Execution, ExecutorId, Language, PrincipalKind, RawJson,
};
pub use writ_pipeline::CompiledPolicy;

use record_sink::OptionalSink;

/// Runs the worker if this process was started as one, and never returns then; otherwise returns at
/// once.
///
/// It has to be the first statement of `main`, before any other thread is started: the engines start
/// worker processes from the program's own binary. [`Writ::start`] fails without it.
///
/// ```standalone_crate
/// fn main() -> Result<(), writ::EngineError> {
///     writ::init();
///     let writ = writ::Writ::start(writ::EngineConfig::default())?;
///     drop(writ);
///     Ok(())
/// }
/// ```
pub fn init() {
    writ_languages::init();
}

/// The policy engines of a process, and an optional sink for the records of their runs.
///
/// It can be shared between threads; each run has a worker process of its own. Dropping it ends the
/// worker processes.
///
/// ```standalone_crate
/// use writ::{EngineConfig, Language, Policy, Writ};
///
/// fn main() -> Result<(), Box<dyn std::error::Error>> {
///     writ::init();
///     let writ = Writ::start(EngineConfig::default())?;
///     let policy = Policy::from_code("double", Language::Cel, "input.n * 2")?;
///     let outputs = std::thread::scope(|scope| {
///         [1, 2].map(|n| {
///             let (writ, policy) = (&writ, &policy);
///             scope.spawn(move || writ.run(policy, &format!(r#"{{"n": {n}}}"#), None))
///         })
///         .map(|thread| thread.join().expect("the thread does not panic"))
///     });
///     for (run, output) in outputs.into_iter().zip(["2", "4"]) {
///         assert_eq!(run?.output()?.as_str(), output);
///     }
///     Ok(())
/// }
/// ```
#[derive(Debug)]
pub struct Writ {
    engine: Arc<Engine>,
    policy_cache: PolicyCache,
    sink: OptionalSink,
}

/// A finished run, successful or failed.
///
/// ```standalone_crate
/// use writ::{EngineConfig, Language, Policy, Writ};
///
/// fn main() -> Result<(), Box<dyn std::error::Error>> {
///     writ::init();
///     let writ = Writ::start(EngineConfig::default())?;
///     let policy = Policy::from_code("double", Language::Cel, "input.n * 2")?;
///     let run = writ.run(&policy, r#"{"n": 21}"#, None)?;
///     assert_eq!(run.execution.policy_rule_uri.to_string(), "double:0-local");
///     assert_eq!(run.execution.output, Some(writ::RawJson::parse("42")?));
///     assert!(run.coverage.is_none());
///     Ok(())
/// }
/// ```
#[derive(Clone, Debug)]
pub struct Run {
    /// The record of the run, without masking.
    pub execution: Execution,
    /// The lines that the run covered; `None` unless [`Writ::run_with_coverage`] made the run.
    pub coverage: Option<Coverage>,
}

impl Run {
    /// Returns the policy's output.
    ///
    /// # Errors
    /// The error of a failed run: one of the policy, as [`ErrorKind::PolicyRaised`], or
    /// [`ErrorKind::SchemaViolation`] of the input or the output.
    ///
    /// ```standalone_crate
    /// use writ::{EngineConfig, ErrorKind, Language, Policy, Writ};
    ///
    /// fn main() -> Result<(), Box<dyn std::error::Error>> {
    ///     writ::init();
    ///     let writ = Writ::start(EngineConfig::default())?;
    ///     let policy = Policy::from_code("double", Language::Cel, "input.n * 2")?;
    ///     assert_eq!(writ.run(&policy, r#"{"n": 21}"#, None)?.output()?.as_str(), "42");
    ///     let error = writ.run(&policy, "{}", None)?.output().unwrap_err();
    ///     assert_eq!(error.kind, ErrorKind::PolicyRaised);
    ///     Ok(())
    /// }
    /// ```
    pub fn output(&self) -> Result<&RawJson, Error> {
        match (&self.execution.output, &self.execution.error) {
            (Some(output), _) => Ok(output),
            (None, Some(error)) => Err(error.clone()),
            (None, None) => Err(Error::internal("a run without output and error")),
        }
    }
}

impl Writ {
    /// Starts the policy engines of the process.
    ///
    /// # Errors
    /// A host that does not permit the sandbox, and a missing [`init`].
    ///
    /// ```standalone_crate
    /// use writ::{EngineConfig, Writ};
    ///
    /// fn main() -> Result<(), writ::EngineError> {
    ///     writ::init();
    ///     let writ = Writ::start(EngineConfig { workers_max: 2, ..EngineConfig::default() })?;
    ///     drop(writ);
    ///     Ok(())
    /// }
    /// ```
    pub fn start(config: EngineConfig) -> Result<Self, EngineError> {
        Ok(Self {
            engine: Arc::new(Engine::start(config)?),
            policy_cache: PolicyCache::default(),
            sink: OptionalSink::default(),
        })
    }

    /// Sets the sink that receives the record of every run, in place of an earlier one.
    ///
    /// ```standalone_crate
    /// use std::sync::{Arc, Mutex};
    ///
    /// use writ::{EngineConfig, Error, Execution, Language, Policy, Writ};
    ///
    /// fn main() -> Result<(), Box<dyn std::error::Error>> {
    ///     writ::init();
    ///     let outputs = Arc::new(Mutex::new(Vec::new()));
    ///     let sink = Arc::clone(&outputs);
    ///     let writ = Writ::start(EngineConfig::default())?.with_record_sink(
    ///         move |record: &Execution| -> Result<(), Error> {
    ///             sink.lock().expect("no thread panics").push(record.output.clone());
    ///             Ok(())
    ///         },
    ///     );
    ///     let policy = Policy::from_code("double", Language::Cel, "input.n * 2")?;
    ///     let run = writ.run(&policy, r#"{"n": 21}"#, None)?;
    ///     assert_eq!(*outputs.lock().expect("no thread panics"), [run.execution.output]);
    ///     Ok(())
    /// }
    /// ```
    #[must_use]
    pub fn with_record_sink(self, sink: impl RecordSink + 'static) -> Self {
        Self { sink: OptionalSink::new(sink), ..self }
    }

    /// Returns the engines, for callers that run code without the pipeline.
    ///
    /// ```standalone_crate
    /// use writ::{EngineConfig, Writ};
    ///
    /// fn main() -> Result<(), writ::EngineError> {
    ///     writ::init();
    ///     let writ = Writ::start(EngineConfig::default())?;
    ///     let engine = std::sync::Arc::clone(writ.engine());
    ///     drop((writ, engine));
    ///     Ok(())
    /// }
    /// ```
    #[must_use]
    pub fn engine(&self) -> &Arc<Engine> {
        &self.engine
    }

    /// Compiles the code, and validates the stored parameters and settings against their schemas.
    /// Returns the compiler's warnings.
    ///
    /// # Errors
    /// Every error for which a server refuses to register the policy, as
    /// [`ErrorKind::PolicyDoesNotCompile`].
    ///
    /// ```standalone_crate
    /// use writ::{EngineConfig, ErrorKind, Language, Policy, Writ};
    ///
    /// fn main() -> Result<(), Box<dyn std::error::Error>> {
    ///     writ::init();
    ///     let writ = Writ::start(EngineConfig::default())?;
    ///     let policy = Policy::from_code("double", Language::Cel, "input.n * 2")?;
    ///     assert!(writ.check(&policy)?.warnings.is_empty());
    ///     let broken = Policy::from_code("broken", Language::Cel, "input.n *")?;
    ///     let error = writ.check(&broken).unwrap_err();
    ///     assert_eq!(error.kind, ErrorKind::PolicyDoesNotCompile);
    ///     Ok(())
    /// }
    /// ```
    pub fn check(&self, policy: &Policy) -> Result<CheckReport, Error> {
        let (compiled, workspace) = (policy.compiled(), Workspace::default());
        let checked =
            self.engine.check(workspace.as_str(), compiled.source(), &compiled.stored_documents());
        checked.map_err(writ_pipeline::to_error)
    }

    /// Runs the policy once. `input` and `parameters` are JSON text; each member of `parameters`
    /// overrides the stored one of the same name.
    ///
    /// A run that failed is a [`Run`] with an error, and not an error of this function.
    ///
    /// # Errors
    /// Text that is not JSON, and the errors of the [`RecordSink`].
    ///
    /// ```standalone_crate
    /// use writ::{EngineConfig, Language, Policy, Writ};
    ///
    /// fn main() -> Result<(), Box<dyn std::error::Error>> {
    ///     writ::init();
    ///     let writ = Writ::start(EngineConfig::default())?;
    ///     let policy = Policy::from_code("multiply", Language::Cel, "input.n * parameters.factor")?;
    ///     let run = writ.run(&policy, r#"{"n": 14}"#, Some(r#"{"factor": 3}"#))?;
    ///     assert_eq!(run.output()?.as_str(), "42");
    ///     assert!(writ.run(&policy, "{", None).is_err());
    ///     Ok(())
    /// }
    /// ```
    pub fn run(
        &self,
        policy: &Policy,
        input: &str,
        parameters: Option<&str>,
    ) -> Result<Run, Error> {
        self.execute(policy, input, parameters, false)
    }

    /// Runs the policy once as [`Writ::run`] does, and reports the lines that ran.
    ///
    /// # Errors
    /// As [`Writ::run`].
    ///
    /// ```standalone_crate
    /// use writ::{EngineConfig, Language, Policy, Writ};
    ///
    /// const CODE: &str = "package double\n\noutput := input.n * 2\n";
    ///
    /// fn main() -> Result<(), Box<dyn std::error::Error>> {
    ///     writ::init();
    ///     let writ = Writ::start(EngineConfig::default())?;
    ///     let policy = Policy::from_code("double", Language::Rego, CODE)?;
    ///     let run = writ.run_with_coverage(&policy, r#"{"n": 21}"#, None)?;
    ///     assert_eq!(run.coverage.map(|coverage| coverage.covered), Some(vec![3]));
    ///     Ok(())
    /// }
    /// ```
    pub fn run_with_coverage(
        &self,
        policy: &Policy,
        input: &str,
        parameters: Option<&str>,
    ) -> Result<Run, Error> {
        self.execute(policy, input, parameters, true)
    }

    fn execute(
        &self,
        policy: &Policy,
        input: &str,
        parameters: Option<&str>,
        has_coverage: bool,
    ) -> Result<Run, Error> {
        let request = ExecutionRequest {
            parameters: parameters.map(|text| parse_json("the parameters", text)).transpose()?,
            executor_id: ExecutorId::IN_PROCESS,
            ..ExecutionRequest::new(
                Workspace::default(),
                "in-process".to_owned(),
                PrincipalKind::Local,
                policy.compiled().policy().policy_rule_uri.clone(),
                parse_json("the input", input)?,
            )
        };
        let ports = ports::InProcessPorts::new(&self.engine, &self.sink, has_coverage);
        let pipeline = Pipeline::new(ports::SinglePolicySource(policy), &ports, &self.policy_cache);
        let report = ports::poll_ready(pipeline.execute_alone(request))?;
        Ok(Run { execution: report.execution, coverage: ports.into_coverage() })
    }
}

fn parse_json(what: &str, text: &str) -> Result<RawJson, Error> {
    RawJson::parse(text.trim())
        .map_err(|error| Error::invalid(format!("{what} is not valid JSON: {error}")))
}
