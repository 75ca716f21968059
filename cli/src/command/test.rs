//! `writ test [PATH]...`: runs the test cases of policies.

use std::path::PathBuf;
use std::time::Instant;

use clap::Args;
use serde_json::{Value, json};
use writ::{Policy, Writ};
use writ_model::Error;

use crate::cases::coverage::LineCoverage;
use crate::cases::remote::RemotePolicy;
use crate::cases::report::{Report, TestResult};
use crate::cases::{Case, Mismatch, Suite, compare, find};
use crate::client::Client;
use crate::engines::start_engines;
use crate::error::CliError;
use crate::exit::Exit;
use crate::global_args::GlobalArgs;
use crate::output::{Format, Terminal};
use crate::policy_file::PolicyFile;

/// Searches directories for `cases.yaml` and `NAME.cases.yaml` (or `.yml`, `.json`), at any depth.
#[derive(Debug, Args)]
pub(crate) struct Test {
    /// Directories, case files, or policies with cases beside them
    #[arg(value_name = "PATH", default_value = ".")]
    paths: Vec<PathBuf>,
    /// Run only tests with a name (`policy::case`) that contains this text
    #[arg(long, value_name = "TEXT")]
    filter: Option<String>,
    /// Print the lines of each policy that no test ran
    #[arg(long, conflicts_with = "remote")]
    coverage: bool,
    /// Run on the server; each policy is registered for its cases and deleted after them
    #[arg(long)]
    remote: bool,
    /// Run even if this host does not permit the whole sandbox
    #[arg(long)]
    allow_weak_sandbox: bool,
}

/// The state of one command over all suites.
struct Session<'a> {
    test: &'a Test,
    backend: &'a Backend,
    terminal: Terminal,
    report: Report,
    coverage: Vec<(String, String, LineCoverage)>,
}

/// The engine that runs the cases.
enum Backend {
    InProcess(Box<Writ>),
    /// The builtin executor of a server.
    Server(Box<Client>),
}

/// A policy that passed the checks of a registration.
enum PolicyUnderTest<'h> {
    InProcess(&'h Writ, Box<Policy>),
    Remote(RemotePolicy<'h>),
}

impl Test {
    pub(crate) fn run(self, global: &GlobalArgs) -> Result<Exit, CliError> {
        let mut suites = Vec::new();
        for path in &self.paths {
            suites.extend(find(path)?);
        }
        let backend = if self.remote {
            Backend::Server(Box::new(global.client()?))
        } else {
            Backend::InProcess(Box::new(start_engines(self.allow_weak_sandbox)?))
        };
        let mut session = Session {
            backend: &backend,
            test: &self,
            terminal: global.terminal(),
            report: Report::default(),
            coverage: Vec::new(),
        };
        let started = Instant::now();
        for suite in suites {
            session.run(&suite)?;
        }
        session.finish(started)
    }
}

impl<'a> Session<'a> {
    fn run(&mut self, suite: &Suite) -> Result<(), CliError> {
        let file = PolicyFile::load(&suite.policy_path)?;
        let policy = self.prepare(&file)?;
        let name = name_of(&file);
        let mut lines = LineCoverage::default();
        let mut ran = false;
        for case in &suite.file.cases {
            let test = format!("{name}::{}", case.name);
            if self.test.filter.as_ref().is_some_and(|part| !test.contains(part.as_str())) {
                self.report.filtered_out += 1;
                continue;
            }
            ran = true;
            let result = TestResult {
                name: test,
                cases_file: suite.cases_path.display().to_string(),
                mismatches: match &policy {
                    Ok(policy) => self.run_case(policy, case, &mut lines)?,
                    Err(error) => compare(case, Err(error)),
                },
            };
            if self.terminal.format() == Format::Table {
                self.terminal.print_styled(&result.line())?;
            }
            self.report.tests.push(result);
        }
        if let Ok(PolicyUnderTest::Remote(policy)) = policy {
            policy.remove()?;
        }
        if ran && self.test.coverage {
            self.coverage.push((name, file.code_origin.clone(), lines));
        }
        Ok(())
    }

    /// Registers or checks the policy. The inner error is one that a registration would return; it
    /// is the result of each case.
    fn prepare(&self, file: &PolicyFile) -> Result<Result<PolicyUnderTest<'a>, Error>, CliError> {
        match self.backend {
            Backend::Server(client) => {
                Ok(RemotePolicy::register(client, file)?.map(PolicyUnderTest::Remote))
            }
            Backend::InProcess(writ) => Ok(file.policy().and_then(|policy| {
                writ.check(&policy)?;
                Ok(PolicyUnderTest::InProcess(writ, Box::new(policy)))
            })),
        }
    }

    fn run_case(
        &self,
        policy: &PolicyUnderTest<'_>,
        case: &Case,
        lines: &mut LineCoverage,
    ) -> Result<Vec<Mismatch>, CliError> {
        let (writ, policy) = match policy {
            PolicyUnderTest::Remote(policy) => {
                return Ok(compare(case, policy.run(case)?.as_ref()));
            }
            PolicyUnderTest::InProcess(writ, policy) => (writ, policy),
        };
        let parameters = case.parameters.as_deref();
        let run = if self.test.coverage {
            writ.run_with_coverage(policy, &case.input, parameters)
        } else {
            writ.run(policy, &case.input, parameters)
        };
        if let Some(coverage) = run.as_ref().ok().and_then(|run| run.coverage.as_ref()) {
            lines.add(coverage);
        }
        Ok(compare(case, run.as_ref().map(|run| &run.execution)))
    }

    fn finish(self, started: Instant) -> Result<Exit, CliError> {
        if self.terminal.format() == Format::Table {
            let mut text = self.report.summary(started.elapsed());
            for (name, code, lines) in &self.coverage {
                text.push_str(&format!("\ncoverage of {name}: {}\n", lines.percentage()));
                let missed = lines.missed();
                if !missed.is_empty() {
                    text.push_str(&format!("  not run: {code}:{missed}\n"));
                }
            }
            self.terminal.print_styled(&text)?;
        } else {
            let mut data = self.report.data();
            if self.test.coverage {
                let of = |(name, code, lines): &(String, String, LineCoverage)| json!({"policy": name, "code": code, "lines": lines.data()});
                let coverage: Vec<Value> = self.coverage.iter().map(of).collect();
                if let Value::Object(members) = &mut data {
                    members.insert("coverage".to_owned(), Value::from(coverage));
                }
            }
            self.terminal.print(&data.to_string(), |_| String::new())?;
        }
        Ok(if self.report.failed() == 0 { Exit::Success } else { Exit::Failed })
    }
}

/// The policy's name, or the path of the file if the document has none.
fn name_of(file: &PolicyFile) -> String {
    let document: Value = serde_json::from_str(&file.document).unwrap_or_default();
    document.get("name").and_then(Value::as_str).map_or_else(|| file.origin.clone(), str::to_owned)
}
