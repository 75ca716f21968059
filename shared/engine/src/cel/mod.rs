//! CEL, run by cel.

use writ_model::Diagnostic;

use crate::Source;
use crate::language::{Program, Runtime};

/// The language's runtime; it has nothing to start.
pub(crate) fn runtime() -> impl Runtime {
    Cel
}

struct Cel;

impl Runtime for Cel {
    fn compile(&mut self, _source: &Source) -> Result<Box<dyn Program>, Vec<Diagnostic>> {
        Err(vec![Diagnostic::error("cel.absent", "this build runs no cel policies")])
    }
}
