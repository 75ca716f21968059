//! The item of a job: the attributes that never change, and those that each change writes or
//! removes.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use writ_jobs::queue_key;
use writ_model::{Error, JobState, JobStatus, Submission, Workspace};

use super::{JOB, job_partition};
use crate::due::{due_key, due_partition};
use crate::item::{Item, ItemExt, key, number, string};
use crate::search::index_key;
use crate::shards::shard_of;

/// The outcome of a job that is not over, in `by_outcome`.
pub(super) const OPEN: &str = "open";

/// The job still has the version that was read.
pub(super) const IS_UNCHANGED: &str = "#version = :before";

pub(super) fn time_partition(workspace: &Workspace, shard: u64) -> String {
    format!("{workspace}#{shard}")
}

pub(super) fn policy_partition(workspace: &Workspace, shard: u64, uri: &str) -> String {
    format!("{workspace}#{shard}#{uri}")
}

pub(super) fn outcome_partition(workspace: &Workspace, shard: u64, outcome: &str) -> String {
    format!("{workspace}#{shard}#{outcome}")
}

/// The outcome of a job with this status, in `by_outcome`.
pub(super) fn outcome(status: JobStatus) -> &'static str {
    if status.is_final() { status.name() } else { OPEN }
}

/// The change of a job's output that an update makes.
pub(super) enum OutputChange<'a> {
    Keep,
    /// The job has no output, or none any more.
    None,
    /// The item holds the output.
    Inline(&'a str),
    /// The record of this execution holds the output.
    Record(&'a str),
}

impl OutputChange<'_> {
    /// The change of an update that brings no output: only a completed job has one.
    pub(super) fn after(state: &JobState) -> Self {
        if state.job_status == JobStatus::Completed { Self::Keep } else { Self::None }
    }
}

/// The names and values of the attributes that change with a job; an attribute without a value is
/// removed.
type MutableAttributes = Vec<(&'static str, Option<AttributeValue>)>;

fn mutable_attributes(
    submission: &Submission,
    state: &JobState,
    write_id: &str,
) -> Result<MutableAttributes, Error> {
    let (workspace, id) = (&submission.workspace, submission.job_id.as_str());
    let shard = shard_of(id);
    let since = state.finished_at.unwrap_or(submission.submitted_at);
    let partition = job_partition(workspace, id);
    let outcome = outcome_partition(workspace, shard, outcome(state.job_status));
    let if_queued = |text: String| state.is_queued.then(|| string(text));
    Ok(vec![
        ("state", Some(string(serde_json::to_string(state).map_err(Error::internal)?))),
        ("version", Some(number(state.version))),
        ("write", Some(string(write_id))),
        ("outcome", Some(string(outcome))),
        ("since", Some(string(index_key(&since.to_string(), id)))),
        ("line", if_queued(workspace.to_string())),
        ("rank", if_queued(queue_key(submission, state))),
        ("due_shard", state.due_at.map(|_| string(due_partition(shard)))),
        ("due", state.due_at.map(|due_at| string(due_key(due_at, &partition)))),
    ])
}

/// The item of a new job, without its submission.
pub(super) fn new_item(
    submission: &Submission,
    state: &JobState,
    write_id: &str,
) -> Result<Item, Error> {
    let (workspace, id) = (&submission.workspace, submission.job_id.as_str());
    let (shard, uri) = (shard_of(id), submission.policy_rule_uri.to_string());
    let item = key(job_partition(workspace, id), JOB)
        .with("shard", string(time_partition(workspace, shard)))
        .with("policy_shard", string(policy_partition(workspace, shard, &uri)))
        .with("submitted", string(index_key(&submission.submitted_at.to_string(), id)));
    let mutable_attributes = mutable_attributes(submission, state, write_id)?;
    let present = mutable_attributes.into_iter().filter_map(|(name, value)| Some((name, value?)));
    Ok(present.fold(item, |item, (name, value)| item.with(name, value)))
}

/// The parameters of an `UpdateItem`, alone or in a transaction.
pub(super) struct JobUpdate {
    pub(super) expression: String,
    pub(super) names: HashMap<String, String>,
    pub(super) values: HashMap<String, AttributeValue>,
}

impl JobUpdate {
    /// The update to this state. It requires the version before.
    pub(super) fn to(
        submission: &Submission,
        state: &JobState,
        write_id: &str,
        output: &OutputChange<'_>,
    ) -> Result<Self, Error> {
        let mut mutable_attributes = mutable_attributes(submission, state, write_id)?;
        match output {
            OutputChange::Keep => {}
            OutputChange::None => {
                mutable_attributes.extend([("output", None), ("output_of", None)])
            }
            OutputChange::Inline(text) => {
                mutable_attributes.extend([("output", Some(string(*text))), ("output_of", None)]);
            }
            OutputChange::Record(id) => {
                mutable_attributes.extend([("output", None), ("output_of", Some(string(*id)))]);
            }
        }
        let before = number(state.version.saturating_sub(1));
        let mut values = HashMap::from([(":before".to_owned(), before)]);
        let mut names = HashMap::new();
        let (mut set, mut remove) = (Vec::new(), Vec::new());
        for (name, value) in mutable_attributes {
            // Some of the names are reserved words of DynamoDB.
            names.insert(format!("#{name}"), name.to_owned());
            match value {
                Some(value) => {
                    values.insert(format!(":{name}"), value);
                    set.push(format!("#{name} = :{name}"));
                }
                None => remove.push(format!("#{name}")),
            }
        }
        let mut expression = format!("SET {}", set.join(", "));
        if !remove.is_empty() {
            expression = format!("{expression} REMOVE {}", remove.join(", "));
        }
        Ok(Self { expression, names, values })
    }
}
