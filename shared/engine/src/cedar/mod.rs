//! Cedar, run by cedar-policy.

use writ_model::Diagnostic;

use crate::Source;
use crate::language::{Program, Runtime};

/// The language's runtime; it has nothing to start.
pub(crate) fn runtime() -> impl Runtime {
    Cedar
}

struct Cedar;

impl Runtime for Cedar {
    fn compile(&mut self, _source: &Source) -> Result<Box<dyn Program>, Vec<Diagnostic>> {
        Err(vec![Diagnostic::error("cedar.absent", "this build runs no cedar policies")])
    }
}
