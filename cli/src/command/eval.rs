//! `writ eval FILE|URI -i input.json`: runs a policy in this process. Nothing is recorded.

use std::path::{Path, PathBuf};

use clap::Args;
use writ::Run;
use writ_model::{Error, PolicyUri, Workspace};
use writ_ports::{GetBody as _, GetPolicy as _};

use super::engines;
use crate::args::Global;
use crate::client::Call;
use crate::data_directory::with_store;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::input;
use crate::policy_file::PolicyFile;

/// The output goes to standard output byte for byte; what the policy printed to standard error.
#[derive(Debug, Args)]
pub(crate) struct Eval {
    /// A file (`.py`, `.rego`, `.wat`, `.wasm`, or a whole document in `.json` or `.yaml`), or the URI of a policy
    /// to fetch from the server
    policy: String,
    /// The input: a file, `-` for standard input, or JSON that starts with `{` or `[`
    #[arg(short, long, value_name = "JSON")]
    input: String,
    /// Parameters that override the policy's own
    #[arg(short, long, value_name = "JSON")]
    params: Option<String>,
    /// Settings instead of the policy's own
    #[arg(long, value_name = "JSON")]
    settings: Option<String>,
    /// Read the policy of this URI from a data directory instead of a server
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Run although this host does not permit the whole sandbox
    #[arg(long)]
    allow_weak_sandbox: bool,
}

impl Eval {
    pub(crate) fn run(self, global: &Global) -> Result<Exit, Failure> {
        let input = input::json(&self.input)?;
        let params = input::optional_json(self.params.as_deref())?;
        let mut file = self.load(global)?;
        if let Some(settings) = input::optional_json(self.settings.as_deref())? {
            file = file.with_settings(&settings)?;
        }
        let policy = file.policy().map_err(|error| file.failure(&error))?;
        let writ = engines(self.allow_weak_sandbox)?;
        let run = writ
            .run(&policy, input.as_str(), params.as_ref().map(writ_model::RawJson::as_str))
            .map_err(|error| file.failure(&error))?;
        let Run { execution, .. } = &run;
        if !execution.printed.is_empty() {
            global.terminal().note(execution.printed.trim_end_matches('\n'));
        }
        let output = run.output().map_err(|error| file.failure(&error))?;
        global.terminal().show_output(output.as_str())?;
        Ok(Exit::Success)
    }

    fn load(&self, global: &Global) -> Result<PolicyFile, Failure> {
        let path = Path::new(&self.policy);
        if path.exists() || self.policy == "-" {
            return PolicyFile::load(path);
        }
        let Ok(uri) = self.policy.parse::<PolicyUri>() else {
            return Err(Failure::new(
                Exit::NotFound,
                format!("there is no file `{}`", self.policy),
            )
            .help("give a file, or a policy's URI, as `ip_allowlist:1.0-beta`"));
        };
        if let Some(data) = &self.data {
            return Ok(PolicyFile::stored(&self.policy, stored(data, &uri)?));
        }
        let answer = global.client()?.send(&Call::get(&["policy", &self.policy]))?;
        Ok(PolicyFile::stored(&self.policy, answer.data))
    }
}

/// The body of a policy in a data directory's default workspace.
fn stored(data: &Path, uri: &PolicyUri) -> Result<String, Failure> {
    let workspace = Workspace::default();
    with_store(data, async |store| {
        let unknown = || Error::not_found(format!("there is no policy `{uri}`"));
        let head = store.get_policy(&workspace, uri).await?.ok_or_else(unknown)?;
        let body = store.get_body(&workspace, &head.digest).await?.ok_or_else(unknown)?;
        Ok(body.to_string())
    })
}
