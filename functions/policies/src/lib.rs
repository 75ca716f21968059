//! The policy registry: one file per route.

mod create;
mod delete;
mod get;
mod query;
mod revision;
mod revisions;
mod update;
mod vet;

use writ_edge::{Route, route};
use writ_ports::{
    Clock, CreatePolicy, DeletePolicy, Evaluate, GetBody, GetPolicy, GetRevisions, Ids,
    QueryPolicies, ReplacePolicy,
};

/// What the routes of this resource need between them.
pub trait Ports:
    Clock
    + CreatePolicy
    + DeletePolicy
    + Evaluate
    + GetBody
    + GetPolicy
    + GetRevisions
    + Ids
    + QueryPolicies
    + ReplacePolicy
{
}

impl<P> Ports for P where
    P: Clock
        + CreatePolicy
        + DeletePolicy
        + Evaluate
        + GetBody
        + GetPolicy
        + GetRevisions
        + Ids
        + QueryPolicies
        + ReplacePolicy
{
}

/// The routes of the registry.
#[must_use]
pub fn routes<P: Ports>() -> Vec<Route<P>> {
    vec![
        route!(create),
        route!(query),
        route!(get),
        route!(update),
        route!(delete),
        route!(revisions),
        route!(revision),
    ]
}
