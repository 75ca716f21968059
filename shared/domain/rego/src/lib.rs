//! Rego, as the Open Policy Agent decides: modules are parsed, checked and lowered to steps, and one evaluator runs them.
//!
//! [`compile`] makes a [`Policy`] of [`Module`]s, [`Policy::prepare`] a [`Query`] of a path, and
//! [`Policy::evaluate`] decides. Nothing here reads a clock, draws random numbers or does I/O: a run gets its time
//! and its seed with the context of the builtins.

mod api;
mod builtins;
mod compile;
mod core;
mod diagnostic;
mod eval;
mod syntax;

pub use api::{EvalError, Module, NoSink, Options, Policy, Query, Rule, Sink, Version, compile};
pub use diagnostic::{Diagnostic, Span};
pub use writ_rego_builtins as builtin;
