//! `writ`: the command line of Writ.
//!
//! One file per verb under `command`. Data goes to standard output, everything else to standard
//! error; `exit` says what each exit code means.

mod args;
mod cases;
mod client;
mod command;
mod data_directory;
mod deployment;
mod diagnostics;
mod duration;
mod exit;
mod failure;
mod input;
mod output;
mod policy_file;
mod problem;
mod since;
mod style;

use std::process::ExitCode;

fn main() -> ExitCode {
    // First of all: policies run in workers, which are this same program started again.
    writ::init();
    let cli = args::Cli::read();
    cli.global.color.apply();
    match cli.command.run(&cli.global) {
        Ok(exit) => exit.into(),
        Err(failure) => {
            output::say(&failure.render());
            failure.exit().into()
        }
    }
}
