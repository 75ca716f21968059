//! From source text to both evaluators.

use std::sync::Arc;

use regorus::languages::rego::compiler::Compiler;
use regorus::rvm::Program;
use regorus::{Engine, Rc};
use writ_model::Diagnostic;

use super::bounds::{self, Dialect, SOURCE_BYTES_MAX};
use super::query::{self, Query};
use super::{diagnose, inspect, recursion};
use crate::Source;

/// The path of the answer's module inside the library.
const ANSWER_FILE: &str = "answer.rego";

/// A module that both evaluators may run.
pub(super) struct Compiled {
    /// The interpreter with the module and the answer's module, prepared, without documents.
    pub(super) engine: Engine,
    /// The bytecode, where the machine may run it.
    pub(super) program: Option<Arc<Program>>,
    pub(super) query: Query,
    pub(super) warnings: Vec<Diagnostic>,
}

/// Compiles, or says everything that is wrong.
pub(super) fn compile(source: &Source) -> Result<Compiled, Vec<Diagnostic>> {
    let code = &source.code;
    within_bounds(code).map_err(|problem| vec![problem])?;
    let mut engine = Engine::new();
    engine.set_strict_builtin_errors(false);
    if let Err(error) = engine.add_policy(diagnose::FILE.to_owned(), code.clone()) {
        return Err(vec![syntax_error(&error.to_string())]);
    }
    let inspected = inspected(&mut engine, source);
    let (query, needs_interpreter) = match inspected {
        Ok(found) => found,
        Err((problems, leak)) => {
            if leak {
                // A tree this deep overflows the stack when it is dropped; a worker that
                // compiled it ends soon.
                std::mem::forget(engine);
            }
            return Err(problems);
        }
    };
    let warnings = warnings(&mut engine);
    let refused = |error: &dyn std::fmt::Display| vec![diagnose::compile_error(&error.to_string())];
    engine.add_policy(ANSWER_FILE.to_owned(), query.module()).map_err(|error| refused(&error))?;
    let answer: Rc<str> = query::ANSWER.into();
    let policy = engine.compile_with_entrypoint(&answer).map_err(|error| refused(&error))?;
    // What the machine's compiler cannot do, the interpreter can.
    let program = Compiler::compile_from_policy(&policy, &[query::ANSWER]).ok();
    let program = program.filter(|_| !needs_interpreter);
    Ok(Compiled { engine, program, query, warnings })
}

fn within_bounds(code: &str) -> Result<(), Diagnostic> {
    if code.len() > SOURCE_BYTES_MAX {
        let message = format!("the source has {} bytes, more than {SOURCE_BYTES_MAX}", code.len());
        return Err(Diagnostic::error("rego.too-large", message)
            .help("keep tables in the parameters or the settings"));
    }
    bounds::check(code, Dialect::Rego).map_err(|out| {
        let code = match out.what {
            bounds::Excess::Nesting => "rego.too-deep",
            bounds::Excess::Number => "rego.number",
        };
        Diagnostic::error(code, out.what.message()).at(out.line, out.column)
    })
}

/// A syntax error, with a word on the old syntax where the module is written in it.
fn syntax_error(text: &str) -> Diagnostic {
    let finding = diagnose::compile_error(text);
    if finding.message.contains("keyword is required") {
        return finding.help(
            "this is the syntax before OPA 1.0: write `allow if { ... }` and `deny contains x if { ... }`",
        );
    }
    finding
}

type Inspected = Result<(Query, bool), (Vec<Diagnostic>, bool)>;

/// The query and whether the module needs the interpreter; or its problems, and whether its tree
/// is too deep to be dropped.
fn inspected(engine: &mut Engine, source: &Source) -> Inspected {
    let Some(module) = engine.get_modules().first().cloned() else {
        return Err((vec![Diagnostic::error("rego.syntax", "the source holds no module")], false));
    };
    let facts = inspect::inspect(&module);
    if !facts.problems.is_empty() {
        let leak = facts.too_deep;
        if leak {
            std::mem::forget(module);
        }
        return Err((facts.problems, leak));
    }
    if let Some(problem) = recursion::find(&module, &facts.definitions) {
        return Err((vec![problem], false));
    }
    let query = query::check_package(&module)
        .and_then(|()| query::choose(source.functionality_data.as_ref(), &module))
        .map_err(|problem| (vec![problem], false))?;
    Ok((query, facts.needs_interpreter))
}

/// What a reader should know though the module runs.
fn warnings(engine: &mut Engine) -> Vec<Diagnostic> {
    let Some(module) = engine.get_modules().first() else { return Vec::new() };
    if !module.policy.is_empty() {
        return Vec::new();
    }
    let warning = Diagnostic::warning("rego.no-rules", "the module has no rules");
    vec![warning.help("its document is always `{}`: write a rule")]
}
