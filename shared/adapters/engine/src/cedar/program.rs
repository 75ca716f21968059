//! One run of compiled policies.

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
use crate::{Budget, Call, Checked, Failure, Method, Outcome};

/// Compiled policies with the documents of the last run, which are often the next one's.
pub(super) struct CedarProgram {
    compiled: Compiled,
    authorizer: Authorizer,
    documents: Option<Documents>,
}

/// What a policy brings along, as Cedar keeps it. A run adds its own entities to a copy.
struct Documents {
    settings: RawJson,
    parameters: RawJson,
    entities: Entities,
    /// The policies with those that the parameters link, where they do.
    policies: Option<PolicySet>,
}

impl CedarProgram {
    pub(super) fn new(compiled: Compiled) -> Self {
        Self { compiled, authorizer: Authorizer::new(), documents: None }
    }

    fn decide(&mut self, call: &Call, input: &RawJson) -> Result<Response, Failure> {
        let Self { compiled, authorizer, documents } = self;
        let schema = compiled.schema.as_ref();
        let known = documents.take().filter(|known| known.serve(call));
        let documents = documents.insert(match known {
            Some(known) => known,
            None => Documents::read(call, compiled)?,
        });
        let asked = request::read(input, schema)?;
        let entities = match &asked.entities {
            None => Cow::Borrowed(&documents.entities),
            Some(list) => {
                let known = documents.entities.clone();
                Cow::Owned(entities::add(known, list, "input.entities", schema)?)
            }
        };
        let policies = documents.policies.as_ref().unwrap_or(&compiled.policies);
        Ok(authorizer.is_authorized(&asked.request, policies, &entities))
    }
}

impl Documents {
    fn read(call: &Call, compiled: &Compiled) -> Result<Self, Failure> {
        let schema = compiled.schema.as_ref();
        let (settings, parameters) = (call.settings.value(), call.parameters.value());
        let mut entities = entities::known_to(schema)?;
        for (document, name) in
            [(&settings, "settings.entities"), (&parameters, "parameters.entities")]
        {
            if let Some(list) = document.get("entities") {
                entities = entities::add(entities, list, name, schema)?;
            }
        }
        let asked = parameters.get("links").filter(|links| !links.is_null());
        Ok(Self {
            settings: call.settings.clone(),
            parameters: call.parameters.clone(),
            entities,
            policies: asked.map(|asked| linked(compiled, asked)).transpose()?,
        })
    }

    fn serve(&self, call: &Call) -> bool {
        self.settings == call.settings && self.parameters == call.parameters
    }
}

fn linked(compiled: &Compiled, asked: &Value) -> Result<PolicySet, Failure> {
    let wrong = |message: String| diagnose::raised("cedar.links", message);
    let mut policies = compiled.policies.clone();
    links::add(&mut policies, asked, "parameters.links").map_err(wrong)?;
    let invalid = |schema: &Schema| compile::invalid(&policies, schema);
    match compiled.schema.as_ref().and_then(invalid) {
        Some(message) => Err(wrong(format!("`parameters.links`: {message}"))),
        None => Ok(policies),
    }
}

/// Cedar's answer; it collects both lists in hash tables, so they are sorted here.
fn answer(response: &Response) -> Value {
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
    fn checked(&self) -> Checked {
        Checked { warnings: self.compiled.warnings.clone() }
    }

    /// A run owns its request and its copy of the entities; policies and documents are immutable
    /// and only the next call's own documents select those that are kept. The library keeps
    /// nothing between requests: its statics are parsers' tables and names of its functions.
    fn isolation(&self) -> Isolation {
        Isolation::Reusable
    }

    fn run(&mut self, call: &Call, budget: &Budget) -> Result<Outcome, Failure> {
        let started = Instant::now();
        let Method::Eval { input_data } = &call.method else {
            return Err(diagnose::raised(
                "cedar.no-management",
                "a cedar policy has no management commands; make it an action of the request, or write the policy in python",
            ));
        };
        let response = self.decide(call, input_data)?;
        let output = RawJson::of(&answer(&response));
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
