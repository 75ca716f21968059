//! Calls in terms, templates, prints and heads become expressions of the body.

use writ_rego_builtins::Value;

use super::names::Fresh;
use super::tree::constant;
use crate::diagnostic::Span;
use crate::syntax::ast::{Body, Expr, ExprKind, Kind, Part, Term, operator_name};
use crate::syntax::visit::{self, Skip};

pub(crate) const PRINT: &str = "internal.print";
pub(crate) const TEMPLATE: &str = "internal.template_string";

pub(crate) struct Expander<'a> {
    pub(crate) fresh: &'a Fresh,
}

impl Expander<'_> {
    pub(crate) fn body(&self, body: Body) -> Body {
        let mut result = Body::with_capacity(body.len());
        for expr in body {
            self.expr(expr, &mut result);
        }
        result
    }

    /// A term of a head; its calls are added to the body.
    pub(crate) fn head(&self, mut term: Term, body: &mut Body) -> Term {
        self.term(&mut term, body);
        if needs_evaluation(&term) {
            let variable = self.fresh.term(term.span);
            body.push(Expr::equality(term.span, variable.clone(), term));
            return variable;
        }
        term
    }

    fn expr(&self, mut expr: Expr, result: &mut Body) {
        for modifier in &mut expr.with {
            self.term(&mut modifier.value, result);
        }
        let mut support = Body::new();
        match &mut expr.kind {
            ExprKind::Term(term) => self.term(term, &mut support),
            ExprKind::Call(terms) => {
                self.print(terms);
                terms.iter_mut().skip(1).for_each(|term| self.term(term, &mut support));
            }
            ExprKind::Every(every) => {
                let span = every.domain.span;
                let variable = self.fresh.term(span);
                let domain = std::mem::replace(&mut every.domain, variable.clone());
                self.expr(Expr::equality(span, variable, domain), &mut support);
                every.body = self.body(std::mem::take(&mut every.body));
            }
            ExprKind::Not { body, .. } => *body = self.body(std::mem::take(body)),
            ExprKind::SomeVars(_) | ExprKind::SomeIn(_) => {}
        }
        for extra in &mut support {
            extra.with.clone_from(&expr.with);
        }
        result.extend(support);
        result.push(expr);
    }

    fn print(&self, terms: &mut Vec<Term>) {
        if terms.first().and_then(operator_name).as_deref() != Some("print") {
            return;
        }
        let span = terms.first().map(|term| term.span).unwrap_or_default();
        let parts = terms.drain(1..).map(|term| self.optional(term, Vec::new())).collect();
        *terms = vec![Term::operator(span, PRINT), Term::new(span, Kind::Array(parts))];
    }

    /// The set of the values of a term, which is empty if the term is undefined.
    fn optional(&self, term: Term, with: Vec<crate::syntax::ast::With>) -> Term {
        let span = term.span;
        let variable = self.fresh.term(span);
        let mut equality = Expr::equality(span, variable.clone(), term);
        equality.with = with;
        Term::new(span, Kind::SetCompr(Box::new(variable), vec![equality]))
    }

    fn term(&self, term: &mut Term, support: &mut Body) {
        let span = term.span;
        match &mut term.kind {
            Kind::Call(terms) => {
                terms.iter_mut().skip(1).for_each(|operand| self.term(operand, support));
                let variable = self.fresh.term(span);
                let mut terms = std::mem::take(terms);
                terms.push(variable.clone());
                let mut call = Expr::new(span, ExprKind::Call(terms));
                call.generated = true;
                support.push(call);
                *term = variable;
            }
            Kind::Ref(terms) => {
                terms.iter_mut().for_each(|operand| self.term(operand, support));
                if let Some(head) = terms.first_mut()
                    && !matches!(head.kind, Kind::Var(_))
                {
                    let variable = self.fresh.term(head.span);
                    let subject = std::mem::replace(head, variable.clone());
                    support.push(Expr::equality(span, variable, subject));
                }
            }
            Kind::Array(items) => items.iter_mut().for_each(|item| self.term(item, support)),
            Kind::Set(items) => {
                items.sort_by_cached_key(rank);
                items.iter_mut().for_each(|item| self.term(item, support));
            }
            Kind::Object(members) => {
                for (key, value) in members {
                    self.term(key, support);
                    self.term(value, support);
                }
            }
            Kind::ArrayCompr(head, body) | Kind::SetCompr(head, body) => {
                let mut inner = std::mem::take(body);
                let mut extra = Body::new();
                self.closure_head(head, &mut extra);
                inner = self.body(inner);
                inner.extend(extra);
                *body = inner;
            }
            Kind::ObjectCompr(head, body) => {
                let mut inner = std::mem::take(body);
                let mut extra = Body::new();
                self.closure_head(&mut head.0, &mut extra);
                self.closure_head(&mut head.1, &mut extra);
                inner = self.body(inner);
                inner.extend(extra);
                *body = inner;
            }
            Kind::Template(parts) => {
                let parts = std::mem::take(parts);
                *term = self.template(span, parts);
                self.term(term, support);
            }
            _ => {}
        }
    }

    fn closure_head(&self, head: &mut Term, body: &mut Body) {
        let term = std::mem::replace(head, Term::new(head.span, Kind::Null));
        *head = self.head(term, body);
    }

    fn template(&self, span: Span, parts: Vec<Part>) -> Term {
        let terms = parts
            .into_iter()
            .map(|part| match part {
                Part::Text(text) => Term::new(span, Kind::String(text)),
                Part::Expr(expr) => {
                    let with = expr.with;
                    match expr.kind {
                        ExprKind::Term(term) => self.optional(term, with),
                        ExprKind::Call(terms) => {
                            self.optional(Term::new(span, Kind::Call(terms)), with)
                        }
                        _ => Term::new(span, Kind::Set(Vec::new())),
                    }
                }
            })
            .collect();
        let array = Term::new(span, Kind::Array(terms));
        Term::new(span, Kind::Call(vec![Term::operator(span, TEMPLATE), array]))
    }
}

