//! The decision log: one file per route.

mod get;
mod query;
mod replay;

use writ_edge::{Route, route};
use writ_pipeline::Execute;
use writ_ports::{GetExecution, QueryExecutions};

/// The routes of the decision log.
#[must_use]
pub fn routes<P: Execute + GetExecution + QueryExecutions>() -> Vec<Route<P>> {
    vec![route!(query), route!(get), route!(replay)]
}
