//! `writ check FILE...`: compiles and lints policies, and prints every diagnostic.

use std::path::PathBuf;

use clap::Args;
use serde_json::{Value, json};
use writ::Writ;
use writ_model::Error;

use crate::engines::start_engines;
use crate::error::CliError;
use crate::exit::Exit;
use crate::global_args::GlobalArgs;
use crate::output::{Format, print_stderr};
use crate::policy_file::PolicyFile;
use crate::style::{SUCCESS, apply_style};

/// Exits 0 if every file could be registered, with or without warnings.
#[derive(Debug, Args)]
pub(crate) struct Check {
    /// Source files (`.py`, `.rego`, `.wat`, `.wasm`) or whole documents (`.json`, `.yaml`)
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Treat warnings as errors
    #[arg(long)]
    deny_warnings: bool,
    /// Run even if this host does not permit the whole sandbox
    #[arg(long)]
    allow_weak_sandbox: bool,
}

impl Check {
    pub(crate) fn run(self, global: &GlobalArgs) -> Result<Exit, CliError> {
        let writ = start_engines(self.allow_weak_sandbox)?;
        let mut exit = Exit::Success;
        let mut report = Vec::new();
        for path in &self.files {
            let checked = self.check(&writ, path, global);
            if let Err(failure) = &checked.outcome {
                print_stderr(&format!("{}\n", failure.render()));
                // The exit code is that of the first failure.
                exit = if exit == Exit::Success { failure.exit() } else { exit };
            }
            report.push(checked.summary);
        }
        if global.terminal().format() != Format::Table {
            global.terminal().print(&Value::Array(report).to_string(), |_| String::new())?;
        }
        Ok(exit)
    }

    fn check(&self, writ: &Writ, path: &std::path::Path, global: &GlobalArgs) -> Checked {
        let file = match PolicyFile::load(path) {
            Ok(file) => file,
            Err(failure) => return Checked::unreadable(path, failure),
        };
        let checked = file.policy().and_then(|policy| writ.check(&policy));
        let warnings = match checked {
            Ok(checked) => checked.warnings,
            Err(error) => return Checked::invalid(&file, &error),
        };
        for warning in &warnings {
            print_stderr(&format!("{}\n", file.listing().render(warning)));
        }
        let summary = json!({"file": file.origin, "ok": true, "diagnostics": warnings});
        let counted = match warnings.len() {
            0 => String::new(),
            1 => " (1 warning)".to_owned(),
            several => format!(" ({several} warnings)"),
        };
        if self.deny_warnings && !warnings.is_empty() {
            let failure = CliError::new(Exit::Invalid, format!("warnings are denied{counted}"))
                .at(file.origin);
            return Checked { outcome: Err(failure), summary };
        }
        if !global.is_quiet() {
            print_stderr(&format!("{} {}{counted}\n", apply_style(SUCCESS, "ok"), file.origin));
        }
        Checked { outcome: Ok(()), summary }
    }
}

/// The result of one file, for standard error and as data.
struct Checked {
    outcome: Result<(), CliError>,
    summary: Value,
}

impl Checked {
    fn unreadable(path: &std::path::Path, failure: CliError) -> Self {
        let summary = json!({"file": path.display().to_string(), "ok": false, "diagnostics": []});
        Self { outcome: Err(failure), summary }
    }

    fn invalid(file: &PolicyFile, error: &Error) -> Self {
        let summary = json!({"file": file.origin, "ok": false, "error": error, "diagnostics": error.diagnostics});
        Self { outcome: Err(file.failure(error)), summary }
    }
}
