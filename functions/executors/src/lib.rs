//! Executors: one file per route.

mod execute_policy;

writ_edge::binary! {
    /// Runs policies, which takes the engines.
    executors = "executors" serves [execute_policy]
}
