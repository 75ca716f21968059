//! The order of expressions: each variable has its value before it is used.

use std::collections::{BTreeMap, BTreeSet};

use super::names::{is_generated, shown};
use crate::diagnostic::{Finding, Span, UNSAFE};
use crate::syntax::ast::{Body, Expr, ExprKind, Kind, Name, Term, operator_name};
use crate::syntax::is_root;
use crate::syntax::visit::{self, Skip};

pub(crate) type Vars = BTreeSet<Name>;

/// The number of operands that a function takes; `None` for an unknown one.
pub(crate) type Arity<'a> = dyn Fn(&str) -> Option<usize> + 'a;

pub(crate) struct Safety<'a> {
    pub(crate) arity: &'a Arity<'a>,
    pub(crate) findings: &'a mut Vec<Finding>,
}

impl Safety<'_> {
    /// Orders a body, and the bodies in it. `known` have values already.
    pub(crate) fn body(&mut self, body: Body, known: &Vars) -> Body {
        let all = vars_of_body(&body);
        let mut safe = known.clone();
        let mut waiting: Vec<Expr> = body;
        let mut ordered = Body::with_capacity(waiting.len());
        loop {
            let before = waiting.len();
            let mut rest = Vec::with_capacity(before);
            for expr in waiting {
                let outputs = self.outputs(&expr, &safe);
                let is_ready = expr_vars(&expr)
                    .iter()
                    .all(|name| safe.contains(name) || outputs.contains(name))
                    && closure_vars(&expr)
                        .iter()
                        .all(|name| !all.contains(name) || safe.contains(name));
                if is_ready {
                    safe.extend(outputs);
                    ordered.push(expr);
                } else {
                    rest.push(expr);
                }
            }
            waiting = rest;
            if waiting.len() == before || waiting.is_empty() {
                break;
            }
        }
        self.report(&waiting, &safe, &all);
        let mut known = known.clone();
        for expr in &mut ordered {
            let own = expr_vars(expr);
            self.closures(expr, &known);
            known.extend(own);
        }
        ordered.extend(waiting);
        ordered
    }

    fn report(&mut self, waiting: &[Expr], safe: &Vars, all: &Vars) {
        let mut unsafe_vars: BTreeMap<Name, Span> = BTreeMap::new();
        for expr in waiting {
            let closure = closure_vars(expr);
            let wanted = expr_vars(expr);
            let inner = closure.iter().filter(|name| all.contains(*name));
            for name in wanted.iter().chain(inner).filter(|name| !safe.contains(*name)) {
                unsafe_vars.entry(name.clone()).or_insert_with(|| span_of(expr, name));
            }
        }
        let has_written = unsafe_vars.keys().any(|name| !is_generated(name));
        for (name, span) in unsafe_vars {
            if has_written && is_generated(&name) {
                continue;
            }
            self.unsafe_var(&name, span);
        }
    }

    pub(crate) fn unsafe_var(&mut self, name: &str, span: Span) {
        let name = if is_generated(name) { "expression" } else { shown(name) };
        let finding = Finding::new(UNSAFE, span, format!("var {name} is unsafe"));
        self.findings.push(finding.help(
            "give the variable a value in a positive expression of the same body, or check its spelling",
        ));
    }

    /// Orders the bodies inside an expression.
    fn closures(&mut self, expr: &mut Expr, known: &Vars) {
        match &mut expr.kind {
            ExprKind::Term(term) => self.in_term(term, known),
            ExprKind::Call(terms) => terms.iter_mut().for_each(|term| self.in_term(term, known)),
            ExprKind::Every(every) => {
                self.in_term(&mut every.domain, known);
                let mut inner = known.clone();
                inner.extend(
                    every.key.iter().chain([&every.value]).filter_map(Term::as_var).cloned(),
                );
                every.body = self.body(std::mem::take(&mut every.body), &inner);
            }
            ExprKind::Not { body, .. } => *body = self.body(std::mem::take(body), known),
            ExprKind::SomeVars(_) | ExprKind::SomeIn(_) => {}
        }
        for modifier in &mut expr.with {
            self.in_term(&mut modifier.value, known);
        }
    }

    fn in_term(&mut self, term: &mut Term, known: &Vars) {
        match &mut term.kind {
            Kind::Ref(terms) | Kind::Call(terms) | Kind::Array(terms) | Kind::Set(terms) => {
                terms.iter_mut().for_each(|inner| self.in_term(inner, known));
            }
            Kind::Object(members) => {
                for (key, value) in members {
                    self.in_term(key, known);
                    self.in_term(value, known);
                }
            }
            Kind::ArrayCompr(head, body) | Kind::SetCompr(head, body) => {
                let inner = std::mem::take(body);
                *body = self.comprehension(inner, &[head], known);
            }
            Kind::ObjectCompr(head, body) => {
                let inner = std::mem::take(body);
                *body = self.comprehension(inner, &[&head.0, &head.1], known);
            }
            _ => {}
        }
    }

    fn comprehension(&mut self, body: Body, heads: &[&Term], known: &Vars) -> Body {
        let body = self.body(body, known);
        let mut inside = known.clone();
        inside.extend(vars_of_body(&body));
        for head in heads {
            for name in vars(head, PLAIN) {
                if !inside.contains(&name) {
                    self.unsafe_var(&name, head.span);
                }
            }
        }
        body
    }

    /// The variables that get their values by an expression.
    fn outputs(&self, expr: &Expr, safe: &Vars) -> Vars {
        if expr.negated {
            return Vars::new();
        }
        for modifier in &expr.with {
            if vars(&modifier.value, PLAIN).iter().any(|name| !safe.contains(name)) {
                return Vars::new();
            }
        }
        match &expr.kind {
            ExprKind::Term(term) => ref_outputs([term], safe),
            ExprKind::Call(terms) if is_unification(terms) => equality_outputs(terms, safe),
            ExprKind::Call(terms) => self.call_outputs(terms, safe),
            ExprKind::Every(every) => ref_outputs([&every.domain], safe),
            ExprKind::Not { .. } | ExprKind::SomeVars(_) | ExprKind::SomeIn(_) => Vars::new(),
        }
    }

    fn call_outputs(&self, terms: &[Term], safe: &Vars) -> Vars {
        let name = terms.first().and_then(operator_name).unwrap_or_default();
        let operands = terms.get(1..).unwrap_or_default();
        let mut outputs = ref_outputs(operands, safe);
        let Some(arity) = (self.arity)(&name) else {
            // An unknown function is reported as such, not its operands.
            operands.iter().for_each(|operand| outputs.extend(vars(operand, PLAIN)));
            return outputs;
        };
        let (inputs, results) = operands.split_at(arity.min(operands.len()));
        let pattern =
            Skip { closures: true, sets: true, object_keys: true, heads: true, operators: true };
        for input in inputs {
            if vars(input, pattern)
                .iter()
                .any(|name| !safe.contains(name) && !outputs.contains(name))
            {
                return Vars::new();
            }
        }
        for result in results {
            outputs.extend(vars(result, pattern));
        }
        outputs
    }
}

