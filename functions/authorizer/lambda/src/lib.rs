//! The gateway's authorizer: authenticates the caller and decides whether the request is allowed (API
//! Gateway Developer Guide, "Control access to HTTP APIs with AWS Lambda authorizers", payload 2.0,
//! simple responses).
//!
//! Every request passes with the decision in its context: a refusal by the gateway itself could not
//! say why. The route's function refuses, by the same rule and with the same words as the embedded
//! gateway. API Gateway asks again after its time to live at the latest, and for each route by
//! itself, because `$context.routeKey` is one of the identity sources.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use writ_authz::{Authorizer, Issuer, PolicyError, Principal};
use writ_lambda::{AuthorizerContext, Decision, Diagnostic};
use writ_model::{Error, ErrorKind};
use writ_ports::{Clock, GetToken, SigningKeys, ports};

/// What the gateway is answered.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Answer {
    /// Always: the function refuses, with its reason.
    is_authorized: bool,
    context: AuthorizerContext,
}

/// The members of the event that decide.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AuthorizerEvent {
    route_key: String,
    #[serde(default)]
    headers: BTreeMap<String, String>,
}

impl AuthorizerEvent {
    /// The `Authorization` header; gateways and people spell names in any case.
    fn authorization(&self) -> Option<&str> {
        let mut headers = self.headers.iter();
        let header = headers.find(|(name, _)| name.eq_ignore_ascii_case("authorization"));
        header.map(|(_, value)| value.as_str())
    }
}

/// Authentication and the access policy, over the ports that they need.
pub struct LambdaAuthorizer<P, K> {
    ports: P,
    /// The issuer of the JWTs that are accepted; `None` where none are.
    issuer: Option<Issuer<K>>,
    authorizer: Authorizer,
    /// `POST /policy` and the name of its route.
    names: Vec<(String, &'static str)>,
}

ports! {
    /// What the authorizer needs of the deployment; an issuer's keys come over the internet.
    pub trait Ports = Clock + GetToken;
}

impl<P: Ports, K: SigningKeys> LambdaAuthorizer<P, K> {
    /// Prepares decisions on every route.
    ///
    /// # Errors
    /// An access policy that does not know a route's effect: a defect.
    pub fn new(ports: P, issuer: Option<Issuer<K>>) -> Result<Self, PolicyError> {
        let specs = writ_routes::specs();
        let authorizer =
            Authorizer::new(specs.iter().map(|spec| (spec.name, spec.access_level.name())))?;
        let names = specs.iter().map(|spec| (format!("{} {}", spec.method, spec.path), spec.name));
        Ok(Self { ports, issuer, authorizer, names: names.collect() })
    }

    /// Decides on an event.
    ///
    /// # Errors
    /// An event that is none of an authorizer, a route that is not in the table, a store that does
    /// not answer: the gateway answers 500 then, and keeps nothing.
    pub async fn answer(&self, event: &str) -> Result<Answer, Diagnostic> {
        let asked: AuthorizerEvent = serde_json::from_str(event).map_err(|error| {
            failure(
                "NotAnAuthorizerEvent",
                format!("the event is none of an HTTP API's authorizer: {error}"),
            )
        })?;
        let route = self.names.iter().find(|(key, _)| *key == asked.route_key);
        let Some((_, route)) = route else {
            let message = format!("there is no route `{}` in this release", asked.route_key);
            return Err(failure("UnknownRoute", message));
        };
        let context = self
            .decide(route, asked.authorization())
            .await
            .map_err(|error| failure("Unavailable", error.log.unwrap_or(error.message)))?;
        Ok(Answer { is_authorized: true, context })
    }

