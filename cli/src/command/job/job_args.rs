//! Options of a submission, and the request body that they make.

use clap::Args;
use serde_json::{Value, json};
use writ_model::Timestamp;

use super::not_before::NotBefore;
use crate::duration::DurationArg;
use crate::error::CliError;
use crate::input;

/// The longest name of a job, in characters; a policy's name may be longer.
const NAME_CHARS_MAX: usize = 120;

/// All options but the policy; the server has the defaults.
#[derive(Debug, Default, Args)]
pub(super) struct JobArgs {
    /// The input: a file, `-` for standard input, or JSON that starts with `{` or `[` [default: {}]
    #[arg(short, long, value_name = "JSON")]
    input: Option<String>,
    /// Parameters that override the stored ones
    #[arg(short, long, visible_alias = "parameters", value_name = "JSON")]
    params: Option<String>,
    /// The name of the job [default: the policy's name]
    #[arg(long)]
    name: Option<String>,
    /// The time limit of one attempt, as `5m`
    #[arg(long, value_name = "LENGTH")]
    timeout: Option<DurationArg>,
    /// Attempts at most, for any failure [default: only attempts with a lost runner are repeated]
    #[arg(long, value_name = "N")]
    max_attempts: Option<u32>,
    /// The earliest start: a time as `2026-01-31T09:30:00Z`, or `+10m` from now
    #[arg(long, value_name = "TIME")]
    not_before: Option<NotBefore>,
    /// Priority from 0 to 9; 9 runs first [default: 5]
    #[arg(long, value_name = "N")]
    priority: Option<u8>,
    /// The URL that receives a callback when the job ends
    #[arg(long, value_name = "URL")]
    callback_url: Option<String>,
    /// Labels of the executor's nodes to run on, as `zone=eu`; may be repeated
    #[arg(long, value_name = "KEY=VALUE", value_delimiter = ',', value_parser = parse_label)]
    node_selector: Vec<(String, String)>,
}

impl JobArgs {
    /// The body as JSON text; input and parameters keep their bytes.
    pub(super) fn body(&self, uri: &str, now: Timestamp) -> Result<String, CliError> {
        let raw = |argument: &Option<String>| {
            let json = input::optional_json(argument.as_deref())?;
            Ok::<_, CliError>(json.map(|raw| raw.as_str().to_owned()))
        };
        let text = |value: Option<Value>| value.map(|value| value.to_string());
        let name = self.name.clone().unwrap_or_else(|| default_name(uri));
        let nodes: serde_json::Map<_, _> =
            self.node_selector.iter().map(|(key, value)| (key.clone(), json!(value))).collect();
        let members = [
            ("name", text(Some(json!(name)))),
            ("policy_rule_uri", text(Some(json!(uri)))),
            ("policy_rule_parameters", raw(&self.params)?),
            ("node_selector", text((!nodes.is_empty()).then(|| nodes.into()))),
            ("inputs", raw(&self.input)?),
            ("timeout_seconds", text(self.timeout.map(|length| json!(length.0.as_secs())))),
            ("max_attempts", text(self.max_attempts.map(Value::from))),
            ("not_before", text(self.not_before.map(|time| json!(time.time(now))))),
            ("priority", text(self.priority.map(Value::from))),
            ("callback_url", text(self.callback_url.clone().map(Value::from))),
        ];
        let members = members.into_iter().filter_map(|(name, value)| Some((name, value?)));
        let members: Vec<_> = members.map(|(name, value)| format!("\"{name}\":{value}")).collect();
        Ok(format!("{{{}}}", members.join(",")))
    }
}

/// The default name of a job: the policy's name, truncated to the longest name of a job.
fn default_name(uri: &str) -> String {
    let name = uri.split_once(':').map_or(uri, |(name, _)| name);
    name.chars().take(NAME_CHARS_MAX).collect()
}

fn parse_label(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or("write it as `zone=eu`")?;
    Ok((key.to_owned(), value.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_given_is_not_sent() {
        let body = JobArgs::default().body("ip_allowlist:1.0-beta", Timestamp::from_ms(0));
        assert_eq!(
            body.unwrap(),
            r#"{"name":"ip_allowlist","policy_rule_uri":"ip_allowlist:1.0-beta"}"#
        );
    }

    #[test]
    fn the_callers_bytes_are_sent_as_they_are() {
        let request = JobArgs {
            input: Some("{\"x\": 1.0}".to_owned()),
            params: Some("{\"a\":1e400}".to_owned()),
            name: Some("é\"".to_owned()),
            timeout: Some("5m".parse().unwrap()),
            max_attempts: Some(2),
            not_before: Some("+10m".parse().unwrap()),
            priority: Some(9),
            callback_url: Some("https://example.com/x".to_owned()),
            node_selector: vec![parse_label("zone=eu").unwrap(), parse_label("a=b=c").unwrap()],
        };
        assert_eq!(
            request.body("p:1-x", Timestamp::from_ms(0)).unwrap(),
            r#"{"name":"é\"","policy_rule_uri":"p:1-x","policy_rule_parameters":{"a":1e400},"#
                .to_owned()
                + r#""node_selector":{"zone":"eu","a":"b=c"},"inputs":{"x": 1.0},"#
                + r#""timeout_seconds":300,"max_attempts":2,"not_before":"1970-01-01T00:10:00.000Z","#
                + r#""priority":9,"callback_url":"https://example.com/x"}"#
        );
    }

    #[test]
    fn a_job_is_called_as_its_policy() {
        assert_eq!(default_name("a.b:1-x"), "a.b");
        assert_eq!(default_name(&"é".repeat(200)).chars().count(), NAME_CHARS_MAX);
    }
}
