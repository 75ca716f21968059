//! Tables in memory: jobs, records, contexts. Each write is checked against what must always hold.

use std::collections::BTreeMap;

use writ_model::{
    Cause, Error, ErrorKind, Execution, ExecutionStatus, Job, JobSignal, JobState, JobStatus,
    RawJson, SignalKind, Submission, Timestamp,
};
use writ_ports::{CallbackSecrets, CommitResult, DuePage, JobCompletion, StoredContext};

use crate::checks::{Step, check_new, check_order, check_step};
use crate::world::{Actor, World};

/// Jobs of a page of what is due: few, so that there are pages.
const PAGE: usize = 2;

/// A cancelled job's policy is stopped within so many milliseconds: a beat, and its calls.
const STOPS_WITHIN: u64 = 6_000;

/// How a round of a job ended.
#[derive(Clone, Debug)]
pub(crate) struct End {
    pub(crate) round: u32,
    pub(crate) status: JobStatus,
}

/// What the indexes say of a job.
#[derive(Clone, Debug)]
struct Shown {
    since: u64,
    queue_key: Option<String>,
    due_at: Option<Timestamp>,
}

#[derive(Clone, Debug)]
pub(crate) struct Row {
    pub(crate) submission: Submission,
    pub(crate) state: JobState,
    output: Option<RawJson>,
    /// The write that made it so.
    write: u64,
    /// Who took the job last.
    pub(crate) holder: Option<Actor>,
    pub(crate) ends: Vec<End>,
    shown: Vec<Shown>,
}

impl Row {
    /// When it came into the line.
    pub(crate) fn in_line_since(&self) -> Option<u64> {
        self.shown.last().filter(|shown| shown.queue_key.is_some()).map(|shown| shown.since)
    }

    /// Where it has to stand: the higher priority first, then who was ready first.
    pub(crate) fn place(&self) -> (u8, Timestamp, &str) {
        let Submission { priority, job_id, .. } = &self.submission;
        (9 - priority, self.state.ready_at, job_id)
    }

    fn is_cancelled_before(&self, now: u64, ms: u64) -> bool {
        let since = self.shown.last().map_or(now, |shown| shown.since);
        self.state.job_status == JobStatus::Cancelled && since + ms < now
    }

    fn show(&mut self, now: u64) {
        let state = &self.state;
        let queue_key = state.is_queued.then(|| writ_jobs::queue_key(&self.submission, state));
        let same = self.shown.last().is_some_and(|last| last.queue_key == queue_key);
        let since =
            if same && queue_key.is_some() { self.shown.last().unwrap().since } else { now };
        self.shown.push(Shown { since, queue_key, due_at: state.due_at });
        if self.shown.len() > 8 {
            self.shown.remove(0);
        }
    }

    /// What an index that is so far behind says.
    fn shown(&self, now: u64, behind: u64) -> Option<&Shown> {
        let then = now.saturating_sub(behind);
        self.shown.iter().rev().find(|shown| shown.since <= then)
    }
}

/// A record of a run.
#[derive(Clone, Debug)]
pub(crate) struct Record {
    pub(crate) parent: Option<String>,
    pub(crate) policy: String,
    pub(crate) round: u32,
    pub(crate) status: ExecutionStatus,
    pub(crate) cause: Cause,
    pub(crate) has_changed_context: bool,
    write: u64,
}

#[derive(Debug, Default)]
pub(crate) struct Store {
    pub(crate) jobs: BTreeMap<String, Row>,
    pub(crate) records: BTreeMap<String, Record>,
    pub(crate) contexts: BTreeMap<String, StoredContext>,
    pub(crate) secrets: CallbackSecrets,
    last_write: u64,
}

/// A context to be kept.
#[derive(Clone, Debug)]
pub(crate) struct Keep {
    pub(crate) policy_id: String,
    pub(crate) version: u64,
    pub(crate) value: RawJson,
}

/// The end of an attempt, as it is on its way.
#[derive(Clone, Debug)]
pub(crate) struct Ending {
    job_id: String,
    state: JobState,
    output: Option<RawJson>,
    record: Execution,
    context: Option<Keep>,
}

