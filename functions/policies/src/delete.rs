//! `DELETE /policy/{uri}`: removes a policy.

use http::Method;
use writ_edge::{AccessLevel, Param, Precondition, Reply, Request, RouteSpec};
use writ_model::{Error, with_defaults};
use writ_ports::{DeletePolicy, GetBody, GetPolicy, ports};

use crate::get;

/// What is known of the route.
pub(crate) const SPEC: RouteSpec = RouteSpec {
    name: "policy.delete",
    method: Method::DELETE,
    path: "/policy/{uri}",
    access_level: AccessLevel::MutatePolicy,
    summary: "Removes a policy; what ran on it can still be run again.",
    data: "PolicyRule",
    params: &[Param {
        name: "If-Match",
        description: "removes only the revision with this entity tag",
    }],
    ..RouteSpec::DEFAULT
};

ports! {
    pub trait Ports = DeletePolicy + GetBody + GetPolicy;
}

/// Answers the policy as it was.
pub(crate) async fn handle(ports: &impl Ports, request: Request) -> Result<Reply, Error> {
    let head = get::head(ports, &request).await?;
    Precondition::of(&request)?.check(&head.etag())?;
    let body = get::body(ports, &request, &head).await?;
    ports.delete_policy(&request.caller.identity.workspace, &head).await?;
    Ok(Reply::data(&with_defaults(&body)?))
}
