//! What a parsed module calls, how deep it is and whether the bytecode machine may run it.

use std::collections::BTreeSet;

use regorus::unstable::{
    AssignOp, Expr, Literal, LiteralStmt, Module, Query, Ref, Rule, RuleBody, RuleHead, Span,
};
use writ_model::Diagnostic;

use super::recursion::Definition;
use super::{builtins, diagnose, sound};

/// The deepest expression. Analysis recurses, and a chain as `a + a + a ...` is as deep as long.
const EXPRESSION_DEPTH_MAX: usize = 200;

/// What the walk found.
#[derive(Debug, Default)]
pub(super) struct Facts {
    /// Why the bytecode machine may not run the module, if it may not.
    pub(super) needs_interpreter: bool,
    /// What is wrong, in source order.
    pub(super) problems: Vec<Diagnostic>,
    /// Every definition, for the search of recursion.
    pub(super) definitions: Vec<Definition>,
    /// An expression is so deep that dropping the tree would recurse too far as well.
    pub(super) too_deep: bool,
}

/// Walks every expression of a module with a stack of its own.
pub(super) fn inspect(module: &Module) -> Facts {
    let mut walk = Walk { functions: functions(module), ..Walk::default() };
    for rule in &module.policy {
        walk.rule(rule);
        walk.drain();
        if walk.facts.too_deep {
            return walk.facts;
        }
        walk.facts.definitions.push(Definition {
            head: head(rule),
            span: rule.span().clone(),
            mentions: std::mem::take(&mut walk.mentions),
            locals: std::mem::take(&mut walk.locals),
        });
    }
    walk.facts.needs_interpreter |= !sound::on_the_machine(module);
    walk.facts.problems.sort_by_key(|problem| (problem.line, problem.column));
    walk.facts
}

/// The head of a rule, up to its first part that is no constant: `["a", "b"]` for `a.b[x]`.
pub(super) fn head(rule: &Rule) -> Vec<String> {
    let reference = match rule {
        Rule::Spec { head: RuleHead::Compr { refr, .. }, .. }
        | Rule::Spec { head: RuleHead::Set { refr, .. }, .. }
        | Rule::Spec { head: RuleHead::Func { refr, .. }, .. }
        | Rule::Default { refr, .. } => refr,
    };
    path(reference)
}

/// The constant prefix of a reference.
pub(super) fn path(reference: &Expr) -> Vec<String> {
    let mut parts = Vec::new();
    let mut at = reference;
    loop {
        match at {
            Expr::Var { span, .. } => {
                parts.push(span.text().to_owned());
                break;
            }
            Expr::RefDot { refr, field, .. } => {
                parts.push(field.0.text().to_owned());
                at = refr;
            }
            Expr::RefBrack { refr, index, .. } => {
                match index.as_ref() {
                    Expr::String { value, .. } => {
                        parts.push(
                            value.as_string().map(|text| text.to_string()).unwrap_or_default(),
                        );
                    }
                    // Nothing behind a variable part belongs to the constant prefix.
                    _ => parts.clear(),
                }
                at = refr;
            }
            _ => break,
        }
    }
    parts.reverse();
    parts
}

/// Where a reference begins; its own span is at its last dot.
fn start(reference: &Expr) -> &Span {
    match reference {
        Expr::RefDot { refr, .. } | Expr::RefBrack { refr, .. } => start(refr),
        other => other.span(),
    }
}

/// The functions that the module defines, by every name that a call may use.
fn functions(module: &Module) -> Vec<String> {
    let package = path(&module.package.refr).join(".");
    let mut names = Vec::new();
    for rule in &module.policy {
        let is_function = match rule.as_ref() {
            Rule::Spec { head, .. } => matches!(head, RuleHead::Func { .. }),
            Rule::Default { args, .. } => !args.is_empty(),
        };
        if is_function {
            let name = head(rule).join(".");
            names.push(format!("data.{package}.{name}"));
            names.push(name);
        }
    }
    // `import data.authz as a` in the package `authz` lets `a.f(x)` name its own function.
    for (alias, target) in aliases(module) {
        let target = target.join(".");
        let aliased: Vec<String> = names
            .iter()
            .filter_map(|name| name.strip_prefix(&target).map(|rest| format!("{alias}{rest}")))
            .collect();
        names.extend(aliased);
    }
    names
}

