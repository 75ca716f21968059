//! What is refused before a policy's first run: a missing or misshapen class, and what the sandbox
//! does not have.

mod unsupported;

use std::collections::{HashMap, HashSet};

use rustpython_vm::VirtualMachine;
use rustpython_vm::compiler::ast::visitor::{Visitor, walk_expr, walk_stmt};
use rustpython_vm::compiler::ast::{Expr, Parameters, Stmt, StmtClassDef, StmtFunctionDef};
use writ_model::Diagnostic;

use super::source::Places;

/// The class that every policy of the upstream system has.
const CLASS: &str = "AIOSv1PolicyRule";
const HOW: &str = "write `class AIOSv1PolicyRule:` with `def __init__(self, rule_id, settings, parameters)` and \
                   `def eval(self, parameters, input_data, context)`";

/// The class form of a policy.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Form {
    /// The global that holds the class.
    pub(super) class: String,
}

/// Checks a parsed module.
///
/// # Errors
/// Everything that is wrong, in the order of the source.
pub(super) fn check(
    module: &[Stmt],
    places: &Places<'_>,
    vm: &VirtualMachine,
) -> Result<Form, Vec<Diagnostic>> {
    let mut found = unsupported::find(module, places, vm);
    let classes = Classes::of(module);
    let form = classes.choose(module);
    match &form {
        Ok(form) => found.extend(classes.misshapen(form, places)),
        Err(diagnostic) => found.push(diagnostic.clone().located(&classes, places)),
    }
    found.sort_by_key(|diagnostic| (diagnostic.line, diagnostic.column));
    match form {
        Ok(form) if found.is_empty() => Ok(form),
        _ => Err(found),
    }
}

/// A wrong choice of class and, where there is one, the class to point at.
#[derive(Clone)]
struct NoClass {
    diagnostic: Diagnostic,
    at: Option<String>,
}

impl NoClass {
    fn located(self, classes: &Classes<'_>, places: &Places<'_>) -> Diagnostic {
        match self.at.and_then(|name| classes.by_name.get(name.as_str()).copied()) {
            Some(def) => {
                let (line, column) = places.of(def.name.range.start().to_usize());
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

    fn choose(&self, module: &[Stmt]) -> Result<Form, NoClass> {
        if self.by_name.contains_key(CLASS) || binds(module, CLASS) {
            return Ok(Form { class: CLASS.to_owned() });
        }
        let bases: HashSet<&str> = self.in_order.iter().flat_map(|def| own_bases(def)).collect();
        let candidates: Vec<&StmtClassDef> = self
            .in_order
            .iter()
            .copied()
            .filter(|def| !bases.contains(def.name.as_str()))
            .filter(|def| matches!(self.method(def, "eval"), Method::Found(_)))
            .collect();
        let refuse = |code: &str, text: String, at: Option<&StmtClassDef>| NoClass {
            diagnostic: Diagnostic::error(code, text).help(HOW),
            at: at.map(|def| def.name.as_str().to_owned()),
        };
        match candidates.as_slice() {
            [only] => Ok(Form { class: only.name.as_str().to_owned() }),
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
                Err(refuse("python.class-ambiguous", text, Some(second)))
            }
        }
    }

    /// Looks a method up through the classes of this module.
    fn method(&self, def: &'a StmtClassDef, name: &str) -> Method<'a> {
        let (mut queue, mut seen) = (vec![def], HashSet::new());
        let mut foreign = false;
        while let Some(def) = queue.pop() {
            if !seen.insert(def.name.as_str()) {
                continue;
            }
            for stmt in &def.body {
                match stmt {
                    Stmt::FunctionDef(method) if method.name.as_str() == name => {
                        return Method::Found(method);
                    }
                    _ => foreign |= binds(std::slice::from_ref(stmt), name),
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
                    _ => foreign = true,
                }
            }
        }
        if foreign { Method::Unknown } else { Method::Missing }
    }

    /// What is wrong with the methods of the chosen class.
    fn misshapen(&self, form: &Form, places: &Places<'_>) -> Vec<Diagnostic> {
        let Some(def) = self.by_name.get(form.class.as_str()).copied() else { return Vec::new() };
        let at = |offset: usize, diagnostic: Diagnostic| {
            let (line, column) = places.of(offset);
            diagnostic.at(line, column)
        };
        let mut found = Vec::new();
        for (name, given, line) in [
            ("__init__", 3, "def __init__(self, rule_id, settings, parameters)"),
            ("eval", 3, "def eval(self, parameters, input_data, context)"),
            ("management", 2, "def management(self, action, data)"),
        ] {
            let help = format!("write `{line}`");
            match self.method(def, name) {
                Method::Found(method) => {
                    let complaint = complaint(method, given);
                    found.extend(complaint.map(|(code, text)| {
                        at(
                            method.name.range.start().to_usize(),
                            Diagnostic::error(code, text).help(help),
                        )
                    }));
                }
                Method::Missing if name != "management" => {
                    let text = format!("`{}` has no method `{name}`", form.class);
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
    /// A base from elsewhere might have it.
    Unknown,
}

/// What is wrong with an entry point that is called with `self` and `given` arguments.
fn complaint(method: &StmtFunctionDef, given: usize) -> Option<(&'static str, String)> {
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
    let (most, wanted) = (positional.count(), given + 1);
    if required <= wanted && (wanted <= most || vararg.is_some()) && !named {
        return None;
    }
    let takes = if required == most { most.to_string() } else { format!("{required} to {most}") };
    let text = format!("`{name}` takes {takes} arguments with `self`, and is called with {wanted}");
    Some(("python.method-arguments", text))
}

/// Whether a function's own body yields; functions within it do so for themselves.
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
