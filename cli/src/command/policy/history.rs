//! `writ policy history URI`: lists a policy's revisions.

use clap::Args;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::client::{ApiRequest, Client};
use crate::error::CliError;
use crate::exit::Exit;
use crate::global_args::GlobalArgs;
use crate::output::table::{Column, rows};

const COLUMNS: [Column; 6] = [
    ("REVISION", "revision"),
    ("URI", "policy_rule_uri"),
    ("WRITTEN", "created_at"),
    ("BY", "author"),
    ("BYTES", "bytes"),
    ("DIGEST", "digest"),
];

/// Digits of a digest in the table, as many as in an entity tag.
const DIGEST_DIGITS: usize = 12;

/// The revisions of a policy, including those under earlier URIs.
#[derive(Debug, Args)]
pub(crate) struct History {
    /// The policy, as `ip_allowlist:1.0-beta`
    uri: String,
    /// The number of revisions at most
    #[arg(long, value_name = "N", default_value_t = 100)]
    limit: usize,
}

impl History {
    pub(crate) fn run(self, global: &GlobalArgs) -> Result<Exit, CliError> {
        let revisions = fetch_newest(&global.client()?, &self.uri, self.limit)?;
        let texts: Vec<_> = revisions.iter().map(|revision| revision.get()).collect();
        global.terminal().print(&format!("[{}]", texts.join(",")), |value| {
            let items: Vec<_> =
                value.as_array().into_iter().flatten().map(with_short_digest).collect();
            rows(&COLUMNS, &items)
        })?;
        Ok(Exit::Success)
    }
}

/// Fetches the metadata of at most `limit` revisions, newest first.
pub(super) fn fetch_newest(
    client: &Client,
    uri: &str,
    limit: usize,
) -> Result<Vec<Box<RawValue>>, CliError> {
    let mut revisions: Vec<Box<RawValue>> = Vec::new();
    let mut next = None;
    loop {
        let response = client.send(
            &ApiRequest::get(&["policy", uri, "revisions"]).query("next_token", next.as_deref()),
        )?;
        let page: Vec<Box<RawValue>> = serde_json::from_str(&response.data)
            .map_err(|_| CliError::new(Exit::Internal, "the server's page is not a list"))?;
        revisions.extend(page);
        next = response.next_token;
        if next.is_none() || revisions.len() >= limit {
            revisions.truncate(limit);
            return Ok(revisions);
        }
    }
}

fn with_short_digest(revision: &Value) -> Value {
    let mut revision = revision.clone();
    if let Some(Value::String(digest)) = revision.get_mut("digest") {
        digest.truncate(DIGEST_DIGITS);
    }
    revision
}
