//! What goes into a run and what comes out of it: the platform's own nouns.

pub use writ_model::run::{
    Budget, Call, Checked, Coverage, Failed, Failure, Method, Outcome, RunClass, Source,
};
