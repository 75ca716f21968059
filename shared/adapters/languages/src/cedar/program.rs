//! Compiled Cedar policies and their runs.

use std::time::Instant;

use cedar_policy::{
    AuthorizationError, Authorizer, Decision, Effect, Entities, PolicyId, PolicySet, Response,
    Schema,
};
use serde_json::{Value, json};
use writ_model::RawJson;

use super::compile::{self, Compiled, ForbidErrors};
use super::{diagnose, entities, links, request};
use crate::language::Program;
use crate::{Budget, Call, CheckReport, Failure, Method, Outcome};

/// Compiled policies, ready to decide requests.
pub(super) struct CedarProgram {
    compiled: Compiled,
    authorizer: Authorizer,
}

/// The settings and parameters of a policy in Cedar's form.
struct Documents {
    entities: Entities,
    /// The policies with those that the parameters link; `None` if they link none.
    policies: Option<PolicySet>,
}

impl CedarProgram {
    pub(super) fn new(compiled: Compiled) -> Self {
        Self { compiled, authorizer: Authorizer::new() }
    }

    fn decide(&self, call: &Call, input: &RawJson) -> Result<Value, Failure> {
        let schema = self.compiled.schema.as_ref();
        let Documents { mut entities, policies } = Documents::read(call, &self.compiled)?;
        let parsed = request::parse(input, schema)?;
        if let Some(list) = &parsed.entities {
            entities = entities::add(entities, list, "input.entities", schema)?;
        }
        let policies = policies.as_ref().unwrap_or(&self.compiled.policies);
        let response = self.authorizer.is_authorized(&parsed.request, policies, &entities);
        Ok(decision_document(&response, policies, self.compiled.forbid_errors))
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
        let policies = links.map(|links| link_policies(compiled, links)).transpose()?;
        Ok(Self { entities, policies })
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
fn decision_document(
    response: &Response,
    policies: &PolicySet,
    forbid_errors: ForbidErrors,
) -> Value {
    let diagnostics = response.diagnostics();
    let mut errors: Vec<(&PolicyId, String)> = diagnostics
        .errors()
        .map(|error| match error {
            AuthorizationError::PolicyEvaluationError(error) => {
                (error.policy_id(), error.inner().to_string())
            }
        })
        .collect();
    errors.sort_unstable();
    let is_forbid =
        |id: &PolicyId| policies.policy(id).is_none_or(|it| it.effect() == Effect::Forbid);
    let erred_forbids: Vec<&PolicyId> = match forbid_errors {
        ForbidErrors::Deny => errors.iter().map(|(id, _)| *id).filter(|id| is_forbid(id)).collect(),
        ForbidErrors::Ignore => Vec::new(),
    };
    let (decision, mut reasons) = match response.decision() {
        Decision::Allow if erred_forbids.is_empty() => ("allow", diagnostics.reason().collect()),
        Decision::Allow => ("deny", erred_forbids),
        Decision::Deny => ("deny", diagnostics.reason().chain(erred_forbids).collect::<Vec<_>>()),
    };
    reasons.sort_unstable();
    let reasons: Vec<&str> = reasons.into_iter().map(AsRef::as_ref).collect();
    let errors: Vec<Value> = errors
        .into_iter()
        .map(|(id, message)| json!({"policy_id": AsRef::<str>::as_ref(id), "message": message}))
        .collect();
    let mut document = json!({"decision": decision, "reasons": reasons, "errors": errors});
    if forbid_errors == ForbidErrors::Ignore
        && let Some(members) = document.as_object_mut()
    {
        members.insert("forbid_errors".to_owned(), json!("ignore"));
    }
    document
}

impl Program for CedarProgram {
    fn checked(&self) -> CheckReport {
        CheckReport { warnings: self.compiled.warnings.clone() }
    }

    fn run(&mut self, call: &Call, budget: &Budget) -> Result<Outcome, Failure> {
        let started = Instant::now();
        let Method::Eval { input_data } = &call.method else {
            return Err(diagnose::policy_error(
                "cedar.no-management",
                "a cedar policy has no management commands; make it an action of the request, or write the policy in python",
            ));
        };
        let output = RawJson::of(&self.decide(call, input_data)?);
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
