//! Executors: one file per route.

mod execute_policy;

use writ_edge::Route;
use writ_pipeline::Execute;

/// The routes of executors.
#[must_use]
pub fn routes<P: Execute>() -> Vec<Route<P>> {
    vec![Route {
        about: execute_policy::ABOUT,
        handle: |ports, request| Box::pin(execute_policy::handle(ports, request)),
    }]
}
