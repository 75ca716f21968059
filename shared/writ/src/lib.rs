//! Run policies in your own process: load, check, run. No server, no store, no account.
//!
//! ```no_run
//! fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     // First of all: policies run in worker processes, started from this very binary.
//!     writ::init();
//!     let writ = writ::Writ::start(writ::EngineConfig::default())?;
//!     let policy = writ::Policy::from_json(&std::fs::read_to_string("policy.json")?)?;
//!     let run = writ.run(&policy, r#"{"ip": "10.0.0.1"}"#, None)?;
//!     println!("{}", run.output()?.as_str());
//!     Ok(())
//! }
//! ```

mod local;
mod policy;

use std::sync::Arc;

use writ_engine::{Coverage, Engine};
use writ_model::run::Checked;
use writ_model::{Error, Execution, RawJson, Workspace};
use writ_pipeline::{ExecutionRequest, PolicyCache};

pub use policy::Policy;
pub use writ_engine::{EngineConfig, EngineError};

/// Must be the first statement of `main`: when this process was started as a worker it runs
/// the worker and never returns.
pub fn init() {
    writ_engine::worker::init();
}

/// The engines, ready to run policies in this process's name.
#[derive(Debug)]
pub struct Writ {
    engine: Arc<Engine>,
    policy_cache: PolicyCache,
}

/// One finished run: the record that a platform would keep.
#[derive(Clone, Debug)]
pub struct Run {
    /// The record.
    pub execution: Execution,
    /// Which lines ran, when that was asked for.
    pub coverage: Option<Coverage>,
}

impl Run {
    /// What the policy returned.
    ///
    /// # Errors
    /// Why there is no output.
    pub fn output(&self) -> Result<&RawJson, Error> {
        match (&self.execution.output, &self.execution.error) {
            (Some(output), _) => Ok(output),
            (None, Some(error)) => Err(error.clone()),
            (None, None) => Err(Error::internal("a run without output and error")),
        }
    }
}

impl Writ {
    /// Starts the engines.
    ///
    /// # Errors
    /// What the host does not permit, and a missing [`init`].
    pub fn start(config: EngineConfig) -> Result<Self, EngineError> {
        Ok(Self { engine: Arc::new(Engine::start(config)?), policy_cache: PolicyCache::default() })
    }

    /// The engines themselves.
    #[must_use]
    pub fn engine(&self) -> &Arc<Engine> {
        &self.engine
    }

    /// Compiles the code and holds the stored values against their schemas.
    ///
    /// # Errors
    /// Everything that would keep the policy from being registered.
    pub fn check(&self, policy: &Policy) -> Result<Checked, Error> {
        policy.prepared().check_stored()?;
        self.engine.check(policy.prepared().source()).map_err(writ_pipeline::to_error)
    }

    /// Runs the policy once: input and parameters are JSON text; the parameters override the
    /// stored ones, member by member.
    ///
    /// # Errors
    /// Text that is no JSON. A run that failed is a [`Run`] with an error.
    pub fn run(
        &self,
        policy: &Policy,
        input: &str,
        parameters: Option<&str>,
    ) -> Result<Run, Error> {
        self.execute(policy, input, parameters, false)
    }

    /// As [`Writ::run`], and reports which lines ran.
    ///
    /// # Errors
    /// As [`Writ::run`].
    pub fn run_covered(
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
        covered: bool,
    ) -> Result<Run, Error> {
        let order = ExecutionRequest {
            parameters: parameters.map(|text| json("the parameters", text)).transpose()?,
            executor_id: "in-process".to_owned(),
            ..ExecutionRequest::new(
                Workspace::default(),
                "in-process".to_owned(),
                "local".to_owned(),
                policy.prepared().policy().policy_rule_uri.clone(),
                json("the input", input)?,
            )
        };
        let ports = local::Local::new(&self.engine, covered);
        let executed = local::finish(writ_pipeline::execute_alone(
            &local::Held(policy),
            &ports,
            &self.policy_cache,
            order,
        ))?;
        Ok(Run { execution: executed.execution, coverage: ports.into_coverage() })
    }
}

fn json(what: &str, text: &str) -> Result<RawJson, Error> {
    RawJson::parse(text.trim())
        .map_err(|error| Error::invalid(format!("{what} is not valid JSON: {error}")))
}
