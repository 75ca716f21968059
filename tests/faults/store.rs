//! Tables in memory: jobs, records, contexts. Each write is checked against the invariants.

use std::collections::BTreeMap;

use writ_model::{
    Cause, Error, ErrorKind, Execution, ExecutionStatus, Job, JobSignal, JobState, JobStatus,
    RawJson, SignalKind, Submission, Timestamp,
};
use writ_ports::{
    CallbackSecrets, CommitResult, ContextWrite, DuePage, JobCompletion, StoredContext,
};

use crate::checks::{Transition, check_new, check_queue_order, check_transition};
use crate::world::{Actor, World};

/// Jobs of a page of due jobs: few, so that there are several pages.
const PAGE: usize = 2;

/// The run of a cancelled job ends within this time, in milliseconds: a heartbeat and its calls.
const CANCELLATION_MS_MAX: u64 = 6_000;

/// The final status of one round of a job.
#[derive(Clone, Debug)]
pub(crate) struct RoundOutcome {
    pub(crate) round: u32,
    pub(crate) status: JobStatus,
}

/// A job in the indexes since a time, in milliseconds.
#[derive(Clone, Debug)]
struct IndexEntry {
    since: u64,
    queue_key: Option<String>,
    due_at: Option<Timestamp>,
}

#[derive(Clone, Debug)]
pub(crate) struct JobRow {
    pub(crate) submission: Submission,
    pub(crate) state: JobState,
    output: Option<RawJson>,
    /// The id of the last write.
    write: u64,
    /// The runner that leased the job last.
    pub(crate) holder: Option<Actor>,
    pub(crate) outcomes: Vec<RoundOutcome>,
    /// The last index entries, the oldest first; stale reads find older ones.
    index_history: Vec<IndexEntry>,
}

impl JobRow {
    /// The time at which the job entered the queue, in milliseconds; `None` outside of it.
    pub(crate) fn queued_since(&self) -> Option<u64> {
        self.index_history.last().filter(|entry| entry.queue_key.is_some()).map(|entry| entry.since)
    }

    /// The position in the queue: the higher priority first, then the job that was ready first.
    pub(crate) fn queue_position(&self) -> (u8, Timestamp, &str) {
        let Submission { priority, job_id, .. } = &self.submission;
        (9 - priority, self.state.ready_at, job_id)
    }

    /// Whether the job was cancelled more than `ms` milliseconds ago.
    fn is_cancelled_for(&self, now: u64, ms: u64) -> bool {
        let since = self.index_history.last().map_or(now, |entry| entry.since);
        self.state.job_status == JobStatus::Cancelled && since + ms < now
    }

    fn update_indexes(&mut self, now: u64) {
        let state = &self.state;
        let queue_key = state.is_queued.then(|| writ_jobs::queue_key(&self.submission, state));
        let is_same = self.index_history.last().is_some_and(|last| last.queue_key == queue_key);
        let since = if is_same && queue_key.is_some() {
            self.index_history.last().unwrap().since
        } else {
            now
        };
        self.index_history.push(IndexEntry { since, queue_key, due_at: state.due_at });
        if self.index_history.len() > 8 {
            self.index_history.remove(0);
        }
    }

    /// The entry of an index that lags by `lag` milliseconds.
    fn index_entry(&self, now: u64, lag: u64) -> Option<&IndexEntry> {
        let then = now.saturating_sub(lag);
        self.index_history.iter().rev().find(|entry| entry.since <= then)
    }
}

/// The record of one run.
#[derive(Clone, Debug)]
pub(crate) struct Record {
    pub(crate) parent: Option<String>,
    pub(crate) policy: String,
    pub(crate) round: u32,
    pub(crate) status: ExecutionStatus,
    pub(crate) cause: Cause,
    pub(crate) has_changed_context: bool,
    pub(crate) execution: Execution,
    write: u64,
}

#[derive(Debug, Default)]
pub(crate) struct Store {
    pub(crate) jobs: BTreeMap<String, JobRow>,
    pub(crate) records: BTreeMap<String, Record>,
    pub(crate) contexts: BTreeMap<String, StoredContext>,
    pub(crate) secrets: CallbackSecrets,
    last_write: u64,
}

/// An owned [`ContextWrite`], because a write may arrive after its process crashed.
#[derive(Clone, Debug)]
pub(crate) struct ContextUpdate {
    pub(crate) policy_id: String,
    pub(crate) version: u64,
    pub(crate) value: RawJson,
}

/// An owned [`JobCompletion`], because a write may arrive after its process crashed.
#[derive(Clone, Debug)]
pub(crate) struct Completion {
    job_id: String,
    state: JobState,
    output: Option<RawJson>,
    record: Execution,
    context: Option<ContextUpdate>,
}

