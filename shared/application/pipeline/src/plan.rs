//! What a changed policy would have decided: its runs over recorded executions, compared.
//!
//! A run here reads what the recorded one read: input, the caller's own parameters over the new
//! stored ones, time, seed and context. It is stateless, so nothing is kept, recorded or limited.

mod compare;

use std::collections::HashSet;

use serde::Serialize;
use serde_json::{Value, json};
use writ_model::run::{Budget, Outcome};
use writ_model::{Error, Execution, PolicyUri, RawJson, Timestamp, Workspace};
use writ_ports::{Clock, Evaluate, Query, QueryExecutions};
use writ_query::Filter;

use crate::replay::{is_repeatable, refuse_unrepeatable, replay_inputs};
use crate::{CompiledPolicy, errors};

pub use compare::Change;

/// Executions that are read with one query.
const PAGE: usize = 25;

/// No further executions are read after this: a caller waits 25 seconds at most.
const PLANNING_US_MAX: u64 = 15_000_000;

/// Examples of one group at most, so that a reply stays small.
const EXAMPLES_MAX: usize = 3;

/// The executions that a changed policy is compared with.
#[derive(Clone, Debug)]
pub struct PlanRequest {
    /// The workspace that the executions belong to.
    pub workspace: Workspace,
    /// The policy that was executed.
    pub of: PolicyUri,
    /// Only executions from then on; `None` for all.
    pub since: Option<Timestamp>,
    /// The number of executions at most.
    pub limit: usize,
    /// The token of the page before; `None` for the first page.
    pub next_token: Option<String>,
}

/// The result of a comparison, page by page.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Plan {
    /// The number of executions that were read.
    pub considered: usize,
    /// The number of those with the same outcome.
    pub same: usize,
    /// The number of those with another outcome.
    pub changed: usize,
    /// Executions that could not be run again, by reason.
    pub skipped: Vec<Skipped>,
    /// Changed outcomes that change alike, the largest group first.
    pub groups: Vec<Group>,
    /// The token of the next page; `None` at the end. The API sends it beside the plan.
    #[serde(skip)]
    pub next_token: Option<String>,
}

/// Executions that cannot be run again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Skipped {
    /// The reason that they cannot be run again.
    pub reason: String,
    /// The number of executions with that reason.
    pub count: usize,
    /// The first of these executions.
    pub execution_id: String,
}

/// Outcomes that change alike.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Group {
    /// What changes, by JSON Pointer.
    pub changes: Vec<Change>,
    /// The number of executions in the group.
    pub count: usize,
    /// Up to three of them, the newest first.
    pub examples: Vec<Example>,
}

/// One outcome that changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Example {
    /// The id of the recorded run.
    pub execution_id: String,
    /// The input of the recorded run.
    pub input_data: RawJson,
    /// The recorded outcome: an output, or `{"error": {"kind", "message"}}`.
    pub was: RawJson,
    /// The outcome under the changed policy, in the same form.
    pub is: RawJson,
}

/// Runs `policy`, which need not be registered, over recorded executions, newest first. It needs
/// neither a source of policies nor the cache, so it is no method of [`crate::Pipeline`].
///
/// # Errors
/// The store's; engines that are busy or lost, for then nothing can be said.
pub async fn plan<P: Evaluate + QueryExecutions + Clock>(
    ports: &P,
    policy: &CompiledPolicy,
    request: PlanRequest,
) -> Result<Plan, Error> {
    let start = ports.ticks_us();
    let filter = filter(&request)?;
    let mut plan = Plan { next_token: request.next_token, ..Plan::default() };
    while plan.considered < request.limit {
        let query = Query {
            filter: filter.clone(),
            sort: None,
            limit: PAGE.min(request.limit - plan.considered),
            next_token: plan.next_token.take(),
        };
        let page = ports.query_executions(&request.workspace, &query).await?;
        for item in &page.items {
            let first: Execution = serde_json::from_str(item).map_err(Error::internal)?;
            plan.add(ports, policy, &first).await?;
        }
        plan.next_token = page.next_token;
        let elapsed = ports.ticks_us().saturating_sub(start);
        if plan.next_token.is_none() || elapsed > PLANNING_US_MAX {
            break;
        }
    }
    plan.groups.sort_by_key(|group| std::cmp::Reverse(group.count));
    Ok(plan)
}