/// What each import is called, and what it stands for.
pub(super) fn aliases(module: &Module) -> Vec<(String, Vec<String>)> {
    let imports = module.imports.iter().map(|import| {
        let target = path(&import.refr);
        let alias = match &import.r#as {
            Some(alias) => alias.text().to_owned(),
            None => target.last().cloned().unwrap_or_default(),
        };
        (alias, target)
    });
    imports.collect()
}

#[derive(Default)]
struct Walk {
    functions: Vec<String>,
    pending: Vec<(Ref<Expr>, usize)>,
    queries: Vec<(Ref<Query>, usize)>,
    mentions: Vec<Vec<String>>,
    locals: BTreeSet<String>,
    facts: Facts,
}

impl Walk {
    fn rule(&mut self, rule: &Rule) {
        match rule {
            Rule::Spec { head, bodies, .. } => {
                match head {
                    RuleHead::Compr { refr, assign, .. } => {
                        self.indexes(refr, 0);
                        self.push_all(assign.iter().map(|assign| &assign.value), 0);
                    }
                    RuleHead::Set { refr, key, .. } => {
                        self.indexes(refr, 0);
                        self.push_all(key, 0);
                    }
                    RuleHead::Func { args, assign, .. } => {
                        args.iter().for_each(|argument| self.declare(argument));
                        self.push_all(args, 0);
                        self.push_all(assign.iter().map(|assign| &assign.value), 0);
                    }
                }
                bodies.iter().for_each(|body| self.body(body));
            }
            Rule::Default { value, .. } => self.push(value, 0),
        }
    }

    fn body(&mut self, body: &RuleBody) {
        self.push_all(body.assign.iter().map(|assign| &assign.value), 0);
        self.queries.push((body.query.clone(), 0));
    }

    fn drain(&mut self) {
        loop {
            if let Some((expression, depth)) = self.pending.pop() {
                if depth > EXPRESSION_DEPTH_MAX {
                    let problem = Diagnostic::error(
                        "rego.too-deep",
                        format!("an expression is nested more than {EXPRESSION_DEPTH_MAX} deep"),
                    );
                    let help = "give parts of it to rules or variables of their own";
                    self.problem(expression.span(), problem.help(help));
                    self.facts.too_deep = true;
                    return;
                }
                self.expression(&expression, depth + 1);
            } else if let Some((query, depth)) = self.queries.pop() {
                query.stmts.iter().for_each(|statement| self.statement(statement, depth + 1));
            } else {
                return;
            }
        }
    }

