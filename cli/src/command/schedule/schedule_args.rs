//! Options of a schedule: its times and its target.

use clap::{ArgGroup, Args};
use serde_json::json;
use writ_model::Timestamp;

use crate::error::CliError;
use crate::input;

/// The options of a schedule. An absent option has the server's default, or is not updated.
#[derive(Debug, Default, Args)]
#[command(group = ArgGroup::new("when").multiple(false))]
pub(super) struct ScheduleArgs {
    /// Cron expression of six fields, as `0 9 ? * MON-FRI *`: minutes, hours, day of the month, month, day of the week, year
    #[arg(long, value_name = "FIELDS", group = "when")]
    cron: Option<String>,
    /// The interval between fires, as `5 minutes`
    #[arg(long, value_name = "TIME", group = "when")]
    rate: Option<String>,
    /// The time of a single fire, as `2026-12-01T02:00:00`
    #[arg(long, value_name = "TIME", group = "when")]
    at: Option<String>,
    /// The time zone of `--cron` and `--at`, as `Europe/Berlin` [default: UTC]
    #[arg(long, value_name = "ZONE")]
    timezone: Option<String>,
    /// The start of the schedule, from which `--rate` counts
    #[arg(long, value_name = "TIME")]
    start_at: Option<Timestamp>,
    /// The end of the schedule, after which nothing fires
    #[arg(long, value_name = "TIME")]
    end_at: Option<Timestamp>,
    /// Spread each fire over this number of minutes
    #[arg(long, value_name = "MINUTES")]
    flexible_window: Option<u32>,
    /// The missed fires to run after an outage: `skip`, `latest` or `all`
    #[arg(long, value_name = "RULE", value_parser = ["skip", "latest", "all"])]
    catch_up: Option<String>,
    /// A description of the schedule
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
    /// The policy to run, as `ip_allowlist:1.0-beta`
    #[arg(long, value_name = "URI")]
    policy: Option<String>,
    /// The input: a file, `-` for standard input, or JSON that starts with `{` or `[` [default: {}]
    #[arg(short, long, value_name = "JSON", requires = "policy")]
    input: Option<String>,
    /// Parameters that override the stored ones
    #[arg(short, long, visible_alias = "parameters", value_name = "JSON", requires = "policy")]
    params: Option<String>,
}

impl ScheduleArgs {
    /// The members of the options that are set, as JSON text; input and parameters keep their bytes.
    pub(super) fn members(&self) -> Result<Vec<(&'static str, String)>, CliError> {
        let text = |value: &Option<String>| value.as_ref().map(|value| json!(value).to_string());
        let members = [
            ("schedule_expression", self.expression().map(|value| json!(value).to_string())),
            ("timezone", text(&self.timezone)),
            ("start_at", self.start_at.map(|time| json!(time).to_string())),
            ("end_at", self.end_at.map(|time| json!(time).to_string())),
            ("flexible_time_window_minutes", self.flexible_window.map(|value| value.to_string())),
            ("catch_up", text(&self.catch_up)),
            ("description", text(&self.description)),
            ("target", self.target()?),
        ];
        Ok(members.into_iter().filter_map(|(name, value)| Some((name, value?))).collect())
    }

    fn expression(&self) -> Option<String> {
        let wrap = |kind: &str, text: &String| match text.starts_with(&format!("{kind}(")) {
            true => text.clone(),
            false => format!("{kind}({text})"),
        };
        let cron = self.cron.as_ref().map(|text| wrap("cron", text));
        let rate = self.rate.as_ref().map(|text| wrap("rate", text));
        cron.or(rate).or_else(|| self.at.as_ref().map(|text| wrap("at", text)))
    }

    fn target(&self) -> Result<Option<String>, CliError> {
        let Some(uri) = &self.policy else { return Ok(None) };
        let mut members = vec![("policy_rule_uri", json!(uri).to_string())];
        for (name, argument) in [("input_data", &self.input), ("parameters", &self.params)] {
            if let Some(json) = input::optional_json(argument.as_deref())? {
                members.push((name, json.as_str().to_owned()));
            }
        }
        Ok(Some(format!("{{\"policy\":{}}}", object_text(&members))))
    }
}

/// The JSON text of an object; the values are JSON text.
pub(super) fn object_text(members: &[(&str, String)]) -> String {
    let members: Vec<_> =
        members.iter().map(|(name, value)| format!("\"{name}\":{value}")).collect();
    format!("{{{}}}", members.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_given_is_not_sent() {
        assert_eq!(ScheduleArgs::default().members().unwrap(), []);
    }

    #[test]
    fn the_callers_bytes_are_sent_as_they_are() {
        let args = ScheduleArgs {
            cron: Some("0 2 * * ? *".to_owned()),
            timezone: Some("Europe/Berlin".to_owned()),
            flexible_window: Some(15),
            policy: Some("p:1-x".to_owned()),
            input: Some("{\"x\": 1.0}".to_owned()),
            params: Some("{\"a\":1e400}".to_owned()),
            ..ScheduleArgs::default()
        };
        assert_eq!(
            object_text(&args.members().unwrap()),
            r#"{"schedule_expression":"cron(0 2 * * ? *)","timezone":"Europe/Berlin","#.to_owned()
                + r#""flexible_time_window_minutes":15,"target":{"policy":{"policy_rule_uri":"p:1-x","#
                + r#""input_data":{"x": 1.0},"parameters":{"a":1e400}}}}"#
        );
    }

    #[test]
    fn an_expression_may_be_written_as_the_server_writes_it() {
        for (rate, at, expression) in [
            (Some("5 minutes"), None, "rate(5 minutes)"),
            (Some("rate(5 minutes)"), None, "rate(5 minutes)"),
            (None, Some("2026-12-01T02:00:00"), "at(2026-12-01T02:00:00)"),
        ] {
            let (rate, at) = (rate.map(str::to_owned), at.map(str::to_owned));
            let args = ScheduleArgs { rate, at, ..ScheduleArgs::default() };
            assert_eq!(args.expression().as_deref(), Some(expression));
        }
    }
}
