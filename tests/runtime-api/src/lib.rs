//! One Lambda function on this machine: its process, the Runtime API from which it gets events, and a
//! DynamoDB with scripted replies.
//!
//! The Runtime API is specified in the AWS Lambda Developer Guide, "Using the Lambda runtime API for
//! custom runtimes"; this crate implements the part that a function can observe. It uses threads and
//! the standard library, because a function requests one event at a time.

mod dynamodb;
pub mod event;
mod function;
mod http;
mod invocations;
pub mod process;
mod server;
mod stored;

pub use dynamodb::{DynamoDb, RecordedCall, Reply};
pub use function::{Function, FunctionError, Launch};
pub use invocations::{Invocation, Outcome};
pub use stored::StoredPolicy;