    fn statement(&mut self, statement: &LiteralStmt, depth: usize) {
        for with in &statement.with_mods {
            self.facts.needs_interpreter = true;
            self.push(&with.r#as, depth);
        }
        match &statement.literal {
            Literal::SomeVars { vars, .. } => {
                self.locals.extend(vars.iter().map(|name| name.text().to_owned()));
            }
            Literal::SomeIn { key, value, collection, .. } => {
                key.iter().chain([value]).for_each(|pattern| self.declare(pattern));
                self.push_all(key, depth);
                self.push(value, depth);
                self.push(collection, depth);
            }
            Literal::Expr { expr, .. } | Literal::NotExpr { expr, .. } => self.push(expr, depth),
            Literal::Every { key, value, domain, query, .. } => {
                let names = key.iter().chain([value]);
                self.locals.extend(names.map(|name| name.text().to_owned()));
                self.push(domain, depth);
                self.queries.push((query.clone(), depth));
            }
        }
    }

    fn expression(&mut self, expression: &Expr, depth: usize) {
        match expression {
            Expr::String { .. }
            | Expr::RawString { .. }
            | Expr::Number { .. }
            | Expr::Bool { .. }
            | Expr::Null { .. } => {}
            Expr::Var { .. } | Expr::RefDot { .. } | Expr::RefBrack { .. } => {
                self.mentions.push(path(expression));
                self.indexes(expression, depth);
            }
            Expr::Array { items, .. } | Expr::Set { items, .. } => self.push_all(items, depth),
            Expr::Object { fields, .. } => {
                for (_, key, value) in fields {
                    self.push(key, depth);
                    self.push(value, depth);
                }
            }
            Expr::ArrayCompr { term, query, .. } | Expr::SetCompr { term, query, .. } => {
                self.push(term, depth);
                self.queries.push((query.clone(), depth));
            }
            Expr::ObjectCompr { key, value, query, .. } => {
                self.push(key, depth);
                self.push(value, depth);
                self.queries.push((query.clone(), depth));
            }
            Expr::Call { fcn, params, .. } => {
                self.mentions.push(path(fcn));
                self.call(fcn, params);
                self.push_all(params, depth);
            }
            Expr::UnaryExpr { expr, .. } => self.push(expr, depth),
            Expr::BinExpr { lhs, rhs, .. }
            | Expr::BoolExpr { lhs, rhs, .. }
            | Expr::ArithExpr { lhs, rhs, .. } => {
                self.push(lhs, depth);
                self.push(rhs, depth);
            }
            Expr::AssignExpr { op, lhs, rhs, .. } => {
                if *op == AssignOp::ColEq {
                    self.declare(lhs);
                }
                self.push(lhs, depth);
                self.push(rhs, depth);
            }
            Expr::Membership { key, value, collection, .. } => {
                self.push_all(key, depth);
                self.push(value, depth);
                self.push(collection, depth);
            }
        }
    }

    /// The variable parts of a reference, and its root where that is no name.
    fn indexes(&mut self, reference: &Expr, depth: usize) {
        let mut at = reference;
        loop {
            let (inner, index) = match at {
                Expr::RefDot { refr, .. } => (refr, None),
                Expr::RefBrack { refr, index, .. } => (refr, Some(index)),
                _ => return,
            };
            self.push_all(index, depth);
            if !matches!(
                inner.as_ref(),
                Expr::Var { .. } | Expr::RefDot { .. } | Expr::RefBrack { .. }
            ) {
                self.push(inner, depth);
            }
            at = inner;
        }
    }

    /// The names that a pattern gives values; patterns are as shallow as the parser allows.
    fn declare(&mut self, pattern: &Expr) {
        match pattern {
            Expr::Var { span, .. } => {
                self.locals.insert(span.text().to_owned());
            }
            Expr::Array { items, .. } => items.iter().for_each(|item| self.declare(item)),
            Expr::Object { fields, .. } => {
                fields.iter().for_each(|(_, _, value)| self.declare(value))
            }
            _ => {}
        }
    }

    fn call(&mut self, function: &Expr, params: &[Ref<Expr>]) {
        let name = path(function).join(".");
        if self.functions.contains(&name) {
            return;
        }
        match builtins::class(&name, params) {
            builtins::Class::Pure => {}
            builtins::Class::Interpreted => self.facts.needs_interpreter = true,
            builtins::Class::Refused(problem) => self.problem(start(function), problem),
        }
    }

    fn problem(&mut self, span: &Span, problem: Diagnostic) {
        self.facts.problems.push(diagnose::at(problem, span));
    }

    fn push(&mut self, expression: &Ref<Expr>, depth: usize) {
        self.pending.push((expression.clone(), depth));
    }

    fn push_all<'a>(&mut self, expressions: impl IntoIterator<Item = &'a Ref<Expr>>, depth: usize) {
        for expression in expressions {
            self.push(expression, depth);
        }
    }
}
