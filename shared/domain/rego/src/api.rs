//! Compiled policies and their evaluation.

use std::collections::BTreeSet;

use writ_rego_builtins::{Context, Value};

use crate::compile::{self, Compiled, CompiledQuery};
use crate::core::RuleKind;
use crate::diagnostic::{Diagnostic, Finding, Span};
use crate::eval::{Env, Failure, Machine};
use crate::syntax;

/// The version of the language that a module is written in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Version {
    /// The syntax before OPA 1.0, with keywords that are imported.
    V0,
    /// The syntax of OPA 1.0.
    #[default]
    V1,
}

/// The text of a module.
#[derive(Clone, Debug)]
pub struct Module {
    /// The name in diagnostics, as `policy.rego`.
    pub name: String,
    /// The source of the module.
    pub text: String,
    /// The version of the syntax.
    pub version: Version,
}

/// What a run reports while it goes on. All methods do nothing unless they are written.
pub trait Sink {
    /// A line of `print`, without its line end.
    fn print(&mut self, line: &str) {
        let _ = line;
    }

    /// A note of `trace`.
    fn trace(&mut self, note: &str) {
        let _ = note;
    }

    /// An expression that ran, if coverage is wanted.
    fn cover(&mut self, at: Span) {
        let _ = at;
    }

    /// A body that was entered, if coverage is wanted.
    fn enter(&mut self, at: Span) {
        let _ = at;
    }
}

/// A sink that keeps nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoSink;

impl Sink for NoSink {}

/// How a run goes.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Whether the sink is told each expression.
    pub coverage: bool,
    /// Whether an error of a builtin ends the run; else its expression is undefined, as is OPA's default.
    pub strict: bool,
    /// The number of steps after which a run ends with an error.
    pub steps_max: u64,
    /// How deep rules, functions and loops may nest; 500 need 1 MiB of stack, and 8 MiB without optimisation.
    pub depth_max: u32,
}

impl Default for Options {
    fn default() -> Self {
        Self { coverage: false, strict: false, steps_max: u64::MAX, depth_max: 500 }
    }
}

/// Why a run has no answer, not even an undefined one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EvalError {
    /// The code, in the terms of OPA, as `eval_conflict_error`.
    pub code: &'static str,
    /// What went wrong, in a sentence.
    pub message: String,
    /// The name of the module; empty for a query.
    pub file: String,
    /// The line, from 1.
    pub line: u32,
    /// The column, from 1, in characters.
    pub column: u32,
}

impl std::fmt::Display for EvalError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}:{}: {}: {}", self.file, self.line, self.column, self.code, self.message)
    }
}

impl std::error::Error for EvalError {}

/// Compiled modules. They hold no state of a run, so threads can share them.
#[derive(Debug)]
pub struct Policy {
    compiled: Compiled,
    names: Vec<String>,
    packages: Vec<Vec<String>>,
}

/// A query that was compiled against a policy; only that policy may evaluate it.
#[derive(Debug)]
pub struct Query {
    compiled: CompiledQuery,
}

/// A rule of a policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// The path from `data`, as `["authz", "allow"]`.
    pub path: Vec<String>,
    /// Where it is defined first.
    pub at: Span,
    /// Whether it is a function, which has no document.
    pub is_function: bool,
}

/// Compiles the modules of a policy.
///
/// # Errors
/// All findings; of a module that does not follow the grammar, the first.
pub fn compile(modules: &[Module]) -> Result<Policy, Vec<Diagnostic>> {
    let names: Vec<String> = modules.iter().map(|module| module.name.clone()).collect();
    let mut findings = Vec::new();
    let mut trees = Vec::new();
    for (index, module) in modules.iter().enumerate() {
        let file = u32::try_from(index).unwrap_or(u32::MAX);
        match syntax::parse_module(&module.text, file, module.version == Version::V1) {
            Ok(tree) => trees.push(tree),
            Err(finding) => findings.push(finding),
        }
    }
    if !findings.is_empty() {
        return Err(named(findings, &names));
    }
    let packages =
        trees.iter().map(|tree| tree.package.iter().map(ToString::to_string).collect()).collect();
    let compiled = compile::compile(trees).map_err(|findings| named(findings, &names))?;
    Ok(Policy { compiled, names, packages })
}

fn named(findings: Vec<Finding>, names: &[String]) -> Vec<Diagnostic> {
    findings.into_iter().map(|finding| finding.named(names)).collect()
}

