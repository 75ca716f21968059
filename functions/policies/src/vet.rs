//! What a policy must pass before it is registered.

use writ_edge::Reply;
use writ_model::run::Failure;
use writ_model::{Diagnostic, Error, PolicyRule};
use writ_pipeline::Prepared;
use writ_ports::Evaluate;

/// Compiles schemas and code and holds the stored values against their schemas.
///
/// Returns the compiler's warnings.
///
/// # Errors
/// What cannot run, with its place in the policy; code with line and column.
pub(crate) async fn vet(
    ports: &impl Evaluate,
    policy: &PolicyRule,
) -> Result<Vec<Diagnostic>, Error> {
    let prepared = Prepared::new(policy.clone())?;
    prepared.check_stored()?;
    match ports.check(prepared.source().clone()).await {
        Ok(checked) => Ok(checked.warnings),
        Err(failure @ Failure::Compile(_)) => Err(writ_pipeline::to_error(failure).at("/code")),
        Err(failure @ (Failure::WorkerLost { .. } | Failure::Busy { .. })) => {
            Err(writ_pipeline::to_error(failure))
        }
        // The compiler itself ran out of time, memory or stack.
        Err(failure) => {
            Err(Error::invalid(format!("the code cannot be compiled: {failure}")).at("/code"))
        }
    }
}

/// The reply to a write: the stored body, and the compiler's warnings beside it where there are
/// any.
pub(crate) fn stored(body: &str, warnings: &[Diagnostic]) -> Result<Reply, Error> {
    if warnings.is_empty() {
        return Ok(Reply::data(body));
    }
    let warnings = serde_json::to_string(warnings).map_err(Error::internal)?;
    Ok(Reply::data_with(body, &[("warnings", &warnings)]))
}
