//! What the embedded database never does: refuse for being busy, conflict, lose a reply. A script
//! stands between the SDK and the database.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
    SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use serde_json::{Value, json};
use writ_model::{Digest, ErrorKind, Timestamp};
use writ_ports::{
    Begun, CreatePolicy, DeletePolicy, GetPolicy, Idempotency, IdempotencyKey, QueryPolicies,
    RecordExecution, ReplacePolicy,
};
use writ_store::Store;

use crate::fixture::{Draft, Fixture, create, execution, query, tables, uri, workspace};
use writ_dynamodb::Database;

#[derive(Clone, Debug)]
enum Fault {
    /// The database is not asked; this is its answer.
    Answer(u16, Value),
    /// The request goes nowhere.
    Unreachable,
    /// No answer in time; the database was not asked.
    TimedOut,
    /// The database does it, and the answer is lost.
    LostReply,
}

/// What happens to the next requests of one operation.
#[derive(Clone, Debug)]
struct Script {
    operation: &'static str,
    faults: Arc<Mutex<VecDeque<Fault>>>,
    inner: SharedHttpClient,
}

impl Script {
    fn left(&self) -> usize {
        self.faults.lock().unwrap().len()
    }
}

impl HttpClient for Script {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        let inner = self.inner.http_connector(settings, components);
        SharedHttpConnector::new(Scripted { script: self.clone(), inner })
    }
}

#[derive(Debug)]
struct Scripted {
    script: Script,
    inner: SharedHttpConnector,
}

impl HttpConnector for Scripted {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let target = request.headers().get("x-amz-target").unwrap_or_default();
        let fault = target
            .ends_with(&format!(".{}", self.script.operation))
            .then(|| self.script.faults.lock().unwrap().pop_front())
            .flatten();
        match fault {
            None => self.inner.call(request),
            Some(Fault::Answer(status, body)) => {
                let status = status.try_into().unwrap();
                HttpConnectorFuture::ready(Ok(HttpResponse::new(
                    status,
                    SdkBody::from(body.to_string()),
                )))
            }
            Some(Fault::Unreachable) => {
                HttpConnectorFuture::ready(Err(ConnectorError::io("unreachable".into())))
            }
            Some(Fault::TimedOut) => {
                HttpConnectorFuture::ready(Err(ConnectorError::timeout("late".into())))
            }
            Some(Fault::LostReply) => {
                let answer = self.inner.call(request);
                HttpConnectorFuture::new(async {
                    answer.await?;
                    Err(ConnectorError::io("reset".into()))
                })
            }
        }
    }
}

/// A store whose requests of this operation meet these faults; `tries` is the SDK's.
fn faulty(
    database: &Database,
    operation: &'static str,
    faults: &[Fault],
    tries: u32,
) -> (Store, Script) {
    let faults = Arc::new(Mutex::new(faults.iter().cloned().collect()));
    let script = Script { operation, faults, inner: database.http_client() };
    let retry = RetryConfig::standard()
        .with_max_attempts(tries)
        .with_initial_backoff(Duration::from_millis(1));
    let config = Database::config(SharedHttpClient::new(script.clone()))
        .to_builder()
        .retry_config(retry)
        .build();
    (Store::new(Client::from_conf(config), tables()), script)
}

fn refusal(code: &str) -> Fault {
    let code = format!("com.amazonaws.dynamodb.v20120810#{code}");
    Fault::Answer(400, json!({"__type": code, "message": "secret detail"}))
}

fn cancelled(codes: &[&str]) -> Fault {
    let reasons: Vec<Value> =
        codes.iter().map(|code| json!({"Code": code, "Message": "m"})).collect();
    let code = "com.amazonaws.dynamodb.v20120810#TransactionCanceledException";
    Fault::Answer(
        400,
        json!({"__type": code, "Message": "cancelled", "CancellationReasons": reasons}),
    )
}

#[tokio::test]
async fn each_failure_of_the_database_is_told_as_what_it_is() {
    let Fixture { store: _store, database } = Fixture::new().await;
    let too_large = json!({
        "__type": "com.amazon.coral.validate#ValidationException",
        "message": "Item size has exceeded the maximum allowed size",
    });
    for (fault, kind) in [
        (refusal("ProvisionedThroughputExceededException"), ErrorKind::Unavailable),
        (refusal("ThrottlingException"), ErrorKind::Unavailable),
        (refusal("RequestLimitExceeded"), ErrorKind::Unavailable),
        (
            Fault::Answer(500, json!({"__type": "InternalServerError", "message": "m"})),
            ErrorKind::Unavailable,
        ),
        (Fault::Answer(503, json!({})), ErrorKind::Unavailable),
        (Fault::Unreachable, ErrorKind::Unavailable),
        (Fault::TimedOut, ErrorKind::Unavailable),
        (refusal("ResourceNotFoundException"), ErrorKind::Internal),
        (refusal("ValidationException"), ErrorKind::Internal),
        (Fault::Answer(400, too_large), ErrorKind::TooLarge),
    ] {
        let (store, _) = faulty(&database, "PutItem", std::slice::from_ref(&fault), 1);
        let record = execution(&workspace("home"), 1, "a:1-x", 0);
        let error = store.record_execution(&record).await.unwrap_err();
        assert_eq!(error.kind, kind, "{fault:?}");
        assert_eq!(error.retry_after_s, (kind == ErrorKind::Unavailable).then_some(1), "{fault:?}");
        assert!(!error.message.contains("secret"), "{error}");
        assert!(error.log.is_some(), "{fault:?}");
    }
    let (store, _) = faulty(&database, "Query", &[refusal("ThrottlingException")], 1);
    let error = store
        .query_policies(&workspace("home"), &query(json!({}), json!(null), 1, None))
        .await
        .unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unavailable);
    assert!(error.log.unwrap().contains("ThrottlingException"));
}

