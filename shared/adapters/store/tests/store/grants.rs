//! What each port does to DynamoDB, recorded between the SDK and the database and held against the
//! grants that the deployment's roles are made from.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex};

use aws_sdk_dynamodb::Client;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
    SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use serde_json::{Value, json};
use writ_grants::{GRANTS, Grant, Resource};
use writ_model::{Digest, Execution, RawJson, Role, Submission, Timestamp, Workspace};
use writ_ports::{
    CallbackSecretStore, CallbackSecrets, ChangeJob, CollectUploads, CommitResult, CompleteJob,
    ContextStore, ContextWrite, CountQueued, CreatePolicy, DeletePolicy, DueJobs, DuePage, GetBody,
    GetExecution, GetPolicy, GetRevisions, GetToken, Idempotency, IdempotencyKey, JobCompletion,
    KeyState, ListTokens, PeekQueue, PutJob, PutToken, QueryExecutions, QueryJobs, QueryPolicies,
    RecordExecution, RemoveExpired, ReplacePolicy, RevokeToken, StoredReply, Token,
};
use writ_store::Store;
use writ_store::tables::DEFINITIONS;

use crate::fixture::{Draft, Fixture, create, execution, query, tables, uri, workspace};
use crate::job;
use crate::script::{ANY, Fault, faulty};
use writ_dynamodb::Database;

/// Action, table, index: what IAM would be asked.
type Used = BTreeSet<(String, String, Option<String>)>;

/// Passes requests on and notes what they do.
#[derive(Clone, Debug)]
struct Recorder {
    used: Arc<Mutex<Used>>,
    inner: SharedHttpClient,
}

impl Recorder {
    fn note(&self, request: &HttpRequest) {
        let target = request.headers().get("x-amz-target").unwrap();
        let operation = target.split_once('.').unwrap().1;
        let body: Value = serde_json::from_slice(request.body().bytes().unwrap()).unwrap();
        self.used.lock().unwrap().extend(asked(operation, &body));
    }
}

/// What IAM is asked for one request.
fn asked(operation: &str, body: &Value) -> Used {
    let table = |name: &Value| name.as_str().unwrap().strip_prefix("writ-").unwrap().to_owned();
    let on = |action: &str, name: &Value| (action.to_owned(), table(name), None);
    match operation {
        "TransactWriteItems" => {
            let items = body["TransactItems"].as_array().unwrap().iter();
            let actions = items.flat_map(|item| item.as_object().unwrap());
            let names = [
                ("Put", "PutItem"),
                ("Update", "UpdateItem"),
                ("Delete", "DeleteItem"),
                ("ConditionCheck", "ConditionCheckItem"),
            ];
            let iam = |kind: &str| names.iter().find(|(name, _)| *name == kind).unwrap().1;
            actions.map(|(kind, action)| on(iam(kind), &action["TableName"])).collect()
        }
        "BatchGetItem" | "BatchWriteItem" => {
            let tables = body["RequestItems"].as_object().unwrap().keys();
            tables.map(|name| on(operation, &json!(name))).collect()
        }
        _ => {
            let index = body.get("IndexName").map(|name| name.as_str().unwrap().to_owned());
            Used::from([(operation.to_owned(), table(&body["TableName"]), index)])
        }
    }
}

impl HttpClient for Recorder {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        let inner = self.inner.http_connector(settings, components);
        SharedHttpConnector::new(Noting { recorder: self.clone(), inner })
    }
}

#[derive(Debug)]
struct Noting {
    recorder: Recorder,
    inner: SharedHttpConnector,
}

impl HttpConnector for Noting {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        self.recorder.note(&request);
        self.inner.call(request)
    }
}

/// One database behind two stores: one to prepare with, one that is watched.
struct Watch {
    quiet: Store,
    store: Store,
    used: Arc<Mutex<Used>>,
    home: Workspace,
    database: Database,
}

impl Watch {
    async fn new() -> Self {
        let Fixture { store: quiet, database } = Fixture::new().await;
        let used = Arc::default();
        let recorder = Recorder { used: Arc::clone(&used), inner: database.http_client() };
        let config = Database::config(SharedHttpClient::new(recorder));
        let store = Store::new(Client::from_conf(config), tables());
        Self { quiet, store, used, home: workspace("home"), database }
    }

