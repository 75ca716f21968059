//! What a policy must pass before it is registered.

use writ_edge::Reply;
use writ_model::run::Failure;
use writ_model::{Diagnostic, Error, PolicyRule, Workspace, with_defaults};
use writ_pipeline::CompiledPolicy;
use writ_ports::{Evaluate, GetPolicy};

/// Compiles schemas and code and applies the schemas to the stored values, in one worker, and looks
/// for the policies that this one names.
///
/// Returns what its author should know though it can be registered.
///
/// # Errors
/// What cannot run, with its place in the policy; code with line and column.
pub(crate) async fn validate(
    ports: &(impl Evaluate + GetPolicy),
    workspace: &Workspace,
    policy: &PolicyRule,
) -> Result<Vec<Diagnostic>, Error> {
    let prepared = CompiledPolicy::new(policy.clone())?;
    let mut warnings = compile(ports, workspace, &prepared).await?;
    let named = [
        (
            "policy.no-precheck",
            "precheck_policy_uri",
            prepared.precheck(),
            "until it is there, every run is refused",
        ),
        (
            "policy.no-failure-policy",
            "failure_policy_uri",
            prepared.failure_policy(),
            "until it is there, failed runs are followed by nothing",
        ),
    ];
    for (code, field, uri, help) in named {
        let Some(uri) = uri else { continue };
        if ports.get_policy(workspace, uri).await?.is_none() {
            let message = format!("`metadata.{field}` names `{uri}`, and there is no such policy");
            warnings.push(Diagnostic::warning(code, message).help(help));
        }
    }
    Ok(warnings)
}

/// Compiles the schemas and the code of a policy, and applies the schemas to its stored values.
///
/// Returns the compiler's warnings.
///
/// # Errors
/// What does not compile, with its location, and code with line and column; stored values that do not
/// fit their schemas.
pub(crate) async fn compile(
    ports: &impl Evaluate,
    workspace: &Workspace,
    prepared: &CompiledPolicy,
) -> Result<Vec<Diagnostic>, Error> {
    match ports.check(workspace, prepared.source().clone(), prepared.stored_documents()).await {
        Ok(checked) => Ok(checked.warnings),
        Err(failure @ Failure::Compile(_)) => Err(writ_pipeline::to_error(failure).at("/code")),
        Err(
            failure @ (Failure::Schema { .. }
            | Failure::InvalidInput(_)
            | Failure::WorkerLost { .. }
            | Failure::Busy { .. }),
        ) => Err(writ_pipeline::to_error(failure)),
        // The compiler itself ran out of time, memory or stack.
        Err(failure) => {
            Err(Error::invalid(format!("the code cannot be compiled: {failure}")).at("/code"))
        }
    }
}

/// The reply to a write: the stored policy with every field, and the compiler's warnings beside it where there are
/// any.
pub(crate) fn stored_reply(body: &str, warnings: &[Diagnostic]) -> Result<Reply, Error> {
    let body = with_defaults(body)?;
    if warnings.is_empty() {
        return Ok(Reply::data(&body));
    }
    let warnings = serde_json::to_string(warnings).map_err(Error::internal)?;
    Ok(Reply::data_with(&body, &[("warnings", &warnings)]))
}
