//! The decision log: one file per route.

mod get;
mod query;
mod replay;

use writ_edge::Route;
use writ_pipeline::Execute;
use writ_ports::{GetExecution, QueryExecutions};

/// The routes of the decision log.
#[must_use]
pub fn routes<P: Execute + GetExecution + QueryExecutions>() -> Vec<Route<P>> {
    vec![
        Route {
            about: query::ABOUT,
            handle: |ports, request| Box::pin(query::handle(ports, request)),
        },
        Route { about: get::ABOUT, handle: |ports, request| Box::pin(get::handle(ports, request)) },
        Route {
            about: replay::ABOUT,
            handle: |ports, request| Box::pin(replay::handle(ports, request)),
        },
    ]
}
