//! Test cases on a server: the same policies, inputs and expectations, run by `execute_policy`.

use serde_json::{Value, json};
use writ_model::{Error, ErrorKind, Execution};

use super::Case;
use crate::client::{ApiRequest, Client};
use crate::error::CliError;
use crate::policy_file::PolicyFile;

/// A policy that is registered on the server while its cases run.
pub(crate) struct RemotePolicy<'c> {
    client: &'c Client,
    uri: String,
}

impl<'c> RemotePolicy<'c> {
    /// Registers the policy. The inner error is the server's refusal of the policy.
    ///
    /// # Errors
    /// A server that cannot be reached, and a URI that is registered already: a test must not
    /// replace an existing policy.
    pub(crate) fn register(
        client: &'c Client,
        file: &PolicyFile,
    ) -> Result<Result<Self, Error>, CliError> {
        let request = ApiRequest::post(&["policy"], file.document.as_str());
        match client.try_send(&request)? {
            Ok(response) => {
                let stored: Value = serde_json::from_str(&response.data).unwrap_or_default();
                let uri = stored.get("policy_rule_uri").and_then(Value::as_str).unwrap_or_default();
                Ok(Ok(Self { client, uri: uri.to_owned() }))
            }
            Err(problem) if problem.error.kind == ErrorKind::Conflict => {
                Err(client.failure(&request, &problem).help(
                    "tests register their own policies; use a server or a workspace without this one",
                ))
            }
            Err(problem) => Ok(Err(problem.error)),
        }
    }

    /// Runs a case and fetches its record. The inner error is that of a run that did not start.
    ///
    /// # Errors
    /// A server that cannot be reached, and a run without a record.
    pub(crate) fn run(&self, case: &Case) -> Result<Result<Execution, Error>, CliError> {
        let parameters = case
            .parameters
            .as_ref()
            .map(|text| format!(",\"parameters\":{text}"))
            .unwrap_or_default();
        let body = format!(
            "{{\"policy_rule_uri\":{},\"input_data\":{}{parameters}}}",
            json!(self.uri),
            case.input
        );
        let request = ApiRequest::post(&["executor", "builtin", "execute_policy"], body);
        let (execution_id, error) = match self.client.try_send(&request)? {
            Ok(response) => (response.execution_id, None),
            Err(problem) => (problem.execution_id, Some(problem.error)),
        };
        match (execution_id, error) {
            (Some(id), _) => {
                let request = ApiRequest::get(&["executions", &id]);
                let record = self.client.send(&request)?.data;
                serde_json::from_str(&record).map(Ok).map_err(|error| {
                    CliError::from_error(&Error::internal(error))
                        .note(format!("execution {id} is not a valid record"))
                })
            }
            (None, Some(error)) => Ok(Err(error)),
            (None, None) => Err(CliError::from_error(&Error::internal("a run without a record"))),
        }
    }

    /// Deletes the policy from the server.
    ///
    /// # Errors
    /// A server that cannot be reached.
    pub(crate) fn remove(self) -> Result<(), CliError> {
        self.client
            .send(&ApiRequest::new(ureq::http::Method::DELETE, &["policy", &self.uri]))
            .map(drop)
    }
}
