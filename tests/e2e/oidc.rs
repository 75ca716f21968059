//! JWTs of an identity provider: the provider listens on a port of its own.

use std::time::{SystemTime, UNIX_EPOCH};

use libtest_mimic::Failed;
use serde_json::{Value, json};

use writ_testing::oidc::{self, AUDIENCE, Case, ISSUER, Provider};

use crate::WRIT;
use crate::{Check, fail};
use writ_tests::server::{HttpResponse, Server};

pub(crate) const CHECKS: &[(&str, Check)] = &[
    ("oidc::jwts_are_judged_as_their_cases_say", jwts_are_judged_as_their_cases_say),
    ("oidc::what_the_bearer_of_a_jwt_does_is_recorded_so", what_a_bearer_does_is_recorded_so),
    ("oidc::a_provider_that_is_down_is_not_the_callers_fault", a_provider_that_is_down),
    ("oidc::beyond_this_machine_a_jwt_is_enough", beyond_this_machine_a_jwt_is_enough),
];

/// Starts a platform that accepts the provider's JWTs and discovers its configuration.
fn platform(provider: &oidc::Server, more: &[&str]) -> Result<Server, Failed> {
    let url = provider.url();
    let flags = ["--oidc-issuer", url.as_str(), "--oidc-audience", AUDIENCE];
    Server::start_with(WRIT, &[&flags, more].concat())
}

fn whoami(server: &Server, token: &str) -> Result<HttpResponse, Failed> {
    server.send("GET", "/whoami", &[authorization(token)], b"")
}

fn authorization(token: &str) -> (String, String) {
    ("authorization".to_owned(), format!("Bearer {token}"))
}

fn now_s() -> Result<i64, Failed> {
    Ok(i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs())?)
}

/// A valid token of this issuer with this role.
fn token(keys: &Provider, issuer: &str, role: &str) -> Result<String, Failed> {
    let mut case = Case::default();
    case.claims.insert("iss".to_owned(), json!(issuer));
    case.claims.insert("writ_role".to_owned(), json!(role));
    Ok(keys.token(&case, now_s()?)?)
}

fn jwts_are_judged_as_their_cases_say() -> Result<(), Failed> {
    let keys = Provider::new()?;
    let provider = oidc::Server::start(keys.jwks())?;
    let jwks_url = format!("{}/keys", provider.url());
    let flags =
        ["--oidc-issuer", ISSUER, "--oidc-audience", AUDIENCE, "--oidc-jwks-url", &jwks_url];
    let server = Server::start_with(WRIT, &flags)?;
    for case in keys.cases() {
        let token = keys.token(case, now_s()?)?;
        let response = whoami(&server, &token)?;
        check(case, &response).map_err(|why| format!("{}: {why}: {response:?}", case.name))?;
        // The case of two dots alone: that text occurs in messages.
        if token.len() > 2 && response.body.contains(&token) {
            return fail(format!("{}: the token is repeated: {response:?}", case.name));
        }
    }
    Ok(())
}

/// Compares the response with the expectations of its case.
fn check(case: &Case, response: &HttpResponse) -> Result<(), String> {
    let body = response.json().map_err(|_| "no JSON")?;
    let at = |pointer: &str| body.pointer(pointer).cloned().unwrap_or(Value::Null);
    if response.status != case.refused.unwrap_or(200) {
        return Err("another status".to_owned());
    }
    match &case.accepted {
        Some(identity) => {
            let seen = json!({
                "subject": at("/data/subject"),
                "workspace": at("/data/workspace"),
                "role": at("/data/role"),
            });
            let is_expected = seen == *identity && at("/data/principal_kind") == "jwt";
            if is_expected { Ok(()) } else { Err(format!("expected {identity}")) }
        }
        None => {
            let has_detail =
                at("/detail").as_str().is_some_and(|detail| detail.contains(&case.says));
            let has_rule = at("/rule") == "jwt-claims-name-workspace-and-role";
            let has_challenge = response.header("www-authenticate").is_some();
            let is_expected =
                (has_rule, has_challenge) == (response.status == 403, response.status == 401);
            if has_detail && is_expected { Ok(()) } else { Err(format!("expected {}", case.says)) }
        }
    }
}

fn what_a_bearer_does_is_recorded_so() -> Result<(), Failed> {
    let keys = Provider::new()?;
    let provider = oidc::Server::start(keys.jwks())?;
    let server = platform(&provider, &[])?;
    let send = |role, path: &str, body: &Value| {
        let json = ("content-type".to_owned(), "application/json".to_owned());
        let headers = [authorization(&token(&keys, &provider.url(), role)?), json];
        server.send("POST", path, &headers, body.to_string().as_bytes())
    };
    let policy = json!({
        "name": "calm", "version": "1.0", "release_tag": "test", "code_type": "rego",
        "code": "package calm\n\nallow := true\n",
    });
    let refused = send("reader", "/policy", &policy)?;
    let rule = refused.json()?.pointer("/rule").cloned();
    if refused.status != 403 || rule != Some(json!("default-deny")) {
        return fail(format!("{refused:?}"));
    }
    let made = send("author", "/policy", &policy)?;
    if made.status != 201 {
        return fail(format!("{made:?}"));
    }
    let body = json!({ "policy_rule_uri": "calm:1.0-test", "input_data": {} });
    let run = send("operator", "/executor/builtin/execute_policy", &body)?.json()?;
    let id = run.pointer("/execution_id").and_then(Value::as_str).ok_or(run.to_string())?;
    let reader = authorization(&token(&keys, &provider.url(), "reader")?);
    let record = server.send("GET", &format!("/executions/{id}"), &[reader], b"")?.json()?;
    for (pointer, value) in
        [("/principal_kind", "jwt"), ("/identity", "alice"), ("/workspace", "team-a")]
    {
        if record.pointer(&format!("/data{pointer}")) != Some(&json!(value)) {
            return fail(format!("{pointer}: {record}"));
        }
    }
    // The local admin is in another workspace and does not see the record.
    let hidden = server.get(&format!("/executions/{id}"))?;
    if hidden.status == 404 { Ok(()) } else { fail(format!("{hidden:?}")) }
}

fn a_provider_that_is_down() -> Result<(), Failed> {
    let keys = Provider::new()?;
    let provider = oidc::Server::start(keys.jwks())?;
    provider.set_down(true);
    let server = platform(&provider, &[])?;
    let good = token(&keys, &provider.url(), "reader")?;
    let response = whoami(&server, &good)?;
    if response.status != 503
        || response.header("retry-after") != Some("5")
        || !response.body.contains("the identity provider could not be reached")
    {
        return fail(format!("{response:?}"));
    }
    // A caller without a JWT is not affected.
    let response = server.get("/whoami")?;
    if response.status == 200 { Ok(()) } else { fail(format!("{response:?}")) }
}

fn beyond_this_machine_a_jwt_is_enough() -> Result<(), Failed> {
    let keys = Provider::new()?;
    let provider = oidc::Server::start(json!({ "keys": [] }))?;
    let server = platform(&provider, &["--host", "0.0.0.0"])?;
    // The platform fetches the keys with the first JWT, so these keys are the ones that it uses.
    provider.publish(keys.jwks());
    let anonymous = server.get("/whoami")?;
    if anonymous.status != 401 || !anonymous.body.contains("or a JWT of the identity provider") {
        return fail(format!("{anonymous:?}"));
    }
    let response = whoami(&server, &token(&keys, &provider.url(), "reader")?)?;
    if response.status == 200 { Ok(()) } else { fail(format!("{response:?}")) }
}
