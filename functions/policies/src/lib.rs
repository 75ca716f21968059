//! The policy registry: one file per route.

mod create;
mod delete;
mod get;
mod query;
mod revision;
mod revisions;
mod update;
mod vet;

use writ_edge::Route;
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
        Route {
            about: create::ABOUT,
            handle: |ports, request| Box::pin(create::handle(ports, request)),
        },
        Route {
            about: query::ABOUT,
            handle: |ports, request| Box::pin(query::handle(ports, request)),
        },
        Route { about: get::ABOUT, handle: |ports, request| Box::pin(get::handle(ports, request)) },
        Route {
            about: update::ABOUT,
            handle: |ports, request| Box::pin(update::handle(ports, request)),
        },
        Route {
            about: delete::ABOUT,
            handle: |ports, request| Box::pin(delete::handle(ports, request)),
        },
        Route {
            about: revisions::ABOUT,
            handle: |ports, request| Box::pin(revisions::handle(ports, request)),
        },
        Route {
            about: revision::ABOUT,
            handle: |ports, request| Box::pin(revision::handle(ports, request)),
        },
    ]
}
