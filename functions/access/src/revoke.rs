//! `DELETE /token/{token_id}`: ends a token.

use http::Method;
use serde_json::json;
use writ_edge::{AccessLevel, Reply, Request, RouteSpec};
use writ_model::Error;
use writ_ports::{RevokeToken, ports};

use crate::{record, scope};

/// What is known of the route.
pub(crate) const SPEC: RouteSpec = RouteSpec {
    name: "token.revoke",
    method: Method::DELETE,
    path: "/token/{token_id}",
    access_level: AccessLevel::Admin,
    summary: "Revokes a token: it stops working at once.",
    data: "Deleted",
    params: &[scope::PARAM],
    ..RouteSpec::DEFAULT
};

ports! {
    pub trait Ports = RevokeToken;
}

/// Removes the token. What was sent as its id is not repeated where it is none: it could be a
/// whole token.
pub(crate) async fn handle(ports: &impl Ports, request: Request) -> Result<Reply, Error> {
    let workspace = scope::workspace(&request)?;
    let token_id = request.param("token_id");
    if ports.revoke_token(&workspace, token_id).await? {
        return record::reply(&json!({ "token_id": token_id }));
    }
    Err(Error::not_found(format!(
        "workspace `{workspace}` has no token of this id, which is what stands between `writ_` and the secret; \
         `GET /token` lists them"
    )))
}

#[cfg(test)]
mod tests {
    use writ_authz::{NO_ISSUER, authenticate};
    use writ_model::{ErrorKind, Role};
    use writ_ports::Clock;

    use super::*;
    use writ_testing::MemoryPlatform;

    use crate::fixture::{caller, data, put_token, request};

    async fn revoke(
        ports: &MemoryPlatform,
        kind: &'static str,
        token_id: &str,
        workspace: Option<&str>,
    ) -> Result<Reply, Error> {
        let mut request = request(caller(kind, Role::Admin), "");
        request.params.push(("token_id".to_owned(), token_id.to_owned()));
        request.query.extend(workspace.map(|name| ("workspace".to_owned(), name.to_owned())));
        handle(ports, request).await
    }

    #[tokio::test]
    async fn a_revoked_token_stops_working() {
        let ports = MemoryPlatform::default();
        let (token, text) = put_token(&ports, "one", "a").await;
        let header = format!("Bearer {text}");
        assert!(authenticate(&ports, NO_ISSUER, Some(&header), ports.now()).await.is_ok());
        let reply = revoke(&ports, "token", &token.token_id, None).await.unwrap();
        assert_eq!(data(&reply)["token_id"], token.token_id);
        assert!(authenticate(&ports, NO_ISSUER, Some(&header), ports.now()).await.is_err());
        let again = revoke(&ports, "token", &token.token_id, None).await.unwrap_err();
        assert_eq!(again.kind, ErrorKind::NotFound);
    }

    #[tokio::test]
    async fn a_whole_token_in_place_of_its_id_is_not_repeated() {
        let ports = MemoryPlatform::default();
        let (_, text) = put_token(&ports, "one", "a").await;
        let error = revoke(&ports, "token", &text, None).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::NotFound);
        assert!(!format!("{error:?}").contains(&text[22..]));
    }

    #[tokio::test]
    async fn a_token_of_another_workspace_is_out_of_reach() {
        let ports = MemoryPlatform::default();
        let (token, _) = put_token(&ports, "elsewhere", "b").await;
        for (kind, workspace, kind_of_error) in [
            ("token", None, ErrorKind::NotFound),
            ("token", Some("b"), ErrorKind::Forbidden),
            ("local", None, ErrorKind::NotFound),
            ("local", Some("B"), ErrorKind::InvalidRequest),
        ] {
            let error = revoke(&ports, kind, &token.token_id, workspace).await.unwrap_err();
            assert_eq!(error.kind, kind_of_error, "{kind} {workspace:?}");
        }
        assert!(revoke(&ports, "local", &token.token_id, Some("b")).await.is_ok());
    }
}
