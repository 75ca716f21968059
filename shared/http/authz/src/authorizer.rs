//! Authorization decisions.

use std::collections::{HashMap, HashSet};

use cedar_policy::{
    Context, Decision, Entities, Entity, EntityId, EntityTypeName, EntityUid, PolicySet, Request,
    Response, RestrictedExpression,
};
use writ_model::{Error, ErrorKind, Identity, Role, Workspace};

use crate::policy::{ACCESS_LEVELS, DEFAULT_DENY, EntityTypes, PolicyError, rules};

/// The id of the rule that decided.
pub type Rule = String;

/// Makes authorization decisions by the platform's access policy.
///
/// Rules are parsed and actions are assigned to their groups once, at creation. A decision adds one
/// entity, the caller, to the two entities of its action.
pub struct Authorizer {
    cedar: cedar_policy::Authorizer,
    rules: PolicySet,
    types: EntityTypes,
    actions: HashMap<String, Action>,
}

/// The Cedar action of a route.
struct Action {
    uid: EntityUid,
    /// The action, and the group of its access level.
    entities: Entities,
}

impl Authorizer {
    /// Creates an authorizer for routes, given as pairs of a name and an access level.
    ///
    /// # Errors
    /// Returns an error for an access level that the policy does not define, or a repeated name.
    pub fn new<'a>(
        routes: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<Self, PolicyError> {
        let types = EntityTypes::new()?;
        let mut actions = HashMap::new();
        for (route, access_level) in routes {
            let action = Action::new(&types, route, access_level)?;
            if actions.insert(route.to_owned(), action).is_some() {
                return Err(PolicyError::DuplicateRoute { route: route.to_owned() });
            }
        }
        Ok(Self { cedar: cedar_policy::Authorizer::new(), rules: rules()?, types, actions })
    }

    /// Decides whether the caller may use the route in its own workspace. Returns the id of the
    /// rule that permits it.
    ///
    /// # Errors
    /// [`ErrorKind::Forbidden`] with the rule that denied; its message names the roles that are
    /// permitted.
    pub fn decide(&self, caller: &Identity, route: &str) -> Result<Rule, Error> {
        self.decide_in(caller, &caller.workspace, route)
    }

    /// Decides whether the caller may use the route in `workspace`. Returns the id of the rule that
    /// permits it.
    ///
    /// # Errors
    /// The same as those of [`Authorizer::decide`].
    pub fn decide_in(
        &self,
        caller: &Identity,
        workspace: &Workspace,
        route: &str,
    ) -> Result<Rule, Error> {
        match self.evaluate(caller, workspace, route)? {
            Verdict::Allowed(rule) => Ok(rule),
            Verdict::Denied(rule) => Err(self.denial(caller, workspace, route, rule)?),
        }
    }

    /// Evaluates the access policy.
    fn evaluate(
        &self,
        caller: &Identity,
        workspace: &Workspace,
        route: &str,
    ) -> Result<Verdict, Error> {
        let Some(action) = self.actions.get(route) else {
            return Ok(Verdict::Denied(DEFAULT_DENY.to_owned()));
        };
        let principal = uid(&self.types.caller, &caller.subject);
        let resource = uid(&self.types.workspace, workspace.as_str());
        let caller = self.caller(principal.clone(), caller)?;
        let entities =
            action.entities.clone().add_entities([caller], None).map_err(Error::internal)?;
        let request = Request::new(principal, action.uid.clone(), resource, Context::empty(), None)
            .map_err(Error::internal)?;
        Verdict::of(&self.cedar.is_authorized(&request, &self.rules, &entities))
    }

    /// Returns the caller's entity, with the attributes that the rules use.
    fn caller(&self, principal: EntityUid, caller: &Identity) -> Result<Entity, Error> {
        let workspace = uid(&self.types.workspace, caller.workspace.as_str());
        let role = uid(&self.types.role, caller.role.name());
        let attributes = HashMap::from([
            ("subject".to_owned(), RestrictedExpression::new_string(caller.subject.clone())),
            ("workspace".to_owned(), RestrictedExpression::new_entity_uid(workspace)),
            ("role".to_owned(), RestrictedExpression::new_entity_uid(role)),
        ]);
        Entity::new(principal, attributes, HashSet::new()).map_err(Error::internal)
    }

    /// Returns the error of a denied request, which names the roles that are permitted.
    fn denial(
        &self,
        caller: &Identity,
        workspace: &Workspace,
        route: &str,
        rule: Rule,
    ) -> Result<Error, Error> {
        let mut permitted = Vec::new();
        for role in Role::ALL {
            let other = Identity { role, ..caller.clone() };
            if let Verdict::Allowed(_) = self.evaluate(&other, workspace, route)? {
                permitted.push(format!("`{role}`"));
            }
        }
        let remedy = if permitted.is_empty() {
            "no role allows it".to_owned()
        } else {
            format!("it takes the role {}", permitted.join(" or "))
        };
        let Identity { subject, role, workspace: own } = caller;
        let message = if own == workspace {
            format!("`{subject}` has the role `{role}` and may not do `{route}`; {remedy}")
        } else {
            format!(
                "`{subject}` belongs to workspace `{own}` and may not do `{route}` in `{workspace}`; {remedy}"
            )
        };
        let mut error = Error::new(ErrorKind::Forbidden, message);
        error.rule = Some(rule);
        Ok(error)
    }
}

