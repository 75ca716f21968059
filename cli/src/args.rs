//! The command line: global options and one subcommand per file below `command`.

use clap::{FromArgMatches as _, Parser, Subcommand};

use crate::command;
use crate::error::CliError;
use crate::exit::Exit;
use crate::global_args::GlobalArgs;

/// Register policies, run them, keep a record of every run.
#[derive(Debug, Parser)]
#[command(name = "writ", version, propagate_version = true, arg_required_else_help = true)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: GlobalArgs,
    #[command(subcommand)]
    pub(crate) command: Command,
}

impl Cli {
    /// The command tree that the help and the shell completions are made from.
    pub(crate) fn command() -> clap::Command {
        <Self as clap::CommandFactory>::command().after_long_help(Exit::table())
    }

    /// Parses the process's arguments. Exits the process after `--help`, `--version` and for
    /// arguments that are not valid.
    pub(crate) fn parse_args() -> Self {
        let matches = Self::command().get_matches();
        Self::from_arg_matches(&matches).unwrap_or_else(|error| error.exit())
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Serve the whole platform from this process, on one data file
    Up(command::up::Up),
    /// Run a policy in this process, without a server
    Eval(command::eval::Eval),
    /// Compile and lint policies
    Check(command::check::Check),
    /// Run the test cases of policies
    Test(command::test::Test),
    /// Manage the policies of a server
    #[command(subcommand)]
    Policy(command::policy::Policy),
    /// Run a policy on a server
    Run(command::run::Run),
    /// Run policies as jobs: submit, watch, cancel and retry them
    #[command(subcommand)]
    Job(command::job::Job),
    /// Submit jobs on a schedule, once or repeatedly
    #[command(subcommand)]
    Schedule(command::schedule::Schedule),
    /// List and show execution records
    #[command(subcommand)]
    Executions(command::executions::Executions),
    /// Replay recorded executions and compare the results
    Replay(command::replay::Replay),
    /// Preview the outcomes that a changed policy would have given, before it is registered
    Plan(command::plan::Plan),
    /// Manage the access tokens of a server
    #[command(subcommand)]
    Token(command::token::Token),
    /// Show the identity and the role that the server gives you
    Whoami(command::whoami::Whoami),
    /// Print the OpenAPI document of the API
    Openapi(command::openapi::Openapi),
    /// Print the completion script for a shell
    Completions(command::completions::Completions),
}

impl Command {
    pub(crate) fn run(self, global: &GlobalArgs) -> Result<Exit, CliError> {
        match self {
            Self::Up(up) => up.run(global),
            Self::Eval(eval) => eval.run(global),
            Self::Check(check) => check.run(global),
            Self::Test(test) => test.run(global),
            Self::Policy(policy) => policy.run(global),
            Self::Run(run) => run.run(global),
            Self::Job(job) => job.run(global),
            Self::Schedule(schedule) => schedule.run(global),
            Self::Executions(executions) => executions.run(global),
            Self::Replay(replay) => replay.run(global),
            Self::Plan(plan) => plan.run(global),
            Self::Token(token) => token.run(global),
            Self::Whoami(whoami) => whoami.run(global),
            Self::Openapi(openapi) => openapi.run(global),
            Self::Completions(completions) => completions.run(global, Cli::command()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_valid() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_token_in_the_environment_is_not_shown_by_the_help() {
        let global = Cli::command();
        let token = global.get_arguments().find(|argument| argument.get_id() == "token");
        assert!(token.is_some_and(clap::Arg::is_hide_env_values_set));
    }
}
