//! `writ schedule create NAME`: creates a schedule.

use std::collections::BTreeMap;

use clap::Args;
use serde_json::json;
use writ_model::RawJson;

use super::response::render_next_fire;
use super::schedule_args::{ScheduleArgs, object_text};
use crate::client::ApiRequest;
use crate::error::CliError;
use crate::exit::Exit;
use crate::global_args::GlobalArgs;
use crate::input;

/// As `writ schedule create nightly --cron "0 2 * * ? *" --policy ip_allowlist:1.0-beta --input '{"ip": "10.0.0.1"}'`.
#[derive(Debug, Args)]
pub(crate) struct Create {
    /// The name of the schedule
    #[arg(required_unless_present = "file")]
    name: Option<String>,
    /// The whole schedule as JSON or YAML, for settings without an option, such as callbacks
    #[arg(short, long, value_name = "FILE", conflicts_with_all = ["when", "policy"])]
    file: Option<String>,
    #[command(flatten)]
    schedule_args: ScheduleArgs,
    /// Create the schedule disabled, so that it does not fire
    #[arg(long)]
    disabled: bool,
}

impl Create {
    pub(crate) fn run(self, global: &GlobalArgs) -> Result<Exit, CliError> {
        let request = ApiRequest::post(&["schedules"], self.body()?);
        let response = global.client()?.send(&request)?;
        global.terminal().print(&response.data, render_next_fire)?;
        Ok(Exit::Success)
    }

    fn body(&self) -> Result<String, CliError> {
        let mut members = match &self.file {
            None => BTreeMap::new(),
            Some(file) => read_document(file)?,
        };
        let mut set = |name: &str, value: String| members.insert(name.to_owned(), value);
        if let Some(name) = &self.name {
            set("name", json!(name).to_string());
        }
        if self.disabled {
            set("enabled", "false".to_owned());
        }
        for (name, value) in self.schedule_args.members()? {
            set(name, value);
        }
        if self.file.is_none() {
            for (member, options) in
                [("schedule_expression", "`--cron`, `--rate` or `--at`"), ("target", "`--policy`")]
            {
                if !members.contains_key(member) {
                    let message = format!("a schedule needs {options}");
                    return Err(CliError::usage(message).help("or set a whole one with `--file`"));
                }
            }
        }
        let members: Vec<_> =
            members.iter().map(|(name, value)| (name.as_str(), value.clone())).collect();
        Ok(object_text(&members))
    }
}

/// Reads the members of a document; values keep their bytes.
pub(super) fn read_document(file: &str) -> Result<BTreeMap<String, String>, CliError> {
    let json = input::read_json(file)?;
    let members: BTreeMap<String, RawJson> = serde_json::from_str(json.as_str()).map_err(|_| {
        CliError::new(Exit::Invalid, "a schedule is a JSON object").at(file.to_owned())
    })?;
    let text = |(name, value): (String, RawJson)| (name, value.as_str().to_owned());
    Ok(members.into_iter().map(text).collect())
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct CreateCommand {
        #[command(flatten)]
        create: Create,
    }

    fn parse(words: &[&str]) -> Result<Create, clap::Error> {
        let words = ["create"].iter().chain(words);
        CreateCommand::try_parse_from(words).map(|command| command.create)
    }

    fn body(words: &[&str]) -> Result<String, CliError> {
        parse(words).unwrap().body()
    }

    #[test]
    fn options_and_a_file_make_one_document() {
        assert_eq!(
            body(&["n", "--rate", "5 minutes", "--policy", "p:1-x", "--disabled"]).unwrap(),
            r#"{"enabled":false,"name":"n","schedule_expression":"rate(5 minutes)","target":{"policy":{"policy_rule_uri":"p:1-x"}}}"#
        );
        let file = r#"{"name": "f", "target": {"job": {"x": 1.0}}}"#;
        assert_eq!(
            body(&["--file", file]).unwrap(),
            r#"{"name":"f","target":{"job": {"x": 1.0}}}"#
        );
        assert_eq!(
            body(&["n", "--file", file, "--timezone", "UTC"]).unwrap(),
            r#"{"name":"n","target":{"job": {"x": 1.0}},"timezone":"UTC"}"#
        );
    }

    #[test]
    fn one_that_says_no_time_or_runs_nothing_is_a_mistake() {
        for words in [&["n", "--policy", "p:1-x"], &["n", "--rate", "1 day"]] {
            assert_eq!(body(words).unwrap_err().exit(), Exit::Usage);
        }
        for words in
            [&["n", "--rate", "1 day", "--cron", "x"][..], &[], &["n", "--file", "{}", "--at", "x"]]
        {
            assert!(parse(words).is_err(), "{words:?}");
        }
    }
}
