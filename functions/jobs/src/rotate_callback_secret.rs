//! `POST /jobs/callbacks/secret`: signs callbacks with a new secret from now on.

use http::Method;
use writ_edge::{AccessLevel, Reply, Request, RouteSpec};
use writ_model::Error;
use writ_ports::{CallbackSecretStore, Clock, Ids, ports};

use crate::secrets::reply;

/// What is known of the route.
pub(crate) const SPEC: RouteSpec = RouteSpec {
    name: "jobs.rotate_callback_secret",
    method: Method::POST,
    path: "/jobs/callbacks/secret",
    access_level: AccessLevel::Admin,
    summary: "Makes a new secret for the workspace's callbacks; the one before it signs beside it for 24 hours.",
    data: "CallbackSecrets",
    success: 201,
    ..RouteSpec::DEFAULT
};

ports! {
    pub trait Ports = CallbackSecretStore + Clock + Ids;
}

/// Answers every secret that still signs, the new one first.
pub(crate) async fn handle(ports: &impl Ports, request: Request) -> Result<Reply, Error> {
    let workspace = &request.caller.identity.workspace;
    let request_id = request.derived_id.as_ref().map(|derived| derived.id.as_str());
    let secrets = writ_job_control::rotate_secrets(ports, workspace, request_id).await?;
    Ok(reply(&secrets).created(SPEC.path.to_owned()))
}

#[cfg(test)]
mod tests {
    use writ_testing::MemoryPlatform;

    use super::*;
    use crate::fixture::{data, request};

    #[tokio::test]
    async fn a_new_secret_comes_first_and_the_old_one_has_an_end() {
        let ports = MemoryPlatform::default();
        let first = data(&handle(&ports, request(&[], "")).await.unwrap());
        let reply = handle(&ports, request(&[], "")).await.unwrap();
        assert_eq!(reply.status, 201);
        assert!(reply.headers.contains(&(http::header::CACHE_CONTROL, "no-store".to_owned())));
        let shown = data(&reply);
        assert_eq!(shown["secrets"][1]["secret"], first["secrets"][0]["secret"]);
        assert!(
            shown["secrets"][0]["ends_at"].is_null() && shown["secrets"][1]["ends_at"].is_string()
        );
    }
}
