//! Contexts of policies: committed with the record of the run that changed them, or not at all.

use serde_json::{Value, json};
use writ_model::{ErrorKind, Execution, PolicyUri, RawJson, Workspace};
use writ_ports::{
    CommitResult, ContextStore, ContextWrite, DeletePolicy, GetExecution, ReplacePolicy,
    StoredContext,
};
use writ_store::{ChunkSizes, Store};

use crate::fixture::{Draft, Fixture, create, dump, execution, uri, workspace};
use crate::script::{ANY, Fault, faulty};

const ID: &str = "id-of-a:1-x";

fn record(home: &Workspace, number: u64) -> Execution {
    execution(home, number, "a:1-x", 1_790_000_000_000)
}

async fn commit(
    store: &Store,
    record: &Execution,
    uri: &PolicyUri,
    version: u64,
    value: Value,
) -> Result<CommitResult, writ_model::Error> {
    let value = RawJson::of(&value);
    let write = ContextWrite { policy_id: ID, uri, version, value: &value };
    store.commit_context(record, write).await
}

#[tokio::test]
async fn a_context_is_committed_with_its_record_or_neither_is() {
    let (home, a) = (workspace("home"), uri("a:1-x"));
    let Fixture { store, database: _database } = Fixture::new().await;
    create(&store, &home, "a:1-x", json!({})).await;
    assert_eq!(store.get_context(&home, ID).await.unwrap(), StoredContext::default());
    let (first, second) = (record(&home, 1), record(&home, 2));
    assert_eq!(
        commit(&store, &first, &a, 0, json!({"n": 1})).await,
        Ok(CommitResult::Done { is_final: true })
    );
    for stale in [0, 2] {
        let moved = commit(&store, &second, &a, stale, json!({"n": 9})).await;
        assert_eq!(moved, Ok(CommitResult::ContextConflict), "{stale}");
    }
    assert_eq!(store.get_execution(&home, &second.execution_id).await.unwrap(), None);
    let stored = store.get_context(&home, ID).await.unwrap();
    assert_eq!((stored.version, stored.value.as_str()), (1, r#"{"n":1}"#));
    assert_eq!(
        commit(&store, &second, &a, 1, json!({"n": 2})).await,
        Ok(CommitResult::Done { is_final: true })
    );
    assert!(store.get_execution(&home, &second.execution_id).await.unwrap().is_some());
    let again = commit(&store, &second, &a, 2, json!({"n": 3})).await.unwrap_err();
    assert_eq!(again.kind, ErrorKind::Conflict);
    assert_eq!(store.get_context(&home, ID).await.unwrap().version, 2);
    let other = workspace("other");
    assert_eq!(store.get_context(&other, ID).await.unwrap(), StoredContext::default());
}

#[tokio::test]
async fn nothing_is_kept_for_a_policy_that_is_gone() {
    let (home, a) = (workspace("home"), uri("a:1-x"));
    let Fixture { store, database } = Fixture::new().await;
    let first = create(&store, &home, "a:1-x", json!({})).await.head;
    commit(&store, &record(&home, 1), &a, 0, json!({"n": 1})).await.unwrap();
    // A new revision belongs to the same policy, and so does a renamed one, under its new name.
    let second = Draft::after(&first, "a:1-x", json!({"description": "new"}));
    store.replace_policy(&home, &first, second.revision()).await.unwrap();
    let written = commit(&store, &record(&home, 2), &a, 1, json!({"n": 2})).await;
    assert_eq!(written, Ok(CommitResult::Done { is_final: true }));
    let renamed = Draft::after(&second.head, "b:1-x", json!({}));
    store.replace_policy(&home, &second.head, renamed.revision()).await.unwrap();
    let written = commit(&store, &record(&home, 3), &a, 2, json!({"n": 3})).await;
    assert_eq!(written, Ok(CommitResult::PolicyDeleted));
    let written = commit(&store, &record(&home, 3), &uri("b:1-x"), 2, json!({"n": 3})).await;
    assert_eq!(written, Ok(CommitResult::Done { is_final: true }));
    store.delete_policy(&home, &renamed.head).await.unwrap();
    let written = commit(&store, &record(&home, 4), &uri("b:1-x"), 0, json!({"n": 4})).await;
    assert_eq!(written, Ok(CommitResult::PolicyDeleted));
    assert!(dump(&database).await.keys().all(|key| key.0 != "writ-contexts"));
}

#[tokio::test]
async fn a_record_of_any_length_takes_its_context_along() {
    let (home, a) = (workspace("home"), uri("a:1-x"));
    let Fixture { store, database: _database } = Fixture::new().await;
    create(&store, &home, "a:1-x", json!({})).await;
    let cutting = store
        .clone()
        .with_chunk_sizes(ChunkSizes { chunk_bytes_max: 500, transaction_bytes_max: 1_000 });
    // A record at the default limits, then every number of chunks and transactions.
    let full = json!({"text": "x".repeat(writ_model::CONTEXT_BYTES_MAX - 11)});
    let lengths = [2_900_000, 3_500_000].into_iter().chain((0..20).map(|step| step * 100));
    for (version, length) in lengths.enumerate() {
        let version = version as u64;
        let mut record = record(&home, version + 1);
        record.input_data = RawJson::of(&json!({ "text": "x".repeat(length) }));
        let (store, value) = match version {
            0 | 1 => (&store, full.clone()),
            _ => (&cutting, json!({"n": version})),
        };
        let stale = commit(store, &record, &a, version + 7, value.clone()).await;
        assert_eq!(stale, Ok(CommitResult::ContextConflict), "{length}");
        assert_eq!(store.get_execution(&home, &record.execution_id).await.unwrap(), None);
        let done = commit(store, &record, &a, version, value.clone()).await;
        assert_eq!(done, Ok(CommitResult::Done { is_final: true }), "{length}");
        let stored = store.get_execution(&home, &record.execution_id).await.unwrap();
        assert!(stored == Some(record), "{length}");
        assert_eq!(store.get_context(&home, ID).await.unwrap().value, RawJson::of(&value));
    }
}

/// Whichever request or response is lost, a context changes exactly as often as records of its
/// changes are written.
#[tokio::test]
async fn a_lost_reply_neither_loses_nor_doubles_a_change() {
    let (home, a) = (workspace("home"), uri("a:1-x"));
    let Fixture { store, database } = Fixture::new().await;
    create(&store, &home, "a:1-x", json!({})).await;
    let mut version = 0;
    for (number, fault) in
        [Fault::Unreachable, Fault::LostReply, Fault::Pass].into_iter().enumerate()
    {
        let (faulty, _) = faulty(&database, ANY, std::slice::from_ref(&fault), 3);
        let record = record(&home, number as u64 + 1);
        let done = commit(&faulty, &record, &a, version, json!({"n": number})).await;
        assert_eq!(done, Ok(CommitResult::Done { is_final: true }), "{fault:?}");
        version += 1;
        assert_eq!(store.get_context(&home, ID).await.unwrap().version, version, "{fault:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_runs_at_once_each_counts_once() {
    let (home, a) = (workspace("home"), uri("a:1-x"));
    let Fixture { store, database: _database } = Fixture::new().await;
    create(&store, &home, "a:1-x", json!({})).await;
    let runs = (0..8_u64).map(|run| {
        let (store, home, a) = (store.clone(), home.clone(), a.clone());
        tokio::spawn(async move {
            for turn in 0..10 {
                loop {
                    let stored = store.get_context(&home, ID).await.unwrap();
                    let n = stored.value.value()["n"].as_u64().unwrap_or(0);
                    let record = record(&home, run * 1_000 + turn + 1);
                    let value = json!({"n": n + 1});
                    let done = commit(&store, &record, &a, stored.version, value).await.unwrap();
                    if done == (CommitResult::Done { is_final: true }) {
                        break;
                    }
                }
            }
        })
    });
    for run in runs.collect::<Vec<_>>() {
        run.await.unwrap();
    }
    let stored = store.get_context(&home, ID).await.unwrap();
    assert_eq!((stored.version, stored.value.as_str()), (80, r#"{"n":80}"#));
}
