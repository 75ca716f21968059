//! Lost responses, concurrent writers, and seeded simulations of both.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::ops::Range;
use std::rc::Rc;

use serde_json::json;
use writ_jobs::{DueAction, cancel, due, enqueue, lease, retry, start};
use writ_model::{ErrorKind, Job, JobStatus, RawJson, Submission, Timestamp};
use writ_ports::{
    CallbackSecretStore, CallbackSecrets, ChangeJob, CollectUploads, CommitResult, CompleteJob,
    ContextStore, ContextWrite, DueJobs, GetExecution, GetJob, JobCompletion, PeekQueue, PutJob,
};
use writ_store::{ChunkSizes, Store};

use crate::fixture::{Fixture, create, dump, uri, workspace};
use crate::interleave::{ManualClock, Rng, Simulation};
use crate::job::{after, at, end, get, lease_request, long, put, record, run, runner, submission};
use crate::script::{ANY, Fault, cancelled as refused, faulty, refusal};
use crate::simulation::{Seed, records_own_their_chunks, seeds};

#[tokio::test]
async fn a_lost_reply_does_not_make_a_write_fail_against_itself() {
    let Fixture { store, database } = Fixture::new().await;
    let home = workspace("home");
    let losing = |operation| faulty(&database, operation, &[Fault::LostReply], 3);
    for (number, operation, inputs) in
        [(1, "PutItem", json!({})), (2, "TransactWriteItems", long(300_000))]
    {
        let submitted = Submission { inputs: RawJson::of(&inputs), ..submission(&home, number) };
        let (lossy, script) = losing(operation);
        let state = put(&lossy, &submitted).await;
        assert_eq!(script.left(), 0);

        let (lossy, script) = losing("UpdateItem");
        let record = record(&submitted, number, Some(&json!(1)));
        let state = run(&lossy, &submitted, &state, &record.execution_id, at(5)).await;
        assert_eq!(script.left(), 0);

        let (lossy, script) = losing("TransactWriteItems");
        let state = after(&submitted, &state, &record, at(9));
        assert_eq!(
            end(&lossy, &submitted, &state, &record).await,
            Ok(CommitResult::Done { is_final: true })
        );
        assert_eq!((script.left(), get(&store, &submitted).await.state), (0, state));
    }
    let (lossy, script) = losing("PutItem");
    let secrets = CallbackSecrets { version: 1, secrets: Vec::new() };
    assert_eq!(lossy.put_callback_secrets(&home, &secrets).await, Ok(true));
    assert_eq!(script.left(), 0);
}

/// The retry arrives after the job was changed again: it is reported as a lost race.
#[tokio::test]
async fn a_write_that_is_out_of_date_when_it_is_repeated_does_not_hold() {
    let Fixture { store, database } = Fixture::new().await;
    let submitted = submission(&workspace("home"), 1);
    let state = put(&store, &submitted).await;
    let release = std::sync::Arc::new(tokio::sync::Notify::new());
    let script = [Fault::LostReply, Fault::Delayed(std::sync::Arc::clone(&release))];
    let (lossy, script) = faulty(&database, "UpdateItem", &script, 3);
    let taken = lease(&submitted, &state, &runner(), lease_request("e"), at(5)).unwrap();
    let write = tokio::spawn({
        let (submitted, taken) = (submitted.clone(), taken.clone());
        async move { lossy.change_job(&submitted, &taken).await }
    });
    while script.left() > 0 {
        tokio::task::yield_now().await;
    }
    let stopped = cancel(&submitted, &taken, "ada", at(6)).unwrap();
    assert_eq!(store.change_job(&submitted, &stopped).await, Ok(true));
    release.notify_one();
    assert_eq!(write.await.unwrap(), Ok(false));
    assert_eq!(get(&store, &submitted).await.state, stopped);
}

