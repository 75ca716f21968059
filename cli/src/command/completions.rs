//! `writ completions SHELL`: prints the completion script for a shell.

use clap::Args;
use clap_complete::{Shell, generate};

use crate::error::CliError;
use crate::exit::Exit;
use crate::global_args::GlobalArgs;

/// As `writ completions bash > ~/.local/share/bash-completion/completions/writ`.
#[derive(Debug, Args)]
pub(crate) struct Completions {
    /// The shell to print the script for
    #[arg(value_enum)]
    shell: Shell,
}

impl Completions {
    /// Prints the script for `command`, the whole command line.
    pub(crate) fn run(
        self,
        global: &GlobalArgs,
        mut command: clap::Command,
    ) -> Result<Exit, CliError> {
        let mut script = Vec::new();
        generate(self.shell, &mut command, "writ", &mut script);
        global.terminal().print_text(&String::from_utf8_lossy(&script))?;
        Ok(Exit::Success)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::Cli;

    #[test]
    fn every_shell_learns_every_verb() {
        for shell in [Shell::Bash, Shell::Elvish, Shell::Fish, Shell::PowerShell, Shell::Zsh] {
            let mut script = Vec::new();
            generate(shell, &mut Cli::command(), "writ", &mut script);
            let script = String::from_utf8(script).unwrap();
            for verb in [
                "up",
                "eval",
                "check",
                "test",
                "policy",
                "run",
                "job",
                "executions",
                "replay",
                "token",
            ] {
                assert!(script.contains(verb), "{shell} {verb}");
            }
        }
    }
}
