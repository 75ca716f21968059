//! The state of the parser: the current token, the bounds, the words that are keywords.

use std::collections::HashSet;

use super::lexer::{Lexeme, Lexer, Position, Token};
use crate::diagnostic::{Finding, Span};

/// How deep brackets may be nested.
pub(crate) const NESTING_MAX: usize = 64;
/// How deep operators without brackets may be nested, as in `a + b + c`.
pub(crate) const CHAIN_MAX: usize = 200;

pub(super) type Parsed<T> = Result<T, Finding>;

/// The words that are keywords in every version.
const RESERVED: [&str; 11] =
    ["as", "default", "else", "false", "import", "package", "not", "null", "some", "true", "with"];

/// Which of the newer keywords a module uses.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Words {
    pub(crate) contains: bool,
    pub(crate) every: bool,
    pub(crate) r#if: bool,
    pub(crate) r#in: bool,
    /// `not` negates all that an expression needs, and takes a body.
    pub(crate) not: bool,
}

impl Words {
    pub(crate) fn all() -> Self {
        Self { contains: true, every: true, r#if: true, r#in: true, not: false }
    }
}

pub(crate) struct Parser<'a> {
    pub(super) lexer: Lexer<'a>,
    pub(super) current: Lexeme,
    pub(super) words: Words,
    /// Whether the rules of version 1 hold.
    pub(super) strict: bool,
    pub(super) depth: usize,
    /// Where a comprehension was tried in vain.
    pub(super) no_comprehension: HashSet<usize>,
    /// Counts the wildcards, which are all different variables.
    pub(super) wildcards: u32,
}

/// A place to go back to.
pub(super) struct Saved {
    position: Position,
    current: Lexeme,
    depth: usize,
}

impl<'a> Parser<'a> {
    pub(crate) fn new(text: &'a str, file: u32, version_1: bool) -> Parsed<Self> {
        let mut lexer = Lexer::new(text, file);
        let current = lexer.next()?;
        let words = if version_1 { Words::all() } else { Words::default() };
        Ok(Self {
            lexer,
            current,
            words,
            strict: version_1,
            depth: 0,
            no_comprehension: HashSet::new(),
            wildcards: 0,
        })
    }

    pub(super) fn span(&self) -> Span {
        self.current.span
    }

    pub(super) fn advance(&mut self) -> Parsed<Lexeme> {
        let next = self.lexer.next()?;
        Ok(std::mem::replace(&mut self.current, next))
    }

    pub(super) fn save(&self) -> Saved {
        Saved { position: self.lexer.position, current: self.current.clone(), depth: self.depth }
    }

    pub(super) fn restore(&mut self, saved: Saved) {
        self.lexer.position = saved.position;
        self.current = saved.current;
        self.depth = saved.depth;
    }

    pub(super) fn is_sign(&self, sign: &str) -> bool {
        matches!(self.current.token, Token::Sign(found) if found == sign)
    }

    /// Whether the token is this sign and follows the last token without a space.
    pub(super) fn is_adjacent(&self, sign: &str) -> bool {
        self.is_sign(sign) && !self.current.spaced
    }

    pub(super) fn take_sign(&mut self, sign: &str) -> Parsed<bool> {
        let found = self.is_sign(sign);
        if found {
            self.advance()?;
        }
        Ok(found)
    }

    pub(super) fn expect_sign(&mut self, sign: &str, what: &str) -> Parsed<()> {
        if self.take_sign(sign)? { Ok(()) } else { Err(self.unexpected(what)) }
    }

    /// Whether the token is this word, as a keyword and not as the head of a reference.
    pub(super) fn is_word(&self, word: &str) -> bool {
        let is_enabled = match word {
            "contains" => self.words.contains,
            "every" => self.words.every,
            "if" => self.words.r#if,
            "in" => self.words.r#in,
            _ => true,
        };
        is_enabled
            && matches!(&self.current.token, Token::Ident(found) if &**found == word)
            && !self.is_reference()
    }

    /// Whether the token is a keyword that no variable may be called by.
    pub(super) fn is_keyword(&self, name: &str) -> bool {
        RESERVED.contains(&name)
            || (name == "if" && self.words.r#if)
            || (name == "in" && self.words.r#in)
    }

    /// Whether a dot or a bracket follows the current word, so that it is the head of a reference.
    pub(super) fn is_reference(&self) -> bool {
        self.lexer.rest().starts_with('.')
    }

    pub(super) fn describe(&self) -> String {
        match &self.current.token {
            Token::End => "end of file".to_owned(),
            Token::Ident(name) if self.is_keyword(name) => format!("{name} keyword"),
            Token::Ident(name) => format!("identifier {name}"),
            Token::Number(_) => "number".to_owned(),
            Token::String(_) | Token::Template(_) => "string".to_owned(),
            Token::Sign(sign) => format!("`{sign}`"),
        }
    }

    /// An error about the current token.
    pub(super) fn unexpected(&self, expected: &str) -> Finding {
        let message = if expected.is_empty() {
            format!("unexpected {}", self.describe())
        } else {
            format!("unexpected {}: expected {expected}", self.describe())
        };
        Finding::parse(self.span(), message)
    }

    /// Goes one bracket deeper.
    pub(super) fn deeper<T>(&mut self, parse: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<T> {
        if self.depth >= NESTING_MAX {
            return Err(too_deep(self.span()));
        }
        self.depth += 1;
        let result = parse(self);
        self.depth = self.depth.saturating_sub(1);
        result
    }
}

pub(super) fn too_deep(span: Span) -> Finding {
    let message = format!(
        "brackets or signs are nested more than {NESTING_MAX} deep, or operators more than {CHAIN_MAX}"
    );
    Finding::new("rego_depth_error", span, message)
        .help("give parts of the expression to rules or variables of their own")
}
