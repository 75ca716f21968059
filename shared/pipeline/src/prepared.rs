//! A policy made ready to run: schemas compiled, code set apart.

use serde_json::{Map, Value};
use writ_model::run::Source;
use writ_model::schema::Schema;
use writ_model::{Digest, Error, PolicyRule, RawJson, Violation};

/// A policy with its schemas compiled.
#[derive(Debug)]
pub struct Prepared {
    policy: PolicyRule,
    source: Source,
    input: Schema,
    output: Schema,
    settings: Schema,
    parameters: Schema,
    stored_parameters: Map<String, Value>,
    mask: Vec<String>,
}

impl Prepared {
    /// Compiles the schemas. The code is not compiled: that is an engine's work.
    ///
    /// # Errors
    /// An unknown language, a schema that does not compile, a `metadata.mask` that is no list of
    /// JSON Pointers; each with its place in the policy.
    pub fn new(policy: PolicyRule) -> Result<Self, Error> {
        check_commands(&policy)?;
        Ok(Self {
            source: source_of(&policy)?,
            input: schema("policy_input_schema", &policy.policy_input_schema)?,
            output: schema("policy_output_schema", &policy.policy_output_schema)?,
            settings: schema("policy_settings_schema", &policy.policy_settings_schema)?,
            parameters: schema("policy_parameters_schema", &policy.policy_parameters_schema)?,
            stored_parameters: object(policy.policy_parameters.value()),
            mask: mask_of(&policy)?,
            policy,
        })
    }

    /// The policy.
    #[must_use]
    pub fn policy(&self) -> &PolicyRule {
        &self.policy
    }

    /// Its code.
    #[must_use]
    pub fn source(&self) -> &Source {
        &self.source
    }

    /// JSON Pointers into an execution record whose values must not be stored.
    #[must_use]
    pub fn mask(&self) -> &[String] {
        &self.mask
    }

    /// Holds the stored settings and parameters against their schemas. A stored parameter may be
    /// absent though it is required: the caller will send it.
    ///
    /// # Errors
    /// [`writ_model::ErrorKind::SchemaViolation`] with every place.
    pub fn check_stored(&self) -> Result<(), Error> {
        let mut violations =
            self.settings.violations("policy_settings", &self.policy.policy_settings.value());
        let stored = Value::Object(self.stored_parameters.clone());
        // The caller overrides whole members: only one at the top can be theirs to send.
        let counts = |path: &str, rule: &str| !(rule == "required" && path.is_empty());
        violations.extend(self.parameters.violations_if("policy_parameters", &stored, counts));
        refuse(violations)
    }

    /// The stored parameters, shallowly overridden by the caller's.
    ///
    /// # Errors
    /// Parameters that are no JSON object.
    pub fn merge(&self, given: Option<&RawJson>) -> Result<RawJson, Error> {
        match given.map(|raw| (raw, raw.value())) {
            None | Some((_, Value::Null)) => Ok(self.policy.policy_parameters.clone()),
            Some((raw, Value::Object(_))) if self.stored_parameters.is_empty() => Ok(raw.clone()),
            Some((_, Value::Object(given))) => {
                let mut merged = self.stored_parameters.clone();
                merged.extend(given);
                Ok(RawJson::of(&Value::Object(merged)))
            }
            Some(_) => Err(Error::invalid("`parameters` is a JSON object").at("/parameters")),
        }
    }

    /// Holds a run's input and merged parameters against their schemas.
    ///
    /// # Errors
    /// [`writ_model::ErrorKind::SchemaViolation`] with every place.
    pub fn check_call(&self, input: &RawJson, parameters: &RawJson) -> Result<(), Error> {
        let mut violations = self.input.violations("input_data", &input.value());
        violations.extend(self.parameters.violations("parameters", &parameters.value()));
        refuse(violations)
    }

    /// Holds what a policy returned against its schema.
    ///
    /// # Errors
    /// [`writ_model::ErrorKind::SchemaViolation`] with every place.
    pub fn check_output(&self, output: &RawJson) -> Result<(), Error> {
        refuse(self.output.violations("output", &output.value()))
    }
}

fn refuse(violations: Vec<Violation>) -> Result<(), Error> {
    if violations.is_empty() { Ok(()) } else { Err(Error::violations(violations)) }
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(object) => object,
        _ => Map::new(),
    }
}

fn source_of(policy: &PolicyRule) -> Result<Source, Error> {
    let language = policy.language()?;
    let functionality = policy.functionality_data.as_ref().map_or("", RawJson::as_str);
    // Lengths first, so that no two sources share an identity.
    let identity = format!("{language}\0{}\0{}\0{functionality}", policy.code.len(), policy.code);
    Ok(Source {
        language,
        code: policy.code.clone(),
        digest: Digest::of(identity.as_bytes()),
        functionality_data: policy.functionality_data.clone(),
    })
}

fn schema(field: &str, document: &RawJson) -> Result<Schema, Error> {
    Schema::compile(&document.value()).map_err(|error| {
        Error::invalid(format!("the schema does not compile: {error}"))
            .at(format!("/{field}{}", error.path()))
    })
}

