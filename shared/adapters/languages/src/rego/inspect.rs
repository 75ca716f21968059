//! Inspection of parsed modules: their calls, their depth, and whether the bytecode machine may run
//! them.

use std::collections::BTreeSet;

use regorus::unstable::{
    AssignOp, Expr, Literal, LiteralStmt, Module, Query, Ref, Rule, RuleBody, RuleHead, Span,
};
use writ_model::Diagnostic;

use super::recursion::Definition;
use super::scope::{Scope, dotted_path};
use super::{builtins, diagnose, vm_support};

/// The deepest expression. Analysis recurses, and a chain as `a + a + a ...` is as deep as long.
const EXPRESSION_DEPTH_MAX: usize = 200;

/// Keywords that may also be fields of a reference.
const KEYWORDS: [&str; 17] = [
    "as", "contains", "data", "default", "else", "every", "false", "if", "import", "in", "input",
    "not", "null", "package", "some", "true", "with",
];

/// The results of an inspection.
#[derive(Debug, Default)]
pub(super) struct Facts {
    /// Whether only the interpreter may run the modules.
    pub(super) needs_interpreter: bool,
    /// The errors, in source order.
    pub(super) problems: Vec<Diagnostic>,
    /// Every definition, for the detection of recursion.
    pub(super) definitions: Vec<Definition>,
    /// Whether an expression is so deep that dropping the tree would overflow the stack as well.
    pub(super) too_deep: bool,
}

/// Walks every expression of the modules, without recursion. The first module is the policy's own.
pub(super) fn inspect(modules: &[Ref<Module>]) -> Facts {
    let scopes: Vec<Scope> = modules.iter().map(|module| Scope::of(module)).collect();
    let functions =
        modules.iter().zip(&scopes).flat_map(|(module, scope)| functions(module, scope));
    let mut walk = Walk { functions: functions.collect(), ..Walk::default() };
    let main = scopes.first().map(|scope| scope.package.clone()).unwrap_or_default();
    for (module, scope) in modules.iter().zip(&scopes) {
        let problems = walk.facts.problems.len();
        for rule in &module.policy {
            walk.rule(rule);
            walk.drain(scope);
            if walk.facts.too_deep {
                return walk.facts;
            }
            let definition = walk.definition(rule, scope, &main);
            walk.facts.definitions.push(definition);
        }
        let found = walk.facts.problems.get_mut(problems..).unwrap_or_default();
        found.sort_by_key(|problem| (problem.line, problem.column));
    }
    walk.facts.needs_interpreter |=
        !vm_support::runs_on_vm(modules, &scopes, &walk.facts.definitions);
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

/// The span of a reference's first part; its own span is at its last dot.
fn start_span(reference: &Expr) -> &Span {
    match reference {
        Expr::RefDot { refr, .. } | Expr::RefBrack { refr, .. } => start_span(refr),
        other => other.span(),
    }
}

/// The functions that a module defines, from the root of `data`.
fn functions(module: &Module, scope: &Scope) -> Vec<Vec<String>> {
    let is_function = |rule: &Rule| match rule {
        Rule::Spec { head, .. } => matches!(head, RuleHead::Func { .. }),
        Rule::Default { args, .. } => !args.is_empty(),
    };
    let functions = module.policy.iter().filter(|rule| is_function(rule));
    functions.map(|rule| scope.own(&head(rule))).collect()
}

#[derive(Default)]
struct Walk {
    functions: BTreeSet<Vec<String>>,
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

    /// The definition of a rule, from the mentions and locals since the last call.
    fn definition(&mut self, rule: &Rule, scope: &Scope, main: &[String]) -> Definition {
        let locals = std::mem::take(&mut self.locals);
        // For the machine these names are always the documents.
        self.facts.needs_interpreter |= ["input", "data"].iter().any(|name| locals.contains(*name));
        let mentions = std::mem::take(&mut self.mentions);
        let mentions = mentions
            .iter()
            .filter(|mention| mention.first().is_some_and(|first| !locals.contains(first)));
        let head = head(rule);
        let name = match scope.package == main {
            true => head.join("."),
            false => dotted_path(&scope.own(&head)),
        };
        Definition {
            head: scope.own(&head),
            name,
            span: rule.span().clone(),
            mentions: mentions.flat_map(|mention| scope.meanings(mention)).collect(),
        }
    }

    fn drain(&mut self, scope: &Scope) {
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
                self.expression(&expression, depth + 1, scope);
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

    fn expression(&mut self, expression: &Expr, depth: usize, scope: &Scope) {
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
                self.call(fcn, params, scope);
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

    /// Queues the variable parts of a reference, and its root if that is no name.
    fn indexes(&mut self, reference: &Expr, depth: usize) {
        let mut at = reference;
        loop {
            let (inner, index) = match at {
                Expr::RefDot { refr, field, .. } => {
                    // The machine does not resolve `input.package`.
                    self.facts.needs_interpreter |= KEYWORDS.contains(&field.0.text());
                    (refr, None)
                }
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

    /// Adds the names that a pattern binds. It recurses; the parser bounds the depth of patterns.
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

    fn call(&mut self, function: &Expr, params: &[Ref<Expr>], scope: &Scope) {
        let name = path(function);
        if scope.meanings(&name).iter().any(|meaning| self.functions.contains(meaning)) {
            return;
        }
        match builtins::class(&name.join("."), params) {
            builtins::Class::Pure => {}
            builtins::Class::Interpreted => self.facts.needs_interpreter = true,
            builtins::Class::Refused(problem) => self.problem(start_span(function), problem),
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
