//! Names: imports, rules of the package, local variables.

use std::collections::{HashMap, HashSet};

use super::names::{Fresh, is_wildcard, shown};
use crate::diagnostic::{COMPILE, Finding, Span};
use crate::syntax::ast::{
    Body, Branch, Every, Expr, ExprKind, Kind, Name, Part, Rule, Term, operator_name,
};
use crate::syntax::visit::{self, Skip};

/// What the names of a module stand for, beyond local variables.
pub(crate) type Globals = HashMap<Name, Vec<Name>>;

/// How a local variable came to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Occurrence {
    Argument,
    Assigned,
    Declared,
    Seen,
}

#[derive(Debug, Default)]
struct Scope {
    /// The variables that an expression of this body declares.
    declared_later: HashSet<Name>,
    variables: HashMap<Name, Variable>,
}

#[derive(Debug)]
struct Variable {
    name: Name,
    occurrence: Occurrence,
    span: Span,
    is_used: bool,
}

pub(crate) struct Resolver<'a> {
    globals: &'a Globals,
    fresh: &'a Fresh,
    scopes: Vec<Scope>,
    findings: &'a mut Vec<Finding>,
    /// Whether variables of templates must be declared.
    strict_templates: bool,
    in_template: bool,
    /// The undeclared variables of templates, and those elsewhere.
    template_vars: Vec<(Name, Span)>,
    seen: HashSet<Name>,
}

impl<'a> Resolver<'a> {
    pub(crate) fn new(
        globals: &'a Globals,
        fresh: &'a Fresh,
        findings: &'a mut Vec<Finding>,
        strict_templates: bool,
    ) -> Self {
        Self {
            globals,
            fresh,
            scopes: Vec::new(),
            findings,
            strict_templates,
            in_template: false,
            template_vars: Vec::new(),
            seen: HashSet::new(),
        }
    }

    /// Resolves the names of a rule.
    pub(crate) fn rule(&mut self, rule: &mut Rule) {
        self.scopes.clear();
        let branches = std::mem::take(&mut rule.branches);
        let args = rule.head.args.clone();
        let mut value = rule.head.value.take();
        let mut element = rule.head.element.take();
        let mut operands = rule.head.reference.split_off(1);
        let (new_args, body) =
            self.clause(args.clone(), std::mem::take(&mut rule.body), |resolver| {
                value.iter_mut().for_each(|term| resolver.term(term));
                element.iter_mut().for_each(|term| resolver.term(term));
                operands.iter_mut().for_each(|term| resolver.term(term));
            });
        rule.head.args = new_args;
        rule.head.value = value;
        rule.head.element = element;
        rule.head.reference.extend(operands);
        rule.body = body;
        for mut branch in branches {
            let mut value = branch.value;
            let (args, body) =
                self.clause(args.clone(), branch.body, |resolver| resolver.term(&mut value));
            branch = Branch { span: branch.span, value, body };
            rule.branches.push(branch);
            rule.branch_args.push(args.unwrap_or_default());
        }
    }

    fn clause(
        &mut self,
        args: Option<Vec<Term>>,
        body: Body,
        head: impl FnOnce(&mut Self),
    ) -> (Option<Vec<Term>>, Body) {
        let scope = Scope { declared_later: declared(&body), ..Scope::default() };
        self.scopes.push(scope);
        let args = args.map(|mut args| {
            args.iter_mut().for_each(|arg| self.argument(arg));
            args
        });
        let body = self.exprs(body);
        head(self);
        self.leave();
        self.check_templates();
        (args, body)
    }

    /// A variable of a template has its value from elsewhere.
    fn check_templates(&mut self) {
        let seen = std::mem::take(&mut self.seen);
        for (name, span) in std::mem::take(&mut self.template_vars) {
            if self.strict_templates && !seen.contains(&name) {
                let message = format!("var {} is undeclared", shown(&name));
                self.findings.push(
                    Finding::new(COMPILE, span, message).help(
                        "give the variable a value by `:=` or `some` outside of the template",
                    ),
                );
            }
        }
    }

