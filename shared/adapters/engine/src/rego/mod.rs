//! Rego, run by regorus.
//!
//! A policy is a module in the syntax of OPA 1.0 and, if it says so, others beside it (see
//! [`form`]). Its query is `functionality_data.query`, a path such as `data.authz.allow`; without
//! one, the whole package document `data.<package>`. The modules see the caller's `input`, and
//! `data.parameters`, `data.settings`, `data.context`.
//!
//! Two evaluators share the compiled modules. The bytecode machine is the fast one, and runs what
//! is a pure function of its documents and means the same there (see [`vm_support`]). The interpreter is
//! the reference: it runs what reads the clock, draws random numbers, prints, replaces values by
//! `with` or calls a builtin whose cost only its arguments tell; it measures coverage; and whatever
//! fails in the machine is decided by it, because it alone knows the place of an error.

mod bounds;
mod builtins;
mod compile;
#[cfg(test)]
mod conformance;
mod diagnose;
mod form;
mod inspect;
mod program;
mod query;
mod recursion;
mod scope;
mod value;
mod vm_support;

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
