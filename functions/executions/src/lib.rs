//! The decision log: one file per route.

mod get;
mod query;
mod replay;

use writ_pipeline::Execute;
use writ_ports::{GetExecution, QueryExecutions};

writ_edge::binary! {
    /// Reads the log.
    executions = "executions" needs [GetExecution, QueryExecutions] serves [query, get]
}

writ_edge::binary! {
    /// Runs what it reads, which takes the engines.
    executions_replay = "executions-replay" needs [Execute] serves [replay]
}