#[tokio::test]
async fn a_transaction_that_meets_another_is_tried_again_until_it_goes_through() {
    let Fixture { store: _store, database } = Fixture::new().await;
    let home = workspace("home");
    let conflict = cancelled(&["TransactionConflict", "None"]);
    let (store, script) =
        faulty(&database, "TransactWriteItems", &[conflict.clone(), conflict.clone()], 1);
    create(&store, &home, "a:1-x", json!({})).await;
    assert_eq!(script.left(), 0);

    let always = vec![conflict; 100];
    let (store, script) = faulty(&database, "TransactWriteItems", &always, 1);
    let draft = Draft::new("b:1-x", "id", json!({}));
    let error = store.create_policy(&home, draft.revision()).await.unwrap_err();
    assert_eq!((error.kind, error.retry_after_s), (ErrorKind::Unavailable, Some(1)));
    assert!(script.left() > 90, "the tries are bounded");
    assert_eq!(store.get_policy(&home, &uri("b:1-x")).await.unwrap(), None);
}

#[tokio::test]
async fn a_cancelled_transaction_says_which_of_its_conditions_failed() {
    let Fixture { store, database } = Fixture::new().await;
    let home = workspace("home");
    let head = create(&store, &home, "a:1-x", json!({})).await.head;
    let rename = Draft::after(&head, "b:1-x", json!({}));
    for (codes, kind) in [
        (["ConditionalCheckFailed", "None", "None"], ErrorKind::Stale),
        (["None", "ConditionalCheckFailed", "None"], ErrorKind::Conflict),
        (["ConditionalCheckFailed", "ConditionalCheckFailed", "None"], ErrorKind::Stale),
        (["TransactionConflict", "ConditionalCheckFailed", "None"], ErrorKind::Conflict),
        (["None", "None", "ProvisionedThroughputExceeded"], ErrorKind::Unavailable),
        (["ThrottlingError", "None", "None"], ErrorKind::Unavailable),
        (["None", "ValidationError", "None"], ErrorKind::Internal),
    ] {
        let (store, _) = faulty(&database, "TransactWriteItems", &[cancelled(&codes)], 1);
        let error = store.replace_policy(&home, &head, rename.revision()).await.unwrap_err();
        assert_eq!(error.kind, kind, "{codes:?}");
    }
    assert_eq!(store.get_policy(&home, &head.uri).await.unwrap(), Some(head));
}

#[tokio::test]
async fn a_lost_reply_does_not_make_a_write_fail_against_itself() {
    let Fixture { store, database } = Fixture::new().await;
    let home = workspace("home");
    let lost = [Fault::LostReply];

    let (faulty_store, script) = faulty(&database, "PutItem", &lost, 3);
    let record = execution(&home, 1, "a:1-x", 0);
    faulty_store.record_execution(&record).await.unwrap();
    assert_eq!(script.left(), 0);
    assert_eq!(store.record_execution(&record).await.unwrap_err().kind, ErrorKind::Conflict);

    let (faulty_store, script) = faulty(&database, "PutItem", &lost, 3);
    let key = IdempotencyKey {
        workspace: home.clone(),
        identity: "ada".to_owned(),
        key: "k".to_owned(),
        request: Digest::of(b"r"),
    };
    let begun = faulty_store.begin(&key, Timestamp::from_ms(0)).await.unwrap();
    assert!(matches!(begun, Begun::First(_)), "{begun:?}");
    assert_eq!(script.left(), 0);

    let draft = Draft::new("a:1-x", "id", json!({}));
    let (faulty_store, script) = faulty(&database, "TransactWriteItems", &lost, 3);
    faulty_store.create_policy(&home, draft.revision()).await.unwrap();
    assert_eq!(script.left(), 0);

    let (faulty_store, script) = faulty(&database, "TransactWriteItems", &lost, 3);
    faulty_store.delete_policy(&home, &draft.head).await.unwrap();
    assert_eq!(script.left(), 0);
}

#[tokio::test]
async fn a_create_that_fails_between_body_and_head_leaves_nothing_in_the_way() {
    let Fixture { store, database } = Fixture::new().await;
    let home = workspace("home");
    let draft = Draft::new("a:1-x", "id", json!({}));
    let (faulty_store, _) = faulty(&database, "TransactWriteItems", &[Fault::Unreachable], 1);
    assert!(faulty_store.create_policy(&home, draft.revision()).await.is_err());
    assert_eq!(store.get_policy(&home, &draft.head.uri).await.unwrap(), None);
    store.create_policy(&home, draft.revision()).await.unwrap();
}

#[tokio::test]
async fn a_closed_database_is_out_of_reach() {
    let Fixture { store, database } = Fixture::new().await;
    drop(database);
    let error = store.get_policy(&workspace("home"), &uri("a:1-x")).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unavailable);
}
