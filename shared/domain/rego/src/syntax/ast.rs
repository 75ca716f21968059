//! The tree of a module.

use std::sync::Arc;

use crate::diagnostic::Span;

pub(crate) type Name = Arc<str>;
pub(crate) type Body = Vec<Expr>;

#[derive(Clone, Debug)]
pub(crate) struct Term {
    pub(crate) span: Span,
    pub(crate) kind: Kind,
}

#[derive(Clone, Debug)]
pub(crate) enum Kind {
    Null,
    Bool(bool),
    /// The digits as they were written.
    Number(Name),
    String(Name),
    Var(Name),
    /// A head and at least one operand, or a root document alone.
    Ref(Vec<Term>),
    /// The operator and its operands.
    Call(Vec<Term>),
    Array(Vec<Term>),
    Object(Vec<(Term, Term)>),
    Set(Vec<Term>),
    ArrayCompr(Box<Term>, Body),
    SetCompr(Box<Term>, Body),
    ObjectCompr(Box<(Term, Term)>, Body),
    Template(Vec<Part>),
}

/// A piece of a string template.
#[derive(Clone, Debug)]
pub(crate) enum Part {
    Text(Name),
    Expr(Box<Expr>),
}

#[derive(Clone, Debug)]
pub(crate) struct Expr {
    pub(crate) span: Span,
    pub(crate) negated: bool,
    pub(crate) kind: ExprKind,
    pub(crate) with: Vec<With>,
    /// Made by a rewrite.
    pub(crate) generated: bool,
}

#[derive(Clone, Debug)]
pub(crate) enum ExprKind {
    Term(Term),
    /// The operator and its operands.
    Call(Vec<Term>),
    /// A declaration, as `some x, y`.
    SomeVars(Vec<Term>),
    /// `some k, v in xs`: the call of `in`.
    SomeIn(Vec<Term>),
    Every(Box<Every>),
    /// The new `not`: no solution of the body. `is_body`: it was written between braces, so that it has variables of
    /// its own.
    Not {
        body: Body,
        is_body: bool,
    },
}

#[derive(Clone, Debug)]
pub(crate) struct Every {
    pub(crate) key: Option<Term>,
    pub(crate) value: Term,
    pub(crate) domain: Term,
    pub(crate) body: Body,
}

#[derive(Clone, Debug)]
pub(crate) struct With {
    pub(crate) target: Term,
    pub(crate) value: Term,
}

#[derive(Clone, Debug)]
pub(crate) struct Import {
    pub(crate) span: Span,
    pub(crate) path: Vec<Name>,
    pub(crate) alias: Option<Name>,
}

#[derive(Clone, Debug)]
pub(crate) struct Head {
    pub(crate) span: Span,
    /// The reference: a variable, then the operands.
    pub(crate) reference: Vec<Term>,
    pub(crate) args: Option<Vec<Term>>,
    /// The element of a partial set.
    pub(crate) element: Option<Term>,
    pub(crate) value: Option<Term>,
}

#[derive(Clone, Debug)]
pub(crate) struct Branch {
    pub(crate) span: Span,
    pub(crate) value: Term,
    pub(crate) body: Body,
}

#[derive(Clone, Debug)]
pub(crate) struct Rule {
    pub(crate) span: Span,
    pub(crate) is_default: bool,
    pub(crate) head: Head,
    pub(crate) body: Body,
    /// The branches of `else`, in order.
    pub(crate) branches: Vec<Branch>,
    /// The arguments of each branch, after names are resolved.
    pub(crate) branch_args: Vec<Vec<Term>>,
}

#[derive(Clone, Debug)]
pub(crate) struct Tree {
    /// Whether the module follows the rules of version 1.
    pub(crate) strict: bool,
    pub(crate) package: Vec<Name>,
    pub(crate) imports: Vec<Import>,
    pub(crate) rules: Vec<Rule>,
}

impl Term {
    pub(crate) fn new(span: Span, kind: Kind) -> Self {
        Self { span, kind }
    }

    pub(crate) fn var(span: Span, name: &str) -> Self {
        Self::new(span, Kind::Var(name.into()))
    }

    pub(crate) fn string(span: Span, text: &str) -> Self {
        Self::new(span, Kind::String(text.into()))
    }

    /// The operator of a call, as a reference.
    pub(crate) fn operator(span: Span, name: &str) -> Self {
        let mut parts = name.split('.');
        let head = Self::var(span, parts.next().unwrap_or_default());
        let mut terms = vec![head];
        terms.extend(parts.map(|part| Self::string(span, part)));
        Self::new(span, Kind::Ref(terms))
    }

    pub(crate) fn as_var(&self) -> Option<&Name> {
        match &self.kind {
            Kind::Var(name) => Some(name),
            _ => None,
        }
    }

    pub(crate) fn as_string(&self) -> Option<&Name> {
        match &self.kind {
            Kind::String(text) => Some(text),
            _ => None,
        }
    }
}

impl Expr {
    pub(crate) fn new(span: Span, kind: ExprKind) -> Self {
        Self { span, negated: false, kind, with: Vec::new(), generated: false }
    }

    pub(crate) fn call(span: Span, name: &str, operands: Vec<Term>) -> Self {
        let mut terms = vec![Term::operator(span, name)];
        terms.extend(operands);
        Self::new(span, ExprKind::Call(terms))
    }

    /// `left = right`, made by a rewrite.
    pub(crate) fn equality(span: Span, left: Term, right: Term) -> Self {
        let mut expr = Self::call(span, "eq", vec![left, right]);
        expr.generated = true;
        expr
    }
}

/// The name of an operator: `a.b.c` for a reference of names.
pub(crate) fn operator_name(term: &Term) -> Option<String> {
    match &term.kind {
        Kind::Var(name) => Some(name.to_string()),
        Kind::Ref(terms) => {
            let (head, rest) = terms.split_first()?;
            let mut name = head.as_var()?.to_string();
            for term in rest {
                name.push('.');
                name.push_str(term.as_string()?);
            }
            Some(name)
        }
        _ => None,
    }
}