impl From<JobCompletion<'_>> for Ending {
    fn from(end: JobCompletion<'_>) -> Self {
        Self {
            job_id: end.submission.job_id.clone(),
            state: end.state.clone(),
            output: end.output.cloned(),
            record: end.record.clone(),
            context: end.context.map(Keep::from),
        }
    }
}

impl From<writ_ports::ContextWrite<'_>> for Keep {
    fn from(write: writ_ports::ContextWrite<'_>) -> Self {
        Self {
            policy_id: write.policy_id.to_owned(),
            version: write.version,
            value: write.value.clone(),
        }
    }
}

impl World {
    /// Tells a write from every other one.
    pub(crate) fn new_write(&mut self) -> u64 {
        self.store.last_write += 1;
        self.store.last_write
    }

    pub(crate) fn put(&mut self, write: u64, submission: &Submission, state: &JobState) -> bool {
        if let Some(row) = self.store.jobs.get(&submission.job_id) {
            return row.write == write;
        }
        if let Err(what) = check_new(submission, state) {
            self.violated(format!("{what}: {state:?}"));
        }
        let mut row = Row {
            submission: submission.clone(),
            state: state.clone(),
            output: None,
            write,
            holder: None,
            ends: Vec::new(),
            shown: Vec::new(),
        };
        row.show(self.now);
        self.store.jobs.insert(submission.job_id.clone(), row);
        true
    }

    pub(crate) fn get(&self, job_id: &str) -> Option<Job> {
        let Row { submission, state, output, .. } = self.store.jobs.get(job_id)?.clone();
        Some(Job { submission, state, output })
    }

    /// Writes the state over the version before it.
    pub(crate) fn change(
        &mut self,
        (write, by, node): (u64, Actor, usize),
        job_id: &str,
        state: &JobState,
    ) -> bool {
        let Some(row) = self.store.jobs.get(job_id) else { return false };
        if row.state.version + 1 != state.version {
            return row.write == write;
        }
        self.write_state((write, by, node), job_id, state.clone(), None);
        true
    }

    fn write_state(
        &mut self,
        (write, by, node): (u64, Actor, usize),
        job_id: &str,
        state: JobState,
        ended: Option<&Ending>,
    ) {
        let clock = self.clock(node);
        let row = &self.store.jobs[job_id];
        let step = Step {
            before: &row.state,
            after: &state,
            submission: &row.submission,
            holder: row.holder,
            by,
            record: ended.map(|ended| &ended.record),
            clock: self.is_clock_steady().then_some(clock),
        };
        let checked = check_step(&step, &mut self.counts);
        let taken = !row.state.job_status.is_leased() && state.job_status.is_leased();
        let ordered = if taken && self.plan.is_ordered { check_order(self, row) } else { Ok(()) };
        self.note(|| format!("{by:?} writes {job_id}: {}", brief(&state)));
        if let Err(what) = checked.and(ordered) {
            let before = &self.store.jobs[job_id].state;
            let text = format!("{what}\n  by {by:?}\n  before {before:?}\n  after  {state:?}");
            self.violated(text);
        }
        let now = self.now;
        let row = self.store.jobs.get_mut(job_id).unwrap();
        if taken {
            row.holder = Some(by);
        }
        if state.job_status.is_final() && !row.state.job_status.is_final() {
            row.ends.push(End { round: state.round, status: state.job_status });
        }
        if let Some(ended) = ended {
            row.output.clone_from(&ended.output);
        }
        (row.state, row.write) = (state, write);
        row.show(now);
    }

    /// Writes job, record and context, all or nothing.
    pub(crate) fn end(
        &mut self,
        who: (u64, Actor, usize),
        end: &Ending,
    ) -> Result<CommitResult, Error> {
        let Some(row) = self.store.jobs.get(&end.job_id) else {
            return Ok(CommitResult::LeaseLost);
        };
        if let Some(record) = self.store.records.get(&end.record.execution_id) {
            // The same write, once more.
            let is_same = record.write == who.0;
            let is_final = end.state.job_status.is_final();
            let done = CommitResult::Done { is_final };
            return if is_same { Ok(done) } else { Err(recorded(&end.record)) };
        }
        if row.state.version + 1 != end.state.version {
            self.counts.add("result refused");
            if self.plan.is_calm() && row.is_cancelled_before(self.now, STOPS_WITHIN) {
                self.violated(format!("{} was cancelled, and ran on", end.job_id));
            }
            return Ok(CommitResult::LeaseLost);
        }
        let round = row.state.round;
        if let Some(refused) = self.keep(end.context.as_ref()) {
            return Ok(refused);
        }
        self.record(who.0, &end.record, round);
        self.write_state(who, &end.job_id, end.state.clone(), Some(end));
        Ok(CommitResult::Done { is_final: end.state.job_status.is_final() })
    }

