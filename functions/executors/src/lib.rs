//! Executors: one file per route.

mod execute_policy;

use writ_pipeline::Execute;

writ_edge::binary! {
    /// Runs policies, which takes the engines.
    executors = "executors" needs [Execute] serves [execute_policy]
}
