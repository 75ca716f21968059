//! Checks before a policy's first run: its class and entry points, and the names that the sandbox
//! does not have.

mod unsupported;

use std::collections::{HashMap, HashSet};

use rustpython_vm::VirtualMachine;
use rustpython_vm::compiler::ast::visitor::{Visitor, walk_expr, walk_stmt};
use rustpython_vm::compiler::ast::{Expr, Parameters, Stmt, StmtClassDef, StmtFunctionDef};
use writ_model::Diagnostic;

use super::source::LineIndex;

/// The class that every policy of the upstream system has.
const CLASS: &str = "AIOSv1PolicyRule";
const CLASS_HELP: &str = "write `class AIOSv1PolicyRule:` with `def __init__(self, rule_id, settings, parameters)` and \
                   `def eval(self, parameters, input_data, context)`";

/// The class that implements a policy.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct PolicyClass {
    /// The name of the global that holds the class.
    pub(super) class: String,
}

/// Checks a parsed module.
///
/// # Errors
/// Every diagnostic, in the order of the source.
pub(super) fn check(
    module: &[Stmt],
    line_index: &LineIndex<'_>,
    vm: &VirtualMachine,
) -> Result<PolicyClass, Vec<Diagnostic>> {
    let mut found = unsupported::find(module, line_index, vm);
    let classes = Classes::of(module);
    let policy_class = classes.choose(module);
    match &policy_class {
        Ok(policy_class) => found.extend(classes.signature_errors(policy_class, line_index)),
        Err(diagnostic) => found.push(diagnostic.clone().locate(&classes, line_index)),
    }
    found.sort_by_key(|diagnostic| (diagnostic.line, diagnostic.column));
    match policy_class {
        Ok(policy_class) if found.is_empty() => Ok(policy_class),
        _ => Err(found),
    }
}

/// Why no class was chosen, and the class that the diagnostic points at, if there is one.
#[derive(Clone)]
struct ClassError {
    diagnostic: Diagnostic,
    at: Option<String>,
}

impl ClassError {
    fn locate(self, classes: &Classes<'_>, line_index: &LineIndex<'_>) -> Diagnostic {
        match self.at.and_then(|name| classes.by_name.get(name.as_str()).copied()) {
            Some(def) => {
                let (line, column) = line_index.line_column(def.name.range.start().to_usize());
                self.diagnostic.at(line, column)
            }
            None => self.diagnostic,
        }
    }
}

/// The classes at the top of a module, also those behind `if` and `try`.
struct Classes<'a> {
    by_name: HashMap<&'a str, &'a StmtClassDef>,
    in_order: Vec<&'a StmtClassDef>,
}

impl<'a> Classes<'a> {
    fn of(module: &'a [Stmt]) -> Self {
        let mut in_order = Vec::new();
        collect(module, &mut in_order);
        Self { by_name: in_order.iter().map(|def| (def.name.as_str(), *def)).collect(), in_order }
    }

    fn choose(&self, module: &[Stmt]) -> Result<PolicyClass, ClassError> {
        if self.by_name.contains_key(CLASS) || binds(module, CLASS) {
            return Ok(PolicyClass { class: CLASS.to_owned() });
        }
        let bases: HashSet<&str> = self.in_order.iter().flat_map(|def| own_bases(def)).collect();
        let candidates: Vec<&StmtClassDef> = self
            .in_order
            .iter()
            .copied()
            .filter(|def| !bases.contains(def.name.as_str()))
            .filter(|def| matches!(self.method(def, "eval"), Method::Found(_)))
            .collect();
        let refuse = |code: &str, text: String, at: Option<&StmtClassDef>| ClassError {
            diagnostic: Diagnostic::error(code, text).help(CLASS_HELP),
            at: at.map(|def| def.name.as_str().to_owned()),
        };
        match candidates.as_slice() {
            [only] => Ok(PolicyClass { class: only.name.as_str().to_owned() }),
            [] if self.in_order.is_empty() => {
                Err(refuse("python.class-missing", "the policy has no class".to_owned(), None))
            }
            [] => {
                let text = "no class of the policy has a method `eval`".to_owned();
                Err(refuse("python.method-missing", text, self.in_order.first().copied()))
            }
            [first, second, ..] => {
                let text =
                    format!("`{}` and `{}` both have a method `eval`", first.name, second.name);
                let help = format!(
                    "rename the one that decides to `class {CLASS}`, or register each class as a policy of its own; \
                     if one only helps, rename its method `eval`"
                );
                let mut error = refuse("python.class-ambiguous", text, Some(second));
                error.diagnostic = error.diagnostic.help(help);
                Err(error)
            }
        }
    }

