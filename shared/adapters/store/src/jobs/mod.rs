//! Jobs: one item each, changed with every step of the job's life under the version that was read.
//!
//! Each change costs what the whole item weighs, so the item stays small. What was asked for never
//! changes: over [`INLINE_BYTES_MAX`] it stands in chunks beside the item, written with it in one
//! transaction. What the policy returned is in the attempt's record already, and masked there, so a
//! larger output is not kept twice: the item names the record, which the same transaction wrote.
//!
//! A write carries an id of its own, so that a repeat of it after a lost reply knows its own work.
//! Where somebody has moved the job on before the repeat arrives, the write is told as one that did
//! not hold: whoever made it reads the job again, as after any other lost race.
//!
//! Listings spread over several partitions as those of the log do ([`crate::executions`]). While a
//! job is not over it stands in `by_outcome` among the few that are not, so those are found however
//! many are over.

mod due;
mod item;
mod line;
mod query;
mod read;
mod secrets;
mod write;

use writ_model::Workspace;

use crate::Store;
use crate::chunks::Place;

/// The sort key of a job.
const JOB: &str = "job";

/// The sort key of a submission's chunks, up to the number.
const SUBMISSION: &str = "submission#";

/// Bytes of a submission, and of an output, that an item holds itself.
const INLINE_BYTES_MAX: usize = 8 << 10;

/// No id of ours is longer; DynamoDB takes no empty key and none over 2,048 bytes.
const ID_BYTES_MAX: usize = 256;

fn job_partition(workspace: &Workspace, job_id: &str) -> String {
    format!("{workspace}#{job_id}")
}

impl Store {
    fn submission_place(&self, partition: &str) -> Place<'_> {
        Place {
            table: &self.tables.jobs,
            partition: partition.to_owned(),
            prefix: SUBMISSION.to_owned(),
        }
    }

    /// Bytes that stand in the item itself; never more than a chunk holds.
    fn inline_bytes_max(&self) -> usize {
        INLINE_BYTES_MAX.min(self.bounds.chunk_bytes_max)
    }
}