    /// Resolves the names of a query.
    pub(crate) fn query(&mut self, body: Body) -> Body {
        self.scoped(body, |_| {})
    }

    /// The variables that a query declares, by their names in the query.
    fn argument(&mut self, arg: &mut Term) {
        let mut names = Vec::new();
        visit::term(
            arg,
            Skip { heads: true, operators: true, closures: true, ..Skip::default() },
            &mut |term| {
                if let Kind::Var(name) = &term.kind {
                    names.push((name.clone(), term.span));
                }
                if let Kind::Template(parts) = &term.kind {
                    for part in parts {
                        if let Part::Expr(expr) = part
                            && let ExprKind::Term(Term { kind: Kind::Var(name), span }) = &expr.kind
                        {
                            names.push((name.clone(), *span));
                        }
                    }
                }
            },
        );
        for (name, span) in names {
            if is_wildcard(&name) || self.innermost(&name).is_some() {
                continue;
            }
            self.insert(&name, Occurrence::Argument, span);
        }
        self.term(arg);
    }

    fn scoped(&mut self, body: Body, head: impl FnOnce(&mut Self)) -> Body {
        self.scopes.push(Scope { declared_later: declared(&body), ..Scope::default() });
        let body = self.exprs(body);
        head(self);
        self.leave();
        body
    }

    fn leave(&mut self) {
        let Some(scope) = self.scopes.pop() else {
            return;
        };
        let unused = scope.variables.iter().filter(|(_, variable)| {
            variable.occurrence == Occurrence::Declared && !variable.is_used
        });
        for (name, variable) in unused {
            let message = format!("declared var {name} unused");
            self.findings.push(
                Finding::new(COMPILE, variable.span, message)
                    .help(format!("use `{name}` in this body, or delete its declaration")),
            );
        }
    }

    fn exprs(&mut self, body: Body) -> Body {
        body.into_iter().filter_map(|expr| self.expr(expr)).collect()
    }

    fn expr(&mut self, mut expr: Expr) -> Option<Expr> {
        match expr.kind {
            ExprKind::SomeVars(names) => {
                for name in names {
                    self.declare(&name, Occurrence::Declared);
                }
                return None;
            }
            ExprKind::SomeIn(terms) => {
                expr.kind = self.some_in(expr.span, terms);
            }
            ExprKind::Every(every) => {
                expr.kind = ExprKind::Every(Box::new(self.every(*every)));
            }
            ExprKind::Not { body, is_body } => {
                let body = if is_body { self.scoped(body, |_| {}) } else { self.negated(body) };
                expr.kind = ExprKind::Not { body, is_body };
            }
            ExprKind::Call(terms) => {
                expr.kind = self.call_expr(expr.span, terms, &mut expr.with);
                return Some(expr);
            }
            ExprKind::Term(mut term) => {
                self.term(&mut term);
                expr.kind = ExprKind::Term(term);
            }
        }
        self.with(&mut expr);
        Some(expr)
    }

    fn negated(&mut self, body: Body) -> Body {
        for expr in &body {
            if let ExprKind::Call(terms) = &expr.kind
                && terms.first().and_then(operator_name).as_deref() == Some("assign")
            {
                let message = "cannot assign vars inside negated expression";
                self.findings.push(
                    Finding::new(COMPILE, expr.span, message)
                        .help("write a body: `not { x := ... }`"),
                );
            }
        }
        self.exprs(body)
    }

    fn with(&mut self, expr: &mut Expr) {
        for modifier in &mut expr.with {
            self.target(&mut modifier.target);
            self.term(&mut modifier.value);
        }
    }

    /// The target of `with`: a global, whatever is declared.
    fn target(&mut self, target: &mut Term) {
        self.term(target);
    }

