//! Compilation of source text for both evaluators.

use std::sync::Arc;

use regorus::languages::rego::compiler::Compiler;
use regorus::rvm::Program;
use regorus::{Engine, Rc, Value};
use writ_model::Diagnostic;

use super::bounds::{self, Dialect, SOURCE_BYTES_MAX};
use super::form::{self, File, PolicyForm};
use super::query::{self, Query};
use super::scope::Scope;
use super::{diagnose, inspect, recursion};
use crate::Source;

/// The compiled modules of a policy, for both evaluators.
pub(super) struct Compiled {
    /// The interpreter with the policy's modules and the answer module, prepared, without documents.
    pub(super) engine: Engine,
    /// The bytecode; `None` if only the interpreter may run the modules.
    pub(super) program: Option<Arc<Program>>,
    pub(super) query: Query,
    /// The policy's own documents under `data`.
    pub(super) data: Value,
    pub(super) warnings: Vec<Diagnostic>,
}

/// Compiles the modules of a policy.
///
/// # Errors
/// Every diagnostic of modules that do not compile.
pub(super) fn compile(source: &Source) -> Result<Compiled, Vec<Diagnostic>> {
    let form = form::parse(source).map_err(|problem| vec![problem])?;
    check_bounds(&form.files).map_err(|problem| vec![problem])?;
    let mut engine = Engine::new();
    engine.set_rego_v0(form.is_v0);
    engine.set_strict_builtin_errors(false);
    let broken: Vec<Diagnostic> = form
        .files
        .iter()
        .filter_map(|file| engine.add_policy(file.name.clone(), file.code.clone()).err())
        .map(|error| syntax_error(&error.to_string()))
        .collect();
    if !broken.is_empty() {
        return Err(broken);
    }
    let (query, needs_interpreter) = match inspect_modules(&mut engine, &form) {
        Ok(found) => found,
        Err((problems, leak)) => {
            if leak {
                // A tree this deep overflows the stack when it is dropped; the worker that
                // compiled it ends soon.
                std::mem::forget(engine);
            }
            return Err(problems);
        }
    };
    let warnings = warnings(&mut engine);
    let refused = |error: &dyn std::fmt::Display| vec![diagnose::compile_error(&error.to_string())];
    engine
        .add_policy(diagnose::ANSWER_FILE.to_owned(), query.module())
        .map_err(|error| refused(&error))?;
    let answer: Rc<str> = query::ANSWER.into();
    let policy = engine.compile_with_entrypoint(&answer).map_err(|error| refused(&error))?;
    // If the machine's compiler fails, the interpreter runs the modules.
    let program = Compiler::compile_from_policy(&policy, &[query::ANSWER]).ok();
    let program = program.filter(|_| !needs_interpreter);
    Ok(Compiled { engine, program, query, data: form.data, warnings })
}

fn check_bounds(files: &[File]) -> Result<(), Diagnostic> {
    let bytes: usize = files.iter().map(|file| file.code.len()).sum();
    if bytes > SOURCE_BYTES_MAX {
        let message = format!("the source has {bytes} bytes, more than {SOURCE_BYTES_MAX}");
        return Err(Diagnostic::error("rego.too-large", message)
            .help("keep tables in the parameters or the settings"));
    }
    for file in files {
        bounds::check(&file.code, Dialect::Rego).map_err(|out| {
            let code = match out.what {
                bounds::Excess::Nesting => "rego.too-deep",
                bounds::Excess::Number => "rego.number",
            };
            let finding = Diagnostic::error(code, out.what.message());
            diagnose::with_location(finding, &file.name, (out.line, out.column))
        })?;
    }
    Ok(())
}

/// A syntax error, with help if a module is written in the syntax before OPA 1.0.
fn syntax_error(text: &str) -> Diagnostic {
    let finding = diagnose::compile_error(text);
    if finding.message.contains("keyword is required") {
        return finding.help(
            "this is the syntax before OPA 1.0: write `allow if { ... }` and `deny contains x if { ... }`, or say `\"rego_version\": 0` in `functionality_data`",
        );
    }
    finding
}

type Inspection = Result<(Query, bool), (Vec<Diagnostic>, bool)>;

/// The query and whether the modules need the interpreter; or their problems, and whether a tree
/// is too deep to be dropped.
fn inspect_modules(engine: &mut Engine, form: &PolicyForm) -> Inspection {
    let modules = engine.get_modules().clone();
    let facts = inspect::inspect(&modules);
    if !facts.problems.is_empty() {
        let leak = facts.too_deep;
        if leak {
            std::mem::forget(modules);
        }
        return Err((facts.problems, leak));
    }
    if let Some(problem) = recursion::find(&facts.definitions) {
        return Err((vec![problem], false));
    }
    let scopes: Vec<Scope> = modules.iter().map(|module| Scope::of(module)).collect();
    let query = query::check_packages(&modules, &scopes, &facts.definitions)
        .and_then(|()| query::choose(form.query.as_deref(), &modules, &scopes))
        .map_err(|problem| (vec![problem], false))?;
    // The machine does not merge rules and documents of one name.
    let is_shared = |scope: &Scope| {
        let root = scope.package.get(1).map(|root| Value::from(root.as_str()));
        root.is_some_and(|root| form.data[&root] != Value::Undefined)
    };
    let needs_interpreter = facts.needs_interpreter || scopes.iter().any(is_shared);
    Ok((query, needs_interpreter))
}

/// The warnings about modules that compile.
fn warnings(engine: &mut Engine) -> Vec<Diagnostic> {
    if engine.get_modules().iter().any(|module| !module.policy.is_empty()) {
        return Vec::new();
    }
    let warning = Diagnostic::warning("rego.no-rules", "the module has no rules");
    vec![warning.help("its document is always `{}`: write a rule")]
}
