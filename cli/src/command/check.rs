//! `writ check FILE...`: compiles and lints, and says everything that is wrong.

use std::path::PathBuf;

use clap::Args;
use serde_json::{Value, json};
use writ::Writ;
use writ_model::Error;

use super::engines;
use crate::args::Global;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::{Format, say};
use crate::policy_file::PolicyFile;
use crate::style::{GOOD, paint};

/// Exits 0 where every file could be registered, whatever the warnings.
#[derive(Debug, Args)]
pub(crate) struct Check {
    /// Source files (`.py`, `.rego`, `.wat`, `.wasm`) or whole documents (`.json`, `.yaml`)
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Take warnings for errors
    #[arg(long)]
    deny_warnings: bool,
    /// Check although this host does not permit the whole sandbox
    #[arg(long)]
    allow_weak_sandbox: bool,
}

impl Check {
    pub(crate) fn run(self, global: &Global) -> Result<Exit, Failure> {
        let writ = engines(self.allow_weak_sandbox)?;
        let mut exit = Exit::Success;
        let mut report = Vec::new();
        for path in &self.files {
            let checked = self.check(&writ, path, global);
            if let Err(failure) = &checked.outcome {
                say(&format!("{}\n", failure.render()));
                // The first failure decides: the exit code is about one thing.
                exit = if exit == Exit::Success { failure.exit() } else { exit };
            }
            report.push(checked.summary);
        }
        if global.terminal().format() != Format::Table {
            global.terminal().show(&Value::Array(report).to_string(), |_| String::new())?;
        }
        Ok(exit)
    }

    fn check(&self, writ: &Writ, path: &std::path::Path, global: &Global) -> Checked {
        let file = match PolicyFile::load(path) {
            Ok(file) => file,
            Err(failure) => return Checked::unread(path, failure),
        };
        let checked = file.policy().and_then(|policy| writ.check(&policy));
        let warnings = match checked {
            Ok(checked) => checked.warnings,
            Err(error) => return Checked::failed(&file, &error),
        };
        for warning in &warnings {
            say(&format!("{}\n", file.listing().render(warning)));
        }
        let summary = json!({"file": file.origin, "ok": true, "diagnostics": warnings});
        let counted = match warnings.len() {
            0 => String::new(),
            1 => " (1 warning)".to_owned(),
            several => format!(" ({several} warnings)"),
        };
        if self.deny_warnings && !warnings.is_empty() {
            let failure = Failure::new(Exit::Invalid, format!("warnings are denied{counted}"))
                .at(file.origin);
            return Checked { outcome: Err(failure), summary };
        }
        if !global.is_quiet() {
            say(&format!("{} {}{counted}\n", paint(GOOD, "ok"), file.origin));
        }
        Checked { outcome: Ok(()), summary }
    }
}

/// What became of one file: for the person, and as data.
struct Checked {
    outcome: Result<(), Failure>,
    summary: Value,
}

impl Checked {
    fn unread(path: &std::path::Path, failure: Failure) -> Self {
        let summary = json!({"file": path.display().to_string(), "ok": false, "diagnostics": []});
        Self { outcome: Err(failure), summary }
    }

    fn failed(file: &PolicyFile, error: &Error) -> Self {
        let summary = json!({"file": file.origin, "ok": false, "error": error, "diagnostics": error.diagnostics});
        Self { outcome: Err(file.failure(error)), summary }
    }
}
