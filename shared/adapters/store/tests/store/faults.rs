//! Faults that the embedded database does not have: throttling, conflicts, lost responses.

use serde_json::json;
use writ_model::{Digest, Error, ErrorKind, RawJson, Timestamp};
use writ_ports::{
    ClaimId, CollectUploads, CreatePolicy, DeletePolicy, GetExecution, GetPolicy, Idempotency,
    IdempotencyKey, KeyState, PolicyHead, QueryPolicies, RecordExecution, ReplacePolicy,
    StoredReply,
};
use writ_store::{ChunkSizes, Store};

use crate::fixture::{Draft, Fixture, create, dump, execution, query, uri, workspace};
use crate::script::{ANY, Fault, cancelled, faulty, refusal};

/// Cancels the first attempt of a transaction for these reasons.
fn cancel(reasons: &[&str]) -> Fault {
    let (status, body) = cancelled(reasons);
    Fault::Answer(status, body)
}

fn too_large() -> Fault {
    let body = json!({
        "__type": "com.amazon.coral.validate#ValidationException",
        "message": "Item size has exceeded the maximum allowed size",
    });
    Fault::Answer(400, body)
}

fn key() -> IdempotencyKey {
    IdempotencyKey {
        workspace: workspace("home"),
        identity: "ada".to_owned(),
        key: "k".to_owned(),
        request: Digest::of(b"r"),
    }
}

#[tokio::test]
async fn each_failure_of_the_database_is_told_as_what_it_is() {
    let Fixture { store: _store, database } = Fixture::new().await;
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
        (refusal("TransactionConflictException"), ErrorKind::Unavailable),
        (too_large(), ErrorKind::TooLarge),
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
    let conflict = cancel(&["TransactionConflict", "None"]);
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
        (["None", "None", "ValidationError: Item size has exceeded"], ErrorKind::TooLarge),
    ] {
        let (store, _) = faulty(&database, "TransactWriteItems", &[cancel(&codes)], 1);
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
    let state = faulty_store.begin(&key(), Timestamp::from_ms(0)).await.unwrap();
    assert!(matches!(state, KeyState::Acquired(_)), "{state:?}");
    assert_eq!(script.left(), 0);

    let draft = Draft::new("a:1-x", "id", json!({}));
    let (faulty_store, script) = faulty(&database, "TransactWriteItems", &lost, 3);
    faulty_store.create_policy(&home, draft.revision()).await.unwrap();
    assert_eq!(script.left(), 0);

    let (faulty_store, script) = faulty(&database, "TransactWriteItems", &lost, 3);
    faulty_store.delete_policy(&home, &draft.head).await.unwrap();
    assert_eq!(script.left(), 0);
}

/// Every write, on objects that exist already.
struct WriteCases {
    head: PolicyHead,
    claim: ClaimId,
}

impl WriteCases {
    const NAMES: [&str; 9] = [
        "create",
        "replace",
        "rename",
        "delete",
        "record",
        "large record",
        "huge record",
        "finish",
        "large finish",
    ];

    async fn new(store: &Store) -> Self {
        let head = create(store, &workspace("home"), "a:1-x", json!({})).await.head;
        match store.begin(&key(), Timestamp::from_ms(0)).await.unwrap() {
            KeyState::Acquired(claim) => Self { head, claim: claim.id },
            other => panic!("{other:?}"),
        }
    }

    async fn run(&self, name: &str, store: &Store) -> Result<(), Error> {
        let home = workspace("home");
        let new = |uri| Draft::after(&self.head, uri, json!({"code": "x".repeat(3_000)}));
        let mut record = execution(&home, 1, "a:1-x", 0);
        let mut reply = StoredReply { status: 201, headers: Vec::new(), body: String::new() };
        match name {
            "create" => store.create_policy(&home, new("c:1-x").revision()).await,
            "replace" => store.replace_policy(&home, &self.head, new("a:1-x").revision()).await,
            "rename" => store.replace_policy(&home, &self.head, new("b:1-x").revision()).await,
            "delete" => store.delete_policy(&home, &self.head).await,
            "record" => store.record_execution(&record).await,
            "large record" | "huge record" => {
                let length = if name == "large record" { 2_000 } else { 9_000 };
                record.input_data = RawJson::of(&json!({ "text": "x".repeat(length) }));
                store.record_execution(&record).await
            }
            _ => {
                reply.body = "x".repeat(if name == "finish" { 10 } else { 3_000 });
                store.finish(&key(), &self.claim, &reply, Timestamp::from_ms(0)).await
            }
        }
    }
}

