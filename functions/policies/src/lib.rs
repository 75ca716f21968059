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

writ_edge::binary! {
    /// Reads and removes what is registered.
    policies = "policies" serves [query, get, delete, revisions, revision]
}

writ_edge::binary! {
    /// Writes what compiles, and runs what is no ordinary run: both take the engines.
    policies_compile = "policies-compile" serves [create, update, manage, plan]
}
