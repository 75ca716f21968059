//! `writ policy get URI`: shows a policy as it is stored, or as it was.

use clap::Args;
use serde_json::Value;

use crate::args::Global;
use crate::client::Call;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::table;

/// `-o json` prints the stored document byte for byte.
#[derive(Debug, Args)]
pub(crate) struct Get {
    /// The policy, as `ip_allowlist:1.0-beta`
    uri: String,
    /// This revision instead of the newest
    #[arg(long, value_name = "N")]
    revision: Option<u64>,
    /// The code alone, as it is
    #[arg(long)]
    code: bool,
}

impl Get {
    pub(crate) fn run(self, global: &Global) -> Result<Exit, Failure> {
        let call = match self.revision {
            None => Call::get(&["policy", &self.uri]),
            Some(number) => Call::get(&["policy", &self.uri, "revisions", &number.to_string()]),
        };
        let answer = global.client()?.send(&call)?;
        if self.code {
            let value: Value = serde_json::from_str(&answer.data).unwrap_or_default();
            global
                .terminal()
                .text(value.get("code").and_then(Value::as_str).unwrap_or_default())?;
        } else {
            global.terminal().show(&answer.data, table::members)?;
        }
        Ok(Exit::Success)
    }
}
