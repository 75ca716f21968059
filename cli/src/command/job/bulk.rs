//! Many jobs from one file: several lines at once, ids in the file's order, and a report. What a
//! line sends depends on the line and the run's key alone, so that a rerun submits nothing twice.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError, mpsc};

use serde_json::json;
use writ_model::{Digest, ErrorKind};
use writ_os::Os;
use writ_ports::Ids as _;

use super::display::count;
use super::document::Document;
use super::lines::{Line, Lines};
use super::retry_policy::RetryPolicy;
use crate::client::{Call, Client};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::{Format, Terminal, say};
use crate::since;
use crate::style::harmless;

/// How a file is submitted.
pub(super) struct Bulk<'a> {
    executor: &'a str,
    key: String,
    parallel: usize,
    retry_policy: RetryPolicy,
}

/// What came of a line.
#[derive(Debug)]
struct Done {
    line: u64,
    outcome: Outcome,
}

#[derive(Debug)]
enum Outcome {
    Submitted(String),
    Refused {
        kind: &'static str,
        message: String,
    },
    /// Nothing more can be submitted.
    Stopped(Failure),
}

/// What came of all of them.
#[derive(Debug, Default)]
struct Report {
    submitted: u64,
    refused: u64,
    stopped: Option<Failure>,
}

impl<'a> Bulk<'a> {
    /// Without a key, the run has its own.
    pub(super) fn new(executor: &'a str, key: Option<String>, parallel: usize) -> Self {
        let key = key.unwrap_or_else(|| Os.id(since::now()));
        Self { executor, key, parallel, retry_policy: RetryPolicy::USUAL }
    }

    /// Submits a file, or standard input for `-`, and tells what came of it.
    pub(super) fn submit(
        &self,
        client: &Client,
        terminal: Terminal,
        file: &Path,
    ) -> Result<Exit, Failure> {
        let unreadable = |error| Failure::file(file, "read", &error);
        let (origin, total, reader): (_, _, Box<dyn BufRead + Send>) = match file.to_str() {
            Some("-") => ("standard input".to_owned(), None, Box::new(BufReader::new(io::stdin()))),
            _ => {
                let opened = File::open(file).map_err(unreadable)?;
                let total = lines_in(file).map_err(unreadable)?;
                (file.display().to_string(), total, Box::new(BufReader::new(opened)))
            }
        };
        terminal.note(&format!(
            "submitting under `--idempotency-key {}`: a rerun with it submits nothing twice",
            self.key
        ));
        let mut printed = Ok(());
        let report = {
            let progress = terminal.progress("submitting", total);
            self.all(client, Lines::new(reader), |done| {
                // A reader that has had enough of ids does not stop the jobs.
                if printed.is_ok() {
                    printed = progress.aside(|| done.show(terminal));
                }
                progress.aside(|| done.complain(&origin));
                progress.add(1);
            })
        };
        printed.and_then(|()| report.settle(terminal, &self.key))
    }

    /// Submits every line; `each` hears of them in the file's order.
    fn all(
        &self,
        client: &Client,
        lines: Lines<impl BufRead + Send>,
        mut each: impl FnMut(&Done),
    ) -> Report {
        let lines = Mutex::new(lines.enumerate());
        let is_over = AtomicBool::new(false);
        let (tell, told) = mpsc::channel();
        let mut report = Report::default();
        std::thread::scope(|scope| {
            for _ in 0..self.parallel {
                let (tell, lines, is_over) = (tell.clone(), &lines, &is_over);
                scope.spawn(move || {
                    while !is_over.load(Ordering::Relaxed) {
                        let next = lines.lock().unwrap_or_else(PoisonError::into_inner).next();
                        let Some((order, line)) = next else { break };
                        let done = self.one(client, line);
                        if matches!(done.outcome, Outcome::Stopped(_)) {
                            is_over.store(true, Ordering::Relaxed);
                        }
                        // Whoever listens does so to the end.
                        let _ = tell.send((order, done));
                    }
                });
            }
            drop(tell);
            let (mut early, mut turn) = (BTreeMap::new(), 0);
            for (order, done) in told {
                early.insert(order, done);
                while let Some(done) = early.remove(&turn) {
                    each(&done);
                    report.add(done);
                    turn += 1;
                }
            }
        });
        report
    }