const PLAIN: Skip =
    Skip { closures: true, heads: false, operators: true, object_keys: false, sets: false };

/// The variables of a term.
pub(crate) fn vars(term: &Term, skip: Skip) -> Vars {
    let mut names = Vars::new();
    visit::term(term, skip, &mut |term| add(term, &mut names));
    names
}

fn add(term: &Term, names: &mut Vars) {
    if let Kind::Var(name) = &term.kind
        && !is_root(name)
    {
        names.insert(name.clone());
    }
}

pub(crate) fn expr_vars(expr: &Expr) -> Vars {
    let mut names = Vars::new();
    match &expr.kind {
        ExprKind::Every(every) => names.extend(vars(&every.domain, PLAIN)),
        ExprKind::Term(term) => names.extend(vars(term, PLAIN)),
        ExprKind::Call(terms) => {
            terms.iter().skip(1).for_each(|term| names.extend(vars(term, PLAIN)));
        }
        ExprKind::Not { body, is_body: false } => {
            names.extend(vars_of_body(body).into_iter().filter(|name| !is_generated(name)));
        }
        ExprKind::Not { .. } | ExprKind::SomeVars(_) | ExprKind::SomeIn(_) => {}
    }
    for modifier in &expr.with {
        names.extend(vars(&modifier.value, PLAIN));
    }
    names
}

