//! Tokens.

use std::sync::Arc;

use super::ast::Name;
use crate::diagnostic::{Finding, Span};

/// A kind of token, with its text where it has one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Token {
    End,
    /// A name, keywords among them.
    Ident(Name),
    Number(Name),
    String(Name),
    /// The start of a template; `true` between backticks. The parser reads the rest.
    Template(bool),
    /// Brackets, operators and other signs.
    Sign(&'static str),
}

/// All signs, the longest first.
const SIGNS: [&str; 25] = [
    ":=", "==", "!=", "<=", ">=", "{", "}", "[", "]", "(", ")", ",", ".", ":", ";", "=", "<", ">",
    "+", "-", "*", "/", "%", "&", "|",
];
const DIGITS_MAX: usize = 4_300;
const EXPONENT_MAX: usize = 400;

/// A position in the text.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Position {
    pub(crate) at: usize,
    pub(crate) line: u32,
    pub(crate) column: u32,
}

pub(crate) struct Lexer<'a> {
    text: &'a str,
    file: u32,
    pub(crate) position: Position,
}

/// A token with its place.
#[derive(Clone, Debug)]
pub(crate) struct Lexeme {
    pub(crate) token: Token,
    pub(crate) span: Span,
    pub(crate) start: usize,
    /// White space or a comment stands before it.
    pub(crate) spaced: bool,
    /// A line ends before it.
    pub(crate) newline: bool,
}

impl<'a> Lexer<'a> {
    pub(crate) fn new(text: &'a str, file: u32) -> Self {
        let at = if text.starts_with('\u{feff}') { 3 } else { 0 };
        Self { text, file, position: Position { at, line: 1, column: 1 } }
    }

