//! The schemas of a policy inside a worker, which may not survive them.

use writ_model::Diagnostic;
use writ_model::run::{Document, Schemas};
use writ_schema::CompiledSchemas;

use crate::language::{Program, Runtime};
use crate::{Failure, Source, capture};

/// Compiles the schemas of a policy.
///
/// # Errors
/// [`Failure::Schema`] for the first one that does not compile.
pub(super) fn compile(schemas: &Schemas) -> Result<CompiledSchemas, Failure> {
    CompiledSchemas::compile(schemas, capture::mark)
}

/// Compiles the schemas of a policy and applies them to values.
///
/// # Errors
/// [`Failure::Schema`]; [`Failure::InvalidInput`] with the violations.
pub(super) fn validate(
    schemas: &Schemas,
    documents: &[Document],
) -> Result<CompiledSchemas, Failure> {
    let compiled = compile(schemas)?;
    compiled.check_documents(documents, capture::mark)?;
    Ok(compiled)
}

/// The runtime of a zygote that has loaded no language.
pub(super) fn runtime() -> Box<dyn Runtime> {
    Box::new(NoLanguage)
}

struct NoLanguage;

impl Runtime for NoLanguage {
    fn compile(&mut self, _: &Source) -> Result<Box<dyn Program>, Vec<Diagnostic>> {
        let message = "this worker has loaded no language and compiles no code";
        Err(vec![Diagnostic::error("engine.no-language", message)])
    }
}