#[tokio::test]
async fn who_meets_a_transaction_tries_again_for_a_while() {
    let Fixture { store, database } = Fixture::new().await;
    let submitted = submission(&workspace("home"), 1);
    let state = put(&store, &submitted).await;
    let conflict = refusal("TransactionConflictException");
    let (busy, script) = faulty(&database, "UpdateItem", &[conflict.clone(), conflict.clone()], 1);
    let record = record(&submitted, 1, Some(&json!(1)));
    let state = run(&busy, &submitted, &state, &record.execution_id, at(5)).await;
    assert_eq!(script.left(), 0);

    let (busy, script) = faulty(&database, "UpdateItem", &vec![conflict; 100], 1);
    let stopped = cancel(&submitted, &state, "ada", at(6)).unwrap();
    let error = busy.change_job(&submitted, &stopped).await.unwrap_err();
    assert_eq!((error.kind, error.retry_after_s), (ErrorKind::Unavailable, Some(1)));
    assert!(script.left() > 90, "the tries are bounded");

    let (status, body) = refused(&["None", "TransactionConflict"]);
    let conflict = Fault::Answer(status, body);
    let (busy, script) = faulty(&database, "TransactWriteItems", &[conflict.clone(), conflict], 1);
    let state = after(&submitted, &state, &record, at(9));
    assert_eq!(
        end(&busy, &submitted, &state, &record).await,
        Ok(CommitResult::Done { is_final: true })
    );
    assert_eq!((script.left(), get(&store, &submitted).await.state), (0, state));
}

/// Every write of jobs, and the objects that exist before.
struct WriteCases {
    small: Submission,
    large: Submission,
    ending: (Submission, writ_model::JobState, writ_model::Execution),
}

impl WriteCases {
    const NAMES: [&str; 5] = ["put", "large put", "change", "end", "secrets"];

    async fn new(store: &Store) -> Self {
        let home = workspace("home");
        let submitted = submission(&home, 1);
        let mut record = record(&submitted, 1, Some(&json!(1)));
        record.input_data = RawJson::of(&long(9_000));
        let state = put(store, &submitted).await;
        let state = run(store, &submitted, &state, &record.execution_id, at(5)).await;
        let ending = (submitted.clone(), after(&submitted, &state, &record, at(9)), record);
        let large = Submission { inputs: RawJson::of(&long(9_000)), ..submission(&home, 3) };
        let small = Submission { inputs: RawJson::null(), ..submission(&home, 2) };
        Self { small, large, ending }
    }

    async fn run(&self, name: &str, store: &Store) -> Result<(), writ_model::Error> {
        let (submitted, state, record) = &self.ending;
        match name {
            "put" => store.put_job(&self.small, &enqueue(&self.small)).await,
            "large put" => store.put_job(&self.large, &enqueue(&self.large)).await,
            "change" => store.change_job(submitted, state).await.map(|done| assert!(done)),
            "end" => end(store, submitted, state, record)
                .await
                .map(|it| assert_eq!(it, CommitResult::Done { is_final: true })),
            _ => {
                let secrets = CallbackSecrets { version: 1, secrets: Vec::new() };
                let put = store.put_callback_secrets(&workspace("home"), &secrets).await;
                put.map(|done| assert!(done))
            }
        }
    }
}

/// So small that a record of nine kilobytes needs several transactions.
const SMALL_SIZES: ChunkSizes = ChunkSizes { chunk_bytes_max: 1_500, transaction_bytes_max: 4_500 };

#[tokio::test]
async fn whatever_fails_at_whichever_request_nothing_is_half_written() {
    for fault in [refusal("ThrottlingException"), Fault::TimedOut, Fault::Unreachable] {
        for name in WriteCases::NAMES {
            let mut passed = 0;
            loop {
                let Fixture { store, database } = Fixture::new().await;
                let writes = WriteCases::new(&store).await;
                let before = dump(&database).await;
                let mut script = vec![Fault::Pass; passed];
                script.push(fault.clone());
                let (faulty, script) = faulty(&database, ANY, &script, 1);
                let result = writes.run(name, &faulty.with_chunk_sizes(SMALL_SIZES)).await;
                if script.left() > 0 {
                    result.unwrap();
                    break;
                }
                let case = format!("{name} with {fault:?} at request {passed}");
                assert_eq!(result.unwrap_err().kind, ErrorKind::Unavailable, "{case}");
                store.collect_uploads(Timestamp::from_ms(i64::MAX)).await.unwrap();
                assert!(dump(&database).await == before, "{case} left something");
                passed += 1;
            }
            assert!(passed > 0, "{name} makes no request");
        }
    }
}

const SEEDS: Range<u64> = 0..30;

/// So small that most submissions, records and outputs need several items.
const TINY_SIZES: ChunkSizes = ChunkSizes { chunk_bytes_max: 400, transaction_bytes_max: 1_200 };