    async fn decide(
        &self,
        route: &'static str,
        header: Option<&str>,
    ) -> Result<AuthorizerContext, Error> {
        let undecided = AuthorizerContext {
            decision: Decision::Unauthenticated,
            route: route.to_owned(),
            subject: String::new(),
            workspace: String::new(),
            role: String::new(),
            principal_kind: String::new(),
            rule: String::new(),
            message: String::new(),
        };
        let (issuer, now) = (self.issuer.as_ref(), self.ports.now());
        let principal = writ_authz::authenticate(&self.ports, issuer, header, now).await;
        let Principal { identity, kind } = match principal {
            Ok(principal) => principal,
            Err(error) => return refused(error, undecided),
        };
        let known = AuthorizerContext {
            subject: identity.subject.clone(),
            workspace: identity.workspace.to_string(),
            role: identity.role.to_string(),
            principal_kind: kind.name().to_owned(),
            ..undecided
        };
        match self.authorizer.decide(&identity, route) {
            Ok(rule) => {
                Ok(AuthorizerContext { decision: Decision::Allow, rule: rule.to_string(), ..known })
            }
            Err(error) => refused(error, known),
        }
    }
}

/// A refusal as a decision; any other error stays one.
fn refused(error: Error, decision: AuthorizerContext) -> Result<AuthorizerContext, Error> {
    let decided = match error.kind {
        ErrorKind::Unauthenticated => Decision::Unauthenticated,
        ErrorKind::Forbidden => Decision::Deny,
        _ => return Err(error),
    };
    let rule = error.rule.unwrap_or_default();
    Ok(AuthorizerContext { decision: decided, rule, message: error.message, ..decision })
}

/// An error of the function, by a name that alarms and retries can match.
fn failure(kind: &str, message: String) -> Diagnostic {
    Diagnostic { error_type: kind.to_owned(), error_message: message }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use writ_authz::{NoKeys, ROLE_CLAIM, WORKSPACE_CLAIM};
    use writ_model::{Digest, Role};
    use writ_ports::{PutToken, Token};
    use writ_testing::MemoryPlatform;
    use writ_testing::builders::{token, workspace};
    use writ_testing::oidc::{AUDIENCE, ISSUER, Provider, SigningKeySet};

    use super::*;

    const SECRET: &str = "5ec2e7000000000000000000000000000000000000000000000000000000000a";

    /// A platform with one reader's token, or one with a store that does not answer.
    async fn ports(is_down: bool) -> MemoryPlatform {
        let ports = MemoryPlatform::default();
        let token = Token {
            secret_hash: Digest::of(SECRET.as_bytes()),
            subject: "ria".to_owned(),
            role: Role::Reader,
            ..token(&workspace("team-a"), "0123456789abcdef")
        };
        ports.put_token(&token).await.unwrap();
        if is_down {
            ports.fail_calls("get_token");
        }
        ports
    }

    async fn decision_on(is_down: bool, event: &Value) -> Result<Value, Diagnostic> {
        let authorizer =
            LambdaAuthorizer::new(ports(is_down).await, None::<Issuer<NoKeys>>).unwrap();
        let answer = authorizer.answer(&event.to_string()).await?;
        Ok(serde_json::to_value(answer).unwrap())
    }

    fn event(route_key: &str, header: &str, value: &str) -> Value {
        json!({
            "version": "2.0", "type": "REQUEST", "routeKey": route_key,
            "identitySource": [value, route_key], "headers": {header: value},
            "requestContext": {"http": {"method": "GET"}},
        })
    }

    fn bearer() -> String {
        format!("Bearer writ_0123456789abcdef_{SECRET}")
    }

    #[tokio::test]
    async fn a_known_caller_comes_with_who_they_are_and_the_rule() {
        for header in ["authorization", "Authorization", "AUTHORIZATION"] {
            let answer =
                decision_on(false, &event("GET /policy/{uri}", header, &bearer())).await.unwrap();
            assert_eq!(
                answer,
                json!({"isAuthorized": true, "context": {
                    "decision": "allow", "route": "policy.get", "subject": "ria",
                    "workspace": "team-a", "role": "reader", "principal_kind": "token",
                    "rule": "readers-read", "message": "",
                }})
            );
        }
    }

    #[tokio::test]
    async fn who_may_not_is_told_by_which_rule_and_who_is_unknown_why() {
        let answer =
            decision_on(false, &event("POST /policy", "authorization", &bearer())).await.unwrap();
        assert_eq!(answer["context"]["decision"], "deny");
        assert_eq!(answer["context"]["rule"], "default-deny");
        assert!(
            answer["context"]["message"].as_str().unwrap().contains("`ria` has the role `reader`")
        );
        let answer =
            decision_on(false, &event("POST /policy", "authorization", "Bearer nonsense")).await;
        let context = &answer.unwrap()["context"];
        assert_eq!(
            (&context["decision"], &context["subject"]),
            (&json!("unauthenticated"), &json!(""))
        );
        assert!(context["message"].as_str().unwrap().contains("expected `Authorization"));
    }

    #[tokio::test]
    async fn jwts_are_judged_here_as_at_home() {
        let provider = Provider::new().unwrap();
        let issuer = Issuer {
            url: ISSUER.to_owned(),
            audience: AUDIENCE.to_owned(),
            workspace_claim: WORKSPACE_CLAIM.to_owned(),
            role_claim: ROLE_CLAIM.to_owned(),
            keys: SigningKeySet::of(&provider),
        };
        let authorizer = LambdaAuthorizer::new(ports(false).await, Some(issuer)).unwrap();
        for case in provider.cases() {
            let token = provider.token(case, 1_790_000_000).unwrap();
            let event = event("GET /policy/{uri}", "authorization", &format!("Bearer {token}"));
            let answer = authorizer.answer(&event.to_string()).await.unwrap();
            let context = serde_json::to_value(answer).unwrap()["context"].take();
            let (decision, kind) = match case.refused {
                None => ("allow", "jwt"),
                Some(403) => ("deny", ""),
                Some(_) => ("unauthenticated", ""),
            };
            assert_eq!(context["decision"], decision, "{}: {context}", case.name);
            assert_eq!(context["principal_kind"], kind, "{}: {context}", case.name);
            assert!(context["message"].as_str().unwrap().contains(&case.says), "{}", case.name);
            if let Some(identity) = &case.accepted {
                for member in ["subject", "workspace", "role"] {
                    assert_eq!(context[member], identity[member], "{}: {context}", case.name);
                }
            }
        }
    }

    #[tokio::test]
    async fn what_cannot_be_decided_is_an_error_and_never_an_answer() {
        for (is_down, event, want) in [
            (true, event("GET /policy/{uri}", "authorization", &bearer()), "Unavailable"),
            (false, event("GET /nowhere", "authorization", &bearer()), "UnknownRoute"),
            (false, json!({"routeKey": 7}), "NotAnAuthorizerEvent"),
            (false, json!([]), "NotAnAuthorizerEvent"),
        ] {
            assert_eq!(decision_on(is_down, &event).await.unwrap_err().error_type, want, "{event}");
        }
    }
}
