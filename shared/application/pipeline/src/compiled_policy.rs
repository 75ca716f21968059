//! A policy that is ready to be sent to a worker: everything but its code and its schemas understood.

use serde_json::{Map, Value};
use writ_model::run::{Call, Document, DocumentKind, Method, Schemas, Source};
use writ_model::{Digest, Error, Execution, PolicyRule, PolicyUri, RawJson};

use crate::management::{commands, refuse_unknown};
use crate::metadata::Metadata;

/// A policy with its source, as an engine compiles it, and with its metadata understood.
#[derive(Debug)]
pub struct CompiledPolicy {
    policy: PolicyRule,
    source: Source,
    stored_parameters: Map<String, Value>,
    metadata: Metadata,
}

impl CompiledPolicy {
    /// Reads what the platform itself has to understand of a policy, in time linear in its size. Code
    /// and schemas are not compiled: that is an engine's work.
    ///
    /// # Errors
    /// An unknown language, a place instead of code, a schema that is no JSON object, metadata that the platform reads and
    /// cannot understand; each with its location in the policy.
    pub fn new(policy: PolicyRule) -> Result<Self, Error> {
        Ok(Self {
            source: source_of(&policy)?,
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

    /// The stored settings and parameters, which have to fit their schemas. A stored parameter may be
    /// absent though it is required: the caller will send it.
    #[must_use]
    pub fn stored_documents(&self) -> Vec<Document> {
        let stored = &self.policy;
        vec![
            document("policy_settings", DocumentKind::StoredSettings, &stored.policy_settings),
            document(
                "policy_parameters",
                DocumentKind::StoredParameters,
                &stored.policy_parameters,
            ),
        ]
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

    /// Refuses a run of a command that the policy does not declare.
    ///
    /// # Errors
    /// [`writ_model::ErrorKind::NotFound`] with the commands that there are.
    pub(crate) fn refuse_unknown_command(&self, execution: &Execution) -> Result<(), Error> {
        match &execution.mgmt_action {
            None => Ok(()),
            Some(action) => refuse_unknown(&self.source.schemas.commands, action),
        }
    }

    /// A job's inputs, and its parameters over the stored ones, which have to fit their schemas before
    /// anything of the job is written. Inputs that a pre-check sees first, and may rewrite, are left
    /// to it. Nothing where there is no schema for them.
    ///
    /// # Errors
    /// Parameters that are no JSON object.
    pub fn job_documents(
        &self,
        parameters: Option<&RawJson>,
        inputs: &RawJson,
    ) -> Result<Vec<Document>, Error> {
        let merged = self.merge(parameters)?;
        let schemas = &self.source.schemas;
        let mut documents = Vec::new();
        if self.precheck().is_none() && !accepts_all(&schemas.input) {
            documents.push(document("inputs", DocumentKind::Input, inputs));
        }
        if !accepts_all(&schemas.parameters) {
            documents.push(document("policy_rule_parameters", DocumentKind::Parameters, &merged));
        }
        Ok(documents)
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
}

fn document(subject: &str, kind: DocumentKind, value: &RawJson) -> Document {
    Document { subject: subject.to_owned(), kind, value: value.clone() }
}

/// Whether a schema accepts every value, as far as its text shows.
fn accepts_all(schema: &RawJson) -> bool {
    matches!(schema.as_str(), "null" | "{}")
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(object) => object,
        _ => Map::new(),
    }
}

fn source_of(policy: &PolicyRule) -> Result<Source, Error> {
    let language = policy.language()?;
    if let Some(place) = policy.code_location() {
        return Err(Error::invalid(format!(
            "`code` is the place of the code, not the code; `writ policy import {place} -f \
             DOCUMENT` reads it from there and registers it"
        ))
        .at("/code"));
    }
    let schemas = Schemas {
        commands: commands(policy)?,
        input: policy.policy_input_schema.clone(),
        output: policy.policy_output_schema.clone(),
        settings: policy.policy_settings_schema.clone(),
        parameters: policy.policy_parameters_schema.clone(),
        formats: policy.schema_formats.unwrap_or_default(),
    };
    let functionality = policy.functionality_data.as_ref().map_or("", RawJson::as_str);
    let schemas_text = serde_json::to_string(&schemas).map_err(Error::internal)?;
    // Lengths first, so that no two sources share an identity.
    let identity = format!(
        "{language}\0{}\0{}\0{}\0{functionality}\0{schemas_text}",
        policy.code.len(),
        policy.code,
        functionality.len(),
    );
    Ok(Source {
        language,
        code: policy.code.clone(),
        digest: Digest::of(identity.as_bytes()),
        functionality_data: policy.functionality_data.clone(),
        schemas,
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
    fn a_job_meets_both_schemas_and_its_inputs_are_left_to_a_precheck() {
        let required = json!({"a": {"type": "string", "required": true}});
        let with = |metadata: Value, schema: &Value| {
            prepared(json!({
                "policy_input_schema": schema, "policy_parameters_schema": schema,
                "policy_parameters": {"a": "stored"}, "metadata": metadata,
            }))
            .unwrap()
        };
        let documents = |policy: &CompiledPolicy| {
            let parameters = RawJson::parse(r#"{"b": 1}"#).unwrap();
            let documents = policy.job_documents(Some(&parameters), &RawJson::null()).unwrap();
            let text = |one: Document| format!("{} {:?}", one.subject, one.value);
            documents.into_iter().map(text).collect::<Vec<_>>()
        };
        let both = ["inputs null", r#"policy_rule_parameters {"a":"stored","b":1}"#];
        assert_eq!(documents(&with(json!({}), &required)), both);
        let checked = with(json!({"precheck_policy_uri": "b:1-x"}), &required);
        assert_eq!(documents(&checked), both[1..]);
        // Without a schema there is nothing to ask a worker for.
        assert_eq!(documents(&with(json!({}), &json!({}))), [""; 0]);
        assert_eq!(documents(&with(json!({}), &json!(null))), [""; 0]);
    }

    #[test]
    fn what_cannot_run_is_refused_at_its_place() {
        let cases = [
            (json!({"code_type": "cobol"}), "/code_type"),
            (
                json!({"management_commands_schema": [{"name": "a", "schema": "x"}]}),
                "/management_commands_schema/0/schema",
            ),
            (
                json!({"management_commands_schema": [{"name": "a"}, {"name": "a"}]}),
                "/management_commands_schema/1/name",
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
    fn a_source_is_known_by_its_code_and_its_schemas_and_not_by_its_description() {
        let digest = |fields| prepared(fields).unwrap().source().digest.clone();
        assert_eq!(digest(json!({})), digest(json!({"description": "other"})));
        assert_ne!(digest(json!({})), digest(json!({"code": "package a"})));
        assert_ne!(digest(json!({})), digest(json!({"functionality_data": {"query": "data.a"}})));
        let schema = |name: &str| digest(json!({name: {"a": {}}}));
        let names = ["input", "output", "settings", "parameters"];
        let digests: Vec<_> = names.map(|name| schema(&format!("policy_{name}_schema"))).into();
        for (index, one) in digests.iter().enumerate() {
            assert!(!digests[..index].contains(one) && *one != digest(json!({})));
        }
    }
}