impl From<JobCompletion<'_>> for Completion {
    fn from(completion: JobCompletion<'_>) -> Self {
        Self {
            job_id: completion.submission.job_id.clone(),
            state: completion.state.clone(),
            output: completion.output.cloned(),
            record: completion.record.clone(),
            context: completion.context.map(ContextUpdate::from),
        }
    }
}

impl From<ContextWrite<'_>> for ContextUpdate {
    fn from(write: ContextWrite<'_>) -> Self {
        Self {
            policy_id: write.policy_id.to_owned(),
            version: write.version,
            value: write.value.clone(),
        }
    }
}

impl World {
    /// A new id of a write; a write that arrives twice has the same id twice.
    pub(crate) fn new_write(&mut self) -> u64 {
        self.store.last_write += 1;
        self.store.last_write
    }

    pub(crate) fn put_job(
        &mut self,
        write: u64,
        submission: &Submission,
        state: &JobState,
    ) -> bool {
        if let Some(row) = self.store.jobs.get(&submission.job_id) {
            return row.write == write;
        }
        if let Err(violation) = check_new(submission, state) {
            self.report_violation(format!("{violation}: {state:?}"));
        }
        let mut row = JobRow {
            submission: submission.clone(),
            state: state.clone(),
            output: None,
            write,
            holder: None,
            outcomes: Vec::new(),
            index_history: Vec::new(),
        };
        row.update_indexes(self.now);
        self.store.jobs.insert(submission.job_id.clone(), row);
        true
    }

    pub(crate) fn get_job(&self, job_id: &str) -> Option<Job> {
        let JobRow { submission, state, output, .. } = self.store.jobs.get(job_id)?.clone();
        Some(Job { submission, state, output })
    }

    /// Writes the state if the stored version is the one before it.
    pub(crate) fn change_job(
        &mut self,
        (write, writer, node): (u64, Actor, usize),
        job_id: &str,
        state: &JobState,
    ) -> bool {
        let Some(row) = self.store.jobs.get(job_id) else { return false };
        if row.state.version + 1 != state.version {
            return row.write == write;
        }
        self.write_state((write, writer, node), job_id, state.clone(), None);
        true
    }

    fn write_state(
        &mut self,
        (write, writer, node): (u64, Actor, usize),
        job_id: &str,
        state: JobState,
        completion: Option<&Completion>,
    ) {
        let clock = self.clock(node);
        let row = &self.store.jobs[job_id];
        let transition = Transition {
            before: &row.state,
            after: &state,
            submission: &row.submission,
            holder: row.holder,
            writer,
            record: completion.map(|completion| &completion.record),
            clock: self.is_clock_steady().then_some(clock),
        };
        let checked = check_transition(&transition, &mut self.counts);
        let is_new_lease = !row.state.job_status.is_leased() && state.job_status.is_leased();
        let ordered = if is_new_lease && self.config.has_queue_order {
            check_queue_order(self, row)
        } else {
            Ok(())
        };
        self.trace(|| format!("{writer:?} writes {job_id}: {}", summary(&state)));
        if let Err(violation) = checked.and(ordered) {
            let before = &self.store.jobs[job_id].state;
            let text =
                format!("{violation}\n  by {writer:?}\n  before {before:?}\n  after  {state:?}");
            self.report_violation(text);
        }
        let now = self.now;
        let row = self.store.jobs.get_mut(job_id).unwrap();
        if is_new_lease {
            row.holder = Some(writer);
        }
        if state.job_status.is_final() && !row.state.job_status.is_final() {
            row.outcomes.push(RoundOutcome { round: state.round, status: state.job_status });
        }
        if let Some(completion) = completion {
            row.output.clone_from(&completion.output);
        }
        (row.state, row.write) = (state, write);
        row.update_indexes(now);
    }

    /// Writes job, record and context in one transaction.
    pub(crate) fn complete_job(
        &mut self,
        writer: (u64, Actor, usize),
        completion: &Completion,
    ) -> Result<CommitResult, Error> {
        let Some(row) = self.store.jobs.get(&completion.job_id) else {
            return Ok(CommitResult::LeaseLost);
        };
        if let Some(record) = self.store.records.get(&completion.record.execution_id) {
            // The same write arrived twice.
            let is_same = record.write == writer.0;
            let is_final = completion.state.job_status.is_final();
            let done = CommitResult::Done { is_final };
            return if is_same { Ok(done) } else { Err(conflict_error(&completion.record)) };
        }
        if row.state.version + 1 != completion.state.version {
            self.counts.add("result refused");
            if self.config.is_fault_free() && row.is_cancelled_for(self.now, CANCELLATION_MS_MAX) {
                self.report_violation(format!(
                    "the run of {} went on after its cancellation",
                    completion.job_id
                ));
            }
            return Ok(CommitResult::LeaseLost);
        }
        let round = row.state.round;
        if let Some(conflict) = self.write_context(completion.context.as_ref()) {
            return Ok(conflict);
        }
        self.insert_record(writer.0, &completion.record, round);
        self.write_state(writer, &completion.job_id, completion.state.clone(), Some(completion));
        Ok(CommitResult::Done { is_final: completion.state.job_status.is_final() })
    }