    /// Everything that the port can make the store do.
    async fn exercise(&self, port: &str) {
        let Self { quiet, store, home, .. } = self;
        match port {
            "GetPolicy" => assert_eq!(store.get_policy(home, &uri("a:1-x")).await, Ok(None)),
            "GetBody" => {
                let draft = create(quiet, home, "a:1-x", large()).await;
                assert!(store.get_body(home, &draft.head.digest).await.unwrap().is_some());
            }
            "CreatePolicy" => {
                let draft = create(store, home, "a:1-x", large()).await;
                assert!(store.create_policy(home, draft.revision()).await.is_err());
            }
            "ReplacePolicy" => replace(self).await,
            "DeletePolicy" => {
                let head = create(quiet, home, "a:1-x", large()).await.head;
                store.delete_policy(home, &head).await.unwrap();
                assert!(store.delete_policy(home, &head).await.is_err());
            }
            "QueryPolicies" => query_policies(self).await,
            "GetRevisions" => {
                let head = create(quiet, home, "a:1-x", json!({})).await.head;
                let page = store.list_revisions(home, &head.policy_id, 1, None).await.unwrap();
                assert_eq!(page.revisions.len(), 1);
                store.get_revision(home, &head.policy_id, 1).await.unwrap().unwrap();
            }
            "RecordExecution" => {
                for record in
                    [execution(home, 1, "a:1-x", 0), large_record(home), huge_record(home)]
                {
                    store.record_execution(&record).await.unwrap();
                    assert!(store.record_execution(&record).await.is_err());
                }
            }
            "ContextStore" => {
                create(quiet, home, "a:1-x", json!({})).await;
                let uri = uri("a:1-x");
                let value = RawJson::of(&json!({"n": 1}));
                let records =
                    [execution(home, 1, "a:1-x", 0), large_record(home), huge_record(home)];
                for record in &records {
                    let version = store.get_context(home, "id-of-a:1-x").await.unwrap().version;
                    let write = ContextWrite {
                        policy_id: "id-of-a:1-x",
                        uri: &uri,
                        version,
                        value: &value,
                    };
                    store.commit_context(record, write).await.unwrap();
                    let next = ContextWrite { version: version + 1, ..write };
                    assert!(store.commit_context(record, next).await.is_err());
                }
            }
            "GetExecution" => {
                let record = large_record(home);
                quiet.record_execution(&record).await.unwrap();
                store.get_execution(home, &record.execution_id).await.unwrap().unwrap();
            }
            "QueryExecutions" => query_executions(self).await,
            "PutJob" | "GetJob" | "QueryJobs" | "ChangeJob" | "CompleteJob" => {
                self.jobs(port).await
            }
            "CountQueued" => assert_eq!(store.count_before(home, "9", 10).await, Ok(0)),
            "PeekQueue" => assert_eq!(store.peek_queue(home, 10).await, Ok(vec![])),
            "DueJobs" => {
                let page = store.due_jobs(Timestamp::from_ms(0), None).await;
                assert_eq!(page, Ok(DuePage::default()));
            }
            "CallbackSecretStore" => {
                let secrets = CallbackSecrets { version: 1, secrets: Vec::new() };
                for holds in [true, false] {
                    assert_eq!(store.put_callback_secrets(home, &secrets).await, Ok(holds));
                }
                assert_eq!(store.get_callback_secrets(home).await, Ok(secrets));
            }
            "Idempotency" => use_keys(self).await,
            "GetToken" => assert_eq!(store.get_token("a").await, Ok(None)),
            "PutToken" => {
                store.put_token(&token(home)).await.unwrap();
                assert!(
                    store.put_token(&Token { role: Role::Admin, ..token(home) }).await.is_err()
                );
            }
            "ListTokens" => assert_eq!(store.list_tokens(home).await, Ok(vec![])),
            "RevokeToken" => {
                quiet.put_token(&token(home)).await.unwrap();
                assert!(store.revoke_token(home, "a").await.unwrap());
            }
            "CollectUploads" => {
                let broken = [Fault::Pass, Fault::Unreachable];
                let (broken, _) = faulty(&self.database, ANY, &broken, 1);
                assert!(broken.record_execution(&huge_record(home)).await.is_err());
                let late = Timestamp::from_ms(i64::MAX);
                assert_eq!(store.collect_uploads(late).await.unwrap().removed, 1);
            }
            "RemoveExpired" => {
                // More than one step looks at.
                for number in 0..150 {
                    quiet.begin(&used(home, number), Timestamp::from_ms(0)).await.unwrap();
                }
                let late = Timestamp::from_ms(1_790_000_000_000);
                assert!(store.remove_expired(late).await.unwrap().more);
            }
            other => {
                let is_exercised = crate::exercise(other, store, quiet, home).await;
                assert!(is_exercised, "`{other}` is granted something and not exercised");
            }
        }
    }
}

