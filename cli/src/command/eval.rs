//! `writ eval FILE|URI -i input.json`: runs a policy in this process, without a record.

use std::path::{Path, PathBuf};

use clap::Args;
use writ::Run;
use writ_model::{Error, PolicyUri, Workspace};
use writ_ports::{GetBody as _, GetPolicy as _};

use crate::client::ApiRequest;
use crate::data_directory::with_store;
use crate::engines::start_engines;
use crate::error::CliError;
use crate::exit::Exit;
use crate::global_args::GlobalArgs;
use crate::input;
use crate::policy_file::PolicyFile;

/// The output goes to standard output, byte for byte; text that the policy printed goes to standard
/// error.
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
    /// Settings that replace the policy's own
    #[arg(long, value_name = "JSON")]
    settings: Option<String>,
    /// Read the policy of this URI from a data directory instead of a server
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Run even if this host does not permit the whole sandbox
    #[arg(long)]
    allow_weak_sandbox: bool,
}

impl Eval {
    pub(crate) fn run(self, global: &GlobalArgs) -> Result<Exit, CliError> {
        let input = input::read_json(&self.input)?;
        let params = input::optional_json(self.params.as_deref())?;
        let mut file = self.load(global)?;
        if let Some(settings) = input::optional_json(self.settings.as_deref())? {
            file = file.with_settings(&settings)?;
        }
        let policy = file.policy().map_err(|error| file.failure(&error))?;
        let writ = start_engines(self.allow_weak_sandbox)?;
        let run = writ
            .run(&policy, input.as_str(), params.as_ref().map(writ_model::RawJson::as_str))
            .map_err(|error| file.failure(&error))?;
        let Run { execution, .. } = &run;
        if !execution.printed.is_empty() {
            global.terminal().note(execution.printed.trim_end_matches('\n'));
        }
        let output = run.output().map_err(|error| file.failure(&error))?;
        global.terminal().print_output(output.as_str())?;
        Ok(Exit::Success)
    }

    fn load(&self, global: &GlobalArgs) -> Result<PolicyFile, CliError> {
        let path = Path::new(&self.policy);
        if path.exists() || self.policy == "-" {
            return PolicyFile::load(path);
        }
        let Ok(uri) = self.policy.parse::<PolicyUri>() else {
            return Err(CliError::new(
                Exit::NotFound,
                format!("there is no file `{}`", self.policy),
            )
            .help("name a file, or a policy's URI, as `ip_allowlist:1.0-beta`"));
        };
        if let Some(data) = &self.data {
            return Ok(PolicyFile::from_document(&self.policy, read_body(data, &uri)?));
        }
        let response = global.client()?.send(&ApiRequest::get(&["policy", &self.policy]))?;
        Ok(PolicyFile::from_document(&self.policy, response.data))
    }
}

/// Reads the body of a policy in the default workspace of a data directory.
fn read_body(data: &Path, uri: &PolicyUri) -> Result<String, CliError> {
    let workspace = Workspace::default();
    with_store(data, async |store| {
        let unknown = || Error::not_found(format!("there is no policy `{uri}`"));
        let head = store.get_policy(&workspace, uri).await?.ok_or_else(unknown)?;
        let body = store.get_body(&workspace, &head.digest).await?.ok_or_else(unknown)?;
        Ok(body.to_string())
    })
}
