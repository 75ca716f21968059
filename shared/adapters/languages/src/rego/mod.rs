//! Rego policies, run by the crate `writ-rego`, which decides as the Open Policy Agent does.
//!
//! A policy is a module in the syntax of OPA 1.0, and further modules if it has any (see [`form`]). Its query is `functionality_data.query`, a path such as `data.authz.allow`; without
//! one, the whole package document `data.<package>`. The modules see the caller's `input`, and
//! `data.parameters`, `data.settings`, `data.context`. One evaluator runs every policy, with and without
//! coverage.

mod bounds;
mod compile;
mod diagnose;
mod form;
mod program;
mod query;
#[cfg(test)]
mod refused;
mod schema;
mod value;

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
