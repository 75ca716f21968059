//! `writ policy manage URI ACTION`: runs a management command of a policy.

use clap::Args;
use serde_json::json;
use writ_model::RawJson;

use crate::client::ApiRequest;
use crate::error::CliError;
use crate::exit::Exit;
use crate::global_args::GlobalArgs;
use crate::input;

/// The answer goes to standard output, byte for byte; the record's id goes to standard error.
#[derive(Debug, Args)]
pub(crate) struct Manage {
    /// The policy, as `ip_allowlist:1.0-beta`
    uri: String,
    /// The command, one of the policy's `management_commands_schema`
    action: String,
    /// The argument of the command: a file, `-`, or JSON that starts with `{` or `[`
    #[arg(short, long, value_name = "JSON")]
    data: Option<String>,
    /// Parameters that override the stored ones
    #[arg(short, long, value_name = "JSON")]
    params: Option<String>,
}

impl Manage {
    pub(crate) fn run(self, global: &GlobalArgs) -> Result<Exit, CliError> {
        let data = input::optional_json(self.data.as_deref())?;
        let parameters = input::optional_json(self.params.as_deref())?;
        let body = body(&self.action, data.as_ref(), parameters.as_ref());
        let response =
            global.client()?.send(&ApiRequest::post(&["policy", &self.uri, "management"], body))?;
        if let Some(id) = response.execution_id {
            global.terminal().note(&format!("execution {id}"));
        }
        global.terminal().print_output(&response.data)?;
        Ok(Exit::Success)
    }
}

/// The body of the request; data and parameters keep their bytes.
fn body(action: &str, data: Option<&RawJson>, parameters: Option<&RawJson>) -> String {
    let member = |name: &str, value: Option<&RawJson>| {
        value.map(|raw| format!(",\"{name}\":{}", raw.as_str())).unwrap_or_default()
    };
    let (data, parameters) = (member("mgmt_data", data), member("parameters", parameters));
    format!("{{\"mgmt_action\":{}{data}{parameters}}}", json!(action))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_callers_bytes_are_sent_as_they_are() {
        let raw = |text| RawJson::parse(text).unwrap();
        assert_eq!(
            body("a\"b", Some(&raw("{\"x\": 1.0}")), Some(&raw("{}"))),
            r#"{"mgmt_action":"a\"b","mgmt_data":{"x": 1.0},"parameters":{}}"#
        );
        assert_eq!(body("show", None, None), r#"{"mgmt_action":"show"}"#);
    }
}
