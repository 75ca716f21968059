//! `writ policy get URI`: shows the newest or an earlier revision of a policy.

use clap::Args;
use serde_json::Value;

use crate::client::ApiRequest;
use crate::error::CliError;
use crate::exit::Exit;
use crate::global_args::GlobalArgs;
use crate::output::table;

/// `-o json` prints the stored document byte for byte.
#[derive(Debug, Args)]
pub(crate) struct Get {
    /// The policy, as `ip_allowlist:1.0-beta`
    uri: String,
    /// The revision to show [default: the newest]
    #[arg(long, value_name = "N")]
    revision: Option<u64>,
    /// Print only the code of the policy
    #[arg(long)]
    code: bool,
}

impl Get {
    pub(crate) fn run(self, global: &GlobalArgs) -> Result<Exit, CliError> {
        let request = match self.revision {
            None => ApiRequest::get(&["policy", &self.uri]),
            Some(number) => {
                ApiRequest::get(&["policy", &self.uri, "revisions", &number.to_string()])
            }
        };
        let response = global.client()?.send(&request)?;
        if self.code {
            let value: Value = serde_json::from_str(&response.data).unwrap_or_default();
            global
                .terminal()
                .print_text(value.get("code").and_then(Value::as_str).unwrap_or_default())?;
        } else {
            global.terminal().print(&response.data, table::members)?;
        }
        Ok(Exit::Success)
    }
}
