//! Decides whether the bytecode machine evaluates modules as the language defines.
//!
//! Two values of one rule are an error in Rego; the machine makes such a rule undefined, so that
//! `not rule` would be true. It also omits rules with dotted heads from a package's document. So it
//! runs only modules in which no rule can have two values and no head is dotted.

use std::collections::{BTreeMap, BTreeSet};

use regorus::unstable::{
    AssignOp, Expr, Literal, Module, Query, Ref, Rule, RuleAssign, RuleBody, RuleHead,
};

use super::inspect;
use super::recursion::Definition;
use super::scope::Scope;

/// Whether the machine may run the modules. The inspection has bounded the depth of expressions.
pub(super) fn runs_on_vm(
    modules: &[Ref<Module>],
    scopes: &[Scope],
    definitions: &[Definition],
) -> bool {
    let mut by_name: BTreeMap<Vec<String>, Vec<&Rule>> = BTreeMap::new();
    for (module, scope) in modules.iter().zip(scopes) {
        for rule in &module.policy {
            let name = inspect::head(rule);
            if name.len() > 1 || has_object_comprehension(rule) || is_unsupported(rule) {
                return false;
            }
            if matches!(rule.as_ref(), Rule::Spec { .. }) {
                by_name.entry(scope.own(&name)).or_default().push(rule);
            }
        }
    }
    by_name.values().all(|rules| has_one_value(rules)) && packages_stand_apart(scopes, definitions)
}

/// Whether the machine evaluates a rule of this kind wrongly: a default that is computed or belongs
/// to a function, a function without arguments, an `else` with a value that may be undefined.
fn is_unsupported(rule: &Rule) -> bool {
    match rule {
        Rule::Default { args, value, .. } => !args.is_empty() || !is_literal(value),
        Rule::Spec { head, bodies, .. } => {
            let (assign, is_call_without_arguments) = match head {
                RuleHead::Compr { assign, .. } => (assign.as_ref(), false),
                RuleHead::Func { args, assign, .. } => (assign.as_ref(), args.is_empty()),
                RuleHead::Set { .. } => (None, false),
            };
            let values = bodies.iter().filter_map(|body| body.assign.as_ref()).chain(assign);
            let has_else = bodies.iter().any(|body| body.is_else);
            is_call_without_arguments
                || has_else && !values.map(|assign| &assign.value).all(|value| is_literal(value))
        }
    }
}

/// Whether a value is a literal.
fn is_literal(value: &Expr) -> bool {
    match value {
        Expr::String { .. }
        | Expr::RawString { .. }
        | Expr::Number { .. }
        | Expr::Bool { .. }
        | Expr::Null { .. } => true,
        Expr::Array { .. } | Expr::Set { .. } | Expr::Object { .. } | Expr::UnaryExpr { .. } => {
            children(value).into_iter().all(|child| is_literal(child))
        }
        _ => false,
    }
}

/// Whether no package is inside another and no rule reads a package as a document: only the
/// interpreter merges such documents.
fn packages_stand_apart(scopes: &[Scope], definitions: &[Definition]) -> bool {
    let packages: BTreeSet<&[String]> =
        scopes.iter().map(|scope| scope.package.as_slice()).collect();
    let is_inside = |outer: &[String], inner: &[String]| inner.starts_with(outer);
    let apart = packages
        .iter()
        .all(|outer| packages.iter().all(|inner| outer == inner || !is_inside(outer, inner)));
    let mentions = || definitions.iter().flat_map(|definition| &definition.mentions);
    apart && !mentions().any(|mention| packages.iter().any(|package| is_inside(mention, package)))
}

/// Whether all definitions of one rule always have the same value.
fn has_one_value(rules: &[&Rule]) -> bool {
    let constants: Option<BTreeSet<String>> = rules.iter().map(|rule| constant(rule)).collect();
    if constants.is_some_and(|constants| constants.len() == 1) {
        return true;
    }
    let [Rule::Spec { head, bodies, .. }] = rules else {
        return rules
            .iter()
            .all(|rule| matches!(rule, Rule::Spec { head: RuleHead::Set { .. }, .. }));
    };
    match head {
        RuleHead::Set { .. } => true,
        RuleHead::Compr { refr, assign, .. } => {
            matches!(refr.as_ref(), Expr::Var { .. })
                && has_one_solution(&[], assign.as_ref(), bodies)
        }
        RuleHead::Func { args, assign, .. } => has_one_solution(args, assign.as_ref(), bodies),
    }
}

/// The text of a definition's value, if it is a constant.
fn constant(rule: &Rule) -> Option<String> {
    let Rule::Spec { head, bodies, .. } = rule else { return None };
    let (is_plain, assign) = match head {
        RuleHead::Compr { refr, assign, .. } => (matches!(refr.as_ref(), Expr::Var { .. }), assign),
        RuleHead::Func { assign, .. } => (true, assign),
        RuleHead::Set { .. } => return None,
    };
    if !is_plain || bodies.iter().any(|body| body.is_else) {
        return None;
    }
    match assign.as_ref().map(|assign| assign.value.as_ref()) {
        None => Some("true".to_owned()),
        Some(
            value @ (Expr::String { .. }
            | Expr::Number { .. }
            | Expr::Bool { .. }
            | Expr::Null { .. }),
        ) => Some(value.span().text().to_owned()),
        Some(_) => None,
    }
}

