//! What a changed policy would have decided: its runs over recorded executions, compared.
//!
//! A run here reads what the recorded one read: input, the caller's own parameters over the new
//! stored ones, time, seed and context. It is stateless, so nothing is kept, recorded or limited.

mod compare;

use serde::Serialize;
use serde_json::{Value, json};
use writ_model::run::{Budget, Outcome};
use writ_model::{Error, Execution, PolicyUri, RawJson, Timestamp, Workspace};
use writ_ports::{Clock, Evaluate, Query, QueryExecutions};
use writ_query::Filter;

use crate::replay::{refuse_unrepeatable, replay_inputs};
use crate::{CompiledPolicy, errors};

pub use compare::Change;

/// Executions that are read at a time.
const PAGE: usize = 25;

/// No further executions are read after this: a caller waits 25 seconds at most.
const PLANNING_US_MAX: u64 = 15_000_000;

/// Examples of one group at most.
const EXAMPLES_MAX: usize = 3;

/// What to compare with.
#[derive(Clone, Debug)]
pub struct PlanRequest {
    /// Whose executions.
    pub workspace: Workspace,
    /// Of which policy.
    pub of: PolicyUri,
    /// Not those before.
    pub since: Option<Timestamp>,
    /// How many at most.
    pub limit: usize,
    /// Where the plan before ended.
    pub next_token: Option<String>,
}

/// What would change.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Plan {
    /// Executions that were looked at.
    pub considered: usize,
    /// Of these, how many have the same outcome.
    pub same: usize,
    /// How many have another one.
    pub changed: usize,
    /// How many could not be run again, and why.
    pub skipped: Vec<Skipped>,
    /// Changed outcomes that change alike, the largest group first.
    pub groups: Vec<Group>,
    /// There may be more: ask again with this. It stands beside the plan.
    #[serde(skip)]
    pub next_token: Option<String>,
}

/// Executions that cannot be run again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Skipped {
    /// Why.
    pub reason: String,
    /// How many.
    pub count: usize,
    /// One of them.
    pub execution_id: String,
}

/// Outcomes that change alike.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Group {
    /// What changes, place by place.
    pub changes: Vec<Change>,
    /// How many.
    pub count: usize,
    /// Some of them, the newest first.
    pub examples: Vec<Example>,
}

/// One outcome that changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Example {
    /// The recorded run.
    pub execution_id: String,
    /// Its input.
    pub input_data: RawJson,
    /// What came of it: an output, or `{"error": {"kind", "message"}}`.
    pub was: RawJson,
    /// What would come of it.
    pub is: RawJson,
}

/// Runs `prepared` over recorded executions, newest first.
///
/// # Errors
/// The store's; engines that are busy or lost, for then nothing can be said.
pub async fn plan<P: Evaluate + QueryExecutions + Clock>(
    ports: &P,
    prepared: &CompiledPolicy,
    order: PlanRequest,
) -> Result<Plan, Error> {
    let begun = ports.ticks_us();
    let filter = filter(&order)?;
    let mut plan = Plan { next_token: order.next_token, ..Plan::default() };
    while plan.considered < order.limit {
        let query = Query {
            filter: filter.clone(),
            sort: None,
            limit: PAGE.min(order.limit - plan.considered),
            next_token: plan.next_token.take(),
        };
        let page = ports.query_executions(&order.workspace, &query).await?;
        for item in &page.items {
            let first: Execution = serde_json::from_str(item).map_err(Error::internal)?;
            plan.add(ports, prepared, &first).await?;
        }
        plan.next_token = page.next_token;
        let spent = ports.ticks_us().saturating_sub(begun);
        if plan.next_token.is_none() || spent > PLANNING_US_MAX {
            break;
        }
    }
    plan.groups.sort_by_key(|group| std::cmp::Reverse(group.count));
    Ok(plan)
}

/// What was run once, by a caller.
fn filter(order: &PlanRequest) -> Result<Filter, Error> {
    let mut filter = json!({
        "policy_rule_uri": order.of,
        "cause": {"$ne": "replay"},
        "mgmt_action": {"$exists": false},
    });
    if let (Some(since), Value::Object(members)) = (order.since, &mut filter) {
        members.insert("started_at".to_owned(), json!({ "$gte": since }));
    }
    Filter::parse(&filter).map_err(Error::from)
}

impl Plan {
    async fn add(
        &mut self,
        ports: &impl Evaluate,
        prepared: &CompiledPolicy,
        first: &Execution,
    ) -> Result<(), Error> {
        self.considered += 1;
        if let Err(error) = refuse_unrepeatable(first) {
            self.skip(&error.message, &first.execution_id);
            return Ok(());
        }
        // What one of the two policies masks is masked in both outcomes: it neither shows nor counts.
        let hidden = |mut output: RawJson| {
            for pointer in first.masked.iter().chain(prepared.mask()) {
                if let Some(path) = pointer.strip_prefix("/output") {
                    output.mask(path);
                }
            }
            output
        };
        let second = match again(ports, prepared, first).await {
            Ok(outcome) => hidden(outcome.output),
            Err(error) if !crate::replay::is_the_policys(error.kind) => return Err(error),
            Err(error) => failed(&error),
        };
        let was = match (&first.output, &first.error) {
            (Some(output), _) => hidden(output.clone()),
            (None, error) => error.as_ref().map(failed).unwrap_or_default(),
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

fn failed(error: &Error) -> RawJson {
    RawJson::of(&json!({"error": {"kind": error.kind, "message": error.message}}))
}

/// The changed policy on what the first run read.
async fn again(
    ports: &impl Evaluate,
    prepared: &CompiledPolicy,
    first: &Execution,
) -> Result<Outcome, Error> {
    let given = match first.parameters.value() {
        Value::Object(mut merged) => {
            merged.retain(|name, _| first.overridden.contains(name));
            RawJson::of(&Value::Object(merged))
        }
        _ => RawJson::empty_object(),
    };
    let execution = Execution { parameters: prepared.merge(Some(&given))?, ..first.clone() };
    prepared.check_call(&execution)?;
    let context = prepared.keeps_state().then(|| replay_inputs(first).context.value);
    let call = prepared.call(&execution, context);
    let workspace = first.workspace.as_str();
    let source = prepared.source().clone();
    let ran = ports.evaluate(workspace, source, call, Budget::default()).await;
    let outcome = ran.map_err(|failed| errors::to_error(failed.failure))?;
    prepared.check_output(&outcome.output)?;
    Ok(outcome)
}

#[cfg(test)]
mod tests;