const POLICY: &str = "id-of-a:1-x";

/// The results that the writers got.
#[derive(Default)]
struct History {
    /// Versions that were written, as far as their writers know.
    written: Vec<u64>,
    /// Fencing tokens of the attempts that a writer tried to commit.
    tried: BTreeSet<String>,
    done: BTreeSet<String>,
}

type Shared = Rc<RefCell<History>>;

/// A client that takes any next step that the job permits.
struct Client {
    store: Store,
    clock: ManualClock,
    history: Shared,
    submitted: Submission,
    rng: Rng,
    number: u64,
}

impl Client {
    async fn work(mut self) {
        for _ in 0..8 {
            let home = &self.submitted.workspace;
            match self.store.get_job(home, &self.submitted.job_id).await {
                Ok(Some(job)) => self.step(job).await,
                Ok(None) => {
                    let put = self.store.put_job(&self.submitted, &enqueue(&self.submitted)).await;
                    match put {
                        Ok(()) => self.history.borrow_mut().written.push(1),
                        Err(error) => assert_ne!(error.kind, ErrorKind::Internal, "{error:?}"),
                    }
                }
                Err(error) => assert_ne!(error.kind, ErrorKind::Internal, "{error:?}"),
            }
        }
    }

    async fn step(&mut self, job: Job) {
        let (now, state) = (self.clock.now(), &job.state);
        let turn = self.rng.below(10);
        let lease_request = self.lease_request();
        let next = match state.job_status {
            _ if turn == 0 => cancel(&self.submitted, state, "ada", now).ok(),
            JobStatus::Queued => {
                match lease(&self.submitted, state, &runner(), lease_request, now) {
                    Ok(state) => Some(state),
                    Err(_) => self.due(&job, now),
                }
            }
            JobStatus::Admitted | JobStatus::Running if turn < 3 => self.due(&job, now),
            JobStatus::Admitted => {
                let fencing_token = &state.lease.as_ref().unwrap().fencing_token;
                start(state, fencing_token, now, now).ok()
            }
            JobStatus::Running => return self.end(&job, now).await,
            _ => retry(state, now).ok(),
        };
        let Some(next) = next else { return };
        match self.store.change_job(&self.submitted, &next).await {
            Ok(true) => self.history.borrow_mut().written.push(next.version),
            Ok(false) => {}
            Err(error) => assert_ne!(error.kind, ErrorKind::Internal, "{error:?}"),
        }
    }

    fn due(&mut self, job: &Job, now: Timestamp) -> Option<writ_model::JobState> {
        match due(&self.submitted, &job.state, now, self.rng.below(1_000) as u64) {
            DueAction::Write(state) => Some(*state),
            _ => None,
        }
    }

    /// The lease request of a new attempt, with a unique fencing token.
    fn lease_request(&mut self) -> writ_jobs::LeaseRequest {
        self.number += 1;
        lease_request(&record(&self.submitted, self.number, None).execution_id)
    }

    async fn end(&mut self, job: &Job, now: Timestamp) {
        let state = &job.state;
        let fencing_token = state.lease.as_ref().unwrap().fencing_token.clone();
        // One attempt in three fails.
        let output = (self.rng.below(3) > 0).then(|| long(self.rng.of(&[10, 500, 1_500])));
        let mut record = record(&self.submitted, 0, output.as_ref());
        record.execution_id = fencing_token.clone();
        record.input_data = RawJson::of(&long(self.rng.of(&[10, 600, 3_000])));
        let state = after(&self.submitted, state, &record, now);
        let Ok(stored) = self.store.get_context(&self.submitted.workspace, POLICY).await else {
            return;
        };
        let (uri, value) = (uri("a:1-x"), RawJson::of(&json!({"n": stored.version + 1})));
        let context = Some(ContextWrite {
            policy_id: POLICY,
            uri: &uri,
            version: stored.version,
            value: &value,
        });
        self.history.borrow_mut().tried.insert(fencing_token.clone());
        let output = record.output.as_ref();
        let end = JobCompletion {
            submission: &self.submitted,
            state: &state,
            output,
            record: &record,
            context,
        };
        match self.store.complete_job(end).await {
            Ok(CommitResult::Done { .. }) => {
                self.history.borrow_mut().written.push(state.version);
                assert!(self.history.borrow_mut().done.insert(fencing_token), "committed twice");
            }
            Ok(other) => assert!(other != CommitResult::PolicyDeleted, "the policy is there"),
            Err(error) => assert_ne!(error.kind, ErrorKind::Internal, "{error:?}"),
        }
    }
}

