//! The read and write units of one job, as DynamoDB counts them.

use std::collections::BTreeMap;
use std::error::Error;
use std::sync::{Arc, Mutex, PoisonError};

use aws_sdk_dynamodb::config::interceptors::{
    AfterDeserializationInterceptorContextRef, BeforeSerializationInterceptorContextMut,
};
use aws_sdk_dynamodb::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_dynamodb::error::BoxError;
use aws_sdk_dynamodb::operation::get_item::{GetItemInput, GetItemOutput};
use aws_sdk_dynamodb::operation::put_item::{PutItemInput, PutItemOutput};
use aws_sdk_dynamodb::operation::query::{QueryInput, QueryOutput};
use aws_sdk_dynamodb::operation::transact_write_items::{
    TransactWriteItemsInput, TransactWriteItemsOutput,
};
use aws_sdk_dynamodb::operation::update_item::{UpdateItemInput, UpdateItemOutput};
use aws_sdk_dynamodb::types::{ConsumedCapacity, ReturnConsumedCapacity};
use serde_json::json;
use writ_dynamodb::Database;
use writ_embedded::{Platform, SignalQueue};
use writ_engine::{Engine, EngineConfig};
use writ_engine_async::AsyncEngine;
use writ_jobs::{Runner, enqueue};
use writ_model::{Digest, JobSignal, PolicyRule, RawJson, SignalKind, Submission, Workspace};
use writ_platform::Outbound;
use writ_ports::{
    Clock, CreatePolicy as _, GetPolicy as _, Ids, NewRevision, PolicyHead, PutJob as _,
};
use writ_store::{Store, TableNames};

const JOBS: u32 = 100;
/// On-demand prices of us-east-1, per million, in US dollars.
const READ: f64 = 0.125;
const WRITE: f64 = 0.625;

/// Calls and units of one operation.
#[derive(Clone, Copy, Debug, Default)]
struct Used {
    calls: u32,
    units: f64,
}

/// Requests the consumed capacity of each call, and adds it up.
#[derive(Clone, Debug, Default)]
struct Meter {
    used: Arc<Mutex<BTreeMap<&'static str, Used>>>,
}

impl Meter {
    fn add(&self, operation: &'static str, consumed: &[ConsumedCapacity]) {
        let units: f64 = consumed.iter().filter_map(ConsumedCapacity::capacity_units).sum();
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        let used = used.entry(operation).or_default();
        *used = Used { calls: used.calls + 1, units: used.units + units };
    }

