//! Names that nothing has are found before a run.

use cel::common::ast::{CallExpr, ComprehensionExpr, EntryExpr, Expr};
use cel::{Env, IdedExpr};
use writ_model::Diagnostic;

use super::names::{FUNCTIONS, MACROS, METHODS, VARIABLES};

/// What is named and does not exist, each with the number of its place in the tree. Variables that
/// are read are added to `reads`.
pub(super) fn names(
    tree: &IdedExpr,
    environment: &Env,
    reads: &mut Vec<&'static str>,
) -> Vec<(u64, Diagnostic)> {
    let mut names = Names { environment, reads, scopes: Vec::new(), unknown: Vec::new() };
    names.expression(tree);
    names.unknown
}

struct Names<'t> {
    environment: &'t Env,
    reads: &'t mut Vec<&'static str>,
    /// The variables of the loops around this place.
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
                let is_type = qualified(tree)
                    .is_some_and(|name| self.environment.types().find_type(&name).is_some());
                if !is_type {
                    self.expression(&select.operand);
                }
            }
            Expr::List(list) => list.elements.iter().for_each(|element| self.expression(element)),
            Expr::Map(map) => map.entries.iter().for_each(|entry| self.entry(&entry.expr)),
            Expr::Struct(made) => {
                if self.environment.types().find_struct(&made.type_name).is_none() {
                    let name = &made.type_name;
                    let problem = Diagnostic::error("cel.unknown-type", no("type", name));
                    self.unknown.push((tree.id, problem.help("a map is written `{'key': value}`")));
                }
                made.entries.iter().for_each(|entry| self.entry(&entry.expr));
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
        if let Some(known) = VARIABLES.into_iter().find(|known| *known == name) {
            if !self.reads.contains(&known) {
                self.reads.push(known);
            }
        } else if self.environment.types().find_type(name).is_none() {
            let problem = Diagnostic::error("cel.unknown-variable", no("variable", name));
            let help = format!("the variables are {}", list(VARIABLES.as_slice()));
            self.unknown.push((id, problem.help(help)));
        }
    }

    fn call(&mut self, call: &'t CallExpr, id: u64) {
        let name = &call.func_name;
        let is_word = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        let in_namespace = call
            .target
            .as_ref()
            .and_then(|target| qualified(target))
            .map(|namespace| format!("{namespace}.{name}"))
            .filter(|name| is_one_of(FUNCTIONS, name));
        match &call.target {
            _ if in_namespace.is_some() => {}
            Some(target) => {
                self.expression(target);
                if is_word && !is_one_of(METHODS, name) {
                    self.unknown_function(id, name, METHODS);
                }
            }
            None if is_word && !is_one_of(FUNCTIONS, name) => {
                self.unknown_function(id, name, FUNCTIONS);
            }
            None => {}
        }
        call.args.iter().for_each(|argument| self.expression(argument));
    }

    fn unknown_function(&mut self, id: u64, name: &str, known: &[&str]) {
        let help = match MACROS.iter().find(|(other, _)| *other == name) {
            Some((_, usage)) => format!("it is called as `{usage}`"),
            None => format!("there are {}", list(known)),
        };
        let problem = Diagnostic::error("cel.unknown-function", no("function", name));
        self.unknown.push((id, problem.help(help)));
    }
}

fn no(kind: &str, name: &str) -> String {
    format!("there is no {kind} `{name}`")
}

fn is_one_of(known: &[&str], name: &str) -> bool {
    known.contains(&name)
}

fn list(names: &[&str]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

/// `a.b.c` of selections on a name, with dots.
fn qualified(tree: &IdedExpr) -> Option<String> {
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
