//! Findings about modules that do not compile.

/// A place in a module: one-based line and column, in characters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    /// The index of the module.
    pub file: u32,
    /// The line, from 1; 0 for generated parts.
    pub line: u32,
    /// The column, from 1, in characters.
    pub column: u32,
}

/// A reason why modules are refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// The code, in the terms of OPA, as `rego_parse_error`.
    pub code: &'static str,
    /// What is wrong, in a sentence.
    pub message: String,
    /// What to write instead, if there is such a sentence.
    pub help: Option<String>,
    /// The name of the module; empty if it belongs to none.
    pub file: String,
    /// The line, from 1.
    pub line: u32,
    /// The column, from 1, in characters.
    pub column: u32,
}

/// A finding before the name of its module is known.
#[derive(Clone, Debug)]
pub(crate) struct Finding {
    pub(crate) code: &'static str,
    pub(crate) message: String,
    pub(crate) help: Option<String>,
    pub(crate) span: Span,
}

impl Finding {
    pub(crate) fn new(code: &'static str, span: Span, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), help: None, span }
    }

    pub(crate) fn parse(span: Span, message: impl Into<String>) -> Self {
        Self::new(PARSE, span, message)
    }

    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    pub(crate) fn named(self, names: &[String]) -> Diagnostic {
        let file = names.get(self.span.file as usize).cloned().unwrap_or_default();
        Diagnostic {
            code: self.code,
            message: self.message,
            help: self.help,
            file,
            line: self.span.line,
            column: self.span.column,
        }
    }
}

/// The module does not follow the grammar.
pub(crate) const PARSE: &str = "rego_parse_error";
/// Names or declarations are wrong.
pub(crate) const COMPILE: &str = "rego_compile_error";
/// A variable has no value.
pub(crate) const UNSAFE: &str = "rego_unsafe_var_error";
/// Types, arities or kinds of rules are wrong.
pub(crate) const TYPE: &str = "rego_type_error";
/// A rule needs itself.
pub(crate) const RECURSION: &str = "rego_recursion_error";
