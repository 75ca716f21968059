//! Executors: one file per route.

mod execute_policy;

use writ_edge::{Route, route};
use writ_pipeline::Execute;

/// The routes of executors.
#[must_use]
pub fn routes<P: Execute>() -> Vec<Route<P>> {
    vec![route!(execute_policy)]
}
