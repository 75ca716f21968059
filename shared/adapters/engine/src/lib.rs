//! The engine: it compiles and runs policies, and applies schemas, in worker processes that the
//! platform can kill.
//!
//! [`Engine`] is the only entry point: it checks sources, runs calls and validates values. A language
//! implements [`language::Runtime`] and [`language::Program`] in a crate of its own; everything
//! else is here:
//!
//! - `host`: the platform's side of the processes: start, limits, requests, kill, reaping;
//! - [`worker`]: the code inside them: the zygote, the workers that it forks, their sandbox;
//! - `wire`: the protocol between the two;
//! - `pool`: the assignment of workers to calls;
//! - `maintenance`: the work after a reply.

#[cfg(not(target_os = "linux"))]
compile_error!("the worker's sandbox needs Linux system calls");

mod call;
mod cancellation;
mod capability;
#[doc(hidden)]
pub mod capture;
mod config;
mod engine;
#[doc(hidden)]
pub mod fuzzing;
mod host;
pub mod language;
mod maintenance;
mod pool;
mod sys;
mod version;
mod wire;
pub mod worker;
mod zygote_kind;
mod zygotes;

pub use call::{
    Budget, Call, CheckReport, Coverage, FailedRun, Failure, Method, Outcome, RunClass, Source,
};
pub use cancellation::Cancellation;
pub use capability::{Capability, SandboxReport};
pub use config::{CompileBudget, EngineConfig, EngineError};
pub use engine::{Engine, EngineStats};
pub use version::engine_version;