/// Each management command has a name of its own and a schema that compiles.
fn check_commands(policy: &PolicyRule) -> Result<(), Error> {
    let field = "management_commands_schema";
    let Value::Array(commands) = policy.management_commands_schema.value() else { return Ok(()) };
    let mut names = Vec::new();
    for (index, command) in commands.iter().enumerate() {
        let Some(name) = command.get("name").and_then(Value::as_str) else {
            let message = "a management command is an object with a `name`";
            return Err(Error::invalid(message).at(format!("/{field}/{index}")));
        };
        if names.contains(&name) {
            let message = format!("the management command `{name}` is given twice");
            return Err(Error::invalid(message).at(format!("/{field}/{index}/name")));
        }
        names.push(name);
        let arguments = command.get("schema").map_or_else(RawJson::null, RawJson::of);
        if arguments.value() != Value::Array(Vec::new()) {
            schema(&format!("{field}/{index}/schema"), &arguments)?;
        }
    }
    Ok(())
}

fn mask_of(policy: &PolicyRule) -> Result<Vec<String>, Error> {
    let Some(mask) = policy.metadata.value().get("mask").cloned() else { return Ok(Vec::new()) };
    let pointers: Option<Vec<String>> = mask.as_array().and_then(|list| {
        list.iter()
            .map(|pointer| pointer.as_str().filter(|text| is_mask(text)).map(str::to_owned))
            .collect()
    });
    pointers.ok_or_else(|| {
        let message = "`mask` is a list of JSON Pointers into `/input_data`, `/parameters` or \
                       `/output`, as `/input_data/password`; `*` stands for nothing in them: to \
                       mask what is in a list, mask the list";
        Error::invalid(message).at("/metadata/mask")
    })
}

/// Whether a text points into what a record holds of a run.
fn is_mask(pointer: &str) -> bool {
    let roots = ["/input_data", "/parameters", "/output"];
    let is_rooted = roots.iter().any(|root| {
        pointer.strip_prefix(root).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    });
    is_rooted && !pointer.split('/').any(|segment| segment == "*")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn prepared(fields: Value) -> Result<Prepared, Error> {
        let mut document = json!({"name": "a", "version": "1", "release_tag": "x", "code": "", "code_type": "rego"});
        document.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        Prepared::new(PolicyRule::from_json(&document.to_string()).unwrap())
    }

    #[test]
    fn a_callers_parameters_override_whole_members_and_leave_the_others() {
        let policy = prepared(json!({"policy_parameters": {"a": {"x": 1}, "b": 2}})).unwrap();
        let cases = [
            (None, r#"{"a":{"x":1},"b":2}"#),
            (Some("null"), r#"{"a":{"x":1},"b":2}"#),
            (Some(r#"{"a": {"y": 3}, "c": 1.50}"#), r#"{"a":{"y":3},"b":2,"c":1.50}"#),
        ];
        for (given, merged) in cases {
            let given = given.map(|text| RawJson::parse(text).unwrap());
            assert_eq!(policy.merge(given.as_ref()).unwrap().as_str(), merged);
        }
        let error = policy.merge(Some(&RawJson::parse("[]").unwrap())).unwrap_err();
        assert_eq!(error.place.as_deref(), Some("/parameters"));
    }

    #[test]
    fn a_stored_parameter_may_be_the_callers_to_send_but_not_wrong() {
        let schema = json!({"a": {"type": "string", "required": true}});
        let with = |stored| {
            prepared(json!({"policy_parameters_schema": schema, "policy_parameters": stored}))
                .unwrap()
        };
        assert!(with(json!({})).check_stored().is_ok());
        assert!(with(json!({"a": 1})).check_stored().is_err());
        let nested = json!({"a": {"type": "object", "properties": {"b": {"required": true}}}});
        let nested =
            prepared(json!({"policy_parameters_schema": nested, "policy_parameters": {"a": {}}}));
        assert!(nested.unwrap().check_stored().is_err());
    }

    #[test]
    fn what_cannot_run_is_refused_at_its_place() {
        let cases = [
            (json!({"code_type": "cobol"}), "/code_type"),
            (
                json!({"policy_input_schema": {"a": {"type": "text"}}}),
                "/policy_input_schema/a/type",
            ),
            (json!({"management_commands_schema": [{}]}), "/management_commands_schema/0"),
            (json!({"metadata": {"mask": "/input_data"}}), "/metadata/mask"),
            (json!({"metadata": {"mask": ["/settings"]}}), "/metadata/mask"),
            (json!({"metadata": {"mask": ["/input_data/*/b"]}}), "/metadata/mask"),
        ];
        for (fields, place) in cases {
            assert_eq!(prepared(fields).unwrap_err().place.as_deref(), Some(place));
        }
    }

    #[test]
    fn a_source_is_known_by_its_code_and_not_by_its_description() {
        let digest = |fields| prepared(fields).unwrap().source().digest.clone();
        assert_eq!(digest(json!({})), digest(json!({"description": "other"})));
        assert_ne!(digest(json!({})), digest(json!({"code": "package a"})));
        assert_ne!(digest(json!({})), digest(json!({"functionality_data": {"query": "data.a"}})));
    }
}
