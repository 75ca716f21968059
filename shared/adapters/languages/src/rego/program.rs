//! Compiled Rego modules and their runs.

use std::time::Instant;

use regorus::rvm::RegoVM;
use regorus::{Engine, Value};

use super::builtins::{self, RunInputs};
use super::compile::Compiled;
use super::{diagnose, query, value};
use crate::language::Program;
use crate::{Budget, Call, CheckReport, Coverage, Failure, Method, Outcome};

/// Compiled modules, ready to be evaluated.
pub(super) struct RegoProgram {
    compiled: Compiled,
    /// The text that the last run printed, until it is taken.
    printed: String,
}

/// The result of an evaluator.
struct Evaluation {
    value: Value,
    coverage: Option<Coverage>,
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
    ) -> Result<Evaluation, Failure> {
        let Self { compiled, printed } = self;
        printed.clear();
        let data = data_of(call, &compiled.data)?;
        if let Some(program) = compiled.program.as_ref().filter(|_| !call.coverage) {
            let mut machine = RegoVM::new();
            // The worker's deadline bounds a run, not a number of instructions.
            machine.set_max_instructions(usize::MAX);
            machine.load_program(program.clone());
            machine.set_input(input.clone());
            let value = machine
                .set_data(data.clone())
                .and_then(|()| machine.execute_entry_point_by_name(query::ANSWER));
            if let Ok(value) = value {
                return Ok(Evaluation { value, coverage: None });
            }
        }
        let mut engine = prepare(&compiled.engine, data)?;
        let inputs = RunInputs { now_ms: call.now_ms, seed: call.seed };
        let notes = builtins::install(&mut engine, inputs, budget.output_bytes_max)
            .map_err(|text| diagnose::policy_error(&text))?;
        let evaluation = interpret(&mut engine, input, call.coverage);
        *printed =
            strip_locations(&engine.take_prints().unwrap_or_default(), budget.output_bytes_max);
        printed.push_str(&notes.take());
        truncate(printed, budget.output_bytes_max);
        evaluation
    }
}

/// The document `data` of a run: the policy's own, and those of the call.
fn data_of(call: &Call, own: &Value) -> Result<Value, Failure> {
    let context = match &call.context {
        Some(context) => value::parse(context, "context")?,
        None => Value::new_object(),
    };
    let fields = [
        ("parameters", value::parse(&call.parameters, "parameters")?),
        ("settings", value::parse(&call.settings, "settings")?),
        ("context", context),
    ];
    let mut data = own.clone();
    let documents =
        data.as_object_mut().map_err(|error| diagnose::policy_error(&error.to_string()))?;
    for (name, value) in fields {
        documents.insert(Value::from(name), value);
    }
    Ok(data)
}

/// An interpreter with this document `data`.
fn prepare(engine: &Engine, data: Value) -> Result<Engine, Failure> {
    let mut engine = engine.clone();
    let failed = |error: &dyn std::fmt::Display| diagnose::policy_error(&error.to_string());
    engine.add_data(data).map_err(|error| failed(&error))?;
    engine.set_gather_prints(true);
    engine.compile_with_entrypoint(&query::ANSWER.into()).map_err(|error| failed(&error))?;
    Ok(engine)
}

fn interpret(engine: &mut Engine, input: Value, coverage: bool) -> Result<Evaluation, Failure> {
    engine.set_input(input);
    engine.set_enable_coverage(coverage);
    let value = engine.eval_rule(query::ANSWER.to_owned());
    let value = value.map_err(|error| diagnose::policy_error(&format!("{error:#}")))?;
    let coverage = if coverage { coverage_of(engine) } else { None };
    Ok(Evaluation { value, coverage })
}

/// The printed lines without the location that the library puts before each, cut at `bytes_max`.
fn strip_locations(prints: &[String], bytes_max: usize) -> String {
    let mut text = String::new();
    for line in prints {
        // `file:line: message`; a file's name holds no colon.
        let message = line.splitn(3, ':').nth(2).and_then(|rest| rest.strip_prefix(' '));
        text.push_str(message.unwrap_or(line));
        text.push('\n');
        if text.len() > bytes_max {
            break;
        }
    }
    truncate(&mut text, bytes_max);
    text
}

/// Cuts a text at a character boundary, to `bytes_max` bytes at most.
fn truncate(text: &mut String, bytes_max: usize) {
    if text.len() > bytes_max {
        let end = (0..=bytes_max).rev().find(|end| text.is_char_boundary(*end));
        text.truncate(end.unwrap_or_default());
    }
}

fn coverage_of(engine: &Engine) -> Option<Coverage> {
    let report = engine.get_coverage_report().ok()?;
    let file = report.files.into_iter().find(|file| file.path == diagnose::FILE)?;
    let missed = file.not_covered.difference(&file.covered).copied().collect();
    Some(Coverage { covered: file.covered.into_iter().collect(), missed })
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
        let evaluation = self.evaluate(call, input, budget)?;
        let value = match evaluation.value {
            Value::Undefined if self.compiled.query.is_document => Value::new_object(),
            Value::Undefined => return Err(undefined_error(&self.compiled.query.text())),
            value => value,
        };
        Ok(Outcome {
            output: value::print(&value, budget.output_bytes_max)?,
            printed: self.take_printed(),
            context: None,
            coverage: evaluation.coverage,
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
impl RegoProgram {
    /// A run by the interpreter, even if the machine could run it.
    pub(super) fn run_interpreted(
        &mut self,
        call: &Call,
        budget: &Budget,
    ) -> Result<Outcome, Failure> {
        let bytecode = self.compiled.program.take();
        let result = self.run(call, budget);
        self.compiled.program = bytecode;
        result
    }
}

#[cfg(test)]
mod tests;
