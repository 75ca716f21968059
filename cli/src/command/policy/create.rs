//! `writ policy create -f policy.json`: registers a policy.

use std::path::PathBuf;

use clap::Args;

use super::{uri_line, warn_of};
use crate::args::Global;
use crate::client::Call;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::policy_file::{PolicyFile, language_of};

/// What does not compile is refused, with the line.
#[derive(Debug, Args)]
pub(crate) struct Create {
    /// The policy document, JSON or YAML; `-` for standard input
    #[arg(short, long, value_name = "FILE")]
    file: PathBuf,
    /// The file that holds the document's `code`
    #[arg(long, value_name = "FILE")]
    code_file: Option<PathBuf>,
}

impl Create {
    pub(crate) fn run(self, global: &Global) -> Result<Exit, Failure> {
        if language_of(&self.file).is_some() {
            return Err(Failure::usage(
                "code alone has no name, version and release tag to be registered under",
            )
            .at(self.file.display().to_string())
            .help("give the document by `-f` and the code by `--code-file`"));
        }
        let file = PolicyFile::load_with(&self.file, self.code_file.as_deref())?;
        let client = global.client()?;
        let call = Call::post(&["policy"], file.document.as_str());
        let answer = client.try_send(&call)?.map_err(|problem| file.failure(&problem.error))?;
        warn_of(global, &answer.warnings);
        global.terminal().show(&answer.data, uri_line)?;
        Ok(Exit::Success)
    }
}
