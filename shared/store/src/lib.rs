//! The ports over DynamoDB. The same code runs on AWS and on the embedded database.
//!
//! Every partition key starts with the caller's workspace, `{workspace}#...`, and is built here
//! from the workspace that the caller was authenticated for, never from anything that a caller
//! sends: a page token holds no partition key. The one exception are tokens, which are looked up
//! before the workspace is known ([`tables`] says how they are listed).
//!
//! User JSON is kept as text, for DynamoDB's maps lose order and its numbers digits; what stands
//! beside it is copied for indexes. Text over 300 KB is cut into chunks named by their content.

mod batch;
mod chunks;
mod executions;
mod fault;
pub mod grants;
mod idempotency;
mod item;
mod policies;
mod search;
pub mod tables;
mod tokens;
mod transact;

use aws_sdk_dynamodb::Client;

pub use search::{BYTES_READ_MAX, PAGE_BYTES_MAX, READS_MAX};
pub use tables::Tables;

/// All ports of storage over one DynamoDB client. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Store {
    client: Client,
    tables: Tables,
}

impl Store {
    /// A store on these tables; nothing is read or written yet.
    #[must_use]
    pub fn new(client: Client, tables: Tables) -> Self {
        Self { client, tables }
    }
}
