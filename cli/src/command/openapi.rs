//! `writ openapi`: prints the OpenAPI document of this release, or compares it with a
//! committed one. A server of the same release serves the same at `/openapi.json`.

use std::path::PathBuf;

use clap::Args;
use serde_json::Value;

use crate::args::Global;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::input;
use crate::output::Format;

/// As `writ openapi > docs/openapi.json`, and later `writ openapi --check docs/openapi.json`.
#[derive(Debug, Args)]
pub(crate) struct Openapi {
    /// Print nothing; fail where this file says something else
    #[arg(long, value_name = "FILE")]
    check: Option<PathBuf>,
}

impl Openapi {
    pub(crate) fn run(self, global: &Global) -> Result<Exit, Failure> {
        let document = writ_edge::openapi_text(&writ_routes::specs());
        let terminal = global.terminal();
        let Some(file) = self.check else {
            match terminal.format() {
                Format::Json | Format::Table => terminal.text(&document)?,
                Format::Yaml => terminal.show(&document, |_| String::new())?,
            }
            return Ok(Exit::Success);
        };
        if is_same(&document, &input::text(&file)?) {
            terminal.note(&format!("{} is up to date", file.display()));
            return Ok(Exit::Success);
        }
        Err(Failure::new(Exit::Failed, "the committed OpenAPI document is not this release's")
            .at(file.display().to_string())
            .help(format!("write it anew by `writ openapi > {}`", file.display())))
    }
}

/// Whether both say the same; spacing is the editor's business.
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
