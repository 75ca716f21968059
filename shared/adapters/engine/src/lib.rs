//! Policy languages behind one trait, each run in a worker process that the platform can kill.
//!
//! [`Engine`] is the only entry point: it checks sources and runs calls. A language implements
//! `language::Runtime` and `language::Program`; everything else is shared:
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
mod capture;
mod cedar;
mod cel;
mod config;
mod context;
mod engine;
#[doc(hidden)]
pub mod fuzzing;
mod host;
mod language;
mod maintenance;
mod nesting;
mod pool;
mod python;
mod rego;
mod rng;
mod sys;
mod version;
mod wasm;
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
