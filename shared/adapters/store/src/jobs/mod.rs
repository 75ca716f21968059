//! Jobs: one item each. Every step of a job's life updates it, and requires the version that was
//! read.
//!
//! Each update costs as much as the whole item's size, so the item stays small. The submission
//! never changes: over [`INLINE_BYTES_MAX`] it is stored in chunks beside the item, written with it
//! in one transaction. The policy's output is in the attempt's record already, and masked there, so
//! a larger output is not stored twice: the item names the record, which the same transaction
//! wrote.
//!
//! Every write has an id, by which a retry after a lost response recognises its own write. If the
//! job was changed again before the retry arrives, the write is reported as failed: its caller
//! reads the job again, as after any other lost race.
//!
//! Listings read several partitions as those of executions do ([`crate::executions`]). A job that
//! is not over is in a small partition of `by_outcome`, so such jobs are found however many are
//! over.

mod callback_secrets;
mod due;
mod item;
mod query;
mod queue;
mod read;
mod write;

use writ_model::Workspace;

use crate::Store;
use crate::chunks::ChunkLocation;

/// The sort key of a job's item.
const JOB: &str = "job";

/// The sort key of a submission's chunks, without the number at its end.
const SUBMISSION: &str = "submission#";

/// Bytes of a submission, and of an output, that the item itself holds at most.
const INLINE_BYTES_MAX: usize = 8 << 10;

/// Bytes of a job's id at most. The platform makes no longer ones; DynamoDB refuses empty keys and
/// keys over 2,048 bytes.
const ID_BYTES_MAX: usize = 256;

fn job_partition(workspace: &Workspace, job_id: &str) -> String {
    format!("{workspace}#{job_id}")
}

impl Store {
    fn submission_location(&self, partition: &str) -> ChunkLocation<'_> {
        ChunkLocation {
            table: &self.tables.jobs,
            partition: partition.to_owned(),
            prefix: SUBMISSION.to_owned(),
        }
    }

    /// Bytes of a text that the item itself holds; never more than a chunk holds.
    fn inline_bytes_max(&self) -> usize {
        INLINE_BYTES_MAX.min(self.chunk_sizes.chunk_bytes_max)
    }
}
