//! Validation of values against a policy's schemas, without a run.

use writ_model::run::{Document, Failure};
use writ_model::{Error, Workspace};
use writ_ports::ValidateDocuments;

use crate::{CompiledPolicy, errors};

/// Validates values against the schemas of a policy. Without a value nothing is asked of a worker.
///
/// # Errors
/// [`writ_model::ErrorKind::SchemaViolation`] with every location;
/// [`writ_model::ErrorKind::InvalidRequest`] for a schema that cannot be applied, as that of a policy
/// which an older release has registered; why no worker was available.
pub async fn validate_documents(
    ports: &impl ValidateDocuments,
    workspace: &Workspace,
    policy: &CompiledPolicy,
    documents: Vec<Document>,
) -> Result<(), Error> {
    if documents.is_empty() {
        return Ok(());
    }
    let source = policy.source().clone();
    let validated = ports.validate_documents(workspace, source, documents).await;
    validated.map_err(|failure| match failure {
        Failure::Schema { location, message } => {
            let uri = &policy.policy().policy_rule_uri;
            Error::invalid(format!(
                "the schema `{location}` of the policy `{uri}` cannot be applied: {message}"
            ))
        }
        failure => errors::to_error(failure),
    })
}
