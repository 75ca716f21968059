//! Walks over trees.

use super::ast::{Body, Expr, ExprKind, Kind, Part, Term};

/// Which parts of a tree a walk leaves out.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Skip {
    pub(crate) closures: bool,
    /// The head of every reference.
    pub(crate) heads: bool,
    /// The operator of every call.
    pub(crate) operators: bool,
    pub(crate) object_keys: bool,
    pub(crate) sets: bool,
}

pub(crate) type Visitor<'a> = dyn FnMut(&Term) + 'a;

/// Calls `visit` for each term, the outer before the inner.
pub(crate) fn term(root: &Term, skip: Skip, visit: &mut Visitor<'_>) {
    visit(root);
    match &root.kind {
        Kind::Ref(terms) => {
            terms.iter().skip(usize::from(skip.heads)).for_each(|inner| term(inner, skip, visit));
        }
        Kind::Call(terms) => {
            terms
                .iter()
                .skip(usize::from(skip.operators))
                .for_each(|inner| term(inner, skip, visit));
        }
        Kind::Array(terms) => terms.iter().for_each(|inner| term(inner, skip, visit)),
        Kind::Set(terms) if !skip.sets => terms.iter().for_each(|inner| term(inner, skip, visit)),
        Kind::Object(members) => {
            for (key, value) in members {
                if !skip.object_keys {
                    term(key, skip, visit);
                }
                term(value, skip, visit);
            }
        }
        Kind::ArrayCompr(head, inner) | Kind::SetCompr(head, inner) if !skip.closures => {
            term(head, skip, visit);
            body(inner, skip, visit);
        }
        Kind::ObjectCompr(head, inner) if !skip.closures => {
            term(&head.0, skip, visit);
            term(&head.1, skip, visit);
            body(inner, skip, visit);
        }
        Kind::Template(parts) if !skip.closures => {
            for part in parts {
                if let Part::Expr(inner) = part {
                    expr(inner, skip, visit);
                }
            }
        }
        _ => {}
    }
}

pub(crate) fn body(exprs: &Body, skip: Skip, visit: &mut Visitor<'_>) {
    exprs.iter().for_each(|inner| expr(inner, skip, visit));
}

pub(crate) fn expr(root: &Expr, skip: Skip, visit: &mut Visitor<'_>) {
    match &root.kind {
        ExprKind::Term(inner) => term(inner, skip, visit),
        ExprKind::Call(terms) | ExprKind::SomeIn(terms) => {
            terms
                .iter()
                .skip(usize::from(skip.operators))
                .for_each(|inner| term(inner, skip, visit));
        }
        ExprKind::SomeVars(_) => {}
        ExprKind::Not { body: inner, .. } => {
            if !skip.closures {
                body(inner, skip, visit);
            }
        }
        ExprKind::Every(every) => {
            term(&every.domain, skip, visit);
            if !skip.closures {
                every.key.iter().for_each(|inner| term(inner, skip, visit));
                term(&every.value, skip, visit);
                body(&every.body, skip, visit);
            }
        }
    }
    for modifier in &root.with {
        term(&modifier.target, skip, visit);
        term(&modifier.value, skip, visit);
    }
}

/// Calls `visit` for the operator of each call, at any depth.
pub(crate) fn operators(exprs: &Body, visit: &mut Visitor<'_>) {
    for inner in exprs {
        expr_operators(inner, visit);
    }
}

fn expr_operators(root: &Expr, visit: &mut Visitor<'_>) {
    let mut terms: Vec<&Term> = Vec::new();
    match &root.kind {
        ExprKind::Term(inner) => terms.push(inner),
        ExprKind::Call(inner) => {
            inner.first().into_iter().for_each(&mut *visit);
            terms.extend(inner);
        }
        ExprKind::SomeIn(inner) => terms.extend(inner),
        ExprKind::SomeVars(_) => {}
        ExprKind::Every(every) => {
            terms.push(&every.domain);
            operators(&every.body, visit);
        }
        ExprKind::Not { body, .. } => operators(body, visit),
    }
    terms.extend(root.with.iter().map(|modifier| &modifier.value));
    terms.into_iter().for_each(|term| term_operators(term, visit));
}

/// Calls `visit` for the operator of each call in a term.
pub(crate) fn term_operators(root: &Term, visit: &mut Visitor<'_>) {
    match &root.kind {
        Kind::Call(terms) => {
            terms.first().into_iter().for_each(&mut *visit);
            terms.iter().skip(1).for_each(|inner| term_operators(inner, visit));
        }
        Kind::Ref(terms) | Kind::Array(terms) | Kind::Set(terms) => {
            terms.iter().for_each(|inner| term_operators(inner, visit));
        }
        Kind::Object(members) => {
            for (key, value) in members {
                term_operators(key, visit);
                term_operators(value, visit);
            }
        }
        Kind::ArrayCompr(head, inner) | Kind::SetCompr(head, inner) => {
            term_operators(head, visit);
            operators(inner, visit);
        }
        Kind::ObjectCompr(head, inner) => {
            term_operators(&head.0, visit);
            term_operators(&head.1, visit);
            operators(inner, visit);
        }
        Kind::Template(parts) => {
            for part in parts {
                if let Part::Expr(inner) = part {
                    expr_operators(inner, visit);
                }
            }
        }
        _ => {}
    }
}