/// Whether a term has parts that the body must compute.
pub(crate) fn needs_evaluation(term: &Term) -> bool {
    let mut found = false;
    visit::term(term, Skip { closures: true, ..Skip::default() }, &mut |term| {
        found |= matches!(
            term.kind,
            Kind::Ref(_)
                | Kind::Call(_)
                | Kind::ArrayCompr(..)
                | Kind::SetCompr(..)
                | Kind::ObjectCompr(..)
        );
    });
    found
}

/// Computes references and comprehensions in operands before the expression that uses them.
pub(crate) struct Hoister<'a> {
    pub(crate) fresh: &'a Fresh,
}

impl Hoister<'_> {
    pub(crate) fn body(&self, body: Body) -> Body {
        let mut result = Body::with_capacity(body.len());
        for mut expr in body {
            let frame = Frame { with: expr.with.clone(), span: expr.span };
            match &mut expr.kind {
                ExprKind::Term(term) => self.top(&frame, term, &mut result),
                ExprKind::Call(terms) => {
                    let is_equality = is_equality(terms);
                    for term in terms.iter_mut().skip(1) {
                        if is_equality {
                            self.top(&frame, term, &mut result);
                        } else {
                            self.one(&frame, term, &mut result);
                        }
                    }
                }
                ExprKind::Every(every) => {
                    self.one(&frame, &mut every.domain, &mut result);
                    every.body = self.body(std::mem::take(&mut every.body));
                }
                ExprKind::Not { body, .. } => *body = self.body(std::mem::take(body)),
                ExprKind::SomeVars(_) | ExprKind::SomeIn(_) => {}
            }
            result.push(expr);
        }
        result
    }

    fn top(&self, frame: &Frame, term: &mut Term, result: &mut Body) {
        match &mut term.kind {
            Kind::Ref(terms) => {
                terms.iter_mut().skip(1).for_each(|operand| self.one(frame, operand, result));
            }
            Kind::ArrayCompr(_, body) | Kind::SetCompr(_, body) | Kind::ObjectCompr(_, body) => {
                *body = self.body(std::mem::take(body));
            }
            _ => self.one(frame, term, result),
        }
    }

    fn one(&self, frame: &Frame, term: &mut Term, result: &mut Body) {
        match &mut term.kind {
            Kind::Ref(_) | Kind::ArrayCompr(..) | Kind::SetCompr(..) | Kind::ObjectCompr(..) => {
                self.top(frame, term, result);
                let variable = self.fresh.term(term.span);
                let value = std::mem::replace(term, variable.clone());
                let mut equality = Expr::equality(frame.span, variable, value);
                equality.with.clone_from(&frame.with);
                result.push(equality);
            }
            Kind::Array(items) => items.iter_mut().for_each(|item| self.one(frame, item, result)),
            Kind::Set(items) => {
                items.sort_by_cached_key(rank);
                items.iter_mut().for_each(|item| self.one(frame, item, result));
            }
            Kind::Object(members) => {
                for (key, value) in members {
                    self.one(frame, key, result);
                    self.one(frame, value, result);
                }
            }
            _ => {}
        }
    }
}

struct Frame {
    with: Vec<crate::syntax::ast::With>,
    span: Span,
}

/// The place of a term in a set as it is written, where the reference keeps terms in order: constants, variables and
/// references by their names, collections.
pub(crate) fn rank(term: &Term) -> (u8, Option<Value>, String) {
    match &term.kind {
        Kind::Var(name) => match name.split_once('#') {
            Some((_, number)) => (1, None, format!("__local{number}__")),
            None => (1, None, name.to_string()),
        },
        Kind::Ref(terms) => {
            let parts: Vec<String> = terms
                .iter()
                .map(|part| match &part.kind {
                    Kind::Var(text) | Kind::String(text) | Kind::Number(text) => text.to_string(),
                    _ => String::new(),
                })
                .collect();
            (2, None, parts.join("\0"))
        }
        _ => match constant(term) {
            Some(value @ (Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_))) => {
                (0, Some(value), String::new())
            }
            other => (3, other, String::new()),
        },
    }
}

/// Whether a call with two operands unifies them: `=`, and `==` as an expression.
pub(crate) fn is_equality(terms: &[Term]) -> bool {
    terms.len() == 3
        && matches!(terms.first().and_then(operator_name).as_deref(), Some("eq" | "equal"))
}
