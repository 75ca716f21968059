//! `writ policy history URI`: lists a policy's revisions.

use clap::Args;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::args::Global;
use crate::client::{Call, Client};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::table::{Column, rows};

const COLUMNS: [Column; 6] = [
    ("REVISION", "revision"),
    ("URI", "policy_rule_uri"),
    ("WRITTEN", "created_at"),
    ("BY", "author"),
    ("BYTES", "bytes"),
    ("DIGEST", "digest"),
];

/// As many digits of a digest as an entity tag has.
const DIGEST_DIGITS: usize = 12;

/// Through all of the policy's renames.
#[derive(Debug, Args)]
pub(crate) struct History {
    /// The policy, as `ip_allowlist:1.0-beta`
    uri: String,
    /// Revisions at most
    #[arg(long, value_name = "N", default_value_t = 100)]
    limit: usize,
}

impl History {
    pub(crate) fn run(self, global: &Global) -> Result<Exit, Failure> {
        let revisions = newest(&global.client()?, &self.uri, self.limit)?;
        let texts: Vec<_> = revisions.iter().map(|revision| revision.get()).collect();
        global.terminal().show(&format!("[{}]", texts.join(",")), |value| {
            let items: Vec<_> =
                value.as_array().into_iter().flatten().map(with_short_digest).collect();
            rows(&COLUMNS, &items)
        })?;
        Ok(Exit::Success)
    }
}

/// What is known of the newest revisions, newest first.
pub(super) fn newest(
    client: &Client,
    uri: &str,
    limit: usize,
) -> Result<Vec<Box<RawValue>>, Failure> {
    let mut revisions: Vec<Box<RawValue>> = Vec::new();
    let mut next = None;
    loop {
        let answer = client
            .send(&Call::get(&["policy", uri, "revisions"]).query("next_token", next.as_deref()))?;
        let page: Vec<Box<RawValue>> = serde_json::from_str(&answer.data)
            .map_err(|_| Failure::new(Exit::Internal, "the server's revisions are no list"))?;
        revisions.extend(page);
        next = answer.next_token;
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
