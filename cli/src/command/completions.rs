//! `writ completions SHELL`: prints what teaches a shell to complete this program's words.

use clap::Args;
use clap_complete::{Shell, generate};

use crate::args::{Cli, Global};
use crate::exit::Exit;
use crate::failure::Failure;

/// As `writ completions bash > ~/.local/share/bash-completion/completions/writ`.
#[derive(Debug, Args)]
pub(crate) struct Completions {
    /// Which shell
    #[arg(value_enum)]
    shell: Shell,
}

impl Completions {
    pub(crate) fn run(self, global: &Global) -> Result<Exit, Failure> {
        let mut script = Vec::new();
        generate(self.shell, &mut Cli::command(), "writ", &mut script);
        global.terminal().text(&String::from_utf8_lossy(&script))?;
        Ok(Exit::Success)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
