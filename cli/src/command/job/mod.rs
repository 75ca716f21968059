//! `writ job`: policies that run asynchronously.

mod bulk;
mod callback_secret;
mod cancel;
mod display;
mod document;
#[cfg(test)]
mod fake_server;
mod get;
mod job_args;
mod job_waiter;
mod list;
mod logs;
mod ndjson;
mod not_before;
mod redrive;
mod retry;
mod retry_policy;
mod submit;
mod wait;

use clap::Subcommand;

use crate::error::CliError;
use crate::exit::Exit;
use crate::global_args::GlobalArgs;

#[derive(Debug, Subcommand)]
pub(crate) enum Job {
    /// Submit a job, or a file of jobs, and print the ids
    Submit(submit::Submit),
    /// Show a job and its attempts
    Get(get::Get),
    /// List the jobs of the workspace
    List(list::List),
    /// Wait until jobs have ended, and exit with their outcome
    Wait(wait::Wait),
    /// Show the text that a job's policy printed
    Logs(logs::Logs),
    /// Cancel queued or running jobs
    Cancel(cancel::Cancel),
    /// Retry failed, timed out or cancelled jobs
    Retry(retry::Retry),
    /// Retry all jobs that failed because their runners were lost
    Redrive(redrive::Redrive),
    /// Show or rotate the signing secret of callbacks
    CallbackSecret(callback_secret::CallbackSecret),
}

impl Job {
    pub(crate) fn run(self, global: &GlobalArgs) -> Result<Exit, CliError> {
        match self {
            Self::Submit(submit) => submit.run(global),
            Self::Get(get) => get.run(global),
            Self::List(list) => list.run(global),
            Self::Wait(wait) => wait.run(global),
            Self::Logs(logs) => logs.run(global),
            Self::Cancel(cancel) => cancel.run(global),
            Self::Retry(retry) => retry.run(global),
            Self::Redrive(redrive) => redrive.run(global),
            Self::CallbackSecret(secret) => secret.run(global),
        }
    }
}
