//! Things to put into a platform, with defaults that a test overrides.

mod execution;
mod job;
mod policy;
mod request;
mod schedule;

use writ_model::{Digest, PolicyUri, Role, Timestamp, Workspace};
use writ_ports::Query;
use writ_ports::Token;
use writ_query::{Filter, Sort};

pub use execution::{execution, execution_id};
pub use job::{
    Attempted, complete_attempt, finished_job, job, lease_request, runner, start_attempt,
    submission,
};
pub use policy::{PolicyDraft, policy_body};
pub use request::{RequestExt, body, caller, data, request};
pub use schedule::{next_version, schedule};

/// The moment at which tests begin: 2026-09-21T14:13:20Z.
pub const START: Timestamp = Timestamp::from_ms(1_790_000_000_000);

/// So many milliseconds after [`START`].
#[must_use]
pub fn at(ms: i64) -> Timestamp {
    Timestamp::from_ms(START.as_ms() + ms)
}

/// The workspace of this name.
#[must_use]
pub fn workspace(name: &str) -> Workspace {
    name.parse().unwrap()
}

/// The URI of this text, as `list:1-x`.
#[must_use]
pub fn uri(text: &str) -> PolicyUri {
    text.parse().unwrap()
}

/// A query of at most `limit` objects; a `sort` of `null` leaves the order open.
#[must_use]
pub fn query(
    filter: serde_json::Value,
    sort: serde_json::Value,
    limit: usize,
    next_token: Option<String>,
) -> Query {
    let sort = (!sort.is_null()).then(|| Sort::parse(&sort).unwrap());
    Query { filter: Filter::parse(&filter).unwrap(), sort, limit, next_token }
}

/// An author's token of this id, made at [`START`]; it never expires.
#[must_use]
pub fn token(workspace: &Workspace, token_id: &str) -> Token {
    Token {
        token_id: token_id.to_owned(),
        secret_hash: Digest::of(token_id.as_bytes()),
        subject: "ada".to_owned(),
        workspace: workspace.clone(),
        role: Role::Author,
        created_at: START,
        expires_at: None,
    }
}
