//! `writ policy import DIR|ARCHIVE|URL`: registers a policy from a package of files.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use serde_json::{Map, Value};

use super::response::{print_warnings, render_uri};
use crate::client::ApiRequest;
use crate::error::CliError;
use crate::exit::Exit;
use crate::global_args::GlobalArgs;
use crate::input;
use crate::package::{ARCHIVE_BYTES_MAX, Package};
use crate::policy_file::PolicyFile;

/// How long a download may take.
const DOWNLOAD_TIMEOUT: Duration = Duration::from_secs(60);

/// The package holds `code/function.py`, with the class `AIOSv1PolicyRule`.
///
/// Its libraries (`code/requirements.txt`) are not installed: a policy has Python's own library.
#[derive(Debug, Args)]
pub(crate) struct Import {
    /// A folder, an archive (zip, tar, tar.gz, tar.xz), or the `http` or `https` URL of one
    #[arg(value_name = "DIR|ARCHIVE|URL")]
    source: String,
    /// The policy document, JSON or YAML; the package replaces its `code`
    #[arg(short, long, value_name = "FILE", conflicts_with_all = ["name", "policy_version", "release_tag"])]
    file: Option<PathBuf>,
    /// The name, where there is no document
    #[arg(long, required_unless_present = "file")]
    name: Option<String>,
    /// The version, where there is no document
    #[arg(long = "policy-version", value_name = "VERSION", required_unless_present = "file")]
    policy_version: Option<String>,
    /// The release tag, where there is no document
    #[arg(long, required_unless_present = "file")]
    release_tag: Option<String>,
}

impl Import {
    pub(crate) fn run(self, global: &GlobalArgs) -> Result<Exit, CliError> {
        let package =
            match self.source.starts_with("http://") || self.source.starts_with("https://") {
                true => Package::from_archive(&download(&self.source)?, &self.source)?,
                false => Package::read(Path::new(&self.source))?,
            };
        for library in &package.requirements {
            global.terminal().warn(&format!(
                "the library `{library}` of `code/requirements.txt` is not installed: a policy has \
                 Python's own library; let the caller fetch what it needs and pass it as input"
            ));
        }
        for module in &package.other_modules {
            global.terminal().warn(&format!(
                "`{module}` is left out: a policy is one file; put what it defines into \
                 `code/function.py`"
            ));
        }
        let file = PolicyFile::of_code(self.document()?, &package.code, &self.origin());
        let client = global.client()?;
        let request = ApiRequest::post(&["policy"], file.document.as_str());
        let response =
            client.try_send(&request)?.map_err(|problem| file.failure(&problem.error))?;
        print_warnings(global, &response.warnings);
        global.terminal().print(&response.data, render_uri)?;
        Ok(Exit::Success)
    }

    /// Where the code is from, for messages.
    fn origin(&self) -> String {
        format!("{}: code/function.py", self.source)
    }

    /// The policy document without its code.
    fn document(&self) -> Result<Map<String, Value>, CliError> {
        let Some(path) = &self.file else {
            let members = [
                ("name", &self.name),
                ("version", &self.policy_version),
                ("release_tag", &self.release_tag),
            ];
            let member = |(name, value): (&str, &Option<String>)| {
                Some((name.to_owned(), Value::from(value.clone()?)))
            };
            return Ok(members.into_iter().filter_map(member).collect());
        };
        let origin = path.display().to_string();
        match input::read_json(&origin)?.value() {
            Value::Object(members) => Ok(members),
            _ => Err(CliError::new(Exit::Invalid, "a policy document is an object").at(origin)),
        }
    }
}

/// Downloads the archive at a URL.
fn download(url: &str) -> Result<Vec<u8>, CliError> {
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .timeout_global(Some(DOWNLOAD_TIMEOUT))
        .user_agent(concat!("writ/", env!("CARGO_PKG_VERSION")))
        .build()
        .into();
    let failed = |error: ureq::Error| {
        let (exit, what) = match error {
            ureq::Error::StatusCode(404) => (Exit::NotFound, "there is no such archive".to_owned()),
            ureq::Error::BodyExceedsLimit(most) => {
                (Exit::Invalid, format!("the archive is larger than {most} bytes"))
            }
            error => (Exit::Unavailable, format!("the archive cannot be fetched: {error}")),
        };
        CliError::new(exit, what).at(url)
    };
    let mut response = agent.get(url).call().map_err(failed)?;
    let body = response.body_mut().with_config().limit(ARCHIVE_BYTES_MAX as u64);
    body.read_to_vec().map_err(failed)
}
