//! The decision log: one file per route.

mod get;
mod query;
mod replay;

writ_edge::binary! {
    /// Reads the log.
    executions = "executions" serves [query, get]
}

writ_edge::binary! {
    /// Runs what it reads, which takes the engines.
    executions_replay = "executions-replay" serves [replay]
}