impl Policy {
    /// Compiles a query: any body, as `data.authz.allow` or `x = data.authz.roles[i]`.
    ///
    /// # Errors
    /// What is wrong with the query; the diagnostics have no file.
    pub fn query(&self, text: &str) -> Result<Query, Vec<Diagnostic>> {
        let file = u32::MAX;
        let failed = |findings: Vec<Finding>| named(findings, &self.names);
        let body = syntax::parse_query(text, file).map_err(|finding| failed(vec![finding]))?;
        let compiled = self.compiled.query(body).map_err(failed)?;
        Ok(Query { compiled })
    }

    /// Compiles the query for the document at a path from `data`, as `["authz", "allow"]`.
    ///
    /// # Errors
    /// None are known: a path that no module has is the query for a document of the caller.
    pub fn prepare(&self, path: &[&str]) -> Result<Query, Vec<Diagnostic>> {
        let mut text = String::from("writ_answer = data");
        for part in path {
            text.push_str(&format!("[{}]", Value::from(*part)));
        }
        self.query(&text)
    }

    /// The rules, functions among them, in the order of their paths.
    pub fn rules(&self) -> Vec<Rule> {
        let text = |key: &Value| key.as_str().map_or_else(|| key.to_string(), str::to_owned);
        let mut rules: Vec<Rule> = self
            .compiled
            .rules
            .iter()
            .map(|set| Rule {
                path: set.path.iter().map(text).collect(),
                at: set.span,
                is_function: matches!(set.kind, RuleKind::Function { .. }),
            })
            .collect();
        rules.sort_by(|a, b| a.path.cmp(&b.path));
        rules
    }

    /// The rules of tests: those with names that begin with `test_`.
    pub fn tests(&self) -> Vec<Rule> {
        let is_test = |rule: &Rule| {
            !rule.is_function && rule.path.last().is_some_and(|name| name.starts_with("test_"))
        };
        self.rules().into_iter().filter(is_test).collect()
    }

    /// The package of each module, in the order of the modules.
    pub fn packages(&self) -> &[Vec<String>] {
        &self.packages
    }

    /// Whether packages or rules lie at a path from `data`.
    pub fn has(&self, path: &[&str]) -> bool {
        let path: Vec<Value> = path.iter().map(|part| Value::from(*part)).collect();
        self.compiled.node(&path).is_some()
    }

    /// The lines of a module that a run can cover.
    pub fn lines(&self, module: usize) -> BTreeSet<u32> {
        self.compiled.lines.get(module).cloned().unwrap_or_default()
    }

    /// The number of rules that are no functions.
    pub fn documents(&self) -> usize {
        self.compiled.paths().count()
    }

    /// Evaluates a prepared query: the document, `None` if it is undefined.
    ///
    /// # Errors
    /// A conflict of rules, or an excess.
    pub fn evaluate(
        &self,
        query: &Query,
        input: Option<Value>,
        data: Value,
        context: &mut Context<'_>,
        sink: &mut dyn Sink,
        options: Options,
    ) -> Result<Option<Value>, EvalError> {
        let mut answer = None;
        let slot = query.compiled.variables.first().map(|(_, slot)| *slot);
        self.solve(query, input, data, context, sink, options, &mut |values| {
            answer = slot.and_then(|_| values.into_iter().next()).or(Some(Value::Bool(true)));
        })?;
        Ok(answer)
    }

    /// Evaluates any query: the variables of each solution.
    ///
    /// # Errors
    /// A conflict of rules, or an excess.
    pub fn solutions(
        &self,
        query: &Query,
        input: Option<Value>,
        data: Value,
        context: &mut Context<'_>,
        sink: &mut dyn Sink,
        options: Options,
    ) -> Result<Vec<Vec<(String, Value)>>, EvalError> {
        let mut solutions = Vec::new();
        let variables = &query.compiled.variables;
        self.solve(query, input, data, context, sink, options, &mut |values| {
            let names = variables.iter().map(|(name, _)| name.clone());
            solutions.push(names.zip(values).collect());
        })?;
        Ok(solutions)
    }

    #[expect(clippy::too_many_arguments, reason = "all that a run needs comes from outside")]
    fn solve(
        &self,
        query: &Query,
        input: Option<Value>,
        data: Value,
        context: &mut Context<'_>,
        sink: &mut dyn Sink,
        options: Options,
        found: &mut dyn FnMut(Vec<Value>),
    ) -> Result<(), EvalError> {
        let env = Env { input, data: Some(data), ..Env::default() };
        let mut machine =
            Machine::new(&self.compiled, &query.compiled, env, context, sink, options);
        machine.solve(found).map_err(|failure| self.located(failure))
    }

    fn located(&self, failure: Failure) -> EvalError {
        let file = self.names.get(failure.span.file as usize).cloned().unwrap_or_default();
        EvalError {
            code: failure.code,
            message: failure.message,
            file,
            line: failure.span.line,
            column: failure.span.column,
        }
    }
}
