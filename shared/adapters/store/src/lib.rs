//! The storage ports over DynamoDB. The same code runs on AWS and on the embedded database.
//!
//! Every partition key starts with the caller's workspace, `{workspace}#...`. It is built here from
//! the workspace that the caller was authenticated for, never from what a caller sends: a page
//! token holds no partition key. There are two exceptions: tokens, which are looked up before the
//! workspace is known ([`tables`] says how they are listed), and the items of garbage collection:
//! their partition keys start with `#`, as those of no workspace do.
//!
//! User JSON is stored as text, because DynamoDB's maps lose the order of members and its numbers
//! lose digits. Attributes beside the text are copies for indexes. Text over 300 KB is split into
//! chunks.

mod batch;
mod chunks;
mod contexts;
mod due;
mod errors;
mod executions;
mod expiry;
mod idempotency;
mod item;
mod jobs;
mod policies;
mod schedules;
mod search;
mod shards;
pub mod tables;
mod tokens;
mod transact;

use std::time::{SystemTime, UNIX_EPOCH};

use aws_sdk_dynamodb::Client;
use writ_model::Timestamp;

pub use chunks::ChunkSizes;
pub use search::{BYTES_READ_MAX, PAGE_BYTES_MAX, READS_MAX};
pub use tables::TableNames;

/// Implements all storage ports over one DynamoDB client. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Store {
    client: Client,
    tables: TableNames,
    chunk_sizes: ChunkSizes,
}

impl Store {
    /// A store on these tables. Nothing is read or written yet.
    #[must_use]
    pub fn new(client: Client, tables: TableNames) -> Self {
        Self { client, tables, chunk_sizes: chunks::DEFAULT_SIZES }
    }

    /// The same store, which splits texts at other sizes. Stored texts are read whatever the sizes
    /// are; small ones let a short text take every path of a long one in tests.
    #[must_use]
    pub fn with_chunk_sizes(self, chunk_sizes: ChunkSizes) -> Self {
        Self { chunk_sizes, ..self }
    }

    /// The current time of the clock by which the client signs its requests.
    fn now(&self) -> Timestamp {
        let source = self.client.config().time_source();
        let now = source.map_or_else(SystemTime::now, |source| source.now());
        let since = now.duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_ms(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }
}
