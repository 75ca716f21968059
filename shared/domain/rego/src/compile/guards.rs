//! What a body needs before it runs: the reference's index of rules leaves the others out.

use std::collections::HashMap;

use writ_rego_builtins::Value;

use super::expand::{PRINT, is_equality};
use super::tree::{ClauseBranch, Tree, constant};
use crate::core::{Guard, Place, Requirement};
use crate::syntax::ast::{Body, Expr, ExprKind, Kind, Name, Term, operator_name};

/// The guards of a branch.
pub(crate) fn of(branch: &ClauseBranch, tree: &Tree) -> Vec<Guard> {
    // What prints is never left out.
    if prints(&branch.body) {
        return Vec::new();
    }
    let mut finder = Finder { tree, places: HashMap::new(), constants: HashMap::new() };
    for (index, arg) in branch.args.iter().enumerate() {
        if let Some(name) = arg.as_var() {
            finder.places.insert(name.clone(), Place::Argument(index));
        }
    }
    let exprs = || branch.body.iter().filter(|expr| !expr.negated && expr.with.is_empty());
    exprs().for_each(|expr| finder.learn(expr));
    exprs().filter_map(|expr| finder.guard(expr)).collect()
}

/// Whether a body prints, outside of comprehensions.
fn prints(body: &Body) -> bool {
    body.iter().any(|expr| match &expr.kind {
        ExprKind::Call(terms) => terms.first().and_then(operator_name).as_deref() == Some(PRINT),
        ExprKind::Every(every) => prints(&every.body),
        ExprKind::Not { body, .. } => prints(body),
        _ => false,
    })
}

/// The operands of `=` and `==`.
fn equality(expr: &Expr) -> Option<(&Term, &Term)> {
    match &expr.kind {
        ExprKind::Call(terms) if is_equality(terms) => Some((terms.get(1)?, terms.get(2)?)),
        _ => None,
    }
}

struct Finder<'a> {
    tree: &'a Tree,
    /// The places that variables stand for.
    places: HashMap<Name, Place>,
    /// The values that variables stand for.
    constants: HashMap<Name, Value>,
}

impl Finder<'_> {
    fn learn(&mut self, expr: &Expr) {
        let Some((left, right)) = equality(expr) else {
            return;
        };
        for (name, term) in [(left.as_var(), right), (right.as_var(), left)] {
            let Some(name) = name else {
                continue;
            };
            if let Some(value) = constant(term) {
                self.constants.entry(name.clone()).or_insert(value);
            } else if let Some(place) = self.reference(term) {
                self.places.entry(name.clone()).or_insert(place);
            }
        }
    }

    fn guard(&self, expr: &Expr) -> Option<Guard> {
        if let ExprKind::Term(term) = &expr.kind {
            return Some(Guard { place: self.reference(term)?, wanted: Requirement::Any });
        }
        if let Some((left, right)) = equality(expr) {
            return self.equal(left, right).or_else(|| self.equal(right, left));
        }
        let ExprKind::Call(terms) = &expr.kind else {
            return None;
        };
        let is_member =
            terms.first().and_then(operator_name).as_deref() == Some("internal.member_2");
        let (item, domain) = (terms.get(1)?, terms.get(2)?);
        if !is_member || terms.len() != 3 {
            return None;
        }
        if let (Some(place), Some(domain)) = (self.place(item), self.value(domain)) {
            let wanted: Vec<Value> = match &domain {
                Value::Set(items) => items.iter().cloned().collect(),
                other => other.pairs().map(|(_, item)| item.clone()).collect(),
            };
            return Some(Guard { place, wanted: Requirement::OneOf(wanted) });
        }
        let item = self.scalar(item)?;
        Some(Guard { place: self.place(domain)?, wanted: Requirement::Has(item) })
    }

    fn equal(&self, left: &Term, right: &Term) -> Option<Guard> {
        if let Kind::Ref(terms) = &left.kind
            && let Some((last, above)) = terms.split_last()
            && let Some(name) = last.as_var()
            && !self.constants.contains_key(name)
            && !self.places.contains_key(name)
            && above.len() > 1
        {
            // Any item of a collection.
            let item = constant(right).filter(is_scalar)?;
            let above = Term::new(left.span, Kind::Ref(above.to_vec()));
            return Some(Guard { place: self.reference(&above)?, wanted: Requirement::Has(item) });
        }
        let place = self.place(left)?;
        let wanted = match &right.kind {
            Kind::Array(items) => Requirement::Array(
                items
                    .iter()
                    .map(|item| match &item.kind {
                        Kind::Var(_) => Some(self.scalar(item)),
                        _ => self.scalar(item).map(Some),
                    })
                    .collect::<Option<_>>()?,
            ),
            Kind::Var(_) => self.scalar(right).map_or(Requirement::Any, Requirement::Is),
            _ => Requirement::Is(self.scalar(right)?),
        };
        Some(Guard { place, wanted })
    }

    fn value(&self, term: &Term) -> Option<Value> {
        match term.as_var() {
            Some(name) => self.constants.get(name).cloned(),
            None => constant(term),
        }
    }

    fn scalar(&self, term: &Term) -> Option<Value> {
        self.value(term).filter(is_scalar)
    }

    fn place(&self, term: &Term) -> Option<Place> {
        match term.as_var() {
            Some(name) => self.places.get(name).cloned(),
            None => self.reference(term),
        }
    }

    /// A path of the input, or of documents without rules.
    fn reference(&self, term: &Term) -> Option<Place> {
        let Kind::Ref(terms) = &term.kind else {
            return None;
        };
        let (head, operands) = terms.split_first()?;
        let path: Vec<Value> =
            operands.iter().map(|operand| self.value(operand)).collect::<Option<_>>()?;
        match &**head.as_var()? {
            "input" => Some(Place::Input(path)),
            "data" => (!self.is_virtual(&path)).then_some(Place::Base(path)),
            _ => None,
        }
    }

    fn is_virtual(&self, path: &[Value]) -> bool {
        let mut at = 0;
        for key in path {
            let Some(child) = self.tree.child(at, key) else {
                return false;
            };
            if self.tree.node(child).is_some_and(|node| !node.clauses.is_empty()) {
                return true;
            }
            at = child;
        }
        // A node of packages is made of rules.
        true
    }
}

fn is_scalar(value: &Value) -> bool {
    matches!(value, Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_))
}
