//! Compiled CEL expressions and their runs.

use std::fmt::Write as _;
use std::time::Instant;

use cel::common::types::CelString;
use cel::common::value::{CowVal, Val};
use cel::context::VariableResolver;
use cel::{Context, Env, Value};
use writ_model::{RawJson, Timestamp};

use super::compile::Compiled;
use super::print::Printer;
use super::{failure, value};
use crate::language::Program;
use crate::{Budget, Call, CheckReport, Failure, Method, Outcome};

/// Compiled expressions, ready to be evaluated.
pub(super) struct CelProgram {
    compiled: Compiled,
}

/// The variables of one run; those that no expression reads have no value.
struct Variables {
    input: Option<Box<dyn Val>>,
    parameters: Option<Box<dyn Val>>,
    settings: Option<Box<dyn Val>>,
    context: Option<Box<dyn Val>>,
    now: Option<Box<dyn Val>>,
}

impl VariableResolver for Variables {
    fn resolve<'b>(&'b self, variable: &str) -> Option<CowVal<'b, 'b>> {
        let value = match variable {
            "input" => &self.input,
            "parameters" => &self.parameters,
            "settings" => &self.settings,
            "context" => &self.context,
            "now" => &self.now,
            _ => return None,
        };
        value.as_ref().map(|value| CowVal::Borrowed(value.as_ref()))
    }
}

impl CelProgram {
    pub(super) fn new(compiled: Compiled) -> Self {
        Self { compiled }
    }

    fn evaluate(&self, call: &Call, input: &RawJson, budget: &Budget) -> Result<RawJson, Failure> {
        let compiled = &self.compiled;
        let reads = |name: &str| compiled.reads.contains(&name);
        let empty = RawJson::empty_object();
        let context = call.context.as_ref().unwrap_or(&empty);
        let variables = Variables {
            input: parse_if_read("input", input, reads)?,
            parameters: parse_if_read("parameters", &call.parameters, reads)?,
            settings: parse_if_read("settings", &call.settings, reads)?,
            context: parse_if_read("context", context, reads)?,
            now: reads("now").then(|| now(&compiled.environment, call.now_ms)).transpose()?,
        };
        print(compiled, &variables, budget.output_bytes_max)
    }
}

fn parse_if_read(
    name: &str,
    json: &RawJson,
    reads: impl Fn(&str) -> bool,
) -> Result<Option<Box<dyn Val>>, Failure> {
    reads(name).then(|| value::parse(json, name)).transpose()
}

/// The run's time as a timestamp, converted from a string by the library's own function.
fn now(environment: &Env, now_ms: i64) -> Result<Box<dyn Val>, Failure> {
    let mut text = String::new();
    let timestamp = write!(text, "{}", Timestamp::from_ms(now_ms)).ok().and_then(|()| {
        let arguments = vec![CowVal::owned(CelString::from(text))];
        let make = environment.find_overload("timestamp", &arguments)?;
        make(arguments).ok()
    });
    timestamp.map(CowVal::into_owned).ok_or_else(|| {
        failure::policy_error("cel.now", format!("{now_ms} ms is no timestamp"), None)
    })
}

fn print(compiled: &Compiled, variables: &Variables, bytes_max: usize) -> Result<RawJson, Failure> {
    let mut context = Context::with_env(compiled.environment.clone());
    context.set_variable_resolver(variables);
    let mut printer = Printer::new(&compiled.environment, bytes_max);
    for (index, expression) in compiled.expressions.iter().enumerate() {
        let name = expression.name.as_deref();
        let value = Value::resolve_val(&expression.tree, &context)
            .map_err(|error| failure::from_execution(&error, name, expression.line))?;
        match name {
            Some(name) => printer.member(index, name, value.as_ref())?,
            None => printer.value(value.as_ref())?,
        }
    }
    if compiled.is_object {
        printer.push(if compiled.expressions.is_empty() { "{}" } else { "}" })?;
    }
    let text = printer.finish();
    // Depth is bounded above, so the text is only scanned here, not built again.
    serde_json::from_str::<RawJson>(&text).map_err(|error| Failure::NotJson {
        what: format!("a value that prints as no JSON: {error}"),
    })
}

impl Program for CelProgram {
    fn checked(&self) -> CheckReport {
        CheckReport::default()
    }

    fn run(&mut self, call: &Call, budget: &Budget) -> Result<Outcome, Failure> {
        let started = Instant::now();
        let Method::Eval { input_data } = &call.method else {
            return Err(failure::policy_error(
                "cel.no-management",
                "a cel policy has no management commands; read the action from `input` in an expression, or write the policy in python".to_owned(),
                None,
            ));
        };
        Ok(Outcome {
            output: self.evaluate(call, input_data, budget)?,
            printed: String::new(),
            context: None,
            coverage: None,
            engine_us: u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX),
        })
    }
}

#[cfg(test)]
mod tests;
