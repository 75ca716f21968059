//! `writ openapi`: prints the OpenAPI document of this release, or compares it with a committed
//! file. A server of the same release serves the same document at `/openapi.json`.

use std::path::PathBuf;

use clap::Args;
use serde_json::Value;

use crate::error::CliError;
use crate::exit::Exit;
use crate::global_args::GlobalArgs;
use crate::input;
use crate::output::Format;

/// As `writ openapi > docs/openapi.json`, and later `writ openapi --check docs/openapi.json`.
#[derive(Debug, Args)]
pub(crate) struct Openapi {
    /// Print nothing, and fail if this file differs
    #[arg(long, value_name = "FILE")]
    check: Option<PathBuf>,
}

impl Openapi {
    pub(crate) fn run(self, global: &GlobalArgs) -> Result<Exit, CliError> {
        let document = writ_edge::openapi_text(&writ_routes::specs());
        let terminal = global.terminal();
        let Some(file) = self.check else {
            match terminal.format() {
                Format::Json | Format::Table => terminal.print_text(&document)?,
                Format::Yaml => terminal.print(&document, |_| String::new())?,
            }
            return Ok(Exit::Success);
        };
        if is_same(&document, &input::read_text(&file)?) {
            terminal.note(&format!("{} is up to date", file.display()));
            return Ok(Exit::Success);
        }
        Err(CliError::new(Exit::Failed, "the file differs from this release's OpenAPI document")
            .at(file.display().to_string())
            .help(format!("update it with `writ openapi > {}`", file.display())))
    }
}

/// Whether both are the same JSON value; white space does not count.
fn is_same(one: &str, other: &str) -> bool {
    let value = |text: &str| serde_json::from_str::<Value>(text).ok();
    one == other || value(one).is_some_and(|one| Some(one) == value(other))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spacing_is_no_drift_and_a_route_is() {
        assert!(is_same("{\"a\": 1}", "{\"a\":1}\n"));
        assert!(!is_same("{\"a\":1}", "{\"a\":2}"));
        assert!(!is_same("{\"a\":1}", "broken"));
    }
}