    fn call_expr(
        &mut self,
        span: Span,
        mut terms: Vec<Term>,
        with: &mut [crate::syntax::ast::With],
    ) -> ExprKind {
        let is_assignment = terms.first().and_then(operator_name).as_deref() == Some("assign");
        if !is_assignment {
            self.operands(&mut terms);
            for modifier in with {
                self.target(&mut modifier.target);
                self.term(&mut modifier.value);
            }
            return ExprKind::Call(terms);
        }
        let mut operands = terms.into_iter().skip(1);
        let (Some(mut left), Some(mut right)) = (operands.next(), operands.next()) else {
            return ExprKind::Call(Vec::new());
        };
        self.term(&mut right);
        for modifier in with {
            self.target(&mut modifier.target);
            self.term(&mut modifier.value);
        }
        self.assign(&mut left);
        ExprKind::Call(vec![Term::operator(span, "eq"), left, right])
    }

    /// The operands of a call, and its operator.
    fn operands(&mut self, terms: &mut [Term]) {
        let Some((operator, operands)) = terms.split_first_mut() else {
            return;
        };
        self.operator(operator);
        operands.iter_mut().for_each(|term| self.term(term));
    }

    fn operator(&mut self, operator: &mut Term) {
        if let Kind::Ref(parts) = &operator.kind
            && let Some(name) = parts.first().and_then(Term::as_var)
            && self.is_declared(name)
        {
            let name = operator_name(operator).unwrap_or_default();
            let message = format!("undefined function {name}");
            self.findings.push(
                Finding::new(crate::diagnostic::TYPE, operator.span, message)
                    .help("a local variable has the name of the function: rename it"),
            );
        }
        if let Kind::Ref(parts) = &mut operator.kind
            && let Some(head) = parts.first()
            && let Some(name) = head.as_var()
            && let Some(path) = self.globals.get(name)
            && !self.is_declared(name)
        {
            let rest = parts.get(1..).unwrap_or_default().to_vec();
            let Kind::Ref(mut full) = global(head.span, path).kind else {
                return;
            };
            full.extend(rest);
            operator.kind = Kind::Ref(full);
        }
    }

    fn is_declared(&self, name: &str) -> bool {
        self.scopes.iter().any(|scope| {
            scope.declared_later.contains(name)
                || scope
                    .variables
                    .get(name)
                    .is_some_and(|found| found.occurrence != Occurrence::Seen)
        })
    }

    /// The left side of `:=`.
    fn assign(&mut self, left: &mut Term) {
        match &mut left.kind {
            Kind::Var(_) => {
                if let Some(name) = self.declare(left, Occurrence::Assigned) {
                    left.kind = Kind::Var(name);
                }
            }
            Kind::Array(items) => items.iter_mut().for_each(|item| self.assign(item)),
            Kind::Object(members) => {
                for (key, value) in members {
                    self.term(key);
                    self.assign(value);
                }
            }
            Kind::Ref(terms) if terms.len() == 1 => {
                let name = terms.first().and_then(Term::as_var).cloned().unwrap_or_default();
                self.findings.push(
                    Finding::new(COMPILE, left.span, format!("variables must not shadow {name}"))
                        .help("use a different variable name"),
                );
            }
            kind => {
                let what = what(kind);
                self.findings.push(
                    Finding::new(COMPILE, left.span, format!("cannot assign to {what}")).help(
                        "write a variable, or a pattern of variables, before `:=`; compare by `==`",
                    ),
                );
            }
        }
    }

    fn innermost(&self, name: &str) -> Option<&Variable> {
        self.scopes.last().and_then(|scope| scope.variables.get(name))
    }

    fn insert(&mut self, name: &Name, occurrence: Occurrence, span: Span) -> Name {
        let renamed = match occurrence {
            Occurrence::Seen => name.clone(),
            _ => self.fresh.rename(shown(name)),
        };
        if let Some(scope) = self.scopes.last_mut() {
            let variable = Variable { name: renamed.clone(), occurrence, span, is_used: false };
            scope.variables.insert(name.clone(), variable);
        }
        renamed
    }

