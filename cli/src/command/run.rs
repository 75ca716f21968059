//! `writ run URI -i input.json`: runs a policy on a server's executor and waits for its output.

use clap::Args;
use serde_json::json;
use writ_model::RawJson;

use crate::client::ApiRequest;
use crate::error::CliError;
use crate::exit::Exit;
use crate::global_args::GlobalArgs;
use crate::input;

/// The output goes to standard output, byte for byte; the record's id goes to standard error.
#[derive(Debug, Args)]
pub(crate) struct Run {
    /// The policy, as `ip_allowlist:1.0-beta`
    uri: String,
    /// The input: a file, `-` for standard input, or JSON that starts with `{` or `[`
    #[arg(short, long, value_name = "JSON")]
    input: String,
    /// Parameters that override the stored ones
    #[arg(short, long, value_name = "JSON")]
    params: Option<String>,
    /// The executor to run on; `builtin` is the platform itself
    #[arg(long, default_value = "builtin")]
    executor: String,
    /// Idempotency key: a repeated request returns the first response
    #[arg(long, value_name = "KEY")]
    idempotency_key: Option<String>,
}

impl Run {
    pub(crate) fn run(self, global: &GlobalArgs) -> Result<Exit, CliError> {
        let input = input::read_json(&self.input)?;
        let parameters = input::optional_json(self.params.as_deref())?;
        let client = global.client()?;
        let request = ApiRequest::post(
            &["executor", &self.executor, "execute_policy"],
            body(&self.uri, &input, parameters.as_ref()),
        )
        .header("idempotency-key", self.idempotency_key.as_deref());
        let response = client.send(&request)?;
        if let Some(id) = response.execution_id {
            global.terminal().note(&format!("execution {id}"));
        }
        global.terminal().print_output(&response.data)?;
        Ok(Exit::Success)
    }
}

/// The body of the request; input and parameters keep their bytes.
fn body(uri: &str, input: &RawJson, parameters: Option<&RawJson>) -> String {
    let parameters =
        parameters.map(|raw| format!(",\"parameters\":{}", raw.as_str())).unwrap_or_default();
    format!("{{\"policy_rule_uri\":{},\"input_data\":{}{parameters}}}", json!(uri), input.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_callers_bytes_are_sent_as_they_are() {
        let raw = |text| RawJson::parse(text).unwrap();
        assert_eq!(
            body("a:1-\"b", &raw("{\"x\": 1.0}"), Some(&raw("{}"))),
            r#"{"policy_rule_uri":"a:1-\"b","input_data":{"x": 1.0},"parameters":{}}"#
        );
        assert_eq!(
            body("a:1-b", &raw("[1e400]"), None),
            r#"{"policy_rule_uri":"a:1-b","input_data":[1e400]}"#
        );
    }
}
