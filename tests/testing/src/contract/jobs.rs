//! Jobs from their submission to their end.

use serde_json::json;
use writ_jobs::{cancel, enqueue, retry};
use writ_model::{Error, ErrorKind, Job, JobState, JobStatus, RawJson, Submission};
use writ_ports::{
    ChangeJob, CommitResult, CompleteJob, ContextStore, ContextWrite, CreatePolicy, GetExecution,
    GetJob, JobCompletion, PutJob,
};

use crate::at;
use crate::builders::{
    Attempted, PolicyDraft, complete_attempt, start_attempt, submission, uri, workspace,
};

/// Submits a job and has a runner run it: its state then.
async fn run<P: ChangeJob + PutJob>(
    ports: &P,
    submission: &Submission,
    execution_id: &str,
) -> JobState {
    let state = enqueue(submission);
    ports.put_job(submission, &state).await.unwrap();
    let [leased, running] = start_attempt(submission, &state, execution_id, at(5));
    for state in [&leased, &running] {
        assert_eq!(ports.change_job(submission, state).await, Ok(true));
    }
    running
}

async fn complete<P: CompleteJob>(
    ports: &P,
    submission: &Submission,
    state: &JobState,
    attempt: &Attempted,
    context: Option<ContextWrite<'_>>,
) -> Result<CommitResult, Error> {
    let Attempted { record, output } = attempt;
    let output = output.as_ref();
    ports.complete_job(JobCompletion { submission, state, output, record, context }).await
}

async fn get<P: GetJob>(ports: &P, submission: &Submission) -> Job {
    ports.get_job(&submission.workspace, &submission.job_id).await.unwrap().unwrap()
}

