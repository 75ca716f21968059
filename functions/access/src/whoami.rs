//! `GET /whoami`: the identity of the caller, and the rule that allows the request.

use http::Method;
use serde::Serialize;
use writ_edge::{AccessLevel, Reply, Request, RouteSpec};
use writ_model::{Error, PrincipalKind, Role, Workspace};
use writ_ports::ports;

use crate::record;

/// What is known of the route.
pub(crate) const SPEC: RouteSpec = RouteSpec {
    name: "access.whoami",
    method: Method::GET,
    path: "/whoami",
    access_level: AccessLevel::Read,
    summary: "Says who is calling, where they may act, and which rule let them.",
    data: "Whoami",
    ..RouteSpec::DEFAULT
};

#[derive(Serialize)]
struct Whoami<'a> {
    subject: &'a str,
    workspace: &'a Workspace,
    role: Role,
    principal_kind: PrincipalKind,
    rule: &'a str,
}

ports! {
    pub trait Ports;
}

/// Answers from the request alone.
pub(crate) async fn handle(_: &impl Ports, request: Request) -> Result<Reply, Error> {
    let identity = &request.caller.identity;
    record::reply(&Whoami {
        subject: &identity.subject,
        workspace: &identity.workspace,
        role: identity.role,
        principal_kind: request.caller.principal_kind,
        rule: &request.rule,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{caller, data, request};

    #[tokio::test]
    async fn a_caller_learns_who_they_are_and_why_they_may() {
        let reply = handle(&(), request(caller("token", Role::Reader), "")).await.unwrap();
        assert_eq!(
            data(&reply),
            serde_json::json!({
                "subject": "alice",
                "workspace": "a",
                "role": "reader",
                "principal_kind": "token",
                "rule": "the-rule",
            })
        );
    }
}
