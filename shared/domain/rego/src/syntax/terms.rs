//! Terms: references, calls, collections, comprehensions, operators.

use super::ast::{Body, Kind, Part, Term};
use super::lexer::Token;
use super::parser::{CHAIN_MAX, Parsed, Parser, too_deep};
use crate::diagnostic::Finding;

/// The operators of one precedence, with the functions that they stand for.
type Level = &'static [(&'static str, &'static str)];

const LEVELS: [Level; 5] = [
    &[("==", "equal"), ("!=", "neq"), ("<", "lt"), (">", "gt"), ("<=", "lte"), (">=", "gte")],
    &[("|", "or")],
    &[("&", "and")],
    &[("+", "plus"), ("-", "minus")],
    &[("*", "mul"), ("/", "div"), ("%", "rem")],
];

impl Parser<'_> {
    /// A term with operators; with `pairs`, also `k, v in xs`.
    pub(super) fn infix(&mut self, pairs: bool) -> Parsed<Term> {
        let left = self.operators(0)?;
        self.membership(left, pairs, 0)
    }

    fn membership(&mut self, left: Term, pairs: bool, chain: usize) -> Parsed<Term> {
        let mut left = left;
        for _ in chain..CHAIN_MAX {
            if pairs && self.is_sign(",") {
                let saved = self.save();
                match self.pair(&left)? {
                    Some(call) => {
                        left = call;
                        if self.is_word("in") {
                            continue;
                        }
                    }
                    None => self.restore(saved),
                }
                return Ok(left);
            }
            if !self.is_word("in") {
                return Ok(left);
            }
            self.advance()?;
            let right = self.operators(0)?;
            left = call(left.span, "internal.member_2", vec![left, right]);
            if !self.is_word("in") {
                return Ok(left);
            }
        }
        Err(too_deep(self.span()))
    }

    /// `, value in domain` behind a key.
    fn pair(&mut self, key: &Term) -> Parsed<Option<Term>> {
        self.advance()?;
        let Ok(value) = self.operators(0) else {
            return Ok(None);
        };
        if !self.is_word("in") {
            return Ok(None);
        }
        self.advance()?;
        let domain = self.operators(0)?;
        Ok(Some(call(key.span, "internal.member_3", vec![key.clone(), value, domain])))
    }

    /// A term with operators of this precedence or a higher one.
    pub(super) fn operators(&mut self, level: usize) -> Parsed<Term> {
        let Some(operators) = LEVELS.get(level) else {
            return self.term();
        };
        let mut left = self.operators(level + 1)?;
        for _ in 0..CHAIN_MAX {
            let Token::Sign(sign) = self.current.token else {
                return Ok(left);
            };
            let Some((_, name)) = operators.iter().find(|(operator, _)| *operator == sign) else {
                return Ok(left);
            };
            self.advance()?;
            let right = self.operators(level + 1)?;
            left = call(left.span, name, vec![left, right]);
        }
        Err(too_deep(self.span()))
    }

    pub(super) fn term(&mut self) -> Parsed<Term> {
        let span = self.span();
        let kind = match self.current.token.clone() {
            Token::Number(digits) => {
                self.advance()?;
                Kind::Number(digits)
            }
            Token::String(text) => {
                self.advance()?;
                Kind::String(text)
            }
            Token::Template(raw) => self.template(raw)?,
            Token::Ident(name) => return self.name(&name),
            Token::Sign("-") => return self.deeper(Self::negative),
            Token::Sign("(") => return self.parenthesis(),
            Token::Sign("[") => self.deeper(Self::array)?,
            Token::Sign("{") => self.deeper(Self::braces)?,
            Token::Sign(_) | Token::End => return Err(self.unexpected("")),
        };
        self.finish(Term::new(span, kind))
    }

    fn negative(&mut self) -> Parsed<Term> {
        let span = self.span();
        self.advance()?;
        if let Token::Number(digits) = self.current.token.clone() {
            self.advance()?;
            return self.finish(Term::new(span, Kind::Number(format!("-{digits}").into())));
        }
        let operand = self.term()?;
        let zero = Term::new(span, Kind::Number("0".into()));
        Ok(call(span, "minus", vec![zero, operand]))
    }

    fn parenthesis(&mut self) -> Parsed<Term> {
        let inner = self.deeper(|parser| {
            parser.advance()?;
            let inner = parser.infix(true)?;
            if !parser.is_sign(")") {
                return Err(parser.unexpected("`)`"));
            }
            Ok(inner)
        })?;
        self.advance()?;
        self.finish(inner)
    }

    /// A word: a constant, a variable, a reference or a call.
    fn name(&mut self, name: &str) -> Parsed<Term> {
        let span = self.span();
        let is_head = self.is_reference();
        let kind = match name {
            "null" if !is_head => Kind::Null,
            "true" if !is_head => Kind::Bool(true),
            "false" if !is_head => Kind::Bool(false),
            "set" if self.lexer.rest().starts_with('(') => return self.empty_set(),
            _ if self.is_keyword(name) && !is_head => {
                return Err(self.unexpected(""));
            }
            "_" => {
                self.wildcards += 1;
                Kind::Var(format!("$_{}", self.wildcards).into())
            }
            _ => Kind::Var(name.into()),
        };
        self.advance()?;
        self.finish(Term::new(span, kind))
    }

    fn empty_set(&mut self) -> Parsed<Term> {
        let span = self.span();
        self.advance()?;
        self.advance()?;
        self.expect_sign(")", "`)`: the empty set is `set()`, and others are written `{1, 2}`")?;
        self.finish(Term::new(span, Kind::Set(Vec::new())))
    }

    /// The operands behind a head.
    pub(super) fn finish(&mut self, head: Term) -> Parsed<Term> {
        let span = head.span;
        if !(self.is_adjacent(".") || self.is_adjacent("[") || self.is_adjacent("(")) {
            return Ok(match head.as_var() {
                Some(name) if is_root(name) => Term::new(span, Kind::Ref(vec![head])),
                _ => head,
            });
        }
        check_head(&head)?;
        let mut terms = vec![head];
        loop {
            if self.is_adjacent(".") {
                self.advance()?;
                let Token::Ident(name) = self.current.token.clone() else {
                    return Err(self.unexpected("identifier after `.`"));
                };
                if self.current.spaced {
                    return Err(self.unexpected("identifier directly after `.`"));
                }
                terms.push(Term::string(self.span(), &name));
                self.advance()?;
            } else if self.is_adjacent("[") {
                let operand = self.deeper(|parser| {
                    parser.advance()?;
                    let operand = parser.infix(true)?;
                    if parser.is_sign("]") { Ok(operand) } else { Err(parser.unexpected("`]`")) }
                })?;
                self.advance()?;
                terms.push(operand);
            } else if self.is_adjacent("(") {
                return self.call(terms);
            } else {
                return Ok(Term::new(span, Kind::Ref(terms)));
            }
            if terms.len() > 1_000 {
                return Err(too_deep(self.span()));
            }
        }
    }

    fn call(&mut self, operator: Vec<Term>) -> Parsed<Term> {
        let span = operator.first().map(|head| head.span).unwrap_or_default();
        let operator = Term::new(span, Kind::Ref(operator));
        if super::ast::operator_name(&operator).is_none() {
            return Err(Finding::parse(span, "only named functions can be called")
                .help("write the name of a rule or a builtin before `(`"));
        }
        let mut terms = vec![operator];
        let operands = self.deeper(|parser| {
            parser.advance()?;
            parser.list(")")
        })?;
        terms.extend(operands);
        let call = Term::new(span, Kind::Call(terms));
        if self.is_adjacent("(") {
            return Err(self.unexpected("the end of the call: a result cannot be called"));
        }
        // A chain of calls and references is a loop of bounded depth.
        self.deeper(|parser| parser.finish(call))
    }

    /// Terms between commas, and the closing sign.
    fn list(&mut self, close: &'static str) -> Parsed<Vec<Term>> {
        let mut terms = Vec::new();
        loop {
            if self.take_sign(close)? {
                return Ok(terms);
            }
            terms.push(self.infix(false)?);
            if !self.take_sign(",")? {
                self.expect_sign(close, &format!("`,` or `{close}`"))?;
                return Ok(terms);
            }
        }
    }

    fn array(&mut self) -> Parsed<Kind> {
        self.advance()?;
        if let Some((head, body)) = self.comprehension("]", Self::head)? {
            return Ok(Kind::ArrayCompr(Box::new(head), body));
        }
        Ok(Kind::Array(self.list("]")?))
    }

    /// The head of a comprehension: a term without operators, as the reference has it.
    fn head(&mut self) -> Parsed<Term> {
        self.term()
    }

    fn head_pair(&mut self) -> Parsed<(Term, Term)> {
        // The key may have operators, the value not.
        let key = self.infix(false)?;
        self.expect_sign(":", "`:`")?;
        Ok((key, self.term()?))
    }

    /// Tries a comprehension; its opening bracket was read.
    fn comprehension<T>(
        &mut self,
        close: &'static str,
        head: impl Fn(&mut Self) -> Parsed<T>,
    ) -> Parsed<Option<(T, Body)>> {
        let start = self.current.start;
        let key = start * 2 + usize::from(std::mem::size_of::<T>() > std::mem::size_of::<Term>());
        if self.no_comprehension.contains(&key) {
            return Ok(None);
        }
        let saved = self.save();
        let mut parse = || -> Parsed<Option<(T, Body)>> {
            let head = head(self)?;
            if !self.is_sign("|") {
                return Ok(None);
            }
            self.advance()?;
            let body = self.body(close)?;
            Ok(Some((head, body)))
        };
        let failure = match parse() {
            Ok(Some(found)) => return Ok(Some(found)),
            Ok(None) => None,
            Err(finding) => Some(finding),
        };
        if let Some(finding) = failure
            && finding.code != crate::diagnostic::PARSE
        {
            return Err(finding);
        }
        self.no_comprehension.insert(key);
        self.restore(saved);
        Ok(None)
    }

    fn braces(&mut self) -> Parsed<Kind> {
        self.advance()?;
        if self.take_sign("}")? {
            return Ok(Kind::Object(Vec::new()));
        }
        if let Some((head, body)) = self.comprehension("}", Self::head_pair)? {
            return Ok(Kind::ObjectCompr(Box::new(head), body));
        }
        if let Some((head, body)) = self.comprehension("}", Self::head)? {
            return Ok(Kind::SetCompr(Box::new(head), body));
        }
        let first = self.infix(false)?;
        if self.is_sign(":") {
            return self.object(first);
        }
        let mut terms = vec![first];
        if self.take_sign(",")? {
            terms.extend(self.list("}")?);
        } else {
            self.expect_sign("}", "`,` or `}`")?;
        }
        Ok(Kind::Set(terms))
    }

    /// The members of an object; its first key was read.
    fn object(&mut self, first: Term) -> Parsed<Kind> {
        let mut members = Vec::new();
        let mut key = first;
        loop {
            self.expect_sign(":", "`:`")?;
            let value = self.infix(false)?;
            members.push((key, value));
            let more = self.take_sign(",")?;
            if self.take_sign("}")? {
                return Ok(Kind::Object(members));
            }
            if !more {
                return Err(self.unexpected("`,` or `}`"));
            }
            key = self.infix(false)?;
        }
    }

    fn template(&mut self, raw: bool) -> Parsed<Kind> {
        self.deeper(|parser| {
            // The lexer stands behind the opening quote, and so does the current token's end.
            let mut parts = Vec::new();
            loop {
                let (text, more) = parser.lexer.template_text(raw)?;
                if !text.is_empty() {
                    parts.push(Part::Text(text));
                }
                if !more {
                    parser.advance()?;
                    return Ok(Kind::Template(parts));
                }
                parser.advance()?;
                if parser.is_sign("}") {
                    return Err(Finding::parse(parser.span(), "empty template expression")
                        .help("write `\\{` for a brace"));
                }
                let expr = parser.template_expr()?;
                if !parser.is_sign("}") {
                    return Err(parser.unexpected("`}` behind the expression of a template"));
                }
                parts.push(Part::Expr(Box::new(expr)));
            }
        })
    }
}

fn call(span: crate::diagnostic::Span, name: &str, operands: Vec<Term>) -> Term {
    let mut terms = vec![Term::operator(span, name)];
    terms.extend(operands);
    Term::new(span, Kind::Call(terms))
}

pub(crate) fn is_root(name: &str) -> bool {
    name == "input" || name == "data"
}

fn check_head(head: &Term) -> Parsed<()> {
    let what = match &head.kind {
        Kind::Null => "null",
        Kind::Bool(_) => "boolean",
        Kind::Number(_) => "number",
        Kind::String(_) | Kind::Template(_) => "string",
        Kind::Ref(_) => "ref",
        _ => return Ok(()),
    };
    Err(Finding::parse(head.span, format!("illegal ref (head cannot be {what})"))
        .help("give the value to a variable first: `x := ...`, then `x.name`"))
}