/// Every state and the output are read as they were written, with the bytes of their JSON.
pub async fn a_job_is_read_as_it_was_written_until_its_end<P>(ports: &P)
where
    P: ChangeJob + CompleteJob + GetExecution + GetJob + PutJob,
{
    let own = workspace("own");
    let asked = Submission {
        policy_rule_parameters: Some(RawJson::parse(r#"{"b":1e400,"a":[]}"#).unwrap()),
        max_attempts: Some(2),
        callback_url: Some("https://example.com/done".to_owned()),
        mask: vec!["/input_data/ip".to_owned()],
        ..submission(&own, "j1")
    };
    let whole = |state, output| Job { submission: asked.clone(), state, output };
    let first = Attempted::new(&asked, 1, None);
    let state = run(ports, &asked, &first.record.execution_id).await;
    assert_eq!(get(ports, &asked).await, whole(state.clone(), None));
    let state = complete_attempt(&asked, &state, &first.record, at(6_000));
    assert_eq!(state.job_status, JobStatus::Queued);
    assert_eq!(
        complete(ports, &asked, &state, &first, None).await,
        Ok(CommitResult::Done { is_final: false })
    );
    assert_eq!(get(ports, &asked).await, whole(state.clone(), None));

    let output = RawJson::parse(r#"{"ok":  1.0}"#).unwrap();
    let second = Attempted::new(&asked, 2, Some(output.clone()));
    let id = second.record.execution_id.as_str();
    let [leased, running] = start_attempt(&asked, &state, id, at(600_000));
    for state in [&leased, &running] {
        assert_eq!(ports.change_job(&asked, state).await, Ok(true));
    }
    let state = complete_attempt(&asked, &running, &second.record, at(600_500));
    assert_eq!(
        complete(ports, &asked, &state, &second, None).await,
        Ok(CommitResult::Done { is_final: true })
    );
    assert_eq!(get(ports, &asked).await, whole(state, Some(output)));
    assert_eq!(ports.get_execution(&own, id).await, Ok(Some(second.record)));
}

/// A second job of the same id is refused; the same id elsewhere is another job.
pub async fn a_job_is_submitted_once_in_its_workspace<P: ChangeJob + GetJob + PutJob>(ports: &P) {
    let (own, other) = (workspace("own"), workspace("other"));
    let asked = submission(&own, "j1");
    let state = enqueue(&asked);
    ports.put_job(&asked, &state).await.unwrap();
    let changed = Submission { priority: 9, ..asked.clone() };
    for again in [&asked, &changed] {
        let error = ports.put_job(again, &enqueue(again)).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Conflict);
        assert!(error.message.contains("`j1`"), "{error}");
    }
    assert_eq!(ports.get_job(&other, "j1").await, Ok(None));
    for absent in ["", "none", &"x".repeat(5_000)] {
        assert_eq!(ports.get_job(&own, absent).await, Ok(None), "{absent}");
    }
    let twin = submission(&other, "j1");
    ports.put_job(&twin, &enqueue(&twin)).await.unwrap();
    let stopped = cancel(&twin, &enqueue(&twin), "eve", at(1)).unwrap();
    assert_eq!(ports.change_job(&twin, &stopped).await, Ok(true));
    assert_eq!(get(ports, &asked).await, Job { submission: asked.clone(), state, output: None });
}

/// A state is written over the version before it and no other, and never without a job.
pub async fn of_writers_of_one_version_one_wins<P: ChangeJob + GetJob + PutJob>(ports: &P) {
    let asked = submission(&workspace("own"), "j1");
    let first = enqueue(&asked);
    for version in [0, 1, 2] {
        let state = JobState { version, ..first.clone() };
        assert_eq!(ports.change_job(&asked, &state).await, Ok(false), "{version}");
    }
    assert_eq!(ports.get_job(&asked.workspace, "j1").await, Ok(None));
    ports.put_job(&asked, &first).await.unwrap();
    let [second, _] = start_attempt(&asked, &first, "e1", at(1));
    let rival = cancel(&asked, &first, "eve", at(1)).unwrap();
    assert_eq!(ports.change_job(&asked, &second).await, Ok(true));
    for late in [&rival, &first] {
        assert_eq!(ports.change_job(&asked, late).await, Ok(false));
    }
    assert_eq!(get(ports, &asked).await.state, second);
}

/// The end of an attempt writes nothing when the lease is lost or the record exists.
pub async fn an_attempt_ends_whole_or_not_at_all<P>(ports: &P)
where
    P: ChangeJob + CompleteJob + GetExecution + GetJob + PutJob,
{
    let asked = submission(&workspace("own"), "j1");
    let attempt = Attempted::new(&asked, 1, Some(RawJson::of(&json!(1))));
    let id = attempt.record.execution_id.clone();
    let absent = enqueue(&asked);
    let result = complete(ports, &asked, &absent, &attempt, None).await;
    assert_eq!(result, Ok(CommitResult::LeaseLost));
    let state = run(ports, &asked, &id).await;
    let done = complete_attempt(&asked, &state, &attempt.record, at(10));
    let rival = cancel(&asked, &state, "eve", at(9)).unwrap();
    assert_eq!(ports.change_job(&asked, &rival).await, Ok(true));
    let result = complete(ports, &asked, &done, &attempt, None).await;
    assert_eq!(result, Ok(CommitResult::LeaseLost));
    assert_eq!(ports.get_execution(&asked.workspace, &id).await, Ok(None));
    let job = get(ports, &asked).await;
    assert_eq!((job.state, job.output), (rival, None));

    let other = submission(&asked.workspace, "j2");
    let state = run(ports, &other, &id).await;
    let done = complete_attempt(&other, &state, &attempt.record, at(10));
    assert_eq!(
        complete(ports, &other, &done, &attempt, None).await,
        Ok(CommitResult::Done { is_final: true })
    );
    let again = JobState { version: done.version + 1, ..done.clone() };
    let error = complete(ports, &other, &again, &attempt, None).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Conflict);
    assert_eq!(get(ports, &other).await.state, done);
}

/// Job, record and context are written together, or none of them.
pub async fn an_attempt_whose_context_changed_leaves_nothing<P>(ports: &P)
where
    P: ChangeJob + CompleteJob + ContextStore + CreatePolicy + GetExecution + GetJob + PutJob,
{
    let (own, a) = (workspace("own"), uri("a:1-x"));
    let draft = PolicyDraft::new("a:1-x", "p1", json!({}));
    ports.create_policy(&own, draft.revision()).await.unwrap();
    let asked = submission(&own, "j1");
    let attempt = Attempted::new(&asked, 1, Some(RawJson::of(&json!(1))));
    let state = run(ports, &asked, &attempt.record.execution_id).await;
    let done = complete_attempt(&asked, &state, &attempt.record, at(10));
    let value = RawJson::of(&json!({"n": 1}));
    let (none, gone) = (uri("none:1-x"), "p9");
    for (policy_id, uri, version, want) in [
        ("p1", &a, 3, CommitResult::ContextConflict),
        ("p1", &none, 0, CommitResult::PolicyDeleted),
        (gone, &a, 0, CommitResult::PolicyDeleted),
    ] {
        let write = ContextWrite { policy_id, uri, version, value: &value };
        let result = complete(ports, &asked, &done, &attempt, Some(write)).await;
        assert_eq!(result, Ok(want), "{policy_id} {uri} {version}");
        assert_eq!(get(ports, &asked).await.state, state);
        let id = &attempt.record.execution_id;
        assert_eq!(ports.get_execution(&own, id).await, Ok(None));
    }
    assert_eq!(ports.get_context(&own, "p1").await.unwrap().version, 0);
    let write = ContextWrite { policy_id: "p1", uri: &a, version: 0, value: &value };
    let result = complete(ports, &asked, &done, &attempt, Some(write)).await;
    assert_eq!(result, Ok(CommitResult::Done { is_final: true }));
    assert_eq!(ports.get_context(&own, "p1").await.unwrap().version, 1);
    assert_eq!(get(ports, &asked).await.state, done);
}

/// An output stays through changes of a completed job, and goes with any other status.
pub async fn only_a_completed_job_has_an_output<P>(ports: &P)
where
    P: ChangeJob + CompleteJob + GetJob + PutJob,
{
    let asked = submission(&workspace("own"), "j1");
    let output = RawJson::of(&json!({"ok": true}));
    let attempt = Attempted::new(&asked, 1, Some(output.clone()));
    let state = run(ports, &asked, &attempt.record.execution_id).await;
    let done = complete_attempt(&asked, &state, &attempt.record, at(10));
    assert_eq!(
        complete(ports, &asked, &done, &attempt, None).await,
        Ok(CommitResult::Done { is_final: true })
    );
    let told = JobState { version: done.version + 1, ..done };
    assert_eq!(ports.change_job(&asked, &told).await, Ok(true));
    assert_eq!(get(ports, &asked).await.output, Some(output));
    // No transition leads there; the output would not be that state's all the same.
    let failed = JobState { job_status: JobStatus::Failed, ..told };
    let again = retry(&failed, at(20)).unwrap();
    assert_eq!(ports.change_job(&asked, &again).await, Ok(true));
    let job = get(ports, &asked).await;
    assert_eq!((job.state.round, job.output), (2, None));
}