/// At these limits records and bodies of a few kilobytes need as many items as megabytes do at the
/// default ones.
const BOUNDS: ChunkSizes = ChunkSizes { chunk_bytes_max: 1_500, transaction_bytes_max: 4_500 };

#[tokio::test]
async fn whatever_fails_at_whichever_request_nothing_is_half_written() {
    let unavailable = [
        refusal("ProvisionedThroughputExceededException"),
        refusal("ThrottlingException"),
        refusal("RequestLimitExceeded"),
        Fault::Answer(500, json!({"__type": "InternalServerError", "message": "m"})),
        Fault::TimedOut,
        Fault::Unreachable,
    ];
    let faults = unavailable.map(|fault| (fault, ErrorKind::Unavailable));
    let faults = faults.into_iter().chain([(too_large(), ErrorKind::TooLarge)]);
    for (fault, kind) in faults {
        for name in WriteCases::NAMES {
            // One more request passes each time, until the write completes before the fault.
            let mut passed = 0;
            while fails_cleanly(name, passed, &fault, kind).await {
                passed += 1;
            }
            assert!(passed > 0, "{name} makes no request");
        }
    }
}

/// Runs a write with a fault; returns whether the fault occurred.
async fn fails_cleanly(name: &str, passed: usize, fault: &Fault, kind: ErrorKind) -> bool {
    let Fixture { store, database } = Fixture::new().await;
    let writes = WriteCases::new(&store).await;
    let before = dump(&database).await;
    let mut script = vec![Fault::Pass; passed];
    script.push(fault.clone());
    let (store, script) = faulty(&database, ANY, &script, 1);
    let store = store.with_chunk_sizes(BOUNDS);
    let result = writes.run(name, &store).await;
    if script.left() > 0 {
        result.unwrap();
        return false;
    }
    let case = format!("{name} with {fault:?} at request {passed}");
    let error = result.unwrap_err();
    assert_eq!(error.kind, kind, "{case}");
    assert_eq!(error.retry_after_s, (kind == ErrorKind::Unavailable).then_some(1), "{case}");
    assert!(!error.message.contains("secret"), "{error}");

    let id = execution(&workspace("home"), 1, "a:1-x", 0).execution_id;
    assert_eq!(store.get_execution(&workspace("home"), &id).await.unwrap(), None, "{case}");
    store.collect_uploads(Timestamp::from_ms(i64::MAX)).await.unwrap();
    let mut after = dump(&database).await;
    // The chunks of a large reply expire with their key.
    after.retain(|key, _| !key.2.contains('\0'));
    assert!(after == before, "{case} left something");
    true
}

#[tokio::test]
async fn who_met_the_winner_of_a_race_is_told_what_it_lost() {
    let Fixture { store, database } = Fixture::new().await;
    let home = workspace("home");
    let old = create(&store, &home, "a:1-x", json!({})).await.head;
    let winner = Draft::after(&old, "a:1-x", json!({"tags": "winner"}));
    store.replace_policy(&home, &old, winner.revision()).await.unwrap();
    let conflict = cancel(&["TransactionConflict", "None", "None"]);
    let (faulty_store, script) =
        faulty(&database, "TransactWriteItems", &[conflict.clone(), conflict.clone()], 1);
    let twin = Draft::new("a:1-x", "twin", json!({}));
    let error = faulty_store.create_policy(&home, twin.revision()).await.unwrap_err();
    assert_eq!((error.kind, script.left()), (ErrorKind::Conflict, 0));

    let (faulty_store, script) =
        faulty(&database, "TransactWriteItems", &[conflict.clone(), conflict], 1);
    let late = Draft::after(&old, "a:1-x", json!({"tags": "late"}));
    let error = faulty_store.replace_policy(&home, &old, late.revision()).await.unwrap_err();
    assert_eq!((error.kind, script.left()), (ErrorKind::Stale, 0));
    assert_eq!(store.get_policy(&home, &old.uri).await.unwrap(), Some(winner.head));
}

#[tokio::test]
async fn a_closed_database_is_out_of_reach() {
    let Fixture { store, database } = Fixture::new().await;
    drop(database);
    let error = store.get_policy(&workspace("home"), &uri("a:1-x")).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unavailable);
}
