//! Imports and builtin functions that the sandbox does not have.

use std::collections::{HashMap, HashSet};

use rustpython_vm::VirtualMachine;
use rustpython_vm::compiler::ast::visitor::{Visitor, walk_expr, walk_stmt};
use rustpython_vm::compiler::ast::{
    CmpOp, ExceptHandler, Expr, ExprContext, Parameter, Stmt, StmtImportFrom,
};
use writ_model::Diagnostic;

use super::super::modules::{SUPPORTED, instead_of, instead_of_builtin, instead_of_name};
use super::super::source::LineIndex;

/// Finds uses of modules, names and builtins that do not exist here. An import inside a `try` that
/// handles the failure is accepted.
pub(super) fn find(
    module: &[Stmt],
    line_index: &LineIndex<'_>,
    vm: &VirtualMachine,
) -> Vec<Diagnostic> {
    let mut bound_names = BoundNames::default();
    bound_names.visit_body(module);
    let mut visitor =
        UnsupportedVisitor { line_index, vm, bound_names, guarding_tries: 0, found: Vec::new() };
    visitor.visit_body(module);
    visitor.found
}

/// The names that a module binds, in any of its scopes.
#[derive(Default)]
struct BoundNames {
    /// Names that an `import` binds, with the module.
    modules: HashMap<String, String>,
    /// Names that are bound by anything else.
    others: HashSet<String>,
}

impl Visitor<'_> for BoundNames {
    fn visit_stmt(&mut self, stmt: &Stmt) {
        match stmt {
            Stmt::Import(import) => {
                for alias in &import.names {
                    let path = alias.name.as_str();
                    let first = path.split('.').next().unwrap_or(path);
                    let (name, path) = match &alias.asname {
                        Some(name) => (name.as_str(), path),
                        None => (first, first),
                    };
                    self.modules.insert(name.to_owned(), path.to_owned());
                }
            }
            Stmt::ImportFrom(import) => {
                let names =
                    import.names.iter().map(|alias| alias.asname.as_ref().unwrap_or(&alias.name));
                self.others.extend(names.map(|name| name.as_str().to_owned()));
            }
            Stmt::FunctionDef(def) => {
                self.others.insert(def.name.as_str().to_owned());
            }
            Stmt::ClassDef(def) => {
                self.others.insert(def.name.as_str().to_owned());
            }
            _ => {}
        }
        walk_stmt(self, stmt);
    }

    fn visit_expr(&mut self, expr: &Expr) {
        if let Expr::Name(name) = expr
            && name.ctx != ExprContext::Load
        {
            self.others.insert(name.id.as_str().to_owned());
        }
        walk_expr(self, expr);
    }

    fn visit_parameter(&mut self, parameter: &Parameter) {
        self.others.insert(parameter.name.as_str().to_owned());
    }
}

struct UnsupportedVisitor<'a> {
    line_index: &'a LineIndex<'a>,
    vm: &'a VirtualMachine,
    bound_names: BoundNames,
    /// Enclosing `try` blocks that catch a failed import.
    guarding_tries: usize,
    found: Vec<Diagnostic>,
}

impl UnsupportedVisitor<'_> {
    fn refuse(&mut self, offset: usize, diagnostic: Diagnostic) {
        let (line, column) = self.line_index.line_column(offset);
        self.found.push(diagnostic.at(line, column));
    }

    fn import(&mut self, module: &str, offset: usize) -> bool {
        let exists = SUPPORTED.contains(&module);
        if !exists && self.guarding_tries == 0 {
            let text = format!("module `{module}` does not exist in the sandbox");
            self.refuse(
                offset,
                Diagnostic::error("python.unsupported-import", text).help(instead_of(module)),
            );
        }
        exists
    }

    fn import_from(&mut self, import: &StmtImportFrom) {
        let offset = import.range.start().to_usize();
        let Some(module) = import.module.as_ref().filter(|_| import.level == 0) else {
            let text = "a policy is one file: there is nothing to import from `.`";
            let help = "put the code into the policy itself";
            return self
                .refuse(offset, Diagnostic::error("python.unsupported-import", text).help(help));
        };
        if !self.import(module.as_str(), offset) {
            return;
        }
        for alias in &import.names {
            let name = alias.name.as_str();
            let below = format!("{module}.{name}");
            if name != "*" && !SUPPORTED.contains(&below.as_str()) {
                self.attribute(module.as_str(), name, alias.range.start().to_usize());
            }
        }
    }

    /// Reports a name that a supported module lacks here.
    fn attribute(&mut self, module: &str, name: &str, offset: usize) {
        let modules = self.vm.sys_module.get_attr("modules", self.vm);
        let Ok(object) = modules.and_then(|modules| modules.get_item(module, self.vm)) else {
            return;
        };
        let name_object = self.vm.ctx.new_str(name);
        if object.get_attr(&name_object, self.vm).is_err() && self.guarding_tries == 0 {
            let text = format!("`{module}.{name}` does not exist in the sandbox");
            let help = instead_of_name(module, name);
            self.refuse(offset, Diagnostic::error("python.unsupported-name", text).help(help));
        }
    }

    fn builtin(&mut self, name: &str, offset: usize) {
        if let Some(help) = instead_of_builtin(name)
            && !self.bound_names.others.contains(name)
            && !self.bound_names.modules.contains_key(name)
        {
            let text = format!("`{name}` does not exist in the sandbox");
            self.refuse(offset, Diagnostic::error("python.unsupported-builtin", text).help(help));
        }
    }
}

