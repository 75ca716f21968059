//! `writ schedule enable NAME` and `disable NAME`: whether it fires at all.

use clap::Args;
use ureq::http::Method;

use super::told;
use crate::args::Global;
use crate::client::Call;
use crate::exit::Exit;
use crate::failure::Failure;

/// What passed while it was disabled is neither run nor missed.
#[derive(Debug, Args)]
pub(crate) struct Enable {
    /// The schedule
    name: String,
}

/// What it was about to run is run.
#[derive(Debug, Args)]
pub(crate) struct Disable {
    /// The schedule
    name: String,
}

impl Enable {
    pub(crate) fn run(self, global: &Global) -> Result<Exit, Failure> {
        switch(global, &self.name, true)
    }
}

impl Disable {
    pub(crate) fn run(self, global: &Global) -> Result<Exit, Failure> {
        switch(global, &self.name, false)
    }
}

fn switch(global: &Global, name: &str, enabled: bool) -> Result<Exit, Failure> {
    let body = format!("{{\"$set\":{{\"enabled\":{enabled}}}}}");
    let call = Call::new(Method::PUT, &["schedules", name]).body(body);
    let answer = global.client()?.send(&call)?;
    global.terminal().show(&answer.data, told)?;
    Ok(Exit::Success)
}