impl Watch {
    /// Everything that a port of jobs can make the store do, with small ones and large ones.
    async fn jobs(&self, port: &str) {
        let Self { quiet, store, home, .. } = self;
        create(quiet, home, "a:1-x", json!({})).await;
        let (uri, value) = (uri("a:1-x"), RawJson::of(&json!({"n": 1})));
        let watched = |it: &str| if it == port { store } else { quiet };
        for (number, length) in [(1, 10), (2, 400_000), (3, 6_000_000)] {
            let inputs = RawJson::of(&job::long(length.min(400_000)));
            let asked = Submission { inputs, ..job::submission(home, number) };
            let state = job::put(watched("PutJob"), &asked).await;
            assert!(watched("PutJob").put_job(&asked, &state).await.is_err());
            let mut record = job::record(&asked, number, Some(&job::long(length.min(400_000))));
            record.input_data = RawJson::of(&job::long(length));
            let id = record.execution_id.clone();
            let state = job::run(watched("ChangeJob"), &asked, &state, &id, job::at(5)).await;
            assert_eq!(watched("ChangeJob").change_job(&asked, &state).await, Ok(false));
            let state = job::after(&asked, &state, &record, job::at(9));
            let (policy_id, version) = ("id-of-a:1-x", number - 1);
            let context = Some(ContextWrite { policy_id, uri: &uri, version, value: &value });
            let (submission, output) = (&asked, record.output.as_ref());
            let end = JobCompletion { submission, state: &state, output, record: &record, context };
            assert_eq!(
                watched("CompleteJob").complete_job(end).await,
                Ok(CommitResult::Done { is_final: true })
            );
            assert_ne!(
                watched("CompleteJob").complete_job(end).await,
                Ok(CommitResult::Done { is_final: true })
            );
            assert_eq!(job::get(watched("GetJob"), &asked).await.state, state);
        }
        for (filter, sort) in [
            (json!({}), json!(null)),
            (json!({ "policy_rule_uri": "a:1-x" }), json!(null)),
            (json!({ "job_status": "completed" }), json!(null)),
            (json!({ "job_id": job::submission(home, 2).job_id }), json!(null)),
            (json!({}), json!({ "priority": 1 })),
        ] {
            let asked = query(filter, sort, 10, None);
            assert!(!watched("QueryJobs").query_jobs(home, &asked).await.unwrap().items.is_empty());
        }
    }
}

/// A policy with a body of several chunks.
fn large() -> Value {
    json!({ "description": "é".repeat(400_000) })
}

/// A record that takes several chunks.
fn large_record(home: &Workspace) -> Execution {
    let input_data = RawJson::of(&json!("é".repeat(400_000)));
    Execution { input_data, ..execution(home, 2, "a:1-x", 0) }
}

/// A record that takes several transactions.
fn huge_record(home: &Workspace) -> Execution {
    let input_data = RawJson::of(&json!("é".repeat(3_300_000)));
    Execution { input_data, ..execution(home, 3, "a:1-x", 0) }
}

fn used(home: &Workspace, number: u32) -> IdempotencyKey {
    IdempotencyKey {
        workspace: home.clone(),
        identity: "ada".to_owned(),
        key: format!("k{number}"),
        request: Digest::of(b"request"),
    }
}

fn token(home: &Workspace) -> Token {
    Token {
        token_id: "a".to_owned(),
        secret_hash: Digest::of(b"a"),
        subject: "ada".to_owned(),
        workspace: home.clone(),
        role: Role::Author,
        created_at: Timestamp::from_ms(0),
        expires_at: None,
    }
}

async fn replace(Watch { quiet, store, home, .. }: &Watch) {
    let first = create(quiet, home, "a:1-x", json!({})).await.head;
    let second = Draft::after(&first, "a:1-x", large());
    store.replace_policy(home, &first, second.revision()).await.unwrap();
    assert!(store.replace_policy(home, &first, second.revision()).await.is_err());
    let renamed = Draft::after(&second.head, "b:1-x", json!({}));
    store.replace_policy(home, &second.head, renamed.revision()).await.unwrap();
}

