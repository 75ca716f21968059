//! `GET /token`: lists a workspace's tokens.

use http::Method;
use writ_edge::{AccessLevel, Reply, Request, RouteSpec};
use writ_model::Error;
use writ_ports::{ListTokens, ports};

use crate::record::{self, Record};
use crate::scope;

/// What is known of the route. Only admins may know which rights others have.
pub(crate) const SPEC: RouteSpec = RouteSpec {
    name: "token.list",
    method: Method::GET,
    path: "/token",
    access_level: AccessLevel::Admin,
    summary: "Lists the workspace's tokens, oldest first, without anything secret.",
    data: "Token[]",
    params: &[scope::PARAM],
    ..RouteSpec::DEFAULT
};

ports! {
    pub trait Ports = ListTokens;
}

/// Answers every token, the expired ones too: they can be revoked.
pub(crate) async fn handle(ports: &impl Ports, request: Request) -> Result<Reply, Error> {
    let workspace = scope::workspace(&request)?;
    let tokens = ports.list_tokens(&workspace).await?;
    record::reply(&tokens.iter().map(Record::of).collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use writ_model::{ErrorKind, Role};

    use super::*;
    use writ_testing::MemoryPlatform;

    use crate::fixture::{caller, data, put_token, request};

    #[tokio::test]
    async fn a_list_shows_the_workspace_and_nothing_secret() {
        let ports = MemoryPlatform::default();
        let (one, _) = put_token(&ports, "one", "a").await;
        put_token(&ports, "elsewhere", "b").await;
        let (two, _) = put_token(&ports, "two", "a").await;
        let reply = handle(&ports, request(caller("token", Role::Admin), "")).await.unwrap();
        let listed = data(&reply);
        let ids: Vec<_> =
            listed.as_array().unwrap().iter().map(|token| &token["token_id"]).collect();
        assert_eq!(ids, [&json!(one.token_id), &json!(two.token_id)]);
        for token in [one, two] {
            assert!(!reply.body.contains(token.secret_hash.as_str()));
        }
        let keys: Vec<_> = listed[0].as_object().unwrap().keys().collect();
        assert_eq!(keys, ["token_id", "subject", "workspace", "role", "created_at"]);
    }

    #[tokio::test]
    async fn another_workspace_is_listed_to_the_local_admin_alone() {
        let ports = MemoryPlatform::default();
        put_token(&ports, "elsewhere", "b").await;
        let ask = |kind| {
            let mut request = request(caller(kind, Role::Admin), "");
            request.query.push(("workspace".to_owned(), "b".to_owned()));
            handle(&ports, request)
        };
        assert_eq!(data(&ask("local").await.unwrap())[0]["subject"], "elsewhere");
        assert_eq!(ask("token").await.unwrap_err().kind, ErrorKind::Forbidden);
    }
}
