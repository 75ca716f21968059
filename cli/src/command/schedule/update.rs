//! `writ schedule update NAME`: writes a revision, from a whole document or from what changes.

use clap::Args;
use ureq::http::Method;

use super::create::document;
use super::schedule_args::{ScheduleArgs, object};
use super::told;
use crate::args::Global;
use crate::client::Call;
use crate::exit::Exit;
use crate::failure::Failure;

/// As `writ schedule update nightly --cron "0 3 * * ? *"`. From then on it acts for whoever did this.
#[derive(Debug, Args)]
pub(crate) struct Update {
    /// The schedule
    name: String,
    /// The whole new document, or Mongo operators
    #[arg(short, long, value_name = "FILE", conflicts_with_all = ["when", "policy"])]
    file: Option<String>,
    #[command(flatten)]
    schedule_args: ScheduleArgs,
    /// Only if the stored revision still has this entity tag
    #[arg(long, value_name = "ETAG")]
    if_match: Option<String>,
}

impl Update {
    pub(crate) fn run(self, global: &Global) -> Result<Exit, Failure> {
        let call = Call::new(Method::PUT, &["schedules", &self.name])
            .body(self.body()?)
            .header("if-match", self.if_match.as_deref());
        let answer = global.client()?.send(&call)?;
        global.terminal().show(&answer.data, told)?;
        Ok(Exit::Success)
    }

    fn body(&self) -> Result<String, Failure> {
        let schedule_args = self.schedule_args.members()?;
        match &self.file {
            Some(file) => {
                let mut members = document(file)?;
                members.extend(
                    schedule_args.into_iter().map(|(name, value)| (name.to_owned(), value)),
                );
                let members: Vec<_> =
                    members.iter().map(|(name, value)| (name.as_str(), value.clone())).collect();
                Ok(object(&members))
            }
            None if schedule_args.is_empty() => {
                Err(Failure::usage("nothing is to be changed").help("give an option, or `--file`"))
            }
            None => Ok(object(&[("$set", object(&schedule_args))])),
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::args::{Cli, Command};
    use crate::command::schedule::Schedule;

    fn body(words: &[&str]) -> Result<String, Failure> {
        let words = ["writ", "schedule", "update", "n"].iter().chain(words);
        match Cli::try_parse_from(words).unwrap().command {
            Command::Schedule(Schedule::Update(update)) => update.body(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn options_set_what_they_say_and_a_file_is_the_whole() {
        assert_eq!(
            body(&["--at", "2026-12-01T02:00:00", "--catch-up", "all"]).unwrap(),
            r#"{"$set":{"schedule_expression":"at(2026-12-01T02:00:00)","catch_up":"all"}}"#
        );
        assert_eq!(
            body(&["--file", r#"{"$unset": {"end_at": 1}}"#]).unwrap(),
            r#"{"$unset":{"end_at": 1}}"#
        );
        assert_eq!(body(&[]).unwrap_err().exit(), Exit::Usage);
    }
}