    fn declare(&mut self, term: &Term, occurrence: Occurrence) -> Option<Name> {
        let name = term.as_var()?;
        if is_wildcard(name) {
            return None;
        }
        let above = match self.innermost(name).map(|found| found.occurrence) {
            Some(Occurrence::Seen) => Some(format!("var {name} referenced above")),
            Some(Occurrence::Assigned) => Some(format!("var {name} assigned above")),
            Some(Occurrence::Declared) => Some(format!("var {name} declared above")),
            Some(Occurrence::Argument) => Some(format!("arg {name} redeclared")),
            None => None,
        };
        if let Some(message) = above {
            self.findings.push(
                Finding::new(COMPILE, term.span, message)
                    .help("use a different variable name, or compare by `==`"),
            );
            return None;
        }
        if matches!(&**name, "input" | "data") {
            self.findings.push(
                Finding::new(COMPILE, term.span, format!("variables must not shadow {name}"))
                    .help("use a different variable name"),
            );
        }
        Some(self.insert(name, occurrence, term.span))
    }

    fn some_in(&mut self, span: Span, terms: Vec<Term>) -> ExprKind {
        let mut operands: Vec<Term> = terms.into_iter().skip(1).collect();
        let Some(mut domain) = operands.pop() else {
            return ExprKind::Call(Vec::new());
        };
        let value = operands.pop();
        let key = operands.pop();
        self.term(&mut domain);
        let mut declared = Vec::new();
        for pattern in value.iter().chain(&key) {
            pattern_variables(pattern, &mut declared);
        }
        for (name, at) in declared {
            let term = Term::var(at, &name);
            let is_new = !self
                .innermost(&name)
                .is_some_and(|found| found.occurrence == Occurrence::Declared && found.span == at);
            if is_new && self.declare(&term, Occurrence::Declared).is_some() {
                self.use_innermost(&name);
            }
        }
        let mut value = value.unwrap_or_else(|| self.fresh.term(span));
        self.term(&mut value);
        let key = match key {
            Some(mut key) => {
                self.term(&mut key);
                key
            }
            None => self.fresh.term(span),
        };
        let at = domain.span;
        let reference = match domain.kind {
            Kind::Ref(mut terms) => {
                terms.push(key);
                terms
            }
            kind => vec![Term::new(at, kind), key],
        };
        let right = Term::new(at, Kind::Ref(reference));
        ExprKind::Call(vec![Term::operator(span, "eq"), value, right])
    }

    fn use_innermost(&mut self, name: &str) {
        if let Some(found) = self.scopes.last_mut().and_then(|scope| scope.variables.get_mut(name))
        {
            found.is_used = true;
        }
    }

    fn every(&mut self, mut every: Every) -> Every {
        self.term(&mut every.domain);
        let declared_later = declared(&every.body);
        // The variables of the head have a scope of their own.
        self.scopes.push(Scope::default());
        let mut head: Vec<Term> = every.key.take().into_iter().collect();
        head.push(every.value.clone());
        for term in &mut head {
            if let Some(name) = self.declare(term, Occurrence::Declared) {
                if let Some(original) = term.as_var().cloned() {
                    self.use_innermost(&original);
                }
                term.kind = Kind::Var(name);
            }
        }
        every.value = head.pop().unwrap_or(every.value);
        every.key = head.pop();
        self.scopes.push(Scope { declared_later, ..Scope::default() });
        every.body = self.exprs(every.body);
        self.leave();
        self.leave();
        every
    }

    pub(crate) fn term(&mut self, term: &mut Term) {
        match &mut term.kind {
            Kind::Var(name) => {
                if let Some(kind) = self.variable(&name.clone(), term.span) {
                    term.kind = kind;
                }
            }
            Kind::Ref(terms) => self.reference(terms),
            Kind::Call(terms) => self.operands(terms),
            Kind::Array(items) | Kind::Set(items) => {
                items.iter_mut().for_each(|item| self.term(item))
            }
            Kind::Object(members) => {
                for (key, value) in members {
                    self.term(key);
                    self.term(value);
                }
            }
            Kind::ArrayCompr(head, body) | Kind::SetCompr(head, body) => {
                let inner = std::mem::take(body);
                *body = self.closure(inner, |resolver| resolver.term(head));
            }
            Kind::ObjectCompr(head, body) => {
                let inner = std::mem::take(body);
                *body = self.closure(inner, |resolver| {
                    resolver.term(&mut head.0);
                    resolver.term(&mut head.1);
                });
            }
            Kind::Template(parts) => {
                let outer = std::mem::replace(&mut self.in_template, true);
                for part in parts {
                    if let Part::Expr(expr) = part
                        && let Some(resolved) = self.expr((**expr).clone())
                    {
                        **expr = resolved;
                    }
                }
                self.in_template = outer;
            }
            _ => {}
        }
    }