    pub(crate) fn rest(&self) -> &'a str {
        self.text.get(self.position.at..).unwrap_or_default()
    }

    pub(crate) fn span(&self) -> Span {
        Span { file: self.file, line: self.position.line, column: self.position.column }
    }

    pub(crate) fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    pub(crate) fn bump(&mut self) -> Option<char> {
        let next = self.peek()?;
        self.position.at += next.len_utf8();
        if next == '\n' {
            self.position.line += 1;
            self.position.column = 1;
        } else {
            self.position.column += 1;
        }
        Some(next)
    }

    /// Reads the next token.
    pub(crate) fn next(&mut self) -> Result<Lexeme, Finding> {
        let before = self.position;
        let spaced = self.skip();
        let (start, span) = (self.position.at, self.span());
        let newline = self.position.line > before.line;
        let token = self.token()?;
        Ok(Lexeme { token, span, start, spaced, newline })
    }

    fn skip(&mut self) -> bool {
        let start = self.position.at;
        loop {
            match self.peek() {
                Some(' ' | '\t' | '\r' | '\n') => {
                    self.bump();
                }
                Some('#') => {
                    while self.peek().is_some_and(|next| next != '\n') {
                        self.bump();
                    }
                }
                _ => return self.position.at > start,
            }
        }
    }

    fn token(&mut self) -> Result<Token, Finding> {
        let Some(first) = self.peek() else {
            return Ok(Token::End);
        };
        match first {
            'a'..='z' | 'A'..='Z' | '_' => Ok(Token::Ident(self.word().into())),
            '0'..='9' => self.number(),
            '"' => self.quoted(),
            '`' => self.raw(),
            '$' => self.template(),
            _ => self.sign(first),
        }
    }

    fn word(&mut self) -> &'a str {
        let rest = self.rest();
        let is_end = |next: char| !next.is_ascii_alphanumeric() && next != '_';
        let length = rest.find(is_end).unwrap_or(rest.len());
        self.advance(length)
    }

    /// Passes bytes of one line, all of them ASCII.
    fn advance(&mut self, length: usize) -> &'a str {
        let text = self.rest().get(..length).unwrap_or_default();
        self.position.at += length;
        self.position.column += u32::try_from(length).unwrap_or(u32::MAX);
        text
    }

    fn sign(&mut self, first: char) -> Result<Token, Finding> {
        let rest = self.rest();
        if let Some(sign) = SIGNS.iter().find(|sign| rest.starts_with(**sign)) {
            self.advance(sign.len());
            return Ok(Token::Sign(sign));
        }
        let finding = Finding::parse(self.span(), format!("illegal token {first:?}"));
        Err(match first {
            '\'' => finding.help("write strings between double quotes: \"text\""),
            '!' => finding.help("write `not x`, or `x != y`"),
            _ => finding,
        })
    }

    fn number(&mut self) -> Result<Token, Finding> {
        let span = self.span();
        let rest = self.rest().as_bytes();
        let digits = |from: usize| {
            let tail = rest.get(from..).unwrap_or_default();
            tail.iter().take_while(|byte| byte.is_ascii_digit()).count()
        };
        let whole = digits(0);
        let mut end = whole;
        if whole > 1 && rest.first() == Some(&b'0') {
            return Err(Finding::parse(span, "expected number without leading zero"));
        }
        if rest.get(end) == Some(&b'.') {
            let fraction = digits(end + 1);
            if fraction == 0 {
                return Err(Finding::parse(span, "expected digits after the decimal point"));
            }
            end += 1 + fraction;
        }
        let mantissa = end;
        let mut exponent = 0;
        if matches!(rest.get(end), Some(b'e' | b'E')) {
            let sign = usize::from(matches!(rest.get(end + 1), Some(b'+' | b'-')));
            let power = digits(end + 1 + sign);
            if power == 0 {
                return Err(Finding::parse(span, "expected digits of the exponent"));
            }
            let from = end + 1 + sign;
            end = from + power;
            let text = self.rest().get(from..end).unwrap_or_default();
            exponent = text.parse().unwrap_or(usize::MAX);
        }
        let follows_word =
            rest.get(end).is_some_and(|next| next.is_ascii_alphabetic() || *next == b'_');
        if follows_word {
            return Err(Finding::parse(span, "illegal number format"));
        }
        if mantissa > DIGITS_MAX || exponent > EXPONENT_MAX {
            let message = format!(
                "a number has more than {DIGITS_MAX} digits or an exponent beyond {EXPONENT_MAX}"
            );
            return Err(Finding::new("rego_number_error", span, message));
        }
        Ok(Token::Number(self.advance(end).into()))
    }

    fn raw(&mut self) -> Result<Token, Finding> {
        let span = self.span();
        self.bump();
        let rest = self.rest();
        let Some(length) = rest.find('`') else {
            return Err(Finding::parse(span, "non-terminated string"));
        };
        let text = rest.get(..length).unwrap_or_default();
        for _ in 0..=text.chars().count() {
            self.bump();
        }
        Ok(Token::String(text.into()))
    }

    fn quoted(&mut self) -> Result<Token, Finding> {
        let span = self.span();
        self.bump();
        let mut text = String::new();
        loop {
            match self.bump() {
                Some('"') => return Ok(Token::String(text.into())),
                Some('\\') => text.push(self.escape(false)?),
                Some('\n') | None => {
                    return Err(Finding::parse(span, "non-terminated string")
                        .help("write text of several lines between backticks"));
                }
                Some(next) if next < ' ' && next != '\t' => {
                    return Err(Finding::parse(span, "illegal control character in a string"));
                }
                Some(next) => text.push(next),
            }
        }
    }

    /// The character that an escape stands for; its backslash was read.
    pub(crate) fn escape(&mut self, in_template: bool) -> Result<char, Finding> {
        let span = self.span();
        let illegal = || Finding::parse(span, "illegal escape sequence");
        Ok(match self.bump() {
            Some('n') => '\n',
            Some('t') => '\t',
            Some('r') => '\r',
            Some('b') => '\u{8}',
            Some('f') => '\u{c}',
            Some('/') => '/',
            Some('\\') => '\\',
            Some('"') => '"',
            Some('{') if in_template => '{',
            Some('u') => {
                let first = self.hex().ok_or_else(illegal)?;
                self.scalar(first)
            }
            _ => {
                return Err(
                    illegal().help("write backslashes twice, or the text between backticks")
                );
            }
        })
    }

    /// A character of a code unit, with the other half of a pair if it follows.
    fn scalar(&mut self, first: u32) -> char {
        if (0xd800..0xdc00).contains(&first) && self.rest().starts_with("\\u") {
            let before = self.position;
            self.bump();
            self.bump();
            if let Some(second) = self.hex().filter(|unit| (0xdc00..0xe000).contains(unit)) {
                let code = 0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00);
                return char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER);
            }
            self.position = before;
        }
        char::from_u32(first).unwrap_or(char::REPLACEMENT_CHARACTER)
    }

    fn hex(&mut self) -> Option<u32> {
        let mut value = 0;
        for _ in 0..4 {
            value = value * 16 + self.bump()?.to_digit(16)?;
        }
        Some(value)
    }

    fn template(&mut self) -> Result<Token, Finding> {
        let span = self.span();
        self.bump();
        match self.bump() {
            Some('"') => Ok(Token::Template(false)),
            Some('`') => Ok(Token::Template(true)),
            _ => Err(Finding::parse(span, "expected a string after `$`")),
        }
    }

    /// Text of a template until an expression or its end: whether an expression follows.
    pub(crate) fn template_text(&mut self, raw: bool) -> Result<(Arc<str>, bool), Finding> {
        let span = self.span();
        let mut text = String::new();
        let close = if raw { '`' } else { '"' };
        loop {
            match self.bump() {
                Some('{') => return Ok((text.into(), true)),
                Some(next) if next == close => return Ok((text.into(), false)),
                Some('\\') if raw => {
                    if self.peek() == Some('{') {
                        self.bump();
                        text.push('{');
                    } else {
                        text.push('\\');
                    }
                }
                Some('\\') => text.push(self.escape(true)?),
                Some('\n') if !raw => return Err(Finding::parse(span, "non-terminated string")),
                None => return Err(Finding::parse(span, "non-terminated string")),
                Some(next) => text.push(next),
            }
        }
    }
}