impl Action {
    /// Assigns a route to the group of its access level.
    fn new(types: &EntityTypes, route: &str, access_level: &str) -> Result<Self, PolicyError> {
        if !ACCESS_LEVELS.contains(&access_level) {
            return Err(PolicyError::UnknownAccessLevel {
                route: route.to_owned(),
                access_level: access_level.to_owned(),
            });
        }
        let action = uid(&types.action, route);
        let group = uid(&types.action, access_level);
        let entities = [
            Entity::new_no_attrs(action.clone(), HashSet::from([group.clone()])),
            Entity::new_no_attrs(group, HashSet::new()),
        ];
        let entities = Entities::from_entities(entities, None).map_err(|error| {
            PolicyError::Action { route: route.to_owned(), message: error.to_string() }
        })?;
        Ok(Self { uid: action, entities })
    }
}

fn uid(kind: &EntityTypeName, id: &str) -> EntityUid {
    EntityUid::from_type_name_and_id(kind.clone(), EntityId::new(id))
}

/// The decision of the access policy, with the rule that decided.
enum Verdict {
    Allowed(Rule),
    Denied(Rule),
}

impl Verdict {
    /// Cedar skips a rule that fails to evaluate. A skipped rule that forbids would permit the
    /// request, so any such failure is an internal error.
    fn of(response: &Response) -> Result<Self, Error> {
        if let Some(error) = response.diagnostics().errors().next() {
            return Err(Error::internal(error));
        }
        // Use the smallest id, because Cedar returns them in no particular order.
        let rule = response.diagnostics().reason().map(ToString::to_string).min();
        match (response.decision(), rule) {
            (Decision::Allow, Some(rule)) => Ok(Self::Allowed(rule)),
            (Decision::Allow, None) => Err(Error::internal("cedar allowed a request by no rule")),
            (Decision::Deny, rule) => {
                Ok(Self::Denied(rule.unwrap_or_else(|| DEFAULT_DENY.to_owned())))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::policy::OWN_WORKSPACE;

    const ROUTES: [(&str, &str); 4] = [
        ("policy.get", "read"),
        ("executor.execute_policy", "execute"),
        ("policy.create", "mutate-policy"),
        ("token.create", "admin"),
    ];

    fn authorizer() -> Authorizer {
        Authorizer::new(ROUTES).unwrap()
    }

    fn alice(role: Role) -> Identity {
        Identity { subject: "alice".to_owned(), workspace: "a".parse().unwrap(), role }
    }

    #[test]
    fn a_role_reaches_just_its_effects_and_names_its_rule() {
        let authorizer = authorizer();
        for (role, rule, reach) in [
            (Role::Reader, "readers-read", 1),
            (Role::Operator, "operators-read-and-execute", 2),
            (Role::Author, "authors-read-execute-and-change-policies", 3),
            (Role::Admin, "admins-do-everything", 4),
        ] {
            for (index, (route, access_level)) in ROUTES.into_iter().enumerate() {
                let decision = authorizer.decide(&alice(role), route);
                if index < reach {
                    assert_eq!(decision.as_deref(), Ok(rule), "{role} {access_level}");
                } else {
                    let error = decision.unwrap_err();
                    assert_eq!(error.kind, ErrorKind::Forbidden, "{role} {access_level}");
                    assert_eq!(error.rule.as_deref(), Some(DEFAULT_DENY), "{role} {access_level}");
                }
            }
        }
    }

    #[test]
    fn a_denial_names_the_caller_the_route_and_the_permitted_roles() {
        let error = authorizer().decide(&alice(Role::Reader), "policy.create").unwrap_err();
        assert_eq!(
            error.message,
            "`alice` has the role `reader` and may not do `policy.create`; it takes the role `author` or `admin`"
        );
    }

    #[test]
    fn no_role_reaches_beyond_its_workspace() {
        let authorizer = authorizer();
        let other = "b".parse().unwrap();
        for role in Role::ALL {
            for (route, _) in ROUTES {
                let error = authorizer.decide_in(&alice(role), &other, route).unwrap_err();
                assert_eq!(error.rule.as_deref(), Some(OWN_WORKSPACE), "{role} {route}");
            }
        }
        let error = authorizer.decide_in(&alice(Role::Admin), &other, "policy.get").unwrap_err();
        assert_eq!(
            error.message,
            "`alice` belongs to workspace `a` and may not do `policy.get` in `b`; no role allows it"
        );
    }

    #[test]
    fn an_unknown_route_is_denied_to_every_role() {
        let authorizer = authorizer();
        // The name of a group is not a route either.
        for route in ["policy.obliterate", "read", "", "policy.get\" || true"] {
            let error = authorizer.decide(&alice(Role::Admin), route).unwrap_err();
            assert_eq!(
                (error.kind, error.rule.as_deref()),
                (ErrorKind::Forbidden, Some(DEFAULT_DENY))
            );
        }
    }

    #[test]
    fn a_route_table_that_the_policy_cannot_judge_is_refused() {
        let error = Authorizer::new([("job.submit", "submit")]).err().unwrap();
        assert!(matches!(error, PolicyError::UnknownAccessLevel { .. }), "{error}");
        let error = Authorizer::new([("a.b", "read"), ("a.b", "admin")]).err().unwrap();
        assert!(matches!(error, PolicyError::DuplicateRoute { .. }), "{error}");
        let error = Authorizer::new([("read", "read")]).err().unwrap();
        assert!(matches!(error, PolicyError::Action { .. }), "{error}");
    }

    proptest! {
        #[test]
        fn a_subject_never_changes_what_its_role_may_do(subject in "\\PC{0,40}") {
            let authorizer = authorizer();
            for role in Role::ALL {
                for (route, _) in ROUTES {
                    let odd = Identity { subject: subject.clone(), ..alice(role) };
                    prop_assert_eq!(
                        authorizer.decide(&odd, route).ok(),
                        authorizer.decide(&alice(role), route).ok()
                    );
                }
            }
        }
    }
}