    fn closure(&mut self, body: Body, head: impl FnOnce(&mut Self)) -> Body {
        let outer = std::mem::replace(&mut self.in_template, false);
        let body = self.scoped(body, head);
        self.in_template = outer;
        body
    }

    /// What a variable stands for; `None` if it stays as it is.
    fn variable(&mut self, name: &Name, span: Span) -> Option<Kind> {
        for scope in self.scopes.iter_mut().rev() {
            if let Some(found) = scope.variables.get_mut(name)
                && found.occurrence != Occurrence::Seen
            {
                found.is_used = true;
                return Some(Kind::Var(found.name.clone()));
            }
        }
        if !self.is_declared(name)
            && let Some(path) = self.globals.get(name)
        {
            return Some(global(span, path).kind);
        }
        if self.in_template {
            self.template_vars.push((name.clone(), span));
        } else {
            self.seen.insert(name.clone());
        }
        if self.innermost(name).is_none() {
            self.insert(name, Occurrence::Seen, span);
        }
        None
    }

    fn reference(&mut self, terms: &mut Vec<Term>) {
        let Some((head, rest)) = terms.split_first_mut() else {
            return;
        };
        if head.as_var().is_some_and(|name| crate::syntax::is_root(name)) {
            rest.iter_mut().for_each(|term| self.term(term));
            return;
        }
        self.term(head);
        rest.iter_mut().for_each(|term| self.term(term));
        if let Kind::Ref(inner) = &head.kind {
            // A global: its path comes before the operands.
            let mut full = inner.clone();
            full.extend(terms.drain(1..));
            *terms = full;
        }
    }
}

fn global(span: Span, path: &[Name]) -> Term {
    crate::syntax::reference(span, path)
}

fn what(kind: &Kind) -> &'static str {
    match kind {
        Kind::Null => "null",
        Kind::Bool(_) => "boolean",
        Kind::Number(_) => "number",
        Kind::String(_) | Kind::Template(_) => "string",
        Kind::Ref(_) => "ref",
        Kind::Call(_) => "call",
        Kind::Set(_) => "set",
        Kind::ArrayCompr(..) => "arraycomprehension",
        Kind::SetCompr(..) => "setcomprehension",
        Kind::ObjectCompr(..) => "objectcomprehension",
        Kind::Var(_) | Kind::Array(_) | Kind::Object(_) => "term",
    }
}

/// The variables of a pattern, which it declares.
fn pattern_variables(pattern: &Term, names: &mut Vec<(Name, Span)>) {
    let skip = Skip { closures: true, heads: true, operators: true, ..Skip::default() };
    visit::term(pattern, skip, &mut |term| {
        if let Kind::Var(name) = &term.kind
            && !is_wildcard(name)
            && !names.iter().any(|(found, _)| found == name)
        {
            names.push((name.clone(), term.span));
        }
    });
}

/// The variables that the expressions of a body declare, those of inner bodies not among them.
fn declared(body: &Body) -> HashSet<Name> {
    let mut names = Vec::new();
    for expr in body {
        match &expr.kind {
            ExprKind::Call(terms) => {
                if terms.first().and_then(operator_name).as_deref() == Some("assign")
                    && let Some(left) = terms.get(1)
                {
                    pattern_variables(left, &mut names);
                }
            }
            ExprKind::SomeVars(terms) => {
                terms.iter().for_each(|term| pattern_variables(term, &mut names));
            }
            ExprKind::SomeIn(terms) => {
                let patterns = terms.len().saturating_sub(2);
                for term in terms.iter().skip(1).take(patterns) {
                    pattern_variables(term, &mut names);
                }
            }
            _ => {}
        }
    }
    names.into_iter().map(|(name, _)| name).collect()
}
