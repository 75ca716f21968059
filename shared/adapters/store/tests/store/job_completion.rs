//! The end of an attempt: the job, its record and the policy's context are written together or not
//! at all.

use serde_json::json;
use writ_model::{ErrorKind, Execution, JobState, RawJson, Submission, Timestamp};
use writ_ports::{
    ChangeJob, CollectUploads, CommitResult, CompleteJob, ContextStore, ContextWrite, DeletePolicy,
    GetExecution, JobCompletion, RecordExecution,
};
use writ_store::{ChunkSizes, Store};

use crate::fixture::{Fixture, create, dump, uri, workspace};
use crate::job::{after, at, end, get, long, put, record, run, submission};

const ID: &str = "id-of-a:1-x";

/// A job with an attempt that is about to be committed.
struct Completion {
    submitted: Submission,
    /// The state of the job after the attempt.
    state: JobState,
    record: Execution,
}

impl Completion {
    /// Makes an attempt with a record input of this many bytes.
    async fn new(store: &Store, number: u64, bytes: usize) -> Self {
        let submitted = submission(&workspace("home"), number);
        let mut record = record(&submitted, number, Some(&json!({"n": number})));
        record.input_data = RawJson::of(&long(bytes));
        let state = put(store, &submitted).await;
        let state = run(store, &submitted, &state, &record.execution_id, at(50)).await;
        let state = after(&submitted, &state, &record, at(90));
        Self { submitted, state, record }
    }

    async fn commit(
        &self,
        store: &Store,
        version: u64,
        value: &RawJson,
    ) -> Result<CommitResult, writ_model::Error> {
        let uri = uri("a:1-x");
        let context = Some(ContextWrite { policy_id: ID, uri: &uri, version, value });
        let output = self.record.output.as_ref();
        let Self { submitted: submission, state, record } = self;
        store.complete_job(JobCompletion { submission, state, output, record, context }).await
    }

    async fn record_is_there(&self, store: &Store) -> bool {
        let id = &self.record.execution_id;
        let stored = store.get_execution(&self.submitted.workspace, id).await.unwrap();
        assert!(stored.is_none() || stored.as_ref() == Some(&self.record));
        stored.is_some()
    }
}

fn context_value(n: u64) -> RawJson {
    RawJson::of(&json!({ "n": n }))
}

#[tokio::test]
async fn job_record_and_context_are_written_together() {
    let Fixture { store, database: _database } = Fixture::new().await;
    create(&store, &workspace("home"), "a:1-x", json!({})).await;
    let ending = Completion::new(&store, 1, 10).await;
    assert_eq!(
        ending.commit(&store, 0, &context_value(1)).await,
        Ok(CommitResult::Done { is_final: true })
    );
    let job = get(&store, &ending.submitted).await;
    assert!(job.state == ending.state && job.output == ending.record.output);
    assert!(ending.record_is_there(&store).await);
    let context = store.get_context(&workspace("home"), ID).await.unwrap();
    assert_eq!((context.version, context.value), (1, context_value(1)));
}

/// Whichever condition fails, and whatever the length of the record, nothing is written; without a
/// failure everything is. The lengths need every number of chunks and transactions.
#[tokio::test]
async fn an_end_that_does_not_hold_writes_nothing() {
    let Fixture { store, database } = Fixture::new().await;
    let home = workspace("home");
    create(&store, &home, "a:1-x", json!({})).await;
    let cutting = store
        .clone()
        .with_chunk_sizes(ChunkSizes { chunk_bytes_max: 600, transaction_bytes_max: 1_200 });
    let short = (0..14).map(|step| (&cutting, step * 200));
    let lengths = [(&store, 2_900_000), (&store, 3_500_000)].into_iter().chain(short);
    let full = RawJson::of(&json!({"text": "x".repeat(writ_model::CONTEXT_BYTES_MAX - 11)}));
    for (version, (store, length)) in lengths.enumerate() {
        let version = version as u64;
        let ending = Completion::new(store, version + 1, length).await;
        let before = dump(&database).await;
        let unchanged = async || {
            store.collect_uploads(Timestamp::from_ms(i64::MAX)).await.unwrap();
            dump(&database).await == before
        };
        let mut lease_lost = ending.state.clone();
        lease_lost.version += 1;
        let stale = Completion {
            submitted: ending.submitted.clone(),
            state: lease_lost,
            record: ending.record.clone(),
        };
        assert_eq!(
            stale.commit(store, version, &full).await,
            Ok(CommitResult::LeaseLost),
            "{length}"
        );
        assert!(unchanged().await, "{length}");
        // The first condition that does not hold is reported.
        assert_eq!(stale.commit(store, version + 7, &full).await, Ok(CommitResult::LeaseLost));
        let moved = ending.commit(store, version + 7, &full).await;
        assert_eq!(moved, Ok(CommitResult::ContextConflict), "{length}");
        assert!(unchanged().await, "{length}");
        let done = ending.commit(store, version, &full).await;
        assert_eq!(done, Ok(CommitResult::Done { is_final: true }), "{length}");
        assert!(
            ending.record_is_there(store).await
                && get(store, &ending.submitted).await.state == ending.state
        );
        assert_eq!(store.get_context(&home, ID).await.unwrap().version, version + 1);
    }
}

#[tokio::test]
async fn nothing_is_committed_for_a_policy_that_is_gone_or_a_record_that_is_there() {
    let Fixture { store, database } = Fixture::new().await;
    let home = workspace("home");
    let head = create(&store, &home, "a:1-x", json!({})).await.head;
    let ending = Completion::new(&store, 1, 10).await;
    store.record_execution(&ending.record).await.unwrap();
    let before = dump(&database).await;
    let error = ending.commit(&store, 0, &context_value(1)).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Conflict);
    assert!(dump(&database).await == before);

    let ending = Completion::new(&store, 2, 10).await;
    store.delete_policy(&home, &head).await.unwrap();
    let before = dump(&database).await;
    assert_eq!(ending.commit(&store, 0, &context_value(1)).await, Ok(CommitResult::PolicyDeleted));
    assert!(dump(&database).await == before);
    // Without a context the policy need not exist.
    let done = end(&store, &ending.submitted, &ending.state, &ending.record).await;
    assert_eq!(done, Ok(CommitResult::Done { is_final: true }));
}

#[tokio::test]
async fn who_lost_the_job_commits_nothing() {
    let Fixture { store, database: _database } = Fixture::new().await;
    let ending = Completion::new(&store, 1, 10).await;
    let held = get(&store, &ending.submitted).await.state;
    let stopped = writ_jobs::cancel(&ending.submitted, &held, "ada", at(70)).unwrap();
    assert_eq!(store.change_job(&ending.submitted, &stopped).await, Ok(true));
    let lost = end(&store, &ending.submitted, &ending.state, &ending.record).await;
    assert_eq!(lost, Ok(CommitResult::LeaseLost));
    assert!(!ending.record_is_there(&store).await);
    assert_eq!(get(&store, &ending.submitted).await.state, stopped);
}

#[tokio::test]
async fn a_large_output_that_its_record_does_not_hold_is_not_committed() {
    let Fixture { store, database } = Fixture::new().await;
    let ending = Completion::new(&store, 1, 10).await;
    let before = dump(&database).await;
    let output = RawJson::of(&long(100_000));
    let Completion { submitted: submission, state, record } = &ending;
    let wrong = JobCompletion { submission, state, output: Some(&output), record, context: None };
    assert_eq!(store.complete_job(wrong).await.unwrap_err().kind, ErrorKind::Internal);
    assert!(dump(&database).await == before);
}
