//! Modules: the package, imports, rules.

use super::ast::{Body, Import, Kind, Name, Term, Tree};
use super::lexer::Token;
use super::parser::{Parsed, Parser, Words};
use crate::diagnostic::{Finding, Span};

/// Parses the text of a module.
pub(crate) fn parse_module(text: &str, file: u32, version_1: bool) -> Parsed<Tree> {
    let mut parser = Parser::new(text, file, version_1)?;
    parser.module()
}

/// Parses the body of a query, with the grammar of version 1.
pub(crate) fn parse_query(text: &str, file: u32) -> Parsed<Body> {
    let mut parser = Parser::new(text, file, true)?;
    parser.query("")
}

impl Parser<'_> {
    fn module(&mut self) -> Parsed<Tree> {
        if !self.is_word("package") {
            return Err(self.unexpected("package").help("begin the module with `package name`"));
        }
        self.advance()?;
        let package = self.path()?;
        let mut tree =
            Tree { strict: self.strict, package, imports: Vec::new(), rules: Vec::new() };
        while self.current.token != Token::End {
            if self.is_word("import") {
                let import = self.import()?;
                tree.imports.push(import);
            } else if self.is_word("package") {
                return Err(self
                    .unexpected("rules and imports: a module has one package")
                    .help("give the second package to a module of its own"));
            } else {
                let rules = self.rules()?;
                tree.rules.extend(rules);
            }
        }
        tree.strict = self.strict;
        Ok(tree)
    }

    /// A path of names: `a.b["c"]`.
    fn path(&mut self) -> Parsed<Vec<Name>> {
        let mut path = Vec::new();
        match self.current.token.clone() {
            Token::Ident(name) => path.push(name),
            _ => return Err(self.unexpected("a name")),
        }
        self.advance()?;
        loop {
            if self.is_adjacent(".") {
                self.advance()?;
                match self.current.token.clone() {
                    Token::Ident(name) => path.push(name),
                    _ => return Err(self.unexpected("a name")),
                }
                self.advance()?;
            } else if self.is_adjacent("[") {
                self.advance()?;
                match self.current.token.clone() {
                    Token::String(text) => path.push(text),
                    _ => return Err(self.unexpected("a string: paths are constant")),
                }
                self.advance()?;
                self.expect_sign("]", "`]`")?;
            } else {
                return Ok(path);
            }
        }
    }

    fn import(&mut self) -> Parsed<Import> {
        let span = self.span();
        self.advance()?;
        let path = self.path()?;
        let mut alias = None;
        if self.is_word("as") {
            self.advance()?;
            match self.current.token.clone() {
                Token::Ident(name) if !self.is_keyword(&name) && !super::is_root(&name) => {
                    alias = Some(name);
                }
                _ => return Err(self.unexpected("a variable")),
            }
            self.advance()?;
        }
        match path.first().map_or("", |root| &**root) {
            "future" => self.future(span, &path, alias.is_some())?,
            "rego" => {
                if path.len() != 2 || path.get(1).is_none_or(|name| &**name != "v1") {
                    return Err(Finding::parse(span, "invalid import, must be `rego.v1`"));
                }
                if alias.is_some() {
                    return Err(Finding::parse(span, "`rego` imports cannot be aliased"));
                }
                self.words = Words { not: self.words.not, ..Words::all() };
                self.strict = true;
            }
            "data" | "input" => {}
            _ => {
                return Err(Finding::parse(
                    span,
                    "unexpected import path, must begin with one of: {data, future, input, rego}",
                )
                .help(format!("write `import data.{}`", path.join("."))));
            }
        }
        Ok(Import { span, path, alias })
    }

    fn future(&mut self, span: Span, path: &[Name], aliased: bool) -> Parsed<()> {
        let parts: Vec<&str> = path.iter().map(|part| &**part).collect();
        if aliased {
            return Err(Finding::parse(span, "`future` imports cannot be aliased"));
        }
        match parts.as_slice() {
            ["future", "keywords"] => self.words = Words { not: true, ..Words::all() },
            ["future", "keywords", "not"] => self.words.not = true,
            ["future", "keywords", "contains"] => self.words.contains = true,
            ["future", "keywords", "every"] => {
                self.words.every = true;
                self.words.r#in = true;
            }
            ["future", "keywords", "if"] => self.words.r#if = true,
            ["future", "keywords", "in"] => self.words.r#in = true,
            _ => {
                return Err(Finding::parse(
                    span,
                    "unexpected keyword, must be one of [contains every if in not]",
                ));
            }
        }
        Ok(())
    }
}

/// The reference to a path under a root: `data.a.b`.
pub(crate) fn reference(span: Span, path: &[Name]) -> Term {
    let mut terms = Vec::with_capacity(path.len());
    for (index, part) in path.iter().enumerate() {
        terms.push(if index == 0 { Term::var(span, part) } else { Term::string(span, part) });
    }
    Term::new(span, Kind::Ref(terms))
}
