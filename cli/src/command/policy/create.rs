//! `writ policy create -f policy.json`: registers a policy.

use std::path::PathBuf;

use clap::Args;

use super::response::{print_warnings, render_uri};
use crate::client::ApiRequest;
use crate::error::CliError;
use crate::exit::Exit;
use crate::global_args::GlobalArgs;
use crate::policy_file::{PolicyFile, language_of};

/// Code that does not compile is refused, with its location.
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
    pub(crate) fn run(self, global: &GlobalArgs) -> Result<Exit, CliError> {
        if language_of(&self.file).is_some() {
            return Err(CliError::usage(
                "a policy needs a document with a name, a version and a release tag",
            )
            .at(self.file.display().to_string())
            .help("set the document with `-f` and the code with `--code-file`"));
        }
        let file = PolicyFile::load_with(&self.file, self.code_file.as_deref())?;
        let client = global.client()?;
        let request = ApiRequest::post(&["policy"], file.document.as_str());
        let response =
            client.try_send(&request)?.map_err(|problem| file.failure(&problem.error))?;
        print_warnings(global, &response.warnings);
        global.terminal().print(&response.data, render_uri)?;
        Ok(Exit::Success)
    }
}
