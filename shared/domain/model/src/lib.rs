//! The domain model of Writ: policies, executions, jobs, schedules, identities, policy URIs,
//! and the error type that all crates above share.
//!
//! This crate does no I/O, reads no clock and draws no random numbers.

mod backoff;
mod context;
mod derived_id;
mod diagnostic;
mod digest;
mod enums;
mod error;
mod execution;
mod executor;
mod identity;
mod job;
mod json;
mod language;
pub mod member;
mod policy;
pub mod run;
mod schedule;
mod timestamp;
mod uri;

pub use backoff::Backoff;
pub use context::{CONTEXT_BYTES_MAX, ContextChange};
pub use derived_id::{DerivedId, derive_id};
pub use diagnostic::{Diagnostic, Severity};
pub use digest::Digest;
pub use error::{Error, ErrorKind, Violation};
pub use execution::{Cause, ContextSnapshot, Execution, ExecutionStatus, Precheck};
pub use executor::ExecutorId;
pub use identity::{Identity, PrincipalKind, Role, Workspace};
pub use job::{
    Attempt, AttemptOutcome, Callback, CallbackStatus, Job, JobSignal, JobState, JobStatus, Lease,
    SignalKind, Submission,
};
pub use json::{MASK, RawJson};
pub use language::Language;
pub use policy::{BODY_BYTES_MAX, PolicyRule, with_defaults};
pub use schedule::{CatchUp, FireOutcome, LastFire, Schedule, ScheduleDefinition, ScheduleState};
pub use timestamp::Timestamp;
pub use uri::{PolicyUri, UriError};
