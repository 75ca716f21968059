//! Compiled Cedar policies and their runs.

use std::borrow::Cow;
use std::time::Instant;

use cedar_policy::{
    AuthorizationError, Authorizer, Decision, Entities, PolicySet, Response, Schema,
};
use serde_json::{Value, json};
use writ_model::RawJson;

use super::compile::{self, Compiled};
use super::{diagnose, entities, links, request};
use crate::language::{Isolation, Program};
use crate::{Budget, Call, CheckReport, Failure, Method, Outcome};

/// Compiled policies with the documents of the last run, which the next run often shares.
pub(super) struct CedarProgram {
    compiled: Compiled,
    authorizer: Authorizer,
    documents: Option<Documents>,
}

/// The settings and parameters of a policy in Cedar's form. A run adds its own entities to a copy.
struct Documents {
    settings: RawJson,
    parameters: RawJson,
    entities: Entities,
    /// The policies with those that the parameters link; `None` if they link none.
    policies: Option<PolicySet>,
}

impl CedarProgram {
    pub(super) fn new(compiled: Compiled) -> Self {
        Self { compiled, authorizer: Authorizer::new(), documents: None }
    }

    fn decide(&mut self, call: &Call, input: &RawJson) -> Result<Response, Failure> {
        let Self { compiled, authorizer, documents } = self;
        let schema = compiled.schema.as_ref();
        let cached = documents.take().filter(|cached| cached.matches(call));
        let documents = documents.insert(match cached {
            Some(cached) => cached,
            None => Documents::read(call, compiled)?,
        });
        let parsed = request::parse(input, schema)?;
        let entities = match &parsed.entities {
            None => Cow::Borrowed(&documents.entities),
            Some(list) => {
                let entities = documents.entities.clone();
                Cow::Owned(entities::add(entities, list, "input.entities", schema)?)
            }
        };
        let policies = documents.policies.as_ref().unwrap_or(&compiled.policies);
        Ok(authorizer.is_authorized(&parsed.request, policies, &entities))
    }
}

impl Documents {
    fn read(call: &Call, compiled: &Compiled) -> Result<Self, Failure> {
        let schema = compiled.schema.as_ref();
        let (settings, parameters) = (call.settings.value(), call.parameters.value());
        let mut entities = entities::schema_entities(schema)?;
        for (document, name) in
            [(&settings, "settings.entities"), (&parameters, "parameters.entities")]
        {
            if let Some(list) = document.get("entities") {
                entities = entities::add(entities, list, name, schema)?;
            }
        }
        let links = parameters.get("links").filter(|links| !links.is_null());
        Ok(Self {
            settings: call.settings.clone(),
            parameters: call.parameters.clone(),
            entities,
            policies: links.map(|links| link_policies(compiled, links)).transpose()?,
        })
    }

    fn matches(&self, call: &Call) -> bool {
        self.settings == call.settings && self.parameters == call.parameters
    }
}

fn link_policies(compiled: &Compiled, links: &Value) -> Result<PolicySet, Failure> {
    let wrong = |message: String| diagnose::policy_error("cedar.links", message);
    let mut policies = compiled.policies.clone();
    links::add(&mut policies, links, "parameters.links").map_err(wrong)?;
    let first_validation_error =
        |schema: &Schema| compile::first_validation_error(&policies, schema);
    match compiled.schema.as_ref().and_then(first_validation_error) {
        Some(message) => Err(wrong(format!("`parameters.links`: {message}"))),
        None => Ok(policies),
    }
}

/// The output of a run. Cedar collects reasons and errors in hash tables, so they are sorted here.
fn decision_document(response: &Response) -> Value {
    let diagnostics = response.diagnostics();
    let mut reasons: Vec<&str> = diagnostics.reason().map(AsRef::as_ref).collect();
    reasons.sort_unstable();
    let mut errors: Vec<(&str, String)> = diagnostics
        .errors()
        .map(|error| match error {
            AuthorizationError::PolicyEvaluationError(error) => {
                (error.policy_id().as_ref(), error.inner().to_string())
            }
        })
        .collect();
    errors.sort_unstable();
    let errors: Vec<Value> = errors
        .into_iter()
        .map(|(policy, message)| json!({"policy_id": policy, "message": message}))
        .collect();
    let decision = match response.decision() {
        Decision::Allow => "allow",
        Decision::Deny => "deny",
    };
    json!({"decision": decision, "reasons": reasons, "errors": errors})
}

impl Program for CedarProgram {
    fn checked(&self) -> CheckReport {
        CheckReport { warnings: self.compiled.warnings.clone() }
    }

    /// A run owns its request and its copy of the entities. Policies and documents are immutable,
    /// and cached documents are used only for a call with equal documents. The library keeps
    /// nothing between requests: its statics are parser tables and function names.
    fn isolation(&self) -> Isolation {
        Isolation::Reusable
    }

    fn run(&mut self, call: &Call, budget: &Budget) -> Result<Outcome, Failure> {
        let started = Instant::now();
        let Method::Eval { input_data } = &call.method else {
            return Err(diagnose::policy_error(
                "cedar.no-management",
                "a cedar policy has no management commands; make it an action of the request, or write the policy in python",
            ));
        };
        let response = self.decide(call, input_data)?;
        let output = RawJson::of(&decision_document(&response));
        if output.as_str().len() > budget.output_bytes_max {
            return Err(Failure::OutputTooLarge { budget_bytes: budget.output_bytes_max });
        }
        Ok(Outcome {
            output,
            printed: String::new(),
            context: None,
            coverage: None,
            engine_us: u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX),
        })
    }
}

#[cfg(test)]
mod tests;
