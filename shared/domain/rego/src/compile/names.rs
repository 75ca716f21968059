//! Names that no module can write.

use std::cell::Cell;

use crate::diagnostic::Span;
use crate::syntax::ast::{Name, Term};

/// Makes variables that no module can write.
#[derive(Debug, Default)]
pub(crate) struct Fresh(Cell<u32>);

impl Fresh {
    /// A new name for a variable.
    pub(crate) fn rename(&self, name: &str) -> Name {
        let number = self.0.get();
        self.0.set(number.wrapping_add(1));
        format!("{name}#{number}").into()
    }

    /// A variable for a part of an expression.
    pub(crate) fn term(&self, span: Span) -> Term {
        Term::var(span, &self.rename(""))
    }
}

/// The name as the module has it.
pub(crate) fn shown(name: &str) -> &str {
    if name.starts_with("$_") {
        return "_";
    }
    name.split('#').next().unwrap_or(name)
}

/// Whether a rewrite made the variable.
pub(crate) fn is_generated(name: &str) -> bool {
    name.starts_with('#')
}

pub(crate) fn is_wildcard(name: &str) -> bool {
    name.starts_with("$_")
}
