//! CEL policies, run by the crate `cel`.
//!
//! A policy's code is one expression, or a JSON object that names several. Expressions see the
//! documents `input`, `parameters`, `settings` and `context`, and the time `now`; any other
//! name is refused when the policy is created, since the library would report it only in a run.
//!
//! The library keeps maps in hash tables, with an order that differs between processes. Loops over
//! maps follow the order of their keys (see [`order`]), and so does the output.

mod compile;
mod failure;
mod macros;
mod names;
mod network;
mod number;
mod order;
mod print;
mod program;
mod resolve;
mod source;
mod value;

use writ_model::Diagnostic;

use crate::Source;
use crate::language::{Program, Runtime};

/// Starts the language's runtime. The parser's tables are built here, once for all workers.
pub(crate) fn runtime() -> impl Runtime {
    let environment = compile::environment();
    if let Ok(environment) = &environment {
        let _ = environment.compile("[1].all(x, x > 0)");
    }
    Cel
}

struct Cel;

impl Runtime for Cel {
    fn compile(&mut self, source: &Source) -> Result<Box<dyn Program>, Vec<Diagnostic>> {
        let compiled = compile::compile(&source.code)?;
        Ok(Box::new(program::CelProgram::new(compiled)))
    }
}
