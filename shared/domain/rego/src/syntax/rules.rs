//! Rules: heads, bodies, branches.

use super::ast::{Body, Branch, Expr, ExprKind, Head, Kind, Rule, Term, operator_name};
use super::lexer::Token;
use super::parser::{Parsed, Parser};
use crate::diagnostic::{Finding, Span};

const IF_HELP: &str = "this is the syntax before OPA 1.0: write `allow if { ... }` and `deny contains x if { ... }`, or say that the module has version 0";

/// What the words of a head said.
struct Form {
    is_default: bool,
    contains: bool,
    has_if: bool,
}

impl Parser<'_> {
    /// A rule, or several if bodies are chained.
    pub(super) fn rules(&mut self) -> Parsed<Vec<Rule>> {
        let span = self.span();
        let is_default = self.is_word("default");
        if is_default {
            self.advance()?;
        }
        let mut head = self.rule_head(span)?;
        let contains = head.element.is_some();
        if is_default {
            return self.default_rule(span, head, contains);
        }
        let mut form = Form { is_default, contains, has_if: false };
        let body = self.rule_body(&mut form, &head)?;
        let has_value = head.value.is_some();
        self.settle_head(&mut head, &form, body.is_some())?;
        if body.is_none() && !has_value && !contains && self.strict {
            return Err(no_rule(&head));
        }
        let body = body.unwrap_or_else(|| fact(span));
        let branches = self.branches(&head)?;
        let mut rules =
            vec![Rule { span, is_default: false, head, body, branches, branch_args: Vec::new() }];
        while self.is_sign("{") {
            self.chained(&mut rules)?;
        }
        Ok(rules)
    }

    fn chained(&mut self, rules: &mut Vec<Rule>) -> Parsed<()> {
        let span = self.span();
        let Some(first) = rules.first() else {
            return Ok(());
        };
        if !first.branches.is_empty() {
            return Err(Finding::parse(span, "expected else keyword"));
        }
        let mut next = first.clone();
        self.advance()?;
        next.span = span;
        next.body = self.deeper(|parser| parser.body("}"))?;
        rules.push(next);
        Ok(())
    }

    fn default_rule(&mut self, span: Span, mut head: Head, contains: bool) -> Parsed<Vec<Rule>> {
        if contains {
            return Err(Finding::parse(span, "default rules cannot be partial sets")
                .help("a set without elements is `set()` already"));
        }
        let value = head.value.get_or_insert_with(|| Term::new(span, Kind::Bool(true)));
        if let Some(what) = not_constant(value) {
            return Err(Finding::parse(
                span,
                format!("illegal default rule (value cannot contain {what})"),
            ));
        }
        for arg in head.args.iter().flatten() {
            if arg.as_var().is_none() {
                return Err(Finding::parse(
                    span,
                    "illegal default rule (arguments must be variables)",
                ));
            }
        }
        if self.is_word("if") || self.is_sign("{") {
            return Err(self.unexpected("no body: a default rule has a value alone"));
        }
        let body = fact(span);
        let rule = Rule {
            span,
            is_default: true,
            head,
            body,
            branches: Vec::new(),
            branch_args: Vec::new(),
        };
        Ok(vec![rule])
    }

    fn rule_head(&mut self, span: Span) -> Parsed<Head> {
        let name = match &self.current.token {
            Token::Ident(name) => name.clone(),
            Token::End => return Err(self.unexpected("a rule")),
            _ => {
                let what = self.describe();
                return Err(Finding::parse(span, format!("{what} cannot be used for rule name"))
                    .help("begin a rule with its name: `allow if { ... }`"));
            }
        };
        let is_contains = &*name == "contains" && self.words.contains;
        if (self.is_keyword(&name) || is_contains || (&*name == "every" && self.words.every))
            && !self.is_reference()
        {
            return Err(self.unexpected("the name of a rule"));
        }
        self.advance()?;
        let term = Term::var(span, &name);
        let term = self.finish(term)?;
        let (reference, args) = match term.kind {
            Kind::Var(_) => (vec![term], None),
            Kind::Ref(terms) => (terms, None),
            Kind::Call(mut terms) => {
                let args = terms.split_off(1);
                let operator = terms.pop().map(|term| term.kind);
                match operator {
                    // Without arguments it is a rule, as in the reference.
                    Some(Kind::Ref(terms)) => (terms, Some(args).filter(|args| !args.is_empty())),
                    _ => return Err(Finding::parse(span, "illegal name of a function")),
                }
            }
            _ => return Err(Finding::parse(span, "illegal name of a rule")),
        };
        let mut head = Head { span, reference, args, element: None, value: None };
        if self.is_word("contains") {
            if head.args.is_some() {
                return Err(self.unexpected("`=` or `if`: a function is no partial set"));
            }
            self.advance()?;
            head.element = Some(self.infix(true)?);
        } else if self.is_sign(":=") || self.is_sign("=") {
            self.advance()?;
            head.value = Some(self.infix(true)?);
        }
        Ok(head)
    }

    /// The body of a rule, if there is one.
    fn rule_body(&mut self, form: &mut Form, head: &Head) -> Parsed<Option<Body>> {
        if self.is_word("if") {
            self.advance()?;
            form.has_if = true;
            return self.if_body().map(Some);
        }
        if !self.is_sign("{") {
            return Ok(None);
        }
        if self.strict {
            let what = if head.args.is_some() { "function" } else { "rule" };
            let message = format!("`if` keyword is required before {what} body");
            return Err(Finding::parse(self.span(), message).help(IF_HELP));
        }
        self.advance()?;
        self.deeper(|parser| parser.body("}")).map(Some)
    }

    /// What follows `if`: one expression, or a body.
    fn if_body(&mut self) -> Parsed<Body> {
        if !self.is_sign("{") {
            return Ok(vec![self.literal()?]);
        }
        let saved = self.save();
        let wildcards = self.wildcards;
        match self.literal() {
            Ok(expr) if !is_set(&expr) => return Ok(vec![expr]),
            Err(finding) if finding.code != crate::diagnostic::PARSE => return Err(finding),
            _ => {}
        }
        self.restore(saved);
        self.wildcards = wildcards;
        self.advance()?;
        self.deeper(|parser| parser.body("}"))
    }

    /// Completes a head by what its words say.
    fn settle_head(&self, head: &mut Head, form: &Form, has_body: bool) -> Parsed<()> {
        if form.contains || head.value.is_some() {
            return Ok(());
        }
        let is_old_set =
            !form.has_if && !form.is_default && head.args.is_none() && head.reference.len() == 2;
        if is_old_set {
            if self.strict {
                return Err(Finding::parse(
                    head.span,
                    "`contains` keyword is required for partial set rules",
                )
                .help(IF_HELP));
            }
            head.element = head.reference.pop();
            return Ok(());
        }
        if has_body || !head.reference.is_empty() {
            if !has_body && (head.args.is_some() || head.reference.len() == 1) {
                return Err(no_rule(head));
            }
            head.value = Some(Term::new(head.span, Kind::Bool(true)));
        }
        Ok(())
    }

    fn branches(&mut self, head: &Head) -> Parsed<Vec<Branch>> {
        let mut branches = Vec::new();
        while self.is_word("else") {
            let span = self.span();
            if head.element.is_some() {
                return Err(Finding::parse(
                    span,
                    "unexpected else keyword: else keyword cannot be used on multi-value rules",
                )
                .help("write a second rule instead"));
            }
            self.advance()?;
            let mut value = Term::new(span, Kind::Bool(true));
            let mut has_value = false;
            if self.is_sign(":=") || self.is_sign("=") {
                self.advance()?;
                value = self.infix(true)?;
                has_value = true;
            }
            let body = if self.is_word("if") {
                self.advance()?;
                self.if_body()?
            } else if self.is_sign("{") {
                if self.strict {
                    return Err(Finding::parse(
                        self.span(),
                        "`if` keyword is required before rule body",
                    )
                    .help(IF_HELP));
                }
                self.advance()?;
                self.deeper(|parser| parser.body("}"))?
            } else if has_value {
                fact(span)
            } else {
                return Err(self.unexpected("a value or a body of else"));
            };
            branches.push(Branch { span, value, body });
        }
        Ok(branches)
    }
}

fn fact(span: Span) -> Body {
    let mut expr = Expr::new(span, ExprKind::Term(Term::new(span, Kind::Bool(true))));
    expr.generated = true;
    vec![expr]
}

fn is_set(expr: &Expr) -> bool {
    matches!(&expr.kind, ExprKind::Term(Term { kind: Kind::Set(_), .. }))
}

fn no_rule(head: &Head) -> Finding {
    let operator = Term::new(head.span, Kind::Ref(head.reference.clone()));
    let name = operator_name(&operator).unwrap_or_else(|| "this".to_owned());
    Finding::parse(head.span, format!("{name} alone is no rule"))
        .help(format!("write `{name} := value`, `{name} if ...` or `{name} contains value`"))
}

/// What a value has that is no constant.
fn not_constant(term: &Term) -> Option<&'static str> {
    match &term.kind {
        Kind::Var(_) => Some("var"),
        Kind::Ref(_) => Some("ref"),
        Kind::Call(_) | Kind::Template(_) => Some("call"),
        Kind::Array(terms) | Kind::Set(terms) => terms.iter().find_map(not_constant),
        Kind::Object(members) => members
            .iter()
            .find_map(|(key, value)| not_constant(key).or_else(|| not_constant(value))),
        _ => None,
    }
}
