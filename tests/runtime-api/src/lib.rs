//! One Lambda function on this machine: its process, the Runtime API that it asks for events, and a
//! DynamoDB that answers what a test says.
//!
//! What the Runtime API promises is in the AWS Lambda Developer Guide, "Using the Lambda runtime API
//! for custom runtimes"; what is here is that much of it which a function can see. Threads and the
//! standard library are enough: a function asks for one event at a time.

mod dynamodb;
pub mod event;
mod function;
mod http;
mod invocations;
pub mod process;
mod server;
mod stored;

pub use dynamodb::{Called, DynamoDb, Reply};
pub use function::{Function, FunctionError, Launch};
pub use invocations::{Answered, Outcome};
pub use stored::StoredPolicy;
