//! Submission of the jobs of a file: several lines at a time, ids in the file's order, and a report.
//! The request of a line depends only on the line and the idempotency key of the command, so that a
//! second run submits no job twice.

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

use super::display::format_count;
use super::document::JobDocument;
use super::ndjson::{NdjsonLine, NdjsonLines};
use super::retry_policy::RetryPolicy;
use crate::client::{ApiRequest, Client};
use crate::error::CliError;
use crate::exit::Exit;
use crate::output::{Format, Terminal, print_stderr};
use crate::since;
use crate::style::sanitize;

/// The settings of a submission.
pub(super) struct BulkSubmission<'a> {
    executor: &'a str,
    key: String,
    parallel: usize,
    retry_policy: RetryPolicy,
}

/// The result of a line.
#[derive(Debug)]
struct LineResult {
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
    /// An error after which no line can be submitted.
    Aborted(CliError),
}

/// The results of all lines.
#[derive(Debug, Default)]
struct Report {
    submitted: u64,
    refused: u64,
    abort_error: Option<CliError>,
}

impl<'a> BulkSubmission<'a> {
    /// Without a key, the command generates one.
    pub(super) fn new(executor: &'a str, key: Option<String>, parallel: usize) -> Self {
        let key = key.unwrap_or_else(|| Os.id(since::now()));
        Self { executor, key, parallel, retry_policy: RetryPolicy::DEFAULT }
    }

    /// Submits a file, or standard input for `-`, and prints the results.
    pub(super) fn submit(
        &self,
        client: &Client,
        terminal: Terminal,
        file: &Path,
    ) -> Result<Exit, CliError> {
        let unreadable = |error| CliError::file(file, "read", &error);
        let (origin, total, reader): (_, _, Box<dyn BufRead + Send>) = match file.to_str() {
            Some("-") => ("standard input".to_owned(), None, Box::new(BufReader::new(io::stdin()))),
            _ => {
                let opened = File::open(file).map_err(unreadable)?;
                let total = count_lines(file).map_err(unreadable)?;
                (file.display().to_string(), total, Box::new(BufReader::new(opened)))
            }
        };
        terminal.note(&format!(
            "submitting with `--idempotency-key {}`: a second run with it submits no job twice",
            self.key
        ));
        let mut printed = Ok(());
        let report = {
            let progress = terminal.progress("submitting", total);
            self.submit_all(client, NdjsonLines::new(reader), |result| {
                // A closed standard output does not stop the submission.
                if printed.is_ok() {
                    printed = progress.suspend(|| result.print(terminal));
                }
                progress.suspend(|| result.print_refusal(&origin));
                progress.add(1);
            })
        };
        printed.and_then(|()| report.finish(terminal, &self.key))
    }

    /// Submits every line, and calls `each` with the results in the file's order.
    fn submit_all(
        &self,
        client: &Client,
        lines: NdjsonLines<impl BufRead + Send>,
        mut each: impl FnMut(&LineResult),
    ) -> Report {
        let lines = Mutex::new(lines.enumerate());
        let is_aborted = AtomicBool::new(false);
        let (sender, receiver) = mpsc::channel();
        let mut report = Report::default();
        std::thread::scope(|scope| {
            for _ in 0..self.parallel {
                let (sender, lines, is_aborted) = (sender.clone(), &lines, &is_aborted);
                scope.spawn(move || {
                    while !is_aborted.load(Ordering::Relaxed) {
                        let next = lines.lock().unwrap_or_else(PoisonError::into_inner).next();
                        let Some((index, line)) = next else { break };
                        let result = self.submit_line(client, line);
                        if matches!(result.outcome, Outcome::Aborted(_)) {
                            is_aborted.store(true, Ordering::Relaxed);
                        }
                        // The receiver lives until all senders are dropped.
                        let _ = sender.send((index, result));
                    }
                });
            }
            drop(sender);
            let (mut pending, mut next_index) = (BTreeMap::new(), 0);
            for (index, result) in receiver {
                pending.insert(index, result);
                while let Some(result) = pending.remove(&next_index) {
                    each(&result);
                    report.add(result);
                    next_index += 1;
                }
            }
        });
        report
    }

