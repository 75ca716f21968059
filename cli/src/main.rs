//! `writ`: the command line of Writ.
//!
//! One file per command below `command`. Data goes to standard output, everything else to standard
//! error; `exit` lists the exit codes.

mod args;
mod cases;
mod client;
mod command;
mod data_directory;
mod deployment;
mod diagnostics;
mod duration;
mod engines;
mod error;
mod exit;
mod global_args;
mod input;
mod output;
mod package;
mod policy_file;
mod problem;
mod since;
mod style;
mod up_error;

use std::process::ExitCode;

fn main() -> ExitCode {
    // INVARIANT: first statement of `main`. Policies run in worker processes, which are this same
    // program started again.
    writ::init();
    let cli = args::Cli::parse_args();
    cli.global.color.apply();
    match cli.command.run(&cli.global) {
        Ok(exit) => exit.into(),
        Err(failure) => {
            output::print_stderr(&failure.render());
            failure.exit().into()
        }
    }
}