pub(crate) fn vars_of_body(body: &Body) -> Vars {
    let mut names = Vars::new();
    body.iter().for_each(|expr| names.extend(expr_vars(expr)));
    names
}

/// The variables inside the bodies of an expression.
fn closure_vars(expr: &Expr) -> Vars {
    let mut names = Vars::new();
    let mut in_closure = |term: &Term| match &term.kind {
        Kind::ArrayCompr(..) | Kind::SetCompr(..) | Kind::ObjectCompr(..) => {
            let all = Skip { operators: true, ..Skip::default() };
            visit::term(term, all, &mut |term| add(term, &mut names));
        }
        _ => {}
    };
    let skip = Skip { closures: true, operators: true, ..Skip::default() };
    visit::expr(expr, skip, &mut in_closure);
    if let ExprKind::Not { body, .. } = &expr.kind {
        let all = Skip { operators: true, ..Skip::default() };
        visit::body(body, all, &mut |term| add(term, &mut names));
    }
    if let ExprKind::Every(every) = &expr.kind {
        let all = Skip { operators: true, ..Skip::default() };
        visit::body(&every.body, all, &mut |term| add(term, &mut names));
        for term in every.key.iter().chain([&every.value]) {
            if let Some(name) = term.as_var() {
                names.remove(name);
            }
        }
    }
    names
}

fn span_of(expr: &Expr, name: &str) -> Span {
    let mut span = expr.span;
    let mut found = false;
    let skip = Skip { operators: true, ..Skip::default() };
    visit::expr(expr, skip, &mut |term| {
        if !found && term.as_var().is_some_and(|var| &**var == name) {
            span = term.span;
            found = true;
        }
    });
    span
}

/// The variables in the operands of references, if the head of the reference has a value.
fn ref_outputs<'t>(terms: impl IntoIterator<Item = &'t Term>, safe: &Vars) -> Vars {
    let mut outputs = Vars::new();
    for term in terms {
        add_ref_outputs(term, safe, &mut outputs);
    }
    outputs
}

fn add_ref_outputs(term: &Term, safe: &Vars, outputs: &mut Vars) {
    match &term.kind {
        Kind::Ref(terms) => {
            let Some((head, operands)) = terms.split_first() else {
                return;
            };
            let is_safe = head.as_var().is_none_or(|name| is_root(name) || safe.contains(name));
            if !is_safe {
                return;
            }
            for operand in operands {
                outputs.extend(vars(operand, Skip { heads: true, ..PLAIN }));
                add_ref_outputs(operand, safe, outputs);
            }
        }
        Kind::Array(items) | Kind::Set(items) => {
            items.iter().for_each(|item| add_ref_outputs(item, safe, outputs));
        }
        Kind::Object(members) => {
            for (key, value) in members {
                add_ref_outputs(key, safe, outputs);
                add_ref_outputs(value, safe, outputs);
            }
        }
        _ => {}
    }
}

/// Whether a call is `=`. An `==` gives no variable its value.
fn is_unification(terms: &[Term]) -> bool {
    terms.len() == 3 && terms.first().and_then(operator_name).as_deref() == Some("eq")
}

fn equality_outputs(terms: &[Term], safe: &Vars) -> Vars {
    let (Some(left), Some(right)) = (terms.get(1), terms.get(2)) else {
        return Vars::new();
    };
    let outputs = ref_outputs([left, right], safe);
    let mut unifier =
        Unifier { safe, outputs: &outputs, unified: Vars::new(), unknown: BTreeMap::new() };
    unifier.unify(left, right);
    let unified = unifier.unified;
    outputs.into_iter().chain(unified).filter(|name| !safe.contains(name)).collect()
}

