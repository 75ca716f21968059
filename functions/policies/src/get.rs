//! `GET /policy/{uri}`: reads a policy.

use http::Method;
use http::header::ETAG;
use writ_edge::{AccessLevel, Param, Precondition, Reply, Request, RouteSpec};
use writ_model::{Error, PolicyUri, with_defaults};
use writ_ports::{GetBody, GetPolicy, PolicyHead, ports};

/// What is known of the route.
pub(crate) const SPEC: RouteSpec = RouteSpec {
    name: "policy.get",
    method: Method::GET,
    path: "/policy/{uri}",
    access_level: AccessLevel::Read,
    summary: "Reads the newest revision of a policy.",
    data: "PolicyRule",
    params: &[Param {
        name: "If-None-Match",
        description: "answers 304 while the policy has this entity tag",
    }],
    ..RouteSpec::DEFAULT
};

ports! {
    pub trait Ports = GetBody + GetPolicy;
}

/// Answers the stored policy, with every field.
pub(crate) async fn handle(ports: &impl Ports, request: Request) -> Result<Reply, Error> {
    let head = head(ports, &request).await?;
    if Precondition::of(&request)?.is_held(&head.etag()) {
        return Ok(Reply::not_modified(&head.etag()));
    }
    let body = body(ports, &request, &head).await?;
    Ok(Reply::data(&with_defaults(&body)?).header(ETAG, head.etag()))
}

/// The URI in the path.
pub(crate) fn uri(request: &Request) -> Result<PolicyUri, Error> {
    let uri = request.param("uri").parse();
    uri.map_err(|error: writ_model::UriError| Error::invalid(error.to_string()).at("path"))
}

/// The policy that the path names.
pub(crate) async fn head(ports: &impl GetPolicy, request: &Request) -> Result<PolicyHead, Error> {
    let uri = uri(request)?;
    let head = ports.get_policy(&request.caller.identity.workspace, &uri).await?;
    head.ok_or_else(|| Error::not_found(format!("there is no policy `{uri}`")))
}

/// The body of a head.
pub(crate) async fn body(
    ports: &impl GetBody,
    request: &Request,
    head: &PolicyHead,
) -> Result<std::sync::Arc<str>, Error> {
    let body = ports.get_body(&request.caller.identity.workspace, &head.digest).await?;
    body.ok_or_else(|| Error::internal(format!("`{}` has no body {}", head.uri, head.digest)))
}