    /// Writes a record that is no job's, and a context.
    pub(crate) fn commit(
        &mut self,
        write: u64,
        record: &Execution,
        context: Option<&Keep>,
    ) -> Result<CommitResult, Error> {
        if let Some(there) = self.store.records.get(&record.execution_id) {
            let is_same = there.write == write;
            let done = CommitResult::Done { is_final: true };
            return if is_same { Ok(done) } else { Err(recorded(record)) };
        }
        if let Some(refused) = self.keep(context) {
            return Ok(refused);
        }
        self.record(write, record, 0);
        Ok(CommitResult::Done { is_final: true })
    }

    fn record(&mut self, write: u64, record: &Execution, round: u32) {
        let change = record.context.as_ref().map(|context| &context.change);
        let row = Record {
            parent: record.parent.clone(),
            policy: record.policy_rule_uri.to_string(),
            round,
            status: record.status,
            cause: record.cause,
            has_changed_context: change.is_some_and(|change| !change.is_empty()),
            write,
        };
        self.note(|| format!("record {} of {:?}: {:?}", record.execution_id, row.parent, row));
        self.store.records.insert(record.execution_id.clone(), row);
    }

    fn keep(&mut self, context: Option<&Keep>) -> Option<CommitResult> {
        let Keep { policy_id, version, value } = context?;
        let kept = self.store.contexts.entry(policy_id.clone()).or_default();
        if kept.version != *version {
            self.counts.add("context moved");
            return Some(CommitResult::ContextConflict);
        }
        *kept = StoredContext { version: version + 1, value: value.clone() };
        let expected = format!(r#"{{"n":{}}}"#, version + 1);
        if value.as_str() != expected {
            self.violated(format!("a context lost a change: {value:?}, not {expected}"));
        }
        None
    }

    /// The first jobs in line, as an index shows them that may be behind.
    pub(crate) fn line(&mut self, limit: usize) -> Vec<String> {
        let now = self.now;
        let mut ranked = Vec::new();
        for (job_id, row) in &self.store.jobs {
            let behind = self.rng.below(self.plan.stale_max + 1);
            let queue_key = row.shown(now, behind).and_then(|shown| shown.queue_key.clone());
            ranked.extend(queue_key.map(|queue_key| (queue_key, job_id.clone())));
        }
        ranked.sort();
        ranked.into_iter().map(|(_, job_id)| job_id).take(limit).collect()
    }

    pub(crate) fn due(&mut self, before: Timestamp, next: Option<&str>) -> DuePage {
        let now = self.now;
        let mut found = Vec::new();
        for (job_id, row) in &self.store.jobs {
            let behind = self.rng.below(self.plan.stale_max + 1);
            let due_at = row.shown(now, behind).and_then(|shown| shown.due_at);
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

fn recorded(record: &Execution) -> Error {
    let message = format!("`{}` is recorded already", record.execution_id);
    Error::new(ErrorKind::Conflict, message)
}

fn brief(state: &JobState) -> String {
    let JobState { version, job_status, round, attempts_made, due_at, callback, .. } = state;
    let fencing_token = state.lease.as_ref().map(|lease| &lease.fencing_token);
    let due = due_at.map(|due_at| due_at.as_ms() - crate::world::BEGIN);
    let call = callback.as_ref().map(|callback| (callback.status, callback.tries));
    format!(
        "v{version} {job_status} round {round} attempts {attempts_made} fence {fencing_token:?} \
         in line {} due {due:?} {call:?}",
        state.is_queued
    )
}
