//! `writ schedule enable NAME` and `disable NAME`: switches a schedule on and off.

use clap::Args;
use ureq::http::Method;

use super::response::render_next_fire;
use crate::client::ApiRequest;
use crate::error::CliError;
use crate::exit::Exit;
use crate::global_args::GlobalArgs;

/// Fires during the disabled time are neither run nor counted as missed.
#[derive(Debug, Args)]
pub(crate) struct Enable {
    /// The name of the schedule
    name: String,
}

/// A fire that is already due still runs.
#[derive(Debug, Args)]
pub(crate) struct Disable {
    /// The name of the schedule
    name: String,
}

impl Enable {
    pub(crate) fn run(self, global: &GlobalArgs) -> Result<Exit, CliError> {
        set_enabled(global, &self.name, true)
    }
}

impl Disable {
    pub(crate) fn run(self, global: &GlobalArgs) -> Result<Exit, CliError> {
        set_enabled(global, &self.name, false)
    }
}

fn set_enabled(global: &GlobalArgs, name: &str, enabled: bool) -> Result<Exit, CliError> {
    let body = format!("{{\"$set\":{{\"enabled\":{enabled}}}}}");
    let request = ApiRequest::new(Method::PUT, &["schedules", name]).body(body);
    let response = global.client()?.send(&request)?;
    global.terminal().print(&response.data, render_next_fire)?;
    Ok(Exit::Success)
}
