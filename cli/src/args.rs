//! The command line, from the top.

use clap::{Args, FromArgMatches as _, Parser, Subcommand};

use crate::client::Client;
use crate::command;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::{Color, Format, Terminal};

/// Register policies, run them, keep a record of every run.
#[derive(Debug, Parser)]
#[command(name = "writ", version, propagate_version = true, arg_required_else_help = true)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

impl Cli {
    /// The whole command, as the help and the completions know it.
    pub(crate) fn command() -> clap::Command {
        <Self as clap::CommandFactory>::command().after_long_help(Exit::table())
    }

    /// Reads the process's arguments; ends the process for `--help` and what means nothing.
    pub(crate) fn read() -> Self {
        let matches = Self::command().get_matches();
        Self::from_arg_matches(&matches).unwrap_or_else(|error| error.exit())
    }
}

/// What every command understands.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Global options")]
pub(crate) struct Global {
    /// The server to talk to
    #[arg(
        long,
        global = true,
        env = "WRIT_SERVER",
        value_name = "URL",
        default_value = "http://127.0.0.1:5000"
    )]
    server: String,
    /// The token to show it; a server on this machine needs none by default
    #[arg(long, global = true, env = "WRIT_TOKEN", hide_env_values = true)]
    token: Option<String>,
    /// How to print data
    #[arg(short, long, global = true, value_enum, default_value_t = Format::Table)]
    output: Format,
    /// Print data and errors alone
    #[arg(short, long, global = true)]
    quiet: bool,
    /// When to use colours
    #[arg(long, global = true, value_enum, default_value_t = Color::Auto)]
    pub(crate) color: Color,
}

impl Global {
    /// Where to print.
    pub(crate) fn terminal(&self) -> Terminal {
        Terminal::new(self.output, self.quiet)
    }

    /// Whether the person wants data and errors alone.
    pub(crate) fn is_quiet(&self) -> bool {
        self.quiet
    }

    /// A client of the server.
    pub(crate) fn client(&self) -> Result<Client, Failure> {
        let token = self.token.clone().filter(|token| !token.is_empty());
        let client = Client::new(&self.server, token)?;
        if client.shows_token() {
            self.terminal().warn("the token crosses the network in clear text; use https");
        }
        Ok(client)
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
    /// Run the tests that stand beside policies
    Test(command::test::Test),
    /// Manage the policies of a server
    #[command(subcommand)]
    Policy(command::policy::Policy),
    /// Run a policy on a server
    Run(command::run::Run),
    /// Run policies as jobs: submit, watch, stop and try them again
    #[command(subcommand)]
    Job(command::job::Job),
    /// Make jobs at their time, again and again or once
    #[command(subcommand)]
    Schedule(command::schedule::Schedule),
    /// Look at what has run
    #[command(subcommand)]
    Executions(command::executions::Executions),
    /// Run records again and compare
    Replay(command::replay::Replay),
    /// Say what a changed policy would have decided, before it is registered
    Plan(command::plan::Plan),
    /// Manage who may call a server
    #[command(subcommand)]
    Token(command::token::Token),
    /// Say who the server takes you for
    Whoami(command::whoami::Whoami),
    /// Print the OpenAPI document
    Openapi(command::openapi::Openapi),
    /// Print a shell's completions
    Completions(command::completions::Completions),
}

impl Command {
    pub(crate) fn run(self, global: &Global) -> Result<Exit, Failure> {
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
            Self::Completions(completions) => completions.run(global),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_token_in_the_environment_is_not_shown_by_the_help() {
        let global = Cli::command();
        let token = global.get_arguments().find(|argument| argument.get_id() == "token");
        assert!(token.is_some_and(clap::Arg::is_hide_env_values_set));
    }
}
