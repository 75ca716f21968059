//! Rego, run by regorus.
//!
//! A policy is one module in the syntax of OPA 1.0. Its query is `functionality_data.query`, a
//! path such as `data.authz.allow`; without one, the whole package document `data.<package>`.
//! The module sees the caller's `input`, and `data.parameters`, `data.settings`, `data.context`.
//!
//! Two evaluators share one compiled module. The bytecode machine is the fast one, and runs what
//! is a pure function of its documents and means the same there (see [`sound`]). The interpreter is
//! the reference: it runs what reads the clock, draws random numbers, prints, replaces values by
//! `with` or calls a builtin whose cost only its arguments tell; it measures coverage; and whatever
//! fails in the machine is decided by it, because it alone knows the place of an error.

mod bounds;
mod builtins;
mod compile;
mod diagnose;
mod inspect;
mod program;
mod query;
mod recursion;
mod sound;
mod value;

use writ_model::Diagnostic;

use crate::Source;
use crate::language::{Program, Runtime};

/// The language's runtime; it has nothing to start.
pub(crate) fn runtime() -> impl Runtime {
    Rego
}

struct Rego;

impl Runtime for Rego {
    fn compile(&mut self, source: &Source) -> Result<Box<dyn Program>, Vec<Diagnostic>> {
        let compiled = compile::compile(source)?;
        Ok(Box::new(program::RegoProgram::new(compiled)))
    }
}
