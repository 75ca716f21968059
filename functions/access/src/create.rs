//! `POST /token`: makes a token.

use http::Method;
use http::header::CACHE_CONTROL;
use writ_authz::{mint, mint_with_id, token_id};
use writ_edge::{AccessLevel, Reply, Request, RouteSpec};
use writ_model::{Error, Identity};
use writ_ports::{Clock, GetToken, Ids, PutToken, ports};

use crate::new_token::NewToken;
use crate::record::{self, Record};
use crate::scope;

/// What is known of the route. Its reply says `no-store`, so no `Idempotency-Key` keeps it: a
/// repeat learns which token was made and not its secret. A caller that loses the reply revokes the
/// token and makes another one under a new key.
pub(crate) const SPEC: RouteSpec = RouteSpec {
    name: "token.create",
    method: Method::POST,
    path: "/token",
    access_level: AccessLevel::Admin,
    summary: "Makes a token; its text is in this reply and never again.",
    body: Some("NewToken"),
    data: "IssuedToken",
    success: 201,
    ..RouteSpec::DEFAULT
};

ports! {
    pub trait Ports = Clock + GetToken + Ids + PutToken;
}

/// Keeps the token's hash and answers its text.
pub(crate) async fn handle(ports: &impl Ports, request: Request) -> Result<Reply, Error> {
    let new = NewToken::parse(request.json()?)?;
    let workspace =
        scope::of(&request.caller, new.workspace).map_err(|error| error.at("/workspace"))?;
    if let Some(id) = request.retried_id()
        && let Some(reply) = find_created(ports, &request, id).await?
    {
        return Ok(reply);
    }
    let holder = Identity { subject: new.subject, workspace, role: new.role };
    let (now, expires_in_seconds) = (ports.now(), new.expires_in_seconds);
    let (token, text) = match &request.derived_id {
        Some(id) => mint_with_id(ports, token_id(&id.id), now, holder, expires_in_seconds)?,
        None => mint(ports, now, holder, expires_in_seconds)?,
    };
    if let Err(error) = ports.put_token(&token).await {
        return match request.conflicting_id(&error) {
            Some(id) => find_created(ports, &request, id).await?.ok_or(error),
            None => Err(error),
        };
    }
    let reply = record::reply(&Record::with_text(&token, &text))?;
    Ok(reply.created(location(&token.token_id)).header(CACHE_CONTROL, "no-store".to_owned()))
}

/// The reply where an earlier request with the same key made the token: its text is stored nowhere.
async fn find_created(
    ports: &impl GetToken,
    request: &Request,
    id: &str,
) -> Result<Option<Reply>, Error> {
    let stored = ports.get_token(&token_id(id)).await?;
    let location = stored.map(|token| location(&token.token_id));
    Ok(location.map(|location| Reply::already_done(Some(&location), None, &request.request_id)))
}

fn location(token_id: &str) -> String {
    format!("/token/{token_id}")
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use writ_model::{ErrorKind, Role};
    use writ_ports::GetToken;

    use super::*;
    use writ_testing::MemoryPlatform;

    use crate::fixture::{caller, data, request};

    #[tokio::test]
    async fn a_token_is_shown_once_and_opens_the_door() {
        let ports = MemoryPlatform::default();
        let body =
            json!({ "subject": "ci", "role": "author", "expires_in_seconds": 60 }).to_string();
        let reply = handle(&ports, request(caller("token", Role::Admin), &body)).await.unwrap();
        let made = data(&reply);
        let token_id = made["token_id"].as_str().unwrap();
        let text = made["token"].as_str().unwrap();
        assert_eq!(reply.status, 201);
        assert!(reply.headers.contains(&(http::header::LOCATION, format!("/token/{token_id}"))));
        assert_eq!((&made["workspace"], &made["role"]), (&json!("a"), &json!("author")));
        assert!(made.get("secret_hash").is_none());

        let kept = ports.get_token(token_id).await.unwrap().unwrap();
        assert!(!serde_json::to_string(&kept).unwrap().contains(&text[22..]));
        let header = format!("Bearer {text}");
        let holder =
            writ_authz::authenticate(&ports, writ_authz::NO_ISSUER, Some(&header), ports.now())
                .await
                .unwrap()
                .identity;
        assert_eq!((holder.subject.as_str(), holder.role), ("ci", Role::Author));
    }

    #[tokio::test]
    async fn an_admin_makes_tokens_for_its_own_workspace_and_the_local_admin_for_any() {
        for (kind, workspace, allowed) in
            [("token", "a", true), ("token", "b", false), ("local", "b", true)]
        {
            let ports = MemoryPlatform::default();
            let body =
                json!({ "subject": "ci", "role": "reader", "workspace": workspace }).to_string();
            match handle(&ports, request(caller(kind, Role::Admin), &body)).await {
                Ok(reply) => {
                    assert!(allowed, "{kind} {workspace}");
                    assert_eq!(data(&reply)["workspace"], workspace);
                }
                Err(error) => {
                    assert!(!allowed, "{kind} {workspace}");
                    assert_eq!(
                        (error.kind, error.location.as_deref()),
                        (ErrorKind::Forbidden, Some("/workspace"))
                    );
                    assert!(ports.tokens().is_empty());
                }
            }
        }
    }

    #[tokio::test]
    async fn what_cannot_be_a_token_keeps_nothing() {
        for body in [
            "",
            "{",
            "[]",
            r#"{"subject": "local-admin", "role": "admin"}"#,
            r#"{"subject": "a", "role": "admin", "expires_in_seconds": 0}"#,
        ] {
            let ports = MemoryPlatform::default();
            let error =
                handle(&ports, request(caller("local", Role::Admin), body)).await.unwrap_err();
            assert_eq!(error.kind, ErrorKind::InvalidRequest, "{body}");
            assert!(ports.tokens().is_empty(), "{body}");
        }
    }
}
