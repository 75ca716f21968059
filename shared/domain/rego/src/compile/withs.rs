//! The values of `with` are computed before the expression, those that name functions are not.

use super::expand::needs_evaluation;
use super::lower::{Scene, names_function};
use super::names::Fresh;
use crate::syntax::ast::{Body, Expr, ExprKind, Kind, Term};

/// Rewrites the modifiers of a body, at any depth.
pub(crate) fn body(exprs: Body, scene: &Scene<'_>, fresh: &Fresh) -> Body {
    let mut result = Body::with_capacity(exprs.len());
    for mut expr in exprs {
        match &mut expr.kind {
            ExprKind::Term(inner) => term(inner, scene, fresh),
            ExprKind::Call(terms) => terms.iter_mut().for_each(|inner| term(inner, scene, fresh)),
            ExprKind::Every(every) => {
                term(&mut every.domain, scene, fresh);
                every.body = body(std::mem::take(&mut every.body), scene, fresh);
            }
            ExprKind::Not { body: inner, .. } => {
                *inner = body(std::mem::take(inner), scene, fresh);
            }
            ExprKind::SomeVars(_) | ExprKind::SomeIn(_) => {}
        }
        for modifier in &mut expr.with {
            if names_function(scene, &modifier.target) && names_function(scene, &modifier.value) {
                let span = modifier.value.span;
                let name = std::mem::replace(&mut modifier.value, Term::new(span, Kind::Null));
                modifier.value = Term::new(span, Kind::Call(vec![name]));
                continue;
            }
            term(&mut modifier.value, scene, fresh);
            if needs_evaluation(&modifier.value) {
                let variable = fresh.term(modifier.value.span);
                let value = std::mem::replace(&mut modifier.value, variable.clone());
                result.push(Expr::equality(expr.span, variable, value));
            }
        }
        result.push(expr);
    }
    result
}

fn term(root: &mut Term, scene: &Scene<'_>, fresh: &Fresh) {
    match &mut root.kind {
        Kind::Ref(terms) | Kind::Call(terms) | Kind::Array(terms) | Kind::Set(terms) => {
            terms.iter_mut().for_each(|inner| term(inner, scene, fresh));
        }
        Kind::Object(members) => {
            for (key, value) in members {
                term(key, scene, fresh);
                term(value, scene, fresh);
            }
        }
        Kind::ArrayCompr(_, inner) | Kind::SetCompr(_, inner) | Kind::ObjectCompr(_, inner) => {
            *inner = body(std::mem::take(inner), scene, fresh);
        }
        _ => {}
    }
}
