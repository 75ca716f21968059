//! The decision log: one file per route.

mod get;
mod query;
mod replay;

writ_edge::binary! {
    /// Reads the records of runs.
    executions = "executions" serves [query, get]
}

writ_edge::binary! {
    /// Runs a record again, which takes the engines.
    executions_replay = "executions-replay" serves [replay]
}
