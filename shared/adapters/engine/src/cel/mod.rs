//! CEL, run by cel.
//!
//! A policy's code is one expression, or a JSON object that names several. Expressions see the
//! documents `input`, `parameters`, `settings` and `context`, and the time `now`; whatever else
//! they name is refused when the policy is created, since the library would only find it missing
//! when a run comes by.
//!
//! The library keeps maps in hash tables, whose order is another one in every process. Loops over
//! them are made to follow the order of their keys (see [`order`]), and so is what is printed.

mod compile;
mod failure;
mod names;
mod order;
mod print;
mod program;
mod resolve;
mod source;
mod value;

use writ_model::Diagnostic;

use crate::Source;
use crate::language::{Program, Runtime};

/// The language's runtime. The parser's tables are read here, once for all workers.
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
