//! `PUT /policy/{uri}`: writes a revision, from a whole policy or from update operators.

use http::Method;
use http::header::ETAG;
use serde_json::Value;
use writ_edge::{AccessLevel, Param, Precondition, Reply, Request, RouteSpec};
use writ_model::{Digest, Error, ErrorKind, PolicyRule};
use writ_ports::{
    Clock, Evaluate, GetBody, GetPolicy, NewRevision, PolicyHead, ReplacePolicy, ports,
};
use writ_query::Update;

use crate::get;
use crate::validate::{stored_reply, validate};

/// What is known of the route.
pub(crate) const SPEC: RouteSpec = RouteSpec {
    name: "policy.update",
    method: Method::PUT,
    path: "/policy/{uri}",
    access_level: AccessLevel::MutatePolicy,
    summary: "Writes a revision of a policy: a whole object, or Mongo update operators. \
              Changing name, version or release_tag renames it.",
    body: Some("PolicyUpdate"),
    data: "StoredPolicyRule",
    params: &[Param {
        name: "If-Match",
        description: "writes only over the revision with this entity tag",
    }],
    ..RouteSpec::DEFAULT
};

/// Operators that lose a race are applied again, to what won it, this often.
const TRIES_MAX: u32 = 8;

ports! {
    pub trait Ports = Clock + Evaluate + GetBody + GetPolicy + ReplacePolicy;
}

/// Answers the policy as it is stored now.
pub(crate) async fn handle(ports: &impl Ports, request: Request) -> Result<Reply, Error> {
    let update = request.json()?;
    let demanded = Precondition::of(&request)?;
    let may_retry = Update::is_operators(&update) && demanded == Precondition::default();
    let mut tries = 1;
    loop {
        match write(ports, &request, &update, &demanded).await {
            Err(error) if error.kind == ErrorKind::Stale && may_retry && tries < TRIES_MAX => {
                tries += 1;
            }
            result => return result,
        }
    }
}

/// Writes one revision over the newest one.
async fn write(
    ports: &(impl GetPolicy + GetBody + ReplacePolicy + Evaluate + Clock),
    request: &Request,
    update: &Value,
    demanded: &Precondition,
) -> Result<Reply, Error> {
    let old = get::head(ports, request).await?;
    demanded.check(&old.etag())?;
    let mut policy = if Update::is_operators(update) {
        apply(&get::body(ports, request, &old).await?, update)?
    } else {
        PolicyRule::from_json(request.text()?)?
    };
    policy.settle_schema_formats();
    let workspace = &request.caller.identity.workspace;
    let warnings = validate(ports, workspace, &policy).await?;
    let body = policy.to_body()?;
    let head = PolicyHead {
        uri: policy.policy_rule_uri.clone(),
        revision: old.revision + 1,
        digest: Digest::of(body.as_bytes()),
        updated_at: ports.now(),
        ..old.clone()
    };
    let etag = head.etag();
    let author = &request.caller.identity.subject;
    let new = NewRevision { head, policy: &policy, body: &body, author };
    ports.replace_policy(workspace, &old, new).await?;
    Ok(stored_reply(&body, &warnings)?.header(ETAG, etag))
}

/// Applies operators to a stored body; fields that they do not touch keep their bytes.
fn apply(body: &str, update: &Value) -> Result<PolicyRule, Error> {
    let old = PolicyRule::from_json(body)?;
    let update = Update::parse(update)?;
    if update.fields().any(|field| field == "policy_rule_uri") {
        let message =
            "`policy_rule_uri` is derived; set `name`, `version` or `release_tag` to rename";
        return Err(Error::invalid(message).at("/policy_rule_uri"));
    }
    let mut document = serde_json::from_str(body).map_err(Error::internal)?;
    let touched = update.apply(&mut document)?;
    let mut new = PolicyRule::from_json(&document.to_string())?;
    new.copy_raw_json(&old, |field| !touched.iter().any(|name| name == field));
    Ok(new)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const BODY: &str = r#"{"name":"a","version":"1.0","release_tag":"beta","metadata":{ "n": 1.0 },"code":"x","policy_parameters":{"list":["10.0.0.1"]}}"#;

    #[test]
    fn operators_touch_what_they_name_and_nothing_else() {
        let update = json!({"$set": {"policy_parameters.list": ["8.8.8.8"], "description": "d"}});
        let new = apply(BODY, &update).unwrap();
        assert_eq!(new.policy_parameters.as_str(), r#"{"list":["8.8.8.8"]}"#);
        assert_eq!(new.metadata.as_str(), r#"{ "n": 1.0 }"#);
        assert_eq!(new.description, "d");
    }

    #[test]
    fn a_changed_part_of_the_name_renames() {
        let new = apply(BODY, &json!({"$set": {"version": "2.0"}})).unwrap();
        assert_eq!(new.policy_rule_uri.to_string(), "a:2.0-beta");
        let error = apply(BODY, &json!({"$set": {"policy_rule_uri": "b:1-c"}})).unwrap_err();
        assert!(error.message.contains("derived"), "{}", error.message);
    }
}
