//! The authorizer's decision, as API Gateway passes it between functions: the `context` of an
//! authorizer's response is the `requestContext.authorizer.lambda` of the event.

use serde::{Deserialize, Serialize};
use writ_edge::{Caller, RouteSpec};
use writ_model::{Error, ErrorKind, Identity, PrincipalKind, Role, Workspace};

/// The authorizer's decision on one request, with the caller's identity.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuthorizerContext {
    /// Whether the caller may use the route.
    pub decision: Decision,
    /// The name of the route. A decision is valid for this route alone.
    pub route: String,
    /// The caller's subject; empty for an unauthenticated caller.
    #[serde(default)]
    pub subject: String,
    /// The caller's workspace; empty for an unauthenticated caller.
    #[serde(default)]
    pub workspace: String,
    /// The caller's role; empty for an unauthenticated caller.
    #[serde(default)]
    pub role: String,
    /// How the caller was authenticated: `token` or `jwt`.
    #[serde(default)]
    pub principal_kind: String,
    /// The name of the rule that decided; empty for an unauthenticated caller.
    #[serde(default)]
    pub rule: String,
    /// The reason of a refusal, for the caller; empty where the caller is allowed.
    #[serde(default)]
    pub message: String,
}

/// The outcomes of a decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Decision {
    /// The caller may use the route.
    Allow,
    /// The caller is authenticated and may not use the route.
    Deny,
    /// The caller has no valid credentials.
    Unauthenticated,
}

impl AuthorizerContext {
    /// Returns the caller and the name of the rule that permits the call.
    ///
    /// # Errors
    /// [`ErrorKind::Unauthenticated`]; [`ErrorKind::Forbidden`] with its rule; an internal error
    /// for a decision on another route or with invalid values, which is a defect of the deployment.
    pub(crate) fn into_caller(self, spec: &RouteSpec) -> Result<(Caller, String), Error> {
        if self.route != spec.name {
            let log = format!("a decision on `{}` came with a call of `{}`", self.route, spec.name);
            return Err(Error::internal(log));
        }
        match self.decision {
            Decision::Allow => {}
            Decision::Deny => {
                let error = Error::new(ErrorKind::Forbidden, self.message);
                return Err(Error { rule: Some(self.rule), ..error });
            }
            Decision::Unauthenticated => {
                return Err(
                    Error::new(ErrorKind::Unauthenticated, self.message).at("Authorization")
                );
            }
        }
        let role: Role = self.role.parse().map_err(Error::internal)?;
        let workspace: Workspace = self.workspace.parse().map_err(Error::internal)?;
        let principal_kind = match self.principal_kind.parse() {
            Ok(kind @ (PrincipalKind::Token | PrincipalKind::Jwt)) => kind,
            _ => return Err(Error::internal(format!("`{}` calls", self.principal_kind))),
        };
        let identity = Identity { subject: self.subject, workspace, role };
        Ok((Caller { identity, principal_kind }, self.rule))
    }
}

/// The error of a request without a decision, which did not pass the authorizer.
pub(crate) fn missing_decision() -> Error {
    let message = "no token was sent; expected `Authorization: Bearer writ_...`";
    Error::new(ErrorKind::Unauthenticated, message).at("Authorization")
}

#[cfg(test)]
pub(crate) mod tests {
    use serde_json::json;

    use super::*;

    pub(crate) fn allowed(route: &str) -> AuthorizerContext {
        AuthorizerContext {
            decision: Decision::Allow,
            route: route.to_owned(),
            subject: "alice".to_owned(),
            workspace: "team-a".to_owned(),
            role: "author".to_owned(),
            principal_kind: "token".to_owned(),
            rule: "the-rule".to_owned(),
            message: String::new(),
        }
    }

    fn spec() -> &'static RouteSpec {
        &crate::serve::tests::SPEC
    }

    #[test]
    fn an_allowed_caller_is_who_the_authorizer_said() {
        let (caller, rule) = allowed(spec().name).into_caller(spec()).unwrap();
        assert_eq!(caller.identity.subject, "alice");
        assert_eq!(caller.identity.workspace.as_str(), "team-a");
        assert_eq!(
            (caller.identity.role, caller.principal_kind),
            (Role::Author, PrincipalKind::Token)
        );
        assert_eq!(rule, "the-rule");
    }

    #[test]
    fn only_a_whole_decision_on_this_very_route_lets_anybody_in() {
        let good = allowed(spec().name);
        for (wrong, want) in [
            (AuthorizerContext { decision: Decision::Deny, ..good.clone() }, ErrorKind::Forbidden),
            (
                AuthorizerContext { decision: Decision::Unauthenticated, ..good.clone() },
                ErrorKind::Unauthenticated,
            ),
            (
                AuthorizerContext { route: "token.create".to_owned(), ..good.clone() },
                ErrorKind::Internal,
            ),
            (AuthorizerContext { role: "root".to_owned(), ..good.clone() }, ErrorKind::Internal),
            (AuthorizerContext { workspace: String::new(), ..good.clone() }, ErrorKind::Internal),
            (
                AuthorizerContext { principal_kind: "local".to_owned(), ..good.clone() },
                ErrorKind::Internal,
            ),
        ] {
            assert_eq!(wrong.clone().into_caller(spec()).unwrap_err().kind, want, "{wrong:?}");
        }
    }

    #[test]
    fn a_refusal_names_its_rule() {
        let denied = AuthorizerContext {
            decision: Decision::Deny,
            message: "may not".to_owned(),
            ..allowed(spec().name)
        };
        let error = denied.into_caller(spec()).unwrap_err();
        assert_eq!((error.message.as_str(), error.rule.as_deref()), ("may not", Some("the-rule")));
    }

    #[test]
    fn a_context_of_strings_is_a_decision() {
        let json = json!({"decision": "unauthenticated", "route": "thing.do", "message": "who?"});
        let context: AuthorizerContext = serde_json::from_value(json).unwrap();
        assert_eq!(context.decision, Decision::Unauthenticated);
        assert!(
            serde_json::from_value::<AuthorizerContext>(json!({"decision": "maybe", "route": "x"}))
                .is_err()
        );
    }
}
