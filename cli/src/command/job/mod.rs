//! `writ job`: runs that nobody waits for in line.

mod bulk;
mod callback_secret;
mod cancel;
mod display;
mod document;
#[cfg(test)]
mod fixture;
mod get;
mod lines;
mod list;
mod logs;
mod not_before;
mod redrive;
mod request;
mod retry;
mod retry_policy;
mod submit;
mod wait;
mod waiting;

use clap::Subcommand;

use crate::args::Global;
use crate::exit::Exit;
use crate::failure::Failure;

#[derive(Debug, Subcommand)]
pub(crate) enum Job {
    /// Submit a job, or a file of them, and print its id
    Submit(submit::Submit),
    /// Show a job
    Get(get::Get),
    /// List jobs
    List(list::List),
    /// Wait until jobs are over, and exit by their outcome
    Wait(wait::Wait),
    /// Show what a job's policy printed
    Logs(logs::Logs),
    /// Stop jobs
    Cancel(cancel::Cancel),
    /// Try jobs again that gave no result
    Retry(retry::Retry),
    /// Try all jobs again that the platform lost
    Redrive(redrive::Redrive),
    /// Show the secret that callbacks are signed with
    CallbackSecret(callback_secret::CallbackSecret),
}

impl Job {
    pub(crate) fn run(self, global: &Global) -> Result<Exit, Failure> {
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
