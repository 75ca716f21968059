//! A store for one test, and objects to write into it.

use std::collections::{BTreeMap, HashMap};

use aws_sdk_dynamodb::types::AttributeValue;
use serde_json::{Value, json};
use writ_model::{
    Cause, Digest, Execution, ExecutionStatus, Language, PolicyRule, PolicyUri, RawJson, Timestamp,
    Workspace,
};
use writ_ports::{CreatePolicy, NewRevision, Page, PolicyHead, Query};
use writ_query::{Filter, Sort};
use writ_store::{Store, TableNames};

use writ_dynamodb::Database;

/// A store, with its database.
pub(crate) struct Fixture {
    pub(crate) store: Store,
    pub(crate) database: Database,
}

impl Fixture {
    pub(crate) async fn new() -> Self {
        Self::on(Database::ephemeral().unwrap()).await
    }

    pub(crate) async fn on(database: Database) -> Self {
        let store = Store::new(database.client(), tables());
        store.create_tables().await.unwrap();
        Self { store, database }
    }
}

pub(crate) fn tables() -> TableNames {
    TableNames::with_prefix("writ-")
}

pub(crate) fn workspace(name: &str) -> Workspace {
    name.parse().unwrap()
}

pub(crate) fn uri(text: &str) -> PolicyUri {
    text.parse().unwrap()
}

/// The owned parts of a new revision.
#[derive(Clone)]
pub(crate) struct Draft {
    pub(crate) head: PolicyHead,
    pub(crate) policy: PolicyRule,
    pub(crate) body: String,
}

impl Draft {
    /// The first revision of a policy, with these fields in addition to those of its URI.
    pub(crate) fn new(uri: &str, policy_id: &str, fields: Value) -> Self {
        let uri: PolicyUri = uri.parse().unwrap();
        let mut document = json!({
            "name": uri.name(), "version": uri.version(), "release_tag": uri.release_tag(), "code": "pass",
        });
        for (name, value) in fields.as_object().unwrap() {
            document[name] = value.clone();
        }
        let policy = PolicyRule::from_json(&document.to_string()).unwrap();
        let body = policy.to_body().unwrap();
        let time = Timestamp::from_ms(1_790_000_000_123);
        let head = PolicyHead {
            policy_id: policy_id.to_owned(),
            uri: policy.policy_rule_uri.clone(),
            revision: 1,
            digest: Digest::of(body.as_bytes()),
            created_at: time,
            updated_at: time,
        };
        Self { head, policy, body }
    }

    /// The revision that replaces `old`.
    pub(crate) fn after(old: &PolicyHead, uri: &str, fields: Value) -> Self {
        let mut draft = Self::new(uri, &old.policy_id, fields);
        draft.head.revision = old.revision + 1;
        draft.head.created_at = old.created_at;
        draft.head.updated_at = Timestamp::from_ms(old.updated_at.as_ms() + 1);
        draft
    }

    pub(crate) fn revision(&self) -> NewRevision<'_> {
        NewRevision {
            head: self.head.clone(),
            policy: &self.policy,
            body: &self.body,
            author: "ada",
        }
    }
}

pub(crate) async fn create(
    store: &Store,
    workspace: &Workspace,
    uri: &str,
    fields: Value,
) -> Draft {
    let draft = Draft::new(uri, &format!("id-of-{uri}"), fields);
    store.create_policy(workspace, draft.revision()).await.unwrap();
    draft
}

/// All items, by table, partition key and sort key.
pub(crate) type Dump = BTreeMap<(String, String, String), HashMap<String, AttributeValue>>;

pub(crate) async fn dump(database: &Database) -> Dump {
    let mut dump = Dump::new();
    for definition in writ_store::tables::DEFINITIONS {
        let table = format!("writ-{}", definition.name);
        let mut start = None;
        loop {
            let page = database.client().scan().table_name(&table);
            let page = page.set_exclusive_start_key(start).send().await.unwrap();
            for item in page.items() {
                let part = |name: Option<&str>| name.map_or("", |name| item[name].as_s().unwrap());
                let (partition, sort) =
                    (part(Some(definition.partition_key)), part(definition.sort_key));
                let key = (table.clone(), partition.to_owned(), sort.to_owned());
                dump.insert(key, item.clone());
            }
            start = page.last_evaluated_key;
            if start.is_none() {
                break;
            }
        }
    }
    dump
}

pub(crate) fn query(filter: Value, sort: Value, limit: usize, next_token: Option<String>) -> Query {
    let sort = (!sort.is_null()).then(|| Sort::parse(&sort).unwrap());
    Query { filter: Filter::parse(&filter).unwrap(), sort, limit, next_token }
}

/// The value of a string field in each item of a page.
pub(crate) fn values(page: &Page, field: &str) -> Vec<String> {
    let value = |item: &String| {
        serde_json::from_str::<Value>(item).unwrap()[field].as_str().unwrap().to_owned()
    };
    page.items.iter().map(value).collect()
}

pub(crate) fn uris(page: &Page) -> Vec<String> {
    values(page, "policy_rule_uri")
}

pub(crate) fn execution(
    workspace: &Workspace,
    number: u64,
    uri: &str,
    started_at_ms: i64,
) -> Execution {
    Execution {
        execution_id: format!(
            "{:08x}-{:04x}-7000-8000-{number:012x}",
            started_at_ms >> 16,
            started_at_ms & 0xffff
        ),
        workspace: workspace.clone(),
        identity: "ada".to_owned(),
        principal_kind: writ_model::PrincipalKind::Token,
        on_behalf_of: None,
        cause: Cause::Request,
        parent: None,
        idempotency_key: None,
        policy_rule_uri: uri.parse().unwrap(),
        revision: 1,
        digest: Digest::of(b"body"),
        source: "builtin".to_owned(),
        engine: Language::ALL[0],
        engine_version: "1".to_owned(),
        executor_id: writ_model::ExecutorId::BUILTIN,
        mgmt_action: None,
        input_data: RawJson::parse(r#"{"b": 1.0,  "a": 1e400}"#).unwrap(),
        parameters: RawJson::empty_object(),
        overridden: Vec::new(),
        precheck: None,
        context: None,
        started_at: Timestamp::from_ms(started_at_ms),
        policy_time: Timestamp::from_ms(started_at_ms),
        seed: number,
        status: if number.is_multiple_of(2) {
            ExecutionStatus::Succeeded
        } else {
            ExecutionStatus::Failed
        },
        output: Some(RawJson::parse("12345678901234567890.10").unwrap()),
        error: None,
        printed: String::new(),
        masked: Vec::new(),
        duration_us: 1,
        engine_us: 1,
        trace_id: None,
    }
}
