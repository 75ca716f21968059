//! A policy that is ready to run: schemas compiled, code apart.

use serde_json::{Map, Value};
use writ_model::run::{Call, Method, Source};
use writ_model::schema::Schema;
use writ_model::{Digest, Error, Execution, PolicyRule, PolicyUri, RawJson, Violation};

use crate::management::Commands;
use crate::metadata::Metadata;

/// A policy with its schemas compiled.
#[derive(Debug)]
pub struct CompiledPolicy {
    policy: PolicyRule,
    source: Source,
    input: Schema,
    output: Schema,
    settings: Schema,
    parameters: Schema,
    stored_parameters: Map<String, Value>,
    commands: Commands,
    metadata: Metadata,
}

impl CompiledPolicy {
    /// Compiles the schemas. The code is not compiled: that is an engine's work.
    ///
    /// # Errors
    /// An unknown language, a schema that does not compile, metadata that the platform reads and
    /// cannot understand; each with its location in the policy.
    pub fn new(policy: PolicyRule) -> Result<Self, Error> {
        Ok(Self {
            commands: Commands::of(&policy)?,
            source: source_of(&policy)?,
            input: schema("policy_input_schema", &policy.policy_input_schema)?,
            output: schema("policy_output_schema", &policy.policy_output_schema)?,
            settings: schema("policy_settings_schema", &policy.policy_settings_schema)?,
            parameters: schema("policy_parameters_schema", &policy.policy_parameters_schema)?,
            stored_parameters: object(policy.policy_parameters.value()),
            metadata: Metadata::of(&policy)?,
            policy,
        })
    }

    /// The policy as it is registered.
    #[must_use]
    pub fn policy(&self) -> &PolicyRule {
        &self.policy
    }

    /// The policy's code, for an engine.
    #[must_use]
    pub fn source(&self) -> &Source {
        &self.source
    }

    /// JSON Pointers to values that execution records must not hold.
    #[must_use]
    pub fn mask(&self) -> &[String] {
        &self.metadata.mask
    }

    /// Whether runs read a context that earlier runs left, and may change it.
    #[must_use]
    pub fn has_context(&self) -> bool {
        self.metadata.state
    }

    /// The policy that sees the input first; `None` where the metadata names none.
    #[must_use]
    pub fn precheck(&self) -> Option<&PolicyUri> {
        self.metadata.precheck_policy_uri.as_ref()
    }

    /// The policy that runs after a failed run; `None` where the metadata names none.
    #[must_use]
    pub fn failure_policy(&self) -> Option<&PolicyUri> {
        self.metadata.failure_policy_uri.as_ref()
    }

    /// Validates the stored settings and parameters against their schemas. A stored parameter may be
    /// absent though it is required: the caller will send it.
    ///
    /// # Errors
    /// [`writ_model::ErrorKind::SchemaViolation`] with every location.
    pub fn check_stored(&self) -> Result<(), Error> {
        let mut violations =
            self.settings.violations("policy_settings", &self.policy.policy_settings.value());
        let stored = Value::Object(self.stored_parameters.clone());
        // The caller overrides whole members, so it can only send one that is missing at the top.
        let counts = |path: &str, rule: &str| !(rule == "required" && path.is_empty());
        violations.extend(self.parameters.violations_if("policy_parameters", &stored, counts));
        refuse(violations)
    }

    /// The stored parameters, shallowly overridden by the caller's.
    ///
    /// # Errors
    /// Parameters that are no JSON object.
    pub fn merge(&self, own: Option<&RawJson>) -> Result<RawJson, Error> {
        match own.map(|raw| (raw, raw.value())) {
            None | Some((_, Value::Null)) => Ok(self.policy.policy_parameters.clone()),
            Some((raw, Value::Object(_))) if self.stored_parameters.is_empty() => Ok(raw.clone()),
            Some((_, Value::Object(own))) => {
                let mut merged = self.stored_parameters.clone();
                merged.extend(own);
                Ok(RawJson::of(&Value::Object(merged)))
            }
            Some(_) => Err(Error::invalid("`parameters` is a JSON object").at("/parameters")),
        }
    }