/// Whether a definition's bodies, tried one after the other, have one solution at most.
fn has_one_solution(args: &[Ref<Expr>], assign: Option<&RuleAssign>, bodies: &[RuleBody]) -> bool {
    let mut known = BTreeSet::new();
    args.iter().for_each(|argument| names(argument, &mut known));
    for body in bodies {
        for statement in &body.query.stmts {
            if let Literal::Expr { expr, .. } = &statement.literal {
                assigned_names(expr, &mut known);
            }
        }
    }
    let values = bodies.iter().filter_map(|body| body.assign.as_ref()).chain(assign);
    let no_value_iterates =
        values.map(|assign| &assign.value).all(|value| !iterates(value, &known));
    // A second body without `else` is another definition of the same rule.
    let is_chained = bodies.iter().skip(1).all(|body| body.is_else);
    no_value_iterates
        && is_chained
        && bodies.iter().all(|body| !query_iterates(&body.query, &known))
}

fn query_iterates(query: &Query, known: &BTreeSet<String>) -> bool {
    query.stmts.iter().any(|statement| match &statement.literal {
        Literal::SomeVars { .. } | Literal::SomeIn { .. } => true,
        Literal::Expr { expr, .. } => iterates(expr, known),
        // Neither binds a variable outside of it.
        Literal::NotExpr { .. } | Literal::Every { .. } => false,
    })
}

/// Whether an expression may have several solutions: it is indexed by a variable that may be unbound.
fn iterates(expression: &Expr, known: &BTreeSet<String>) -> bool {
    if let Expr::RefBrack { index, .. } = expression {
        let mut looked_up = BTreeSet::new();
        names(index, &mut looked_up);
        if !looked_up.is_subset(known) {
            return true;
        }
    }
    // The one builtin with several results.
    if let Expr::Call { fcn, .. } = expression
        && inspect::path(fcn).join(".") == "walk"
    {
        return true;
    }
    let is_comprehension = matches!(
        expression,
        Expr::ArrayCompr { .. } | Expr::SetCompr { .. } | Expr::ObjectCompr { .. }
    );
    !is_comprehension && children(expression).into_iter().any(|child| iterates(child, known))
}

fn has_object_comprehension(rule: &Rule) -> bool {
    let (assign, bodies, key) = match rule {
        Rule::Default { .. } => return false,
        Rule::Spec { head, bodies, .. } => match head {
            RuleHead::Compr { assign, .. } | RuleHead::Func { assign, .. } => {
                (assign, bodies, None)
            }
            RuleHead::Set { key, .. } => (&None, bodies, key.as_ref()),
        },
    };
    let values = bodies.iter().filter_map(|body| body.assign.as_ref()).chain(assign.as_ref());
    values.map(|assign| &assign.value).chain(key).any(|value| holds_object_comprehension(value))
        || bodies.iter().any(|body| query_holds(&body.query))
}

fn query_holds(query: &Query) -> bool {
    query.stmts.iter().any(|statement| match &statement.literal {
        Literal::SomeVars { .. } => false,
        Literal::SomeIn { collection: expr, .. }
        | Literal::Expr { expr, .. }
        | Literal::NotExpr { expr, .. } => holds_object_comprehension(expr),
        Literal::Every { domain, query, .. } => {
            holds_object_comprehension(domain) || query_holds(query)
        }
    })
}

fn holds_object_comprehension(expression: &Expr) -> bool {
    match expression {
        Expr::ObjectCompr { .. } => true,
        Expr::ArrayCompr { term, query, .. } | Expr::SetCompr { term, query, .. } => {
            holds_object_comprehension(term) || query_holds(query)
        }
        other => children(other).into_iter().any(|child| holds_object_comprehension(child)),
    }
}

/// The direct parts of an expression, without those of comprehensions.
fn children(expression: &Expr) -> Vec<&Ref<Expr>> {
    match expression {
        Expr::Array { items, .. } | Expr::Set { items, .. } => items.iter().collect(),
        Expr::Object { fields, .. } => {
            fields.iter().flat_map(|(_, key, value)| [key, value]).collect()
        }
        Expr::Call { params, .. } => params.iter().collect(),
        Expr::UnaryExpr { expr, .. } => vec![expr],
        Expr::RefDot { refr, .. } => vec![refr],
        Expr::RefBrack { refr, index, .. } => vec![refr, index],
        Expr::BinExpr { lhs, rhs, .. }
        | Expr::BoolExpr { lhs, rhs, .. }
        | Expr::ArithExpr { lhs, rhs, .. }
        | Expr::AssignExpr { lhs, rhs, .. } => vec![lhs, rhs],
        Expr::Membership { key, value, collection, .. } => {
            key.iter().chain([value, collection]).collect()
        }
        _ => Vec::new(),
    }
}

/// The names in a pattern or an index.
fn names(pattern: &Expr, into: &mut BTreeSet<String>) {
    if let Expr::Var { span, .. } = pattern {
        into.insert(span.text().to_owned());
    }
    children(pattern).into_iter().for_each(|child| names(child, into));
}

/// The names that `:=` binds.
fn assigned_names(expression: &Expr, into: &mut BTreeSet<String>) {
    if let Expr::AssignExpr { op: AssignOp::ColEq, lhs, .. } = expression {
        names(lhs, into);
    }
}