    /// Looks a method up in a class and its bases in this module.
    fn method(&self, def: &'a StmtClassDef, name: &str) -> Method<'a> {
        let (mut queue, mut seen) = (vec![def], HashSet::new());
        let mut has_foreign_base = false;
        while let Some(def) = queue.pop() {
            if !seen.insert(def.name.as_str()) {
                continue;
            }
            for stmt in &def.body {
                match stmt {
                    Stmt::FunctionDef(method) if method.name.as_str() == name => {
                        return Method::Found(method);
                    }
                    _ => has_foreign_base |= binds(std::slice::from_ref(stmt), name),
                }
            }
            let arguments = def.arguments.as_deref();
            for base in arguments.map(|arguments| &*arguments.args).unwrap_or_default() {
                match base {
                    Expr::Name(base) if self.by_name.contains_key(base.id.as_str()) => {
                        queue.extend(self.by_name.get(base.id.as_str()));
                    }
                    Expr::Name(base)
                        if base.id.as_str() == "ABC" || base.id.as_str() == "object" => {}
                    Expr::Attribute(base) if base.attr.as_str() == "ABC" => {}
                    _ => has_foreign_base = true,
                }
            }
        }
        if has_foreign_base { Method::Unknown } else { Method::Missing }
    }

    /// The diagnostics of the entry points of the chosen class.
    fn signature_errors(
        &self,
        policy_class: &PolicyClass,
        line_index: &LineIndex<'_>,
    ) -> Vec<Diagnostic> {
        let Some(def) = self.by_name.get(policy_class.class.as_str()).copied() else {
            return Vec::new();
        };
        let at = |offset: usize, diagnostic: Diagnostic| {
            let (line, column) = line_index.line_column(offset);
            diagnostic.at(line, column)
        };
        let mut found = Vec::new();
        for (name, argument_count, line) in [
            ("__init__", 3, "def __init__(self, rule_id, settings, parameters)"),
            ("eval", 3, "def eval(self, parameters, input_data, context)"),
            ("management", 2, "def management(self, action, data)"),
        ] {
            let help = format!("write `{line}`");
            match self.method(def, name) {
                Method::Found(method) => {
                    let signature_error = signature_error(method, argument_count);
                    found.extend(signature_error.map(|(code, text)| {
                        at(
                            method.name.range.start().to_usize(),
                            Diagnostic::error(code, text).help(help),
                        )
                    }));
                }
                Method::Missing if name != "management" => {
                    let text = format!("`{}` has no method `{name}`", policy_class.class);
                    let text = Diagnostic::error("python.method-missing", text).help(help);
                    found.push(at(def.name.range.start().to_usize(), text));
                }
                Method::Missing | Method::Unknown => {}
            }
        }
        found
    }
}

enum Method<'a> {
    Found(&'a StmtFunctionDef),
    Missing,
    /// A base class that is not defined in this module may have it.
    Unknown,
}

/// What is wrong with an entry point that is called with `self` and `argument_count` arguments.
fn signature_error(
    method: &StmtFunctionDef,
    argument_count: usize,
) -> Option<(&'static str, String)> {
    let name = method.name.as_str();
    if method.is_async {
        let text = format!("`{name}` is `async`, and nothing awaits it");
        return Some(("python.async-entry", text));
    }
    if yields(&method.body) {
        let text = format!("`{name}` is a generator: it returns no value, and nothing iterates it");
        return Some(("python.generator-entry", text));
    }
    let Parameters { posonlyargs, args, vararg, kwonlyargs, .. } = &*method.parameters;
    if !method.decorator_list.is_empty() {
        return None;
    }
    let positional = posonlyargs.iter().chain(args);
    let required = positional.clone().filter(|parameter| parameter.default.is_none()).count();
    let named = kwonlyargs.iter().any(|parameter| parameter.default.is_none());
    let (most, wanted) = (positional.count(), argument_count + 1);
    if required <= wanted && (wanted <= most || vararg.is_some()) && !named {
        return None;
    }
    let takes = if required == most { most.to_string() } else { format!("{required} to {most}") };
    let text = format!("`{name}` takes {takes} arguments with `self`, and is called with {wanted}");
    Some(("python.method-arguments", text))
}

/// Whether a function's own body yields; nested functions are not looked into.
fn yields(body: &[Stmt]) -> bool {
    struct Yields(bool);
    impl Visitor<'_> for Yields {
        fn visit_stmt(&mut self, stmt: &Stmt) {
            if !matches!(stmt, Stmt::FunctionDef(_) | Stmt::ClassDef(_)) {
                walk_stmt(self, stmt);
            }
        }

        fn visit_expr(&mut self, expr: &Expr) {
            match expr {
                Expr::Yield(_) | Expr::YieldFrom(_) => self.0 = true,
                Expr::Lambda(_) | Expr::Generator(_) => {}
                _ => walk_expr(self, expr),
            }
        }
    }
    let mut found = Yields(false);
    found.visit_body(body);
    found.0
}

fn own_bases(def: &StmtClassDef) -> impl Iterator<Item = &str> {
    let arguments = def.arguments.as_deref().map(|arguments| &*arguments.args).unwrap_or_default();
    arguments.iter().filter_map(|base| base.as_name_expr().map(|name| name.id.as_str()))
}

fn collect<'a>(body: &'a [Stmt], into: &mut Vec<&'a StmtClassDef>) {
    for stmt in body {
        match stmt {
            Stmt::ClassDef(def) => into.push(def),
            Stmt::If(branch) => {
                collect(&branch.body, into);
                branch.elif_else_clauses.iter().for_each(|clause| collect(&clause.body, into));
            }
            Stmt::Try(attempt) => {
                collect(&attempt.body, into);
                collect(&attempt.orelse, into);
            }
            _ => {}
        }
    }
}

/// Whether a body gives the name by assignment or import.
fn binds(body: &[Stmt], name: &str) -> bool {
    let is_name =
        |target: &Expr| target.as_name_expr().is_some_and(|target| target.id.as_str() == name);
    body.iter().any(|stmt| match stmt {
        Stmt::Assign(assign) => assign.targets.iter().any(is_name),
        Stmt::AnnAssign(assign) => assign.value.is_some() && is_name(&assign.target),
        Stmt::FunctionDef(def) => def.name.as_str() == name,
        _ => false,
    })
}
