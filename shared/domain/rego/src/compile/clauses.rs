//! Rules of all modules, with their names resolved and their calls expanded.

use std::collections::HashSet;

use writ_rego_builtins::Value;

use super::expand::Expander;
use super::names::Fresh;
use super::resolve::{Globals, Resolver};
use super::tree::{Clause, ClauseBranch, Tree, constant};
use crate::builtins;
use crate::diagnostic::{COMPILE, Finding, TYPE};
use crate::syntax::ast::{self, Body, Kind, Rule, Term, operator_name};
use crate::syntax::visit;

/// Puts the rules of all modules into a tree.
pub(crate) fn build(modules: Vec<ast::Tree>, fresh: &Fresh, findings: &mut Vec<Finding>) -> Tree {
    let mut tree = Tree::new();
    for module in &modules {
        let package = path_of(&module.package);
        tree.add_package(&package);
        if module.strict {
            check_imports(module, findings);
        }
        let globals = globals(module, &modules);
        for rule in &module.rules {
            let mut rule = rule.clone();
            Resolver::new(&globals, fresh, findings, true).rule(&mut rule);
            if module.strict {
                check_name(&rule, findings);
                check_deprecated(&rule, findings);
            }
            if let Some(clause) = clause(rule, &package, fresh) {
                tree.add(clause);
            }
        }
    }
    tree
}

fn path_of(names: &[ast::Name]) -> Vec<Value> {
    names.iter().map(|name| Value::String(name.clone())).collect()
}

/// What the names of a module mean: the rules of its package, in all modules, and its imports.
fn globals(module: &ast::Tree, modules: &[ast::Tree]) -> Globals {
    let mut globals = Globals::new();
    for other in modules.iter().filter(|other| other.package == module.package) {
        for rule in &other.rules {
            if let Some(name) = rule.head.reference.first().and_then(Term::as_var) {
                let mut path: Vec<ast::Name> = vec!["data".into()];
                path.extend(module.package.iter().cloned());
                path.push(name.clone());
                globals.insert(name.clone(), path);
            }
        }
    }
    for import in &module.imports {
        let Some(root) = import.path.first() else {
            continue;
        };
        if !crate::syntax::is_root(root) {
            continue;
        }
        let name = import.alias.as_ref().or_else(|| import.path.last());
        if let Some(name) = name.filter(|name| !crate::syntax::is_root(name)) {
            globals.insert(name.clone(), import.path.clone());
        }
    }
    globals
}

/// Refuses imports of one name.
fn check_imports(module: &ast::Tree, findings: &mut Vec<Finding>) {
    let mut names = HashSet::new();
    for import in &module.imports {
        let name = import.alias.as_ref().or_else(|| import.path.last());
        if name.is_some_and(|name| !names.insert(name)) {
            let message = format!("import must not shadow import {}", import.path.join("."));
            findings.push(
                Finding::new(COMPILE, import.span, message)
                    .help("give one of them an alias by `as`"),
            );
        }
    }
}

fn clause(rule: Rule, package: &[Value], fresh: &Fresh) -> Option<Clause> {
    let expander = Expander { fresh };
    let mut path = package.to_vec();
    let mut operands = rule.head.reference.iter();
    path.push(Value::String(operands.next()?.as_var()?.clone()));
    let operands: Vec<Term> = operands.cloned().collect();
    let fixed = operands.iter().take_while(|operand| constant(operand).is_some()).count();
    path.extend(operands.iter().take(fixed).filter_map(constant));
    let keys: Vec<Term> = operands.into_iter().skip(fixed).collect();
    let is_function = rule.head.args.is_some();
    let is_element = rule.head.element.is_some();
    let value = rule
        .head
        .element
        .or(rule.head.value)
        .unwrap_or_else(|| Term::new(rule.span, Kind::Bool(true)));
    let args = rule.head.args.unwrap_or_default();
    let arity = args.len();
    let expand = |span, args: Vec<Term>, body: Body, value: Term, keys: Vec<Term>| {
        let mut body = expander.body(body);
        let args = args.into_iter().map(|arg| expander.head(arg, &mut body)).collect();
        let keys = keys.into_iter().map(|key| expander.head(key, &mut body)).collect();
        let value = expander.head(value, &mut body);
        ClauseBranch { span, args, body, value, keys }
    };
    let mut branches = vec![expand(rule.span, args, rule.body, value, keys.clone())];
    for (branch, args) in rule.branches.into_iter().zip(rule.branch_args) {
        branches.push(expand(branch.span, args, branch.body, branch.value, keys.clone()));
    }
    Some(Clause {
        span: rule.span,
        path,
        is_default: rule.is_default,
        is_function,
        is_element,
        arity,
        branches,
    })
}

/// Refuses a rule that is called as one of the two documents.
fn check_name(rule: &Rule, findings: &mut Vec<Finding>) {
    let Some(name) = rule.head.reference.first().and_then(Term::as_var) else { return };
    if crate::syntax::is_root(name) {
        let message = format!("rules must not shadow {name} (use a different rule name)");
        findings.push(
            Finding::new(COMPILE, rule.span, message)
                .help("the name before the first dot is that of a rule of this package"),
        );
    }
}

fn check_deprecated(rule: &Rule, findings: &mut Vec<Finding>) {
    let mut check = |term: &Term| {
        let Some(name) = operator_name(term) else {
            return;
        };
        if builtins::is_deprecated(&name) {
            let message = format!("deprecated built-in function calls in expression: {name}");
            findings.push(Finding::new(TYPE, term.span, message).help(instead(&name)));
        }
    };
    for body in rule.branches.iter().map(|branch| &branch.body).chain([&rule.body]) {
        visit::operators(body, &mut check);
    }
    let values = rule.branches.iter().map(|branch| &branch.value).chain(&rule.head.value);
    for term in values.chain(&rule.head.element).chain(&rule.head.reference) {
        visit::term_operators(term, &mut check);
    }
}

fn instead(name: &str) -> &'static str {
    match name {
        "all" => "write `every x in xs { x }`",
        "any" => "write `true in xs`",
        "re_match" => "write `regex.match`",
        "set_diff" => "write `a - b`",
        "net.cidr_overlap" => "write `net.cidr_contains`",
        _ => "write `is_string(x)` and the like, or state that the module has version 0",
    }
}