async fn query_policies(Watch { quiet, store, home, .. }: &Watch) {
    create(quiet, home, "a:1-x", large()).await;
    create(quiet, home, "b:1-x", json!({ "tags": "t", "type": "t" })).await;
    for (filter, sort) in [
        (json!({}), json!(null)),
        (json!({ "name": "a" }), json!(null)),
        (json!({ "version": "1" }), json!(null)),
        (json!({ "release_tag": "x" }), json!(null)),
        (json!({ "type": "t" }), json!(null)),
        (json!({ "tags": "t" }), json!(null)),
        // In the order of an index, and in one that no index has.
        (json!({}), json!({ "name": -1 })),
        (json!({}), json!({ "description": 1 })),
    ] {
        let mut token = None;
        loop {
            let asked = query(filter.clone(), sort.clone(), 1, token);
            let page = store.query_policies(home, &asked).await.unwrap();
            token = page.next_token;
            if token.is_none() {
                break;
            }
        }
    }
}

async fn query_executions(Watch { quiet, store, home, .. }: &Watch) {
    let records = [execution(home, 1, "a:1-x", 0), large_record(home)];
    for record in &records {
        quiet.record_execution(record).await.unwrap();
    }
    for (filter, sort) in [
        (json!({}), json!(null)),
        (json!({ "policy_rule_uri": "a:1-x" }), json!(null)),
        (json!({ "execution_id": records[1].execution_id }), json!(null)),
        (json!({}), json!({ "duration_us": 1 })),
    ] {
        let asked = query(filter, sort, 10, None);
        assert!(!store.query_executions(home, &asked).await.unwrap().items.is_empty());
    }
}

async fn use_keys(Watch { store, home, .. }: &Watch) {
    let now = Timestamp::from_ms(1_790_000_000_000);
    let key = used(home, 1);
    let claim = async || match store.begin(&key, now).await.unwrap() {
        KeyState::Acquired(claim) => claim.id,
        other => panic!("not free: {other:?}"),
    };
    store.abandon(&key, &claim().await).await.unwrap();
    store.release(&key, &claim().await).await.unwrap();
    let reply = StoredReply { status: 200, headers: vec![], body: "é".repeat(400_000) };
    store.finish(&key, &claim().await, &reply, now).await.unwrap();
    assert!(store.begin(&key, now).await.unwrap() == KeyState::Completed(reply));
}

/// What the table grants each port on tables; the ports that have no such grant are served by
/// other adapters.
fn granted() -> Vec<(&'static str, Used)> {
    let on_table = |grant: &Grant| match grant.resource {
        Resource::Table { name, index } => {
            Some((grant.action.to_owned(), name.to_owned(), index.map(str::to_owned)))
        }
        _ => None,
    };
    let rows = GRANTS
        .iter()
        .map(|(port, grants)| (port.name, grants.iter().filter_map(on_table).collect::<Used>()));
    rows.filter(|(_, granted)| !granted.is_empty()).collect()
}

#[tokio::test]
async fn each_port_does_just_what_it_is_granted() {
    for (port, granted) in granted() {
        let watch = Watch::new().await;
        watch.exercise(port).await;
        assert_eq!(*watch.used.lock().unwrap(), granted, "{port}");
    }
}

#[test]
fn every_grant_is_on_a_table_or_an_index_that_there_is() {
    for (port, granted) in granted() {
        for (_, name, index) in granted {
            let table = DEFINITIONS.iter().find(|table| table.name == name).unwrap();
            let has = |name: String| table.indexes.iter().any(|index| index.name == name);
            assert!(index.is_none_or(has), "{port}");
        }
    }
}

#[test]
fn each_port_that_the_store_serves_has_its_grants() {
    let mut served = BTreeSet::new();
    let mut directories = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                directories.push(path);
                continue;
            }
            let text = fs::read_to_string(path).unwrap();
            let ports = text.lines().filter_map(|line| {
                line.strip_prefix("impl ")?.strip_suffix(" for Store {").map(str::to_owned)
            });
            served.extend(ports);
        }
    }
    assert_eq!(served, granted().into_iter().map(|(port, _)| port.to_owned()).collect());
}
