//! Compiled Rego modules and their runs.

use std::collections::BTreeSet;
use std::time::Instant;

use writ_rego::builtin::{Context, Value};
use writ_rego::{Options, Sink, Span};

use super::compile::Compiled;
use super::{diagnose, schema, value};
use crate::language::Program;
use crate::{Budget, Call, CheckReport, Coverage, Failure, Method, Outcome};

/// The bytes that the results of builtins may take in one run, beside the worker's own limit.
const RESULT_BYTES_MAX: u64 = 256 << 20;
/// The index of the policy's own code among its modules.
const OWN_MODULE: usize = 0;

/// Compiled modules, ready to be evaluated.
pub(super) struct RegoProgram {
    compiled: Compiled,
    /// The text that the last run printed, until it is taken.
    printed: String,
}

impl RegoProgram {
    pub(super) fn new(compiled: Compiled) -> Self {
        Self { compiled, printed: String::new() }
    }

    fn evaluate(
        &mut self,
        call: &Call,
        input: Value,
        budget: &Budget,
    ) -> Result<(Option<Value>, Option<Coverage>), Failure> {
        self.printed.clear();
        let compiled = &self.compiled;
        let data = data_of(call, &compiled.data)?;
        let mut context =
            Context::new(call.now_ms.saturating_mul(1_000_000), call.seed, RESULT_BYTES_MAX);
        context.check_schema = Some(&schema::check);
        let mut log = Log { bytes_max: budget.output_bytes_max, ..Log::default() };
        let options = Options { coverage: call.coverage, ..Options::default() };
        let query = &compiled.prepared;
        let answer =
            compiled.policy.evaluate(query, Some(input), data, &mut context, &mut log, options);
        self.printed = log.text();
        let coverage = call.coverage.then(|| {
            let missed = compiled.policy.lines(OWN_MODULE);
            Coverage {
                missed: missed.difference(&log.lines).copied().collect(),
                covered: log.lines.into_iter().collect(),
            }
        });
        let answer = answer.map_err(|error| diagnose::policy_error(&error))?;
        Ok((answer, coverage))
    }
}

/// What a run says beside its answer.
#[derive(Default)]
struct Log {
    printed: String,
    notes: String,
    bytes_max: usize,
    /// The lines of the policy's own code that ran.
    lines: BTreeSet<u32>,
}

impl Log {
    /// The printed lines, then the notes, cut at the bound.
    fn text(&mut self) -> String {
        let mut text = std::mem::take(&mut self.printed);
        text.push_str(&self.notes);
        truncate(&mut text, self.bytes_max);
        text
    }
}

impl Sink for Log {
    fn print(&mut self, line: &str) {
        // The text beyond the bound is cut later.
        if self.printed.len() <= self.bytes_max {
            self.printed.push_str(line);
            self.printed.push('\n');
            truncate(&mut self.printed, self.bytes_max.saturating_add(1));
        }
    }

    fn trace(&mut self, note: &str) {
        if self.notes.len() <= self.bytes_max {
            self.notes.push_str("note: ");
            self.notes.push_str(note);
            self.notes.push('\n');
            truncate(&mut self.notes, self.bytes_max.saturating_add(1));
        }
    }

    fn cover(&mut self, at: Span) {
        if at.file as usize == OWN_MODULE && at.line > 0 {
            self.lines.insert(at.line);
        }
    }

    fn enter(&mut self, at: Span) {
        self.cover(at);
    }
}

/// The document `data` of a run: the policy's own, and those of the call.
fn data_of(call: &Call, own: &Value) -> Result<Value, Failure> {
    let context = match &call.context {
        Some(context) => value::parse(context, "context")?,
        None => Value::object([]),
    };
    let fields = [
        ("parameters", value::parse(&call.parameters, "parameters")?),
        ("settings", value::parse(&call.settings, "settings")?),
        ("context", context),
    ];
    let documents = own.as_object().into_iter().flat_map(|documents| documents.iter());
    let documents = documents.map(|(name, value)| (name.clone(), value.clone()));
    let fields = fields.map(|(name, value)| (Value::string(name), value));
    Ok(Value::object(documents.chain(fields)))
}

/// Cuts a text at a character boundary, to `bytes_max` bytes at most.
fn truncate(text: &mut String, bytes_max: usize) {
    if text.len() > bytes_max {
        let end = (0..=bytes_max).rev().find(|end| text.is_char_boundary(*end));
        text.truncate(end.unwrap_or_default());
    }
}

impl Program for RegoProgram {
    fn checked(&self) -> CheckReport {
        CheckReport { warnings: self.compiled.warnings.clone() }
    }

    fn run(&mut self, call: &Call, budget: &Budget) -> Result<Outcome, Failure> {
        let started = Instant::now();
        let Method::Eval { input_data } = &call.method else {
            return Err(policy_error(
                "rego.no-management",
                "a rego policy has no management commands; read the action from `input` in a rule, or write the policy in python",
            ));
        };
        let input = value::parse(input_data, "input")?;
        let (answer, coverage) = self.evaluate(call, input, budget)?;
        let answer = match answer {
            Some(answer) => answer,
            None if self.compiled.query.is_document => Value::object([]),
            None => return Err(undefined_error(&self.compiled.query.text())),
        };
        Ok(Outcome {
            output: value::print(&answer, budget.output_bytes_max)?,
            printed: self.take_printed(),
            context: None,
            coverage,
            engine_us: u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX),
        })
    }

    fn take_printed(&mut self) -> String {
        std::mem::take(&mut self.printed)
    }
}

fn undefined_error(query: &str) -> Failure {
    let rule = query.rsplit('.').next().unwrap_or(query);
    policy_error(
        "rego.undefined",
        &format!(
            "`{query}` is undefined for this input; decide the rest by `default {rule} := ...`"
        ),
    )
}

fn policy_error(kind: &str, message: &str) -> Failure {
    Failure::Raised {
        kind: kind.to_owned(),
        message: message.to_owned(),
        line: None,
        traceback: String::new(),
    }
}

#[cfg(test)]
mod tests;
