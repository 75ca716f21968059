//! The inputs and results of a run, which `writ-model` defines.

pub use writ_model::run::{
    Budget, Call, CheckReport, Coverage, FailedRun, Failure, Method, Outcome, RunClass, Source,
};
