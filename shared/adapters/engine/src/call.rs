//! The inputs and results of a run, which `writ-model` defines.

pub use writ_model::run::{
    Budget, Call, Checked, Coverage, Failed, Failure, Method, Outcome, RunClass, Source,
};
