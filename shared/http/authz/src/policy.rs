//! The access policy, which is compiled into the platform.

use std::str::FromStr;

use cedar_policy::{EntityTypeName, ParseErrors, PolicyId, PolicySet};

const POLICY: &str = include_str!("../policy.cedar");

/// The rule id of a decision that no rule made.
pub const DEFAULT_DENY: &str = "default-deny";

/// The id of the rule that restricts a caller to its workspace.
pub const OWN_WORKSPACE: &str = "callers-stay-in-their-workspace";

/// The action groups of the rules: the access levels of routes.
pub(crate) const ACCESS_LEVELS: [&str; 4] = ["read", "execute", "mutate-policy", "admin"];

/// The error of an access policy that cannot be enforced.
#[derive(Debug, thiserror::Error)]
pub enum PolicyError {
    /// The policy is not valid Cedar.
    #[error("the access policy does not parse: {0}")]
    Syntax(Box<ParseErrors>),
    /// A rule has no id, so a denial could not name it.
    #[error("rule {number} of the access policy has no `@id`")]
    Unnamed {
        /// The position of the rule, from one.
        number: usize,
    },
    /// Two rules have the same id, or a rule is a template.
    #[error("the rules of the access policy conflict: {0}")]
    Rules(String),
    /// A route has an access level that the policy does not define, so no rule could permit it.
    #[error(
        "route `{route}` has the access level `{access_level}`, which the access policy does not define"
    )]
    UnknownAccessLevel {
        /// The name of the route.
        route: String,
        /// The access level of the route.
        access_level: String,
    },
    /// Two routes have the same name; their access levels could differ.
    #[error("there are two routes named `{route}`")]
    DuplicateRoute {
        /// The name of the routes.
        route: String,
    },
    /// Cedar rejected an action.
    #[error("route `{route}` cannot be an action: {message}")]
    Action {
        /// The name of the route.
        route: String,
        /// The message of Cedar.
        message: String,
    },
}

impl From<ParseErrors> for PolicyError {
    fn from(errors: ParseErrors) -> Self {
        Self::Syntax(Box::new(errors))
    }
}

/// Returns the rules, each with the id of its annotation.
pub(crate) fn rules() -> Result<PolicySet, PolicyError> {
    parse_rules(POLICY)
}

/// Parses rules and replaces the numbers that Cedar assigns by the ids of the annotations.
fn parse_rules(text: &str) -> Result<PolicySet, PolicyError> {
    let mut rules = PolicySet::new();
    for (index, rule) in PolicySet::from_str(text)?.policies().enumerate() {
        let id = rule.annotation("id").filter(|id| !id.is_empty());
        let id = id.ok_or(PolicyError::Unnamed { number: index + 1 })?;
        rules
            .add(rule.new_id(PolicyId::new(id)))
            .map_err(|error| PolicyError::Rules(error.to_string()))?;
    }
    Ok(rules)
}

/// The entity types of the access policy.
pub(crate) struct EntityTypes {
    /// The principal of a request.
    pub(crate) caller: EntityTypeName,
    /// A route or an access level.
    pub(crate) action: EntityTypeName,
    /// The resource of a request.
    pub(crate) workspace: EntityTypeName,
    /// The role of a caller.
    pub(crate) role: EntityTypeName,
}

impl EntityTypes {
    /// Parses the names of the types.
    pub(crate) fn new() -> Result<Self, PolicyError> {
        Ok(Self {
            caller: "Writ::Caller".parse()?,
            action: "Writ::Action".parse()?,
            workspace: "Writ::Workspace".parse()?,
            role: "Writ::Role".parse()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use cedar_policy::{Schema, ValidationMode, Validator};
    use writ_model::Role;

    use super::*;

    const SCHEMA: &str = include_str!("../schema.cedarschema");

    fn schema() -> Schema {
        let (schema, warnings) = Schema::from_cedarschema_str(SCHEMA).unwrap();
        assert_eq!(warnings.count(), 0);
        schema
    }

    /// Returns the errors and warnings of the validator.
    fn validation_messages(text: &str) -> Vec<String> {
        let result =
            Validator::new(schema()).validate(&parse_rules(text).unwrap(), ValidationMode::Strict);
        let errors = result.validation_errors().map(ToString::to_string);
        errors.chain(result.validation_warnings().map(ToString::to_string)).collect()
    }

    #[test]
    fn the_policy_fits_its_schema() {
        assert_eq!(validation_messages(POLICY), Vec::<String>::new());
    }

    #[test]
    fn a_policy_with_a_slip_does_not_fit_the_schema() {
        for (was, slip) in [
            ("principal.role", "principal.rule"),
            ("Role::\"reader\"", "Role::\"raeder\""),
            ("Action::\"execute\"", "Action::\"exceute\""),
            ("is Writ::Workspace", "is Writ::Caller"),
        ] {
            assert!(POLICY.contains(was), "{was}");
            assert!(!validation_messages(&POLICY.replace(was, slip)).is_empty(), "{slip}");
        }
    }

    #[test]
    fn the_schema_declares_each_effect_and_nothing_else() {
        let schema = schema();
        let declared: BTreeSet<&str> = schema.actions().map(|uid| uid.id().unescaped()).collect();
        assert_eq!(declared, BTreeSet::from(ACCESS_LEVELS));
    }

    #[test]
    fn the_schema_declares_each_role_and_nothing_else() {
        let line = SCHEMA.lines().find(|line| line.contains("entity Role enum")).unwrap();
        let declared: Vec<&str> = line.split('"').skip(1).step_by(2).collect();
        assert_eq!(declared, Role::ALL.map(Role::name));
    }

    #[test]
    fn the_rule_that_other_crates_name_exists() {
        let rules = rules().unwrap();
        assert!(rules.policy(&PolicyId::new(OWN_WORKSPACE)).is_some());
        assert!(rules.policy(&PolicyId::new(DEFAULT_DENY)).is_none());
    }

    #[test]
    fn a_rule_without_a_name_is_refused() {
        let error = parse_rules(
            "@id(\"a\") permit (principal, action, resource);\nforbid (principal, action, resource);",
        );
        assert_eq!(error.unwrap_err().to_string(), "rule 2 of the access policy has no `@id`");
        let twice = "@id(\"a\") permit (principal, action, resource);".repeat(2);
        assert!(matches!(parse_rules(&twice), Err(PolicyError::Rules(_))));
    }
}