async fn simulate(seed: u64) {
    let Fixture { store, database } = Fixture::new().await;
    let home = workspace("home");
    create(&store, &home, "a:1-x", json!({})).await;
    let store = store.with_chunk_sizes(TINY_SIZES);
    let history = Shared::default();
    let mut simulation = Simulation::new(&database, seed, TINY_SIZES);
    let submitted = Submission {
        max_attempts: Some(3),
        inputs: RawJson::of(&long(simulation.rng.of(&[10, 1_000]))),
        ..submission(&home, 0)
    };
    for number in 0..5 {
        let (history, clock, submitted) =
            (Rc::clone(&history), simulation.clock.clone(), submitted.clone());
        let rng = Rng(seed * 100 + number);
        simulation.add(|store| {
            Client { store, clock, history, submitted, rng, number: 1 + number * 1_000 }.work()
        });
    }
    simulation.run().await;
    let late = Timestamp::from_ms(i64::MAX);
    while store.collect_uploads(late).await.unwrap().more {}
    records_own_their_chunks(&dump(&database).await);
    let history = history.take();
    let Some(job) = store.get_job(&home, &submitted.job_id).await.unwrap() else {
        assert!(history.written.is_empty());
        return;
    };
    let versions: BTreeSet<u64> = history.written.iter().copied().collect();
    assert_eq!(versions.len(), history.written.len(), "a version was written twice");
    assert!(versions.last().is_none_or(|last| *last <= job.state.version));
    effects_were_committed_once(&store, &history, &job).await;
    indexes_hold_what_the_job_says(&store, &job).await;
}

async fn effects_were_committed_once(store: &Store, history: &History, job: &Job) {
    let home = &job.submission.workspace;
    let mut committed = 0;
    for id in &history.tried {
        let record = store.get_execution(home, id).await.unwrap();
        assert!(record.is_some() || !history.done.contains(id), "{id} is lost");
        committed += u64::from(record.is_some());
    }
    let stored = store.get_context(home, POLICY).await.unwrap();
    assert_eq!(stored.version, committed, "records and changes of the context");
    let state = &job.state;
    assert_eq!(state.job_status == JobStatus::Completed, job.output.is_some());
    if let Some(output) = &job.output {
        let id = state.execution_id.as_ref().unwrap();
        let record = store.get_execution(home, id).await.unwrap().unwrap();
        assert!(record.output.as_ref() == Some(output));
    }
}

async fn indexes_hold_what_the_job_says(store: &Store, job: &Job) {
    let Job { submission, state, .. } = job;
    let line = store.peek_queue(&submission.workspace, 10).await.unwrap();
    assert_eq!(line.len(), usize::from(state.is_queued));
    let is_due = async |at| !store.due_jobs(at, None).await.unwrap().jobs.is_empty();
    assert_eq!(is_due(Timestamp::from_ms(i64::MAX)).await, state.due_at.is_some());
    if let Some(due_at) = state.due_at {
        assert!(is_due(due_at).await && !is_due(Timestamp::from_ms(due_at.as_ms() - 1)).await);
    }
}

#[tokio::test]
async fn no_interleaving_moves_a_job_twice_or_doubles_an_effect() {
    for seed in seeds(SEEDS) {
        let _named = Seed(seed);
        simulate(seed).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_writers_of_one_version_one_wins() {
    let Fixture { store, database: _database } = Fixture::new().await;
    let submitted = submission(&workspace("home"), 1);
    let state = put(&store, &submitted).await;
    let writers = (0..16).map(|writer| {
        let (store, submitted, state) = (store.clone(), submitted.clone(), state.clone());
        tokio::spawn(async move {
            let fencing_token = format!("e{writer}");
            let state =
                lease(&submitted, &state, &runner(), lease_request(&fencing_token), at(5)).unwrap();
            store.change_job(&submitted, &state).await.unwrap().then_some(state)
        })
    });
    let mut winners = Vec::new();
    for writer in writers.collect::<Vec<_>>() {
        winners.extend(writer.await.unwrap());
    }
    assert_eq!(winners, [get(&store, &submitted).await.state]);
}
