//! WebAssembly, run by wasmi.

use writ_model::Diagnostic;

use crate::Source;
use crate::language::{Program, Runtime};

/// The language's runtime; it has nothing to start.
pub(crate) fn runtime() -> impl Runtime {
    Wasm
}

struct Wasm;

impl Runtime for Wasm {
    fn compile(&mut self, _source: &Source) -> Result<Box<dyn Program>, Vec<Diagnostic>> {
        Err(vec![Diagnostic::error("wasm.absent", "this build runs no wasm policies")])
    }
}