    fn one(&self, client: &Client, line: io::Result<Line>) -> Done {
        let Line { number, text } = match line {
            Ok(line) => line,
            Err(error) => {
                let failure = Failure::new(Exit::Invalid, format!("cannot read on: {error}"));
                return Done { line: 0, outcome: Outcome::Stopped(failure) };
            }
        };
        let outcome = match text {
            Ok(text) => self.post(client, number, &text),
            Err(message) => Outcome::Refused { kind: ErrorKind::InvalidRequest.name(), message },
        };
        Done { line: number, outcome }
    }

    fn post(&self, client: &Client, number: u64, text: &str) -> Outcome {
        let key = self.key_of(number, text);
        let call = Call::post(&["jobs", "submit", self.executor], text)
            .header("idempotency-key", Some(&key));
        let problem = match self.retry_policy.send(client, &call, None) {
            Err(failure) => return Outcome::Stopped(failure),
            Ok(Ok(answer)) => {
                return match Document::read(&answer.data) {
                    Ok(document) => Outcome::Submitted(document.job_id),
                    Err(failure) => Outcome::Stopped(failure),
                };
            }
            Ok(Err(problem)) => problem,
        };
        match problem.error.kind {
            // It is the caller who is refused, and would be with every line.
            ErrorKind::Unauthenticated | ErrorKind::Forbidden => {
                Outcome::Stopped(client.failure(&call, &problem))
            }
            kind => {
                let location = problem.error.location.map(|location| format!(" ({location})"));
                let message = format!("{}{}", problem.error.message, location.unwrap_or_default());
                Outcome::Refused { kind: kind.name(), message }
            }
        }
    }

    /// The same for the same line of the same run; a line that was mended has another.
    fn key_of(&self, number: u64, text: &str) -> String {
        Digest::of(format!("{}\n{number}\n{text}", self.key).as_bytes()).as_str().to_owned()
    }
}

impl Done {
    /// The id, for whoever reads on.
    fn show(&self, terminal: Terminal) -> Result<(), Failure> {
        let json = match &self.outcome {
            Outcome::Submitted(job_id) => json!({"line": self.line, "job_id": job_id}),
            Outcome::Refused { kind, message } => {
                json!({"line": self.line, "error": {"kind": kind, "message": message}})
            }
            Outcome::Stopped(_) => return Ok(()),
        };
        match (terminal.format(), &self.outcome) {
            (Format::Table, Outcome::Submitted(job_id)) => terminal.text(&harmless(job_id)),
            (Format::Table, _) => Ok(()),
            (Format::Json, _) => terminal.text(&json.to_string()),
            (Format::Yaml, _) => terminal.show(&json!([json]).to_string(), |_| String::new()),
        }
    }

    /// The refusal, for the person.
    fn complain(&self, origin: &str) {
        if let Outcome::Refused { kind, message } = &self.outcome {
            say(&format!("{}\n", harmless(&format!("{origin}:{}: [{kind}] {message}", self.line))));
        }
    }
}

impl Report {
    fn add(&mut self, done: Done) {
        match done.outcome {
            Outcome::Submitted(_) => self.submitted += 1,
            Outcome::Refused { .. } => self.refused += 1,
            Outcome::Stopped(failure) => {
                self.stopped.get_or_insert(failure);
            }
        }
    }

    fn settle(self, terminal: Terminal, key: &str) -> Result<Exit, Failure> {
        let told = self.told();
        if let Some(failure) = self.stopped {
            return Err(failure.note(told).note(format!(
                "with `--idempotency-key {key}` the same file goes on and submits nothing twice"
            )));
        }
        terminal.note(&told);
        Ok(if self.refused == 0 { Exit::Success } else { Exit::Failed })
    }

    fn told(&self) -> String {
        let stopped = if self.stopped.is_some() { ", the rest not sent" } else { "" };
        format!("{} submitted, {} refused{stopped}", count(self.submitted), count(self.refused))
    }
}

/// How many lines there are; unknown of what can be read only once.
fn lines_in(file: &Path) -> io::Result<Option<u64>> {
    if !std::fs::metadata(file)?.is_file() {
        return Ok(None);
    }
    let mut reader = BufReader::new(File::open(file)?);
    let (mut total, mut is_open) = (0, false);
    loop {
        let bytes = reader.fill_buf()?;
        let Some(last) = bytes.last() else { break };
        is_open = *last != b'\n';
        total += bytes.iter().filter(|byte| **byte == b'\n').count() as u64;
        let read = bytes.len();
        reader.consume(read);
    }
    Ok(Some(total + u64::from(is_open)))
}

#[cfg(test)]
mod tests;
