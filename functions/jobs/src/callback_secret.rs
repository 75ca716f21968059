//! `GET /jobs/callbacks/secret`: reads what callbacks are signed with.

use http::Method;
use writ_edge::{AccessLevel, Reply, Request, RouteSpec};
use writ_model::Error;
use writ_ports::{CallbackSecretStore, Clock, Ids, ports};

use crate::secrets::reply;

/// What is known of the route.
pub(crate) const SPEC: RouteSpec = RouteSpec {
    name: "jobs.callback_secret",
    method: Method::GET,
    path: "/jobs/callbacks/secret",
    access_level: AccessLevel::Admin,
    summary: "Reads the secrets that the workspace's callbacks are signed with; the first use makes one.",
    data: "CallbackSecrets",
    ..RouteSpec::DEFAULT
};

ports! {
    pub trait Ports = CallbackSecretStore + Clock + Ids;
}

/// Answers every secret that still signs, the newest first.
pub(crate) async fn handle(ports: &impl Ports, request: Request) -> Result<Reply, Error> {
    let workspace = &request.caller.identity.workspace;
    Ok(reply(&writ_job_control::current_secrets(ports, workspace).await?))
}

#[cfg(test)]
mod tests {
    use writ_testing::MemoryPlatform;

    use super::*;
    use crate::fixture::{data, request};

    #[tokio::test]
    async fn the_secret_is_shown_to_be_copied_and_kept_by_no_cache() {
        let ports = MemoryPlatform::default();
        let reply = handle(&ports, request(&[], "")).await.unwrap();
        assert!(reply.headers.contains(&(http::header::CACHE_CONTROL, "no-store".to_owned())));
        let shown = data(&reply);
        let secrets = shown["secrets"].as_array().unwrap();
        assert_eq!((secrets.len(), &secrets[0]["ends_at"]), (1, &serde_json::Value::Null));
        assert!(secrets[0]["secret"].as_str().unwrap().starts_with("whsec_"));
        assert_eq!(data(&handle(&ports, request(&[], "")).await.unwrap()), shown);
    }
}
