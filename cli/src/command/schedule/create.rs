//! `writ schedule create NAME`: makes a schedule.

use std::collections::BTreeMap;

use clap::Args;
use serde_json::json;
use writ_model::RawJson;

use super::schedule_args::{ScheduleArgs, object};
use super::told;
use crate::args::Global;
use crate::client::Call;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::input;

/// As `writ schedule create nightly --cron "0 2 * * ? *" --policy ip_allowlist:1.0-beta --input '{"ip": "10.0.0.1"}'`.
#[derive(Debug, Args)]
pub(crate) struct Create {
    /// What to call it
    #[arg(required_unless_present = "file")]
    name: Option<String>,
    /// The whole schedule as JSON or YAML, for what the options do not say: a job with a callback
    #[arg(short, long, value_name = "FILE", conflicts_with_all = ["when", "policy"])]
    file: Option<String>,
    #[command(flatten)]
    schedule_args: ScheduleArgs,
    /// Do not let it fire yet
    #[arg(long)]
    disabled: bool,
}

impl Create {
    pub(crate) fn run(self, global: &Global) -> Result<Exit, Failure> {
        let call = Call::post(&["schedules"], self.body()?);
        let answer = global.client()?.send(&call)?;
        global.terminal().show(&answer.data, told)?;
        Ok(Exit::Success)
    }

    fn body(&self) -> Result<String, Failure> {
        let mut members = match &self.file {
            None => BTreeMap::new(),
            Some(file) => document(file)?,
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
                    return Err(Failure::usage(message).help("or a whole one with `--file`"));
                }
            }
        }
        let members: Vec<_> =
            members.iter().map(|(name, value)| (name.as_str(), value.clone())).collect();
        Ok(object(&members))
    }
}

/// The members of a document, each with its own bytes.
pub(super) fn document(file: &str) -> Result<BTreeMap<String, String>, Failure> {
    let json = input::json(file)?;
    let members: BTreeMap<String, RawJson> = serde_json::from_str(json.as_str()).map_err(|_| {
        Failure::new(Exit::Invalid, "a schedule is a JSON object").at(file.to_owned())
    })?;
    let text = |(name, value): (String, RawJson)| (name, value.as_str().to_owned());
    Ok(members.into_iter().map(text).collect())
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::args::{Cli, Command};
    use crate::command::schedule::Schedule;

    fn body(words: &[&str]) -> Result<String, Failure> {
        let words = ["writ", "schedule", "create"].iter().chain(words);
        match Cli::try_parse_from(words).unwrap().command {
            Command::Schedule(Schedule::Create(create)) => create.body(),
            other => panic!("{other:?}"),
        }
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
        for words in [
            &["writ", "schedule", "create", "n", "--rate", "1 day", "--cron", "x"][..],
            &["writ", "schedule", "create"],
            &["writ", "schedule", "create", "n", "--file", "{}", "--at", "x"],
        ] {
            assert!(Cli::try_parse_from(words).is_err(), "{words:?}");
        }
    }
}
