//! Rego policies, run by the crate `regorus`.
//!
//! A policy is a module in the syntax of OPA 1.0, and further modules if it has any (see [`form`]). Its query is `functionality_data.query`, a path such as `data.authz.allow`; without
//! one, the whole package document `data.<package>`. The modules see the caller's `input`, and
//! `data.parameters`, `data.settings`, `data.context`.
//!
//! Two evaluators share the compiled modules. The bytecode machine is the fast one. It runs modules
//! that are pure functions of their documents and have the same meaning there (see [`vm_support`]).
//! The interpreter is the reference. It runs modules that read the clock, draw random numbers, print,
//! replace values by `with` or call a builtin that must be bounded by its arguments, and it measures
//! coverage. A run that fails in the machine is repeated by the interpreter, which alone reports the
//! location of an error.

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

/// Starts the language's runtime, which needs no initialisation.
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
