//! Bodies and the expressions in them.

use super::ast::{Body, Every, Expr, ExprKind, Kind, Term, With, operator_name};
use super::lexer::Token;
use super::parser::{Parsed, Parser};
use crate::diagnostic::{Finding, Span};

impl Parser<'_> {
    /// Expressions up to the closing sign, which is read too. The opening one was read.
    pub(super) fn body(&mut self, close: &'static str) -> Parsed<Body> {
        let body = self.query(close)?;
        self.expect_sign(close, &format!("a new line, `;` or `{close}`"))?;
        Ok(body)
    }

    /// Expressions up to the closing sign; an empty one means the end of the text.
    pub(super) fn query(&mut self, close: &'static str) -> Parsed<Body> {
        let mut body = Body::new();
        if self.is_end(close) {
            return Err(Finding::parse(self.span(), "found empty body").help("write `true`"));
        }
        loop {
            body.push(self.literal()?);
            if self.take_sign(";")? {
                continue;
            }
            if self.is_end(close) {
                return Ok(body);
            }
            if !self.current.newline {
                return Err(self.unexpected(&format!("a new line, `;` or `{close}`")));
            }
        }
    }

    fn is_end(&self, close: &str) -> bool {
        if close.is_empty() { self.current.token == Token::End } else { self.is_sign(close) }
    }

    pub(super) fn literal(&mut self) -> Parsed<Expr> {
        let span = self.span();
        let mut negated = false;
        if self.is_word("not") {
            self.advance()?;
            negated = true;
        }
        let is_declaration = self.is_word("some") || self.is_word("every");
        if is_declaration {
            if negated {
                return Err(Finding::parse(span, format!("illegal negation of '{}'", self.word()))
                    .help("give the body to a rule of its own, and write `not rule`"));
            }
            return if self.is_word("some") { self.some() } else { self.every() };
        }
        if negated && self.words.not {
            return self.negation(span);
        }
        let mut expr = self.expression()?;
        expr.span = span;
        expr.negated = negated;
        expr.with = self.with()?;
        Ok(expr)
    }

    /// What follows the new `not`.
    fn negation(&mut self, span: Span) -> Parsed<Expr> {
        let is_body = self.is_sign("{");
        let body = if is_body {
            self.advance()?;
            self.deeper(|parser| parser.body("}"))?
        } else {
            vec![self.expression()?]
        };
        let mut expr = Expr::new(span, ExprKind::Not { body, is_body });
        expr.with = self.with()?;
        Ok(expr)
    }

    fn word(&self) -> String {
        match &self.current.token {
            Token::Ident(name) => name.to_string(),
            _ => String::new(),
        }
    }

    fn expression(&mut self) -> Parsed<Expr> {
        let span = self.span();
        let left = self.infix(true)?;
        for (sign, name) in [(":=", "assign"), ("=", "eq")] {
            if self.take_sign(sign)? {
                let right = self.infix(true)?;
                return Ok(Expr::call(span, name, vec![left, right]));
            }
        }
        Ok(match left.kind {
            Kind::Call(terms) => Expr::new(span, ExprKind::Call(terms)),
            _ => Expr::new(span, ExprKind::Term(left)),
        })
    }

    /// An expression in a string template.
    pub(super) fn template_expr(&mut self) -> Parsed<Expr> {
        let span = self.span();
        let term = self.infix(true)?;
        let mut expr = Expr::new(span, ExprKind::Term(term));
        expr.with = self.with()?;
        Ok(expr)
    }

    pub(super) fn with(&mut self) -> Parsed<Vec<With>> {
        let mut modifiers = Vec::new();
        while self.is_word("with") {
            self.advance()?;
            let target = self.term()?;
            if !matches!(target.kind, Kind::Ref(_) | Kind::Var(_)) {
                return Err(Finding::parse(target.span, "with target must be a reference").help(
                    "write `with input.x as ...`, `with data.x as ...` or `with function as ...`",
                ));
            }
            if !self.is_word("as") {
                return Err(self.unexpected("as keyword"));
            }
            self.advance()?;
            let value = self.infix(true)?;
            modifiers.push(With { target, value });
        }
        Ok(modifiers)
    }

    fn some(&mut self) -> Parsed<Expr> {
        let span = self.span();
        let saved = self.save();
        self.advance()?;
        if let Ok(term) = self.infix(true)
            && let Kind::Call(terms) = term.kind
        {
            let name = terms.first().and_then(operator_name).unwrap_or_default();
            if !name.starts_with("internal.member_") {
                return Err(Finding::parse(span, "expected `x in xs` or `x, y in xs` expression"));
            }
            let mut expr = Expr::new(span, ExprKind::SomeIn(terms));
            expr.with = self.with()?;
            return Ok(expr);
        }
        self.restore(saved);
        self.advance()?;
        let mut names = Vec::new();
        loop {
            let span = self.span();
            match self.current.token.clone() {
                Token::Ident(name) if !self.is_keyword(&name) => names.push(Term::var(span, &name)),
                _ => return Err(self.unexpected("a variable")),
            }
            self.advance()?;
            if !self.take_sign(",")? {
                let mut expr = Expr::new(span, ExprKind::SomeVars(names));
                expr.with = self.with()?;
                return Ok(expr);
            }
        }
    }

    fn every(&mut self) -> Parsed<Expr> {
        let span = self.span();
        self.advance()?;
        let wrong = || {
            Finding::parse(span, "expected `x[, y] in xs { ... }` expression")
                .help("write `every x in xs { ... }` or `every k, v in xs { ... }`")
        };
        let Kind::Call(terms) = self.infix(true)?.kind else {
            return Err(wrong());
        };
        let name = terms.first().and_then(operator_name).unwrap_or_default();
        let mut operands = terms.into_iter().skip(1);
        let key = match &*name {
            "internal.member_3" => operands.next(),
            "internal.member_2" => None,
            _ => return Err(wrong()),
        };
        let (Some(value), Some(domain)) = (operands.next(), operands.next()) else {
            return Err(wrong());
        };
        let are_variables =
            value.as_var().is_some() && key.as_ref().is_none_or(|key| key.as_var().is_some());
        if !are_variables {
            return Err(Finding::parse(span, "expected a variable before `in`"));
        }
        self.expect_sign("{", "`{`: the body of every")?;
        let body = self.deeper(|parser| parser.body("}"))?;
        let every = Every { key, value, domain, body };
        let mut expr = Expr::new(span, ExprKind::Every(Box::new(every)));
        expr.with = self.with()?;
        Ok(expr)
    }
}