/// Evaluations of the policy that were no replays.
fn filter(request: &PlanRequest) -> Result<Filter, Error> {
    let mut filter = json!({
        "policy_rule_uri": request.of,
        "cause": {"$ne": "replay"},
        "mgmt_action": {"$exists": false},
    });
    if let (Some(since), Value::Object(members)) = (request.since, &mut filter) {
        members.insert("started_at".to_owned(), json!({ "$gte": since }));
    }
    Filter::parse(&filter).map_err(Error::from)
}

impl Plan {
    async fn add(
        &mut self,
        ports: &impl Evaluate,
        policy: &CompiledPolicy,
        first: &Execution,
    ) -> Result<(), Error> {
        self.considered += 1;
        if let Err(error) = refuse_unrepeatable(first) {
            self.skip(&error.message, &first.execution_id);
            return Ok(());
        }
        // What one of the two policies masks is masked in both outcomes: it neither shows nor counts.
        let mask = |mut output: RawJson| {
            let pointers = first.masked.iter().chain(policy.mask());
            output.mask(pointers.filter_map(|pointer| pointer.strip_prefix("/output")));
            output
        };
        let second = match rerun(ports, policy, first).await {
            Ok(outcome) => mask(outcome.output),
            Err(error) if !is_repeatable(error.kind) => return Err(error),
            Err(error) => error_document(&error),
        };
        let was = match (&first.output, &first.error) {
            (Some(output), _) => mask(output.clone()),
            (None, error) => error.as_ref().map(error_document).unwrap_or_default(),
        };
        let changes = compare::changes(&was.value(), &second.value());
        if changes.is_empty() {
            self.same += 1;
            return Ok(());
        }
        self.changed += 1;
        let example = Example {
            execution_id: first.execution_id.clone(),
            input_data: first.input_data.clone(),
            was,
            is: second,
        };
        match self.groups.iter_mut().find(|group| group.changes == changes) {
            None => self.groups.push(Group { changes, count: 1, examples: vec![example] }),
            Some(group) => {
                group.count += 1;
                if group.examples.len() < EXAMPLES_MAX {
                    group.examples.push(example);
                }
            }
        }
        Ok(())
    }

    fn skip(&mut self, reason: &str, execution_id: &str) {
        match self.skipped.iter_mut().find(|skipped| skipped.reason == reason) {
            Some(skipped) => skipped.count += 1,
            None => self.skipped.push(Skipped {
                reason: reason.to_owned(),
                count: 1,
                execution_id: execution_id.to_owned(),
            }),
        }
    }
}

fn error_document(error: &Error) -> RawJson {
    RawJson::of(&json!({"error": {"kind": error.kind, "message": error.message}}))
}

/// The changed policy on what the first run read.
async fn rerun(
    ports: &impl Evaluate,
    policy: &CompiledPolicy,
    first: &Execution,
) -> Result<Outcome, Error> {
    let own_parameters = match first.parameters.value() {
        Value::Object(mut merged) => {
            let overridden: HashSet<&String> = first.overridden.iter().collect();
            merged.retain(|name, _| overridden.contains(name));
            RawJson::of(&Value::Object(merged))
        }
        _ => RawJson::empty_object(),
    };
    let execution = Execution { parameters: policy.merge(Some(&own_parameters))?, ..first.clone() };
    policy.refuse_unknown_command(&execution)?;
    let context = policy.has_context().then(|| replay_inputs(first).context.value);
    let call = policy.call(&execution, context);
    let workspace = first.workspace.as_str();
    let source = policy.source().clone();
    let outcome = ports.evaluate(workspace, source, call, Budget::default()).await;
    outcome.map_err(|error| errors::to_error(error.failure))
}

#[cfg(test)]
mod tests;