    /// Validates a run's input, or its command's argument, and its merged parameters against their
    /// schemas.
    ///
    /// # Errors
    /// [`writ_model::ErrorKind::SchemaViolation`] with every location;
    /// [`writ_model::ErrorKind::NotFound`] for a command that the policy does not declare.
    pub(crate) fn check_call(&self, execution: &Execution) -> Result<(), Error> {
        let input = execution.input_data.value();
        let mut violations = match &execution.mgmt_action {
            None => self.input.violations("input_data", &input),
            Some(action) => self.commands.named(action)?.violations("mgmt_data", &input),
        };
        let parameters = execution.parameters.value();
        violations.extend(self.parameters.violations("parameters", &parameters));
        refuse(violations)
    }

    /// Validates a job's inputs, and its parameters over the stored ones, against their schemas, before
    /// anything of it is written. Inputs that a pre-check sees first, and may rewrite, are left to it.
    ///
    /// # Errors
    /// [`writ_model::ErrorKind::SchemaViolation`] with every location; parameters that are no JSON
    /// object.
    pub fn check_job(&self, parameters: Option<&RawJson>, inputs: &RawJson) -> Result<(), Error> {
        let mut violations = match self.precheck() {
            None => self.input.violations("inputs", &inputs.value()),
            Some(_) => Vec::new(),
        };
        let merged = self.merge(parameters)?.value();
        violations.extend(self.parameters.violations("policy_rule_parameters", &merged));
        refuse(violations)
    }

    /// The engine's call for a run. Everything that the run reads stands in its record.
    pub(crate) fn call(&self, execution: &Execution, context: Option<RawJson>) -> Call {
        let input_data = execution.input_data.clone();
        Call {
            rule_id: self.policy.policy_rule_uri.to_string(),
            settings: self.policy.policy_settings.clone(),
            parameters: execution.parameters.clone(),
            method: match &execution.mgmt_action {
                None => Method::Eval { input_data },
                Some(action) => Method::Management { action: action.clone(), data: input_data },
            },
            now_ms: execution.policy_time.as_ms(),
            seed: execution.seed,
            context,
            coverage: false,
        }
    }

    /// Validates what a policy returned against its schema.
    ///
    /// # Errors
    /// [`writ_model::ErrorKind::SchemaViolation`] with every location.
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

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn prepared(fields: Value) -> Result<CompiledPolicy, Error> {
        let mut document = json!({"name": "a", "version": "1", "release_tag": "x", "code": "", "code_type": "rego"});
        document.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        CompiledPolicy::new(PolicyRule::from_json(&document.to_string()).unwrap())
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
        assert_eq!(error.location.as_deref(), Some("/parameters"));
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
    fn a_job_is_held_against_both_schemas_and_its_inputs_are_left_to_a_precheck() {
        let required = json!({"a": {"type": "string", "required": true}});
        let with = |metadata: Value| {
            prepared(json!({
                "policy_input_schema": required, "policy_parameters_schema": required,
                "policy_parameters": {"a": "stored"}, "metadata": metadata,
            }))
            .unwrap()
        };
        let subjects = |policy: &CompiledPolicy, parameters: &str, inputs: &str| {
            let parameters = RawJson::parse(parameters).unwrap();
            let inputs = RawJson::parse(inputs).unwrap();
            let error = policy.check_job(Some(&parameters), &inputs).err();
            let violations = error.map(|error| error.violations).unwrap_or_default();
            violations.into_iter().map(|violation| violation.subject).collect::<Vec<_>>()
        };
        let (alone, checked) = (with(json!({})), with(json!({"precheck_policy_uri": "b:1-x"})));
        assert_eq!(subjects(&alone, "{}", r#"{"a": "x"}"#), [""; 0]);
        let both = ["inputs", "policy_rule_parameters"];
        assert_eq!(subjects(&alone, r#"{"a": 1}"#, "{}"), both);
        assert_eq!(subjects(&checked, r#"{"a": 1}"#, "{}"), both[1..]);
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
        for (fields, location) in cases {
            assert_eq!(prepared(fields).unwrap_err().location.as_deref(), Some(location));
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