    fn submit_line(&self, client: &Client, line: io::Result<NdjsonLine>) -> LineResult {
        let NdjsonLine { number, text } = match line {
            Ok(line) => line,
            Err(error) => {
                let failure =
                    CliError::new(Exit::Invalid, format!("cannot read the file: {error}"));
                return LineResult { line: 0, outcome: Outcome::Aborted(failure) };
            }
        };
        let outcome = match text {
            Ok(text) => self.post(client, number, &text),
            Err(message) => Outcome::Refused { kind: ErrorKind::InvalidRequest.name(), message },
        };
        LineResult { line: number, outcome }
    }

    fn post(&self, client: &Client, number: u64, text: &str) -> Outcome {
        let key = self.key_of(number, text);
        let request = ApiRequest::post(&["jobs", "submit", self.executor], text)
            .header("idempotency-key", Some(&key));
        let problem = match self.retry_policy.send(client, &request, None) {
            Err(failure) => return Outcome::Aborted(failure),
            Ok(Ok(response)) => {
                return match JobDocument::parse(&response.data) {
                    Ok(document) => Outcome::Submitted(document.job_id),
                    Err(failure) => Outcome::Aborted(failure),
                };
            }
            Ok(Err(problem)) => problem,
        };
        match problem.error.kind {
            // The caller is refused, so every other line would be, too.
            ErrorKind::Unauthenticated | ErrorKind::Forbidden => {
                Outcome::Aborted(client.failure(&request, &problem))
            }
            kind => {
                let location = problem.error.location.map(|location| format!(" ({location})"));
                let message = format!("{}{}", problem.error.message, location.unwrap_or_default());
                Outcome::Refused { kind: kind.name(), message }
            }
        }
    }

    /// The idempotency key of a line: the same for the same number, text and key of the command.
    fn key_of(&self, number: u64, text: &str) -> String {
        Digest::of(format!("{}\n{number}\n{text}", self.key).as_bytes()).as_str().to_owned()
    }
}

impl LineResult {
    /// Prints the job's id, or for JSON and YAML the whole result, to standard output.
    fn print(&self, terminal: Terminal) -> Result<(), CliError> {
        let json = match &self.outcome {
            Outcome::Submitted(job_id) => json!({"line": self.line, "job_id": job_id}),
            Outcome::Refused { kind, message } => {
                json!({"line": self.line, "error": {"kind": kind, "message": message}})
            }
            Outcome::Aborted(_) => return Ok(()),
        };
        match (terminal.format(), &self.outcome) {
            (Format::Table, Outcome::Submitted(job_id)) => terminal.print_text(&sanitize(job_id)),
            (Format::Table, _) => Ok(()),
            (Format::Json, _) => terminal.print_text(&json.to_string()),
            (Format::Yaml, _) => terminal.print(&json!([json]).to_string(), |_| String::new()),
        }
    }

    /// Prints the refusal of a line to standard error.
    fn print_refusal(&self, origin: &str) {
        if let Outcome::Refused { kind, message } = &self.outcome {
            print_stderr(&format!(
                "{}\n",
                sanitize(&format!("{origin}:{}: [{kind}] {message}", self.line))
            ));
        }
    }
}

impl Report {
    fn add(&mut self, result: LineResult) {
        match result.outcome {
            Outcome::Submitted(_) => self.submitted += 1,
            Outcome::Refused { .. } => self.refused += 1,
            Outcome::Aborted(failure) => {
                self.abort_error.get_or_insert(failure);
            }
        }
    }

    fn finish(self, terminal: Terminal, key: &str) -> Result<Exit, CliError> {
        let summary = self.summary();
        if let Some(failure) = self.abort_error {
            return Err(failure.note(summary).note(format!(
                "submit the file again with `--idempotency-key {key}`: no job is submitted twice"
            )));
        }
        terminal.note(&summary);
        Ok(if self.refused == 0 { Exit::Success } else { Exit::Failed })
    }

    fn summary(&self) -> String {
        let rest = if self.abort_error.is_some() { ", the rest not sent" } else { "" };
        format!(
            "{} submitted, {} refused{rest}",
            format_count(self.submitted),
            format_count(self.refused)
        )
    }
}

/// Counts the lines of a regular file; `None` for a pipe or a device, which can be read only once.
fn count_lines(file: &Path) -> io::Result<Option<u64>> {
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