struct Unifier<'a> {
    safe: &'a Vars,
    outputs: &'a Vars,
    unified: Vars,
    /// What each variable waits for.
    unknown: BTreeMap<Name, Vars>,
}

const PATTERN: Skip =
    Skip { closures: true, heads: true, operators: true, object_keys: true, sets: true };

impl Unifier<'_> {
    fn is_safe(&self, name: &Name) -> bool {
        self.safe.contains(name) || self.outputs.contains(name) || self.unified.contains(name)
    }

    fn mark_safe(&mut self, name: &Name) {
        self.unified.insert(name.clone());
        let mut freed = Vec::new();
        for (waiting, reasons) in &mut self.unknown {
            if reasons.remove(name) && reasons.is_empty() {
                freed.push(waiting.clone());
            }
        }
        for name in freed {
            self.unknown.remove(&name);
            if !self.is_safe(&name) {
                self.mark_safe(&name);
            }
        }
    }

    fn mark_all(&mut self, term: &Term) {
        for name in vars(term, PATTERN) {
            self.mark_safe(&name);
        }
    }

    fn unify(&mut self, left: &Term, right: &Term) {
        match (&left.kind, &right.kind) {
            (Kind::Var(a), Kind::Var(b)) => match (self.is_safe(a), self.is_safe(b)) {
                (_, true) => self.mark_safe(a),
                (true, false) => self.mark_safe(b),
                (false, false) => {
                    self.unknown.entry(a.clone()).or_default().insert(b.clone());
                    self.unknown.entry(b.clone()).or_default().insert(a.clone());
                }
            },
            (Kind::Var(name), Kind::Array(_) | Kind::Object(_)) => self.unify_all(name, right),
            (Kind::Array(_) | Kind::Object(_), Kind::Var(name)) => self.unify_all(name, left),
            (Kind::Var(name), _) => self.mark_safe(name),
            (_, Kind::Var(name)) => self.mark_safe(name),
            (Kind::Array(a), Kind::Array(b)) if a.len() == b.len() => {
                for (left, right) in a.iter().zip(b) {
                    self.unify(left, right);
                }
            }
            (Kind::Object(a), Kind::Object(b)) if a.len() == b.len() => {
                for (key, left) in a {
                    if let Some((_, right)) = b.iter().find(|(other, _)| same(key, other)) {
                        self.unify(left, right);
                    }
                }
            }
            (Kind::Array(_), Kind::Ref(_) | Kind::Call(_) | Kind::ArrayCompr(..))
            | (Kind::Object(_), Kind::Ref(_) | Kind::Call(_) | Kind::ObjectCompr(..)) => {
                self.mark_all(left);
            }
            (Kind::Ref(_) | Kind::Call(_) | Kind::ArrayCompr(..), Kind::Array(_))
            | (Kind::Ref(_) | Kind::Call(_) | Kind::ObjectCompr(..), Kind::Object(_)) => {
                self.mark_all(right);
            }
            _ => {}
        }
    }

    fn unify_all(&mut self, name: &Name, pattern: &Term) {
        if self.is_safe(name) {
            self.mark_all(pattern);
            return;
        }
        let missing: Vars =
            vars(pattern, PATTERN).into_iter().filter(|var| !self.is_safe(var)).collect();
        if missing.is_empty() {
            self.mark_safe(name);
        } else {
            self.unknown.entry(name.clone()).or_default().extend(missing);
        }
    }
}

/// Whether two keys are written the same.
pub(crate) fn same(left: &Term, right: &Term) -> bool {
    match (&left.kind, &right.kind) {
        (Kind::String(a), Kind::String(b))
        | (Kind::Number(a), Kind::Number(b))
        | (Kind::Var(a), Kind::Var(b)) => a == b,
        (Kind::Bool(a), Kind::Bool(b)) => a == b,
        (Kind::Null, Kind::Null) => true,
        _ => false,
    }
}
