//! The policy registry: one file per route.

mod create;
mod delete;
mod get;
mod manage;
mod plan;
mod query;
mod revision;
mod revisions;
mod update;
mod validate;

use writ_pipeline::Execute;
use writ_ports::{
    Clock, CreatePolicy, DeletePolicy, Evaluate, GetBody, GetPolicy, GetRevisions, Ids,
    QueryExecutions, QueryPolicies, ReplacePolicy,
};

writ_edge::binary! {
    /// Reads and removes what is registered.
    policies = "policies"
        needs [DeletePolicy, GetBody, GetPolicy, GetRevisions, QueryPolicies]
        serves [query, get, delete, revisions, revision]
}

writ_edge::binary! {
    /// Writes what compiles, and runs what is no ordinary run: both take the engines.
    policies_compile = "policies-compile"
        needs [
            Clock, CreatePolicy, Evaluate, Execute, GetBody, GetPolicy, Ids, QueryExecutions,
            ReplacePolicy,
        ]
        serves [create, update, manage, plan]
}