    fn take(&self) -> BTreeMap<&'static str, Used> {
        std::mem::take(&mut *self.used.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Intercept for Meter {
    fn name(&self) -> &'static str {
        "meter"
    }

    fn modify_before_serialization(
        &self,
        context: &mut BeforeSerializationInterceptorContextMut<'_>,
        _components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let input = context.input_mut();
        let total = || Some(ReturnConsumedCapacity::Total);
        if let Some(input) = input.downcast_mut::<GetItemInput>() {
            input.return_consumed_capacity = total();
        } else if let Some(input) = input.downcast_mut::<PutItemInput>() {
            input.return_consumed_capacity = total();
        } else if let Some(input) = input.downcast_mut::<QueryInput>() {
            input.return_consumed_capacity = total();
        } else if let Some(input) = input.downcast_mut::<UpdateItemInput>() {
            input.return_consumed_capacity = total();
        } else if let Some(input) = input.downcast_mut::<TransactWriteItemsInput>() {
            input.return_consumed_capacity = total();
        }
        Ok(())
    }

    fn read_after_deserialization(
        &self,
        context: &AfterDeserializationInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let Ok(output) = context.output_or_error() else { return Ok(()) };
        if let Some(output) = output.downcast_ref::<GetItemOutput>() {
            self.add("GetItem", output.consumed_capacity.as_slice());
        } else if let Some(output) = output.downcast_ref::<PutItemOutput>() {
            self.add("PutItem", output.consumed_capacity.as_slice());
        } else if let Some(output) = output.downcast_ref::<QueryOutput>() {
            self.add("Query", output.consumed_capacity.as_slice());
        } else if let Some(output) = output.downcast_ref::<UpdateItemOutput>() {
            self.add("UpdateItem", output.consumed_capacity.as_slice());
        } else if let Some(output) = output.downcast_ref::<TransactWriteItemsOutput>() {
            self.add("TransactWriteItems", output.consumed_capacity());
        }
        Ok(())
    }
}

/// The table of units per job, with the price of a million jobs.
pub(crate) fn report() -> Result<String, Box<dyn Error>> {
    tokio::runtime::Runtime::new()?.block_on(run_report())
}

async fn run_report() -> Result<String, Box<dyn Error>> {
    let database = Database::ephemeral()?;
    let meter = Meter::default();
    let config = database.client().config().to_builder().interceptor(meter.clone()).build();
    let store =
        Store::new(aws_sdk_dynamodb::Client::from_conf(config), TableNames::with_prefix("bench-"));
    store.create_tables().await.map_err(|error| format!("{error:?}"))?;
    let engine = Arc::new(Engine::start(EngineConfig::default())?);
    let webhook_client = writ_callbacks::WebhookClient::new(writ_callbacks::Allowlist::default());
    let outbound = Outbound { queue: SignalQueue::default(), webhook_client };
    let platform: Platform =
        writ_platform::Platform::new(store, AsyncEngine::new(Arc::clone(&engine)))
            .with_outbound(outbound);
    let workspace = Workspace::default();
    register(&platform, &workspace).await?;
    let runner =
        Runner { executor_id: writ_model::ExecutorId::BUILTIN, node_id: Some("bench".to_owned()) };
    let (mut submitting, mut running) = (BTreeMap::new(), BTreeMap::new());
    for number in 0..=JOBS {
        let submission = submission(&platform, &workspace)?;
        meter.take();
        let describe_error = |error: writ_model::Error| format!("{error:?}");
        platform
            .get_policy(&workspace, &submission.policy_rule_uri)
            .await
            .map_err(describe_error)?;
        platform.put_job(&submission, &enqueue(&submission)).await.map_err(describe_error)?;
        let submitted = meter.take();
        let signal = JobSignal::new(&submission, SignalKind::Queue);
        writ_job_runner::process_signal(&platform, &runner, &signal)
            .await
            .map_err(describe_error)?;
        let ran = meter.take();
        // The first one reads the policy's body as well.
        if number > 0 {
            join(&mut submitting, submitted);
            join(&mut running, ran);
        }
    }
    engine.shutdown();
    Ok(table(&submitting, &running))
}

fn join(sum: &mut BTreeMap<&'static str, Used>, more: BTreeMap<&'static str, Used>) {
    for (operation, used) in more {
        let sum = sum.entry(operation).or_default();
        *sum = Used { calls: sum.calls + used.calls, units: sum.units + used.units };
    }
}

fn table(
    submitting: &BTreeMap<&'static str, Used>,
    running: &BTreeMap<&'static str, Used>,
) -> String {
    let mut text = "### What a job reads and writes\n\n| part | operation | calls a job | units a job |\n|---|---|---|---|\n".to_owned();
    let (mut reads, mut writes) = (0.0, 0.0);
    for (part, used) in [("submitting", submitting), ("running", running)] {
        for (operation, used) in used {
            let (calls, units) =
                (f64::from(used.calls) / f64::from(JOBS), used.units / f64::from(JOBS));
            text += &format!("| {part} | `{operation}` | {calls:.2} | {units:.1} |\n");
            if matches!(*operation, "GetItem" | "Query") {
                reads += units;
            } else {
                writes += units;
            }
        }
    }
    text += &format!(
        "\nIn all {reads:.1} read and {writes:.1} write units a job, indexes included: at {READ} and {WRITE} dollars a \
         million (on demand, us-east-1) {:.2} dollars a million jobs for DynamoDB. Function time, requests \
         and messages come on top.\n",
        reads * READ + writes * WRITE,
    );
    text
}

pub(crate) fn submission(
    platform: &(impl Clock + Ids),
    workspace: &Workspace,
) -> Result<Submission, Box<dyn Error>> {
    let now = platform.now();
    Ok(Submission {
        name: "bench".to_owned(),
        policy_rule_uri: "constant:1-x".parse()?,
        inputs: RawJson::of(&json!({"ip": "10.0.0.1"})),
        timeout_seconds: 300,
        submitted_at: now,
        ..writ_testing::builders::submission(workspace, &platform.id(now))
    })
}

async fn register(platform: &Platform, workspace: &Workspace) -> Result<(), Box<dyn Error>> {
    let document = json!({
        "name": "constant", "version": "1", "release_tag": "x", "code_type": "cel", "code": "true",
    });
    let policy = PolicyRule::from_json(&document.to_string())?;
    let body = policy.to_body()?;
    let now = platform.now();
    let head = PolicyHead {
        policy_id: platform.id(now),
        uri: policy.policy_rule_uri.clone(),
        revision: 1,
        digest: Digest::of(body.as_bytes()),
        created_at: now,
        updated_at: now,
    };
    let new = NewRevision { head, policy: &policy, body: &body, author: "bench" };
    platform.create_policy(workspace, new).await.map_err(|error| format!("{error:?}").into())
}
