//! Detection of undefined names at compile time.

use cel::common::ast::{CallExpr, ComprehensionExpr, EntryExpr, Expr, StructExpr};
use cel::{Env, IdedExpr};
use writ_model::Diagnostic;

use super::names::{FUNCTIONS, MACROS, METHODS, VARIABLES};

/// The diagnostics of undefined names, each with the id of its node in the tree. Variables that are
/// read are added to `reads`.
pub(super) fn names(
    tree: &IdedExpr,
    environment: &Env,
    reads: &mut Vec<&'static str>,
) -> Vec<(u64, Diagnostic)> {
    let mut names = Names { environment, reads, scopes: Vec::new(), unknown: Vec::new() };
    names.expression(tree);
    names.unknown
}

/// A walk over a tree. It recurses; the depth of the tree is bounded by [`crate::nesting`].
struct Names<'t> {
    environment: &'t Env,
    reads: &'t mut Vec<&'static str>,
    /// The variables of the enclosing loops.
    scopes: Vec<&'t str>,
    unknown: Vec<(u64, Diagnostic)>,
}

impl<'t> Names<'t> {
    fn expression(&mut self, tree: &'t IdedExpr) {
        match &tree.expr {
            Expr::Unspecified | Expr::Literal(_) => {}
            Expr::Ident(name) => self.variable(name, tree.id),
            Expr::Call(call) => self.call(call, tree.id),
            Expr::Select(select) => {
                if !self.is_type(tree) {
                    self.expression(&select.operand);
                }
            }
            Expr::List(list) => {
                for element in &list.elements {
                    self.expression(element);
                }
            }
            Expr::Map(map) => {
                for entry in &map.entries {
                    self.entry(&entry.expr);
                }
            }
            Expr::Struct(struct_literal) => {
                self.struct_literal(struct_literal, tree.id);
                for entry in &struct_literal.entries {
                    self.entry(&entry.expr);
                }
            }
            Expr::Comprehension(comprehension) => self.comprehension(comprehension),
        }
    }

    fn entry(&mut self, entry: &'t EntryExpr) {
        match entry {
            EntryExpr::StructField(field) => self.expression(&field.value),
            EntryExpr::MapEntry(entry) => {
                self.expression(&entry.key);
                self.expression(&entry.value);
            }
        }
    }

    fn comprehension(&mut self, parts: &'t ComprehensionExpr) {
        self.expression(&parts.iter_range);
        self.expression(&parts.accu_init);
        let outside = self.scopes.len();
        self.scopes.push(&parts.accu_var);
        self.expression(&parts.result);
        self.scopes.push(&parts.iter_var);
        self.scopes.extend(parts.iter_var2.as_deref());
        self.expression(&parts.loop_cond);
        self.expression(&parts.loop_step);
        self.scopes.truncate(outside);
    }

    fn variable(&mut self, name: &str, id: u64) {
        let (name, is_absolute) = match name.strip_prefix('.') {
            Some(name) => (name, true),
            None => (name, false),
        };
        if !is_absolute && self.scopes.contains(&name) {
            return;
        }
        if let Some(variable) = VARIABLES.into_iter().find(|variable| *variable == name) {
            if !self.reads.contains(&variable) {
                self.reads.push(variable);
            }
        } else if self.environment.types().find_type(name).is_none() {
            let problem = Diagnostic::error("cel.unknown-variable", missing("variable", name));
            let help = format!("the variables are {}", join_names(VARIABLES.as_slice()));
            self.unknown.push((id, problem.help(help)));
        }
    }

    fn call(&mut self, call: &'t CallExpr, id: u64) {
        let in_namespace = self.check_name(call, id);
        if let Some(target) = call.target.as_ref().filter(|_| !in_namespace) {
            self.expression(target);
        }
        for argument in &call.args {
            self.expression(argument);
        }
    }

    /// Checks the name of a call. Returns whether the call's target is a part of the name.
    fn check_name(&mut self, call: &CallExpr, id: u64) -> bool {
        let name = &call.func_name;
        let namespace = call.target.as_ref().and_then(|target| dotted_path(target));
        if namespace.is_some_and(|namespace| is_one_of(FUNCTIONS, &format!("{namespace}.{name}"))) {
            return true;
        }
        let candidates = if call.target.is_some() { METHODS } else { FUNCTIONS };
        // Operators are calls of functions that no source can name.
        let is_word = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        if is_word && !is_one_of(candidates, name) {
            self.unknown_function(id, name, candidates);
        }
        false
    }

    fn is_type(&self, tree: &IdedExpr) -> bool {
        dotted_path(tree).is_some_and(|name| self.environment.types().find_type(&name).is_some())
    }

    fn struct_literal(&mut self, struct_literal: &StructExpr, id: u64) {
        let name = &struct_literal.type_name;
        if self.environment.types().find_struct(name).is_none() {
            let problem = Diagnostic::error("cel.unknown-type", missing("type", name));
            self.unknown.push((id, problem.help("a map is written `{'key': value}`")));
        }
    }

    fn unknown_function(&mut self, id: u64, name: &str, candidates: &[&str]) {
        let help = match MACROS.iter().find(|(other, _)| *other == name) {
            Some((_, usage)) => format!("it is called as `{usage}`"),
            None => format!("there are {}", join_names(candidates)),
        };
        let problem = Diagnostic::error("cel.unknown-function", missing("function", name));
        self.unknown.push((id, problem.help(help)));
    }
}

fn missing(kind: &str, name: &str) -> String {
    format!("there is no {kind} `{name}`")
}

fn is_one_of(candidates: &[&str], name: &str) -> bool {
    candidates.contains(&name)
}

fn join_names(names: &[&str]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

/// The dotted path of selections on a name, as `a.b.c`.
fn dotted_path(tree: &IdedExpr) -> Option<String> {
    let mut segments = Vec::new();
    let mut rest = tree;
    loop {
        match &rest.expr {
            Expr::Ident(name) => {
                segments.push(name.as_str());
                segments.reverse();
                return Some(segments.join("."));
            }
            Expr::Select(select) if !select.test => {
                segments.push(&select.field);
                rest = &select.operand;
            }
            _ => return None,
        }
    }
}
