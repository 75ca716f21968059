//! From text to a tree: both versions of the language.

pub(crate) mod ast;
mod lexer;
mod literals;
mod modules;
mod parser;
mod rules;
mod terms;
pub(crate) mod visit;

pub(crate) use modules::{parse_module, parse_query, reference};
pub(crate) use terms::is_root;