impl Visitor<'_> for UnsupportedVisitor<'_> {
    fn visit_stmt(&mut self, stmt: &Stmt) {
        match stmt {
            Stmt::Import(import) => {
                for alias in &import.names {
                    self.import(alias.name.as_str(), alias.range.start().to_usize());
                }
            }
            Stmt::ImportFrom(import) => self.import_from(import),
            // A branch that never runs here may use any name.
            Stmt::If(branch) if never_runs(&branch.test) => {
                for clause in &branch.elif_else_clauses {
                    self.visit_body(&clause.body);
                }
            }
            Stmt::Try(attempt) if attempt.handlers.iter().any(catches_imports) => {
                self.guarding_tries += 1;
                self.visit_body(&attempt.body);
                self.guarding_tries -= 1;
                for handler in &attempt.handlers {
                    self.visit_except_handler(handler);
                }
                self.visit_body(&attempt.orelse);
                self.visit_body(&attempt.finalbody);
            }
            _ => walk_stmt(self, stmt),
        }
    }

    fn visit_expr(&mut self, expr: &Expr) {
        match expr {
            Expr::Name(name) => self.builtin(name.id.as_str(), name.range.start().to_usize()),
            Expr::Call(call)
                if call
                    .func
                    .as_name_expr()
                    .is_some_and(|name| name.id.as_str() == "__import__") =>
            {
                if let Some(Expr::StringLiteral(module)) = call.arguments.args.first() {
                    self.import(module.value.to_str(), call.range.start().to_usize());
                }
            }
            Expr::Attribute(attribute) => {
                if attribute.ctx == ExprContext::Load
                    && let Expr::Name(base) = &*attribute.value
                    && !self.bound_names.others.contains(base.id.as_str())
                    && let Some(module) = self.bound_names.modules.get(base.id.as_str()).cloned()
                    && SUPPORTED.contains(&module.as_str())
                {
                    self.attribute(
                        &module,
                        attribute.attr.as_str(),
                        attribute.range.start().to_usize(),
                    );
                }
            }
            _ => {}
        }
        walk_expr(self, expr);
    }
}

/// Whether a condition is one of the two that only tools and command lines make true:
/// `__name__ == "__main__"` and `TYPE_CHECKING`.
fn never_runs(test: &Expr) -> bool {
    match test {
        Expr::Name(name) => name.id.as_str() == "TYPE_CHECKING",
        Expr::Attribute(attribute) => attribute.attr.as_str() == "TYPE_CHECKING",
        Expr::Compare(compare) => {
            let sides = [Some(&*compare.left), compare.comparators.first()];
            let is_name = |side: &&Expr| {
                side.as_name_expr().is_some_and(|name| name.id.as_str() == "__name__")
            };
            let is_main = |side: &&Expr| matches!(side, Expr::StringLiteral(text) if text.value.to_str() == "__main__");
            *compare.ops == [CmpOp::Eq]
                && sides.iter().flatten().any(is_name)
                && sides.iter().flatten().any(is_main)
        }
        _ => false,
    }
}

fn catches_imports(handler: &ExceptHandler) -> bool {
    let ExceptHandler::ExceptHandler(handler) = handler;
    let names: Vec<&Expr> = match handler.type_.as_deref() {
        None => return true,
        Some(Expr::Tuple(types)) => types.elts.iter().collect(),
        Some(one) => vec![one],
    };
    let known = ["ImportError", "ModuleNotFoundError", "Exception", "BaseException"];
    names
        .iter()
        .any(|kind| kind.as_name_expr().is_some_and(|kind| known.contains(&kind.id.as_str())))
}