    /// Writes the record of a run without a job, and its context, in one transaction.
    pub(crate) fn commit_run(
        &mut self,
        write: u64,
        record: &Execution,
        context: Option<&ContextUpdate>,
    ) -> Result<CommitResult, Error> {
        if let Some(existing) = self.store.records.get(&record.execution_id) {
            let is_same = existing.write == write;
            let done = CommitResult::Done { is_final: true };
            return if is_same { Ok(done) } else { Err(conflict_error(record)) };
        }
        if let Some(conflict) = self.write_context(context) {
            return Ok(conflict);
        }
        self.insert_record(write, record, 0);
        Ok(CommitResult::Done { is_final: true })
    }

    fn insert_record(&mut self, write: u64, record: &Execution, round: u32) {
        let change = record.context.as_ref().map(|context| &context.change);
        let row = Record {
            parent: record.parent.clone(),
            policy: record.policy_rule_uri.to_string(),
            round,
            status: record.status,
            cause: record.cause,
            has_changed_context: change.is_some_and(|change| !change.is_empty()),
            execution: record.clone(),
            write,
        };
        self.trace(|| format!("record {} of {:?}: {:?}", record.execution_id, row.parent, row));
        self.store.records.insert(record.execution_id.clone(), row);
    }

    /// Writes a context, or returns the conflict with its stored version.
    fn write_context(&mut self, context: Option<&ContextUpdate>) -> Option<CommitResult> {
        let ContextUpdate { policy_id, version, value } = context?;
        let stored = self.store.contexts.entry(policy_id.clone()).or_default();
        if stored.version != *version {
            self.counts.add("context conflict");
            return Some(CommitResult::ContextConflict);
        }
        *stored = StoredContext { version: version + 1, value: value.clone() };
        let expected = format!(r#"{{"n":{}}}"#, version + 1);
        if value.as_str() != expected {
            self.report_violation(format!("a context lost a change: {value:?}, not {expected}"));
        }
        None
    }

    /// The first jobs of the queue in an index that may lag.
    pub(crate) fn peek_queue(&mut self, limit: usize) -> Vec<String> {
        let now = self.now;
        let mut entries = Vec::new();
        for (job_id, row) in &self.store.jobs {
            let lag = self.rng.below(self.config.index_lag_ms_max + 1);
            let queue_key = row.index_entry(now, lag).and_then(|entry| entry.queue_key.clone());
            entries.extend(queue_key.map(|queue_key| (queue_key, job_id.clone())));
        }
        entries.sort();
        entries.into_iter().map(|(_, job_id)| job_id).take(limit).collect()
    }

    /// A page of the due jobs in an index that may lag.
    pub(crate) fn due_jobs(&mut self, before: Timestamp, next: Option<&str>) -> DuePage {
        let now = self.now;
        let mut found = Vec::new();
        for (job_id, row) in &self.store.jobs {
            let lag = self.rng.below(self.config.index_lag_ms_max + 1);
            let due_at = row.index_entry(now, lag).and_then(|entry| entry.due_at);
            if let Some(due_at) = due_at.filter(|due_at| *due_at <= before) {
                let key = format!("{:016}#{job_id}", due_at.as_ms());
                if next.is_none_or(|next| key.as_str() > next) {
                    found.push((key, JobSignal::new(&row.submission, SignalKind::Queue)));
                }
            }
        }
        found.sort_by(|a, b| a.0.cmp(&b.0));
        let next = found.get(PAGE).map(|_| found[PAGE - 1].0.clone());
        DuePage { jobs: found.into_iter().take(PAGE).map(|(_, signal)| signal).collect(), next }
    }
}

fn conflict_error(record: &Execution) -> Error {
    let message = format!("`{}` is recorded already", record.execution_id);
    Error::new(ErrorKind::Conflict, message)
}

fn summary(state: &JobState) -> String {
    let JobState { version, job_status, round, attempts_made, due_at, callback, .. } = state;
    let fencing_token = state.lease.as_ref().map(|lease| &lease.fencing_token);
    let due = due_at.map(|due_at| due_at.as_ms() - crate::world::EPOCH_MS);
    let callback = callback.as_ref().map(|callback| (callback.status, callback.tries));
    format!(
        "v{version} {job_status} round {round} attempts {attempts_made} fencing token \
         {fencing_token:?} queued {} due {due:?} {callback:?}",
        state.is_queued
    )
}
