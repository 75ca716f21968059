//! `writ test [PATH]...`: runs the cases that stand beside policies.

use std::path::PathBuf;
use std::time::Instant;

use clap::Args;
use serde_json::{Value, json};
use writ::{Policy, Writ};
use writ_model::Error;

use super::engines;
use crate::args::Global;
use crate::cases::coverage::Lines;
use crate::cases::remote::Registered;
use crate::cases::report::{Report, Tested};
use crate::cases::{Case, Mismatch, Suite, compare, find};
use crate::client::Client;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::{Format, Terminal};
use crate::policy_file::PolicyFile;

/// Looks for `cases.yaml` and `NAME.cases.yaml` (or `.yml`, `.json`) in folders, at any depth.
#[derive(Debug, Args)]
pub(crate) struct Test {
    /// Folders, case files, or policies with cases beside them
    #[arg(value_name = "PATH", default_value = ".")]
    paths: Vec<PathBuf>,
    /// Only tests whose name (`policy::case`) has this part
    #[arg(long, value_name = "TEXT")]
    filter: Option<String>,
    /// Say which lines of each policy no test ran
    #[arg(long, conflicts_with = "remote")]
    coverage: bool,
    /// Run on the server; each policy is registered for its cases and removed after them
    #[arg(long)]
    remote: bool,
    /// Run although this host does not permit the whole sandbox
    #[arg(long)]
    allow_weak_sandbox: bool,
}

/// What all suites share.
struct Session<'a> {
    test: &'a Test,
    home: &'a Home,
    terminal: Terminal,
    report: Report,
    coverage: Vec<(String, String, Lines)>,
}

/// Where cases run.
enum Home {
    /// In this process.
    Process(Box<Writ>),
    /// On a server's builtin executor.
    Server(Box<Client>),
}

/// A policy that passed everything a registry asks.
enum Subject<'h> {
    InProcess(&'h Writ, Box<Policy>),
    Registered(Registered<'h>),
}

impl Test {
    pub(crate) fn run(self, global: &Global) -> Result<Exit, Failure> {
        let mut suites = Vec::new();
        for path in &self.paths {
            suites.extend(find(path)?);
        }
        let home = if self.remote {
            Home::Server(Box::new(global.client()?))
        } else {
            Home::Process(Box::new(engines(self.allow_weak_sandbox)?))
        };
        let mut session = Session {
            home: &home,
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
    fn run(&mut self, suite: &Suite) -> Result<(), Failure> {
        let file = PolicyFile::load(&suite.policy_path)?;
        let subject = self.prepare(&file)?;
        let name = name_of(&file);
        let mut lines = Lines::default();
        let mut ran = false;
        for case in &suite.file.cases {
            let test = format!("{name}::{}", case.name);
            if self.test.filter.as_ref().is_some_and(|part| !test.contains(part.as_str())) {
                self.report.filtered_out += 1;
                continue;
            }
            ran = true;
            let tested = Tested {
                name: test,
                cases_file: suite.cases_path.display().to_string(),
                mismatches: match &subject {
                    Ok(subject) => self.run_case(subject, case, &mut lines)?,
                    Err(error) => compare(case, Err(error)),
                },
            };
            if self.terminal.format() == Format::Table {
                self.terminal.styled(&tested.line())?;
            }
            self.report.tests.push(tested);
        }
        if let Ok(Subject::Registered(policy)) = subject {
            policy.remove()?;
        }
        if ran && self.test.coverage {
            self.coverage.push((name, file.code_origin.clone(), lines));
        }
        Ok(())
    }

    /// Everything that would keep the policy from being registered fails each of its cases.
    fn prepare(&self, file: &PolicyFile) -> Result<Result<Subject<'a>, Error>, Failure> {
        match self.home {
            Home::Server(client) => Ok(Registered::new(client, file)?.map(Subject::Registered)),
            Home::Process(writ) => Ok(file.policy().and_then(|policy| {
                writ.check(&policy)?;
                Ok(Subject::InProcess(writ, Box::new(policy)))
            })),
        }
    }

    fn run_case(
        &self,
        subject: &Subject<'_>,
        case: &Case,
        lines: &mut Lines,
    ) -> Result<Vec<Mismatch>, Failure> {
        let (writ, policy) = match subject {
            Subject::Registered(policy) => return Ok(compare(case, policy.run(case)?.as_ref())),
            Subject::InProcess(writ, policy) => (writ, policy),
        };
        let parameters = case.parameters.as_deref();
        let run = if self.test.coverage {
            writ.run_covered(policy, &case.input, parameters)
        } else {
            writ.run(policy, &case.input, parameters)
        };
        if let Some(coverage) = run.as_ref().ok().and_then(|run| run.coverage.as_ref()) {
            lines.add(coverage);
        }
        Ok(compare(case, run.as_ref().map(|run| &run.execution)))
    }

    fn finish(self, started: Instant) -> Result<Exit, Failure> {
        if self.terminal.format() == Format::Table {
            let mut text = self.report.summary(started.elapsed());
            for (name, code, lines) in &self.coverage {
                text.push_str(&format!("\ncoverage of {name}: {}\n", lines.share()));
                let missed = lines.missed();
                if !missed.is_empty() {
                    text.push_str(&format!("  not run: {code}:{missed}\n"));
                }
            }
            self.terminal.styled(&text)?;
        } else {
            let mut data = self.report.data();
            if self.test.coverage {
                let of = |(name, code, lines): &(String, String, Lines)| json!({"policy": name, "code": code, "lines": lines.data()});
                let coverage: Vec<Value> = self.coverage.iter().map(of).collect();
                if let Value::Object(members) = &mut data {
                    members.insert("coverage".to_owned(), Value::from(coverage));
                }
            }
            self.terminal.show(&data.to_string(), |_| String::new())?;
        }
        Ok(if self.report.failed() == 0 { Exit::Success } else { Exit::Failed })
    }
}

/// The policy's name; the file's where the document has none.
fn name_of(file: &PolicyFile) -> String {
    let document: Value = serde_json::from_str(&file.document).unwrap_or_default();
    document.get("name").and_then(Value::as_str).map_or_else(|| file.origin.clone(), str::to_owned)
}
