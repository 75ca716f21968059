//! The policy registry: one file per route.

mod create;
mod delete;
mod get;
mod query;
mod revision;
mod revisions;
mod update;
mod vet;

use writ_ports::{
    Clock, CreatePolicy, DeletePolicy, Evaluate, GetBody, GetPolicy, GetRevisions, Ids,
    QueryPolicies, ReplacePolicy,
};

writ_edge::binary! {
    /// Reads and removes what is registered.
    registry = "policies"
        needs [DeletePolicy, GetBody, GetPolicy, GetRevisions, QueryPolicies]
        serves [query, get, delete, revisions, revision]
}

writ_edge::binary! {
    /// Writes what compiles, which takes the engines.
    compiled = "policies-compile"
        needs [Clock, CreatePolicy, Evaluate, GetBody, GetPolicy, Ids, ReplacePolicy]
        serves [create, update]
}
