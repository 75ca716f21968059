//! `writ schedule update NAME`: writes a new revision, from a whole document or from options.

use clap::Args;
use ureq::http::Method;

use super::create::read_document;
use super::response::render_next_fire;
use super::schedule_args::{ScheduleArgs, object_text};
use crate::client::ApiRequest;
use crate::error::CliError;
use crate::exit::Exit;
use crate::global_args::GlobalArgs;

/// As `writ schedule update nightly --cron "0 3 * * ? *"`. The schedule then runs with the identity of
/// the caller of the update.
#[derive(Debug, Args)]
pub(crate) struct Update {
    /// The name of the schedule
    name: String,
    /// The whole new document, or Mongo operators
    #[arg(short, long, value_name = "FILE", conflicts_with_all = ["when", "policy"])]
    file: Option<String>,
    #[command(flatten)]
    schedule_args: ScheduleArgs,
    /// Update only if the stored revision still has this entity tag
    #[arg(long, value_name = "ETAG")]
    if_match: Option<String>,
}

impl Update {
    pub(crate) fn run(self, global: &GlobalArgs) -> Result<Exit, CliError> {
        let request = ApiRequest::new(Method::PUT, &["schedules", &self.name])
            .body(self.body()?)
            .header("if-match", self.if_match.as_deref());
        let response = global.client()?.send(&request)?;
        global.terminal().print(&response.data, render_next_fire)?;
        Ok(Exit::Success)
    }

    fn body(&self) -> Result<String, CliError> {
        let schedule_args = self.schedule_args.members()?;
        match &self.file {
            Some(file) => {
                let mut members = read_document(file)?;
                members.extend(
                    schedule_args.into_iter().map(|(name, value)| (name.to_owned(), value)),
                );
                let members: Vec<_> =
                    members.iter().map(|(name, value)| (name.as_str(), value.clone())).collect();
                Ok(object_text(&members))
            }
            None if schedule_args.is_empty() => {
                Err(CliError::usage("nothing to update").help("set an option, or `--file`"))
            }
            None => Ok(object_text(&[("$set", object_text(&schedule_args))])),
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct UpdateCommand {
        #[command(flatten)]
        update: Update,
    }

    fn body(words: &[&str]) -> Result<String, CliError> {
        let words = ["update", "n"].iter().chain(words);
        UpdateCommand::try_parse_from(words).unwrap().update.body()
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
